use contract::{ConfigError, LoginCheck, Target as Opens, env};

use super::{Nothing, Target, Values};
#[cfg(any(feature = "postgres", feature = "mysql", feature = "redis"))]
use super::{Trust, database::Database};
use crate::error::Kind;
use crate::secret::SecretText;

/// The target that the function's environment names.
#[allow(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum AnyTarget {
    /// Nothing.
    None(Nothing),
    /// PostgreSQL.
    #[cfg(feature = "postgres")]
    Postgres(Database<super::postgres::Postgres>),
    /// MariaDB or MySQL.
    #[cfg(feature = "mysql")]
    Mysql(Database<super::mysql::Mysql>),
    /// Redis or Valkey.
    #[cfg(feature = "redis")]
    Redis(Database<super::redis::Redis>),
}

impl AnyTarget {
    /// The target of the configuration, with its admin's secret. `ca` is read where the target is to be proven by it.
    ///
    /// # Errors
    /// This build of the function does not have the target, or the certificates cannot be used.
    pub fn new(
        opens: &Opens,
        field: Option<&str>,
        admin: Option<SecretText>,
        ca: impl FnOnce() -> std::io::Result<Vec<u8>>,
    ) -> Result<Self, Kind> {
        let Some(login) = opens.login() else { return Ok(Self::None(Nothing)) };
        let Some(field) = field else {
            return Err(Kind::TargetUnfit("a login needs a secret that is a JSON object, so a field that rotates"));
        };
        #[cfg(any(feature = "postgres", feature = "mysql", feature = "redis"))]
        let trust = Trust::new(login.tls, ca)?;
        match opens {
            #[cfg(feature = "postgres")]
            Opens::Postgres(login) => {
                let driver = super::postgres::Postgres::new(&trust)?;
                Ok(Self::Postgres(Database::new(driver, field, login.strategy, admin)))
            }
            #[cfg(feature = "mysql")]
            Opens::Mysql(login) => {
                let driver = super::mysql::Mysql::new(&trust)?;
                Ok(Self::Mysql(Database::new(driver, field, login.strategy, admin)))
            }
            #[cfg(feature = "redis")]
            Opens::Redis(_) => {
                let driver = super::redis::Redis::new(&trust)?;
                Ok(Self::Redis(Database::new(driver, field, contract::Strategy::SingleUser, admin)))
            }
            #[allow(unreachable_patterns, reason = "reached where a feature is off")]
            _ => {
                let reason = "this build of the function does not have this target".to_owned();
                Err(Kind::Config(ConfigError { variable: env::TARGET, reason }))
            }
        }
    }
}

/// Hands a call on to the target there is.
macro_rules! each {
    ($any:expr, $target:ident => $call:expr) => {
        match $any {
            AnyTarget::None($target) => $call,
            #[cfg(feature = "postgres")]
            AnyTarget::Postgres($target) => $call,
            #[cfg(feature = "mysql")]
            AnyTarget::Mysql($target) => $call,
            #[cfg(feature = "redis")]
            AnyTarget::Redis($target) => $call,
        }
    };
}

impl Target for AnyTarget {
    fn keeps_passwords(&self) -> bool {
        each!(self, target => target.keeps_passwords())
    }

    fn next_user(&self, current: &SecretText) -> Result<Option<(&'static str, String)>, Kind> {
        each!(self, target => target.next_user(current))
    }

    async fn set(&self, values: Values<'_>, is_due: impl AsyncFn() -> Result<(), Kind>) -> Result<(), Kind> {
        each!(self, target => target.set(values, is_due).await)
    }

    async fn test(&self, values: Values<'_>) -> Result<(), Kind> {
        each!(self, target => target.test(values).await)
    }

    async fn settle(&self, current: &SecretText, stray: &SecretText) -> Result<(), Kind> {
        each!(self, target => target.settle(current, stray).await)
    }

    async fn check(&self, value: &SecretText) -> Result<Option<LoginCheck>, Kind> {
        each!(self, target => target.check(value).await)
    }

    async fn check_admin(&self, current: &SecretText) -> Result<Option<LoginCheck>, Kind> {
        each!(self, target => target.check_admin(current).await)
    }
}
