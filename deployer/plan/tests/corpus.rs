//! What the fuzzer looks for more of, on what it has found worth keeping.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test fails by panicking")]

#[path = "../../../fuzz/promises/policy.rs"]
mod policy;
#[path = "../../../fuzz/promises/replay.rs"]
mod replay;
#[path = "../../../fuzz/promises/schedule.rs"]
mod schedule;
#[path = "../../../fuzz/promises/spec.rs"]
mod spec;

#[test]
fn what_holds_of_any_spec_file_holds_of_the_corpus() {
    replay::all("spec", spec::hold);
}

#[test]
fn what_holds_of_any_schedule_holds_of_the_corpus() {
    replay::all("schedule", schedule::hold);
}

#[test]
fn what_holds_of_any_policy_holds_of_the_corpus() {
    replay::all("policy", policy::hold);
}
