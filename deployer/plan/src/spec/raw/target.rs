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
    Postgres(RawDatabase),
    /// A user of a MariaDB or MySQL server.
    Mysql(RawDatabase),
    /// A user of a Redis or Valkey server.
    Redis(RawRedis),
}

/// A user of a database server. Host, port and user are in the secret's own value.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Database")]
pub(super) struct RawDatabase {
    /// Which user gets the new password.
    pub(super) strategy: RawStrategy,
    /// Name of the secret of another user that sets the password; null: the user sets its own.
    pub(super) admin_secret: Option<String>,
    /// How the connection is protected.
    pub(super) tls: RawTls,
    /// What the first value has besides the password; afterwards the secret's own value counts. Its user is the only one
    /// whose password an admin sets.
    pub(super) connection: Option<RawConnection>,
}

/// A user of a Redis or Valkey server, which takes the old and the new password until the next rotation.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Redis")]
pub(super) struct RawRedis {
    /// Name of the secret of another user that sets the password; null: the user sets its own.
    pub(super) admin_secret: Option<String>,
    /// Id of the user of Amazon ElastiCache, whose password AWS's API sets; null: a server of another kind.
    #[schemars(extend("maxLength" = 40, "pattern" = "^[a-z][a-z0-9-]*$"))]
    pub(super) elasticache_user: Option<String>,
    /// How the connection is protected.
    pub(super) tls: RawTls,
    /// What the first value has besides the password; afterwards the secret's own value counts. Its user is the only one
    /// whose password an admin sets.
    pub(super) connection: Option<RawRedisConnection>,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Strategy")]
pub(super) enum RawStrategy {
    /// The secret's user: from the change on, its old password is refused.
    #[default]
    SingleUser,
    /// The user and its twin `NAME_clone` in turns; needs `admin_secret`.
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

/// Where the user logs in.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Connection", extend("required" = ["host", "username"]))]
pub(super) struct RawConnection {
    /// Host name or address.
    #[schemars(required, example = "db.example.com")]
    pub(super) host: Option<String>,
    /// TCP port; by default 5432 for PostgreSQL, 3306 for MariaDB and MySQL.
    #[schemars(range(min = 1, max = 65535))]
    pub(super) port: Option<u16>,
    /// The user.
    #[schemars(required, example = &"app")]
    pub(super) username: Option<String>,
    /// The database.
    pub(super) dbname: Option<String>,
}

/// Where the user logs in.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "RedisConnection", extend("required" = ["host", "username"]))]
pub(super) struct RawRedisConnection {
    /// Host name or address.
    #[schemars(required, example = "cache.example.com")]
    pub(super) host: Option<String>,
    /// TCP port; by default 6379.
    #[schemars(range(min = 1, max = 65535))]
    pub(super) port: Option<u16>,
    /// The user.
    #[schemars(required, example = &"app")]
    pub(super) username: Option<String>,
}
