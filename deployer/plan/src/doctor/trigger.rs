//! What starts the rotations, and when it last should have.

use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

use super::evidence::time;
use super::{Evidence, Finding};
use crate::resource::{Kind, schedule};
use crate::spec::schedule::Expression;
use crate::spec::{Every, Spec, Trigger};

/// How late Secrets Manager may be after the date that it names itself.
const MANAGED_SLACK: SignedDuration = SignedDuration::from_hours(1);
/// The least of the log that is looked through, and the most.
const LOG: (SignedDuration, SignedDuration) = (SignedDuration::from_hours(24), SignedDuration::from_hours(24 * 90));

/// From when on the log is of use: some intervals back.
#[must_use]
pub fn log_start(spec: &Spec, now: Timestamp) -> Timestamp {
    let (least, most) = LOG;
    let days = |days: u16| SignedDuration::from_hours(24 * i64::from(days));
    let expression = match &spec.trigger {
        Trigger::Schedule => Some(&spec.schedule.expression),
        Trigger::Managed(managed) => match &managed.every {
            Every::Expression(expression) => Some(expression),
            Every::Days(_) => None,
        },
    };
    let interval = match &spec.trigger {
        Trigger::Managed(managed) => match managed.every {
            Every::Days(every) => Some(days(every)),
            Every::Expression(_) => None,
        },
        Trigger::Schedule => None,
    };
    let interval = interval.or_else(|| Expression::parse(expression?).ok()?.interval()).unwrap_or(most);
    let back = interval.checked_mul(2).unwrap_or(most).clamp(least, most);
    now.checked_sub(back).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(super) fn examine(evidence: &Evidence<'_>) -> Vec<Finding> {
    match evidence.spec.trigger {
        Trigger::Schedule if evidence.has(Kind::Schedule) => {
            evidence.live.schedule.as_ref().map(|live| of_schedule(evidence, live)).unwrap_or_default()
        }
        Trigger::Managed(_) if evidence.has(Kind::Rotation) => of_rules(evidence).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn of_schedule(evidence: &Evidence<'_>, live: &schedule::Live) -> Vec<Finding> {
    let settings = &live.settings;
    if !settings.enabled {
        return vec![disabled(evidence)];
    }
    let mut found = Vec::new();
    let date = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
    if let Some(start) = date(&live.start_date).filter(|start| *start > evidence.now) {
        let what = format!("it does not fire before {}", time(start));
        found.push(Finding::problem(Kind::Schedule, what).why("start_date").mend(evidence.command("apply")));
    }
    match date(&live.end_date) {
        Some(end) if end <= evidence.now => {
            let what = format!("it fires no more since {}", time(end));
            found.push(Finding::problem(Kind::Schedule, what).why("end_date").mend(evidence.command("apply")));
        }
        Some(end) => {
            let what = format!("it fires until {} only", time(end));
            found.push(Finding::notice(Kind::Schedule, what).why("end_date").mend(evidence.command("apply")));
        }
        None => {}
    }
    if found.iter().all(|finding| finding.level < super::Level::Problem) {
        found.extend(next_time(evidence, settings));
    }
    found
}

fn disabled(evidence: &Evidence<'_>) -> Finding {
    if evidence.spec.schedule.enabled {
        return Finding::problem(Kind::Schedule, "it is disabled")
            .why("enabled: somebody changed it, or an apply of this spec is due")
            .mend(evidence.command("apply"));
    }
    Finding::notice(Kind::Schedule, "it is disabled, as the spec says")
        .mend(format!("write `schedule: {{enabled: true}}`, then {}", evidence.command("apply")))
}

fn next_time(evidence: &Evidence<'_>, settings: &schedule::Settings) -> Option<Finding> {
    let (expression, zone) = expression(settings)?;
    let told = format!("{} {}", settings.expression, settings.timezone);
    let Some(next) = expression.next_anchored(evidence.schedule_stored, evidence.now, &zone, 1).pop() else {
        let never = format!("it fires never again: {told}");
        return Some(if expression.is_one_time() {
            Finding::notice(Kind::Schedule, never)
        } else {
            let next = format!("correct the spec's `schedule.expression`, then {}", evidence.command("apply"));
            Finding::problem(Kind::Schedule, never).mend(next)
        });
    };
    Some(Finding::good(Kind::Schedule, format!("next at {}, by {told}", next.strftime("%Y-%m-%d %H:%M %Z"))))
}

fn expression(settings: &schedule::Settings) -> Option<(Expression, TimeZone)> {
    let zone = TimeZoneDatabase::bundled().get(&settings.timezone).ok()?;
    Some((Expression::parse(&settings.expression).ok()?, zone))
}

fn of_rules(evidence: &Evidence<'_>) -> Option<Finding> {
    let live = evidence.live.rotation.as_ref()?;
    let date = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Timestamp>().ok()).map(time);
    let last = date(&live.last).map(|last| format!(", last at {last}")).unwrap_or_default();
    let next = date(&live.next).unwrap_or_else(|| "a time that Secrets Manager does not tell".to_owned());
    Some(Finding::good(Kind::Rotation, format!("next by {next}{last}")))
}

/// The last time for which there should be a new version by now: its window, its retries and the function's time are over.
pub(super) fn last_due(evidence: &Evidence<'_>) -> Option<Timestamp> {
    match evidence.spec.trigger {
        Trigger::Schedule => scheduled(evidence),
        Trigger::Managed(_) => {
            let next: Timestamp = evidence.live.rotation.as_ref()?.next.as_deref()?.parse().ok()?;
            (next + MANAGED_SLACK < evidence.now).then_some(next)
        }
    }
}

fn scheduled(evidence: &Evidence<'_>) -> Option<Timestamp> {
    let settings = &evidence.live.schedule.as_ref()?.settings;
    if !settings.enabled || !evidence.has(Kind::Schedule) {
        return None;
    }
    let slack = i64::from(settings.flexible_window_minutes) * 60
        + i64::from(settings.retry_max_age_seconds)
        + i64::from(evidence.spec.function.timeout);
    let (expression, zone) = expression(settings)?;
    let latest = evidence.now.checked_sub(SignedDuration::from_secs(slack)).ok()?;
    let due = expression.previous(evidence.schedule_stored, latest, &zone)?.timestamp();
    // What was due before the schedule was as it is now was another's.
    evidence.schedule_stored.is_none_or(|stored| stored < due).then_some(due)
}
