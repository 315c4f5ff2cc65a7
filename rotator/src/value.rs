//! Edits of a secret's value that keep all else, byte for byte.

use std::collections::BTreeMap;

use contract::{Fields, Part, Template};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use crate::secret::SecretText;

/// The largest value that Secrets Manager takes, in bytes.
pub const MAX_BYTES: usize = 65_536;

/// All but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why a value cannot be edited; never a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A field is to rotate, but the value is no JSON object.
    #[error("the secret's value is not a JSON object, so it has no field to rotate")]
    NotAnObject,
    /// The field is not there; a misspelt name must not add a field that nobody reads.
    #[error("the secret's JSON object has no field of the configured name")]
    NoField,
    /// The field occurs twice, and readers disagree about which one counts.
    #[error("the secret's JSON object has the configured field more than once")]
    FieldTwice,
    /// The field is a number, a list, an object or a boolean.
    #[error("the configured field is neither text nor null")]
    NotText,
    /// A derived field cannot be made.
    #[error("a derived field is made from a field that the secret's JSON object does not have as text or number")]
    NotDerivable,
    /// What a login needs is not there.
    #[error("the secret's JSON object has no `{0}`, which a login needs, or not in its right form")]
    NoLogin(&'static str),
    /// The value is for another kind of server.
    #[error("the secret's `engine` is not the one of the configured target")]
    Engine,
    /// The clone user's name would be longer than the server takes.
    #[error("the clone user's name would be longer than the server takes")]
    LongName,
    /// The new value would be larger than Secrets Manager takes.
    #[error("the new value would have {0} bytes, more than the {MAX_BYTES} that Secrets Manager takes")]
    TooLarge(usize),
}

/// The value with `password` in its `field`, or all of it where no field is named; a first value where there is none.
///
/// The field's own bytes are cut out and replaced. All others stay as they are: order, white space, escapes, the
/// spelling of numbers, and even a duplicate of another key.
///
/// # Errors
/// The value has no such field to replace, or would grow too large.
pub fn with_password(
    value: Option<&SecretText>,
    field: Option<&str>,
    password: &SecretText,
) -> Result<SecretText, Unfit> {
    match (value, field) {
        (_, None) => fitting(SecretText::concat(&[password.expose()])),
        (None, Some(field)) => {
            let (field, password) = (quoted(field), quoted(password.expose()));
            fitting(SecretText::concat(&["{", field.expose(), ":", password.expose(), "}"]))
        }
        (Some(value), Some(field)) => with_field(value, field, password.expose()),
    }
}

/// The object with `text` in a field that it has.
///
/// # Errors
/// As for [`with_password`].
pub fn with_field(object: &SecretText, field: &str, text: &str) -> Result<SecretText, Unfit> {
    let object = object.expose();
    let (start, end) = span(object, field)?;
    fitting(SecretText::concat(&[&object[..start], quoted(text).expose(), &object[end..]]))
}

/// The object with its derived fields made anew; those that it lacks are added at its end.
///
/// # Errors
/// A template's field is not there, or the value would grow too large.
pub fn with_derived(object: SecretText, derived: &BTreeMap<String, Template>) -> Result<SecretText, Unfit> {
    derived.iter().try_fold(object, |object, (field, template)| {
        let text = rendered(&object, template)?;
        match with_field(&object, field, text.expose()) {
            Err(Unfit::NoField) => with_further_field(&object, field, text.expose()),
            result => result,
        }
    })
}

/// The text of an object's field, a number as it is spelled; `None` where the field is absent or null.
///
/// # Errors
/// The value is no object, the field occurs twice, or is of another type.
pub fn text(object: &SecretText, field: &str) -> Result<Option<SecretText>, Unfit> {
    let raw = match raw(object.expose(), field) {
        Err(Unfit::NoField) => return Ok(None),
        raw => raw?,
    };
    match raw.as_bytes().first() {
        Some(b'"') => serde_json::from_str::<String>(raw).map(|text| Some(text.into())).map_err(|_| Unfit::NotText),
        Some(b'-' | b'0'..=b'9') => Ok(Some(raw.to_owned().into())),
        Some(b'n') => Ok(None),
        _ => Err(Unfit::NotText),
    }
}

