//! Warns of credentials that expire before the work is done: what is done by then stays done, and the rest is not begun.

use std::time::Duration;

use jiff::Timestamp;
use plan::estimate;
use plan::render::Page;
use plan::spec::OnTeardown;

use super::planning::{CONCURRENT_STACKS, Planned};
use crate::aws::{Expiry, LastExpiry};
use crate::ui::Ui;

/// Warns where the credentials expire before all of `planned` is estimated to be carried out by `command`.
pub fn warn<'a>(expiry: &LastExpiry, command: &str, planned: impl Iterator<Item = (&'a Planned, OnTeardown)>, ui: Ui) {
    let each: Vec<Duration> = planned.map(|(planned, on_secret)| takes(planned, on_secret)).collect();
    let takes = estimate::together(&each, CONCURRENT_STACKS);
    if let Some(text) = expiry.get().and_then(|expiry| warning(expiry, command, takes, Timestamp::now())) {
        let attention = ui.err.attention();
        let mut page = Page::new();
        page.blank();
        let mut lines = text.lines();
        let _ = writeln!(page, "{attention}warning{attention:#}: {}", lines.next().unwrap_or_default());
        page.extend(&Page::of(&lines.collect::<Vec<_>>().join("\n")));
        ui.note(&page);
    }
}

fn takes(planned: &Planned, on_secret: OnTeardown) -> Duration {
    let is_desired = planned.desired.function.settings.vpc.is_some();
    let is_live = planned.live.function.as_ref().is_some_and(|live| live.settings.vpc.is_some());
    estimate::of(&planned.plan, is_desired || is_live, on_secret)
}

fn warning(expiry: Expiry, command: &str, takes: Duration, now: Timestamp) -> Option<String> {
    let left = Duration::try_from(expiry.at.duration_since(now)).unwrap_or_default();
    if takes <= left {
        return None;
    }
    let renewed = if expiry.is_renewable { "where they can't be renewed without you, " } else { "" };
    Some(format!(
        "the credentials expire at {}, in {} s, and {command} is estimated to take {} s\n  \
         next: {renewed}sign in again first; once they have expired nothing more is begun, and the next {command} goes on",
        expiry.at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        left.as_secs(),
        takes.as_secs()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_credentials_that_expire_before_the_end_are_warned_of() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let told = |left: i64, is_renewable| {
            let at = now + jiff::SignedDuration::from_secs(left);
            warning(Expiry { at, is_renewable }, "apply", Duration::from_mins(1), now)
        };
        assert_eq!((told(60, false), told(3600, true)), (None, None));
        let text = told(59, false).unwrap();
        assert!(text.contains("1970-01-12 13:47:39 UTC, in 59 s, and apply is estimated to take 60 s"), "{text}");
        assert!(text.contains("next: sign in again first"), "{text}");
        assert!(told(59, true).unwrap().contains("next: where they can't be renewed without you, sign in again first"));
        assert!(told(-5, true).unwrap().contains("in 0 s"));
    }
}
