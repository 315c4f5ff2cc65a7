//! A first value as it is stored: the password in its field, how to log in with it, and what is made from these.

use std::collections::BTreeMap;

use contract::{Part, Target, Template};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use plan::spec::{Connection, Spec};
use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use super::Unfit;
use super::text::Place;

/// All but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// By what JSON is known that is no number and no word: a password of digits alone is a password.
const JSON_BEGINS: [char; 3] = ['{', '[', '"'];
/// <https://www.rfc-editor.org/rfc/rfc8259#section-2>
const JSON_BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

/// A JSON object's fields, each value as it is spelled.
type Fields = BTreeMap<String, Zeroizing<String>>;

/// The value that is stored for what was given: the password alone, or a whole JSON object. Without a field that rotates it
/// is the value, whatever it looks like.
///
/// # Errors
/// It begins like JSON and is no object with a password in the rotating field, is no password, or lacks what a derived
/// field is made from.
pub(super) fn document(given: Zeroizing<String>, spec: &Spec) -> Result<Zeroizing<String>, Unfit> {
    let Some(field) = &spec.secret.field else { return Ok(given) };
    if !given.trim_start_matches(JSON_BLANKS).starts_with(JSON_BEGINS) {
        return match given.find(char::is_control) {
            Some(byte) => Err(Unfit::Control(Place::of(&given, byte))),
            None => of_password(given, spec),
        };
    }
    let fields = object(&given, field)?;
    check_password(fields.get(field), field, spec)?;
    // As it is to the byte, where nothing is to be added.
    if spec.secret.derived.is_empty() { Ok(given) } else { with_derived(fields, spec) }
}

/// The value of which that is the password.
///
/// # Errors
/// It lacks what a derived field is made from.
pub(super) fn of_password(password: Zeroizing<String>, spec: &Spec) -> Result<Zeroizing<String>, Unfit> {
    let Some(field) = &spec.secret.field else { return Ok(password) };
    let mut fields = spec.connection().map_or_else(Fields::new, |to| login(&spec.target, to));
    fields.insert(field.clone(), quoted(&password));
    with_derived(fields, spec)
}

fn with_derived(mut fields: Fields, spec: &Spec) -> Result<Zeroizing<String>, Unfit> {
    let derived = &spec.secret.derived;
    let made: Vec<_> =
        derived.iter().map(|(name, template)| rendered(name, template, &fields)).collect::<Result<_, _>>()?;
    fields.extend(derived.keys().cloned().zip(made));
    Ok(text_of(&fields))
}

/// Whether a document's field can be rotated, and logs in where there is a login: `null` is no password yet.
fn check_password(raw: Option<&Zeroizing<String>>, field: &str, spec: &Spec) -> Result<(), Unfit> {
    let named = || field.to_owned();
    match raw.ok_or_else(|| Unfit::NoField(named()))?.as_str() {
        "null" if spec.target.login().is_none() => Ok(()),
        "null" => Err(Unfit::NoPassword(named())),
        raw if !raw.starts_with('"') => Err(Unfit::NotText(named())),
        raw => {
            let password = plain(raw).ok_or_else(|| Unfit::NotText(named()))?;
            match (password.is_empty(), password.contains(char::is_control)) {
                (true, _) => Err(Unfit::NoPassword(named())),
                (false, true) => Err(Unfit::ControlInField(named())),
                (false, false) => Ok(()),
            }
        }
    }
}

/// The fields of a database secret besides the password, in AWS's shape.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html>
fn login(target: &Target, connection: &Connection) -> Fields {
    let (engine, default_port) = match target {
        Target::None => return Fields::new(),
        Target::Postgres(_) => ("postgres", 5432),
        Target::Mysql(_) => ("mysql", 3306),
        Target::Redis(_) => ("redis", 6379),
    };
    let Connection { host, port, username, dbname } = connection;
    let port = Zeroizing::new(port.unwrap_or(default_port).to_string());
    let texts =
        [("engine", Some(engine)), ("host", Some(host)), ("username", Some(username)), ("dbname", dbname.as_deref())];
    let texts = texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), quoted(text?))));
    texts.chain([("port".to_owned(), port)]).collect()
}

