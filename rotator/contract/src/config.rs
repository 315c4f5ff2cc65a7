use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::PasswordPolicy;

/// Names of the environment variables through which the deployer configures the function.
pub mod env {
    /// The full ARN of the one secret that the function may rotate.
    pub const SECRET_ARN: &str = "ROTATOR_SECRET_ARN";
    /// The JSON field that rotates, as a JSON string, or `null` for the whole value.
    pub const FIELD: &str = "ROTATOR_FIELD";
    /// The password policy as JSON.
    pub const PASSWORD: &str = "ROTATOR_PASSWORD";
    /// The target as JSON: what the password opens.
    pub const TARGET: &str = "ROTATOR_TARGET";
}

/// What the password opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Nothing that the rotator has to tell: the secret's readers are the only users of the password.
    #[default]
    None,
}

/// The function's whole configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The full ARN of the secret, its random suffix included.
    pub secret_arn: String,
    /// The JSON field that rotates; `None` is the whole value.
    pub field: Option<String>,
    /// What a new password looks like.
    pub password: PasswordPolicy,
    /// What the password opens.
    pub target: Target,
}

/// A variable that is absent or does not parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The variable's name.
    pub variable: &'static str,
    /// Why it cannot be used.
    pub reason: String,
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "environment variable {}: {}", self.variable, self.reason)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// The environment variables that carry everything but the secret's ARN, which is known only once the secret exists.
    #[must_use]
    pub fn static_env(field: Option<&str>, password: &PasswordPolicy, target: Target) -> BTreeMap<String, String> {
        BTreeMap::from([
            (env::FIELD.to_owned(), serde_json::json!(field).to_string()),
            (env::PASSWORD.to_owned(), serde_json::json!(password).to_string()),
            (env::TARGET.to_owned(), serde_json::json!(target).to_string()),
        ])
    }

    /// Reads the configuration from environment variables.
    ///
    /// # Errors
    /// The first variable that is absent or does not parse.
    pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let text = |variable: &'static str| {
            get(variable).filter(|v| !v.is_empty()).ok_or(ConfigError { variable, reason: "is not set".to_owned() })
        };
        Ok(Self {
            secret_arn: text(env::SECRET_ARN)?,
            field: parse(env::FIELD, &text(env::FIELD)?)?,
            password: parse(env::PASSWORD, &text(env::PASSWORD)?)?,
            target: parse(env::TARGET, &text(env::TARGET)?)?,
        })
    }
}

fn parse<T: for<'de> Deserialize<'de>>(variable: &'static str, text: &str) -> Result<T, ConfigError> {
    serde_json::from_str(text).map_err(|e| ConfigError { variable, reason: e.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_deployer_writes_the_function_reads() {
        for field in [None, Some("password"), Some("a \"quoted\" one")] {
            let password = PasswordPolicy::default();
            let mut written = Config::static_env(field, &password, Target::None);
            written.insert(env::SECRET_ARN.to_owned(), "arn:x".to_owned());
            let read = Config::from_env(|k| written.get(k).cloned()).unwrap();
            assert_eq!(
                read,
                Config { secret_arn: "arn:x".into(), field: field.map(Into::into), password, target: Target::None }
            );
        }
    }

    #[test]
    fn an_absent_variable_is_named() {
        let error = Config::from_env(|_| None).unwrap_err();
        assert_eq!(error.to_string(), "environment variable ROTATOR_SECRET_ARN: is not set");
    }
}
