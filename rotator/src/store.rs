//! Where the secret is kept: a trait with the semantics that the rotation needs, and Secrets Manager behind it.

use std::collections::HashMap;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::RequestId;
use aws_sdk_secretsmanager::operation::get_secret_value::{GetSecretValueError, GetSecretValueOutput};
use aws_sdk_secretsmanager::operation::put_secret_value::PutSecretValueError;
use aws_smithy_runtime_api::client::result::DispatchFailure;
use bounded::TooLong;

use crate::error::{Kind, Refusal};
use crate::secret::SecretText;

/// The staging label of the version that readers get.
pub const CURRENT: &str = "AWSCURRENT";
/// The staging label of a version that is not current yet.
pub const PENDING: &str = "AWSPENDING";
/// The staging label of the version that was current before.
pub const PREVIOUS: &str = "AWSPREVIOUS";

/// One version of the secret.
pub struct Version {
    /// Its id: the token with which it was put.
    pub id: String,
    /// Its value.
    pub value: SecretText,
    /// Its staging labels.
    pub labels: Vec<String>,
    /// When it was made, in seconds since 1970.
    pub created: Option<i64>,
}

/// The staging labels of each version that has any, by version id.
#[derive(Debug, Clone, Default)]
pub struct Labels(pub HashMap<String, Vec<String>>);

impl Labels {
    /// Whether the version has the label.
    #[must_use]
    pub fn has(&self, id: &str, label: &str) -> bool {
        self.0.get(id).is_some_and(|labels| labels.iter().any(|l| l == label))
    }

    /// The version that has the label.
    #[must_use]
    pub fn holder(&self, label: &str) -> Option<&str> {
        self.0.iter().find(|(_, labels)| labels.iter().any(|l| l == label)).map(|(id, _)| id.as_str())
    }
}

/// What became of a put.
pub enum Put {
    /// The version was stored, or had been with the same value.
    Stored {
        /// Whether it is AWSCURRENT already: Secrets Manager may make a secret's first version so by itself.
        current: bool,
    },
    /// The version exists with another value; nothing changed.
    Exists,
}

/// One secret and its versions. Each call is atomic; any of them may be cut off after it has taken effect.
#[expect(async_fn_in_trait, reason = "the function has one thread, so no future needs to be Send")]
pub trait Store {
    /// All versions that have labels.
    ///
    /// # Errors
    /// The secret is not there or scheduled for deletion, or the call failed.
    async fn labels(&self) -> Result<Labels, Kind>;

    /// The version that has the label, with its value; `None` where none has.
    ///
    /// # Errors
    /// The value is binary, or the call failed.
    async fn staged(&self, label: &str) -> Result<Option<Version>, Kind>;

    /// One version, labelled or not; `None` where there is none.
    ///
    /// # Errors
    /// The value is binary, or the call failed.
    async fn version(&self, id: &str) -> Result<Option<Version>, Kind>;

    /// Stores a new version and moves the labels to it.
    ///
    /// # Errors
    /// The call failed.
    async fn put(&self, id: &str, value: &SecretText, labels: &[&str]) -> Result<Put, Kind>;

    /// Moves AWSCURRENT to a version if it is at `from`, or nowhere where that is `None`: a compare-and-swap.
    ///
    /// # Errors
    /// AWSCURRENT is elsewhere, or the call failed; only reading again tells.
    async fn move_current(&self, from: Option<&str>, to: &str) -> Result<(), Kind>;

    /// Takes a label from a version.
    ///
    /// # Errors
    /// The version does not have it, or the call failed; only reading again tells.
    async fn remove_label(&self, label: &str, from: &str) -> Result<(), Kind>;
}

const DESCRIBE: &str = "secretsmanager:DescribeSecret";
const GET: &str = "secretsmanager:GetSecretValue";
const PUT: &str = "secretsmanager:PutSecretValue";
const UPDATE: &str = "secretsmanager:UpdateSecretVersionStage";

