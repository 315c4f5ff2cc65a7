//! The fields that are made from others.

use std::collections::BTreeMap;

use contract::Template;

use super::Context;
use crate::spec::diagnostic::Diagnostic;
use crate::spec::privacy;

pub(super) fn check(cx: &mut Context<'_>, derived: &BTreeMap<String, String>) {
    let Some(section) = cx.places.get("secret.derived").map(|place| place.key.clone()) else { return };
    if cx.spec.secret.field.is_none() && !derived.is_empty() {
        let help = "name the field that rotates by `field:`, or remove `derived:`";
        cx.error(
            "derived",
            section,
            "a whole value that rotates has no further fields",
            "no JSON to put them in",
            help,
        );
    }
    for (name, text) in derived {
        field(cx, derived, name, text);
    }
}

fn field(cx: &mut Context<'_>, derived: &BTreeMap<String, String>, name: &str, text: &str) {
    let path = format!("secret.derived.{name}");
    let Some(place) = cx.places.get(&path).cloned() else { return };
    if name.is_empty() {
        cx.error("derived", place.key.clone(), "a field's name must not be empty", "empty", "give it a name");
    } else if cx.spec.secret.field.as_deref() == Some(name) {
        let message = format!("`{name}` is the field that rotates, and can't be made from others");
        cx.error("derived", place.key.clone(), message, "the password itself", "use another name");
    }
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(fault) => {
            let end = text[fault.at..].chars().next().map_or(fault.at, |c| fault.at + c.len_utf8());
            let span = cx.part(&path, text, fault.at..end);
            cx.error("derived-template", span, format!("`{path}` is no template"), "here", fault.what);
            return;
        }
    };
    if template.fields().next().is_none() {
        // What has no field in it may be the value itself.
        let secret = privacy::behind(cx.text, &place.key, &place.value);
        let fault = Diagnostic::error("derived", format!("`{path}` is made from no field"), place.value);
        let help = "write for example `{password|percent}` in it; what never changes belongs in the secret's own value";
        cx.found.push(fault.labelled("not shown, for it may be a secret").help(help).redacting(secret));
        return;
    }
    if let Some(other) = template.fields().find(|field| derived.contains_key(*field)) {
        let at = text.find(&format!("{{{other}")).map_or(0, |brace| brace + 1);
        let span = cx.part(&path, text, at..at + other.len());
        let message = format!("`{path}` is made from `{other}`, which is made from others itself");
        cx.error("derived", span, message, "a derived field", "name the fields that it is made from");
    }
}
