//! After a change whose success is not known: which password the server has, and how the current one comes back.

use super::{Change, Changed, Credentials, Database, Driver, Kind, Logins, Proven, log, proofs};

impl<D: Driver> Database<D> {
    /// Finds out what an answer other than success has left: an error does not say that nothing was changed.
    ///
    /// # Errors
    /// The server accepts the current value, and `error` says why not the pending one; or [`Self::restore`]'s.
    pub(super) async fn resolve(
        &self,
        error: Kind,
        changed: Changed<D::Session>,
        logins: &Logins<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        // In this order, since most errors are what they seem, and a refused login may count towards a lock.
        if changed.proven == Proven::Current && self.surely_accepts(logins.current).await? {
            return Err(error);
        }
        if self.surely_accepts(logins.pending).await? {
            log::warn("the server answered the change with an error, and has made it");
            self.changed.replace(Some(changed));
            return Ok(());
        }
        match self.restore(Some(changed), logins, is_due, &error).await? {
            Accepted::Pending => Ok(()),
            Accepted::Current => Err(error),
        }
    }

    /// Gives the user the current password again, by whoever can: a session from before, the admin, or any value that the
    /// server still accepts. The server's word is not enough: the current value has to log in. Where by then it is the
    /// pending value that is accepted, it stays. Where neither the current nor the previous value had logged in before,
    /// there is nothing to go back to.
    ///
    /// # Errors
    /// The rotation is no longer due, so that the password is another delivery's; the server was not reached; or nobody
    /// can, and `why` is what began it.
    pub(super) async fn restore(
        &self,
        changed: Option<Changed<D::Session>>,
        logins: &Logins<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
        why: &Kind,
    ) -> Result<Accepted, Kind> {
        let wanted = match (changed.as_ref().map(|changed| changed.proven), &logins.previous) {
            (None | Some(Proven::Current), _) => logins.current,
            (Some(Proven::Previous), Some(previous)) => previous,
            // Nothing is known that logged in before.
            (Some(Proven::Previous | Proven::Neither), _) => return Ok(Accepted::Current),
        };
        let mut open = changed.map(|changed| (changed.session, changed.own));
        let mut is_changed = false;
        for way in Way::ALL {
            // A refused login may count towards a lock.
            if matches!(way, Way::Current) && logins.is_stray {
                continue;
            }
            let Some((mut session, own)) = open.take().or(self.open(way, logins).await) else { continue };
            if matches!(way, Way::Pending) && !logins.is_stray && self.query(&mut session).await.is_ok() {
                return Ok(Accepted::Pending);
            }
            let change = Change {
                user: &wanted.user,
                password: &wanted.password,
                present: None,
                own,
                proofs: proofs(own, &[Some(logins.pending), Some(logins.current), logins.previous.as_ref()]),
                clone_of: None,
                known: true,
            };
            // Where that can't be asked, a server without its user weighs more.
            let due = async || match is_due().await {
                Err(kind) if kind.is_taken_over() => Err(kind),
                _ => Ok(()),
            };
            is_changed = true;
            match self.change(&mut session, &change, due).await {
                Err(kind) if kind.is_taken_over() => return Err(kind),
                // Whatever the answer is, only a login counts.
                _ if self.surely_accepts(wanted).await? => {
                    log::warn("the current password was restored");
                    return Ok(Accepted::Current);
                }
                _ => {}
            }
        }
        if (is_changed || !logins.is_stray) && self.surely_accepts(wanted).await? {
            return Ok(Accepted::Current);
        }
        // A late delivery finds no value that logs in either.
        if let Err(kind) = is_due().await
            && kind.is_taken_over()
        {
            return Err(kind);
        }
        Err(Kind::LockedOut(Box::new(why.clone())))
    }

    /// A session that may change the password, and whether it is the user's own.
    async fn open(&self, way: Way, logins: &Logins<'_>) -> Option<(D::Session, bool)> {
        let own = async |who: &Credentials| Some((self.login(who).await.ok()??, true));
        match way {
            Way::Open => None,
            Way::Admin => {
                let admin = self.binding.admin().ok()??;
                let values = [Some(logins.current), Some(logins.pending), logins.previous.as_ref()];
                Some((self.session_for(&admin, logins.current, &values).await.ok()?, false))
            }
            Way::Current => own(logins.current).await,
            Way::Pending => own(logins.pending).await,
            Way::Previous => own(logins.previous.as_ref().filter(|who| who.user == logins.current.user)?).await,
        }
    }
}

/// The value that the server accepts in the end.
pub(super) enum Accepted {
    Current,
    Pending,
}

/// By whom a password is restored, in the order in which they are tried.
#[derive(Clone, Copy)]
enum Way {
    /// A session from before the change.
    Open,
    Admin,
    Current,
    Pending,
    Previous,
}

impl Way {
    const ALL: [Self; 5] = [Self::Open, Self::Admin, Self::Current, Self::Pending, Self::Previous];
}
