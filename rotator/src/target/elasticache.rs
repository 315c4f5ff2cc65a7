//! Users of Amazon ElastiCache: they log in as Redis's do, but only AWS's API changes them. It keeps two passwords of a
//! user, so that readers get in by the current value and by the new one.
//! <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html>

use std::time::Duration;

use aws_sdk_elasticache::Client;
use aws_sdk_elasticache::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_elasticache::types::{AuthenticationType, User};
use tokio::time::{sleep, timeout};

use super::database::{Change, Driver};
use super::redis::{NO_PASSWORD, Redis, Session};
use super::{Credentials, Engine};
use crate::error::{Kind, TargetCode};
use crate::store;

const DESCRIBE: &str = "elasticache:DescribeUsers";
const MODIFY: &str = "elasticache:ModifyUser";

/// The status of a user that all its caches know.
const ACTIVE: &str = "active";
/// The status of a user of whose last change not all its caches know yet.
const MODIFYING: &str = "modifying";

/// The first of the pauses between two looks at a user that is being modified; they double.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// For a change to get to all the user's caches: as long as Lambda lets a function run.
const CHANGE: Duration = Duration::from_mins(15);

const NO_USER: Kind = Kind::TargetUnfit("ElastiCache has no user of the id in the spec's `elasticache_user`");
const OTHER_USER: Kind =
    Kind::TargetUnfit("the user of the spec's `elasticache_user` has another name than the secret's `username`");
const BY_IAM: Kind = Kind::TargetUnfit("the ElastiCache user logs in by IAM, and has no password");
const GOING: Kind = Kind::TargetUnfit("the ElastiCache user is neither active nor being modified");

/// A user of ElastiCache, by its id there.
pub struct ElastiCache {
    redis: Redis,
    client: Client,
    user_id: String,
}

impl ElastiCache {
    /// The user of that id, who logs in by `redis`.
    #[must_use]
    pub fn new(redis: Redis, client: Client, user_id: &str) -> Self {
        Self { redis, client, user_id: user_id.to_owned() }
    }

    /// The user, which has a password.
    async fn user(&self) -> Result<User, Kind> {
        let answer = self.client.describe_users().user_id(&self.user_id).send().await;
        let users = answer.map_err(|error| kind(DESCRIBE, &error))?.users.unwrap_or_default();
        let user = users.into_iter().next().ok_or(NO_USER)?;
        match user.authentication.as_ref().and_then(|authentication| authentication.r#type.as_ref()) {
            Some(AuthenticationType::Password) => Ok(user),
            Some(AuthenticationType::Iam) => Err(BY_IAM),
            Some(_) => Err(NO_PASSWORD),
            None => Err(Kind::Malformed(DESCRIBE)),
        }
    }

    /// Waits until all the user's caches know of its last change.
    async fn settled(&self) -> Result<(), Kind> {
        let looks = async {
            let mut pause = FIRST_PAUSE;
            loop {
                match status(&self.user().await?) {
                    ACTIVE => return Ok(()),
                    MODIFYING => sleep(pause).await,
                    _ => return Err(GOING),
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        };
        timeout(CHANGE, looks).await.unwrap_or(Err(busy()))
    }
}

impl Driver for ElastiCache {
    type Session = Session;
    const ENGINE: Engine = Redis::ENGINE;
    const PATIENCE: Duration = CHANGE;

    async fn login(&self, who: &Credentials) -> Result<Option<Session>, Kind> {
        self.redis.login(who).await
    }

    /// One server that accepts a password says nothing of the user's others: only an active user is known to all.
    async fn query(&self, session: &mut Session) -> Result<(), Kind> {
        self.settled().await?;
        session.ping().await
    }

    async fn preflight(&self, _session: &mut Session, change: &Change<'_>) -> Result<(), Kind> {
        fit(&self.user().await?, change)
    }

    /// Without a lock but the service's own: a user that is being modified can't be modified. Ends once all the user's
    /// caches know.
    async fn set_password(
        &self,
        _session: &mut Session,
        change: &Change<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        fit(&self.user().await?, change)?;
        is_due().await?;
        let passwords = change.present.into_iter().chain([change.password]).map(|text| text.expose().to_owned());
        let call = self.client.modify_user().user_id(&self.user_id).set_passwords(Some(passwords.collect()));
        call.send().await.map_err(|error| kind(MODIFY, &error))?;
        self.settled().await
    }

    async fn set_clone(
        &self,
        _admin: &mut Session,
        _user: &str,
        _change: &Change<'_>,
        _is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        Err(Kind::TargetUnfit("its users have two passwords at a time, and no clone users"))
    }
}

/// Whether it is the secret's user, and can be modified now.
fn fit(user: &User, change: &Change<'_>) -> Result<(), Kind> {
    if user.user_name() != Some(change.user) {
        return Err(OTHER_USER);
    }
    match status(user) {
        ACTIVE => Ok(()),
        MODIFYING => Err(busy()),
        _ => Err(GOING),
    }
}

fn status(user: &User) -> &str {
    user.status().unwrap_or_default()
}

fn busy() -> Kind {
    Kind::TargetBusy(TargetCode::new(MODIFYING))
}

/// What an error means; nothing of its text is kept, for it may quote a password.
fn kind<E: ProvideErrorMetadata>(action: &'static str, error: &SdkError<E>) -> Kind {
    let Some(answer) = error.as_service_error() else { return store::kind(action, error) };
    let code = answer.code().unwrap_or_default();
    let told = TargetCode::new(code);
    match code {
        "AccessDenied" | "AccessDeniedException" => Kind::TargetDenied { what: action, code: told },
        "UserNotFound" => NO_USER,
        "InvalidUserState" => Kind::TargetBusy(told),
        "InvalidParameterValue" | "InvalidParameterCombination" if is_of_password(answer) => {
            Kind::PasswordRefused(told)
        }
        _ => store::kind(action, error),
    }
}

/// Whether the message speaks of the password: the codes are those of any parameter.
fn is_of_password(answer: &impl ProvideErrorMetadata) -> bool {
    answer.message().is_some_and(|message| message.to_ascii_lowercase().contains("password"))
}
