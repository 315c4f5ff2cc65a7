//! What the fuzzer looks for more of, on what it has found worth keeping.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test fails by panicking")]

use rotator::{secret, value};

#[path = "../../fuzz/promises/event.rs"]
mod any_event;
#[path = "../../fuzz/promises/value.rs"]
mod any_value;
#[path = "../../fuzz/promises/replay.rs"]
mod replay;

#[test]
fn what_holds_of_any_event_holds_of_the_corpus() {
    replay::all("event", any_event::hold);
}

#[test]
fn what_holds_of_any_value_holds_of_the_corpus() {
    replay::all("value", any_value::hold);
}
