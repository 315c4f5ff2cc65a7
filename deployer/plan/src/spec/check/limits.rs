//! The services' own limits: what no other check has told.

use std::ops::Range;

use super::Context;
use crate::desired::{Desired, Facts};
use crate::limits::{Bounds, Excess, Field, Value, fields};
use crate::spec::diagnostic::Severity;

/// Checks each request that follows from the spec; of values at one place the first that is beyond its limit is told.
pub(super) fn check(cx: &mut Context<'_>) {
    let nothing = Facts { package: None, kms_key_arn: None, admin_key_arn: None, queue_key_arn: None };
    // Where something is at fault already, what follows from it says no more.
    let is_whole = ["name", "account", "region", "secret.name"].iter().all(|key| cx.place(key).is_some())
        && cx.found.iter().all(|one| one.severity == Severity::Warning);
    for field in fields(cx.spec, &Desired::of(cx.spec, &nothing)) {
        if let Some(excess) = field.check().err().filter(|_| is_whole || field.is_own) {
            tell(cx, &field, excess);
        }
    }
}

fn tell(cx: &mut Context<'_>, field: &Field, excess: Excess) {
    // What follows from an absent key is told of the key.
    let Some((key, place)) = field.keys.iter().find_map(|key| Some((key, cx.places.get(key)?))) else { return };
    let is_key = field.what.starts_with("the tag key") || matches!(field.value, Value::Items(_));
    let whole = if is_key { place.key.clone() } else { place.value.clone() };
    let is_told =
        |span: &Range<usize>| span.start < whole.end.max(whole.start + 1) && whole.start < span.end.max(span.start + 1);
    if cx.found.iter().any(|one| one.severity == Severity::Error && is_told(&one.span)) {
        return;
    }
    let (service, what) = (field.limit.service(), &field.what);
    let (span, message, label, help) = match (excess, &field.value) {
        (Excess::Character(at), Value::Text(text)) => {
            let c = text[at..].chars().next();
            let span = if is_key { whole } else { c.map_or(whole, |c| cx.character(key, text, (at, c))) };
            let shown = c.map_or_else(|| "nothing".to_owned(), |c| format!("`{c}`"));
            let message = format!("{what} has {shown}, which {service} does not take");
            (span, message, "not allowed here", told(field))
        }
        (Excess::Size { actual: 0, min, .. }, _) => {
            let message = format!("{what} is empty, and {service} takes {min} at least");
            (whole, message, "empty", "write one, or remove the key".to_owned())
        }
        (Excess::Size { actual, min, max }, value) => {
            let unit = if matches!(value, Value::Text(_)) { " characters" } else { "" };
            let message = format!("{what} is {actual}{unit}, and {service} takes {min} to {max}");
            let is_long = actual > max;
            let help = if is_long { "make it less" } else { "make it more" };
            (whole, message, if is_long { "too much" } else { "too little" }, help.to_owned())
        }
        (Excess::Word | Excess::Character(_), _) => {
            (whole, format!("{what} is none that {service} takes"), "not known", "write another".to_owned())
        }
    };
    cx.error(code(key), span, message, label, help);
}

fn told(field: &Field) -> String {
    match &field.limit.bounds {
        Bounds::Text { pattern: Some(pattern), .. } => format!("it may have {}", pattern.told),
        Bounds::Text { pattern: None, .. } | Bounds::Items { .. } | Bounds::Number { .. } | Bounds::Words(_) => {
            "remove it".to_owned()
        }
    }
}

/// The code by which people know the key's other errors.
fn code(key: &str) -> &'static str {
    match key {
        _ if key.starts_with("tags") => "tag",
        "role.path" => "role-path",
        "secret.description" => "secret-description",
        "secret.field" | "secret.derived" | "password.symbols" | "password.exclude" => "configuration-too-large",
        _ => "service-limit",
    }
}