fn rendered(object: &SecretText, template: &Template) -> Result<SecretText, Unfit> {
    let part = |part: &Part| match part {
        Part::Text(text) => Ok(text.clone().into()),
        Part::Field { name, percent } => {
            let text = text(object, name).ok().flatten().ok_or(Unfit::NotDerivable)?;
            Ok(if *percent { percent_encode(text.expose().as_bytes(), RESERVED).to_string().into() } else { text })
        }
    };
    let parts: Vec<SecretText> = template.parts().iter().map(part).collect::<Result<_, Unfit>>()?;
    Ok(SecretText::concat(&parts.iter().map(SecretText::expose).collect::<Vec<_>>()))
}

fn with_further_field(object: &SecretText, field: &str, text: &str) -> Result<SecretText, Unfit> {
    let Fields(fields) = serde_json::from_str(object.expose()).map_err(|_| Unfit::NotAnObject)?;
    let end = object.expose().rfind('}').ok_or(Unfit::NotAnObject)?;
    let (before, after) = object.expose().split_at(end);
    let comma = if fields.is_empty() { "" } else { "," };
    fitting(SecretText::concat(&[before, comma, quoted(field).expose(), ":", quoted(text).expose(), after]))
}

fn fitting(value: SecretText) -> Result<SecretText, Unfit> {
    let bytes = value.expose().len();
    if bytes > MAX_BYTES { Err(Unfit::TooLarge(bytes)) } else { Ok(value) }
}

/// Whether [`with_password`] could edit the value, its growth aside.
///
/// # Errors
/// As for [`with_password`].
pub fn check(value: &SecretText, field: Option<&str>) -> Result<(), Unfit> {
    field.map_or(Ok(()), |field| span(value.expose(), field).map(|_| ()))
}

/// Where in `object` the value of `field` starts and ends, in bytes.
fn span(object: &str, field: &str) -> Result<(usize, usize), Unfit> {
    let raw = raw(object, field)?;
    if !raw.starts_with('"') && raw != "null" {
        return Err(Unfit::NotText);
    }
    // serde_json lends the raw value out of `object` itself, so the distance of the two is its position.
    let start = raw.as_ptr().addr() - object.as_ptr().addr();
    Ok((start, start + raw.len()))
}

/// The one field of that name, as it is spelled.
fn raw<'a>(object: &'a str, field: &str) -> Result<&'a str, Unfit> {
    let Fields(fields) = serde_json::from_str(object).map_err(|_| Unfit::NotAnObject)?;
    let mut found = fields.iter().filter(|(name, _)| name == field).map(|(_, raw)| raw.get());
    let raw = found.next().ok_or(Unfit::NoField)?;
    if found.next().is_some() { Err(Unfit::FieldTwice) } else { Ok(raw) }
}

