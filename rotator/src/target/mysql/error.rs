use mysql_async::{DriverError, Error, IoError};

use crate::error::Kind;
use crate::target::answer::Means::{Away, Busy, Connection, Denied, Password, Refused, Setup, User};
use crate::target::answer::{self, Row};
use crate::target::reach;

pub(super) const PLUGIN: &str =
    "the user logs in by a plugin other than mysql_native_password and caching_sha2_password";
// MySQL asks for any plugin for a user that it does not have, lest somebody learn which there are.
const OTHER_PLUGIN: &str = "the user does not exist, or logs in by a plugin other than mysql_native_password and \
                            caching_sha2_password";
pub(super) const READ_ONLY: &str = "the server is read-only: a replica?";

/// The errors of MySQL, MariaDB, and of proxies before them.
///
/// <https://dev.mysql.com/doc/mysql-errors/9.0/en/server-error-reference.html>,
/// <https://mariadb.com/docs/server/reference/error-codes>: one number is one error at both, but for those above 1980, of
/// which each has its own. For RDS Proxy see
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.troubleshooting.html>, for `ProxySQL` `proxysql_structs.h`
/// of <https://github.com/sysown/proxysql>; both answer a wrong password by 1045.
pub const ERRORS: &[Row] = &[
    // Logging in.
    Row::of(
        "1045",
        Refused,
        "a wrong password, no such user for this client, or TLS is asked for: it does not say which",
    ),
    Row::of("1698", User, "the user logs in by a plugin that takes no password"),
    Row::of("1862", User, "its password has expired; an admin has to set it"),
    Row::of("1820", User, "its password has expired; an admin has to set it"),
    Row::of("3118", User, "the account is locked; ALTER USER ... ACCOUNT UNLOCK"),
    Row::of("4151", User, "the account is locked; ALTER USER ... ACCOUNT UNLOCK"),
    Row::of("3955", User, "the account is locked for some days, since too many logins failed"),
    Row::of("4150", User, "the account is locked, since too many logins failed; FLUSH PRIVILEGES unlocks it"),
    Row::of("1049", Setup, "there is no such database; `dbname` names it"),
    Row::of("1130", Connection, "no user's host pattern fits the function's address"),
    Row::of("1129", Connection, "the function's address is blocked, since too many connections failed; FLUSH HOSTS"),
    Row::of("1042", Connection, "it can't find a host name for the function's address; skip_name_resolve"),
    Row::of("3159", Connection, "it asks for TLS"),
    Row::of("1251", Setup, PLUGIN),
    Row::of("1275", Setup, PLUGIN),
    Row::of("1524", Setup, "it does not have the plugin by which the user logs in"),
    Row::of("1040", Busy, "too many connections, or too many in a second"),
    Row::of("1203", Busy, "the user has too many connections"),
    Row::of("1226", Busy, "the user has reached a limit of its own, by hour or at a time"),
    Row::of("3032", Away, "it is in offline mode"),
    Row::of("6400", Away, "it is in offline mode"),
    // Setting a password.
    Row::of("1819", Password, "by a component or plugin that judges passwords"),
    Row::of("3638", Password, "by the user's history of passwords"),
    Row::of("4165", Password, "by the characters that a new password must change"),
    Row::of(
        "3892",
        Setup,
        "the user must give its present password too (PASSWORD REQUIRE CURRENT); give the spec an `admin_secret`",
    ),
    Row::of(
        "3891",
        Setup,
        "the user must give its present password too (PASSWORD REQUIRE CURRENT), and gave a wrong one",
    ),
    Row::of("3893", Setup, "the present password is for the user itself to give"),
    Row::of("3878", Setup, "the user has an empty password, which can't go on working beside a new one"),
    Row::of("3895", Setup, "the user's plugin does not keep two passwords"),
    Row::of("3894", Setup, "a password is not kept over a change of the plugin"),
    Row::of("1372", Setup, PLUGIN),
    Row::of("1827", Setup, PLUGIN),
    Row::of("1699", Setup, PLUGIN),
    Row::of("4102", Setup, PLUGIN),
    Row::of("4058", Setup, "its authentication_policy does not allow the user's plugin"),
    Row::of("1133", Setup, "there is no such account"),
    Row::of("1396", Setup, "there is no such account, or there is one already"),
    Row::of("1470", Setup, "the user's name is too long"),
    // Whatever is done there.
    Row::of("1044", Denied, "a right to the database is missing: to the one in `dbname`, or UPDATE on mysql.*"),
    Row::of("1142", Denied, "no right to a table"),
    Row::of("1143", Denied, "no right to a column"),
    Row::of("1370", Denied, "no right to a routine"),
    Row::of("1227", Denied, "a right is missing"),
    Row::of("1131", Denied, "an anonymous user can't change passwords"),
    Row::of("1132", Denied, "UPDATE on mysql.* is missing, to change another user's password"),
    Row::of("1211", Denied, "CREATE USER is missing"),
    Row::of("1410", Denied, "GRANT does not make users"),
    Row::of("3879", Denied, "no right to the database, since partial_revokes"),
    Row::says("1290", "read-only", Setup, READ_ONLY),
    Row::says("1290", "skip-grant-tables", Setup, "it runs with --skip-grant-tables, and so without users"),
    Row::says(
        "1290",
        "strict-password-validation",
        Setup,
        "it runs with --strict-password-validation, and takes no hashes",
    ),
    Row::of("1290", Setup, "it runs with an option that is against this"),
    Row::of("1836", Setup, READ_ONLY),
    Row::of("1874", Setup, READ_ONLY),
    Row::of("1792", Setup, READ_ONLY),
    Row::of("1193", Setup, "it does not have a setting: an old version?"),
    Row::of("1235", Setup, "it can't do that: an old version, or another make"),
    Row::of("1289", Setup, "a feature of it is off"),
    Row::of("1205", Busy, "a lock that others hold"),
    Row::of("1213", Busy, "another transaction was in the way"),
    Row::of("3572", Busy, "a lock that others hold"),
    Row::of("1317", Busy, "stopped by its admin"),
    Row::of("3024", Busy, "stopped after its time limit"),
    Row::of("1969", Busy, "stopped after its time limit"),
    Row::of("1021", Busy, "its disk is full"),
    Row::of("1037", Busy, "it lacks memory"),
    Row::of("1041", Busy, "it lacks memory"),
    Row::of("3101", Busy, "Group Replication rolled it back"),
    Row::of("3100", Away, "Group Replication did not let it through"),
    Row::says("1047", "WSREP", Away, "it is not connected to its Galera cluster"),
    Row::of("1053", Away, "it is stopping"),
    Row::of("1077", Away, "it is stopping"),
    Row::of("1079", Away, "it is stopping"),
    Row::of("1927", Away, "its admin has ended the session"),
    Row::of("3169", Away, "its admin has ended the session"),
    Row::of("4031", Away, "it closes sessions that are idle"),
    Row::of("1043", Away, "the connection broke off in the login"),
    Row::of("1158", Away, "the connection broke off"),
    Row::of("1159", Away, "the connection broke off"),
    Row::of("1160", Away, "the connection broke off"),
    Row::of("1161", Away, "the connection broke off"),
    // A proxy's.
    Row::of("9501", Busy, "RDS Proxy had no connection to its server free in time"),
    Row::of("9001", Away, "ProxySQL does not reach its server"),
    Row::of("9002", Away, "ProxySQL does not reach its server"),
    Row::of("9004", Away, "ProxySQL has taken its server out of use"),
    Row::of("9005", Away, "ProxySQL has taken its server out of use"),
];

