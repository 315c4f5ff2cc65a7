use mysql_async::{DriverError, Error, IoError};

use crate::error::{Kind, TargetCode};

pub(super) const PLUGIN: &str =
    "the user logs in by a plugin other than mysql_native_password and caching_sha2_password";
pub(super) const READ_ONLY: &str = "the server is read-only: a replica?";
const UNTRUSTED: &str = "no TLS by a certificate for its name that can be trusted";

/// The codes of answers that the driver acts on.
pub(super) struct Refused;

impl Refused {
    /// A privilege is missing.
    pub(super) const PRIVILEGE: u16 = 1227;
    /// An option of the server's is against it: MariaDB wants to judge passwords, or is read-only.
    pub(super) const OPTION: u16 = 1290;
}

/// The server's own code, if it is the server that answered.
pub(super) fn code(error: &Error) -> Option<u16> {
    match error {
        Error::Server(error) => Some(error.code),
        _ => None,
    }
}

/// Whether the server refused the credentials: a wrong password, no such user, or one that is locked or expired.
pub(super) fn is_refusal(error: &Error) -> bool {
    matches!(code(error), Some(1045 | 1698 | 1862 | 3118 | 3955 | 4151))
}

/// Whether there was nothing to revoke.
pub(super) fn is_no_such_grant(error: &Error) -> bool {
    matches!(code(error), Some(1141 | 1147 | 1403))
}

/// What an error means; nothing of its text is kept, for it may quote a statement.
/// <https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html>
/// <https://mariadb.com/kb/en/mariadb-error-code-reference/>
pub(super) fn kind(what: &'static str, error: &Error) -> Kind {
    let Some(code) = code(error) else { return not_an_answer(error) };
    let told = TargetCode::new(&code.to_string());
    match code {
        // No rights on the server, a database, a table, a column, or a routine; not from this host; not over plain TCP.
        1044 | 1045 | 1130 | 1131 | 1132 | 1142 | 1143 | 1227 | 1370 | 1410 | 3159 => {
            Kind::TargetDenied { what, code: told }
        }
        // The server's rules, and its history of passwords.
        1819 | 3638 => Kind::PasswordRefused(told),
        // A hash of another plugin's, and a plugin without passwords.
        1372 | 1699 => Kind::TargetUnfit(PLUGIN),
        1290 | 1836 => Kind::TargetUnfit(READ_ONLY),
        // Too many connections, of all or of one user; a lock that others hold.
        1040 | 1203 | 1205 | 1213 | 1226 | 1317 | 3024 | 1969 => Kind::TargetBusy(told),
        1053 | 1077 | 1079 | 1927 => Kind::TargetUnreachable("it is stopping or starting"),
        _ => Kind::TargetFailed { what, code: told },
    }
}

fn not_an_answer(error: &Error) -> Kind {
    match error {
        Error::Driver(DriverError::NoClientSslFlagFromServer) | Error::Io(IoError::Tls(_)) => {
            Kind::TargetUnreachable(UNTRUSTED)
        }
        // What the TLS library finds fault with.
        Error::Io(IoError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
            Kind::TargetUnreachable(UNTRUSTED)
        }
        Error::Driver(
            DriverError::UnknownAuthPlugin { .. }
            | DriverError::MysqlOldPasswordDisabled
            | DriverError::CleartextPluginDisabled,
        ) => Kind::TargetUnfit(PLUGIN),
        Error::Io(IoError::Io(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Kind::TargetUnreachable("no connection")
        }
        _ => Kind::TargetUnreachable("the connection broke off"),
    }
}
