//! What is said of a value that its schema does not take.

use super::{At, Walk};
use crate::spec::schema::{Choices, Shape};
use crate::spec::suggest::nearest;
use crate::spec::tree::{Kind, Node};

impl<'a> Walk<'a> {
    /// No way of several fits.
    pub(super) fn no_choice(&mut self, choices: &Choices<'a>, at: &At<'_>, node: &Node) {
        let Kind::Text(word) = &node.kind else {
            let message = format!("`{}` cannot be {}", at.path, kind_name(&node.kind));
            self.fault("wrong-type", at, node, message, kind_name(&node.kind), ways(choices, at));
            return;
        };
        let as_map = choices.maps.iter().find(|(key, _)| key == word);
        if at.path == "secret.initial" && as_map.is_none() {
            let message = "`secret.initial` says where the first value comes from, and is never the value".to_owned();
            let help = format!("{}; if this was a real password, it has leaked: use another", ways(choices, at));
            self.fault("literal-secret", at, node, message, "not shown, for it may be a secret", help);
            return;
        }
        let help = match (as_map, nearest(word, choices.words.iter().copied())) {
            (Some((key, shape)), _) => format!("write `{}: {{{key}: {}}}`", at.key, sample(key, *shape)),
            (None, Some(near)) => format!("did you mean `{}`?", written(at, near)),
            (None, None) => ways(choices, at),
        };
        let message = format!("`{}` cannot be `{word}`", at.path);
        self.fault("unknown-value", at, node, message, "not known", help);
    }

    /// The type does not fit.
    pub(super) fn wrong_type(&mut self, shape: Shape<'a>, at: &At<'_>, node: &Node) {
        let raw = &self.text[node.span.clone()];
        let key = at.key;
        let (wanted, given) = (shape.kind(), kind_name(&node.kind));
        let number = matches!(node.kind, Kind::Integer(_) | Kind::Number);
        if at.path == "account" && number {
            let digits = raw.bytes().all(|b| b.is_ascii_digit());
            let quoted = if digits { format!("\"{raw:0>12}\"") } else { self.example("account") };
            let message = "`account` must be in quotes: YAML reads a bare account id as a number".to_owned();
            self.fault("account-unquoted", at, node, message, "a number", format!("write `account: {quoted}`"));
            return;
        }
        let help = match &node.kind {
            Kind::Null => format!("write a value behind `{key}:`"),
            _ if wanted == "text" && !raw.contains('\n') && !matches!(node.kind, Kind::Map(_) | Kind::List(_)) => {
                format!("put it in quotes: `{}`", written(at, &format!("\"{raw}\"")))
            }
            Kind::Text(word) if wanted == "a whole number" && word.trim().parse::<i64>().is_ok() => {
                format!("remove the quotes: `{}`", written(at, word.trim()))
            }
            Kind::Text(_) | Kind::Number if wanted == "a whole number" => match whole(&node.kind, raw) {
                Some(number) => format!("write `{}`", written(at, &number)),
                None => format!("write {wanted} behind `{key}:`"),
            },
            Kind::Text(word) if wanted == "true or false" => {
                let yes = ["yes", "on", "y", "true"].contains(&word.to_ascii_lowercase().as_str());
                format!("write `{key}: {yes}`")
            }
            Kind::Text(word) if wanted == "a list" => format!("write `{key}: [{word}]`"),
            _ if wanted == "a list" => format!("write `{key}: [...]`"),
            _ if wanted == "a map of keys" => {
                let keys: Vec<&str> = shape.keys().collect();
                if keys.is_empty() {
                    format!("write `{key}: {{KEY: value}}`")
                } else {
                    format!("its keys are {}", keys.join(", "))
                }
            }
            _ => format!("write {wanted} behind `{key}:`"),
        };
        self.fault("wrong-type", at, node, format!("`{}` must be {wanted}", at.path), given, help);
    }
}

/// The whole number that is written as another one, for example as `5432.0`.
fn whole(kind: &Kind, raw: &str) -> Option<String> {
    let text = if let Kind::Text(word) = kind { word.trim() } else { raw };
    let number: f64 = text.parse().ok()?;
    // What is larger is no port, no length and no number of days.
    (number.fract() == 0.0 && number.abs() < 1e9).then(|| format!("{number:.0}"))
}

/// `key: value`, or only the value in a list.
fn written(at: &At<'_>, value: &str) -> String {
    let listed = at.path.rsplit('.').next().is_some_and(|last| last != at.key);
    if listed { value.to_owned() } else { format!("{}: {value}", at.key) }
}

fn sample(key: &str, shape: Shape<'_>) -> String {
    match (shape.constant(), shape.range()) {
        (Some(only), _) => only.to_string(),
        (None, Some((min, _))) => min.to_string(),
        // What is all optional is written without more.
        (None, None) if shape.allows("object") => shape.example(),
        (None, None) => {
            if key == "env" {
                "NAME".to_owned()
            } else {
                "PATH".to_owned()
            }
        }
    }
}

/// All ways to write a choice.
pub(super) fn ways(choices: &Choices<'_>, at: &At<'_>) -> String {
    let words = choices.words.iter().map(|word| format!("`{}`", written(at, word)));
    let maps = choices.maps.iter().map(|(key, shape)| format!("`{}: {{{key}: {}}}`", at.key, sample(key, *shape)));
    format!("write {}", words.chain(maps).collect::<Vec<_>>().join(" or "))
}

const fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Null => "no value",
        Kind::Bool(_) => "true or false",
        Kind::Integer(_) | Kind::Number => "a number",
        Kind::Text(_) => "text",
        Kind::List(_) => "a list",
        Kind::Map(_) => "a map of keys",
    }
}
