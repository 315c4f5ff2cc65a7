//! What AWS takes, but is likely to be regretted.

use std::ops::Range;

use contract::{AuthMethod, Class, Login, Part, Strategy, Target, Tls};
use jiff::SignedDuration;

use super::Context;
use super::schedule::{DAWN, zone};
use crate::spec::model::{OnTeardown, Secret};
use crate::spec::schedule::Expression;

/// About what Secrets Manager keeps of one secret.
const MAX_VERSIONS: i64 = 100;
/// Secrets Manager asks for no more than one new version in ten minutes, on the average.
const SAFE_INTERVAL: SignedDuration = SignedDuration::from_mins(15);
/// For how long AWS's caching clients keep a value.
const CACHE: SignedDuration = SignedDuration::from_hours(1);
/// Seconds that a rotation at a server may take: five logins, some of them to a server that is waking up.
const SAFE_TIMEOUT: u32 = 15;
/// Seconds that ElastiCache may take to tell a new password to all of a user's caches.
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/User-Secrets-Manager.html>
const ELASTICACHE_TIMEOUT: u32 = 12 * 60;
/// Below it a password can be guessed offline.
const MIN_ENTROPY: f64 = 80.0;

pub(super) fn check(cx: &mut Context<'_>, expression: Option<&Expression>) {
    if let Some(expression) = expression {
        interval(cx, expression);
    }
    target(cx);
    derived(cx);
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

fn target(cx: &mut Context<'_>) {
    let is_database = matches!(cx.spec.target, Target::Postgres(_) | Target::Mysql(_));
    let Some(login) = cx.spec.target.login().filter(|_| cx.place("target").is_some()) else { return };
    if is_database && login.strategy == Strategy::SingleUser {
        let span = cx.first_place(&["target.postgres.strategy", "target.mysql.strategy", "target"]);
        let message = "after each rotation, consumers that keep the old password for 1 h are refused for as long";
        let help = "write `strategy: alternating-users` and an `admin_secret`, or have the consumers read again when a \
                    login fails";
        cx.warn("single-user", span, message, "one user", help);
    }
    let timeout = cx.spec.function.timeout;
    let (safe, slow) = if login.elasticache_user.is_some() {
        (ELASTICACHE_TIMEOUT, "ElastiCache, telling a password to all of a user's caches,")
    } else {
        (SAFE_TIMEOUT, "a server that is waking up or failing over")
    };
    if timeout < safe {
        let span = cx.first_place(&["function.timeout", "target.redis.elasticache_user"]);
        let message = format!("{slow} may take longer than {timeout} s");
        cx.warn("short-timeout", span, message, "too short", format!("write `timeout: {safe}` or more"));
    }
    weak_auth(cx);
}

/// A server that may ask for more than a proof.
fn weak_auth(cx: &mut Context<'_>) {
    let Target::Postgres(Login { require_auth, tls, .. }) = &cx.spec.target else { return };
    let message = match (require_auth.contains(&AuthMethod::Password), tls) {
        (true, Tls::Off) => "the password goes over the network as it is, to any server that asks for it",
        (true, Tls::VerifyFull) => "any server that bears this name may have the password itself",
        (false, _) if require_auth.contains(&AuthMethod::Md5) => {
            "a server that asks for MD5 gets a hash by which the password can be guessed"
        }
        (false, _) => return,
    };
    let span = cx.first_place(&["target.postgres.require_auth"]);
    let help = "remove the key: a user whose password a rotation has set logs in by SCRAM";
    cx.warn("weak-auth", span, message, "allowed here", help);
}

/// A password in a URL, where its symbols mean something else.
fn derived(cx: &mut Context<'_>) {
    let Secret { field: Some(password), derived, .. } = &cx.spec.secret else { return };
    let policy = &cx.spec.password;
    let reserved = |c: &char| !"-._~".contains(*c) && !policy.exclude.contains(*c);
    let Some(symbol) = policy.symbols.chars().find(reserved) else { return };
    if !policy.require.contains(&Class::Symbol) {
        return;
    }
    let is_bare = |part: &Part| matches!(part, Part::Field { name, percent } if name == password && !percent);
    for (name, template) in derived {
        if template.as_str().contains("://") && template.parts().iter().any(is_bare) {
            let path = format!("secret.derived.{name}");
            let text = template.as_str();
            let at = text.find(&format!("{{{password}}}")).unwrap_or_default();
            let span = cx.part(&path, text, at..at + password.len() + 2);
            let message = format!("a password with `{symbol}` in it breaks this URL");
            cx.warn("derived-url", span, message, "as it is", format!("write `{{{password}|percent}}`"));
        }
    }
}

fn interval(cx: &mut Context<'_>, expression: &Expression) {
    let span = cx.first_place(&["schedule.expression"]);
    let times = expression.next(cx.now.unwrap_or(DAWN), &zone(cx.spec), 2);
    if times.len() == 1 {
        let help = "write for example `rate(30 days)`";
        cx.warn("rotates-once", span, "the password rotates only once", "one time", help);
        return;
    }
    let Some(interval) = expression.interval() else { return };
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
