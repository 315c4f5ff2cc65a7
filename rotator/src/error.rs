//! What can go wrong, said without any value.

mod class;

use contract::ConfigError;
use lambda_runtime::Diagnostic;
use serde::{Serialize, Serializer};

pub use self::class::{Class, Step};
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

/// What a target answered: its own code (SQLSTATE, error number or error name), and what that means, by the function's own
/// words. The target's text may quote a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetCode {
    code: String,
    words: &'static str,
}

impl TargetCode {
    /// The code; of anything else that a server may send, at most 32 plain characters are kept.
    #[must_use]
    pub fn new(code: &str) -> Self {
        Self::of(code, "")
    }

    /// The code with its meaning.
    #[must_use]
    pub fn of(code: &str, words: &'static str) -> Self {
        let code = code.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).take(32).collect();
        Self { code, words }
    }
}

impl std::fmt::Display for TargetCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.words {
            "" => write!(f, "error {}", self.code),
            words => write!(f, "{words} (error {})", self.code),
        }
    }
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
    /// Another delivery has gone further than this one.
    #[error("the tick's version is no longer AWSPENDING: another delivery took over, or someone gave it up")]
    TakenOver,
    /// Secrets Manager asks for a step of a version that it did not announce.
    #[error("the event's version is not among the secret's pending ones")]
    NotPending,
    /// The pending value is for another user or server than the current one.
    #[error("the pending value is for another user or server than the current one")]
    OtherPlace,
    /// A value leads to another place than the one that the function is bound to.
    #[error(
        "the value names another `{0}` than the spec's `connection` or the admin's secret, so nothing was sent there; \
         correct whichever is wrong, and then `deploy apply`"
    )]
    OtherServer(&'static str),
    /// There is an admin, and nothing but the user's own value would say where.
    #[error(
        "neither the spec's `connection` nor the admin's secret says at which `host` the admin is, and the user's secret \
         must not; add the `connection` to the spec's target, and then `deploy apply`"
    )]
    Unbound,
    /// The pending value is not one that the spec, as it is by now, would make.
    #[error("the pending value was made by an earlier spec, so it was discarded; the next rotation makes its own")]
    Outdated,
    /// The target lets the user in by whatever password.
    #[error("any password authenticates the user, so that none proves anything: {0}")]
    AnyPassword(&'static str),
    /// What the client can't do.
    #[error("the function's own client failed at {0}, so this was given up; its log says where")]
    Client(&'static str),
    /// After a change, the server accepts neither value, and nobody could restore it.
    #[error(
        "the server accepts neither the pending nor the current value, and the current one could not be restored: \
         {0}; `deploy doctor` names what helps"
    )]
    LockedOut(Box<Kind>),
    /// The admin's secret cannot be used.
    #[error("the admin's secret: {0}")]
    Admin(Box<Kind>),
    /// The target was not reached, or broke off.
    #[error("the target: {0}")]
    TargetUnreachable(&'static str),
    /// The target asked to come later.
    #[error("the target is too busy: {0}")]
    TargetBusy(TargetCode),
    /// The target does not let the user in, whatever the password.
    #[error("the target does not let the user in: {0}")]
    UserBarred(TargetCode),
    /// The target does not let the user in from here, or not over such a connection.
    #[error("the target does not let the user in by this connection: {0}")]
    ConnectionBarred(TargetCode),
    /// The target is not set up as the rotation needs it.
    #[error("the target: {0}")]
    TargetSetup(TargetCode),
    /// The target did not allow what the rotation needs.
    #[error("the target refused {what}: {code}")]
    TargetDenied {
        /// What was asked.
        what: &'static str,
        /// What it answered.
        code: TargetCode,
    },
    /// The target does not take this password.
    #[error("the target's own rules refuse the new password: {0}; compare them with the spec's `password`")]
    PasswordRefused(TargetCode),
    /// The server, its protocol or the function's client can't do with this password.
    #[error("the new password can't be used: {0}; correct the spec's `password`, and then `deploy apply`")]
    PasswordUnfit(&'static str),
    /// The target failed.
    #[error("the target failed at {what}: {code}")]
    TargetFailed {
        /// What was asked.
        what: &'static str,
        /// What it answered.
        code: TargetCode,
    },
    /// The target is none that the rotation can work with.
    #[error("the target: {0}")]
    TargetUnfit(&'static str),
    /// Nothing that the secret has opens the target.
    #[error(
        "the target accepts neither the pending, nor the current, nor the previous value; put the true password into \
         the secret, or give the spec an `admin_secret` and a `connection` that names the user; PostgreSQL says no more \
         of a user whose VALID UNTIL is past, and MariaDB of a connection that lacks TLS"
    )]
    NoLogin,
    /// The admin's credentials do not open the target.
    #[error("the target does not accept the admin's secret")]
    AdminRefused,
    /// The target took the password, and does not accept it.
    #[error("the target took the new password, but does not accept it; the old one was put back")]
    NotAccepted,
    /// The pending value does not open the target.
    #[error("the target does not accept the pending value")]
    PendingRefused,
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

    /// Whether the target refused the password for what it is, so that another one may do.
    #[must_use]
    pub fn is_password_refused(&self) -> bool {
        matches!(self, Self::PasswordRefused(_))
    }

    /// Whether the rotation is no longer due: what the target has is another's.
    #[must_use]
    pub fn is_taken_over(&self) -> bool {
        matches!(self, Self::TakenOver | Self::Changed)
    }

    /// Whether the target accepts no value of the secret: its readers are locked out until a person acts.
    #[must_use]
    pub fn is_locked_out(&self) -> bool {
        matches!(self, Self::LockedOut(_) | Self::NoLogin)
    }

    /// Whether a rotation to the same value can't succeed any more, and one to another value may.
    #[must_use]
    pub fn dooms_value(&self) -> bool {
        matches!(
            self,
            Self::PasswordRefused(_)
                | Self::PasswordUnfit(_)
                | Self::NotAccepted
                | Self::PendingRefused
                | Self::Client(_)
                | Self::Value(_)
                | Self::OtherPlace
                | Self::OtherServer(_)
                | Self::Outdated
        )
    }

    /// Whether the same may succeed a little later, with nothing changed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.class(), Class::Network | Class::Throttled)
    }

    fn class(&self) -> Class {
        match self {
            Self::Admin(kind) => kind.class(),
            Self::Denied { .. }
            | Self::Key(_)
            | Self::Credentials(_)
            | Self::TargetDenied { .. }
            | Self::ConnectionBarred(_) => Class::Permission,
            Self::NoSecret(_) | Self::Deleting => Class::NotFound,
            Self::Unreachable { .. } | Self::Unavailable(_) | Self::Late | Self::TargetUnreachable(_) => Class::Network,
            Self::Throttled(_) | Self::TargetBusy(_) => Class::Throttled,
            Self::NoLogin | Self::AdminRefused | Self::NotAccepted | Self::PendingRefused | Self::UserBarred(_) => {
                Class::Credential
            }
            Self::Changed
            | Self::NoBase
            | Self::TakenOver
            | Self::NotPending
            | Self::OtherPlace
            | Self::OtherServer(_)
            | Self::Outdated
            | Self::Unreadable => Class::Conflict,
            Self::Binary | Self::Value(_) => Class::Value,
            Self::Password(NoPassword::Policy(_)) | Self::PasswordRefused(_) | Self::PasswordUnfit(_) => Class::Policy,
            Self::Config(_)
            | Self::ForeignSecret
            | Self::UnknownEvent
            | Self::TargetUnfit(_)
            | Self::TargetSetup(_)
            | Self::AnyPassword(_)
            | Self::Unbound => Class::Config,
            Self::Password(NoPassword::Random(_) | NoPassword::Unlucky)
            | Self::Refused(_)
            | Self::Malformed(_)
            | Self::TargetFailed { .. }
            | Self::Client(_)
            | Self::Panicked => Class::Internal,
            Self::LockedOut(_) => Class::Lockout,
        }
    }
}
