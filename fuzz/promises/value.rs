//! What holds for any value that a secret has and any password that it gets: the bytes are a JSON object, or choose one
//! that has all that JSON allows.

use std::collections::BTreeMap;

use arbitrary::{Result, Unstructured};
use contract::{Part, Template};
use serde_json::value::RawValue;

use crate::secret::SecretText;
use crate::value::{MAX_BYTES, Unfit, check, text, with_derived, with_field, with_password};

/// In values alone, and never in an error.
const CANARY: &str = "cAnArY";
/// As they are spelled, without the quotes.
const NAMES: [&str; 8] = ["password", "p\\u0061ssword", "username", "url", "port", "", "a\\\"b", "Password"];
const TEXTS: [&str; 6] = ["cAnArY", "", "\\\"cAnArY\\\\", "\\u00e9\\ud83d\\ude00\\/é", "\\ud800", "} ,\\\"x\\\":{"];
const OTHERS: [&str; 8] = ["null", "5432", "-0.0E-7", "1e400", "123456789012345678901234567890", "true", "[]", "{}"];
const TEMPLATES: [&str; 4] =
    ["{password|percent}", "x://{username}:{password|percent}@h:{port}/", "{port}", "{{{url}}}"];

pub fn hold(data: &[u8]) {
    if data.starts_with(b"{") {
        if let Ok(object) = std::str::from_utf8(data) {
            is_edited(object, "password", "p\"\\\u{7}é😀");
            gets_derived(object, "url", TEMPLATES[1]);
        }
        return;
    }
    let _ = chosen(&mut Unstructured::new(data));
}

fn chosen(u: &mut Unstructured<'_>) -> Result<()> {
    let object = any_object(u, 0)?;
    let field = serde_json::from_str::<String>(&format!("\"{}\"", u.choose(&NAMES)?)).expect("a JSON string");
    let template = *u.choose(&TEMPLATES)?;
    gets_derived(&object, u.choose(&["url", "password", "a\"b"])?, template);
    is_edited(&object, &field, u.arbitrary()?);
    Ok(())
}

fn any_object(u: &mut Unstructured<'_>, depth: usize) -> Result<String> {
    let mut object = "{".to_owned();
    for at in 0..u.int_in_range(0..=5)? {
        object += if at == 0 { "" } else { "," };
        let (name, value) = (*u.choose(&NAMES)?, any_value(u, depth + 1)?);
        object.extend([space(u)?, "\"", name, "\"", space(u)?, ":", space(u)?, &value]);
        object += space(u)?;
    }
    Ok(object + "}" + space(u)?)
}

fn any_value(u: &mut Unstructured<'_>, depth: usize) -> Result<String> {
    Ok(match u.int_in_range(0..=7)? {
        0..=3 => format!("\"{}\"", u.choose(&TEXTS)?),
        4 => serde_json::to_string(u.arbitrary::<&str>()?).expect("text is JSON"),
        5 if depth < 4 => any_object(u, depth)?,
        6 if depth < 4 => format!("[{},{}]", any_value(u, depth + 1)?, any_value(u, depth + 1)?),
        _ => (*u.choose(&OTHERS)?).to_owned(),
    })
}

fn space(u: &mut Unstructured<'_>) -> Result<&'static str> {
    Ok(u.choose(&["", " ", "\r\n\t"])?)
}

fn secret(text: &str) -> SecretText {
    text.to_owned().into()
}

fn is_edited(object: &str, field: &str, password: &str) {
    let (old, new) = (secret(object), secret(password));
    match with_password(Some(&old), Some(field), &new) {
        Ok(edited) => {
            is_replaced(object, edited.expose(), field, password);
            assert_eq!(check(&old, Some(field)), Ok(()));
            // The same again changes nothing.
            let again = with_field(&edited, field, password).expect("it has been edited before");
            assert_eq!(again.expose(), edited.expose());
        }
        Err(error) => {
            tells_nothing(error);
            let expected = if matches!(error, Unfit::TooLarge(_)) { Ok(()) } else { Err(error) };
            assert_eq!(check(&old, Some(field)), expected);
        }
    }
    if let Err(error) = text(&old, field) {
        tells_nothing(error);
    }
    let first = with_password(None, Some(field), &new).expect("a short password");
    assert_eq!(text(&first, field).ok().flatten().expect("the first value has the field").expose(), password);
    assert_eq!(with_password(Some(&old), None, &new).expect("a short password").expose(), password);
}

/// `new` is `old` with the field's value cut out and the text put in; all other bytes are as they were.
fn is_replaced(old: &str, new: &str, field: &str, put: &str) {
    let quoted = serde_json::to_string(put).expect("text is JSON");
    let cut = |at: usize| {
        let rest = &new[at + quoted.len()..];
        let out = old.strip_prefix(&new[..at])?.strip_suffix(rest)?;
        (out == "null" || serde_json::from_str::<&RawValue>(out).is_ok_and(|raw| raw.get().starts_with('"')))
            .then_some(())
    };
    let mut places = (0..new.len()).filter(|at| new.as_bytes()[*at..].starts_with(quoted.as_bytes()));
    assert!(places.any(|at| cut(at).is_some()), "{old:?} became {new:?}");
    has(new, field, put);
}

/// It is a JSON object, and a reader finds the text in the field.
fn has(object: &str, field: &str, put: &str) {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(object).expect("a JSON object");
    assert_eq!(serde_json::from_str::<String>(fields[field].get()).expect("a JSON string"), put);
    let read = text(&secret(object), field).ok().flatten().expect("the field has a text");
    assert_eq!(read.expose(), put);
    assert!(object.len() <= MAX_BYTES);
}

fn gets_derived(object: &str, field: &str, template: &str) {
    let template = Template::parse(template).expect("a template");
    let made = match with_derived(secret(object), &BTreeMap::from([(field.to_owned(), template.clone())])) {
        Ok(made) => made,
        Err(error) => return tells_nothing(error),
    };
    let put = rendered(object, &template);
    if serde_json::from_str::<BTreeMap<String, &RawValue>>(object).is_ok_and(|fields| fields.contains_key(field)) {
        return is_replaced(object, made.expose(), field, &put);
    }
    let added = format!("{}:{}", serde_json::to_string(field).unwrap(), serde_json::to_string(&put).unwrap());
    let (before, after) = made.expose().rsplit_once(&added).expect("the field is added as it is spelled");
    assert!(
        object == [before, after].concat()
            || Some(object) == before.strip_suffix(',').map(|b| b.to_owned() + after).as_deref()
    );
    has(made.expose(), field, &put);
}

/// What a template comes to, found out by other means.
fn rendered(object: &str, template: &Template) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Field { name, percent } => {
            let text = text(&secret(object), name).ok().flatten().expect("the template was filled in");
            let byte = |b: u8| match b {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
                b => format!("%{b:02X}"),
            };
            if *percent { text.expose().bytes().map(byte).collect() } else { text.expose().to_owned() }
        }
    };
    template.parts().iter().map(part).collect()
}

fn tells_nothing(error: Unfit) {
    assert!(!format!("{error} {error:?}").contains(CANARY));
}
