//! What the server knows of an account, as far as a clone has to have it too: pure, of the rows of its own tables. What
//! SHOW CREATE USER prints is not read: MySQL does not escape it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::grants::Grants;
use super::statement::literal;

/// An account. Who reads it takes it apart field by field, so that none is forgotten.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) host: String,
    /// What the account is told by the server to log in by.
    pub(super) login: Login,
    pub(super) locked: bool,
    /// Whether somebody has the password expire.
    pub(super) expired: bool,
    pub(super) options: Options,
    /// `None`: there is one of no known form.
    pub(super) grants: Option<Grants>,
    /// What a rotation has written there, by [`MARK`].
    pub(super) mark: Option<Value>,
    /// Whether the server has an attribute of accounts that is none of these.
    pub(super) unknown: bool,
}

/// The key of the mark of a clone that a rotation has made, in MySQL's JSON object of an account, or in MariaDB's.
pub(super) const MARK: &str = "rotator";

/// How an account logs in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) plugin: String,
    /// What the server keeps of the password.
    pub(super) proof: String,
    /// Whether another plugin will do, or has to agree.
    pub(super) others: bool,
}

/// What ALTER USER sets, besides the password and the lock. `None` is the server's own default.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Options {
    /// What follows REQUIRE.
    pub(super) require: String,
    /// [`LIMITS`], by hour or at a time; 0 is no limit.
    pub(super) limits: [String; 4],
    /// Seconds; MariaDB's.
    pub(super) statement_time: Option<String>,
    /// Days; 0 is for ever.
    pub(super) lifetime: Option<String>,
    /// Passwords.
    pub(super) history: Option<String>,
    /// Days.
    pub(super) reuse: Option<String>,
    /// Whether a change needs the present password.
    pub(super) require_current: Option<bool>,
    /// Failed logins, and the days that they lock the account for; -1 is for ever.
    pub(super) failures: (i64, i64),
    /// MySQL's; MariaDB's are among its grants.
    pub(super) default_roles: BTreeSet<String>,
    /// A JSON object, of a server that has such.
    pub(super) attribute: Option<Map<String, Value>>,
}

pub(super) const LIMITS: [&str; 4] =
    ["MAX_QUERIES_PER_HOUR", "MAX_UPDATES_PER_HOUR", "MAX_CONNECTIONS_PER_HOUR", "MAX_USER_CONNECTIONS"];
const LIMIT_COLUMNS: [&str; 4] = ["max_questions", "max_updates", "max_connections", "max_user_connections"];

/// Columns of MySQL's `mysql.user` that are read below, or that are no attribute; of rights, `SHOW GRANTS` tells.
const COLUMNS: [&str; 21] = [
    "host",
    "user",
    "ssl_type",
    "ssl_cipher",
    "x509_issuer",
    "x509_subject",
    "max_questions",
    "max_updates",
    "max_connections",
    "max_user_connections",
    "plugin",
    "authentication_string",
    "password_expired",
    "password_last_changed",
    "password_lifetime",
    "account_locked",
    "password_reuse_history",
    "password_reuse_time",
    "password_require_current",
    "user_attributes",
    "max_statement_time",
];
/// The same of the column `Priv` of MariaDB's `mysql.global_priv`.
const KEYS: [&str; 19] = [
    MARK,
    "access",
    "version_id",
    "plugin",
    "authentication_string",
    "auth_or",
    "password_last_changed",
    "password_lifetime",
    "account_locked",
    "ssl_type",
    "ssl_cipher",
    "x509_issuer",
    "x509_subject",
    "max_questions",
    "max_updates",
    "max_connections",
    "max_user_connections",
    "max_statement_time",
    "default_role",
];

