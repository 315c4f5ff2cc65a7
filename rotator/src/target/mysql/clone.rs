//! The clone user: for each account of the user, one of the same grants and options.

use super::grants::Grants;
use super::options::Options;
use super::statement::{self, account};
use super::{Account, Server, Session};
use crate::error::Kind;
use crate::secret::SecretText;
use crate::target::database::Change;

impl Session {
    pub(super) async fn set_twin(
        &mut self,
        user: &str,
        change: &Change<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        let (accounts, present) = (self.existing_accounts(user).await?, self.accounts(change.user).await?);
        is_due().await?;
        let mut unchanged = Vec::new();
        for Account { host, plugin } in &accounts {
            let (of_user, of_twin) = (account(user, host), account(change.user, host));
            if present.iter().any(|account| account.host == *host) {
                unchanged.push(of_twin.clone());
            } else {
                self.create(&of_twin, plugin, change.password).await?;
            }
            self.copy_grants(&of_user, &of_twin).await?;
            self.copy_options(&of_user, &of_twin).await?;
        }
        for surplus in present.iter().filter(|twin| !accounts.iter().any(|account| account.host == twin.host)) {
            self.run("DROP USER", &format!("DROP USER {}", account(change.user, &surplus.host))).await?;
        }
        // A server with a history of passwords refuses one that it has just been given.
        if unchanged.is_empty() { Ok(()) } else { self.change(&unchanged, change).await }
    }

    async fn create(&mut self, account: &str, plugin: &str, password: &SecretText) -> Result<(), Kind> {
        match self.server {
            Server::MariaDb => {
                let create = |proof: &str| statement::create_user_mariadb(account, proof);
                self.prove("CREATE USER", password, create).await
            }
            Server::MySql { .. } => {
                let create = statement::create_user_mysql(account, plugin, password);
                self.run("CREATE USER", create.expose()).await
            }
        }
    }

    /// Makes a twin's grants what the user's are, and not more.
    async fn copy_grants(&mut self, user: &str, twin: &str) -> Result<(), Kind> {
        let mut grants = async |account: &str| {
            let lines: Vec<String> = self.rows("SHOW GRANTS", &format!("SHOW GRANTS FOR {account}")).await?;
            Grants::parse(&lines).ok_or(Kind::TargetUnfit("the user has a grant of a kind that can't be copied"))
        };
        let (wanted, present) = (grants(user).await?, grants(twin).await?);
        for statement in wanted.statements(&present, twin) {
            self.run("GRANT or REVOKE", &statement).await?;
        }
        Ok(())
    }

    /// The same for what else an account has: required TLS, limits, default roles.
    async fn copy_options(&mut self, user: &str, twin: &str) -> Result<(), Kind> {
        let mut options = async |account: &str| {
            let create = self.value("SHOW CREATE USER", &format!("SHOW CREATE USER {account}")).await?;
            Ok::<_, Kind>(Options::parse(&create.unwrap_or_default()))
        };
        let (wanted, present) = (options(user).await?, options(twin).await?);
        for statement in wanted.statements(&present, twin) {
            self.run("ALTER USER", &statement).await?;
        }
        Ok(())
    }
}
