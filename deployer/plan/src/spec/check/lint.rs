//! What AWS takes, but is likely to be regretted.

use std::ops::Range;

use jiff::SignedDuration;

use super::Context;
use crate::spec::model::OnTeardown;
use crate::spec::schedule::Expression;

/// About what Secrets Manager keeps of one secret.
const MAX_VERSIONS: i64 = 100;
/// Secrets Manager asks for no more than one new version in ten minutes, on the average.
const SAFE_INTERVAL: SignedDuration = SignedDuration::from_mins(15);
/// For how long AWS's caching clients keep a value.
const CACHE: SignedDuration = SignedDuration::from_hours(1);
/// Below it a password can be guessed offline.
const MIN_ENTROPY: f64 = 80.0;

pub(super) fn check(cx: &mut Context<'_>, expression: Option<&Expression>) {
    if let Some(expression) = expression {
        interval(cx, expression);
    }
    let password = &cx.spec.password;
    if cx.place("password").is_some() && password.check().is_ok() && password.entropy_bits() < MIN_ENTROPY {
        let span = cx.first_place(&[
            "password.length",
            "password.require",
            "password.exclude",
            "password.symbols",
            "password",
        ]);
        let bits = password.entropy_bits().floor();
        let per_character = password.entropy_bits() / f64::from(password.length);
        let needed = (MIN_ENTROPY / per_character).ceil();
        let message = format!("a password by this policy has {bits} bits of entropy, less than {MIN_ENTROPY}");
        let help =
            if needed.is_finite() { format!("write `length: {needed}` or more") } else { "exclude less".to_owned() };
        cx.warn("weak-entropy", span, message, "too little", help);
    }
    if cx.spec.secret.on_teardown == OnTeardown::Force {
        let span = cx.first_place(&["secret.on_teardown"]);
        let help = "write `on_teardown: {recovery_window_days: 7}` to be able to restore it";
        cx.warn(
            "secret-lost-on-teardown",
            span,
            "teardown deletes the secret at once and for ever",
            "no way back",
            help,
        );
    }
}

fn interval(cx: &mut Context<'_>, expression: &Expression) {
    let span = cx.first_place(&["schedule.expression"]);
    let Some(interval) = expression.interval() else {
        if expression.is_one_time() {
            cx.warn(
                "rotates-once",
                span,
                "the password rotates only once",
                "one time",
                "write for example `rate(30 days)`",
            );
        } else {
            let help = "write for example `rate(30 days)`";
            cx.warn("rotates-once", span, "the password rotates once at most", "no two such times", help);
        }
        return;
    };
    let told = describe(interval);
    if interval < SAFE_INTERVAL {
        let hours = (interval.as_secs() * MAX_VERSIONS) / 3600;
        let hours = hours.max(1);
        let message = format!("every {told} is more than Secrets Manager keeps up with");
        let help = format!(
            "it keeps about {MAX_VERSIONS} versions and prunes none younger than 24 h, so {MAX_VERSIONS} of them, one each {told}, \
             are used up after about {hours} h, and rotation fails: use 15 minutes or more, but for a trial"
        );
        cx.warn("version-quota", span.clone(), message, "too often to last", help);
    }
    overlap(cx, span.clone(), interval);
    if interval < CACHE {
        let message = format!("every {told} is more often than consumers look: caching clients keep a value for 1 h");
        let help = "use 1 h or more, or have the consumers read again when a login fails";
        cx.warn("below-consumer-cache", span, message, "below 1 h", help);
    }
}

/// A rotation that is still retried when the next begins.
fn overlap(cx: &mut Context<'_>, span: Range<usize>, interval: SignedDuration) {
    let told = describe(interval);
    let schedule = &cx.spec.schedule;
    let window = SignedDuration::from_mins(schedule.flexible_window_minutes.into());
    let timeout = SignedDuration::from_secs(cx.spec.function.timeout.into());
    let age = SignedDuration::from_mins(schedule.retry.max_age_minutes.into());
    let worst = window + timeout + age;
    if interval <= worst {
        let message = format!("a rotation may still be retried when the next begins, {told} later");
        let help = format!(
            "window {} + timeout {} + retry age {} = {}: have them less than {told} together, or rotate less often",
            describe(window),
            describe(timeout),
            describe(age),
            describe(worst)
        );
        cx.warn("runs-overlap", span.clone(), message, "not longer than a run may take", help);
    }
}

/// A duration in its largest whole unit.
fn describe(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        _ if seconds > 0 && seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        _ if seconds >= 60 && seconds % 60 == 0 => format!("{} min", seconds / 60),
        _ if seconds > 60 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{seconds} s"),
    }
}
