//! Ownership is a tag on every resource that can carry one; the others are owned through one that does.

use std::collections::BTreeMap;

use crate::resource::Kind;
use crate::spec::Spec;

/// The ownership tag: its value is the stack's name.
pub const STACK_TAG: &str = "deployer:stack";
/// The stack's region; roles are global, so two regions' stacks of one name would otherwise take each other's.
pub const REGION_TAG: &str = "deployer:region";
/// Fingerprint of the desired state as last applied: tells drift from a change of the spec.
pub const APPLIED_TAG: &str = "deployer:applied";
/// The same for the schedule, on its group.
pub const APPLIED_SCHEDULE_TAG: &str = "deployer:applied-schedule";
/// The same for the secret's rotation rules, on the secret.
pub const APPLIED_ROTATION_TAG: &str = "deployer:applied-rotation";
/// The id of the execution role that the function was made with. Lambda's grant on the key of the function's environment
/// is bound to that id, so that a role made anew under the old name leaves a function that can't start.
/// <https://repost.aws/knowledge-center/lambda-kmsaccessdeniedexception-errors>
pub const ROLE_ID_TAG: &str = "deployer:role-id";
/// The version of the deployer that put the function's code there.
pub const VERSION_TAG: &str = "deployer:version";
/// The hash of the zip that it put there, as Lambda reports it in `CodeSha256`.
pub const CODE_TAG: &str = "deployer:code-sha256";
/// The tags that are the deployer's notes and no settings.
pub const NOTE_TAGS: [&str; 6] =
    [APPLIED_TAG, APPLIED_SCHEDULE_TAG, APPLIED_ROTATION_TAG, ROLE_ID_TAG, VERSION_TAG, CODE_TAG];
/// Prefix of the tags that the deployer keeps for itself.
pub const TAG_PREFIX: &str = "deployer:";

/// The tag that carries a resource's fingerprint.
#[must_use]
pub const fn applied_tag(kind: Kind) -> &'static str {
    match kind {
        Kind::Schedule => APPLIED_SCHEDULE_TAG,
        Kind::Rotation => APPLIED_ROTATION_TAG,
        _ => APPLIED_TAG,
    }
}

/// A resource's tags.
pub type Tags = BTreeMap<String, String>;

/// The tags that every resource of a stack carries.
#[must_use]
pub fn tags(spec: &Spec) -> Tags {
    let own = [(STACK_TAG, &spec.name), (REGION_TAG, &spec.region)];
    let own = own.into_iter().map(|(key, value)| (key.to_owned(), value.clone()));
    spec.tags.clone().into_iter().chain(own).collect()
}

/// Whose a live resource is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// This stack's.
    Us,
    /// Another stack's.
    Stack {
        /// Its name.
        name: String,
        /// Its region, where the tag tells.
        region: Option<String>,
    },
    /// Nobody's that we know.
    Unknown,
}

impl Owner {
    /// The owning stack, as a person reads it; `None` where no tag tells.
    #[must_use]
    pub fn stack(&self) -> Option<String> {
        match self {
            Self::Stack { name, region: Some(region) } => Some(format!("{name} in {region}")),
            Self::Stack { name, region: None } => Some(name.clone()),
            Self::Us | Self::Unknown => None,
        }
    }
}

/// Whose the resource with the `live` tags is, seen from the stack with the `desired` tags.
#[must_use]
pub fn owner(desired: &Tags, live: &Tags) -> Owner {
    let same = |tag| desired.get(tag) == live.get(tag);
    match live.get(STACK_TAG) {
        Some(_) if same(STACK_TAG) && (same(REGION_TAG) || !live.contains_key(REGION_TAG)) => Owner::Us,
        Some(name) => Owner::Stack { name: name.clone(), region: live.get(REGION_TAG).cloned() },
        None => Owner::Unknown,
    }
}

/// The tags that are compared: AWS's own (`aws:`) can't be changed, and notes are no settings.
#[must_use]
pub fn comparable(tags: &Tags) -> Tags {
    tags.iter()
        .filter(|(key, _)| !key.starts_with("aws:") && !NOTE_TAGS.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
