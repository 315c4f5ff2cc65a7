//! The clients of AWS's services, built by hand: the whole credentials chain would double the function's size.

use std::time::Duration;

use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region, RuntimeComponents};
use aws_smithy_http_client::{Builder, ConnectorBuilder, proxy::ProxyConfig, tls};
use bounded::Bounded;
use contract::ConfigError;

const CONNECT: Duration = Duration::from_secs(2);
const ATTEMPT: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 3;
/// The first of the pauses between attempts, which double: short, because a tick that is late is better than none.
const BACKOFF: Duration = Duration::from_millis(200);
/// Bytes of an answer, at most: a value has 65,536, each of which JSON may spell with six.
const MAX_ANSWER: usize = 1024 * 1024;

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
        .http_client(http())
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
        .http_client(http())
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

/// The SDK's own client, proxies of the environment's included, with a limit for what it reads.
fn http() -> Bounded {
    let client = Builder::new().build_with_connector_fn(|settings, components| {
        let tls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc);
        let mut connector = ConnectorBuilder::default().tls_provider(tls);
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    });
    Bounded::new(client, |_| MAX_ANSWER)
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(BACKOFF)
}
