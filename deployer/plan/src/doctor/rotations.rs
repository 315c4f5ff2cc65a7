//! What has become of the rotations: the log against what was due.

use jiff::{SignedDuration, Timestamp};

use super::advice::advice;
use super::evidence::{span, time};
use super::trigger::{last_due, log_start};
use super::{Address, End, Evidence, Finding, Invocation, SelfCheck};
use crate::resource::Kind;
use crate::spec::Trigger;

pub(super) fn examine(evidence: &Evidence<'_>) -> Vec<Finding> {
    if !evidence.has(Kind::Secret) || !evidence.has(Kind::Function) {
        return Vec::new();
    }
    let mut found: Vec<Finding> = overdue(evidence).into_iter().collect();
    match &evidence.invocations {
        Err(why) => found.push(Finding::notice(Address::Rotations, "the function's log can't be read").unread(why)),
        Ok(all) => {
            let rotated = all.iter().rfind(|one| one.end == End::Rotated);
            let failed = all.iter().rfind(|one| one.end.is_failure());
            match (rotated, failed) {
                (rotated, Some(failed)) if rotated.is_none_or(|rotated| rotated.at < failed.at) => {
                    found.push(failure(evidence, failed, rotated));
                }
                (Some(rotated), _) if found.is_empty() => {
                    found.push(Finding::good(Address::Rotations, format!("rotated at {}", time(rotated.at))));
                }
                (None, _) if found.is_empty() => {
                    found.push(Finding::good(Address::Rotations, "none in the log yet, and none overdue"));
                }
                _ => {}
            }
        }
    }
    found
}

fn failure(evidence: &Evidence<'_>, failed: &Invocation, rotated: Option<&Invocation>) -> Finding {
    let ago = span(failed.at.duration_until(evidence.now).as_secs());
    let finding = Finding::problem(Address::Rotations, format!("the last one failed {ago} ago"));
    let finding = match &failed.end {
        End::Failed { class, text } => {
            let (meaning, next) = advice(evidence, class);
            let finding = finding.why(format!("{class}: {text}"));
            let is_said = matches!(&evidence.self_check, SelfCheck::Failed { class: same, .. } if same == class);
            if is_said { finding } else { finding.why(meaning) }.mend(next)
        }
        End::TimedOut => finding
            .why(format!("the function's timeout of {} s is too short", evidence.spec.function.timeout))
            .mend(format!("raise the spec's `function.timeout`, then {}", evidence.command("apply"))),
        _ => finding.why("the function's process ended").mend(evidence.command("logs --since 1d")),
    };
    match rotated {
        Some(rotated) => finding.why(format!("the last good one was at {}", time(rotated.at))),
        None => finding,
    }
}

/// What was due and did not happen, its window and its retries over.
fn overdue(evidence: &Evidence<'_>) -> Option<Finding> {
    let due = last_due(evidence)?;
    // Clocks differ.
    let earliest = due - SignedDuration::from_mins(1);
    let dated: Vec<_> = evidence.versions().iter().filter_map(|version| version.created).collect();
    if dated.is_empty() || dated.iter().any(|created| *created >= earliest) {
        return None;
    }
    let finding = Finding::problem(Address::Rotations, format!("due at {}, did not rotate", time(due)));
    let Ok(invocations) = &evidence.invocations else { return Some(finding.mend(evidence.command("rotate"))) };
    let reached = invocations.iter().filter(|one| one.at >= earliest).count();
    if reached > 0 {
        let times = if reached == 1 { "once".to_owned() } else { format!("{reached} times") };
        let finding = finding.why(format!("the function was invoked {times} since, and no new version came of it"));
        return Some(finding.mend(evidence.command("logs --since 1d")));
    }
    if earliest < log_reaches_to(evidence) {
        return Some(finding.why("the log does not reach back to then").mend(evidence.command("rotate")));
    }
    let finding = match evidence.spec.trigger {
        Trigger::Schedule if evidence.spec.schedule.dead_letter_queue.is_none() => finding
            .why("no invocation since then: the schedule did not reach the function")
            .why("a `schedule.dead_letter_queue` in the spec would keep what was given up, and why"),
        Trigger::Schedule => finding
            .why("no invocation since then: the schedule did not reach the function")
            .why("the dead-letter queue keeps what was given up, and why"),
        Trigger::Managed(_) => finding.why("no invocation since then: Secrets Manager did not reach the function"),
    };
    let next = if evidence.plan.is_empty() { "rotate" } else { "apply" };
    Some(finding.mend(evidence.command(next)))
}

/// What is older is not read, or no longer kept.
fn log_reaches_to(evidence: &Evidence<'_>) -> Timestamp {
    let read = log_start(evidence.spec, evidence.now);
    let days = evidence.live.log_group.as_ref().and_then(|group| group.retention_days);
    let kept = days.and_then(|days| evidence.now.checked_sub(SignedDuration::from_hours(24 * i64::from(days))).ok());
    kept.map_or(read, |kept| kept.max(read))
}
