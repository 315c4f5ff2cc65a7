use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{PasswordPolicy, Template};

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
    /// The ARN of the stack's own schedule; absent where Secrets Manager starts rotations.
    pub const SCHEDULE_ARN: &str = "ROTATOR_SCHEDULE_ARN";
    /// The derived fields as a JSON object of templates; absent where there are none.
    pub const DERIVED: &str = "ROTATOR_DERIVED";
}

/// The file in the function's package that has the certificates which its target is trusted by, in PEM; it stands beside
/// the executable.
pub const CA_FILE: &str = "ca.pem";
/// The file beside [`CA_FILE`] with public roots, which count only for hosts that [`needs_public_roots`].
pub const PUBLIC_CA_FILE: &str = "public-ca.pem";

/// Whether a host of AWS proves its name by a certificate under Amazon's public roots: RDS Proxy, `ElastiCache` and
/// `MemoryDB` do. Under a public root anyone has a certificate for a domain of their own, so no other host is trusted so.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.howitworks.html>
#[must_use]
pub fn needs_public_roots(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let Some(name) = [".amazonaws.com", ".amazonaws.com.cn"].iter().find_map(|domain| host.strip_suffix(domain)) else {
        return false;
    };
    let labels: Vec<&str> = name.split('.').collect();
    match labels.as_slice() {
        [.., identity, _region, "rds"] => identity.starts_with("proxy-"),
        [.., "cache"] => true,
        [.., "memorydb", _region] => true,
        _ => false,
    }
}

/// What the password opens.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Nothing that the rotator has to tell: the secret's readers are the only users of the password.
    #[default]
    None,
    /// A user of a PostgreSQL server.
    Postgres(Login),
    /// A user of a MariaDB or MySQL server.
    Mysql(Login),
    /// A user of a Redis or Valkey server; its strategy is always [`Strategy::SingleUser`], with two passwords at a time.
    Redis(Login),
}

impl Target {
    /// How the function logs in, where there is something to log in to.
    #[must_use]
    pub fn login(&self) -> Option<&Login> {
        match self {
            Self::None => None,
            Self::Postgres(login) | Self::Mysql(login) | Self::Redis(login) => Some(login),
        }
    }
}

/// How the function changes a server's user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Which user gets the new password.
    #[serde(default)]
    pub strategy: Strategy,
    /// Name of the secret of another user that sets the password; `None`: the user sets its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_secret: Option<String>,
    /// The only server and user, with its clone user, that the function logs in to; a value that names another is refused
    /// before any connection. `None`: the secret's value says, and whoever may write it chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<Connection>,
    /// Id of the user of Amazon ElastiCache whose password AWS's API sets; only [`Target::Redis`] has it, and then no admin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elasticache_user: Option<String>,
    /// Whether the connection is encrypted and the server's name proven.
    #[serde(default)]
    pub tls: Tls,
    /// The ways by which a PostgreSQL server may ask for a password; one that asks otherwise gets none.
    #[serde(default = "AuthMethod::usual", skip_serializing_if = "AuthMethod::is_usual")]
    pub require_auth: Vec<AuthMethod>,
}

impl Default for Login {
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            admin_secret: None,
            connection: None,
            elasticache_user: None,
            tls: Tls::default(),
            require_auth: AuthMethod::usual(),
        }
    }
}

/// Where a user logs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// Host name or address.
    pub host: String,
    /// TCP port; `None`: the kind of server's usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The user.
    pub username: String,
    /// The database; `None`: the secret's value, or the kind of server's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dbname: Option<String>,
}

/// A way by which a PostgreSQL server asks for a password, by libpq's name.
/// <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-REQUIRE-AUTH>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthMethod {
    /// Both sides prove that they know the password; neither learns anything that authenticates.
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    /// A hash, which whoever has once seen can guess at.
    #[serde(rename = "md5")]
    Md5,
    /// The password itself.
    #[serde(rename = "password")]
    Password,
}

impl AuthMethod {
    fn usual() -> Vec<Self> {
        vec![Self::ScramSha256]
    }

    fn is_usual(methods: &[Self]) -> bool {
        methods == [Self::ScramSha256]
    }
}