/// One secret in Secrets Manager.
pub struct SecretsManager {
    client: Client,
    secret_arn: String,
    rotation_token: Option<SecretText>,
}

impl SecretsManager {
    /// The secret of that ARN.
    #[must_use]
    pub fn new(client: Client, secret_arn: String) -> Self {
        Self { client, secret_arn, rotation_token: None }
    }

    /// The same secret, with the token of one of Secrets Manager's own rotations, which goes along with a new value.
    #[must_use]
    pub fn in_rotation(&self, rotation_token: Option<String>) -> Self {
        let rotation_token = rotation_token.map(SecretText::from);
        Self { client: self.client.clone(), secret_arn: self.secret_arn.clone(), rotation_token }
    }

    /// The value of another secret, by its name or ARN.
    ///
    /// # Errors
    /// It is not there, has no value or a binary one, or the call failed.
    pub async fn value_of(&self, secret_id: &str) -> Result<SecretText, Kind> {
        let answer = self.client.get_secret_value().secret_id(secret_id).send().await.map_err(|e| kind(GET, &e))?;
        version(answer).map(|version| version.value)
    }
}

impl Store for SecretsManager {
    async fn labels(&self) -> Result<Labels, Kind> {
        let answer = self.client.describe_secret().secret_id(&self.secret_arn).send().await;
        let answer = answer.map_err(|e| kind(DESCRIBE, &e))?;
        if answer.deleted_date.is_some() {
            return Err(Kind::Deleting);
        }
        Ok(Labels(answer.version_ids_to_stages.unwrap_or_default()))
    }

    async fn staged(&self, label: &str) -> Result<Option<Version>, Kind> {
        let call = self.client.get_secret_value().secret_id(&self.secret_arn).version_stage(label);
        match call.send().await {
            Ok(answer) => version(answer).map(Some),
            // The same code tells a secret without a value and an absent secret; only the message differs.
            Err(e) if is_absent(&e) && e.message().is_some_and(|m| m.contains("staging label")) => Ok(None),
            Err(e) => Err(kind(GET, &e)),
        }
    }

    async fn version(&self, id: &str) -> Result<Option<Version>, Kind> {
        match self.client.get_secret_value().secret_id(&self.secret_arn).version_id(id).send().await {
            Ok(answer) => version(answer).map(Some),
            Err(e) if is_absent(&e) => Ok(None),
            Err(e) => Err(kind(GET, &e)),
        }
    }

    async fn put(&self, id: &str, value: &SecretText, labels: &[&str]) -> Result<Put, Kind> {
        let call = self.client.put_secret_value().secret_id(&self.secret_arn).client_request_token(id);
        let labels = labels.iter().map(|&label| label.to_owned()).collect();
        let call = call.set_rotation_token(self.rotation_token.as_ref().map(|token| token.expose().to_owned()));
        match call.secret_string(value.expose()).set_version_stages(Some(labels)).send().await {
            Ok(answer) => Ok(Put::Stored { current: answer.version_stages().iter().any(|label| label == CURRENT) }),
            Err(e) if e.as_service_error().is_some_and(PutSecretValueError::is_resource_exists_exception) => {
                Ok(Put::Exists)
            }
            Err(e) => Err(kind(PUT, &e)),
        }
    }

    async fn move_current(&self, from: Option<&str>, to: &str) -> Result<(), Kind> {
        let call = self.client.update_secret_version_stage().secret_id(&self.secret_arn).version_stage(CURRENT);
        let call = call.move_to_version_id(to).set_remove_from_version_id(from.map(ToOwned::to_owned));
        call.send().await.map(|_| ()).map_err(|e| kind(UPDATE, &e))
    }

    async fn remove_label(&self, label: &str, from: &str) -> Result<(), Kind> {
        let call = self.client.update_secret_version_stage().secret_id(&self.secret_arn).version_stage(label);
        call.remove_from_version_id(from).send().await.map(|_| ()).map_err(|e| kind(UPDATE, &e))
    }
}

