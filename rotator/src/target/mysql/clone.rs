//! The clone user: for each account of the user, one that may do the same. It can't log in before it is complete: a new
//! account is locked, with a password that nobody knows, until all of them have what the user's have.

use std::collections::{BTreeMap, BTreeSet};

use mysql_async::prelude::Queryable as _;
use mysql_async::{Row, Value};

use super::error::{self, Code, kind};
use super::facts::Facts;
use super::grants::Grants;
use super::plan::{self, Names, Plan, Step};
use super::statement::{self, account, literal};
use super::{Server, Session};
use crate::error::{Kind, TargetCode};
use crate::log;
use crate::secret::SecretText;
use crate::target::database::Change;

/// After so many, what the clone may do is not the user's, and never will be.
const ROUNDS: usize = 3;

impl Session {
    pub(super) async fn set_clone(
        &mut self,
        user: &str,
        change: &Change<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        let names = Names { user, clone: change.user };
        let (of_user, before) = (self.facts(user).await?, self.facts(change.user).await?);
        let hash = statement::hash(change.password);
        let plan = names.plan(&of_user, &before, change.known, &hash).map_err(Kind::TargetUnfit)?;
        is_due().await?;
        let result = self.carry_out(names, &plan, &of_user, change.password).await;
        if result.is_err() {
            self.take_back(names, &plan, &before).await;
        }
        result
    }

    /// Finds out whether the clone could be made or brought up to date, and changes nothing.
    pub(super) async fn preflight_of_clone(&mut self, user: &str, change: &Change<'_>) -> Result<(), Kind> {
        let names = Names { user, clone: change.user };
        let (of_user, present) = (self.facts(user).await?, self.facts(change.user).await?);
        let plan = names.plan(&of_user, &present, change.known, &statement::hash(change.password));
        plan.map(drop).map_err(Kind::TargetUnfit)
    }

    async fn carry_out(
        &mut self,
        names: Names<'_>,
        plan: &Plan,
        of_user: &[Facts],
        password: &SecretText,
    ) -> Result<(), Kind> {
        for (account, create) in &plan.create {
            self.create(account, create, password).await?;
        }
        self.bring_up_to_date(names, of_user).await?;
        for account in &plan.surplus {
            self.drop(account).await?;
        }
        self.mark(&plan.mark).await?;
        self.finish(&plan.finish, password).await
    }

    async fn mark(&mut self, statements: &[String]) -> Result<(), Kind> {
        for statement in statements {
            match self.run("UPDATE ON mysql.global_priv", statement).await {
                Err(Kind::TargetDenied { .. }) => log::warn(plan::UNMARKED),
                result => result?,
            }
        }
        Ok(())
    }

    async fn create(&mut self, account: &str, create: &str, password: &SecretText) -> Result<(), Kind> {
        match self.server {
            Server::MySql { .. } => self.run("CREATE USER", create).await,
            // A server that wants to judge passwords is given the new one; it opens nothing as long as it is locked.
            Server::MariaDb => match self.conn.query_drop(create).await {
                Err(error) if error::code(&error) == Some(Code::OPTION) => {
                    let create = |proof: &str| statement::create_user_mariadb(account, proof);
                    self.prove("CREATE USER", password, create).await
                }
                result => result.map_err(|error| kind("CREATE USER", &error)),
            },
        }
    }

    async fn bring_up_to_date(&mut self, names: Names<'_>, of_user: &[Facts]) -> Result<(), Kind> {
        for _ in 0..=ROUNDS {
            let steps = names.round(of_user, &self.facts(names.clone).await?);
            if steps.is_empty() {
                return Ok(());
            }
            self.steps(&steps).await?;
        }
        Err(Kind::TargetUnfit(plan::NOT_EQUAL))
    }

    async fn steps(&mut self, steps: &[Step]) -> Result<(), Kind> {
        for (what, statement) in steps {
            match self.conn.query_drop(statement).await {
                // With one privilege another one went, which it includes.
                Err(error) if statement.starts_with("REVOKE") && error::is_no_such_grant(&error) => {}
                // What stands against it goes in this round, and the next one tries again.
                Err(error) if error::code(&error) == Some(Code::GRANTED_AND_REVOKED) => {}
                // By the same code a login is refused.
                Err(error) if error::code(&error) == Some(Code::LOGIN) => {
                    return Err(Kind::TargetDenied { what, code: TargetCode::new("1045") });
                }
                result => result.map_err(|error| kind(what, &error))?,
            }
        }
        Ok(())
    }