/// The text of a derived field, as JSON.
fn rendered(name: &str, template: &Template, fields: &Fields) -> Result<Zeroizing<String>, Unfit> {
    let absent = |source: &str| Unfit::NotDerivable { field: name.to_owned(), source_field: source.to_owned() };
    let part = |part: &Part| match part {
        Part::Text(text) => Ok(Zeroizing::new(text.clone())),
        Part::Field { name: source, percent } => {
            let text = fields.get(source).and_then(|raw| plain(raw)).ok_or_else(|| absent(source))?;
            let encode = || Zeroizing::new(utf8_percent_encode(&text, RESERVED).to_string());
            Ok(if *percent { encode() } else { text })
        }
    };
    let parts: Vec<_> = template.parts().iter().map(part).collect::<Result<_, Unfit>>()?;
    Ok(quoted(&joined(parts.iter().map(|part| part.as_str()))))
}

/// What a JSON text says, or a JSON number as it is spelled; `None` for all else.
fn plain(raw: &str) -> Option<Zeroizing<String>> {
    match raw.as_bytes().first()? {
        b'"' => serde_json::from_str(raw).ok().map(Zeroizing::new),
        b'-' | b'0'..=b'9' => Some(Zeroizing::new(raw.to_owned())),
        _ => None,
    }
}

/// The fields of a document; `field` is the one that rotates.
fn object(text: &str, field: &str) -> Result<Fields, Unfit> {
    let not_json = |error: serde_json::Error| Unfit::NotJson { place: place(text, &error), field: field.to_owned() };
    // All of it, so that what is torn is told as such.
    serde_json::from_str::<IgnoredAny>(text).map_err(not_json)?;
    if !text.trim_start_matches(JSON_BLANKS).starts_with('{') {
        return Err(Unfit::NotObject(field.to_owned()));
    }
    let contract::Fields(spelled) = serde_json::from_str(text).map_err(not_json)?;
    let mut fields = Fields::new();
    for (name, raw) in spelled {
        if fields.insert(name, Zeroizing::new(raw.get().to_owned())).is_some() {
            // The raw value is lent out of the text itself.
            return Err(Unfit::FieldTwice(Place::of(text, raw.get().as_ptr().addr() - text.as_ptr().addr())));
        }
    }
    Ok(fields)
}

/// Of the parser's error only where it is: its words may quote what it read.
fn place(text: &str, error: &serde_json::Error) -> Place {
    if error.is_eof() {
        return Place::of(text, text.len());
    }
    let line: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    // Columns are bytes, from 1; 0 is the end of the line before.
    Place::of(text, (line + error.column()).saturating_sub(1).min(text.len()))
}

fn text_of(fields: &Fields) -> Zeroizing<String> {
    let names: Vec<_> = fields.keys().map(|name| quoted(name)).collect();
    let mut parts = Vec::new();
    for (name, raw) in names.iter().zip(fields.values()) {
        parts.extend([if parts.is_empty() { "{" } else { "," }, name, ":", raw]);
    }
    parts.push("}");
    joined(parts.into_iter())
}

/// Joined in one buffer that never moves.
fn joined<'a>(parts: impl Iterator<Item = &'a str>) -> Zeroizing<String> {
    Zeroizing::new(parts.collect::<Vec<_>>().concat())
}

