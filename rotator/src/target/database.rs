//! A server with users: the two strategies, over a [`Driver`] for each kind of server.

mod recovery;
mod session;

use std::cell::{Cell, RefCell};
use std::time::Duration;

use contract::{Login, Strategy};
use tokio::time::timeout;

use self::recovery::Accepted;
use self::session::{Changed, Proven};
use super::binding::Binding;
use super::{Asked, Credentials, Engine, Target, Values};
use crate::error::Kind;
use crate::log;
use crate::secret::SecretText;
use crate::unwind::caught;
use crate::value::Unfit;

/// What the clone user's name has besides; AWS's own templates use the same, so that their secrets go on working.
pub const CLONE_SUFFIX: &str = "_clone";

/// One kind of server.
#[expect(async_fn_in_trait, reason = "the function has one thread, so no future needs to be Send")]
pub trait Driver {
    /// A connection on which a user has logged in.
    type Session;
    /// What the server has of its own.
    const ENGINE: Engine;
    /// How long one change may take, the wait for its lock included.
    const PATIENCE: Duration = Duration::from_secs(12);

    /// Logs in; `None` where the server refuses these credentials, whatever it gives as the reason.
    ///
    /// # Errors
    /// The server could not be asked, or not safely.
    async fn login(&self, who: &Credentials) -> Result<Option<Self::Session>, Kind>;

    /// Proves that the session can be worked with, by a query.
    ///
    /// # Errors
    /// It can't.
    async fn query(&self, session: &mut Self::Session) -> Result<(), Kind>;

    /// Finds out from the server, the account and the client's own limits whether the change could be made and the new
    /// password log in afterwards. Changes nothing.
    ///
    /// # Errors
    /// Why not.
    async fn preflight(&self, session: &mut Self::Session, change: &Change<'_>) -> Result<(), Kind>;

    /// Makes the change and takes it back, where a server can do that without anyone's noticing.
    ///
    /// # Errors
    /// The server refuses a part of it.
    async fn rehearse(&self, _session: &mut Self::Session, _change: &Change<'_>) -> Result<(), Kind> {
        Ok(())
    }

    /// Gives a user a new password.
    ///
    /// Takes a lock that only one rotation of this user can have, asks `is_due` under it, makes the change, and gives the
    /// lock back, whatever happens. The change is made as a whole or not at all.
    ///
    /// # Errors
    /// What the server answered; whether the change was made, only a login tells.
    async fn set_password(
        &self,
        session: &mut Self::Session,
        change: &Change<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind>;

    /// Makes a user's clone user, or brings it up to date: what the user may do, the clone user may do. Then as
    /// [`Self::set_password`] for the clone user, under the same lock.
    ///
    /// # Errors
    /// As for [`Self::set_password`]; but what the clone user may do may have changed in part.
    async fn set_clone(
        &self,
        admin: &mut Self::Session,
        user: &str,
        change: &Change<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind>;
}

/// A change of one user's password.
pub struct Change<'a> {
    /// Whose.
    pub user: &'a str,
    /// The new one.
    pub password: &'a SecretText,
    /// The user's present one, which a server that knows two at a time goes on accepting.
    pub present: Option<&'a SecretText>,
    /// Whether the session is the user's own.
    pub own: bool,
    /// What the user's password may be at present, for a server that makes its own user state it.
    pub proofs: Vec<&'a SecretText>,
    /// The user of whom this one is the clone user.
    pub clone_of: Option<&'a str>,
    /// Whether a version of the secret that has been current names the user, so that it is the secret's own.
    pub known: bool,
}

/// The users of one server.
pub struct Database<D: Driver> {
    driver: D,
    binding: Binding,
    strategy: Strategy,
    /// What [`Target::set`] has changed, so that [`Target::test`] can change it back.
    changed: RefCell<Option<Changed<D::Session>>>,
}

/// The logins between which a rotation goes on.
struct Logins<'a> {
    current: &'a Credentials,
    pending: &'a Credentials,
    /// Of the current value's user, at its server.
    previous: Option<Credentials>,
    /// Whether the pending value is not to become current any more.
    is_stray: bool,
}

impl<D: Driver> Database<D> {
    /// The server's users, of whom one has its password in `field` of the secret, as the configuration describes them.
    #[must_use]
    pub fn of(driver: D, field: &str, login: &Login, admin: Option<SecretText>) -> Self {
        let binding = Binding::new(D::ENGINE, field, login.connection.as_ref(), admin);
        Self { driver, binding, strategy: login.strategy, changed: RefCell::default() }
    }

    /// As [`Driver::login`]; a panic of the client is an error.
    async fn login(&self, who: &Credentials) -> Result<Option<D::Session>, Kind> {
        caught(self.driver.login(who)).await.unwrap_or(Err(Kind::Client("the login")))
    }

