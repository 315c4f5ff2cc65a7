//! A server with one user in memory: its password, a lock, and rules for passwords.

use std::cell::{Cell, RefCell};

use rotator::error::{Kind, TargetCode};
use rotator::secret::SecretText;
use rotator::target::{Asked, Target, Values};

use super::pause;

/// What is on the server, as all deliveries see it.
#[derive(Default)]
pub struct Server {
    pub password: RefCell<String>,
    locked: Cell<bool>,
    /// How many of the next passwords the server refuses.
    pub refuses: Cell<u32>,
    /// Every password that it was given.
    pub given: RefCell<Vec<String>>,
    /// Whether it takes a password and goes on with the old one.
    pub forgets: bool,
}

impl Server {
    pub fn with(password: &str) -> Self {
        Self { password: RefCell::new(password.to_owned()), ..Self::default() }
    }

    /// What the end of a session does, also of a killed one's.
    pub fn unlock(&self) {
        self.locked.set(false);
    }

    fn accepts(&self, value: &SecretText) -> bool {
        *self.password.borrow() == password(value.expose())
    }
}

pub fn password(value: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(value).unwrap();
    value["password"].as_str().unwrap().to_owned()
}

impl Target for &Server {
    fn keeps_passwords(&self) -> bool {
        true
    }

    fn next_user(&self, _current: &SecretText) -> Result<Option<(&'static str, String)>, Kind> {
        Ok(None)
    }

    async fn set(&self, values: Values<'_>, is_due: impl AsyncFn() -> Result<(), Kind>) -> Result<(), Kind> {
        pause().await;
        if self.accepts(values.pending) {
            return Ok(());
        }
        if !self.accepts(values.current) && !values.previous.is_some_and(|previous| self.accepts(previous)) {
            return Err(Kind::NoLogin);
        }
        // Logged in; from here on another delivery may change the password, and this session stays.
        pause().await;
        if self.locked.replace(true) {
            return Err(Kind::TargetBusy(TargetCode::new("55P03")));
        }
        let due = is_due().await;
        pause().await;
        self.locked.set(false);
        due?;
        let new = password(values.pending.expose());
        self.given.borrow_mut().push(new.clone());
        if self.refuses.get() > 0 {
            self.refuses.set(self.refuses.get() - 1);
            return Err(Kind::PasswordRefused(TargetCode::new("1819")));
        }
        if !self.forgets {
            *self.password.borrow_mut() = new;
        }
        Ok(())
    }

    async fn test(&self, values: Values<'_>, _is_due: impl AsyncFn() -> Result<(), Kind>) -> Result<(), Kind> {
        pause().await;
        if self.accepts(values.pending) { Ok(()) } else { Err(Kind::PendingRefused) }
    }

    async fn preflight(&self, _values: Values<'_>) -> Result<(), Kind> {
        Ok(())
    }

    async fn settle(
        &self,
        current: &SecretText,
        stray: Option<&SecretText>,
        _previous: Option<&SecretText>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        pause().await;
        if !self.accepts(current) {
            if !stray.is_some_and(|stray| self.accepts(stray)) {
                return Err(Kind::NoLogin);
            }
            is_due().await?;
            *self.password.borrow_mut() = password(current.expose());
        }
        Ok(())
    }

    async fn check(&self, value: &SecretText) -> Result<Option<Asked>, Kind> {
        Ok(Some(Asked::of(Ok(self.accepts(value).then_some(())))))
    }

    async fn check_admin(&self) -> Result<Option<Asked>, Kind> {
        Ok(None)
    }
}
