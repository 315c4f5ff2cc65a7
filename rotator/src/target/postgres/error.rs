use contract::AuthMethod;
use tokio_postgres::Error;
use tokio_postgres::error::DbError;

use super::guard::Refusal;
use crate::error::Kind;
use crate::target::answer::Means::{Away, Busy, Connection, Denied, Password, Refused, Setup, User};
use crate::target::answer::{self, Row};
use crate::target::reach;

const READ_ONLY: &str = "the server is read-only: a replica?";

/// PostgreSQL's errors, and those of poolers before it.
///
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>; what tells errors of one code apart is the routine
/// that reports them, which no server translates. `PgBouncer` has words and hardly a code: `src/client.c` and
/// `src/objects.c` of <https://github.com/pgbouncer/pgbouncer>. For RDS Proxy see
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.troubleshooting.html>.
pub const ERRORS: &[Row] = &[
    // RDS Proxy's, of which only the words are documented.
    Row::says("", "password that was provided for the role", Refused, "RDS Proxy has another password for the user"),
    Row::says("", "no credentials for the role", Refused, "RDS Proxy has no secret of the user's"),
    Row::says("", "RDS Proxy requires TLS", Connection, "RDS Proxy asks for TLS"),
    Row::says("", "IAM authentication failed", User, "RDS Proxy asks the user for IAM"),
    Row::says("", "RDS Proxy supports only", Setup, "RDS Proxy can't do that"),
    Row::says("", "RDS Proxy currently doesn't support", Setup, "RDS Proxy can't do that"),
    Row::says("", "connections to the proxy exceeded", Busy, "RDS Proxy has too many clients"),
    Row::says("", "Rate of connection to proxy exceeded", Busy, "RDS Proxy gets too many logins in a second"),
    Row::says(
        "",
        "waiting to acquire database connection",
        Busy,
        "RDS Proxy had no connection to its server free in time",
    ),
    // Setting a password.
    Row::says("22023", SET, Password, "by a module such as passwordcheck"),
    Row::says("28P01", SET, Password, "by a module such as credcheck"),
    Row::says("28000", SET, Password, "by a module such as credcheck"),
    // Logging in.
    Row::of(
        "28P01",
        Refused,
        "a wrong password, no such user, a user without a password, or one whose VALID UNTIL is past: it does not say which",
    ),
    Row::says("28000", "auth_failed", Refused, "a wrong password, by PAM, LDAP or RADIUS"),
    Row::says("28000", "ClientAuthentication", Connection, "no line of pg_hba.conf, with TLS or without, lets it in"),
    Row::says("28000", "pg_hba.conf", Connection, "no line of pg_hba.conf lets the pooler in as this user"),
    Row::says("28000", "InitializeSessionUserId", User, "the user has NOLOGIN"),
    Row::says("28000", "not permitted to log in", User, "the user has NOLOGIN"),
    Row::of("28", User, "its log says why"),
    Row::of("3D000", Setup, "there is no such database; `dbname` names it"),
    Row::says("42501", "CheckMyDatabase", Denied, "the user needs CONNECT on the database"),
    Row::says("55000", "CheckMyDatabase", Setup, "the database takes no connections (ALLOW_CONNECTIONS)"),
    Row::of("53300", Busy, "too many connections, of all, of the user, or to the database"),
    Row::of("57P03", Away, "it is starting, stopping or recovering"),
    // Whatever is done there.
    Row::of("42501", Denied, "a right is missing"),
    Row::of("42704", Setup, "the user, or a setting of the user's, does not exist"),
    Row::of("42710", Setup, "the clone user exists already"),
    Row::of("22023", Setup, "it does not take the value of a setting"),
    Row::of("25006", Setup, READ_ONLY),
    // Asked for a transaction that may write.
    Row::says("0A000", "call_bool_check_hook", Setup, READ_ONLY),
    Row::of("0A000", Setup, "it can't do that: an old version, or another make"),
    Row::of("55P03", Busy, "a lock that others hold"),
    Row::of("57014", Busy, "stopped after its time limit"),
    Row::of("40", Busy, "another transaction was in the way"),
    Row::of("53100", Busy, "its disk is full"),
    Row::of("53", Busy, "it lacks memory or other resources"),
    Row::of("57P04", Setup, "the database was dropped"),
    Row::of("57P05", Away, "it closes sessions that are idle"),
    Row::of("57P01", Away, "it is stopping, or an admin has ended the session"),
    Row::of("57P02", Away, "it has crashed, and is recovering"),
    Row::of("58", Away, "its system has failed it"),
    // A pooler's. The first has the words of an error from before, which say nothing of this password.
    Row::says("08P01", "server login has been failing", Away, "PgBouncer can't log in to its server"),
    Row::says("08P01", "SASL authentication failed", Refused, "PgBouncer has another password for the user, or none"),
    Row::says("08P01", "password authentication failed", Refused, "PgBouncer has another password for the user"),
    Row::says("08P01", "no such user", Refused, "PgBouncer does not know the user"),
    Row::says("08P01", "no such database", Setup, "PgBouncer has no such database"),
    Row::says("08P01", " is disabled", Setup, "the database is disabled at PgBouncer"),
    Row::says("08P01", "connections exceeded", Busy, "PgBouncer has too many clients of the user or the database"),
    Row::says("08P01", "no more connections allowed", Busy, "PgBouncer has too many clients"),
    Row::says("08P01", "query_wait_timeout", Busy, "PgBouncer had no connection to its server free in time"),
    Row::says("08P01", "query_timeout", Busy, "PgBouncer has stopped the statement after its time limit"),
    Row::says("08P01", "server login failed", Setup, "PgBouncer can't log in to its server by what it has of the user"),
    Row::says("08P01", "client_login_timeout", Away, "PgBouncer gave up the login: its server is down"),
    Row::says("08P01", "shutting down", Away, "PgBouncer is stopping"),
    Row::says("08P01", "bouncer config error", Setup, "PgBouncer's configuration is wrong; its log says where"),
    Row::says("08P01", "unsupported startup parameter", Setup, "PgBouncer does not take a parameter of the login"),
    Row::says("08P01", "SSL required", Connection, "PgBouncer asks for TLS"),
    Row::says("08P01", "login rejected", Connection, "no line of PgBouncer's own auth_hba_file lets it in"),
    Row::says("08P01", "certificate authentication failed", Connection, "PgBouncer asks for a client's certificate"),
    Row::of("08", Away, "the connection is lost, or a pooler has lost its own"),
];

