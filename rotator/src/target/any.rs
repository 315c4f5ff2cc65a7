use contract::{ConfigError, Target as Opens, env};

use super::{Asked, Nothing, Target, Values};
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
    /// A user of Amazon ElastiCache.
    #[cfg(feature = "redis")]
    ElastiCache(Database<super::elasticache::ElastiCache>),
}

impl AnyTarget {
    /// The target of the configuration, with its admin's secret. `file` reads the package's certificates where the target is to be
    /// proven by them;
    /// `elasticache` is the client for a user of that service.
    ///
    /// # Errors
    /// This build of the function does not have the target, or the certificates cannot be used.
    pub fn new(
        opens: &Opens,
        field: Option<&str>,
        admin: Option<SecretText>,
        file: impl Fn(&str) -> std::io::Result<Vec<u8>>,
        elasticache: Option<aws_sdk_elasticache::Client>,
    ) -> Result<Self, Kind> {
        let Some(login) = opens.login() else { return Ok(Self::None(Nothing)) };
        let Some(field) = field else {
            return Err(Kind::TargetUnfit("a login needs a secret that is a JSON object, so a field that rotates"));
        };
        #[cfg(any(feature = "postgres", feature = "mysql", feature = "redis"))]
        let trust = Trust::new(login.tls, file)?;
        match opens {
            #[cfg(feature = "postgres")]
            Opens::Postgres(login) => {
                let driver = super::postgres::Postgres::new(&trust, &login.require_auth)?;
                Ok(Self::Postgres(Database::of(driver, field, login, admin)))
            }
            #[cfg(feature = "mysql")]
            Opens::Mysql(login) => {
                Ok(Self::Mysql(Database::of(super::mysql::Mysql::new(&trust)?, field, login, admin)))
            }
            #[cfg(feature = "redis")]
            Opens::Redis(login) => {
                let driver = super::redis::Redis::new(&trust)?;
                let Some((id, client)) = login.elasticache_user.as_ref().zip(elasticache) else {
                    return Ok(Self::Redis(Database::of(driver, field, login, admin)));
                };
                let driver = super::elasticache::ElastiCache::new(driver, client, id);
                Ok(Self::ElastiCache(Database::of(driver, field, login, None)))
            }
            #[allow(unreachable_patterns, reason = "reached where a feature is off")]
            _ => {
                let reason = "this build of the function does not have this target".to_owned();
                Err(Kind::Config(ConfigError { variable: env::TARGET, reason }))
            }
        }
    }
}

/// Hands a call on to the target there is. The long ones are boxed: else each caller's future holds every target's, so deep
/// that the compiler gives up on it.
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
            #[cfg(feature = "redis")]
            AnyTarget::ElastiCache($target) => $call,
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
        each!(self, target => Box::pin(target.set(values, is_due)).await)
    }

    async fn test(&self, values: Values<'_>, is_due: impl AsyncFn() -> Result<(), Kind>) -> Result<(), Kind> {
        each!(self, target => Box::pin(target.test(values, is_due)).await)
    }

    async fn settle(
        &self,
        current: &SecretText,
        stray: Option<&SecretText>,
        previous: Option<&SecretText>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        each!(self, target => Box::pin(target.settle(current, stray, previous, is_due)).await)
    }

    async fn preflight(&self, values: Values<'_>) -> Result<(), Kind> {
        each!(self, target => Box::pin(target.preflight(values)).await)
    }

    async fn check(&self, value: &SecretText) -> Result<Option<Asked>, Kind> {
        each!(self, target => target.check(value).await)
    }

    async fn check_admin(&self) -> Result<Option<Asked>, Kind> {
        each!(self, target => target.check_admin().await)
    }
}
