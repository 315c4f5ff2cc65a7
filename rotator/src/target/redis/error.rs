use redis::{ErrorKind, RedisError};

use crate::error::Kind;
use crate::target::answer::Means::{Away, Busy, Connection, Denied, Refused, Setup};
use crate::target::answer::{self, Row};

pub(in crate::target) const NO_PASSWORD: Kind =
    Kind::AnyPassword("the user has `nopass`; take it away with ACL SETUSER NAME resetpass");
pub(super) const NO_USER: Kind = Kind::TargetUnfit("there is no such user");
pub(super) const REPLICA: Kind = Kind::TargetUnfit(REPLICA_WORDS);
pub(super) const NOT_REDIS: Kind = Kind::TargetUnfit("it does not answer as Redis does");
// A server with too many clients says so and hangs up, which may be before it is asked anything.
const BROKEN: Kind = Kind::TargetUnreachable(
    "the connection broke off: too many clients, or a port that takes TLS only, or another kind of server",
);
const REPLICA_WORDS: &str = "the server is a replica, whose users are not its master's";
const NO_USERS: &str =
    "its users can't be changed by ACL SETUSER: Redis before version 6, or a managed service with a way of its own";

/// The errors of Redis and Valkey: an answer's first word is its code.
///
/// <https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors>; there is no list but the source:
/// `createSharedObjects` in `src/server.c`, `src/acl.c` and `src/cluster.c` of <https://github.com/valkey-io/valkey>.
pub const ERRORS: &[Row] = &[
    Row::of("WRONGPASS", Refused, "a wrong password, no such user, or one that is `off`: it does not say which"),
    Row::of("NOPERM", Denied, ""),
    Row::of("NOAUTH", Denied, "it wants a login first"),
    Row::of("DENIED", Connection, "it is in protected mode, and takes connections from its own machine only"),
    Row::of("READONLY", Setup, REPLICA_WORDS),
    Row::of("MASTERDOWN", Setup, "the server is a replica that has lost its master"),
    Row::of("MOVED", Setup, "another server of the cluster has to be asked"),
    Row::of("ASK", Setup, "another server of the cluster has to be asked"),
    Row::of("REDIRECT", Setup, "the server is to become a replica of another one"),
    Row::of("CLUSTERDOWN", Away, "its cluster is down"),
    Row::of("NOREPLICAS", Away, "it has too few replicas to take a change"),
    Row::of("LOADING", Away, "it is loading its data"),
    Row::of("UNBLOCKED", Away, "its admin, or a failover, has ended the command"),
    Row::of("MISCONF", Setup, "it can't write its data to disk, and so takes no changes"),
    Row::of("NOPROTO", Setup, "it does not speak the protocol's version"),
    Row::of("BUSY", Busy, "a script runs for too long"),
    Row::of("TRYAGAIN", Busy, "its cluster is moving data"),
    Row::of("OOM", Busy, "it has reached maxmemory"),
    Row::of("EXECABORT", Busy, "a transaction was given up"),
    Row::says("ERR", "max number of clients", Busy, "too many clients"),
    // By another delivery, after the list was read. The command as a whole did nothing.
    Row::says("ERR", "password you are trying to remove", Busy, "another delivery has changed the user"),
    Row::says("ERR", "ACL SETUSER", Setup, "it does not take a rule for the user"),
    Row::says("ERR", "unknown command", Setup, NO_USERS),
    Row::says("ERR", "unknown subcommand", Setup, NO_USERS),
    Row::says("ERR", "wrong number of arguments for 'auth'", Setup, NO_USERS),
    Row::says("ERR", "without any password configured", Setup, "the default user has `nopass`: any would do"),
    Row::says("ERR", "no password is set", Setup, "it has no password: any would do"),
];

/// Whether the server refused the credentials, a wrong password or no such user, and nothing else.
pub(super) fn is_refusal(error: &RedisError) -> bool {
    row(error).is_some_and(|row| row.means == Refused)
}

/// What an error means; nothing of its text is kept, for it may quote a command.
pub(super) fn kind(what: &'static str, error: &RedisError) -> Kind {
    match (error.code(), error.kind()) {
        (Some(code), _) => answer::kind(row(error), what, code),
        (None, ErrorKind::Parse | ErrorKind::UnexpectedReturnType) => NOT_REDIS,
        (None, _) if error.is_timeout() => Kind::TargetUnreachable("no answer in time"),
        (None, _) => BROKEN,
    }
}

/// Whether the server's text has these words: most of its errors have no other code than ERR.
pub(super) fn says(error: &RedisError, words: &str) -> bool {
    error.detail().is_some_and(|text| text.contains(words))
}

fn row(error: &RedisError) -> Option<&'static Row> {
    answer::find(ERRORS, error.code()?, |words| says(error, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_class_and_its_words() {
        answer::tests::hold(ERRORS);
    }
}
