//! What the password opens, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Target")]
pub(super) enum RawTarget {
    /// Nothing that the rotator has to tell: the secret's readers are the only users of the password.
    #[default]
    None,
    /// A user of a PostgreSQL server.
    Postgres(RawPostgres),
    /// A user of a MariaDB or MySQL server.
    Mysql(RawMysql),
    /// A user of a Redis or Valkey server.
    Redis(RawRedis),
}

/// A user of a PostgreSQL server.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Postgres")]
pub(super) struct RawPostgres {
    /// Which user gets the new password.
    pub(super) strategy: RawStrategy,
    /// Name of the secret of another user that sets the password, which needs a `connection`; null: the user sets its own.
    pub(super) admin_secret: Option<String>,
    /// How the connection is protected.
    pub(super) tls: RawTls,
    /// The ways by which the server may ask for a password; a server that asks otherwise gets none.
    #[schemars(length(min = 1))]
    pub(super) require_auth: Vec<RawAuthMethod>,
    /// The only server and user, with its clone user, that the function logs in to; a first value has it, too. Null: the
    /// secret's own value says where.
    pub(super) connection: Option<RawConnection>,
}

impl Default for RawPostgres {
    fn default() -> Self {
        Self {
            strategy: RawStrategy::default(),
            admin_secret: None,
            tls: RawTls::default(),
            require_auth: vec![RawAuthMethod::ScramSha256],
            connection: None,
        }
    }
}

/// A user of a MariaDB or MySQL server.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Mysql")]
pub(super) struct RawMysql {
    /// Which user gets the new password.
    pub(super) strategy: RawStrategy,
    /// Name of the secret of another user that sets the password, which needs a `connection`; null: the user sets its own.
    pub(super) admin_secret: Option<String>,
    /// How the connection is protected.
    pub(super) tls: RawTls,
    /// The only server and user, with its clone user, that the function logs in to; a first value has it, too. Null: the
    /// secret's own value says where.
    pub(super) connection: Option<RawConnection>,
}

/// A user of a Redis or Valkey server, which takes the old and the new password until the next rotation.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Redis")]
pub(super) struct RawRedis {
    /// Name of the secret of another user that sets the password, which needs a `connection`; null: the user sets its own.
    pub(super) admin_secret: Option<String>,
    /// Id of the user of Amazon ElastiCache, whose password AWS's API sets; null: a server of another kind.
    #[schemars(extend("maxLength" = 40, "pattern" = "^[a-z][a-z0-9-]*$"))]
    pub(super) elasticache_user: Option<String>,
    /// How the connection is protected.
    pub(super) tls: RawTls,
    /// The only server and user that the function logs in to; a first value has it, too. Null: the secret's own value says
    /// where.
    pub(super) connection: Option<RawRedisConnection>,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Strategy")]
pub(super) enum RawStrategy {
    /// The secret's user: from the change on, its old password is refused.
    #[default]
    SingleUser,
    /// The user and its clone user `NAME_clone` in turns; needs `admin_secret`.
    AlternatingUsers,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Tls")]
pub(super) enum RawTls {
    /// TLS, to a server that proves its name by a certificate of Amazon's.
    #[default]
    VerifyFull,
    /// No TLS: on a private network.
    Off,
    /// TLS, to a server that proves its name by a certificate of that PEM file, relative to the spec's folder.
    Ca(String),
}

/// A way by which a server asks for a password, by libpq's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AuthMethod")]
pub(super) enum RawAuthMethod {
    /// Both sides prove that they know the password, and neither learns it.
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    /// The server gets a hash by which the password can be guessed.
    #[serde(rename = "md5")]
    Md5,
    /// The server gets the password itself.
    #[serde(rename = "password")]
    Password,
}

/// Where the user logs in.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Connection", extend("required" = ["host", "username"]))]
pub(super) struct RawConnection {
    /// Host name or address, without a port.
    #[schemars(required, example = "db.example.com")]
    pub(super) host: Option<String>,
    /// TCP port; by default 5432 for PostgreSQL, 3306 for MariaDB and MySQL.
    #[schemars(range(min = 1, max = 65535), example = 5432)]
    pub(super) port: Option<u16>,
    /// The user.
    #[schemars(required, example = &"app")]
    pub(super) username: Option<String>,
    /// The database; null: the secret's own value says, or the server's default.
    pub(super) dbname: Option<String>,
}

/// Where the user logs in.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "RedisConnection", extend("required" = ["host", "username"]))]
pub(super) struct RawRedisConnection {
    /// Host name or address, without a port.
    #[schemars(required, example = "cache.example.com")]
    pub(super) host: Option<String>,
    /// TCP port; by default 6379.
    #[schemars(range(min = 1, max = 65535), example = 6379)]
    pub(super) port: Option<u16>,
    /// The user.
    #[schemars(required, example = &"app")]
    pub(super) username: Option<String>,
}