    /// MySQL keeps the definer of a routine from being dropped.
    async fn drop(&mut self, account: &str) -> Result<(), Kind> {
        let Err(kind) = self.run("DROP USER", &format!("DROP USER {account}")).await else { return Ok(()) };
        self.run("ALTER USER", &format!("ALTER USER {account} ACCOUNT LOCK")).await.map_err(|_| kind)?;
        log::warn(plan::SURPLUS);
        Ok(())
    }

    async fn finish(&mut self, accounts: &[(String, String)], password: &SecretText) -> Result<(), Kind> {
        match self.server {
            Server::MariaDb => {
                let accounts: Vec<String> = accounts.iter().map(|(account, _)| account.clone()).collect();
                let set = |proof: &str| statement::set_password(&accounts, proof);
                self.prove("SET PASSWORD", password, set).await?;
                self.run("ALTER USER", &format!("ALTER USER {} ACCOUNT UNLOCK", accounts.join(", "))).await
            }
            Server::MySql { .. } => self.run("ALTER USER", statement::finish_mysql(accounts, password).expose()).await,
        }
    }

    /// Takes back what has been done in part: nobody has the clone's new password yet. A lost connection leaves it so, and
    /// the next attempt goes on from there.
    async fn take_back(&mut self, names: Names<'_>, plan: &Plan, before: &[Facts]) {
        for (account, _) in &plan.create {
            let _ = self.run("DROP USER", &format!("DROP USER IF EXISTS {account}")).await;
        }
        let Ok(now) = self.facts(names.clone).await else { return };
        for (what, statement) in names.back(before, &now) {
            let _ = self.run(what, &statement).await;
        }
    }

    /// What the server knows of a user's accounts, of which there may be none.
    async fn facts(&mut self, user: &str) -> Result<Vec<Facts>, Kind> {
        let name = literal(user);
        let mut facts = Vec::new();
        match self.server {
            Server::MariaDb => {
                // Roles are there too, without a host.
                let query = format!("SELECT Host, Priv FROM mysql.global_priv WHERE User = {name} AND Host <> ''");
                for (host, json) in self.rows::<(String, String)>("SELECT ON mysql.global_priv", &query).await? {
                    let grants = self.grants(user, &host).await?;
                    facts.push(Facts::of_mariadb(host, &json, grants));
                }
            }
            Server::MySql { .. } => {
                let has_attributes = self.has_table("information_schema", "USER_ATTRIBUTES").await?;
                let has_roles = self.has_table("mysql", "default_roles").await?;
                let query = format!("SELECT * FROM mysql.user WHERE User = {name}");
                for row in self.rows::<Row>("SELECT ON mysql.user", &query).await? {
                    let columns = columns(row);
                    let host = columns.get("host").cloned().flatten().unwrap_or_default();
                    let roles = if has_roles { self.default_roles(user, &host).await? } else { BTreeSet::new() };
                    let grants = self.grants(user, &host).await?;
                    facts.push(Facts::of_mysql(&columns, roles, grants, has_attributes));
                }
            }
        }
        Ok(facts)
    }

    async fn grants(&mut self, user: &str, host: &str) -> Result<Option<Grants>, Kind> {
        let query = format!("SHOW GRANTS FOR {}", account(user, host));
        let lines: Vec<String> = self.rows("SHOW GRANTS", &query).await?;
        Ok(Grants::parse(&lines, user, host))
    }

    async fn has_table(&mut self, schema: &str, table: &str) -> Result<bool, Kind> {
        let query = format!(
            "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{schema}' AND TABLE_NAME = '{table}'"
        );
        Ok(self.value("a query", &query).await?.as_deref() == Some("1"))
    }

    async fn default_roles(&mut self, user: &str, host: &str) -> Result<BTreeSet<String>, Kind> {
        let query = format!(
            "SELECT DEFAULT_ROLE_USER, DEFAULT_ROLE_HOST FROM mysql.default_roles WHERE USER = {} AND HOST = {}",
            literal(user),
            literal(host)
        );
        let roles: Vec<(String, String)> = self.rows("SELECT ON mysql.default_roles", &query).await?;
        Ok(roles.iter().map(|(name, host)| account(name, host)).collect())
    }
}

/// A row by its columns' names.
fn columns(row: Row) -> BTreeMap<String, Option<String>> {
    let names: Vec<String> = row.columns_ref().iter().map(|column| column.name_str().to_ascii_lowercase()).collect();
    let values = row.unwrap_raw().into_iter().map(|value| match value.unwrap_or(Value::NULL) {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        other => Some(other.as_sql(true).trim_matches('\'').to_owned()),
    });
    names.into_iter().zip(values).collect()
}
