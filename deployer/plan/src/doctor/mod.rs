//! Why didn't it rotate? From what was read of a stack to findings, each with what mends it.

mod advice;
mod evidence;
mod function;
mod invocation;
mod lockout;
mod queue;
mod rotations;
mod secret;
mod stack;
mod target;
mod trigger;

use serde::Serialize;

pub use advice::TIMEOUT;
pub(crate) use evidence::shell_word;
pub use evidence::{Concurrency, Evidence, Health, Queue, Read, SelfCheck, Version, with_empty};
pub use invocation::{End, Invocation, invocations};
pub use secret::{CURRENT, PENDING, holds_still};
pub use trigger::log_start;

use crate::resource::Kind;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It is as it should be.
    Good,
    /// Worth knowing; rotation goes on.
    Notice,
    /// It keeps the secret from being rotated, or its readers from the target, or lets others at the value.
    Problem,
}

/// What a finding is about, in the order in which a person reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// A resource.
    Resource(Kind),
    /// What has become of the rotations.
    Rotations,
    /// The queue of what could not be delivered.
    DeadLetterQueue,
    /// What the password opens.
    Target,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Resource(kind) => kind.address(),
            Self::Rotations => "rotations",
            Self::DeadLetterQueue => "dead-letter-queue",
            Self::Target => "target",
        })
    }
}

impl Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<Kind> for Address {
    fn from(kind: Kind) -> Self {
        Self::Resource(kind)
    }
}

/// What `doctor --fix` may do: each takes one staging label from one version, and no value goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "fix", rename_all = "kebab-case")]
pub enum Fix {
    /// Takes AWSPENDING from a version that the target refuses, while it accepts the current one.
    DropPending {
        /// The version's id.
        version: String,
        /// The id of the version that is current.
        current: String,
    },
    /// Takes AWSPENDING from a version that has no value, and that Secrets Manager takes for a rotation under way.
    DropEmptyPending {
        /// The version's id.
        version: String,
    },
    /// Takes away a label that has served.
    RemoveLabel {
        /// The version's id.
        version: String,
        /// The label.
        label: String,
    },
}

impl Fix {
    /// The version and the label that it takes from it.
    #[must_use]
    pub fn removal(&self) -> (&str, &str) {
        match self {
            Self::DropPending { version, .. } | Self::DropEmptyPending { version } => (version, PENDING),
            Self::RemoveLabel { version, label } => (version, label),
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How grave it is.
    pub level: Level,
    /// What it is about.
    pub address: Address,
    /// What was found.
    pub what: String,
    /// Why it is so, or what it means; one line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
    /// The command that mends it, or what to do where there is none.
    #[serde(rename = "next", skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
    /// What `--fix` does about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fixes: Vec<Fix>,
}

impl Finding {
    fn new(level: Level, address: impl Into<Address>, what: impl Into<String>) -> Self {
        let (address, what) = (address.into(), what.into());
        Self { level, address, what, why: Vec::new(), mend: None, fixes: Vec::new() }
    }

    fn good(address: impl Into<Address>, what: impl Into<String>) -> Self {
        Self::new(Level::Good, address, what)
    }

    fn notice(address: impl Into<Address>, what: impl Into<String>) -> Self {
        Self::new(Level::Notice, address, what)
    }

    fn problem(address: impl Into<Address>, what: impl Into<String>) -> Self {
        Self::new(Level::Problem, address, what)
    }

    fn why(mut self, line: impl Into<String>) -> Self {
        self.why.push(line.into());
        self
    }

    /// Why something could not be read: the error, and in the next line what to do.
    fn unread(mut self, why: &str) -> Self {
        self.why.extend(error_lines(why));
        self
    }

    fn mend(mut self, next: impl Into<String>) -> Self {
        self.mend = Some(next.into());
        self
    }

    fn fixed_by(mut self, fixes: impl IntoIterator<Item = Fix>) -> Self {
        self.fixes.extend(fixes);
        self
    }
}

/// The lines of an error that was put into words: itself, and what to do next.
pub(crate) fn error_lines(text: &str) -> Vec<String> {
    match text.split_once("\nnext: ") {
        Some((error, next)) => vec![error.to_owned(), format!("next: {next}")],
        None => vec![text.to_owned()],
    }
}

/// All findings, the good ones too, by what they are about.
#[must_use]
pub fn examine(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut findings = stack::examine(evidence);
    findings.extend(trigger::examine(evidence));
    findings.extend(function::examine(evidence));
    findings.extend(secret::examine(evidence));
    findings.extend(rotations::examine(evidence));
    findings.extend(queue::examine(evidence));
    findings.extend(target::examine(evidence));
    findings.sort_by_key(|finding| finding.address);
    findings
}
