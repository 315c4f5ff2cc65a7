//! What the examination goes by.

use std::collections::BTreeMap;

use contract::Answer;
use jiff::Timestamp;

use super::Invocation;
use crate::live::Live;
use crate::ownership::Owner;
use crate::plan::{Plan, foreign_owner};
use crate::precondition::Unmet;
use crate::resource::Kind;
use crate::resource_policy::ResourcePolicy;
use crate::spec::Spec;

/// What was read, or why it could not be, in words.
pub type Read<T> = Result<T, String>;

/// All that was read of one stack at one time.
#[derive(Debug, Clone)]
pub struct Evidence<'a> {
    /// The spec.
    pub spec: &'a Spec,
    /// Its file, as the commands name it.
    pub origin: &'a str,
    /// The time.
    pub now: Timestamp,
    /// The resources.
    pub live: &'a Live,
    /// What the resources should be.
    pub desired: &'a crate::desired::Desired,
    /// What apply would do.
    pub plan: &'a Plan,
    /// What keeps it from being done.
    pub unmet: &'a [Unmet],
    /// The function's states; `None` is an absent function.
    pub function: Read<Option<Health>>,
    /// When the schedule was last stored: a rate counts from then, and what was due before may have been another's.
    pub schedule_stored: Option<Timestamp>,
    /// The secret's versions, those without a label too.
    pub versions: Read<Vec<Version>>,
    /// What the function logged of its invocations, oldest first.
    pub invocations: Read<Vec<Invocation>>,
    /// The dead-letter queue of the spec.
    pub queue: Queue,
    /// What the function says of itself.
    pub self_check: SelfCheck,
    /// The secret's resource policy.
    pub resource_policy: ResourcePolicy,
}

/// What Lambda says of the function's state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// `Active`, `Pending`, `Inactive`, `Failed`
    pub state: Option<String>,
    /// Why it is in that state.
    pub state_reason: Option<String>,
    /// `Successful`, `InProgress`, `Failed`
    pub update: Option<String>,
    /// Why the last update failed.
    pub update_reason: Option<String>,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
    /// How many invocations may run at a time.
    pub concurrency: Concurrency,
}

/// How many of the function's invocations may run at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Concurrency {
    /// As many as the account has left.
    #[default]
    Unreserved,
    /// So many.
    Reserved(u32),
    /// It could not be read; why.
    Unread(String),
}

/// One version of a secret, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its id.
    pub id: String,
    /// Its staging labels.
    pub labels: Vec<String>,
    /// When it was made; not known of one without a value.
    pub created: Option<Timestamp>,
    /// Whether it has one. Secrets Manager makes the version before its value, and lists it only once it has one.
    pub has_value: bool,
}

/// The versions that are listed, and after them those that only `DescribeSecret` names by their labels: they have no value.
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html>
#[must_use]
pub fn with_empty(listed: Vec<Version>, labels: &BTreeMap<String, Vec<String>>) -> Vec<Version> {
    let is_listed = |id: &String| listed.iter().any(|version| version.id == *id);
    let empty: Vec<Version> = labels
        .iter()
        .filter(|(id, _)| !is_listed(id))
        .map(|(id, labels)| Version { id: id.clone(), labels: labels.clone(), created: None, has_value: false })
        .collect();
    listed.into_iter().chain(empty).collect()
}

impl Version {
    /// Whether it holds a label.
    #[must_use]
    pub fn has(&self, label: &str) -> bool {
        self.labels.iter().any(|own| own == label)
    }
}

/// The dead-letter queue that the spec names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Queue {
    /// It names none.
    Unnamed,
    /// There is none of that name.
    Absent,
    /// It holds so many messages, about.
    Holds(u64),
    /// It could not be read; why.
    Unread(String),
}

/// What the function says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelfCheck {
    /// It could rotate.
    Answered(Answer),
    /// It could not.
    Failed {
        /// The failure's class, as logs have it.
        class: String,
        /// The failure in words.
        text: String,
    },
    /// It could not be asked; why.
    Unasked(String),
    /// There was no use in asking: other findings say why.
    Pointless,
}

impl Evidence<'_> {
    /// A command on the stack's spec.
    pub(super) fn command(&self, command: &str) -> String {
        let origin = shell_word(self.origin);
        let (command, options) = command.split_once(' ').unwrap_or((command, ""));
        format!("deploy {command} {origin} {options}").trim_end().to_owned()
    }

    /// Whether a resource is there, and this stack's.
    #[must_use]
    pub fn has(&self, kind: Kind) -> bool {
        self.live.attributes(kind).is_some() && self.foreign(kind).is_none()
    }

    fn foreign(&self, kind: Kind) -> Option<Owner> {
        foreign_owner(self.desired, self.live, kind)
    }

    /// The versions, where they could be read.
    pub(super) fn versions(&self) -> &[Version] {
        self.versions.as_deref().unwrap_or_default()
    }

    /// The version that holds a label.
    pub(super) fn holder(&self, label: &str) -> Option<&Version> {
        self.versions().iter().find(|version| version.has(label))
    }
}

/// A text as one word of a command: what others chose must not become a command of its own.
pub(crate) fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+@%:,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A time as a person reads it.
pub(super) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A length of time in its largest unit.
pub(super) fn span(seconds: i64) -> String {
    match seconds {
        s if s < 120 => format!("{s} s"),
        s if s < 7_200 => format!("{} min", s / 60),
        s if s < 172_800 => format!("{} h", s / 3600),
        s => format!("{} days", s / 86_400),
    }
}
