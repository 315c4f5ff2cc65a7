//! What of a spec may be a secret, put there by mistake, and must not come out in a diagnostic.

use std::ops::Range;

use super::tree::{Kind, Node};

/// Parts of keys under which people write secrets.
const WORDS: [&str; 11] = [
    "secret",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "token",
    "credential",
    "value",
    "initial",
    "privatekey",
    "apikey",
];

/// Whether the value of a known key, being at fault, may be a secret.
pub(super) fn may_hold_secret(path: &str, node: &Node) -> bool {
    let place = matches!(path, "secret" | "password" | "secret.initial") || path.starts_with("secret.initial.");
    // Even what YAML reads as null may have had an anchor's `&` before it.
    place && !matches!(node.kind, Kind::Bool(_))
}

/// All that stands behind a key, to the end of the line: of a value with `#`, `,` or `&` in it, YAML takes only a part.
pub(super) fn behind(text: &str, key: &Range<usize>, value: &Range<usize>) -> Range<usize> {
    let start = match text[key.end..].trim_start().strip_prefix(':') {
        Some(rest) => text.len() - rest.len(),
        None => value.start,
    };
    start..end_of_line(text, value.end.max(start))
}

/// The places at and below an unknown key that may hold a secret.
pub(super) fn secrets_of_unknown(text: &str, path: &str, key: &Range<usize>, node: &Node) -> Vec<Range<usize>> {
    if in_section(path) || path.rsplit('.').next().is_some_and(sounds_secret) {
        return vec![behind(text, key, &node.span)];
    }
    match &node.kind {
        Kind::Map(entries) => entries
            .iter()
            .flat_map(|entry| secrets_of_unknown(text, &entry.key, &entry.key_span, &entry.node))
            .collect(),
        Kind::List(items) => items.iter().flat_map(|item| secrets_of_unknown(text, "", &item.span, item)).collect(),
        _ => Vec::new(),
    }
}

/// Whether an unknown key may itself be a part of a secret, which a comma has cut off.
pub(super) fn is_torn_off(text: &str, path: &str, key: &Range<usize>, node: &Node) -> bool {
    in_section(path) && matches!(node.kind, Kind::Null) && !text[key.end..].trim_start().starts_with(':')
}

fn in_section(path: &str) -> bool {
    path.starts_with("secret.") || path.starts_with("password.")
}

fn end_of_line(text: &str, position: usize) -> usize {
    text[position..].find('\n').map_or(text.len(), |length| position + length)
}

/// Where the text is no YAML: what of the line of a byte may be a secret, by the nearest key above it.
pub(super) fn secret_in_line(text: &str, position: usize) -> Option<Range<usize>> {
    let start = text[..position].rfind('\n').map_or(0, |newline| newline + 1);
    let end = end_of_line(text, position);
    let line = &text[start..end];
    if let Some(key) = key_of(line) {
        return sounds_secret(key).then(|| start + line.find(':').map_or(0, |colon| colon + 1)..end);
    }
    let above = text[..start].lines().rev().find_map(key_of);
    above.is_some_and(sounds_secret).then_some(start..end)
}

/// The key of a line, if it looks like having one.
fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once(':')?;
    let key = key.trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '"' | '\'' | '{' | '['));
    let sound = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    sound.then_some(key)
}

fn sounds_secret(key: &str) -> bool {
    let plain: String = key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    WORDS.iter().any(|word| plain.contains(word))
}
