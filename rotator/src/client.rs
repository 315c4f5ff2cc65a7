//! The clients of AWS's services, built by hand: the whole credentials chain would double the function's size.

use std::time::Duration;

use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use contract::ConfigError;

const CONNECT: Duration = Duration::from_secs(2);
const ATTEMPT: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 3;
/// The first of the pauses between attempts, which double: short, because a tick that is late is better than none.
const BACKOFF: Duration = Duration::from_millis(200);

/// A client of Secrets Manager with the credentials, region and endpoint that Lambda's environment names.
///
/// `AWS_ENDPOINT_URL_SECRETS_MANAGER` goes before `AWS_ENDPOINT_URL`; without both it is AWS itself. A single slow call
/// may take three attempts of 5 s; the handler ends the invocation before Lambda does.
///
/// # Errors
/// The variable that is absent.
pub fn secrets_manager(get: impl Fn(&str) -> Option<String>) -> Result<aws_sdk_secretsmanager::Client, ConfigError> {
    let Settings { credentials, region, endpoint } = Settings::from_env(get, "AWS_ENDPOINT_URL_SECRETS_MANAGER")?;
    let mut config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(region)
        .credentials_provider(credentials)
        .timeout_config(timeouts())
        .retry_config(retries());
    config.set_endpoint_url(endpoint);
    Ok(aws_sdk_secretsmanager::Client::from_conf(config.build()))
}

/// The same of ElastiCache, with `AWS_ENDPOINT_URL_ELASTICACHE`.
///
/// # Errors
/// The variable that is absent.
pub fn elasticache(get: impl Fn(&str) -> Option<String>) -> Result<aws_sdk_elasticache::Client, ConfigError> {
    let Settings { credentials, region, endpoint } = Settings::from_env(get, "AWS_ENDPOINT_URL_ELASTICACHE")?;
    let mut config = aws_sdk_elasticache::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(region)
        .credentials_provider(credentials)
        .timeout_config(timeouts())
        .retry_config(retries());
    config.set_endpoint_url(endpoint);
    Ok(aws_sdk_elasticache::Client::from_conf(config.build()))
}

/// What the environment says of every client.
struct Settings {
    credentials: Credentials,
    region: Region,
    endpoint: Option<String>,
}

impl Settings {
    /// `endpoint` is the variable of the service's own.
    fn from_env(get: impl Fn(&str) -> Option<String>, endpoint: &str) -> Result<Self, ConfigError> {
        let optional = |name: &str| get(name).filter(|value| !value.is_empty());
        let required = |variable: &'static str| {
            optional(variable).ok_or(ConfigError { variable, reason: "is not set".to_owned() })
        };
        Ok(Self {
            credentials: Credentials::new(
                required("AWS_ACCESS_KEY_ID")?,
                required("AWS_SECRET_ACCESS_KEY")?,
                optional("AWS_SESSION_TOKEN"),
                None,
                "environment",
            ),
            region: Region::new(required("AWS_REGION")?),
            endpoint: optional(endpoint).or_else(|| optional("AWS_ENDPOINT_URL")),
        })
    }
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(BACKOFF)
}