/// Which user gets the new password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// The current one: from the change on, its old password is refused, until the secret's readers have the new one.
    #[default]
    SingleUser,
    /// The user and its clone user, `NAME` and `NAME_clone`, in turns: the current secret works at every moment.
    AlternatingUsers,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// TLS only, to a server whose certificate bears its name and leads to one of [`CA_FILE`].
    #[default]
    VerifyFull,
    /// No TLS: on a private network, as the spec says in so many words.
    Off,
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
    /// The ARN of the stack's own schedule; `None` where it has none.
    pub schedule_arn: Option<String>,
    /// Further fields that are made from others, by name.
    pub derived: BTreeMap<String, Template>,
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
    pub fn static_env(
        field: Option<&str>,
        password: &PasswordPolicy,
        target: &Target,
        schedule_arn: Option<&str>,
        derived: &BTreeMap<String, Template>,
    ) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::from([
            (env::FIELD.to_owned(), serde_json::json!(field).to_string()),
            (env::PASSWORD.to_owned(), serde_json::json!(password).to_string()),
            (env::TARGET.to_owned(), serde_json::json!(target).to_string()),
        ]);
        if let Some(arn) = schedule_arn {
            variables.insert(env::SCHEDULE_ARN.to_owned(), arn.to_owned());
        }
        if !derived.is_empty() {
            variables.insert(env::DERIVED.to_owned(), serde_json::json!(derived).to_string());
        }
        variables
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
            schedule_arn: text(env::SCHEDULE_ARN).ok(),
            derived: text(env::DERIVED).map_or_else(|_| Ok(BTreeMap::new()), |text| parse(env::DERIVED, &text))?,
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
        let login = Login {
            strategy: Strategy::AlternatingUsers,
            admin_secret: Some("MyApp/Admin".to_owned()),
            connection: Some(Connection {
                host: "db".to_owned(),
                port: Some(1),
                username: "app".to_owned(),
                dbname: Some("d".to_owned()),
            }),
            elasticache_user: Some("app".to_owned()),
            tls: Tls::Off,
            require_auth: vec![AuthMethod::Md5, AuthMethod::Password],
        };
        let derived = BTreeMap::from([("url".to_owned(), Template::parse("x://{password|percent}").unwrap())]);
        for (target, derived) in [(Target::None, BTreeMap::new()), (Target::Postgres(login), derived)] {
            for field in [None, Some("password"), Some("a \"quoted\" one")] {
                let password = PasswordPolicy::default();
                let schedule = field.map(|_| "arn:s");
                let mut written = Config::static_env(field, &password, &target, schedule, &derived);
                written.insert(env::SECRET_ARN.to_owned(), "arn:x".to_owned());
                let read = Config::from_env(|k| written.get(k).cloned()).unwrap();
                let (field, target, derived) = (field.map(Into::into), target.clone(), derived.clone());
                let (secret_arn, schedule_arn) = ("arn:x".into(), schedule.map(Into::into));
                assert_eq!(read, Config { secret_arn, field, password, target, schedule_arn, derived });
            }
        }
    }

    #[test]
    fn a_target_is_written_as_in_a_spec() {
        assert_eq!(serde_json::json!(Target::None).to_string(), r#""none""#);
        let read: Target = serde_json::from_str(r#"{"redis":{}}"#).unwrap();
        assert_eq!(read, Target::Redis(Login::default()));
    }

    #[test]
    fn public_roots_are_for_aws_s_own_names_that_need_them() {
        for host in [
            "p.proxy-abc.us-east-1.rds.amazonaws.com",
            "P.PROXY-ABC.eu-west-1.RDS.amazonaws.com.",
            "e.endpoint.proxy-abc.us-east-1.rds.amazonaws.com",
            "p.proxy-abc.cn-north-1.rds.amazonaws.com.cn",
            "master.c.abc.use1.cache.amazonaws.com",
            "clustercfg.c.abc.memorydb.us-east-1.amazonaws.com",
        ] {
            assert!(needs_public_roots(host), "{host}");
        }
        for host in [
            "db.abc.us-east-1.rds.amazonaws.com",
            "proxy-abc.us-east-1.rds.amazonaws.com.evil.com",
            "rds.amazonaws.com",
            "db.example.com",
            "evil-cache.amazonaws.com",
            "localhost",
            "10.0.0.1",
            "",
        ] {
            assert!(!needs_public_roots(host), "{host}");
        }
    }

    #[test]
    fn an_absent_variable_is_named() {
        let error = Config::from_env(|_| None).unwrap_err();
        assert_eq!(error.to_string(), "environment variable ROTATOR_SECRET_ARN: is not set");
    }
}
