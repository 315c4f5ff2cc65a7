//! What a password opens.

#[cfg(any(feature = "postgres", feature = "mysql", feature = "redis"))]
pub mod answer;
mod any;
pub mod binding;
mod credentials;
pub mod database;
#[cfg(feature = "redis")]
pub mod elasticache;
#[cfg(feature = "mysql")]
pub mod mysql;
mod none;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(any(feature = "postgres", feature = "mysql", feature = "redis"))]
mod reach;
#[cfg(feature = "redis")]
pub mod redis;
mod tls;

pub use any::AnyTarget;
pub use credentials::{Credentials, Engine};
pub use none::Nothing;
pub use tls::Trust;

use contract::LoginCheck;

use crate::error::Kind;
use crate::secret::SecretText;

/// The values between which a rotation goes on.
#[derive(Clone, Copy)]
pub struct Values<'a> {
    /// What the secret's readers have.
    pub current: &'a SecretText,
    /// What they are to have.
    pub pending: &'a SecretText,
    /// What they had before.
    pub previous: Option<&'a SecretText>,
    /// Whether `pending` was made just now, so that no target can know it yet, and none need be asked: refused logins are
    /// what watchful people are woken up for, and what some servers lock users out for.
    pub is_new: bool,
}

/// What a target says to a value that is tried on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// In a word.
    pub login: LoginCheck,
    /// Why it could not be asked.
    pub why: Option<Kind>,
}

impl Asked {
    /// What a login came to.
    pub fn of<S>(login: Result<Option<S>, Kind>) -> Self {
        match login {
            Ok(Some(_)) => Self { login: LoginCheck::Opens, why: None },
            Ok(None) => Self { login: LoginCheck::Refused, why: None },
            Err(kind) => Self { login: LoginCheck::Unreachable, why: Some(kind) },
        }
    }
}

/// The system that a password opens. Each call may come again with the same values, after a crash at any point.
#[expect(async_fn_in_trait, reason = "the function has one thread, so no future needs to be Send")]
pub trait Target {
    /// Whether it has passwords of its own, so that a pending value may be the only one that opens it, and must not be
    /// dropped before that is settled.
    fn keeps_passwords(&self) -> bool;

    /// The user of the next value where it is another than the current one's, as a JSON field and its text.
    ///
    /// # Errors
    /// The current value has no user, or none with a clone user.
    fn next_user(&self, current: &SecretText) -> Result<Option<(&'static str, String)>, Kind>;

    /// Makes the target accept `pending`. `is_due` fails once the rotation is another delivery's; it is asked right
    /// before the change, under a lock where the target has one, so that a late delivery changes nothing.
    ///
    /// Whatever the target's answer is, it is found out by logging in whether `pending` is accepted, and if not,
    /// `current` is restored.
    ///
    /// # Errors
    /// The target did not take the new password, and accepts `current`, unless the error is [`Kind::LockedOut`] or one
    /// of reaching it.
    async fn set(&self, values: Values<'_>, is_due: impl AsyncFn() -> Result<(), Kind>) -> Result<(), Kind>;

    /// Proves that `pending` logs in; where it does not, restores `current`, unless the rotation is no longer due.
    ///
    /// # Errors
    /// It does not; else as for [`Self::set`].
    async fn test(&self, values: Values<'_>, is_due: impl AsyncFn() -> Result<(), Kind>) -> Result<(), Kind>;

    /// Makes sure that `current` logs in, whatever an abandoned rotation to `stray` has done to the target; or else that
    /// `previous` does, by which the next rotation gets in. `is_due` fails once `current` is no longer what readers have.
    ///
    /// # Errors
    /// None of them logs in.
    async fn settle(
        &self,
        current: &SecretText,
        stray: Option<&SecretText>,
        previous: Option<&SecretText>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind>;

    /// Whether [`Self::set`] could succeed, as far as that can be known before. Changes nothing.
    ///
    /// # Errors
    /// Why it could not.
    async fn preflight(&self, values: Values<'_>) -> Result<(), Kind>;

    /// What the target says to a value; `None` where there is nothing to ask.
    ///
    /// # Errors
    /// The value has no credentials.
    async fn check(&self, value: &SecretText) -> Result<Option<Asked>, Kind>;

    /// The same for its admin's.
    ///
    /// # Errors
    /// The admin's secret has no credentials, or says no server.
    async fn check_admin(&self) -> Result<Option<Asked>, Kind>;
}