impl Facts {
    /// Of a row of MySQL's `mysql.user`, by the columns' names in lower case. `has_attributes`: accounts may have a JSON
    /// object of their own.
    pub(super) fn of_mysql(
        row: &BTreeMap<String, Option<String>>,
        default_roles: BTreeSet<String>,
        grants: Option<Grants>,
        has_attributes: bool,
    ) -> Self {
        let value = |column: &str| row.get(column).cloned().flatten();
        let text = |column| value(column).unwrap_or_default();
        let more: Option<Map<String, Value>> = match value("user_attributes") {
            Some(json) => serde_json::from_str(&json).ok(),
            None => Some(Map::new()),
        };
        let is_known = |key: &str| {
            ["metadata", "Password_locking", "Restrictions", "additional_password", "multi_factor_authentication"]
                .contains(&key)
        };
        let unknown_key = more.as_ref().is_none_or(|more| more.keys().any(|key| !is_known(key)));
        let more = more.unwrap_or_default();
        let failures =
            |key: &str| more.get("Password_locking").and_then(|locking| locking.get(key)?.as_i64()).unwrap_or(0);
        let columns = |column: &str| COLUMNS.contains(&column) || column.ends_with("_priv");
        Self {
            host: text("host"),
            login: Login {
                plugin: text("plugin"),
                proof: text("authentication_string"),
                others: more.contains_key("multi_factor_authentication"),
            },
            locked: text("account_locked") == "Y",
            expired: text("password_expired") == "Y",
            options: Options {
                require: match text("ssl_type").as_str() {
                    "" => "NONE".to_owned(),
                    "ANY" => "SSL".to_owned(),
                    "SPECIFIED" => certificate(&text("ssl_cipher"), &text("x509_issuer"), &text("x509_subject")),
                    other => other.to_owned(),
                },
                limits: LIMIT_COLUMNS.map(text),
                statement_time: None,
                lifetime: value("password_lifetime"),
                history: value("password_reuse_history"),
                reuse: value("password_reuse_time"),
                require_current: value("password_require_current").map(|value| value == "Y"),
                failures: (failures("failed_login_attempts"), failures("password_lock_time_days")),
                default_roles,
                attribute: has_attributes
                    .then(|| more.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default()),
            },
            grants,
            mark: more.get("metadata").and_then(|metadata| metadata.get(MARK)).cloned(),
            unknown: unknown_key || row.keys().any(|column| !columns(column)),
        }
    }

    /// Of a row of MariaDB's `mysql.global_priv`.
    pub(super) fn of_mariadb(host: String, json: &str, grants: Option<Grants>) -> Self {
        let parsed: Option<Map<String, Value>> = serde_json::from_str(json).ok();
        let unknown = parsed.as_ref().is_none_or(|row| row.keys().any(|key| !KEYS.contains(&key.as_str())));
        let row = parsed.unwrap_or_default();
        let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |key: &str| row.get(key).map_or_else(|| "0".to_owned(), Value::to_string);
        Self {
            host,
            login: Login {
                plugin: text("plugin"),
                proof: text("authentication_string"),
                others: row.contains_key("auth_or"),
            },
            locked: row.get("account_locked").and_then(Value::as_bool).unwrap_or(false),
            expired: row.get("password_last_changed").and_then(Value::as_i64) == Some(0),
            options: Options {
                require: match row.get("ssl_type").and_then(Value::as_i64) {
                    None | Some(-1 | 0) => "NONE".to_owned(),
                    Some(1) => "SSL".to_owned(),
                    Some(2) => "X509".to_owned(),
                    Some(_) => certificate(&text("ssl_cipher"), &text("x509_issuer"), &text("x509_subject")),
                },
                limits: LIMIT_COLUMNS.map(number),
                statement_time: Some(number("max_statement_time").trim_end_matches(".0").to_owned()),
                lifetime: row.get("password_lifetime").map(Value::to_string).filter(|days| days != "-1"),
                ..Options::default()
            },
            grants,
            mark: row.get(MARK).cloned(),
            unknown,
        }
    }

    /// Whether somebody can log in by the account, with a password.
    pub(super) fn can_login(&self) -> bool {
        !self.locked && !self.expired
    }
}

fn certificate(cipher: &str, issuer: &str, subject: &str) -> String {
    let parts = [("CIPHER", cipher), ("ISSUER", issuer), ("SUBJECT", subject)];
    let parts = parts.iter().filter(|(_, value)| !value.is_empty());
    let parts: Vec<String> = parts.map(|(name, value)| format!("{name} {}", literal(value))).collect();
    parts.join(" AND ")
}