/// The text as a JSON string.
fn quoted(text: &str) -> SecretText {
    // Serialising text cannot fail; were it to, an empty JSON string is refused by no reader but holds no secret either.
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned()).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edit(value: &str, password: &str) -> Result<String, Unfit> {
        with_password(Some(&value.to_owned().into()), Some("password"), &password.to_owned().into())
            .map(|new| new.expose().to_owned())
    }

    #[test]
    fn all_but_the_field_stays_byte_for_byte() {
        let before = "{ \"big\": 123456789012345678901234567890, \"one\": 1.0, \"huge\":1e400, \"tiny\": -0.0E-7,\n\t\"password\" : \"old \\\" \\u00e9\", \
                      \"password2\":\"x\", \"nested\": {\"password\": [1.10, {\"b\": null, \"a\": true}]}, \"escaped\": \"\\u00e9\\ud83d\\ude00\\/é\", \"twice\":1, \"twice\": 2 }\r\n";
        let after = edit(before, "n\"e\\w").unwrap();
        assert_eq!(after, before.replace(r#""old \" \u00e9""#, r#""n\"e\\w""#));
    }

    #[test]
    fn an_escaped_name_is_the_same_field() {
        assert_eq!(edit(r#"{"p\u0061ssword":"old"}"#, "new").unwrap(), r#"{"p\u0061ssword":"new"}"#);
    }

    #[test]
    fn a_null_is_a_place_for_a_password() {
        assert_eq!(edit(r#"{"password":null}"#, "new").unwrap(), r#"{"password":"new"}"#);
    }

    #[test]
    fn a_first_value_is_made_from_nothing() {
        let password = SecretText::from("p\"w".to_owned());
        let new = |field| with_password(None, field, &password).unwrap().expose().to_owned();
        assert_eq!(new(Some("the \"field\"")), r#"{"the \"field\"":"p\"w"}"#);
        assert_eq!(new(None), "p\"w");
    }

    #[test]
    fn a_whole_value_is_replaced_whatever_it_was() {
        for old in ["", "plain", "{\"a\":1}"] {
            let new = with_password(Some(&old.to_owned().into()), None, &"new".to_owned().into()).unwrap();
            assert_eq!(new.expose(), "new");
        }
    }

    #[test]
    fn a_value_that_cannot_be_edited_is_refused_and_never_quoted() {
        for (value, unfit) in [
            ("canary", Unfit::NotAnObject),
            ("", Unfit::NotAnObject),
            ("[\"canary\"]", Unfit::NotAnObject),
            ("\"canary\"", Unfit::NotAnObject),
            ("{\"password\":\"canary\"} canary", Unfit::NotAnObject),
            ("{\"password\":\"canary\"", Unfit::NotAnObject),
            ("{\"password\":\"canary\",}", Unfit::NotAnObject),
            ("{}", Unfit::NoField),
            ("{\"Password\":\"canary\"}", Unfit::NoField),
            ("{\"x\":{\"password\":\"canary\"}}", Unfit::NoField),
            ("{\"password\":\"canary\",\"p\\u0061ssword\":\"b\"}", Unfit::FieldTwice),
            ("{\"password\":1}", Unfit::NotText),
            ("{\"password\":{\"a\":\"canary\"}}", Unfit::NotText),
            ("{\"password\":true}", Unfit::NotText),
        ] {
            assert_eq!(edit(value, "new"), Err(unfit), "{value}");
            assert_eq!(check(&value.to_owned().into(), Some("password")), Err(unfit), "{value}");
            assert!(!unfit.to_string().contains("canary"));
        }
    }

    #[test]
    fn a_value_is_never_larger_than_secrets_manager_takes() {
        let with = |filler: usize| edit(&format!(r#"{{"a":"{}","password":""}}"#, "é".repeat(filler)), "12345678");
        let frame = r#"{"a":"","password":"12345678"}"#.len();
        let most = (MAX_BYTES - frame) / 2;
        assert_eq!(with(most).unwrap().len(), frame + 2 * most);
        assert_eq!(with(most + 1), Err(Unfit::TooLarge(frame + 2 * most + 2)));
    }

    #[test]
    fn deep_nesting_is_kept_too() {
        let deep = format!(r#"{{"a":{}{},"password":""}}"#, "[".repeat(5000), "]".repeat(5000));
        assert_eq!(edit(&deep, "x").unwrap(), deep.replace("\"\"", "\"x\""));
    }

    fn derived(object: &str, template: &str) -> Result<String, Unfit> {
        let templates = BTreeMap::from([("url".to_owned(), Template::parse(template).unwrap())]);
        with_derived(object.to_owned().into(), &templates).map(|new| new.expose().to_owned())
    }

    #[test]
    fn a_derived_field_is_made_anew_or_added_and_all_else_stays() {
        let object = r#"{"port":5432, "p":"a/é~%" ,"url" : "old","x":1.0 }"#;
        let made = derived(object, "pg://{p|percent}@h:{port}/{p}").unwrap();
        assert_eq!(made, object.replace(r#""old""#, r#""pg://a%2F%C3%A9~%25@h:5432/a/é~%""#));
        assert_eq!(derived(r#"{"p":"x"} "#, "{p}").unwrap(), r#"{"p":"x","url":"x"} "#);
    }

    #[test]
    fn a_derived_field_without_its_parts_is_refused() {
        for object in ["{}", r#"{"p":null}"#, r#"{"p":[]}"#, r#"{"p":"a","p":"b"}"#] {
            assert_eq!(derived(object, "{p}"), Err(Unfit::NotDerivable), "{object}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_object_only_the_field_changes(
            before in "(\"[a-z]{0,3}\":(-?[1-9][0-9]{0,40}(\\.[0-9]{1,20})?|\"[ -!#-\\[\\]-~é]{0,9}\"|\\[\\]|null),){0,5}",
            after in "(,\"[a-z]{0,3}\" : \\{\"password\":[0-9]\\}){0,3}",
            old in "[ -!#-\\[\\]-~]{0,20}",
            new in "[!-~]{8,40}",
        ) {
            let result = edit(&format!(r#"{{{before}"password":"{old}"{after}}}"#), &new).unwrap();
            let quoted = serde_json::to_string(&new).unwrap();
            prop_assert_eq!(&result, &format!(r#"{{{before}"password":{quoted}{after}}}"#));
            let parsed: serde_json::Value = serde_json::from_str(&result).unwrap();
            prop_assert_eq!(&parsed["password"], &serde_json::Value::String(new));
        }
    }
}
