//! The sessions on which a user's password is changed, and what is known of the values by then.

use super::{Credentials, Database, Driver, Kind, Strategy};

/// A session that may change a user's password.
pub(super) struct Changed<S> {
    pub(super) session: S,
    pub(super) own: bool,
    pub(super) proven: Proven,
}

/// The value that the server accepted before the change, and that a failed one is taken back to. Another one could be
/// anything that somebody has written into the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proven {
    Current,
    Previous,
    /// None: an admin sets a password that nobody has to know.
    Neither,
}

impl<D: Driver> Database<D> {
    async fn admin_session(&self, admin: &Credentials) -> Result<D::Session, Kind> {
        self.login(admin).await?.ok_or(Kind::AdminRefused)
    }

    /// The admin's session, for a user that it may act for.
    ///
    /// Whoever may write the secret could name any user in it. So that is either the spec's own, or, of alternating users,
    /// the spec's or its clone user, or one that a value of the secret authenticates.
    pub(super) async fn session_for(
        &self,
        admin: &Credentials,
        user: &Credentials,
        values: &[Option<&Credentials>],
    ) -> Result<D::Session, Kind> {
        let is_named = match self.strategy {
            Strategy::SingleUser => self.binding.only_user()? == Some(&user.user),
            Strategy::AlternatingUsers => self.binding.only_user()?.is_some(),
        };
        if !is_named {
            let mut is_proven = false;
            for who in values.iter().flatten().filter(|who| who.is_at(user) && who.user == user.user) {
                is_proven = is_proven || self.is_let_in(who).await?;
            }
            if !is_proven {
                return Err(Kind::NoLogin);
            }
        }
        self.admin_session(admin).await
    }

    /// A session that may change the password.
    pub(super) async fn session(
        &self,
        current: &Credentials,
        previous: Option<&Credentials>,
    ) -> Result<Changed<D::Session>, Kind> {
        let is_single = self.strategy == Strategy::SingleUser;
        if let Some(admin) = self.binding.admin()? {
            // Of alternating users the one that is not current is changed, and a previous value says nothing of that.
            let previous = previous.filter(|_| is_single);
            let session = self.session_for(&admin, current, &[Some(current), previous]).await?;
            return Ok(Changed { session, own: false, proven: Proven::Neither });
        }
        if !is_single {
            return Err(Kind::TargetUnfit("alternating users need an `admin_secret`"));
        }
        if let Some(session) = self.login(current).await? {
            return Ok(Changed { session, own: true, proven: Proven::Current });
        }
        let session = self.login(previous.ok_or(Kind::NoLogin)?).await?.ok_or(Kind::NoLogin)?;
        Ok(Changed { session, own: true, proven: Proven::Previous })
    }

    /// What of a user's values the server accepts, before an admin changes it. That it could not be asked does not say that
    /// it accepts none.
    pub(super) async fn proven(&self, current: &Credentials, previous: Option<&Credentials>) -> Result<Proven, Kind> {
        if self.lets_in_by_any(current).await? {
            return Ok(Proven::Current);
        }
        match previous {
            Some(previous) if self.lets_in_by_any(previous).await? => Ok(Proven::Previous),
            _ => Ok(Proven::Neither),
        }
    }

    async fn lets_in_by_any(&self, who: &Credentials) -> Result<bool, Kind> {
        match self.is_let_in(who).await {
            Err(Kind::AnyPassword(_)) => Ok(true),
            // Such as an expired one, which an admin brings to an end.
            Err(Kind::UserBarred(_)) => Ok(false),
            answer => answer,
        }
    }
}
