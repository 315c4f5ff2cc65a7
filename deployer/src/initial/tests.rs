//! What goes in is stored as it is documented, or is refused, and no message ever quotes it.

use std::sync::LazyLock;

use plan::spec;
use proptest::prelude::*;

use super::*;

const WALK_THROUGH: &str = include_str!("../../../config/myapp.yaml");
/// Letters of no message: a single one of them in a message is a quotation.
const LETTERS: [&str; 4] = ["ж", "щ", "ю", "ѣ"];

fn spec(field: Option<&str>) -> Spec {
    static SPEC: LazyLock<Spec> = LazyLock::new(|| spec::load("myapp.yaml", WALK_THROUGH).unwrap().spec);
    let mut spec = SPEC.clone();
    spec.secret.field = field.map(Into::into);
    spec
}

fn stored(given: &[u8], spec: &Spec) -> Result<String, Unfit> {
    read(given, spec).map(|value| value.to_string())
}

/// Line and column of a refusal.
fn refused_at(given: &str) -> (usize, usize) {
    match stored(given.as_bytes(), &spec(Some("password"))) {
        Err(Unfit::NotJson { place, .. } | Unfit::Control(place) | Unfit::FieldTwice(place)) => {
            (place.line, place.column)
        }
        other => panic!("{given:?}: {other:?}"),
    }
}

