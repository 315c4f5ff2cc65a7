//! The SDK's clients, from the standard AWS environment.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use bounded::Bounded;

use super::credentials::{LastExpiry, Watched};
use super::error::{Result, failed};

/// Attempts of one call, the first one included, before a throttled or failed one is an error.
const ATTEMPTS: u32 = 6;
/// Longest pause between two of them, so that a dead network is told within seconds.
const LONGEST_BACKOFF: Duration = Duration::from_secs(4);
/// To connect; a private endpoint that is not there should not keep anyone waiting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Seconds for one attempt, unless told otherwise; a 50 MB upload is the slowest.
pub const ATTEMPT_SECONDS: u16 = 60;

/// Bytes of an answer, at most. None that the deployer asks for comes near: a role's policy has 10,240 characters, a page of
/// schedules 100 entries.
const MAX_ANSWER: usize = 1024 * 1024;
/// The same of log events, of which there may be 1 MB, or 10,000 with their ids, with escapes around them.
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>
const MAX_LOG_EVENTS: usize = 8 * 1024 * 1024;

/// Clients of all services, in one region.
#[derive(Debug, Clone)]
pub struct Clients {
    pub(super) iam: aws_sdk_iam::Client,
    pub(super) kms: aws_sdk_kms::Client,
    pub(super) lambda: aws_sdk_lambda::Client,
    pub(super) logs: aws_sdk_cloudwatchlogs::Client,
    pub(super) scheduler: aws_sdk_scheduler::Client,
    pub(super) secrets: aws_sdk_secretsmanager::Client,
    pub(super) sqs: aws_sdk_sqs::Client,
    pub(super) sts: aws_sdk_sts::Client,
}

/// Who the caller is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// 12 digits.
    pub account: String,
    /// The caller's ARN.
    pub arn: String,
}

/// The standard environment: profiles, SSO, assumed roles, endpoints. One for all regions, so that credentials are
/// fetched once; and when these expire, once they have been. One attempt of a call may take as long as `attempt`.
pub async fn environment(attempt: Duration) -> (SdkConfig, LastExpiry) {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT.min(attempt))
        .operation_attempt_timeout(attempt)
        .build();
    // Left alone, each service's client would read the machine's certificates for itself.
    let tls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc);
    let http = aws_smithy_http_client::Builder::new().tls_provider(tls).build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        // Whoever provides the credentials answers through it too.
        .http_client(Bounded::new(http, longest_answer))
        // The region is the spec's; one that is set keeps the loader from asking a metadata service.
        .region(Region::from_static("us-east-1"))
        .timeout_config(timeouts);
    // What the environment says of retries is its owner's wish.
    if ["AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE"].iter().all(|name| std::env::var_os(name).is_none()) {
        let retry = RetryConfig::adaptive().with_max_attempts(ATTEMPTS).with_max_backoff(LONGEST_BACKOFF);
        loader = loader.retry_config(retry);
    }
    if let Ok(name) = AppName::new(concat!("deploy-", env!("CARGO_PKG_VERSION"))) {
        loader = loader.app_name(name);
    }
    let config = loader.load().await;
    let Some(provider) = config.credentials_provider() else { return (config, LastExpiry::default()) };
    let (watched, expiry) = Watched::new(provider);
    let watched = SharedCredentialsProvider::new(watched);
    (config.to_builder().credentials_provider(watched).build(), expiry)
}

fn longest_answer(request: &HttpRequest) -> usize {
    let is_of_log_events =
        request.headers().get("x-amz-target").is_some_and(|target| target.ends_with(".FilterLogEvents"));
    if is_of_log_events { MAX_LOG_EVENTS } else { MAX_ANSWER }
}

impl Clients {
    /// Clients for `region`.
    #[must_use]
    pub fn new(environment: &SdkConfig, region: &str) -> Self {
        let config = environment.to_builder().region(Region::new(region.to_owned())).build();
        Self {
            iam: aws_sdk_iam::Client::new(&config),
            kms: aws_sdk_kms::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            scheduler: aws_sdk_scheduler::Client::new(&config),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
        }
    }

    /// Who is calling.
    ///
    /// # Errors
    /// No credentials, wrong ones, or no answer.
    pub async fn identity(&self) -> Result<Identity> {
        let answer = self.sts.get_caller_identity().send().await.map_err(failed("sts:GetCallerIdentity"))?;
        Ok(Identity {
            account: answer.account().unwrap_or_default().to_owned(),
            arn: answer.arn().unwrap_or_default().to_owned(),
        })
    }
}
