//! The stack's schedule group. Schedules carry no tags: the group's tags own them.

use crate::attribute::Attributes;
use crate::naming::Names;
use crate::ownership::{Tags, comparable, tags};
use crate::spec::Spec;

/// What the schedule group should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Tags.
    pub tags: Tags,
}

/// What the schedule group is.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// Deletion is asynchronous; a group that goes can't be used, and its name is not free yet.
    pub deleting: bool,
    /// Tags.
    pub tags: Tags,
}

/// The schedule group that a spec asks for.
#[must_use]
pub fn desired(spec: &Spec) -> Desired {
    let names = Names::of(spec);
    Desired { name: names.schedule_group().to_owned(), arn: names.schedule_group_arn(), tags: tags(spec) }
}

impl Desired {
    /// As attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let Self { name: _, arn: _, tags } = self;
        Attributes::new().with_map("tags", &comparable(tags))
    }
}

impl Live {
    /// As attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let Self { deleting: _, tags } = self;
        Attributes::new().with_map("tags", &comparable(tags))
    }
}
