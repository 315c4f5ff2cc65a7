//! What kinds of servers, their protocols and the function's clients ask of a password.

use std::ops::RangeInclusive;

use contract::{AuthMethod, Class, Login, Target, Tls};

use super::Context;

/// How long an ElastiCache user's password may be.
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html>
const ELASTICACHE_LENGTH: RangeInclusive<u16> = 16..=128;
/// What must not be in it.
const ELASTICACHE_REFUSES: &str = ",\"/@";
/// The longest password that MySQL's `caching_sha2_password` takes; `mysql_native_password`, as MariaDB has it, takes any.
/// <https://dev.mysql.com/doc/refman/8.4/en/caching-sha2-pluggable-authentication.html>
const CACHING_SHA2_LENGTH: u16 = 256;
/// The longest that goes through the 2048 bits of its RSA key where there is no TLS: RSAES-OAEP with SHA-1 leaves 214 bytes,
/// and a NUL ends the password. <https://www.rfc-editor.org/rfc/rfc8017#section-7.1.1>
const RSA_LENGTH: u16 = 213;
/// The longest that a server older than PostgreSQL 14 reads where it asks for the password itself: a packet of 1000 bytes
/// with a length before and a NUL behind it.
const CLEARTEXT_LENGTH: u16 = 995;

pub(super) fn check(cx: &mut Context<'_>) {
    // Where the structure is at fault, what is left of it says nothing.
    if cx.place("password").is_none() || cx.place("target").is_none() {
        return;
    }
    let length = cx.spec.password.length;
    match &cx.spec.target {
        Target::None => {}
        Target::Postgres(Login { require_auth, .. }) => {
            if length > CLEARTEXT_LENGTH && require_auth.contains(&AuthMethod::Password) {
                let message =
                    "a server older than PostgreSQL 14 that asks for the password itself reads 995 bytes of it";
                too_long(cx, "postgres-password", message, CLEARTEXT_LENGTH);
            }
        }
        Target::Mysql(Login { tls, .. }) => {
            if length > CACHING_SHA2_LENGTH {
                let message = "MySQL's `caching_sha2_password` takes passwords of 256 bytes at most";
                too_long(cx, "mysql-password", message, CACHING_SHA2_LENGTH);
            } else if length > RSA_LENGTH && *tls == Tls::Off {
                let message = "without TLS, MySQL's `caching_sha2_password` takes passwords of 213 bytes at most";
                too_long(cx, "mysql-password", message, RSA_LENGTH);
            }
        }
        Target::Redis(Login { elasticache_user, .. }) => {
            if elasticache_user.is_some() {
                elasticache(cx);
            }
        }
    }
}

/// A password that some servers of the kind refuse; the function finds out before it changes anything.
fn too_long(cx: &mut Context<'_>, code: &'static str, message: &str, longest: u16) {
    let help = format!("write `length: {longest}` or less, unless the server is of another kind");
    cx.warn(code, cx.first_place(&["password.length"]), message, "too long for some", help);
}

/// A password that ElastiCache refuses, always or at times.
fn elasticache(cx: &mut Context<'_>) {
    let password = &cx.spec.password;
    let user = "target.redis.elasticache_user";
    if !ELASTICACHE_LENGTH.contains(&password.length) {
        let span = cx.first_place(&["password.length", user]);
        let (shortest, longest) = ELASTICACHE_LENGTH.into_inner();
        let message = format!("ElastiCache takes passwords of {shortest} to {longest} characters");
        cx.error("elasticache-password", span, message, "of another length", "write for example `length: 32`");
    }
    let alphabet = password.alphabet();
    let refused: String =
        ELASTICACHE_REFUSES.chars().filter(|c| alphabet.iter().any(|b| char::from(*b) == *c)).collect();
    if refused.is_empty() {
        return;
    }
    let span = cx.first_place(&["password.symbols", "password.exclude", user]);
    let message = format!("ElastiCache takes no password with any of `{refused}` in it");
    let mut symbols = password.symbols.chars().filter(|c| !password.exclude.contains(*c));
    if password.require.contains(&Class::Symbol) && symbols.all(|c| ELASTICACHE_REFUSES.contains(c)) {
        cx.error("elasticache-password", span, message, "refused always", "write other `symbols`, for example `!#$%`");
    } else {
        let help =
            format!("add `{refused}` to `password.exclude`: a value that it refuses gives way to another, four times");
        cx.warn("elasticache-password", span, message, "refused at times", help);
    }
}
