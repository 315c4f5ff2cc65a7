//! The terminal as it was before somebody was asked for a secret.

use std::fs::File;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// Puts the terminal back to what it was, when it goes: a question that is not waited for any more leaves it without echo.
#[derive(Debug)]
pub struct Terminal(Option<(File, Termios)>);

impl Terminal {
    /// The terminal as it is now, where there is one.
    #[must_use]
    pub fn remembered() -> Self {
        let open = File::open("/dev/tty").ok();
        Self(open.and_then(|tty| tcgetattr(&tty).ok().map(|attributes| (tty, attributes))))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some((tty, attributes)) = &self.0 {
            let _ = tcsetattr(tty, OptionalActions::Now, attributes);
        }
    }
}
