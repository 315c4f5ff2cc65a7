//! What became of a stack, as a person and as a program read it.

use std::time::Duration;

use plan::plan::{Plan, Verb};
use plan::resource::Kind;
use serde::Serialize;

use super::failure::explain;
use crate::aws::{Class, Error};
use crate::engine::{Outcome, Report};
use crate::exit::Exit;
use crate::ui::{Ui, granted, not_started, seconds};

/// What becomes of one resource, in a JSON document.
#[derive(Debug, Serialize)]
pub struct ResourceJson {
    address: Kind,
    name: String,
    action: Verb,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// The outcomes of a run, for a program.
#[must_use]
pub fn resources(plan: &Plan, report: &Report) -> Vec<ResourceJson> {
    let resource = |(kind, outcome): &(Kind, Outcome)| {
        let action = plan.action(*kind)?;
        let (outcome, milliseconds, reason) = match outcome {
            Outcome::Done(elapsed) => ("done", Some(millis(*elapsed)), None),
            Outcome::Failed(error) => (word(error), None, Some(explain(error))),
            Outcome::NotStarted(why) => ("not-started", None, Some(not_started(why))),
            Outcome::Granted(why) => ("granted", None, Some(granted(why))),
            Outcome::Unknown(why) => ("unknown", None, why.clone()),
        };
        let (address, name, action) = (*kind, action.name.clone(), action.verb);
        Some(ResourceJson { address, name, action, outcome, milliseconds, reason })
    };
    report.outcomes.iter().filter_map(resource).collect()
}

/// Of what was not answered nobody knows whether it was done.
fn word(error: &Error) -> &'static str {
    if error.class == Class::Network { "unknown" } else { "failed" }
}

fn millis(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// Tells an unfinished run: what is done, what is not, what is unknown, and how to go on.
pub fn unfinished(plan: &Plan, report: &Report, command: &str, ui: Ui) {
    let mut lines = Vec::new();
    for (kind, outcome) in &report.outcomes {
        let name = plan.action(*kind).map(|action| action.name.as_str()).unwrap_or_default();
        lines.push(match outcome {
            Outcome::Done(_) => format!("done     {kind} {name}"),
            Outcome::Failed(error) => format!("{:<8} {kind} {name}: {}", word(error), explain(error)),
            Outcome::NotStarted(why) => format!("not done {kind} {name}: {}", not_started(why)),
            Outcome::Granted(why) => format!("half     {kind} {name}: {}", granted(why)),
            Outcome::Unknown(why) => {
                format!("unknown  {kind} {name}: {}", why.as_deref().unwrap_or("no answer was waited for"))
            }
        });
    }
    lines.push(format!("next: run `deploy {command}` again; it goes on from what is there"));
    let (done, all) = (report.done(), report.outcomes.len());
    ui.error(&format!("stack {}: {done} of {all} changes done after {}", plan.stack, seconds(report.elapsed)), &lines);
}

/// The exit code of a run.
#[must_use]
pub fn exit(report: &Report, interrupted: bool) -> Exit {
    match (report.is_done(), interrupted) {
        (true, _) => Exit::Done,
        (false, true) => Exit::Interrupted,
        (false, false) if was_refused(report) => Exit::Refused,
        (false, false) => Exit::Error,
    }
}

/// The errors of what failed.
fn errors(report: &Report) -> impl Iterator<Item = &Error> {
    report.outcomes.iter().filter_map(|(_, outcome)| match outcome {
        Outcome::Failed(error) => Some(error),
        _ => None,
    })
}

/// Whether a resource turned out to be foreign only when it was to be changed.
fn was_refused(report: &Report) -> bool {
    errors(report).any(|error| error.class == Class::Foreign)
}

/// Whether nothing failed but by somebody's change since the plan.
#[must_use]
pub fn is_stale(report: &Report) -> bool {
    errors(report).next().is_some() && errors(report).all(|error| error.class == Class::Stale)
}