/// The text as a JSON string.
fn quoted(text: &str) -> Zeroizing<String> {
    // Serialising text cannot fail.
    Zeroizing::new(serde_json::to_string(text).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use contract::Login;
    use plan::spec;

    use super::*;

    const WALK_THROUGH: &str = include_str!("../../../config/myapp.yaml");

    fn spec(field: Option<&str>) -> Spec {
        let mut spec = spec::load("myapp.yaml", WALK_THROUGH).unwrap().spec;
        spec.secret.field = field.map(Into::into);
        spec
    }

    /// The spec of a database's user, with one derived field.
    fn database(target: fn(Login) -> Target, port: Option<u16>, dbname: Option<&str>, url: Option<&str>) -> Spec {
        let (host, username) = ("db.example".to_owned(), "app".to_owned());
        let derived = url.map(|text| ("url".to_owned(), Template::parse(text).unwrap())).into_iter().collect();
        let mut spec = spec(Some("password"));
        let connection = Some(Connection { host, port, username, dbname: dbname.map(Into::into) });
        spec.target = target(Login { connection, ..Login::default() });
        spec.secret.derived = derived;
        spec
    }

    fn stored(given: &str, spec: &Spec) -> Result<String, Unfit> {
        document(Zeroizing::new(given.to_owned()), spec).map(|value| value.to_string())
    }

    #[test]
    fn a_password_is_stored_in_the_field_that_rotates() {
        assert_eq!(stored("p\"w", &spec(Some("password"))).unwrap(), r#"{"password":"p\"w"}"#);
        assert_eq!(stored("p\"w", &spec(None)).unwrap(), "p\"w");
    }

    #[test]
    fn a_document_is_stored_as_it_is() {
        let document = r#"{"username": "app", "password": "x", "port": 5432.0, "password2": [1e400]}"#;
        let postgres = database(Target::Postgres, None, None, None);
        for spec in [spec(Some("password")), spec(None), postgres] {
            assert_eq!(stored(document, &spec).unwrap(), document);
        }
    }

    #[test]
    fn a_document_without_the_field_is_refused() {
        let refused = stored(r#"{"pass": "x"}"#, &spec(Some("password")));
        assert!(matches!(refused, Err(Unfit::NoField(field)) if field == "password"));
    }

    #[test]
    fn a_database_s_password_is_stored_with_where_it_logs_in() {
        type Kind = fn(Login) -> Target;
        let kinds: [(Kind, _, _); 3] =
            [(Target::Postgres, "postgres", 5432), (Target::Mysql, "mysql", 3306), (Target::Redis, "redis", 6379)];
        for (target, engine, usual) in kinds {
            for (given, port) in [(None, usual), (Some(6000), 6000)] {
                let value = stored("p\"w", &database(target, given, None, None)).unwrap();
                let fields = format!(r#""engine":"{engine}","host":"db.example","password":"p\"w","port":{port}"#);
                assert_eq!(value, format!(r#"{{{fields},"username":"app"}}"#));
            }
        }
        let value = stored("pw", &database(Target::Mysql, None, Some("orders"), None)).unwrap();
        assert!(value.starts_with(r#"{"dbname":"orders","engine":"mysql","#), "{value}");
    }

    #[test]
    fn the_password_is_under_the_field_that_rotates_in_a_database_s_secret_too() {
        let mut spec = database(Target::Postgres, None, None, Some("{secret}"));
        spec.secret.field = Some("secret".to_owned());
        let value: serde_json::Value = serde_json::from_str(&stored("pw", &spec).unwrap()).unwrap();
        assert_eq!((&value["secret"], &value["url"]), (&"pw".into(), &"pw".into()));
        assert!(value.get("password").is_none());
    }

    #[test]
    fn derived_fields_are_made_with_the_first_value() {
        let url = "postgres://{username}:{password|percent}@{host}:{port}/{dbname}?{{raw}}={password}";
        let spec = database(Target::Postgres, None, Some("orders"), Some(url));
        let value: serde_json::Value = serde_json::from_str(&stored("a/é\"~-._ %", &spec).unwrap()).unwrap();
        let made = "postgres://app:a%2F%C3%A9%22~-._%20%25@db.example:5432/orders?{raw}=a/é\"~-._ %";
        assert_eq!(value["url"], made);
    }

    #[test]
    fn a_document_gets_its_derived_fields_and_keeps_the_others_as_they_are_spelled() {
        let spec = database(Target::Mysql, None, None, Some("{password}@{port}"));
        for (before, after) in [
            (r#"{"x": 1.0, "port": 5e3, "password": "\u00e9"}"#, r#""port":5e3,"url":"é@5e3","x":1.0}"#),
            (r#"{"url": ["old"], "port": "1", "password": "\u00e9"}"#, r#""port":"1","url":"é@1"}"#),
        ] {
            assert_eq!(stored(before, &spec).unwrap(), format!(r#"{{"password":"\u00e9",{after}"#));
        }
    }

    #[test]
    fn a_derived_field_without_its_parts_is_refused_and_no_value_is_told() {
        let spec = database(Target::Mysql, None, None, Some("{dbname}/{password}"));
        let null = r#"{"password":"canary","dbname":null}"#;
        for given in ["canary", null, r#"{"password":"canary","dbname":["canary"]}"#, r#"{"password":"canary"}"#] {
            let error = stored(given, &spec).unwrap_err();
            let told = "has no \"dbname\" as text or number, of which `secret.derived` makes \"url\"";
            assert_eq!(error.to_string(), told);
            assert!(!format!("{error:?}").contains("canary"));
        }
    }
}
