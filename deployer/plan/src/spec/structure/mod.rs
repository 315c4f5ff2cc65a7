//! Keys, types, ranges and words of a spec, checked against its schema: every fault, not only the first.

mod refusal;

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Map, Value};

use super::diagnostic::{Diagnostic, line_column};
use super::privacy;
use super::schema::{Choices, Shape};
use super::suggest::nearest;
use super::tree::{Entry, Kind, Node};
use refusal::ways;

/// Where a key and its value stand.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) key: Range<usize>,
    pub(super) value: Range<usize>,
}

/// What the check makes of a tree.
pub(super) struct Structure {
    /// What is sound, as the schema has it.
    pub(super) value: Value,
    /// The place of all that is sound, by dotted path.
    pub(super) places: BTreeMap<String, Place>,
    pub(super) faults: Vec<Diagnostic>,
}

/// Checks a tree against the schema of the whole spec.
pub(super) fn check(schema: &Value, text: &str, root: &Node) -> Structure {
    let mut walk = Walk { text, spec: Shape::root(schema), places: BTreeMap::new(), faults: Vec::new() };
    let value = if let Kind::Map(entries) = &root.kind {
        walk.map(walk.spec, &At::root(entries), entries)
    } else {
        let empty = matches!(root.kind, Kind::Null);
        let message = if empty { "the file is empty" } else { "a spec is a map of keys" };
        let fault = Diagnostic::error("wrong-type", message, first_line(text, root)).labelled("no key here");
        let fault = fault.help(format!("begin with `name: {}`", walk.example("name")));
        // It may be anything, so it may be a secret.
        walk.faults.push(fault.redacting(0..text.len()));
        Value::Object(Map::new())
    };
    Structure { value, places: walk.places, faults: walk.faults }
}

fn first_line(text: &str, node: &Node) -> Range<usize> {
    let line = text[node.span.clone()].lines().next().unwrap_or_default();
    node.span.start..node.span.start + line.len()
}

/// Where in the spec the check is.
struct At<'a> {
    path: String,
    key: &'a str,
    span: Range<usize>,
}

impl<'a> At<'a> {
    fn root(entries: &[Entry]) -> Self {
        let span = entries.first().map_or(0..0, |entry| entry.key_span.clone());
        Self { path: String::new(), key: "", span }
    }

    fn entry(&self, entry: &'a Entry) -> Self {
        Self { path: self.join(&entry.key), key: &entry.key, span: entry.key_span.clone() }
    }

    fn join(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

struct Walk<'a> {
    text: &'a str,
    spec: Shape<'a>,
    places: BTreeMap<String, Place>,
    faults: Vec<Diagnostic>,
}

impl<'a> Walk<'a> {
    fn example(&self, key: &str) -> String {
        self.spec.property(key).map(Shape::example).unwrap_or_default()
    }

    fn fault(&mut self, code: &'static str, at: &At<'_>, node: &Node, message: String, label: &str, help: String) {
        let nested = matches!(node.kind, Kind::Map(_) | Kind::List(_));
        let span = if nested { at.span.clone() } else { node.span.clone() };
        let mut fault = Diagnostic::error(code, message, span).labelled(label).help(help);
        if privacy::may_hold_secret(&at.path, node) {
            fault = fault.redacting(privacy::behind(self.text, &at.span, &node.span));
        }
        self.faults.push(fault);
    }

    /// The value as the schema has it, or nothing where it is at fault.
    fn node(&mut self, shape: Shape<'a>, at: &At<'_>, node: &Node) -> Option<Value> {
        let before = self.faults.len();
        let value = match shape.choices() {
            Some(choices) => self.choice(&choices, at, node),
            None => self.plain(shape, at, node),
        };
        if self.faults.len() == before {
            self.places.insert(at.path.clone(), Place { key: at.span.clone(), value: node.span.clone() });
        }
        value
    }

