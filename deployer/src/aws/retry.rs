//! Waiting for AWS: always with a deadline, always with a reason that can be told.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use plan::resource::role;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::error::{Class, Error, Remedy, Result};

/// First pause between two looks; it grows by half each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// How long to wait, and whom to tell why.
#[derive(Clone, Copy)]
pub struct Wait<'a> {
    /// Until then.
    pub deadline: Duration,
    /// Is told what is being waited for, at each further look.
    pub notify: &'a (dyn Fn(&str) + Sync),
    /// Ends the waiting before its time.
    pub stop: &'a CancellationToken,
    /// Roles as they were before this run changed them: they may be seen so for a while.
    pub earlier: &'a [role::Live],
}

impl std::fmt::Debug for Wait<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wait").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_factor(1.5)
        .without_max_times()
        .build()
}

/// What an attempt came to.
#[derive(Debug)]
pub enum Attempt<T> {
    /// It is done.
    Done(T),
    /// It may come right by itself; why it did not yet.
    NotYet(Error),
}

/// Tries until it is done, an error says that it never will be, the deadline has passed, or the run is stopped.
///
/// # Errors
/// The attempt's own error, or after the deadline the last reason why it was not done.
pub async fn until<T, F>(wait: Wait<'_>, mut attempt: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Attempt<T>>>,
{
    let start = Instant::now();
    let mut pauses = pauses();
    loop {
        let reason = match attempt().await? {
            Attempt::Done(value) => return Ok(value),
            Attempt::NotYet(reason) => reason,
        };
        let deadline = reason.class.patience(wait.deadline);
        let left = deadline.saturating_sub(start.elapsed());
        if left.is_zero() {
            let seconds = deadline.as_secs();
            let message = format!("not done after {seconds} s of waiting: {}", reason.message);
            return Err(Error { message, ..reason });
        }
        (wait.notify)(&reason.message);
        // The last look is at the deadline itself.
        let pause = pauses.next().unwrap_or(LONGEST_PAUSE).min(left);
        tokio::select! {
            () = wait.stop.cancelled() => {
                let message = format!("stopped while waiting: {}", reason.message);
                return Err(Error { message, class: Class::Interrupted, ..reason });
            }
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// The same, and what passes by itself is waited for too: another change in progress, what is not ready yet, a service that
/// is overloaded or fails.
///
/// # Errors
/// As [`until`].
pub async fn patiently<T, F>(wait: Wait<'_>, mut attempt: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Attempt<T>>>,
{
    until(wait, || {
        // On the heap: several of these are inside of one another, and the SDK's futures are large.
        let attempt = Box::pin(attempt());
        async move {
            match attempt.await {
                Err(error) if error.class.remedy() == Remedy::Wait => Ok(Attempt::NotYet(error)),
                other => other,
            }
        }
    })
    .await
}

/// Tries again while it may come right by itself, or while what was just made is not yet seen.
///
/// # Errors
/// The call's own error where it is of another kind, or after the deadline.
pub async fn settled<T, F>(wait: Wait<'_>, just_made: bool, mut call: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    patiently(wait, || {
        let attempt = Box::pin(call());
        async move {
            match attempt.await {
                Err(error) if just_made && error.class == Class::NotFound => Ok(Attempt::NotYet(error)),
                other => other.map(Attempt::Done),
            }
        }
    })
    .await
}
