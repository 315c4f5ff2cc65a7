//! Why a stack can't be planned, and how that is told.

use plan::plan::Refusal;
use plan::precondition::Unmet;
use plan::render::escaped;
use serde::Serialize;

use crate::artifact;
use crate::aws::{Class, Error};
use crate::engine::ReadError;
use crate::exit::Exit;
use crate::initial::InitialError;
use crate::ui::Ui;

/// What a plan is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// `apply`
    Apply,
    /// `teardown`
    Teardown,
}

/// Why nothing was done to a stack.
#[derive(Debug)]
pub enum Failure {
    /// The function's package can't be used.
    Package(artifact::Error),
    /// What is live can't be read.
    Read(Vec<ReadError>),
    /// The caller's account is not the spec's.
    WrongAccount {
        /// The spec's.
        expected: String,
        /// The caller's.
        actual: String,
        /// The caller.
        caller: String,
    },
    /// Foreign resources are in the way.
    Foreign(Vec<Refusal>),
    /// AWS would refuse a part of it, or what comes of it could not work.
    Unmet {
        /// What the plan was made for: `apply` or `teardown`.
        command: Command,
        /// What is in the way, and where in the spec.
        unmet: Vec<(Option<String>, Unmet)>,
    },
    /// The secret has no first value.
    Initial(InitialError),
    /// A file that is meant to be a saved plan can't be carried out.
    NoSavedPlan(String),
    /// Something has changed since the plan was saved.
    Stale {
        /// What.
        why: String,
        /// Each difference.
        details: Vec<String>,
    },
}

impl Failure {
    /// What it makes of the exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::WrongAccount { .. } | Self::Foreign(_) | Self::Unmet { command: Command::Teardown, .. } => {
                Exit::Refused
            }
            Self::Stale { .. } => Exit::Stale,
            Self::Package(_)
            | Self::Read(_)
            | Self::Unmet { command: Command::Apply, .. }
            | Self::Initial(_)
            | Self::NoSavedPlan(_) => Exit::Error,
        }
    }

    /// Tells a person: what failed, why, and what to do next.
    pub fn tell(&self, stack: &str, ui: Ui) {
        let (what, details) = self.text(stack);
        ui.error(&what, &details);
    }

    fn text(&self, stack: &str) -> (String, Vec<String>) {
        match self {
            Self::Package(error) => (format!("stack {stack}: the function's package: {error}"), Vec::new()),
            Self::Read(errors) => (format!("stack {stack} can't be read; nothing was changed"), read(errors)),
            Self::WrongAccount { expected, actual, caller } => (
                format!("stack {stack} belongs to account {expected}, but the credentials are for account {actual}"),
                vec![
                    format!("you are {}", escaped(caller)),
                    "nothing was changed; choose other credentials (AWS_PROFILE), or correct `account` in the spec"
                        .to_owned(),
                ],
            ),
            Self::Foreign(refusals) => (
                format!("stack {stack}: refused, because some resources are not this stack's; nothing was changed"),
                refusals.iter().map(|refusal| adoption(stack, refusal)).collect(),
            ),
            Self::Unmet { command, unmet } => {
                let what = match command {
                    Command::Apply => "can't be as its spec says",
                    Command::Teardown => "is protected: not all of it can be deleted",
                };
                (format!("stack {stack} {what}; nothing was changed"), unmet.iter().map(obstacle).collect())
            }
            Self::Initial(error) => (format!("stack {stack}: {error}"), vec!["nothing was changed".to_owned()]),
            Self::NoSavedPlan(why) => {
                (format!("the saved plan {stack}: {why}"), vec!["nothing was changed".to_owned()])
            }
            Self::Stale { why, details } => {
                let next = "nothing was changed; run `deploy plan --out` again, and review what it says".to_owned();
                let details = details.iter().cloned().chain([next]).collect();
                (format!("stack {stack}: the saved plan is stale: {why}"), details)
            }
        }
    }

    /// The same for a program.
    #[must_use]
    pub fn json(&self, stack: &str) -> FailureJson {
        let (message, details) = self.text(stack);
        FailureJson { stack: stack.to_owned(), message, details }
    }
}

/// A failure in a JSON document.
#[derive(Debug, Serialize)]
pub struct FailureJson {
    stack: String,
    message: String,
    details: Vec<String>,
}

impl FailureJson {
    /// What failed, and its details.
    #[must_use]
    pub fn new(stack: &str, message: String, details: Vec<String>) -> Self {
        Self { stack: stack.to_owned(), message, details }
    }
}

fn obstacle((place, unmet): &(Option<String>, Unmet)) -> String {
    let place = place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
    format!("{place}{}\nnext: {}", escaped(&unmet.what), escaped(&unmet.fix))
}

fn adoption(stack: &str, refusal: &Refusal) -> String {
    let owner = match &refusal.owner {
        Some(owner) => format!("belongs to stack {}", escaped(owner)),
        None => "exists, and carries no stack's tag".to_owned(),
    };
    let (kind, name) = (refusal.kind, &refusal.name);
    format!("{kind} {name} {owner}\nto take it over, as the difference above shows: --adopt {stack}/{kind}")
}

/// One line for each failed read; where the credentials are at fault, all fail for one reason, told once.
fn read(errors: &[ReadError]) -> Vec<String> {
    let mut lines = Vec::new();
    let shared = errors.iter().find(|read| matches!(read.error.class, Class::Credentials | Class::Network));
    let told: Vec<&ReadError> = shared.map_or_else(|| errors.iter().collect(), |one| vec![one]);
    for read in told {
        let kind = read.kind.map(|kind| format!("{kind}: ")).filter(|_| shared.is_none()).unwrap_or_default();
        lines.push(format!("{kind}{}", explain(&read.error)));
    }
    lines.dedup();
    lines
}

/// An error with its hint.
#[must_use]
pub fn explain(error: &Error) -> String {
    error.explained()
}

/// Why a stack can't be read again after it was changed, in one line.
#[must_use]
pub fn unread(failure: &Failure) -> String {
    match failure {
        Failure::Read(errors) => errors.first().map(|read| explain(&read.error)).unwrap_or_default(),
        _ => "the account is another one by now".to_owned(),
    }
}
