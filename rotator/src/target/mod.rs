//! What a password opens.

mod none;

pub use none::Nothing;

use crate::error::Kind;
use crate::secret::SecretText;

/// The system that a password opens. Each call may come again with the same values, after a crash at any point.
#[expect(async_fn_in_trait, reason = "the function has one thread, so no future needs to be Send")]
pub trait Target {
    /// Whether a pending version of another tick may be dropped before it became current.
    ///
    /// Only where nothing outside of the store can know the pending value. A target that stores the password must say
    /// no: its `set` may have run for that value, which is then the only one that opens it.
    fn may_drop_pending(&self) -> bool;

    /// Makes the target accept `pending`, whole secret values both; `base` still opens it, `None` is a first value.
    ///
    /// # Errors
    /// The target did not take the new password.
    async fn set(&self, base: Option<&SecretText>, pending: &SecretText) -> Result<(), Kind>;

    /// Proves that `pending` opens the target.
    ///
    /// # Errors
    /// It does not.
    async fn test(&self, pending: &SecretText) -> Result<(), Kind>;
}
