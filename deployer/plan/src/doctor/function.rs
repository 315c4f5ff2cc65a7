//! The function's states, and whether it may run at all.

use jiff::SignedDuration;

use super::evidence::{span, time};
use super::{Concurrency, Evidence, Finding, Health};
use crate::resource::Kind;

/// How long Lambda may take to make a function ready; in a VPC it is minutes.
const SLOW: SignedDuration = SignedDuration::from_mins(10);

pub(super) fn examine(evidence: &Evidence<'_>) -> Vec<Finding> {
    if !evidence.has(Kind::Function) {
        return Vec::new();
    }
    let health = match &evidence.function {
        Ok(Some(health)) => health,
        Ok(None) => return Vec::new(),
        Err(why) => return vec![unread(why)],
    };
    let mut found: Vec<Finding> = [state(evidence, health), update(evidence, health), concurrency(evidence, health)]
        .into_iter()
        .flatten()
        .collect();
    if found.is_empty() {
        let state = health.state.as_deref().unwrap_or("Active").to_lowercase();
        found.push(Finding::good(Kind::Function, format!("{}, {state}", evidence.spec.function.name)));
    }
    found
}

fn unread(why: &str) -> Finding {
    Finding::notice(Kind::Function, "its state can't be read").unread(why)
}

fn reason(reason: Option<&String>) -> String {
    reason.cloned().unwrap_or_else(|| "Lambda gives no reason".to_owned())
}

fn state(evidence: &Evidence<'_>, health: &Health) -> Option<Finding> {
    let problem = |what: &str| Finding::problem(Kind::Function, what).why(reason(health.state_reason.as_ref()));
    match health.state.as_deref()? {
        "Failed" => Some(problem("its state is Failed: it can't be invoked").mend(evidence.command("apply"))),
        "Inactive" => {
            let what = "Lambda has put it to rest after a long idle time: the next invocation wakes it, and may fail";
            Some(Finding::notice(Kind::Function, what).mend(evidence.command("rotate")))
        }
        "Pending" => Some(slow(evidence, health, "being made ready", "Pending")),
        _ => None,
    }
}

fn update(evidence: &Evidence<'_>, health: &Health) -> Option<Finding> {
    match health.update.as_deref()? {
        "Failed" => {
            let finding = Finding::problem(Kind::Function, "its last update failed: it runs as it was before");
            Some(finding.why(reason(health.update_reason.as_ref())).mend(evidence.command("apply")))
        }
        "InProgress" if health.state.as_deref() != Some("Pending") => {
            Some(slow(evidence, health, "being updated", "in progress"))
        }
        _ => None,
    }
}

/// What passes by itself, unless it takes too long.
fn slow(evidence: &Evidence<'_>, health: &Health, doing: &str, state: &str) -> Finding {
    let since = health.modified.map(|modified| (modified, modified.duration_until(evidence.now)));
    match since.filter(|(_, elapsed)| *elapsed > SLOW) {
        Some((modified, elapsed)) => {
            Finding::problem(Kind::Function, format!("it is {state} for {}", span(elapsed.as_secs())))
                .why(format!("since {}; {}", time(modified), reason(health.state_reason.as_ref())))
                .mend(evidence.command("apply"))
        }
        None => Finding::notice(Kind::Function, format!("it is {doing}")).mend(evidence.command("doctor")),
    }
}

fn concurrency(evidence: &Evidence<'_>, health: &Health) -> Option<Finding> {
    match &health.concurrency {
        Concurrency::Reserved(0) => Some(
            Finding::problem(Kind::Function, "its reserved concurrency is 0: nothing can run")
                .why("Lambda throttles every invocation, the schedule's too")
                .mend(evidence.command("apply")),
        ),
        Concurrency::Unread(why) => {
            Some(Finding::notice(Kind::Function, "its reserved concurrency can't be read").unread(why))
        }
        Concurrency::Unreserved | Concurrency::Reserved(_) => None,
    }
}