/// The codes of answers that the driver acts on.
pub(super) struct Code;

impl Code {
    /// A login is refused, or by MariaDB a GRANT.
    pub(super) const LOGIN: u16 = 1045;
    /// A privilege on a database would be granted and partially revoked at once.
    pub(super) const GRANTED_AND_REVOKED: u16 = 3901;
    /// A privilege is missing.
    pub(super) const PRIVILEGE: u16 = 1227;
    /// An option of the server's is against it: MariaDB wants to judge passwords, or is read-only.
    pub(super) const OPTION: u16 = 1290;
    /// The account must state its present password, and has stated a wrong one.
    pub(super) const WRONG_PROOF: u16 = 3891;
    /// The account must state its present password.
    pub(super) const NO_PROOF: u16 = 3892;
}

/// The server's own code, if it is the server that answered.
pub(super) fn code(error: &Error) -> Option<u16> {
    match error {
        Error::Server(error) => Some(error.code),
        _ => None,
    }
}

/// Whether the server refused the credentials, a wrong password or no such user, and nothing else.
pub(super) fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Server(answer) if row(answer).is_some_and(|row| row.means == Refused))
}

/// Whether there was nothing to revoke.
pub(super) fn is_no_such_grant(error: &Error) -> bool {
    matches!(code(error), Some(1141 | 1147 | 1403))
}

/// What an error means; nothing of its text is kept, for it may quote a statement.
pub(super) fn kind(what: &'static str, error: &Error) -> Kind {
    match error {
        Error::Server(answer) => answer::kind(row(answer), what, &answer.code.to_string()),
        _ => not_an_answer(error),
    }
}

fn row(error: &mysql_async::ServerError) -> Option<&'static Row> {
    answer::find(ERRORS, &error.code.to_string(), |words| error.message.contains(words))
}

fn not_an_answer(error: &Error) -> Kind {
    match error {
        Error::Driver(DriverError::NoClientSslFlagFromServer) => reach::NO_TLS,
        Error::Driver(
            DriverError::UnknownAuthPlugin { .. }
            | DriverError::MysqlOldPasswordDisabled
            | DriverError::CleartextPluginDisabled,
        ) => Kind::TargetUnfit(OTHER_PLUGIN),
        Error::Io(IoError::Tls(error)) => reach::untrusted(error),
        Error::Io(IoError::Io(error)) if reach::tls_error(error).is_some() => reach::untrusted(error),
        Error::Io(IoError::Io(error)) => reach::broken(error),
        _ => reach::BROKEN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_class_and_its_words() {
        answer::tests::hold(ERRORS);
    }
}
