//! Attributes: the common form in which desired and live resources are compared and shown.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::policy;

/// Name of one attribute, with a key where the attribute is a map: `memory`, `tags["team"]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attribute {
    /// The attribute.
    pub name: &'static str,
    /// The key in it, for maps.
    pub key: Option<String>,
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            None => f.write_str(self.name),
            Some(key) => write!(f, "{}[{key:?}]", self.name),
        }
    }
}

impl Serialize for Attribute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Value of one attribute.
#[derive(Debug, Clone)]
pub enum Value {
    /// Known now.
    Known(serde_json::Value),
    /// An IAM document, compared by meaning.
    Policy(serde_json::Value),
    /// Known only once another resource exists.
    AfterApply,
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Known(a), Self::Known(b)) => a == b,
            (Self::Policy(a), Self::Policy(b)) => policy::equivalent(a, b),
            // What is not known yet is never known to be equal.
            _ => false,
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(value) => value.serialize(serializer),
            Self::Policy(document) => policy::tidy(document).serialize(serializer),
            Self::AfterApply => BTreeMap::from([("known_after_apply", true)]).serialize(serializer),
        }
    }
}

/// What changing an attribute takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// An update of the resource that is there.
    InPlace,
    /// Deleting the resource and creating it anew.
    Replaces,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// What differs.
    pub attribute: Attribute,
    /// The live value; `None` is absent.
    pub before: Option<Value>,
    /// The desired value; `None` is absent.
    pub after: Option<Value>,
    /// What it takes.
    pub effect: Effect,
}

/// A resource's attributes, in the order in which a person reads them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes(Vec<(Attribute, Value, Effect)>);

impl Attributes {
    /// No attributes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an attribute that is updated in place.
    #[must_use]
    pub fn with(self, name: &'static str, value: impl Into<serde_json::Value>) -> Self {
        self.push(name, None, Value::Known(value.into()), Effect::InPlace)
    }

    /// Adds an attribute whose change replaces the resource.
    #[must_use]
    pub fn with_fixed(self, name: &'static str, value: impl Into<serde_json::Value>) -> Self {
        self.push(name, None, Value::Known(value.into()), Effect::Replaces)
    }

    /// Adds an attribute that is absent where the value is `None`.
    #[must_use]
    pub fn with_optional(self, name: &'static str, value: Option<impl Into<serde_json::Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds an attribute that is known after apply where the value is `None`.
    #[must_use]
    pub fn with_late(self, name: &'static str, value: Option<impl Into<serde_json::Value>>) -> Self {
        let value = value.map_or(Value::AfterApply, |v| Value::Known(v.into()));
        self.push(name, None, value, Effect::InPlace)
    }

    /// Adds an IAM document.
    #[must_use]
    pub fn with_policy(self, name: &'static str, document: &serde_json::Value) -> Self {
        self.push(name, None, Value::Policy(document.clone()), Effect::InPlace)
    }

    /// Adds one entry of a map.
    #[must_use]
    pub fn with_entry(self, name: &'static str, key: impl Into<String>, value: Value) -> Self {
        self.push(name, Some(key.into()), value, Effect::InPlace)
    }

    /// Adds all entries of a map.
    #[must_use]
    pub fn with_map<'a, V: Clone + Into<serde_json::Value> + 'a>(
        self,
        name: &'static str,
        map: impl IntoIterator<Item = (&'a String, &'a V)>,
    ) -> Self {
        map.into_iter().fold(self, |all, (key, value)| all.with_entry(name, key, Value::Known(value.clone().into())))
    }

    fn push(mut self, name: &'static str, key: Option<String>, value: Value, effect: Effect) -> Self {
        self.0.push((Attribute { name, key }, value, effect));
        self
    }

    fn get(&self, attribute: &Attribute) -> Option<(&Value, Effect)> {
        self.0.iter().find(|(a, ..)| a == attribute).map(|(_, value, effect)| (value, *effect))
    }

    /// All attributes with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&Attribute, &Value)> {
        self.0.iter().map(|(attribute, value, _)| (attribute, value))
    }

    /// The differences that turn `live` into `self`; a value known only after apply differs from every live one.
    #[must_use]
    pub fn diff(&self, live: &Self) -> Vec<Change> {
        let wanted = self.0.iter().filter_map(|(attribute, after, effect)| {
            let before = live.get(attribute);
            // What is live may be fixed although it can be added in place where it is absent.
            let effect = before.map_or(*effect, |(_, fixed)| fixed.max(*effect));
            (before.map(|(value, _)| value) != Some(after)).then(|| Change {
                attribute: attribute.clone(),
                before: before.map(|(value, _)| value.clone()),
                after: Some(after.clone()),
                effect,
            })
        });
        let unwanted =
            live.0.iter().filter(|(attribute, ..)| self.get(attribute).is_none()).map(|(attribute, before, effect)| {
                Change { attribute: attribute.clone(), before: Some(before.clone()), after: None, effect: *effect }
            });
        wanted.chain(unwanted).collect()
    }

    /// The differences that create a resource from nothing.
    #[must_use]
    pub fn as_creation(&self) -> Vec<Change> {
        self.diff(&Self::default())
    }
}
