//! The secret. Its value is no attribute: it is written once, at creation, and belongs to the rotator from then on.

use std::collections::BTreeMap;

use crate::attribute::Attributes;
use crate::ownership::{Tags, comparable, tags};
use crate::spec::Spec;

/// The key that Secrets Manager uses where none is named.
pub const DEFAULT_KEY: &str = "alias/aws/secretsmanager";

/// What the secret should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// Name.
    pub name: String,
    /// Free text; empty is none.
    pub description: String,
    /// ARN of a customer-managed key; `None` is the default key.
    pub kms_key_arn: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// What the secret is.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// Full ARN.
    pub arn: String,
    /// Free text; empty is none.
    pub description: String,
    /// ARN of a customer-managed key; `None` is the default key.
    pub kms_key_arn: Option<String>,
    /// Tags.
    pub tags: Tags,
    /// Since when it is scheduled for deletion, RFC 3339; it can be restored until it is purged.
    pub deleted: Option<String>,
    /// When it was last changed in any way, RFC 3339.
    pub changed: Option<String>,
    /// The regions to which it is replicated.
    pub replicas: Vec<String>,
    /// The region of the secret of which it is a replica, or its own; `None` where that is not told.
    pub primary_region: Option<String>,
    /// The AWS service that manages it, where one does.
    pub owning_service: Option<String>,
    /// Version ids and their staging labels; never a value.
    pub versions: BTreeMap<String, Vec<String>>,
}

impl Live {
    /// The id of the version that holds a staging label.
    #[must_use]
    pub fn version(&self, label: &str) -> Option<&str> {
        self.versions.iter().find(|(_, labels)| labels.iter().any(|l| l == label)).map(|(id, _)| id.as_str())
    }
}

/// The secret that a spec asks for.
#[must_use]
pub fn desired(spec: &Spec, kms_key_arn: Option<&str>) -> Desired {
    Desired {
        name: spec.secret.name.clone(),
        description: spec.secret.description.clone(),
        kms_key_arn: kms_key_arn.map(str::to_owned),
        tags: tags(spec),
    }
}

fn common(description: &str, kms_key_arn: Option<&str>, tags: &Tags) -> Attributes {
    Attributes::new()
        .with_optional("description", (!description.is_empty()).then_some(description))
        .with("kms_key", kms_key_arn.unwrap_or(DEFAULT_KEY))
        .with_map("tags", &comparable(tags))
}

impl Desired {
    /// As attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let Self { name: _, description, kms_key_arn, tags } = self;
        common(description, kms_key_arn.as_deref(), tags)
    }
}

impl Live {
    /// As attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        // These are no settings of the spec's: see [`crate::precondition`].
        let Self { replicas: _, primary_region: _, owning_service: _, .. } = self;
        let Self { arn: _, description, kms_key_arn, tags, deleted: _, changed: _, versions: _, .. } = self;
        common(description, kms_key_arn.as_deref(), tags)
    }
}
