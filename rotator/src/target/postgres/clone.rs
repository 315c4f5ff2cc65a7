//! The clone user: a member of the user, in whose name it works.

use postgres_protocol::escape::{escape_identifier, escape_literal};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Transaction};

use super::{alter, begin, kind, rows, value};
use crate::error::Kind;
use crate::log;
use crate::target::database::Change;

/// Settings whose values are lists, and so are no literals.
const LISTS: [&str; 4] = ["search_path", "temp_tablespaces", "session_preload_libraries", "local_preload_libraries"];

/// Makes the clone or brings it up to date, and gives it its password, in one transaction.
pub(super) async fn set_twin(
    admin: &mut Client,
    user: &str,
    change: &Change<'_>,
    is_due: impl AsyncFn() -> Result<(), Kind>,
) -> Result<(), Kind> {
    let mut transaction = begin(admin, change.user).await?;
    is_due().await?;
    bring_up_to_date(&mut transaction, user, change.user).await?;
    alter(&transaction, change).await?;
    transaction.commit().await.map_err(|error| kind("the commit", &error))
}

/// Makes the twin a member of the user, in whose name it works from its login on: whatever the user may do or owns, now
/// or later, is the twin's too. What does not come with membership is copied: settings, and limits of logins.
async fn bring_up_to_date(transaction: &mut Transaction<'_>, user: &str, twin: &str) -> Result<(), Kind> {
    let (user_name, twin_name) = (escape_identifier(user), escape_identifier(twin));
    let (user_text, twin_text) = (escape_literal(user), escape_literal(twin));
    let failed = |what| move |error: tokio_postgres::Error| kind(what, &error);
    let exists = format!("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = {twin_text}");
    if value(transaction, &exists).await.map_err(failed("a query"))?.is_none() {
        transaction.batch_execute(&format!("CREATE ROLE {twin_name}")).await.map_err(failed("CREATE ROLE"))?;
    }
    let limits = format!(
        "SELECT 'LOGIN INHERIT CONNECTION LIMIT ' || rolconnlimit || ' VALID UNTIL ' || \
         quote_literal(coalesce(rolvaliduntil, 'infinity')) FROM pg_catalog.pg_roles WHERE rolname = {user_text}"
    );
    let limits = value(transaction, &limits).await.map_err(failed("a query"))?;
    let limits = limits.ok_or(Kind::TargetUnfit("the user whose twin is wanted does not exist"))?;
    let grant = format!("ALTER ROLE {twin_name} {limits}; GRANT {user_name} TO {twin_name}");
    transaction.batch_execute(&grant).await.map_err(failed("GRANT"))?;
    copy_settings(transaction, &user_text, &twin_text, &twin_name).await.map_err(failed("ALTER ROLE SET"))?;

    let savepoint = transaction.savepoint("role").await.map_err(failed("a savepoint"))?;
    match savepoint.batch_execute(&format!("ALTER ROLE {twin_name} SET role = {user_text}")).await {
        Ok(()) => savepoint.commit().await.map_err(failed("a savepoint")),
        // Older servers want the admin itself to be a member of the user.
        Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            log::warn("the admin may not have the twin work in the user's name: what the twin makes is the twin's own");
            savepoint.rollback().await.map_err(failed("a savepoint"))
        }
        Err(error) => Err(kind("ALTER ROLE SET role", &error)),
    }
}

async fn copy_settings(
    transaction: &Transaction<'_>,
    user: &str,
    twin: &str,
    twin_name: &str,
) -> Result<(), tokio_postgres::Error> {
    let of = |role: &str| {
        format!(
            "SELECT coalesce(d.datname, ''), setting FROM pg_catalog.pg_db_role_setting s \
             JOIN pg_catalog.pg_roles r ON r.oid = s.setrole LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase, \
             unnest(s.setconfig) setting WHERE r.rolname = {role} AND setting NOT LIKE 'role=%'"
        )
    };
    let (wanted, present) = (rows(transaction, &of(user)).await?, rows(transaction, &of(twin)).await?);
    let of_database = |database: &str| match database {
        "" => format!("ALTER ROLE {twin_name}"),
        name => format!("ALTER ROLE {twin_name} IN DATABASE {}", escape_identifier(name)),
    };
    for [database, setting] in present.iter().filter(|setting| !wanted.contains(setting)) {
        let name = setting.split('=').next().unwrap_or_default();
        transaction.batch_execute(&format!("{} RESET {}", of_database(database), setting_name(name))).await?;
    }
    for [database, setting] in wanted.iter().filter(|setting| !present.contains(setting)) {
        let Some((name, value)) = setting.split_once('=') else { continue };
        let (alter, quoted, value) = (of_database(database), setting_name(name), escape_literal(value));
        let statement = if LISTS.contains(&name) {
            format!("SELECT set_config('{name}', {value}, true); {alter} SET {quoted} FROM CURRENT")
        } else {
            format!("{alter} SET {quoted} = {value}")
        };
        transaction.batch_execute(&statement).await?;
    }
    Ok(())
}

/// A setting's name, which an extension's has in parts.
fn setting_name(name: &str) -> String {
    name.split('.').map(escape_identifier).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_of_an_extension_is_named_in_parts() {
        assert_eq!(setting_name("search_path"), "\"search_path\"");
        assert_eq!(setting_name("my.var"), "\"my\".\"var\"");
    }
}
