//! What holds for any text: the loader never panics, and every span lies in the text.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use plan::spec::{self, Diagnostic};
use proptest::prelude::*;

const EVERYTHING: &str = include_str!("specs/valid/everything.yaml");
const WALK_THROUGH: &str = include_str!("../../../config/myapp.yaml");

fn sound(text: &str) -> Result<(), TestCaseError> {
    let diagnostics = match spec::load("any.yaml", text) {
        Ok(loaded) => loaded.warnings,
        Err(found) => {
            prop_assert!(found.iter().any(|d| d.severity == spec::Severity::Error));
            found
        }
    };
    for Diagnostic { span, code, .. } in &diagnostics {
        prop_assert!(text.get(span.clone()).is_some(), "{code}: {span:?} of {} bytes", text.len());
    }
    // It must not panic either.
    for color in [false, true] {
        let told = spec::render("any.yaml", text, &diagnostics, color);
        prop_assert_eq!(told.as_str().is_empty(), diagnostics.is_empty());
    }
    for diagnostic in &diagnostics {
        prop_assert!(diagnostic.locate("any.yaml", text).line >= 1);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn any_text(text in "\\PC{0,200}") {
        sound(&text)?;
    }

    #[test]
    fn any_yaml_like_text(text in "([a-z_]{1,9}:|[ \\n\\r\\t-]|[{}\\[\\],&*!|>'\"#%@`?]|é|🔑|null|0x1F|1e3|true){0,60}") {
        sound(&text)?;
    }

    #[test]
    fn a_valid_spec_with_a_cut(start in 0..EVERYTHING.len(), length in 0..40_usize) {
        let start = EVERYTHING.floor_char_boundary(start);
        let end = EVERYTHING.ceil_char_boundary((start + length).min(EVERYTHING.len()));
        sound(&format!("{}{}", &EVERYTHING[..start], &EVERYTHING[end..]))?;
    }

    #[test]
    fn a_valid_spec_with_something_put_in(
        start in 0..WALK_THROUGH.len(),
        put in "[a-z]{0,3}|\\PC{0,6}|\n|\r\n|: |- |\"|'|\\{|\\[|# |é|null|-1|&a |\\*a",
    ) {
        let start = WALK_THROUGH.floor_char_boundary(start);
        sound(&format!("{}{put}{}", &WALK_THROUGH[..start], &WALK_THROUGH[start..]))?;
    }

    #[test]
    fn a_literal_secret_is_never_shown(secret in "[!-~]{9,24}", key in "value|password|initial|secret_string|pwd", flow in any::<bool>()) {
        let secret = secret.trim_matches(|c| "{}[],#".contains(c));
        prop_assume!(secret.len() >= 9 && !spec_words(secret));
        let text = if flow {
            format!("name: shop\nsecret: {{name: shop/db, {key}: {secret}}}\n")
        } else {
            format!("name: shop\nsecret:\n  name: shop/db\n  {key}: {secret}\n")
        };
        let found = spec::load("any.yaml", &text).err().unwrap_or_default();
        let json = found.iter().map(|d| serde_json::to_string(&d.locate("any.yaml", &text)).unwrap());
        let told: String = json.chain([spec::render("any.yaml", &text, &found, false).to_string()]).collect();
        // A part of it may be anything else's, so only what is long enough to tell.
        prop_assert!(!told.contains(secret), "{}", told);
    }
}

/// Whether a rendering may have it of its own accord.
fn spec_words(secret: &str) -> bool {
    ["---------", "^^^^^^^^^"].iter().any(|own| own.contains(secret) || secret.contains(own))
}

#[test]
fn a_file_over_the_limit_is_not_read() {
    let text = "x".repeat(spec::MAX_FILE_SIZE + 1);
    let found = spec::load("big.yaml", &text).unwrap_err();
    assert_eq!(found[0].code, "file-too-large");
    assert!(!spec::render("big.yaml", &text, &found, false).as_str().contains("xxx"));
}

#[test]
fn no_line_of_a_file_speaks_to_the_terminal() {
    let text = "name: shop\nnmae: \u{85}x \u{7f}\n";
    let found = spec::load("any.yaml", text).unwrap_err();
    let told = spec::render("any.yaml", text, &found, false);
    assert!(!told.as_str().chars().any(|c| !plan::render::is_plain(c) && c != '\n'), "{told:?}");
}
