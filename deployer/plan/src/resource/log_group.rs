//! The function's log group.

use crate::attribute::Attributes;
use crate::naming::Names;
use crate::ownership::{Tags, comparable, tags};
use crate::spec::Spec;

/// What the log group should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// Name.
    pub name: String,
    /// ARN without the `:*` of its streams.
    pub arn: String,
    /// Days after which events expire.
    pub retention_days: u32,
    /// Tags.
    pub tags: Tags,
}

/// What the log group is.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// Days after which events expire; `None` is never.
    pub retention_days: Option<u32>,
    /// The account's own retention policy, where it decides in place of the group's.
    pub retention_policy: Option<String>,
    /// Whether it is protected from deletion; no setting of the spec's: see [`crate::precondition`].
    pub is_protected: bool,
    /// Tags.
    pub tags: Tags,
}

/// The log group that a spec asks for.
#[must_use]
pub fn desired(spec: &Spec) -> Desired {
    let names = Names::of(spec);
    Desired {
        name: names.log_group(),
        arn: names.log_group_arn(),
        retention_days: spec.function.log_retention_days,
        tags: tags(spec),
    }
}

impl Desired {
    /// As attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let Self { name: _, arn: _, retention_days, tags } = self;
        Attributes::new().with("retention_days", *retention_days).with_map("tags", &comparable(tags))
    }
}

impl Live {
    /// As attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let Self { retention_days, retention_policy: _, is_protected: _, tags } = self;
        Attributes::new().with_optional("retention_days", *retention_days).with_map("tags", &comparable(tags))
    }
}