fn version(answer: GetSecretValueOutput) -> Result<Version, Kind> {
    let value = match (answer.secret_string, answer.secret_binary) {
        (Some(text), _) => SecretText::from(text),
        (None, Some(_)) => return Err(Kind::Binary),
        (None, None) => return Err(Kind::Malformed(GET)),
    };
    Ok(Version {
        id: answer.version_id.ok_or(Kind::Malformed(GET))?,
        value,
        labels: answer.version_stages.unwrap_or_default(),
        created: answer.created_date.map(|date| date.secs()),
    })
}

fn is_absent(error: &SdkError<GetSecretValueError>) -> bool {
    error.as_service_error().is_some_and(GetSecretValueError::is_resource_not_found_exception)
}

/// What an SDK error means. Nothing of its text is kept but the code and the request's id: it may quote parameters.
pub(crate) fn kind<E: ProvideErrorMetadata>(action: &'static str, error: &SdkError<E>) -> Kind {
    let service_error = match error {
        SdkError::ServiceError(context) => context.err(),
        SdkError::TimeoutError(_) => {
            return Kind::Unreachable { action, what: "no answer in time" };
        }
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            return Kind::Unreachable { action, what: "no connection in time" };
        }
        SdkError::DispatchFailure(failure) if failure.is_io() => {
            return Kind::Unreachable { action, what: "the endpoint could not be reached" };
        }
        SdkError::DispatchFailure(failure) if is_too_long(failure) => {
            return Kind::Unreachable { action, what: "the answer is too long for one of the service's" };
        }
        SdkError::DispatchFailure(_) => {
            return Kind::Unreachable { action, what: "the request could not be sent" };
        }
        SdkError::ResponseError(_) => {
            return Kind::Unreachable { action, what: "the answer could not be read" };
        }
        _ => return Kind::Malformed(action),
    };
    let message = service_error.message().unwrap_or_default();
    let refusal = Refusal {
        action,
        code: plain(service_error.code().unwrap_or("an unknown error")),
        request_id: plain(error.request_id().unwrap_or("unknown")),
    };
    match service_error.code().unwrap_or_default() {
        "AccessDeniedException" | "AccessDenied" if message.contains("KMS") => Kind::Key(refusal),
        "AccessDeniedException" | "AccessDenied" => Kind::Denied { refusal, because: because(message) },
        "DecryptionFailure" | "EncryptionFailure" => Kind::Key(refusal),
        "ExpiredTokenException"
        | "ExpiredToken"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationTokenException" => Kind::Credentials(refusal),
        "ResourceNotFoundException" => Kind::NoSecret(refusal),
        "InvalidRequestException" if message.contains("marked for deletion") => Kind::Deleting,
        "Throttling" | "ThrottlingException" | "TooManyRequestsException" | "RequestLimitExceeded" => {
            Kind::Throttled(refusal)
        }
        "InternalServiceError" | "InternalFailure" | "ServiceUnavailable" | "ServiceUnavailableException" => {
            Kind::Unavailable(refusal)
        }
        _ => Kind::Refused(refusal),
    }
}

/// Why IAM denied: recognised in its message, of which nothing is quoted.
fn because(message: &str) -> &'static str {
    let reasons = [
        ("explicit deny", " by an explicit deny"),
        ("service control policy", " by a service control policy"),
        ("permissions boundary", " by its permissions boundary"),
        ("resource-based policy", " by the secret's own policy"),
        ("identity-based policy", ", whose policy does not allow it"),
    ];
    reasons.iter().find(|(phrase, _)| message.contains(phrase)).map_or("", |(_, reason)| reason)
}

fn is_too_long(failure: &DispatchFailure) -> bool {
    let source = failure.as_connector_error().and_then(std::error::Error::source);
    source.is_some_and(<dyn std::error::Error>::is::<TooLong>)
}

/// At most 64 characters of an identifier; whatever else a server may have put in there is dropped.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || "-_. ".contains(*c)).take(64).collect()
}
