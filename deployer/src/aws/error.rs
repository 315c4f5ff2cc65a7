//! What went wrong in a call, in the few classes that the deployer treats differently.

use std::fmt;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use bounded::{BrokenOff, TooLong};
use plan::render::escaped;

use super::code::{self, Meaning, UNKNOWN};
use super::credentials::Expired;

/// What a failed call means for the one who made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The thing is not there.
    NotFound,
    /// A thing of that name is there already.
    AlreadyExists,
    /// What is there is somebody else's, and nothing of it was touched.
    Foreign,
    /// Another change is in progress, or came between.
    Conflict,
    /// What it takes is being made, or comes back by itself: a network, an address, a key.
    NotReady,
    /// Somebody changed the thing since it was read.
    Stale,
    /// The caller may not do that.
    Denied,
    /// The role that a service uses for the stack may not do that (yet).
    RoleDenied,
    /// The caller's credentials are absent, wrong or expired.
    Credentials,
    /// Too many calls, still after the SDK's own retries.
    Throttled,
    /// No answer.
    Network,
    /// The service says that what was sent is wrong.
    Invalid,
    /// The account has no more of something.
    Quota,
    /// The service failed.
    Service,
    /// The run was stopped while it waited.
    Interrupted,
    /// What was done came out wrong: a failed state, or not what was asked for.
    Outcome,
}

/// What helps against a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Waiting: it passes by itself.
    Wait,
    /// That somebody does something first.
    Fix,
    /// Nothing that is known beforehand: it is reported.
    Report,
}

/// How long a service that is overloaded or fails is waited for, beyond the SDK's own retries.
const TROUBLE: Duration = Duration::from_secs(30);
/// How long what was just made may stay unseen; after that somebody has deleted it.
const UNSEEN: Duration = Duration::from_secs(30);

impl Class {
    /// What helps.
    #[must_use]
    pub const fn remedy(self) -> Remedy {
        match self {
            Self::Conflict | Self::NotReady | Self::Throttled | Self::Service => Remedy::Wait,
            Self::Foreign | Self::Stale | Self::Denied | Self::RoleDenied | Self::Credentials | Self::Quota => {
                Remedy::Fix
            }
            // Where it is not known whether it was done, the command that follows finds out.
            Self::NotFound
            | Self::AlreadyExists
            | Self::Network
            | Self::Invalid
            | Self::Interrupted
            | Self::Outcome => Remedy::Report,
        }
    }

    /// How long it is waited for, where the work as a whole may take `deadline`.
    #[must_use]
    pub fn patience(self, deadline: Duration) -> Duration {
        match self {
            Self::NotFound => deadline.min(UNSEEN),
            Self::Throttled | Self::Service => deadline.min(TROUBLE),
            _ => deadline,
        }
    }
}

/// A failed call, without any secret value.
#[derive(Debug, Clone)]
pub struct Error {
    /// The IAM action, for example `iam:CreateRole`.
    pub operation: &'static str,
    /// What it means.
    pub class: Class,
    /// The service's code, where there was an answer.
    pub code: Option<String>,
    /// What the service said, or why there was no answer.
    pub message: String,
    /// The service's id of the request.
    pub request_id: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In one line: what follows an error in a text, such as its hint, stands in the next.
        write!(f, "{}: {}", self.operation, escaped(&self.message))?;
        if let Some(code) = &self.code {
            write!(f, " ({})", escaped(code))?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The result of a call.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of the deployer's own finding.
    pub fn outcome(operation: &'static str, message: impl Into<String>) -> Self {
        Self { operation, class: Class::Outcome, code: None, message: message.into(), request_id: None, hint: None }
    }

    /// A refusal that a service tells inside of an answer.
    #[must_use]
    pub fn denied(operation: &'static str, code: &str, message: &str) -> Self {
        let (class, hint) = (Class::Denied, Some(allow(operation)));
        Self { operation, class, code: Some(code.to_owned()), message: message.to_owned(), request_id: None, hint }
    }

    /// The same with what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The error, and in the next line what to do next.
    #[must_use]
    pub fn explained(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{self}\nnext: {hint}"),
            None => self.to_string(),
        }
    }

