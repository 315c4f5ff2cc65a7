//! Spec files of all kinds against the loader: what it makes of the valid, and what it says of the invalid.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use plan::spec::{self, Diagnostic, Loaded};

fn yaml_files(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "yaml")).collect();
    files.sort();
    assert!(!files.is_empty(), "no file in {}", folder.display());
    files.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}

fn rendered(name: &str, text: &str, diagnostics: &[Diagnostic]) -> String {
    spec::render(&format!("{name}.yaml"), text, diagnostics, false).to_string().trim_end().to_owned()
}

#[test]
fn valid_specs_load() {
    for (path, text) in yaml_files("tests/specs/valid") {
        let name = stem(&path);
        let Loaded { spec, warnings, places: _ } =
            spec::load(&name, &text).unwrap_or_else(|found| panic!("{}", rendered(&name, &text, &found)));
        insta::assert_snapshot!(format!("valid-{name}"), format!("{spec:#?}\n\n{}", rendered(&name, &text, &warnings)));
    }
}

#[test]
fn invalid_specs_are_explained() {
    for (path, text) in yaml_files("tests/specs/invalid") {
        let name = stem(&path);
        let found = spec::load(&format!("{name}.yaml"), &text).err().unwrap_or_else(|| panic!("{name} loads"));
        let told = rendered(&name, &text, &found);
        assert!(
            found.iter().all(|d| !d.message.is_empty() && (d.help.is_some() || d.code == "yaml-syntax")),
            "no mend:\n{told}"
        );
        let json = serde_json::to_string(&found.iter().map(|d| d.locate(&name, &text)).collect::<Vec<_>>()).unwrap();
        for one in found.iter().map(|d| rendered(&name, &text, std::slice::from_ref(d))).chain([told.clone(), json]) {
            assert!(!one.contains("hunter2"), "a secret is shown:\n{one}");
        }
        insta::assert_snapshot!(format!("invalid-{name}"), told);
    }
}

#[test]
fn no_spec_with_an_admin_and_without_a_connection_loads() {
    for (kind, options) in [
        ("postgres", "strategy: single-user"),
        ("postgres", "strategy: alternating-users"),
        ("mysql", "strategy: single-user"),
        ("mysql", "strategy: alternating-users"),
        ("redis", "tls: off"),
    ] {
        for initial in ["generate", "{env: PASSWORD}", "{file: ./value}", "{prompt: true}"] {
            let text = |connection: &str| {
                format!(
                    "name: shop\naccount: \"123456789012\"\nregion: us-east-1\n\
                     secret: {{name: shop/db, initial: {initial}}}\nschedule: {{expression: rate(30 days)}}\n\
                     target: {{{kind}: {{{options}, admin_secret: shop/admin{connection}}}}}\n"
                )
            };
            for absent in ["", ", connection: null"] {
                let found = spec::load("shop.yaml", &text(absent)).unwrap_err();
                let errors: Vec<_> = found.iter().filter(|d| d.severity == spec::Severity::Error).collect();
                let [error] = &errors[..] else { panic!("{kind} {options} {initial}: {errors:?}") };
                assert_eq!(error.code, "target-admin");
                assert!(error.help.as_deref().unwrap().contains("connection: {host: "), "{error:?}");
            }
            assert!(spec::load("shop.yaml", &text(", connection: {host: db, username: app}")).is_ok());
        }
    }
}

#[test]
fn shipped_specs_load() {
    for (path, text) in yaml_files("../../config") {
        let name = stem(&path);
        let loaded = spec::load(&name, &text).unwrap_or_else(|found| panic!("{}", rendered(&name, &text, &found)));
        insta::assert_snapshot!(format!("config-{name}"), rendered(&name, &text, &loaded.warnings));
    }
}

#[test]
fn the_schema_file_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec.schema.json");
    let current = format!("{}\n", serde_json::to_string_pretty(&spec::schema()).unwrap());
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == current, "out of date; write it by `deploy schema > spec.schema.json`");
}
