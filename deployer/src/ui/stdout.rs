//! The result's way out.

use std::io::{Error, ErrorKind, Write as _};
use std::sync::OnceLock;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Why the result could not be written: there is one stdout, and after its first failure nothing more is written to it.
static FAILURE: OnceLock<Error> = OnceLock::new();

/// Writes a part of the result.
pub(super) fn write(text: &[u8]) {
    if FAILURE.get().is_some() {
        return;
    }
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(text).and_then(|()| out.flush()) {
        let _ = FAILURE.set(error);
    }
}

/// Whether nobody gets any more of the result: it could not be written, or its reader has gone away.
pub(super) fn is_lost() -> bool {
    let stdout = std::io::stdout();
    let mut polled = [PollFd::new(&stdout, PollFlags::empty())];
    let is_polled = poll(&mut polled, Some(&Timespec::default())).is_ok();
    FAILURE.get().is_some() || (is_polled && polled[0].revents().intersects(PollFlags::ERR | PollFlags::HUP))
}

/// Why a result was lost that somebody wanted. A reader that has gone away (`| head`) has had enough of it.
pub(super) fn failure() -> Option<&'static Error> {
    FAILURE.get().filter(|error| error.kind() != ErrorKind::BrokenPipe)
}
