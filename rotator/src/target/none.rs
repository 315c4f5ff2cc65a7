use super::{Asked, Target, Values};
use crate::error::Kind;
use crate::secret::SecretText;

/// No target: the secret's readers are the only users of the password.
pub struct Nothing;

impl Target for Nothing {
    /// Readers take AWSCURRENT, and nothing else was ever told a pending value.
    fn keeps_passwords(&self) -> bool {
        false
    }

    fn next_user(&self, _current: &SecretText) -> Result<Option<(&'static str, String)>, Kind> {
        Ok(None)
    }

    async fn set(&self, _values: Values<'_>, _is_due: impl AsyncFn() -> Result<(), Kind>) -> Result<(), Kind> {
        Ok(())
    }

    async fn test(&self, _values: Values<'_>, _is_due: impl AsyncFn() -> Result<(), Kind>) -> Result<(), Kind> {
        Ok(())
    }

    async fn settle(
        &self,
        _current: &SecretText,
        _stray: Option<&SecretText>,
        _previous: Option<&SecretText>,
        _is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        Ok(())
    }

    async fn preflight(&self, _values: Values<'_>) -> Result<(), Kind> {
        Ok(())
    }

    async fn check(&self, _value: &SecretText) -> Result<Option<Asked>, Kind> {
        Ok(None)
    }

    async fn check_admin(&self) -> Result<Option<Asked>, Kind> {
        Ok(None)
    }
}
