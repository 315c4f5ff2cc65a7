//! What a PostgreSQL server says of itself and of a user, and whether a rotation can succeed with that.

use postgres_protocol::escape::escape_literal;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::kind;
use crate::error::Kind;
use crate::target::database::Change;

/// All that is asked before a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    is_in_recovery: bool,
    version: u32,
    /// `rds.restrict_password_commands` is on, and the session's user is no member of `rds_password`.
    may_not_set_passwords: bool,
    role: Option<Role>,
}

/// What keeps a user out whatever its password is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Role {
    can_login: bool,
    is_expired: bool,
    connection_limit: i64,
}

/// In one round trip, by the simple protocol, which goes through every pooler. Every name is the catalogue's, whatever the
/// `search_path` is.
fn query(user: &str) -> String {
    format!(
        "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('server_version_num'), \
         pg_catalog.current_setting('rds.restrict_password_commands', true) OPERATOR(pg_catalog.=) 'on' AND NOT EXISTS \
         (SELECT FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) 'rds_password' \
         AND pg_catalog.pg_has_role(oid, 'MEMBER')), \
         r.rolcanlogin, r.rolvaliduntil OPERATOR(pg_catalog.<=) pg_catalog.now(), r.rolconnlimit \
         FROM (SELECT 1) one LEFT JOIN pg_catalog.pg_roles r ON r.rolname OPERATOR(pg_catalog.=) {}",
        escape_literal(user)
    )
}

impl Facts {
    /// Asks for what counts of the user whose password is changed, or whose clone user's is.
    pub(super) async fn read(session: &Client, change: &Change<'_>) -> Result<Self, Kind> {
        let query = query(change.clone_of.unwrap_or(change.user));
        let answer = session.simple_query(&query).await.map_err(|error| kind("a query", &error))?;
        let row = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let row = row.ok_or(Kind::Malformed("a query"))?;
        let is = |column| row.get(column) == Some("t");
        let role = row.get(3).map(|_| Role {
            can_login: is(3),
            is_expired: is(4),
            connection_limit: row.get(5).and_then(|limit| limit.parse().ok()).unwrap_or(-1),
        });
        Ok(Self {
            is_in_recovery: is(0),
            version: row.get(1).and_then(|version| version.parse().ok()).unwrap_or_default(),
            may_not_set_passwords: is(2),
            role,
        })
    }

    /// Whether a rotation can succeed.
    ///
    /// # Errors
    /// The first reason why not.
    pub(super) fn check(&self) -> Result<(), Kind> {
        let Self { is_in_recovery, version, may_not_set_passwords, role } = self;
        let unfit = |why| Err(Kind::TargetUnfit(why));
        if *version < super::FIRST_WITH_SCRAM {
            return unfit("PostgreSQL before version 10 does not have SCRAM-SHA-256");
        }
        if *is_in_recovery {
            return unfit("the server is read-only: a replica?");
        }
        if *may_not_set_passwords {
            return unfit(
                "`rds.restrict_password_commands` is on, and whoever sets the password is no member of `rds_password`; \
                 GRANT rds_password TO it",
            );
        }
        let Some(Role { can_login, is_expired, connection_limit }) = role else {
            return unfit("the user does not exist");
        };
        if !can_login {
            return unfit("the user may not log in, whatever its password is: ALTER ROLE NAME LOGIN");
        }
        if *is_expired {
            return unfit(
                "the user's VALID UNTIL is past, so no password authenticates it: ALTER ROLE NAME VALID UNTIL",
            );
        }
        // Superusers are not bound by it, and nor is the check that comes first told of that.
        if *connection_limit == 0 {
            return unfit("the user's CONNECTION LIMIT is 0, so it can't log in: ALTER ROLE NAME CONNECTION LIMIT");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let role = Role { can_login: true, is_expired: false, connection_limit: -1 };
        Facts { is_in_recovery: false, version: 150_000, may_not_set_passwords: false, role: Some(role) }
    }

    #[test]
    fn what_a_rotation_can_t_succeed_with_is_named() {
        let role = |change: fn(&mut Role)| {
            let mut facts = facts();
            facts.role.iter_mut().for_each(change);
            facts
        };
        assert_eq!(facts().check(), Ok(()));
        for (facts, word) in [
            (Facts { is_in_recovery: true, ..facts() }, "read-only"),
            (Facts { version: 90_624, ..facts() }, "version 10"),
            (Facts { version: 0, ..facts() }, "version 10"),
            (Facts { may_not_set_passwords: true, ..facts() }, "rds_password"),
            (Facts { role: None, ..facts() }, "does not exist"),
            (role(|role| role.can_login = false), "may not log in"),
            (role(|role| role.is_expired = true), "VALID UNTIL"),
            (role(|role| role.connection_limit = 0), "CONNECTION LIMIT"),
        ] {
            let refused = facts.check().unwrap_err().to_string();
            assert!(refused.contains(word), "{facts:?}: {refused}");
        }
    }

    #[test]
    fn no_name_gets_out_of_its_quotes() {
        assert!(query(r"o'r\").ends_with(r" E'o''r\\'"), "{}", query(r"o'r\"));
    }
}