    async fn is_let_in(&self, who: &Credentials) -> Result<bool, Kind> {
        Ok(self.login(who).await?.is_some())
    }

    /// As [`Self::accepts`], but an error that more attempts would not change is a refusal too.
    async fn surely_accepts(&self, who: &Credentials) -> Result<bool, Kind> {
        match self.accepts(who).await {
            Err(Kind::AnyPassword(_)) => Ok(true),
            Err(kind) if !kind.is_transient() => Ok(false),
            answer => answer,
        }
    }

    /// Whether a user is let in, and served.
    async fn accepts(&self, who: &Credentials) -> Result<bool, Kind> {
        let Some(mut session) = self.login(who).await? else { return Ok(false) };
        self.query(&mut session).await.map(|()| true)
    }

    async fn query(&self, session: &mut D::Session) -> Result<(), Kind> {
        caught(self.driver.query(session)).await.unwrap_or(Err(Kind::Client("a query")))
    }

    /// As [`Driver::set_password`], or for a clone user [`Driver::set_clone`]; a panic, or no answer in time, is an error.
    async fn change(
        &self,
        session: &mut D::Session,
        change: &Change<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        let answer = timeout(D::PATIENCE, async {
            let work = async {
                match change.clone_of {
                    Some(user) => self.driver.set_clone(session, user, change, is_due).await,
                    None => self.driver.set_password(session, change, is_due).await,
                }
            };
            caught(work).await.unwrap_or(Err(Kind::Client("the change")))
        });
        answer.await.unwrap_or(Err(Kind::TargetUnreachable("no answer to the change in time")))
    }

    /// The logins of a rotation's values, which are all at one server.
    fn logins<'a>(
        &self,
        values: Values<'_>,
        current: &'a Credentials,
        pending: &'a Credentials,
    ) -> Result<Logins<'a>, Kind> {
        let user = match self.strategy {
            Strategy::SingleUser => current.user.clone(),
            Strategy::AlternatingUsers => other_user(&current.user),
        };
        if !pending.is_at(current) || pending.user != user {
            return Err(Kind::OtherPlace);
        }
        let previous = values.previous.and_then(|value| self.binding.user(value).ok());
        let previous = previous.filter(|previous| previous.is_at(current));
        Ok(Logins { current, pending, previous, is_stray: false })
    }

    /// The session for a rotation and the change that it is to make, both found fit for it.
    async fn prepared<'a>(&self, logins: &'a Logins<'_>) -> Result<(Changed<D::Session>, Change<'a>), Kind> {
        let Logins { current, pending, previous, is_stray: _ } = logins;
        let is_of = |user: &str| previous.as_ref().filter(|previous| previous.user == user);
        let mut changed = self.session(current, is_of(&current.user)).await?;
        let is_single = self.strategy == Strategy::SingleUser;
        let mut change = Change {
            user: &pending.user,
            password: &pending.password,
            present: None,
            own: changed.own,
            proofs: proofs(changed.own, &[Some(current), is_of(&current.user)]),
            clone_of: (!is_single && pending.user.ends_with(CLONE_SUFFIX)).then_some(&current.user),
            known: match is_of(&pending.user).filter(|_| !is_single) {
                // A value that authenticates nobody proves nothing: others may have written it.
                Some(previous) => self.surely_accepts(previous).await?,
                None => is_single,
            },
        };
        let fit = caught(self.driver.preflight(&mut changed.session, &change)).await;
        fit.unwrap_or(Err(Kind::Client("the preflight")))?;
        // Only now, since what keeps the user out is known by then.
        if is_single && !changed.own {
            changed.proven = self.proven(current, is_of(&current.user)).await?;
        }
        change.present = (is_single && changed.proven == Proven::Current).then_some(&current.password);
        Ok((changed, change))
    }
}

/// The passwords that the user's own session may have to state.
fn proofs<'a>(own: bool, logins: &[Option<&'a Credentials>]) -> Vec<&'a SecretText> {
    if own { logins.iter().flatten().map(|login| &login.password).collect() } else { Vec::new() }
}

/// The other one of a user and its clone user.
#[must_use]
pub fn other_user(user: &str) -> String {
    user.strip_suffix(CLONE_SUFFIX).map_or_else(|| format!("{user}{CLONE_SUFFIX}"), str::to_owned)
}

impl<D: Driver> Target for Database<D> {
    fn keeps_passwords(&self) -> bool {
        true
    }

    fn next_user(&self, current: &SecretText) -> Result<Option<(&'static str, String)>, Kind> {
        let current = self.binding.user(current)?;
        if self.strategy == Strategy::SingleUser {
            return Ok(None);
        }
        let other = other_user(&current.user);
        if other.is_empty() || !(D::ENGINE.takes_user)(&other) {
            return Err(Unfit::LongName.into());
        }
        Ok(Some(("username", other)))
    }

