//! The JSON Schema: for editors, and for the structure check, which reads it through [`Shape`].

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::{Map, Value};

use super::raw::RawSpec;

/// The JSON Schema of a spec file.
#[must_use]
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(drop_null_default));
    settings.into_generator().into_root_schema_for::<RawSpec>().to_value()
}

/// A key that is required has no default, and "null by default" tells an editor's user nothing.
fn drop_null_default(schema: &mut Schema) {
    let Some(default) = schema.get_mut("default") else {
        return;
    };
    if let Some(keys) = default.as_object_mut() {
        keys.retain(|_, value| !value.is_null());
    }
    if default.is_null() || default.as_object().is_some_and(Map::is_empty) {
        schema.remove("default");
    }
}

/// One schema of the document, references followed.
#[derive(Clone, Copy)]
pub(super) struct Shape<'a> {
    root: &'a Value,
    own: &'a Value,
}

/// The ways to write a value of several: words, and maps of one key.
#[derive(Default)]
pub(super) struct Choices<'a> {
    pub(super) words: Vec<&'a str>,
    pub(super) maps: Vec<(&'a str, Shape<'a>)>,
    /// Where null or a plain value will do as well.
    pub(super) plain: Vec<Shape<'a>>,
}

impl<'a> Shape<'a> {
    pub(super) fn root(root: &'a Value) -> Self {
        Self { root, own: root }
    }

    fn of(self, own: &'a Value) -> Self {
        let reference = own.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
        let own = reference.and_then(|path| self.root.pointer(path)).unwrap_or(own);
        Self { own, ..self }
    }

    pub(super) fn allows(self, kind: &str) -> bool {
        match self.own.get("type") {
            Some(Value::String(one)) => one == kind,
            Some(Value::Array(several)) => several.iter().any(|one| one == kind),
            _ => false,
        }
    }

    /// The first type's name in plain words.
    pub(super) fn kind(self) -> &'static str {
        const NAMES: [(&str, &str); 5] = [
            ("string", "text"),
            ("integer", "a whole number"),
            ("boolean", "true or false"),
            ("array", "a list"),
            ("object", "a map of keys"),
        ];
        NAMES.into_iter().find(|(kind, _)| self.allows(kind)).map_or("something else", |(_, name)| name)
    }

    pub(super) fn property(self, key: &str) -> Option<Self> {
        let named = self.own.get("properties").and_then(|properties| properties.get(key));
        named.or_else(|| self.own.get("additionalProperties").filter(|any| any.is_object())).map(|own| self.of(own))
    }

    pub(super) fn keys(self) -> impl Iterator<Item = &'a str> {
        let properties = self.own.get("properties").and_then(Value::as_object);
        properties.into_iter().flat_map(|properties| properties.keys().map(String::as_str))
    }

    pub(super) fn required(self) -> impl Iterator<Item = &'a str> {
        let required = self.own.get("required").and_then(Value::as_array);
        required.into_iter().flatten().filter_map(Value::as_str)
    }

    /// What is required besides, unless the condition's key is met, as `is_met` tells.
    pub(super) fn required_else(self, is_met: impl Fn(&str) -> bool) -> impl Iterator<Item = &'a str> {
        let strings = |path: &str| self.own.pointer(path).and_then(Value::as_array).into_iter().flatten();
        let is_met = strings("/if/required").filter_map(Value::as_str).any(is_met);
        strings("/else/required").filter(move |_| !is_met).filter_map(Value::as_str)
    }

    pub(super) fn items(self) -> Option<Self> {
        self.own.get("items").map(|own| self.of(own))
    }

    /// The smallest and the largest number.
    pub(super) fn range(self) -> Option<(i64, i64)> {
        let bound = |key: &str| self.own.get(key).and_then(Value::as_i64);
        Some((bound("minimum")?, bound("maximum")?))
    }

    /// A number that is usual here.
    pub(super) fn usual_number(self) -> Option<i64> {
        self.own.pointer("/examples/0").and_then(Value::as_i64)
    }

    /// The only numbers that will do.
    pub(super) fn numbers(self) -> Option<Vec<i64>> {
        let numbers: Vec<i64> = self.own.get("enum")?.as_array()?.iter().filter_map(Value::as_i64).collect();
        (!numbers.is_empty()).then_some(numbers)
    }

    /// The only value that will do.
    pub(super) fn constant(self) -> Option<&'a Value> {
        self.own.get("const")
    }

    /// An example in YAML, of all that is required where it is a map.
    pub(super) fn example(self) -> String {
        if let Some(example) = self.own.pointer("/examples/0").and_then(Value::as_str) {
            let number = example.bytes().all(|b| b.is_ascii_digit());
            return if number { format!("\"{example}\"") } else { example.to_owned() };
        }
        if let Some(example) = self.own.pointer("/examples/0") {
            return flow(example);
        }
        let required = self.required().filter_map(|key| Some(format!("{key}: {}", self.property(key)?.example())));
        format!("{{{}}}", required.collect::<Vec<_>>().join(", "))
    }

    /// The ways to write it, where there are several.
    pub(super) fn choices(self) -> Option<Choices<'a>> {
        let mut choices = Choices::default();
        self.collect(&mut choices);
        (!choices.words.is_empty() || !choices.maps.is_empty() || choices.plain.len() > 1).then_some(choices)
    }

    fn collect(self, choices: &mut Choices<'a>) {
        let several = ["oneOf", "anyOf"].iter().find_map(|key| self.own.get(key)?.as_array());
        if let Some(several) = several {
            for one in several {
                self.of(one).collect(choices);
            }
        } else if let Some(word) = self.own.get("const").and_then(Value::as_str) {
            choices.words.push(word);
        } else if let Some(words) = self.own.get("enum").and_then(Value::as_array) {
            choices.words.extend(words.iter().filter_map(Value::as_str));
        } else if let Some(key) = self.required().next().filter(|_| self.keys().count() == 1) {
            choices.maps.extend(self.property(key).map(|shape| (key, shape)));
        } else {
            choices.plain.push(self);
        }
    }
}

/// A list or a map on one line of YAML.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| format!("{key}: {}", flow(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
