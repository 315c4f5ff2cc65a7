//! What can go wrong, said without any value.

use contract::ConfigError;
use lambda_runtime::Diagnostic;
use serde::{Serialize, Serializer};

use crate::password::NoPassword;
use crate::value::Unfit;

/// A failure: where, and what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {kind}", step.name())]
pub struct Error {
    /// Where in the rotation it happened.
    pub step: Step,
    /// What happened.
    pub kind: Kind,
}

impl Error {
    /// The failure's class, which is what alarms and retries go by.
    #[must_use]
    pub fn class(&self) -> Class {
        self.kind.class()
    }
}

/// A log has the failure in words.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Lambda's callers see the class as `errorType` and the text as `errorMessage`.
impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Self { error_type: format!("Rotator.{:?}", error.class()), error_message: error.to_string() }
    }
}

/// Where in a rotation something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Understanding the event and the configuration, or the invocation as a whole.
    Invoke,
    /// Reading the secret.
    Read,
    /// Storing the new value as AWSPENDING.
    Create,
    /// Telling the target.
    Set,
    /// Trying the new value at the target.
    Test,
    /// Moving AWSCURRENT.
    Finish,
    /// Removing labels that have served.
    Clean,
    /// The self-check.
    Check,
}

impl Step {
    /// The step's name, as logs and metrics have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invoke => "invoke",
            Self::Read => "read",
            Self::Create => "create",
            Self::Set => "set",
            Self::Test => "test",
            Self::Finish => "finish",
            Self::Clean => "clean",
            Self::Check => "check",
        }
    }
}

/// What sort of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The function's role may not do it.
    Permission,
    /// The secret is not there.
    NotFound,
    /// AWS could not be reached, or failed.
    Network,
    /// AWS asked to slow down.
    Throttled,
    /// Something else changed the secret at the same time.
    Conflict,
    /// The secret's value cannot be edited.
    Value,
    /// The password policy allows no password.
    Policy,
    /// The event or the environment is not what the deployer would send or set.
    Config,
    /// A fault of the function itself, or an answer that it does not know.
    Internal,
}

impl Class {
    /// The class's name, as logs and metrics have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Permission => "permission",
            Self::NotFound => "not-found",
            Self::Network => "network",
            Self::Throttled => "throttled",
            Self::Conflict => "conflict",
            Self::Value => "value",
            Self::Policy => "policy",
            Self::Config => "config",
            Self::Internal => "internal",
        }
    }
}

/// An error answer of AWS: the code and the request's id. Its message is left out, because it may quote a parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{action} answered {code} (request {request_id})")]
pub struct Refusal {
    /// The IAM action that was called.
    pub action: &'static str,
    /// The error's code.
    pub code: String,
    /// AWS's id of the request, for its support.
    pub request_id: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Kind {
    /// IAM or the secret's policy denied an action.
    #[error("{} was denied to the function's role on this secret{because} (request {})", refusal.action, refusal.request_id)]
    Denied {
        /// What was asked and answered.
        refusal: Refusal,
        /// Why, as far as AWS says: one of a few fixed texts.
        because: &'static str,
    },
    /// The secret's KMS key could not be used.
    #[error("the secret's KMS key refused the function's role, which needs kms:Decrypt and kms:GenerateDataKey; {0}")]
    Key(Refusal),
    /// The function's credentials were not accepted.
    #[error("the function's credentials were not accepted: {0}")]
    Credentials(Refusal),
    /// There is no such secret.
    #[error("the secret does not exist: {0}")]
    NoSecret(Refusal),
    /// The secret is scheduled for deletion.
    #[error("the secret is scheduled for deletion; restore it to rotate it")]
    Deleting,
    /// AWS was not reached, or did not answer.
    #[error("{action} failed: {what}")]
    Unreachable {
        /// The IAM action that was called.
        action: &'static str,
        /// How it failed.
        what: &'static str,
    },
    /// AWS failed.
    #[error("AWS failed: {0}")]
    Unavailable(Refusal),
    /// AWS asked to slow down, and the retries did not help.
    #[error("AWS asked to slow down: {0}")]
    Throttled(Refusal),
    /// The invocation's time is nearly over; the next delivery of the same tick goes on from here.
    #[error("the function's timeout was too short; the rotation goes on when the same tick is delivered again")]
    Late,
    /// AWSCURRENT is no longer at the version from which the tick began.
    #[error("the secret was changed after this rotation had begun; that change was kept, and this rotation given up")]
    Changed,
    /// The tick's version is AWSPENDING but no longer says from which version it was made.
    #[error("the pending version does not say from which version it was made, so this rotation was given up")]
    NoBase,
    /// Another tick's version is AWSPENDING, and the target may know its value already.
    #[error("another rotation is pending, and the target may have its password already")]
    PendingElsewhere,
    /// AWS says that the tick's version exists, but does not return it.
    #[error("the tick's version exists but cannot be read")]
    Unreadable,
    /// The value is binary.
    #[error("the secret's value is binary; only text can be rotated")]
    Binary,
    /// The value cannot be edited.
    #[error("{0}")]
    Value(#[from] Unfit),
    /// No password can be made.
    #[error("{0}")]
    Password(#[from] NoPassword),
    /// The environment is not as the deployer writes it.
    #[error("{0}")]
    Config(ConfigError),
    /// The event names another secret.
    #[error("the event is for another secret than this function's own")]
    ForeignSecret,
    /// The event is one of Secrets Manager's managed rotation.
    #[error(
        "the event is one of Secrets Manager's own rotation, which this function does not do; it is driven by a schedule"
    )]
    ManagedRotation,
    /// The event is none that the function knows.
    #[error(r#"the event is not understood; send {{"action": "rotate"}} or {{"action": "self-check"}}"#)]
    UnknownEvent,
    /// An answer that the function does not know how to handle.
    #[error("unexpected answer: {0}")]
    Refused(Refusal),
    /// A request that could not be built, or an answer without what it must have.
    #[error("{0}: the request could not be made, or its answer lacks what it must have")]
    Malformed(&'static str),
    /// The function panicked; where is in the log.
    #[error("the function has a fault; its log says where")]
    Panicked,
}

impl Kind {
    /// The failure, with the step at which it happened.
    #[must_use]
    pub fn at(self, step: Step) -> Error {
        Error { step, kind: self }
    }

    fn class(&self) -> Class {
        match self {
            Self::Denied { .. } | Self::Key(_) | Self::Credentials(_) => Class::Permission,
            Self::NoSecret(_) | Self::Deleting => Class::NotFound,
            Self::Unreachable { .. } | Self::Unavailable(_) | Self::Late => Class::Network,
            Self::Throttled(_) => Class::Throttled,
            Self::Changed | Self::NoBase | Self::PendingElsewhere | Self::Unreadable => Class::Conflict,
            Self::Binary | Self::Value(_) => Class::Value,
            Self::Password(NoPassword::Policy(_)) => Class::Policy,
            Self::Config(_) | Self::ForeignSecret | Self::ManagedRotation | Self::UnknownEvent => Class::Config,
            Self::Password(NoPassword::Random(_) | NoPassword::Unlucky)
            | Self::Refused(_)
            | Self::Malformed(_)
            | Self::Panicked => Class::Internal,
        }
    }
}