    fn plain(&mut self, shape: Shape<'a>, at: &At<'_>, node: &Node) -> Option<Value> {
        match &node.kind {
            Kind::Null if shape.allows("null") => Some(Value::Null),
            Kind::Bool(value) if shape.allows("boolean") => self.flag(shape, at, node, *value),
            Kind::Integer(value) if shape.allows("integer") => self.number(shape, at, node, *value),
            Kind::Text(value) if shape.allows("string") => Some(Value::from(value.as_str())),
            Kind::List(items) if shape.allows("array") => {
                let item_shape = shape.items()?;
                let mut values = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let at = At { path: format!("{}[{index}]", at.path), key: at.key, span: item.span.clone() };
                    values.extend(self.node(item_shape, &at, item));
                }
                Some(Value::Array(values))
            }
            Kind::Map(entries) if shape.allows("object") => Some(self.map(shape, at, entries)),
            _ => {
                self.wrong_type(shape, at, node);
                None
            }
        }
    }

    fn map(&mut self, shape: Shape<'a>, at: &At<'_>, entries: &[Entry]) -> Value {
        let mut values = Map::new();
        let mut seen: BTreeMap<&str, Range<usize>> = BTreeMap::new();
        let mut meant: Vec<&str> = Vec::new();
        for entry in entries {
            let inner = at.entry(entry);
            if let Some(first) = seen.get(entry.key.as_str()) {
                let line = line_column(self.text, first.start).0;
                let message = format!("`{}` is given twice", inner.path);
                let fault = Diagnostic::error("duplicate-key", message, entry.key_span.clone());
                self.faults
                    .push(fault.labelled("the second one").help(format!("remove one; the first is on line {line}")));
            }
            seen.insert(&entry.key, entry.key_span.clone());
            match shape.property(&entry.key) {
                Some(shape) => {
                    if let Some(value) = self.node(shape, &inner, &entry.node) {
                        values.insert(entry.key.clone(), value);
                    }
                }
                // What was meant is not missing as well.
                None => meant.extend(self.unknown_key(&shape.keys().collect::<Vec<_>>(), &inner, entry)),
            }
        }
        // A word that is none is told as such, and asks for nothing besides.
        let is_schedule = |entry: &Entry| matches!(&entry.node.kind, Kind::Text(word) if word == "schedule");
        let is_met = |key: &str| entries.iter().any(|entry| entry.key == key && !is_schedule(entry));
        let required = shape.required().chain(shape.required_else(is_met));
        for key in required.filter(|key| !seen.contains_key(key) && !meant.contains(key)) {
            let path = at.join(key);
            let example = shape.property(key).map(Shape::example).unwrap_or_default();
            let fault = Diagnostic::error("missing-key", format!("`{path}` is required"), at.span.clone());
            let label =
                if at.path.is_empty() { format!("no `{key}` in this file") } else { format!("no `{key}` in here") };
            self.faults.push(fault.labelled(label).help(format!("add `{key}: {example}`")));
        }
        Value::Object(values)
    }

    /// Reports the key, and gives the one that was probably meant.
    fn unknown_key(&mut self, known: &[&'a str], at: &At<'_>, entry: &Entry) -> Option<&'a str> {
        let home = || {
            self.spec.keys().find(|section| self.spec.property(section).is_some_and(|s| s.keys().any(|k| k == at.key)))
        };
        if privacy::is_torn_off(self.text, &at.path, &at.span, &entry.node) {
            let fault = Diagnostic::error("unknown-key", "there is a key without a value", entry.key_span.clone());
            let help = "if it is a part of the value before it, put that value in quotes";
            self.faults.push(fault.labelled("not shown").help(help).redacting(entry.key_span.clone()));
            return None;
        }
        let near = nearest(at.key, known.iter().copied());
        let help = match near {
            Some(near) => format!("did you mean `{}`?", self.line(at, near, &entry.node)),
            None if !at.path.contains('.') => match home() {
                Some(section) => format!("`{}` belongs under `{section}:`", at.key),
                None => format!("the keys here are {}", known.join(", ")),
            },
            None => format!("the keys here are {}", known.join(", ")),
        };
        let message = format!("unknown key `{}`", at.path);
        let fault = Diagnostic::error("unknown-key", message, entry.key_span.clone()).labelled("not known").help(help);
        let secrets = privacy::secrets_of_unknown(self.text, &at.path, &at.span, &entry.node);
        self.faults.push(secrets.into_iter().fold(fault, Diagnostic::redacting));
        near
    }

