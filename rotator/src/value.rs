//! Edits of a secret's value that keep all else, byte for byte.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::secret::SecretText;

/// The largest value that Secrets Manager takes, in bytes.
pub const MAX_BYTES: usize = 65_536;

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
    let new = match (value, field) {
        (_, None) => SecretText::concat(&[password.expose()]),
        (None, Some(field)) => {
            SecretText::concat(&["{", quoted(field).expose(), ":", quoted(password.expose()).expose(), "}"])
        }
        (Some(value), Some(field)) => {
            let value = value.expose();
            let (start, end) = span(value, field)?;
            SecretText::concat(&[&value[..start], quoted(password.expose()).expose(), &value[end..]])
        }
    };
    let bytes = new.expose().len();
    if bytes > MAX_BYTES { Err(Unfit::TooLarge(bytes)) } else { Ok(new) }
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
    let Fields(fields) = serde_json::from_str(object).map_err(|_| Unfit::NotAnObject)?;
    let mut found = fields.iter().filter(|(name, _)| name == field).map(|(_, raw)| raw.get());
    let raw = found.next().ok_or(Unfit::NoField)?;
    if found.next().is_some() {
        return Err(Unfit::FieldTwice);
    }
    if !raw.starts_with('"') && raw != "null" {
        return Err(Unfit::NotText);
    }
    // serde_json lends the raw value out of `object` itself, so the distance of the two is its position.
    let start = raw.as_ptr().addr() - object.as_ptr().addr();
    Ok((start, start + raw.len()))
}

/// The text as a JSON string.
fn quoted(text: &str) -> SecretText {
    // Serialising text cannot fail; were it to, an empty JSON string is refused by no reader but holds no secret either.
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned()).into()
}

/// A JSON object's fields in their order, duplicates included, the values unread.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
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