/// The statement that sets a password, as [`kind`] is told it.
pub(super) const SET: &str = "ALTER ROLE";

/// Whether the server refused the credentials, a wrong password or no such user, and nothing else.
pub(super) fn is_refusal(error: &Error) -> bool {
    error.as_db_error().and_then(|answer| row("the login", answer)).is_some_and(|row| row.means == Refused)
}

/// What an error means; nothing of its text is kept, for it may quote a statement.
pub(super) fn kind(what: &'static str, error: &Error) -> Kind {
    if let Some(refusal) = Refusal::of(error) {
        return not_allowed(refusal);
    }
    match error.as_db_error() {
        Some(answer) => answer::kind(row(what, answer), what, answer.code().code()),
        None => broken_off(error),
    }
}

fn row(what: &str, error: &DbError) -> Option<&'static Row> {
    let says = |words: &str| what == words || error.routine() == Some(words) || error.message().contains(words);
    answer::find(ERRORS, error.code().code(), says)
}

/// What a [`Refusal`] means to whoever reads it.
fn not_allowed(refusal: Refusal) -> Kind {
    if refusal == Refusal::Never {
        return Kind::AnyPassword("it asks for no password; let pg_hba.conf say scram-sha-256");
    }
    Kind::TargetUnfit(match refusal {
        Refusal::Asked(AuthMethod::Password) => {
            "it asks for the password itself, which `require_auth` does not allow; let pg_hba.conf say scram-sha-256"
        }
        Refusal::Asked(AuthMethod::Md5) => {
            "it asks for the password's MD5 hash, which `require_auth` does not allow; set the user's password once \
             with password_encryption = 'scram-sha-256'"
        }
        Refusal::Asked(AuthMethod::ScramSha256) => "it asks for SCRAM-SHA-256, which `require_auth` does not allow",
        Refusal::Otherwise => "it asks for a login that is not by a password",
        Refusal::Never => "it asks for no password",
        Refusal::Malformed => "it does not answer as PostgreSQL does",
    })
}

fn broken_off(error: &Error) -> Kind {
    // The library's kinds are private, their words are not.
    let text = error.to_string();
    if text.starts_with("error performing TLS handshake") {
        // The library's own refusal, of a server that does not offer TLS, is a bare text.
        let source = std::error::Error::source(error).filter(|source| (*source).is::<std::io::Error>());
        return source.map_or(reach::NO_TLS, reach::untrusted);
    }
    if text.starts_with("authentication error") {
        return Kind::TargetUnfit(
            "it can't prove that it knows the password, or asks for another way than SCRAM-SHA-256",
        );
    }
    if text.starts_with("unexpected message") || text.starts_with("error parsing") {
        return Kind::TargetUnfit("it does not answer as PostgreSQL does");
    }
    reach::BROKEN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_class_and_its_words() {
        answer::tests::hold(ERRORS);
    }
}
