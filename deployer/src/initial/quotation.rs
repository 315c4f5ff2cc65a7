//! Whether a text quotes a value: an answer may repeat what was sent, whole or cut, as it was or encoded.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;
use serde_json::Value as Json;

/// Characters in a row by which a quotation is known, whatever their case.
const QUOTED: usize = 4;
/// Digits of a number, at least, that may be a password and not a port.
const NUMBER: usize = 6;
/// How often a text may have been encoded, one way after another.
const LAYERS: usize = 3;
/// Shortest piece of base64 that is looked into.
const BASE64: usize = 8;

/// Whether `text` has any part of `value` that could be told from other words. Of a JSON document those are what its fields
/// hold; their names are words like any other.
pub(super) fn is_quoted(value: &str, text: &str) -> bool {
    let mut parts = Vec::new();
    leaves(&serde_json::from_str(value).unwrap_or(Json::Null), &mut parts);
    if parts.is_empty() {
        parts.push(value.to_owned());
    }
    let parts: Vec<String> = parts.iter().map(|part| part.to_lowercase()).collect();
    readings(text).iter().any(|reading| parts.iter().any(|part| has_part(&reading.to_lowercase(), part)))
}

fn leaves(document: &Json, found: &mut Vec<String>) {
    match document {
        Json::String(text) => found.push(text.clone()),
        Json::Number(number) => found.extend(Some(number.to_string()).filter(|text| text.len() >= NUMBER)),
        Json::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Json::Object(entries) => entries.values().for_each(|entry| leaves(entry, found)),
        Json::Null | Json::Bool(_) => {}
    }
}

/// Whether `text` has some characters in a row of `part`, or all of a shorter one.
fn has_part(text: &str, part: &str) -> bool {
    let part: Vec<char> = part.chars().collect();
    if part.len() < QUOTED {
        return !part.is_empty() && text.contains(&part.iter().collect::<String>());
    }
    let text: Vec<char> = text.chars().collect();
    let rows: BTreeSet<&[char]> = text.windows(QUOTED).collect();
    part.windows(QUOTED).any(|row| rows.contains(row))
}

/// The text as it is, and as it reads once what may be an encoding is taken off, and another below it.
fn readings(text: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::from([text.to_owned()]);
    let mut outer = all.clone();
    for _ in 0..LAYERS {
        let inner =
            outer.iter().flat_map(|text| [unescaped(text), without_entities(text), unquoted(text), decoded(text)]);
        outer = inner.filter(|reading| !all.contains(reading)).collect();
        all.extend(outer.iter().cloned());
    }
    all
}

/// Without the escapes of JSON.
fn unescaped(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, escaped)) = rest.split_once('\\') {
        plain.push_str(before);
        let hex = escaped.strip_prefix('u').and_then(|hex| hex.get(..4));
        let code = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        let (character, length) = match (code, escaped.chars().next()) {
            (Some(character), _) => (character, 5),
            (None, Some('n')) => ('\n', 1),
            (None, Some('r')) => ('\r', 1),
            (None, Some('t')) => ('\t', 1),
            (None, Some(other)) => (other, other.len_utf8()),
            (None, None) => break,
        };
        plain.push(character);
        rest = &escaped[length..];
    }
    plain + rest
}

/// Without the entities of HTML and XML.
fn without_entities(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, entity)) = rest.split_once('&') {
        plain.push_str(before);
        if let Some((character, after)) =
            entity.split_once(';').and_then(|(name, after)| Some((entity_of(name)?, after)))
        {
            plain.push(character);
            rest = after;
        } else {
            plain.push('&');
            rest = entity;
        }
    }
    plain + rest
}

fn entity_of(name: &str) -> Option<char> {
    let number = |digits: &str| match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    };
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => name.strip_prefix('#').and_then(number).and_then(char::from_u32),
    }
}

/// Without the escapes of a URL or a form.
fn unquoted(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// What the base64 in it says, wherever the first of its groups begins.
fn decoded(text: &str) -> String {
    let lenient = GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
    let text = text.replace('-', "+").replace('_', "/");
    let pieces = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '+' && c != '/');
    let mut plain = String::new();
    for piece in pieces.filter(|piece| piece.len() >= BASE64) {
        for start in 0..4 {
            let groups = &piece[start..];
            let bytes = lenient.decode(&groups[..groups.len() / 4 * 4]).unwrap_or_default();
            plain.push_str(&String::from_utf8_lossy(&bytes));
            plain.push('\n');
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use serde_json::json;

    use super::*;

    const WHOLE: &str = r#"{"password":"p\"w&C<a>n'a/ry+0 1","username":"app","port":5432,"pin":90817263}"#;
    const PASSWORD: &str = "p\"w&C<a>n'a/ry+0 1";

    fn entities(text: &str) -> String {
        text.chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("&#{};", c as u32) })
            .collect()
    }

    #[test]
    fn a_quotation_is_known_whole_and_cut_in_every_encoding_and_in_two_of_them() {
        let json = |text: &str| json!(text).to_string();
        let percent = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let form = |text: &str| percent(text).replace("%20", "+");
        let base64 = |text: &str| STANDARD.encode(text);
        let shifted = |text: &str| STANDARD.encode(format!("x{text}"))[1..].to_owned();
        let unicode = |text: &str| text.chars().map(|c| format!("\\u{:04x}", c as u32)).collect::<Vec<_>>().concat();
        let url_safe = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let named = |text: &str| {
            let pairs = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&apos;")];
            pairs.iter().fold(text.to_owned(), |text, (c, name)| text.replace(*c, name))
        };
        let ways: [&dyn Fn(&str) -> String; 9] =
            [&json, &percent, &form, &base64, &shifted, &unicode, &url_safe, &named, &|text| entities(text)];
        for quoted in [PASSWORD, WHOLE, &WHOLE[..20], "W&C<", "app", "90817263"] {
            assert!(is_quoted(WHOLE, &format!("Value '{quoted}' at")), "{quoted}");
            for (number, way) in ways.iter().enumerate() {
                // A short piece may not fill one group of base64.
                let is_group = ![3, 4, 6].contains(&number) || quoted.len() >= 9;
                assert!(!is_group || is_quoted(WHOLE, &format!("<p>{}</p>", way(quoted))), "{number}: {quoted}");
                assert!(!is_group || is_quoted(WHOLE, &json(&way(&json(quoted)))), "{number} in JSON: {quoted}");
            }
        }
    }

    #[test]
    fn other_words_are_no_quotation() {
        for words in ["the password policy", "port 5432", "Member must have length less than 65536", "", "\\", "&", "%"]
        {
            assert!(!is_quoted(WHOLE, words), "{words}");
        }
        assert!(!is_quoted(r#"{"a":true,"b":null,"c":7}"#, "words"));
        assert!(is_quoted("plain-value", "Value 'plai...' at") && !is_quoted("plain-value", "no plan"));
        assert!(is_quoted("12345678", "12345678"), "a value that is a number as a whole");
        assert!(is_quoted("é-ü-ß-ö", "É-Ü-ß"));
    }
}