    /// Whether the code is one of those.
    #[must_use]
    pub fn has_code(&self, codes: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| codes.contains(&code))
    }

    /// The same without what quotes a value that no one may read.
    #[must_use]
    pub fn unless(mut self, is_quoted: impl Fn(&str) -> bool) -> Self {
        if is_quoted(&self.message) {
            "the service's words are left out, for they quote the value".clone_into(&mut self.message);
        }
        // A code of ours is a word like any other; what comes from an answer may be anything.
        self.code = self.code.filter(|code| code::is_known(code) || !is_quoted(code));
        self.request_id = self.request_id.filter(|id| !is_quoted(id));
        self
    }
}

/// Turns the SDK's error into ours: `.map_err(failed("iam:CreateRole"))`.
pub fn failed<E, R>(operation: &'static str) -> impl FnOnce(SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: fmt::Debug + 'static,
{
    move |error| match &error {
        SdkError::ServiceError(answer) => from_service(operation, answer.err().meta()),
        _ => from_transport(operation, &error),
    }
}

fn from_service(operation: &'static str, meta: &aws_smithy_types::error::ErrorMetadata) -> Error {
    let code = meta.code().unwrap_or(UNKNOWN);
    let Meaning { class, fix } = code::meaning(operation, code).unwrap_or(Meaning { class: Class::Invalid, fix: None });
    let message = meta.message().unwrap_or("the service gave no reason").to_owned();
    let request_id = meta.extra("aws_request_id").map(str::to_owned);
    let hint = match class {
        Class::Denied => Some(allow(operation)),
        Class::Credentials => Some(CREDENTIALS_HINT.to_owned()),
        _ => fix.map(str::to_owned),
    };
    Error { operation, class, code: Some(code.to_owned()), message, request_id, hint }
}

fn allow(operation: &str) -> String {
    format!("allow {operation} to the identity that runs deploy")
}

const CREDENTIALS_HINT: &str = "check the credentials: `aws sts get-caller-identity`, AWS_PROFILE, or sign in again";
const TOO_LONG_HINT: &str = "something else answers in the service's place: look at AWS_ENDPOINT_URL and at proxies";
const EXPIRED_HINT: &str = "sign in again, or export new credentials";

fn from_transport<E, R>(operation: &'static str, error: &SdkError<E, R>) -> Error
where
    E: std::error::Error + 'static,
    R: fmt::Debug + 'static,
{
    let (class, message, hint) = match error {
        SdkError::TimeoutError(_) => (Class::Network, "no answer in time".to_owned(), None),
        _ if sources(error).any(Cause::is::<Expired>) => {
            (Class::Credentials, innermost(error), Some(EXPIRED_HINT.to_owned()))
        }
        _ if sources(error).any(Cause::is::<CredentialsError>) => {
            let message = format!("no usable AWS credentials were found: {}", innermost(error).trim_end());
            (Class::Credentials, message, Some(CREDENTIALS_HINT.to_owned()))
        }
        _ if sources(error).any(Cause::is::<TooLong>) => {
            (Class::Network, innermost(error), Some(TOO_LONG_HINT.to_owned()))
        }
        SdkError::DispatchFailure(_) if sources(error).any(Cause::is::<BrokenOff>) => {
            (Class::Network, format!("the answer can't be read: {}", innermost(error)), None)
        }
        SdkError::DispatchFailure(_) => (Class::Network, format!("no connection: {}", innermost(error)), None),
        SdkError::ResponseError(_) => (Class::Network, format!("the answer can't be read: {}", innermost(error)), None),
        _ => (Class::Invalid, format!("the call can't be made: {}", innermost(error)), None),
    };
    Error { operation, class, code: None, message, request_id: None, hint }
}

type Cause = dyn std::error::Error + 'static;

/// An error and what stands behind it, outermost first.
fn sources(error: &Cause) -> impl Iterator<Item = &Cause> {
    std::iter::successors(Some(error), |error| error.source())
}

fn innermost(error: &Cause) -> String {
    sources(error).last().map(ToString::to_string).unwrap_or_default()
}

/// `None` where the thing is not there; every other error stays one, so that "forbidden" is never taken for "absent".
///
/// # Errors
/// All but [`Class::NotFound`].
pub fn optional<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.class == Class::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Success where the thing to be deleted is not there.
///
/// # Errors
/// All but [`Class::NotFound`].
pub fn gone<T>(result: Result<T>) -> Result<()> {
    optional(result).map(drop)
}
