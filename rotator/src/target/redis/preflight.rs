//! What a Redis or Valkey server says of itself and of a user, and whether a rotation can succeed with that.

use std::collections::HashMap;

use redis::aio::MultiplexedConnection;
use redis::{Value, cmd, from_redis_value};

use super::GET_USER;
use super::error::{NO_PASSWORD, NO_USER, NOT_REDIS, REPLICA, kind};
use crate::error::Kind;
use crate::log;

const CLUSTER: Kind = Kind::TargetUnfit(
    "the server is part of a cluster, each of whose nodes has users of its own, so that one alone must not be told",
);
const SENTINEL: Kind = Kind::TargetUnfit("it is a Sentinel, which has no data: `host` has to be the master");
const OFF: Kind = Kind::TargetUnfit("the user is off, whatever its password is: ACL SETUSER NAME on");

/// All that is asked before a change. What a server does not tell is not held against it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Facts {
    /// `standalone`, `cluster` or `sentinel`
    mode: Option<String>,
    /// `master`, `replica` or `slave`
    role: Option<String>,
    replicas: usize,
    /// `None`: there is no such user.
    user: Option<User>,
}

/// What a user is let in by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct User {
    is_off: bool,
    needs_no_password: bool,
}

impl Facts {
    /// Asks the server.
    pub(super) async fn read(connection: &mut MultiplexedConnection, user: &str) -> Result<Self, Kind> {
        // Every user may ask this, since it is how a client begins.
        let hello = cmd("HELLO").query_async::<HashMap<String, Value>>(connection).await.unwrap_or_default();
        let text = |name: &str| match hello.get(name) {
            Some(Value::BulkString(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
            Some(Value::SimpleString(text)) => Some(text.clone()),
            _ => None,
        };
        let (mode, role) = (text("mode"), text("role"));
        // The right to ask is not worth a refusal.
        let answer = cmd("ROLE").query_async::<Vec<Value>>(connection).await.unwrap_or_default();
        let (told, replicas) = match answer.as_slice() {
            [Value::BulkString(role), _, Value::Array(replicas), ..] => (Some(role), replicas.len()),
            [Value::BulkString(role), ..] => (Some(role), 0),
            _ => (None, 0),
        };
        let role = told.map(|role| String::from_utf8_lossy(role).into_owned()).or(role);
        let user = fields(connection, user).await?.map(User::of).transpose()?;
        Ok(Self { mode, role, replicas, user })
    }

    /// Whether a rotation can succeed. Warns of replicas, since users are not replicated.
    /// <https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/#acl-rules-for-sentinel-and-replicas>
    ///
    /// # Errors
    /// The first reason why not.
    pub(super) fn check(&self) -> Result<(), Kind> {
        let Self { mode, role, replicas, user } = self;
        match mode.as_deref() {
            Some("cluster") => return Err(CLUSTER),
            Some("sentinel") => return Err(SENTINEL),
            _ => {}
        }
        if matches!(role.as_deref(), Some("slave" | "replica")) {
            return Err(REPLICA);
        }
        let User { is_off, needs_no_password } = user.as_ref().ok_or(NO_USER)?;
        if *needs_no_password {
            return Err(NO_PASSWORD);
        }
        if *is_off {
            return Err(OFF);
        }
        if *replicas > 0 {
            log::warn(
                "the server's replicas have users of their own, and do not get the new password by this rotation",
            );
        }
        Ok(())
    }
}

impl User {
    fn of(mut fields: HashMap<String, Value>) -> Result<Self, Kind> {
        let flags = fields.remove("flags").ok_or(NOT_REDIS)?;
        let flags = from_redis_value::<Vec<String>>(flags).map_err(|_| NOT_REDIS)?;
        let has = |name: &str| flags.iter().any(|flag| flag == name);
        Ok(Self { is_off: has("off"), needs_no_password: has("nopass") })
    }
}

/// What the server has of a user; `None` where there is none.
pub(super) async fn fields(
    connection: &mut MultiplexedConnection,
    user: &str,
) -> Result<Option<HashMap<String, Value>>, Kind> {
    let answer = cmd("ACL").arg("GETUSER").arg(user).query_async(connection).await;
    answer.map_err(|error| kind(GET_USER, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(mode: &str, role: &str) -> Facts {
        let user = Some(User::default());
        Facts { mode: Some(mode.to_owned()), role: Some(role.to_owned()), replicas: 0, user }
    }

    #[test]
    fn what_a_rotation_can_t_succeed_with_is_named() {
        let user = |is_off, needs_no_password| Some(User { is_off, needs_no_password });
        for (facts, refused) in [
            (facts("standalone", "master"), None),
            (Facts { user: user(false, false), ..Facts::default() }, None),
            (Facts { replicas: 2, ..facts("standalone", "master") }, None),
            (facts("cluster", "master"), Some(CLUSTER)),
            (facts("sentinel", "master"), Some(SENTINEL)),
            (facts("standalone", "slave"), Some(REPLICA)),
            (facts("standalone", "replica"), Some(REPLICA)),
            (Facts { user: None, ..facts("standalone", "master") }, Some(NO_USER)),
            (Facts { user: user(true, false), ..Facts::default() }, Some(OFF)),
            (Facts { user: user(true, true), ..Facts::default() }, Some(NO_PASSWORD)),
        ] {
            assert_eq!(facts.check().err(), refused, "{facts:?}");
        }
    }
}
