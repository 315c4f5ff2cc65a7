//! A first value as it is stored: the password in its field, how to log in with it, and what is made from these.

use std::collections::BTreeMap;

use contract::{Part, Target, Template};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use plan::spec::{Connection, Spec};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::InitialError;

/// All but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A JSON object's fields, each value as it is spelled.
type Fields = BTreeMap<String, Zeroizing<String>>;

/// The value that is stored for what was given: the password alone, or a whole JSON object.
///
/// # Errors
/// It is empty, is an object without the rotating field, or lacks what a derived field is made from.
pub(super) fn document(given: Zeroizing<String>, spec: &Spec) -> Result<Zeroizing<String>, InitialError> {
    if given.is_empty() {
        return Err(InitialError::Empty);
    }
    let Some(field) = &spec.secret.field else { return Ok(given) };
    let derived = &spec.secret.derived;
    let mut fields = match object(&given) {
        Some(fields) if !fields.contains_key(field) => return Err(InitialError::NoField(field.clone())),
        // As it is to the byte, where nothing is to be added.
        Some(_) if derived.is_empty() => return Ok(given),
        Some(fields) => fields,
        None => {
            let mut fields = spec.connection().map_or_else(Fields::new, |to| login(&spec.target, to));
            fields.insert(field.clone(), quoted(&given));
            fields
        }
    };
    let made: Vec<_> =
        derived.iter().map(|(name, template)| rendered(name, template, &fields)).collect::<Result<_, _>>()?;
    fields.extend(derived.keys().cloned().zip(made));
    Ok(text_of(&fields))
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
fn rendered(name: &str, template: &Template, fields: &Fields) -> Result<Zeroizing<String>, InitialError> {
    let absent = |source: &str| InitialError::NotDerivable { field: name.to_owned(), source_field: source.to_owned() };
    let part = |part: &Part| match part {
        Part::Text(text) => Ok(Zeroizing::new(text.clone())),
        Part::Field { name: source, percent } => {
            let text = fields.get(source).and_then(|raw| plain(raw)).ok_or_else(|| absent(source))?;
            let encode = || Zeroizing::new(utf8_percent_encode(&text, RESERVED).to_string());
            Ok(if *percent { encode() } else { text })
        }
    };
    let parts: Vec<_> = template.parts().iter().map(part).collect::<Result<_, InitialError>>()?;
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

fn object(text: &str) -> Option<Fields> {
    // Borrowed, so that parsing leaves no unwiped copy.
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    Some(fields.into_iter().map(|(name, raw)| (name, Zeroizing::new(raw.get().to_owned()))).collect())
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

    fn stored(given: &str, spec: &Spec) -> Result<String, InitialError> {
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
        assert!(matches!(refused, Err(InitialError::NoField(field)) if field == "password"));
    }

    #[test]
    fn an_empty_value_is_refused() {
        assert!(matches!(stored("", &spec(None)), Err(InitialError::Empty)));
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
            let told = "`secret.derived` makes \"url\" from the field \"dbname\", \
                        which the secret's first value does not have as text or number";
            assert_eq!(error.to_string(), told);
            assert!(!format!("{error:?}").contains("canary"));
        }
    }
}
