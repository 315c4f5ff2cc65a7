use super::Target;
use crate::error::Kind;
use crate::secret::SecretText;

/// No target: the secret's readers are the only users of the password.
pub struct Nothing;

impl Target for Nothing {
    /// Safe: readers take AWSCURRENT, and nothing else was ever told a pending value.
    fn may_drop_pending(&self) -> bool {
        true
    }

    async fn set(&self, _base: Option<&SecretText>, _pending: &SecretText) -> Result<(), Kind> {
        Ok(())
    }

    async fn test(&self, _pending: &SecretText) -> Result<(), Kind> {
        Ok(())
    }
}