#[test]
fn what_begins_like_json_and_is_not_is_refused_at_its_place_and_never_the_password() {
    for (given, place) in [
        (r#"{"password": "hunter22""#, (1, 24)),
        (r#"{"password": "hunter22"#, (1, 23)),
        (r#"{"password": "hunter22",}"#, (1, 25)),
        (r#"{"password": hunter22}"#, (1, 14)),
        (r#"{"password": 'hunter22'}"#, (1, 14)),
        (r#"{"password": "hunter22"} x"#, (1, 26)),
        ("{\"user\": \"é\",\n  \"é\": \"é\" \"password\": \"hunter22\"}", (2, 12)),
        ("{", (1, 2)),
        ("  {hunter22", (1, 4)),
        ("{hunter22}", (1, 2)),
        ("[hunter22", (1, 2)),
        ("\"hunter22", (1, 10)),
        ("{\n", (1, 2)),
        ("{\n\n", (2, 1)),
        // The parser stops before it.
        ("{\"password\": \"a\tb\"}", (1, 15)),
        (r#"{"password": "a", "password": "b"}"#, (1, 31)),
        (r#"{"password": "a", "p\u0061ssword": "b"}"#, (1, 36)),
        ("{\"password\": \"a\",\n\"x\": 1, \"x\":\n 2}", (3, 2)),
    ] {
        assert_eq!(refused_at(given), place, "{given:?}");
    }
}

#[test]
fn json_that_is_no_document_is_refused_and_digits_and_words_are_passwords() {
    for given in [r#"["hunter22"]"#, r#""hunter22""#, "[]", r#"[{"password": "hunter22"}]"#] {
        let refused = stored(given.as_bytes(), &spec(Some("password")));
        assert_eq!(refused, Err(Unfit::NotObject("password".to_owned())), "{given}");
    }
    for given in ["12345678", "-1.5e3", "true", "null", "hunter{\"22\"}", "'hunter22'", " 12345678 ", "}", "\\{"] {
        let value: serde_json::Value =
            serde_json::from_str(&stored(given.as_bytes(), &spec(Some("password"))).unwrap()).unwrap();
        assert_eq!(value, serde_json::json!({"password": given}));
    }
}

#[test]
fn a_document_has_a_password_in_the_field_that_rotates() {
    let refused = |given: &str| stored(given.as_bytes(), &spec(Some("password"))).unwrap_err();
    let name = || "password".to_owned();
    for given in ["{}", r#"{"Password": "x"}"#, r#"{"x": {"password": "x"}}"#] {
        assert_eq!(refused(given), Unfit::NoField(name()), "{given}");
    }
    for value in ["1", "true", "[]", "{}", "1e400", r#""\ud800""#] {
        assert_eq!(refused(&format!(r#"{{"password": {value}}}"#)), Unfit::NotText(name()), "{value}");
    }
    assert_eq!(refused(r#"{"password": ""}"#), Unfit::NoPassword(name()));
    for value in ["\\n", "a\\u0000b", "a\\r\\n", "\u{7f}"] {
        assert_eq!(refused(&format!(r#"{{"password": "{value}"}}"#)), Unfit::ControlInField(name()), "{value}");
    }
    // No password yet; a database would not let anybody in.
    let null = r#"{"password": null, "user": "app"}"#;
    assert_eq!(stored(null.as_bytes(), &spec(Some("password"))).unwrap(), null);
    let mut database = spec(Some("password"));
    database.target = contract::Target::Postgres(contract::Login::default());
    assert_eq!(stored(null.as_bytes(), &database), Err(Unfit::NoPassword(name())));
}

#[test]
fn a_password_alone_has_one_line() {
    for (given, place) in
        [("a\nb", (1, 2)), ("a\n\n", (1, 2)), ("a\r\n\r\n", (1, 2)), ("\na", (1, 1)), ("é\ta", (1, 2))]
    {
        assert_eq!(refused_at(given), place, "{given:?}");
    }
    for field in [None, Some("password")] {
        assert!(stored(b"a b \n", &spec(field)).unwrap().contains("a b "), "blanks are the value's");
    }
    // Without a field it may be anything, and nothing of it is read.
    for given in ["a\nb", "{\"password\": \"x", "[", "\"a\"", "\ta"] {
        assert_eq!(stored(format!("{given}\r\n").as_bytes(), &spec(None)).unwrap(), given);
    }
}

#[test]
fn a_generated_password_is_one_whatever_it_begins_with() {
    let mut spec = spec(Some("password"));
    spec.secret.initial = Initial::Generate;
    spec.password = contract::PasswordPolicy {
        require: vec![contract::Class::Symbol],
        symbols: "{[\"".to_owned(),
        ..spec.password
    };
    let value = obtain(&spec, Path::new("")).unwrap();
    let value: serde_json::Value = serde_json::from_str(value.expose()).unwrap();
    assert!(value["password"].as_str().unwrap().starts_with(['{', '[', '"']));
}

#[test]
fn a_file_and_a_pipe_give_the_same_to_the_limit_and_no_byte_more() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = spec(None);
    spec.secret.initial = Initial::File("first".into());
    let path = folder.path().join("first");
    let most = "x".repeat(MAX_VALUE);
    for (content, is_stored) in [
        (format!("\u{feff}{most}\r\n"), true),
        (format!("{most}\n"), true),
        (most.clone(), true),
        (format!("{most}x"), false),
        (format!("{most}x\n"), false),
        (format!("\u{feff}{most}\r\n\n"), false),
        ("é".repeat(MAX_VALUE / 2 + 1), false),
    ] {
        std::fs::write(&path, &content).unwrap();
        let from_file = obtain(&spec, folder.path()).map(|value| value.expose().to_owned());
        std::fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let writer = std::thread::spawn({
            let path = path.clone();
            // It is refused what nobody reads any more.
            move || drop(std::fs::write(path, content))
        });
        let from_pipe = obtain(&spec, folder.path()).map(|value| value.expose().to_owned());
        writer.join().unwrap();
        std::fs::remove_file(&path).unwrap();
        for value in [from_file, from_pipe] {
            match value {
                Ok(value) => assert!(is_stored && value == most),
                Err(error) => {
                    assert!(!is_stored, "{error}");
                    let told = format!("the file {}, has more than the 65536 bytes", path.display());
                    assert!(error.to_string().contains(&told), "{error}");
                }
            }
        }
    }
}

#[test]
fn what_the_frame_of_a_password_makes_too_long_is_refused() {
    let spec = spec(Some("password"));
    let most = MAX_VALUE - r#"{"password":""}"#.len();
    let mut from_file = spec.clone();
    from_file.secret.initial = Initial::File("first".into());
    let folder = tempfile::tempdir().unwrap();
    for (length, is_stored) in [(most, true), (most + 1, false)] {
        std::fs::write(folder.path().join("first"), "x".repeat(length)).unwrap();
        assert_eq!(obtain(&from_file, folder.path()).is_ok(), is_stored, "{length}");
    }
}

#[test]
fn a_refusal_names_its_source_and_the_mend() {
    let mut spec = spec(Some("password"));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("first"), "{\"password\": \"hunter22\"").unwrap();
    spec.secret.initial = Initial::File("first".into());
    let told = obtain(&spec, folder.path()).unwrap_err().to_string();
    let told = told.replace(&folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(told, @r#"the secret's first value, from the file FOLDER/first, begins like JSON, and is not valid JSON at line 1, column 24: correct it; a password that begins with `{`, `[` or `"` is given inside of a document, as `{"password": "..."}`"#);
    spec.secret.initial = Initial::Env("A_VARIABLE_THAT_IS_NOT_SET".to_owned());
    insta::assert_snapshot!(obtain(&spec, folder.path()).unwrap_err(), @"the environment variable A_VARIABLE_THAT_IS_NOT_SET is not set; `secret.initial` takes the first value from it");
}

/// Pieces of which anything may be made that the parser makes a difference of.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let texts = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "\\",
        " ",
        "\n",
        "\r\n",
        "\r",
        "\t",
        "\0",
        "\u{1}",
        "\u{feff}",
        "null",
        "7",
        "-",
        "true",
        "\"password\"",
        "{\"password\":\"",
        "{\"password\":",
        "\"}",
        "\\\"",
        "\\n",
        "\\u0436",
    ];
    let bytes: [&[u8]; 4] = [b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xd0"];
    let all: Vec<Vec<u8>> = texts.iter().chain(&LETTERS).map(|text| text.as_bytes().to_vec()).collect();
    let all = [all, bytes.map(<[u8]>::to_vec).to_vec()].concat();
    prop::collection::vec(prop::sample::select(all), 0..12).prop_map(|pieces| pieces.concat())
}

/// Documents with a password, and the like with a piece put in or a part cut out.
fn documents() -> impl Strategy<Value = Vec<u8>> {
    let name = prop::sample::select(vec!["password", "user", "ж", "password2"]);
    let value =
        prop::sample::select(vec!["\"жщюѣ\"", "\"ж\\\"щ\"", "null", "7", "[\"ю\"]", "{\"password\":\"ѣ\"}", "\"\""]);
    let fields = prop::collection::vec((name, value), 0..4);
    let blank = || prop::sample::select(vec!["", " ", "\n", "\r\n", "\u{feff}"]);
    (fields, blank(), blank(), pieces(), any::<prop::sample::Index>(), 0_usize..3).prop_map(
        |(fields, before, behind, piece, place, change)| {
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
            let mut text = format!("{before}{{{}}}{behind}", fields.join(", ")).into_bytes();
            let at = place.index(text.len());
            match change {
                0 => drop(text.drain(at..)),
                1 => drop(text.splice(at..at, piece)),
                _ => {}
            }
            text
        },
    )
}

/// What the documentation says is stored, by other means than the parser's; the field is `password`.
fn documented(given: &[u8], has_field: bool) -> Option<serde_json::Value> {
    if given.starts_with(b"\xff\xfe") || given.starts_with(b"\xfe\xff") {
        return None;
    }
    let text = String::from_utf8(given.to_vec()).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let ends = ["\r\n", "\n", "\r"];
    let end = ends.iter().find(|end| text.ends_with(**end)).map_or(0, |end| end.len());
    let text = &text[..text.len() - end];
    if text.is_empty() || text.contains('\0') {
        return None;
    }
    if !has_field {
        return Some(text.into());
    }
    if ["{", "[", "\""].iter().any(|begin| text.trim_matches([' ', '\n', '\r', '\t']).starts_with(begin)) {
        let document: serde_json::Value = serde_json::from_str(text).ok()?;
        let password = document.as_object()?.get("password")?;
        let is_password = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
        return (password.is_null() || password.as_str().is_some_and(is_password)).then(|| text.into());
    }
    (!text.chars().any(char::is_control)).then(|| serde_json::json!({"password": text}).to_string().into())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn whatever_goes_in_is_stored_as_documented_or_refused_and_never_quoted(
        given in prop_oneof![pieces(), documents()],
        has_field: bool,
    ) {
        let (spec, expected) = (spec(has_field.then_some("password")), documented(&given, has_field));
        match stored(&given, &spec) {
            Ok(value) => prop_assert_eq!(Some(serde_json::Value::from(value)), expected),
            Err(unfit) => {
                prop_assert!(expected.is_none() || matches!(unfit, Unfit::FieldTwice(_)), "{}", unfit);
                let error = InitialError::Unfit { origin: Origin::Prompt, unfit };
                for told in [error.to_string(), format!("{error:?}")] {
                    prop_assert!(told.is_ascii(), "{}", told);
                }
            }
        }
    }
}