    async fn set(&self, values: Values<'_>, is_due: impl AsyncFn() -> Result<(), Kind>) -> Result<(), Kind> {
        let (current, pending) = (self.binding.user(values.current)?, self.binding.user(values.pending)?);
        let logins = self.logins(values, &current, &pending)?;
        let is_single = self.strategy == Strategy::SingleUser;
        // Of alternating users it is not asked whether it is done already: a login does not tell whether all that the
        // clone user may do is up to date.
        if is_single && !values.is_new && self.is_let_in(&pending).await? {
            return Ok(());
        }
        let prepared = self.prepared(&logins).await;
        // A late delivery finds no value that logs in either.
        if matches!(prepared, Err(Kind::NoLogin)) {
            is_due().await?;
        }
        let (mut changed, change) = prepared?;
        let is_sent = Cell::new(false);
        let due = async || {
            is_due().await?;
            is_sent.set(true);
            Ok(())
        };
        match self.change(&mut changed.session, &change, due).await {
            // The current user is another one, which nothing was done to.
            Err(error) if is_single && is_sent.get() => self.resolve(error, changed, &logins, is_due).await,
            Err(error) => Err(error),
            Ok(()) => {
                self.changed.replace(is_single.then_some(changed));
                Ok(())
            }
        }
    }

    async fn test(&self, values: Values<'_>, is_due: impl AsyncFn() -> Result<(), Kind>) -> Result<(), Kind> {
        let pending = self.binding.user(values.pending)?;
        let error = match self.accepts(&pending).await {
            Ok(true) => return Ok(()),
            Ok(false) if self.changed.borrow().is_some() => Kind::NotAccepted,
            Ok(false) => Kind::PendingRefused,
            Err(kind) => kind,
        };
        let current = self.binding.user(values.current)?;
        let is_same = pending.password.expose() == current.password.expose();
        let locks_nobody_out = error.is_transient() || matches!(error, Kind::AnyPassword(_));
        if locks_nobody_out || is_same || pending.user != current.user {
            return Err(error);
        }
        let (changed, logins) = (self.changed.take(), self.logins(values, &current, &pending)?);
        match self.restore(changed, &logins, is_due, &error).await? {
            Accepted::Pending => Ok(()),
            Accepted::Current => Err(error),
        }
    }

    async fn settle(
        &self,
        current: &SecretText,
        stray: Option<&SecretText>,
        previous: Option<&SecretText>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        let current = self.binding.user(current)?;
        let of_user = |value: Option<&SecretText>| {
            let login = value.and_then(|value| self.binding.user(value).ok());
            login.filter(|login| login.is_at(&current) && login.user == current.user)
        };
        if self.is_let_in(&current).await? {
            return Ok(());
        }
        // The next rotation gets in by it.
        if let Some(previous) = of_user(previous)
            && self.is_let_in(&previous).await?
        {
            return Ok(());
        }
        let stray = of_user(stray);
        let logins =
            Logins { current: &current, pending: stray.as_ref().unwrap_or(&current), previous: None, is_stray: true };
        match self.restore(None, &logins, is_due, &Kind::NoLogin).await {
            Ok(Accepted::Current | Accepted::Pending) => Ok(()),
            Err(Kind::LockedOut(_)) => Err(Kind::NoLogin),
            Err(error) => Err(error),
        }
    }

    async fn preflight(&self, values: Values<'_>) -> Result<(), Kind> {
        let (current, pending) = (self.binding.user(values.current)?, self.binding.user(values.pending)?);
        let logins = self.logins(values, &current, &pending)?;
        let (mut changed, change) = self.prepared(&logins).await?;
        let rehearsal = timeout(D::PATIENCE, caught(self.driver.rehearse(&mut changed.session, &change)));
        match rehearsal.await {
            Ok(done) => done.unwrap_or(Err(Kind::Client("the rehearsal"))),
            Err(_) => Err(Kind::TargetUnreachable("no answer to the rehearsal in time")),
        }
    }

    async fn check(&self, value: &SecretText) -> Result<Option<Asked>, Kind> {
        let who = self.binding.user(value)?;
        Ok(Some(Asked::of(self.login(&who).await)))
    }

    async fn check_admin(&self) -> Result<Option<Asked>, Kind> {
        let Some(admin) = self.binding.admin()? else { return Ok(None) };
        Ok(Some(Asked::of(self.login(&admin).await)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_and_its_clone_take_turns() {
        assert_eq!(other_user("app"), "app_clone");
        assert_eq!(other_user("app_clone"), "app");
    }
}
