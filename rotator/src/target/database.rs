//! A server with users: the two strategies, over a [`Driver`] for each kind of server.

use std::cell::RefCell;

use contract::Strategy;

use super::{Asked, Credentials, Engine, Target, Values};
use crate::error::Kind;
use crate::secret::SecretText;
use crate::value::Unfit;

/// What the twin's name has besides; AWS's own templates use the same, so that their secrets go on working.
pub const TWIN_SUFFIX: &str = "_clone";

/// One kind of server.
#[expect(async_fn_in_trait, reason = "the function has one thread, so no future needs to be Send")]
pub trait Driver {
    /// A connection on which a user has logged in.
    type Session;
    /// What the server has of its own.
    const ENGINE: Engine;

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

    /// Gives a user a new password.
    ///
    /// Takes a lock that only one rotation of this user can have, asks `is_due` under it, makes the change, and gives the
    /// lock back, whatever happens. The change is made as a whole or not at all.
    ///
    /// # Errors
    /// Nothing has changed, or the connection was lost, and only a login tells.
    async fn set_password(
        &self,
        session: &mut Self::Session,
        change: &Change<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind>;

    /// Makes a user's twin, or brings it up to date: what the user may do, the twin may do. Then as
    /// [`Self::set_password`] for the twin, under the same lock.
    ///
    /// # Errors
    /// As for [`Self::set_password`]; but what the twin may do may have changed in part.
    async fn set_twin(
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
    /// Of a clone user: whether a version of the secret has named it.
    pub known: bool,
}

/// The users of one server.
pub struct Database<D: Driver> {
    driver: D,
    /// The JSON field with the password.
    field: String,
    strategy: Strategy,
    admin: Option<SecretText>,
    /// The only user, with its twin, for whom the admin acts.
    user: Option<String>,
    /// What [`Target::set`] has changed, so that [`Target::test`] can change it back.
    changed: RefCell<Option<Changed<D::Session>>>,
}

struct Changed<S> {
    session: S,
    own: bool,
    /// Whether it was the previous value that opened the session.
    by_previous: bool,
}

impl<D: Driver> Database<D> {
    /// The server's users, of which one has its password in `field` of the secret.
    #[must_use]
    pub fn new(driver: D, field: &str, strategy: Strategy, admin: Option<SecretText>) -> Self {
        Self { driver, field: field.to_owned(), strategy, admin, user: None, changed: RefCell::default() }
    }

    /// The same, with an admin that acts for this user and its twin alone.
    #[must_use]
    pub fn of_user(self, user: Option<&str>) -> Self {
        Self { user: user.map(str::to_owned), ..self }
    }

    fn credentials(&self, value: &SecretText) -> Result<Credentials, Kind> {
        Ok(Credentials::read(value, &self.field, &D::ENGINE)?)
    }

    fn admin(&self, user: &Credentials) -> Result<Option<Credentials>, Kind> {
        let read = |value| Credentials::read_admin(value, &D::ENGINE, user);
        self.admin.as_ref().map(read).transpose().map_err(|unfit| Kind::Admin(Box::new(unfit.into())))
    }

    async fn admin_session(&self, admin: &Credentials) -> Result<D::Session, Kind> {
        self.driver.login(admin).await?.ok_or(Kind::AdminRefused)
    }

    /// The admin's session, for a user that it may act for.
    ///
    /// Whoever may write the secret could name any user in it. So that is either the configured one, or one that a value of
    /// the secret opens.
    async fn session_for(
        &self,
        admin: &Credentials,
        user: &Credentials,
        values: &[Option<&SecretText>],
    ) -> Result<D::Session, Kind> {
        let Some(own) = &self.user else {
            for value in values.iter().flatten() {
                let who = self.credentials(value).ok().filter(|who| who.is_at(user) && who.user == user.user);
                if let Some(who) = who
                    && self.opens(&who).await?
                {
                    return self.admin_session(admin).await;
                }
            }
            return Err(Kind::NoLogin);
        };
        if user.user != *own && user.user != twin(own) {
            return Err(Kind::OtherUser);
        }
        self.admin_session(admin).await
    }

    async fn opens(&self, who: &Credentials) -> Result<bool, Kind> {
        Ok(self.driver.login(who).await?.is_some())
    }

    /// A session that may change the user's password.
    async fn session(&self, current: &Credentials, values: Values<'_>) -> Result<Changed<D::Session>, Kind> {
        if let Some(admin) = self.admin(current)? {
            let session = self.session_for(&admin, current, &[Some(values.current), values.previous]).await?;
            return Ok(Changed { session, own: false, by_previous: false });
        }
        if let Some(session) = self.driver.login(current).await? {
            return Ok(Changed { session, own: true, by_previous: false });
        }
        let previous = values.previous.and_then(|value| self.credentials(value).ok());
        let previous = previous.filter(|previous| previous.is_at(current) && previous.user == current.user);
        let Some(previous) = previous else { return Err(Kind::NoLogin) };
        let session = self.driver.login(&previous).await?.ok_or(Kind::NoLogin)?;
        Ok(Changed { session, own: true, by_previous: true })
    }

    async fn set_single(
        &self,
        current: &Credentials,
        pending: &Credentials,
        values: Values<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        if pending.user != current.user {
            return Err(Kind::OtherPlace);
        }
        if !values.is_new && self.opens(pending).await? {
            return Ok(());
        }
        let mut changed = self.session(current, values).await?;
        let present = (!changed.by_previous).then_some(&current.password);
        let change =
            Change { user: &pending.user, password: &pending.password, present, own: changed.own, known: false };
        self.driver.set_password(&mut changed.session, &change, is_due).await?;
        self.changed.replace(Some(changed));
        Ok(())
    }

    async fn set_alternating(
        &self,
        current: &Credentials,
        pending: &Credentials,
        values: Values<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        if pending.user != twin(&current.user) {
            return Err(Kind::OtherPlace);
        }
        let admin = self.admin(current)?.ok_or(Kind::TargetUnfit("alternating users need an `admin_secret`"))?;
        let mut session = self.session_for(&admin, current, &[Some(values.current)]).await?;
        // Not asked whether it is done already: a login does not tell whether all that the twin may do is up to date.
        let named = |value| self.credentials(value).is_ok_and(|who| who.is_at(pending) && who.user == pending.user);
        let known = values.previous.is_some_and(named);
        let change = Change { user: &pending.user, password: &pending.password, present: None, own: false, known };
        if pending.user.ends_with(TWIN_SUFFIX) {
            self.driver.set_twin(&mut session, &current.user, &change, is_due).await
        } else {
            self.driver.set_password(&mut session, &change, is_due).await
        }
    }

    /// Puts the password back that opened the session.
    async fn undo(&self, changed: Changed<D::Session>, values: Values<'_>) -> Result<(), Kind> {
        let old = if changed.by_previous { values.previous.unwrap_or(values.current) } else { values.current };
        let old = self.credentials(old)?;
        let change = Change { user: &old.user, password: &old.password, present: None, own: changed.own, known: false };
        let mut session = changed.session;
        self.driver.set_password(&mut session, &change, async || Ok(())).await
    }
}

/// The other one of a user and its twin.
#[must_use]
pub fn twin(user: &str) -> String {
    user.strip_suffix(TWIN_SUFFIX).map_or_else(|| format!("{user}{TWIN_SUFFIX}"), str::to_owned)
}

impl<D: Driver> Target for Database<D> {
    fn keeps_passwords(&self) -> bool {
        true
    }

    fn next_user(&self, current: &SecretText) -> Result<Option<(&'static str, String)>, Kind> {
        let current = self.credentials(current)?;
        if self.strategy == Strategy::SingleUser {
            return Ok(None);
        }
        let twin = twin(&current.user);
        if twin.len() > D::ENGINE.longest_user || twin.is_empty() {
            return Err(Unfit::LongName.into());
        }
        Ok(Some(("username", twin)))
    }

    async fn set(&self, values: Values<'_>, is_due: impl AsyncFn() -> Result<(), Kind>) -> Result<(), Kind> {
        let (current, pending) = (self.credentials(values.current)?, self.credentials(values.pending)?);
        if !pending.is_at(&current) {
            return Err(Kind::OtherPlace);
        }
        match self.strategy {
            Strategy::SingleUser => self.set_single(&current, &pending, values, is_due).await,
            Strategy::AlternatingUsers => self.set_alternating(&current, &pending, values, is_due).await,
        }
    }

    async fn test(&self, values: Values<'_>) -> Result<(), Kind> {
        let pending = self.credentials(values.pending)?;
        if let Some(mut session) = self.driver.login(&pending).await? {
            return self.driver.query(&mut session).await;
        }
        let changed = self.changed.take();
        match changed {
            Some(changed) => {
                self.undo(changed, values).await?;
                Err(Kind::NotAccepted)
            }
            None => Err(Kind::PendingRefused),
        }
    }

    async fn settle(&self, current: &SecretText, stray_value: &SecretText) -> Result<(), Kind> {
        let current = self.credentials(current)?;
        if self.opens(&current).await? {
            return Ok(());
        }
        let stray =
            self.credentials(stray_value).ok().filter(|stray| stray.is_at(&current) && stray.user == current.user);
        let (mut session, own) = match (self.admin(&current)?, stray) {
            (Some(admin), _) => (self.session_for(&admin, &current, &[Some(stray_value)]).await?, false),
            (None, Some(stray)) => (self.driver.login(&stray).await?.ok_or(Kind::NoLogin)?, true),
            (None, None) => return Err(Kind::NoLogin),
        };
        let change = Change { user: &current.user, password: &current.password, present: None, own, known: false };
        self.driver.set_password(&mut session, &change, async || Ok(())).await
    }

    async fn check(&self, value: &SecretText) -> Result<Option<Asked>, Kind> {
        let who = self.credentials(value)?;
        Ok(Some(Asked::of(self.driver.login(&who).await)))
    }

    async fn check_admin(&self, current: &SecretText) -> Result<Option<Asked>, Kind> {
        let current = self.credentials(current)?;
        let Some(admin) = self.admin(&current)? else { return Ok(None) };
        Ok(Some(Asked::of(self.driver.login(&admin).await)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_and_its_twin_take_turns() {
        assert_eq!(twin("app"), "app_clone");
        assert_eq!(twin("app_clone"), "app");
    }
}
