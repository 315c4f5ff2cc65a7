//! The client of Secrets Manager, built by hand: the whole credentials chain would double the function's size.

use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Config, Credentials, Region};
use contract::ConfigError;

const CONNECT: Duration = Duration::from_secs(2);
const ATTEMPT: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 3;
/// The first of the pauses between attempts, which double: short, because a tick that is late is better than none.
const BACKOFF: Duration = Duration::from_millis(200);

/// A client with the credentials, region and endpoint that Lambda's environment names.
///
/// `AWS_ENDPOINT_URL_SECRETS_MANAGER` goes before `AWS_ENDPOINT_URL`; without both it is AWS itself. A single slow call
/// may take three attempts of 5 s; the handler ends the invocation before Lambda does.
///
/// # Errors
/// The variable that is absent.
pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Result<Client, ConfigError> {
    let optional = |name: &str| get(name).filter(|value| !value.is_empty());
    let required =
        |variable: &'static str| optional(variable).ok_or(ConfigError { variable, reason: "is not set".to_owned() });
    let credentials = Credentials::new(
        required("AWS_ACCESS_KEY_ID")?,
        required("AWS_SECRET_ACCESS_KEY")?,
        optional("AWS_SESSION_TOKEN"),
        None,
        "environment",
    );
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build();
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(required("AWS_REGION")?))
        .credentials_provider(credentials)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(BACKOFF));
    config.set_endpoint_url(optional("AWS_ENDPOINT_URL_SECRETS_MANAGER").or_else(|| optional("AWS_ENDPOINT_URL")));
    Ok(Client::from_conf(config.build()))
}