    /// `key: value` as it should be, the value as it is, where it is short and no secret.
    fn line(&self, at: &At<'_>, key: &str, node: &Node) -> String {
        let value = &self.text[node.span.clone()];
        let scalar = !matches!(node.kind, Kind::Map(_) | Kind::List(_) | Kind::Null);
        let shown = scalar
            && !value.contains('\n')
            && privacy::secrets_of_unknown(self.text, &at.path, &at.span, node).is_empty();
        if shown { format!("{key}: {value}") } else { key.to_owned() }
    }

    fn flag(&mut self, shape: Shape<'a>, at: &At<'_>, node: &Node, value: bool) -> Option<Value> {
        match shape.constant().and_then(Value::as_bool) {
            Some(only) if only != value => {
                let message = format!("`{}` can only be {only}", at.path);
                self.fault("unknown-value", at, node, message, "not this", format!("write `{}: {only}`", at.key));
                None
            }
            _ => Some(Value::from(value)),
        }
    }

    fn number(&mut self, shape: Shape<'a>, at: &At<'_>, node: &Node, value: i64) -> Option<Value> {
        if let Some(numbers) = shape.numbers().filter(|numbers| !numbers.contains(&value)) {
            let near = numbers.iter().min_by_key(|number| number.abs_diff(value)).copied().unwrap_or_default();
            let all: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            let message = format!("`{}` must be one of {}", at.path, all.join(", "));
            let help = format!("write `{}: {near}`, the nearest", at.key);
            self.fault("unknown-value", at, node, message, "none of them", help);
            return None;
        }
        if let Some((min, max)) = shape.range().filter(|(min, max)| !(min..=max).contains(&&value)) {
            let message = format!("`{}` must be {min} to {max}", at.path);
            let (label, near) = if value < min { ("too little", min) } else { ("too much", max) };
            let good = shape.usual_number().unwrap_or(near);
            self.fault("out-of-range", at, node, message, label, format!("write for example `{}: {good}`", at.key));
            return None;
        }
        Some(Value::from(value))
    }

    fn choice(&mut self, choices: &Choices<'a>, at: &At<'_>, node: &Node) -> Option<Value> {
        match &node.kind {
            Kind::Text(word) if choices.words.contains(&word.as_str()) => Some(Value::from(word.as_str())),
            Kind::Map(entries) if !choices.maps.is_empty() => self.tagged(choices, at, node, entries),
            Kind::Null if choices.plain.iter().any(|shape| shape.allows("null")) => Some(Value::Null),
            _ => match choices.plain.iter().find(|shape| !shape.allows("null")) {
                Some(shape) if choices.words.is_empty() && choices.maps.is_empty() => self.plain(*shape, at, node),
                _ => {
                    self.no_choice(choices, at, node);
                    None
                }
            },
        }
    }

    /// A choice that is written as a map of one key.
    fn tagged(&mut self, choices: &Choices<'a>, at: &At<'_>, node: &Node, entries: &[Entry]) -> Option<Value> {
        let [entry] = entries else {
            let message = format!("`{}` takes exactly one key", at.path);
            self.fault("wrong-type", at, node, message, "not so many keys", ways(choices, at));
            return None;
        };
        let inner = at.entry(entry);
        let Some((key, shape)) = choices.maps.iter().find(|(key, _)| *key == entry.key) else {
            let known: Vec<&str> = choices.maps.iter().map(|(key, _)| *key).collect();
            self.unknown_key(&known, &inner, entry);
            return None;
        };
        let value = self.node(*shape, &inner, &entry.node)?;
        Some(Value::Object(Map::from_iter([((*key).to_owned(), value)])))
    }
}
