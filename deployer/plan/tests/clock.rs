//! What the clock tells of a spec that is about to be put into effect.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use plan::spec::{self, Diagnostic, Severity};

const NOW: &str = "2026-11-25T12:00:00Z";

fn spec(schedule: &str) -> String {
    format!(
        "name: shop\naccount: \"123456789012\"\nregion: us-east-1\nsecret: {{name: shop/db}}\nschedule:\n  {schedule}\n"
    )
}

fn found(schedule: &str) -> Vec<Diagnostic> {
    match spec::load_at("shop.yaml", &spec(schedule), NOW.parse().unwrap()) {
        Ok(loaded) => loaded.warnings,
        Err(found) => found,
    }
}

/// Severity and code of what is told of a schedule.
fn told(schedule: &str) -> Vec<(Severity, &'static str)> {
    found(schedule).iter().map(|one| (one.severity, one.code)).collect()
}

#[test]
fn a_schedule_that_is_over_is_refused() {
    let over = [
        "expression: at(2026-11-25T12:00:00)",
        "expression: at(2026-11-25T11:59:59)",
        "expression: at(1969-07-20T20:17:40)",
        "expression: cron(0 0 * * ? 2025)",
        "expression: cron(0/5 * ? * MON-FRI 2001-2020)",
        "expression: cron(0 0 25 11 ? 2026)",
        // In Tokyo it is 21:00 already, and in New York 07:00.
        "expression: at(2026-11-25T20:59:00)\n  timezone: Asia/Tokyo",
        "expression: cron(0 7 25 11 ? 2026)\n  timezone: America/New_York",
    ];
    for schedule in over {
        assert_eq!(told(schedule), [(Severity::Error, "never-fires")], "{schedule}");
        let is_dawn = schedule.contains("1969");
        assert_eq!(spec::load("shop.yaml", &spec(schedule)).is_ok(), !is_dawn, "without a clock: {schedule}");
    }
}

#[test]
fn a_schedule_that_never_comes_is_refused_without_a_clock() {
    let never = [
        "expression: cron(0 3 30 2 ? *)",
        "expression: cron(0 3 31 4,6,9,11 ? *)",
        "expression: cron(0 3 29 2 ? 2027)",
        "expression: cron(0 3 ? 2 SUN#5 2026-2027)",
        "expression: cron(30 2 28 3 ? 2027)\n  timezone: Europe/Berlin",
        "expression: cron(0 3 30 2 ? *)\n  enabled: false",
    ];
    for schedule in never {
        assert_eq!(told(schedule), [(Severity::Error, "never-fires")], "{schedule}");
        assert!(spec::load("shop.yaml", &spec(schedule)).is_err(), "{schedule}");
    }
}

#[test]
fn a_schedule_that_is_to_come_is_taken_and_one_time_is_warned_of() {
    for once in [
        "expression: at(2026-11-25T12:00:01)",
        "expression: at(2026-11-25T21:01:00)\n  timezone: Asia/Tokyo",
        "expression: cron(0 0 1 1 ? 2027)",
        // Of three times one is left.
        "expression: cron(0 0 1 1 ? 2025-2027)",
    ] {
        assert_eq!(told(once), [(Severity::Warning, "rotates-once")], "{once}");
    }
    for again in [
        "expression: rate(30 days)",
        "expression: cron(0 0 1 1 ? 2025-2028)",
        "expression: cron(0 3 29 2 ? *)",
        "expression: cron(0 3 L 2 ? *)",
        "expression: cron(0 3 ? * SUN#5 *)",
        // What is switched off is not meant to fire.
        "expression: at(2026-11-25T11:59:59)\n  enabled: false",
    ] {
        assert_eq!(told(again), [], "{again}");
    }
}

#[test]
fn the_last_time_of_a_schedule_that_is_over_is_shown() {
    let text = spec("expression: cron(0 0 ? * MON 2025)");
    let found = found("expression: cron(0 0 ? * MON 2025)");
    insta::assert_snapshot!(spec::render("shop.yaml", &text, &found, false), @"
    error[never-fires]: this schedule never fires again: the last time was 2025-12-29 00:00 UTC
     --> shop.yaml:6:15
      |
    6 |   expression: cron(0 0 ? * MON 2025)
      |               ^^^^^^^^^^^^^^^^^^^^^^ past
      |
      = help: write for example `rate(30 days)`, or `cron(0 3 L * ? *)` for the last day of each month; `enabled: false` keeps a schedule that is over
    ");
}
