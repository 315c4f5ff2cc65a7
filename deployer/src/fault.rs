//! A fault of `deploy` itself: where it is gets told, and what was worked on does not, for that may be a value.

use std::cell::RefCell;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, Location, UnwindSafe, catch_unwind, set_hook};

use futures_util::FutureExt as _;

use crate::exit::Exit;

thread_local! {
    /// Where the thread's last fault was.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Has a panic tell its place in the source in place of its message. No backtrace is printed, whatever `RUST_BACKTRACE` says.
pub fn hide_messages() {
    set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), place);
        let text = format!(
            "error: deploy itself has a fault, at {place}\n  \
             │ what it was working on is not told, for that may be a value\n  \
             │ next: report the place; if something was being changed, run the same command again: it goes on from \
             what is there\n"
        );
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
        let _ = PLACE.try_with(|last| last.replace(Some(place)));
    }));
}

/// File and line. Of a dependency's file, what follows the folder of all dependencies: the rest is the machine's that built it.
fn place(location: &Location<'_>) -> String {
    let file = location.file();
    let of_package = file.split_once("/registry/src/").and_then(|(_, rest)| rest.split_once('/')).map(|(_, rest)| rest);
    format!("{}:{}", of_package.unwrap_or(file), location.line())
}

/// A fault was met, at this place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a fault in the program itself, at {0}")]
pub struct Fault(String);

impl Fault {
    fn last() -> Self {
        let place = PLACE.try_with(|last| last.borrow_mut().take()).ok().flatten();
        Self(place.unwrap_or_else(|| "an unknown place".to_owned()))
    }
}

/// What `run` comes to; a fault is an error like any other, and not Rust's own 101.
pub fn contain(run: impl FnOnce() -> Exit + UnwindSafe) -> Exit {
    catch_unwind(run).unwrap_or(Exit::Error)
}

/// What `work` comes to, so that a fault in a part is a failure of that part alone.
///
/// # Errors
/// Where the fault is.
pub async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Fault> {
    // What a fault leaves behind is told as failed or unknown, and not worked on again.
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_| Fault::last())
}
