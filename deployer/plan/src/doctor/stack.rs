//! The stack against its spec: what apply would do, and which of it keeps the secret from being rotated.

use super::{Address, Evidence, Finding, Level, Queue};
use crate::attribute::Change;
use crate::plan::{Action, Cause, Refusal, Verb};
use crate::precondition::Unmet;
use crate::renamed::Renamed;
use crate::resource::Kind;
use crate::spec::Trigger;

/// What no rotation hangs on.
const COSMETIC: &[&str] = &[
    "tags",
    "description",
    "memory",
    "retention_days",
    "attached_policy",
    "after_completion",
    "tracing",
    "ephemeral_storage",
    "dead_letter_target",
    "async_on_success",
    "async_on_failure",
    "vpc.ipv6",
];
/// What is told in words of its own.
const TOLD_ELSEWHERE: &[&str] = &["enabled", "start_date", "end_date", "reserved_concurrency"];
/// What has a line of its own where it is as it should be.
const SPEAKS_FOR_ITSELF: &[Kind] = &[Kind::Secret, Kind::Function, Kind::Schedule, Kind::Rotation];

pub(super) fn examine(evidence: &Evidence<'_>) -> Vec<Finding> {
    let plan = evidence.plan;
    let refusals = plan.refusals.iter().map(|refusal| foreign(evidence, refusal));
    let renamed = plan.renamed.iter().map(left_under_another_name);
    let unmet = evidence.unmet.iter().filter(|unmet| !is_told_elsewhere(evidence, unmet)).map(unmet_finding);
    refusals.chain(renamed).chain(plan.actions.iter().filter_map(|action| of(evidence, action))).chain(unmet).collect()
}

/// That a queue is not there has a finding of its own.
fn is_told_elsewhere(evidence: &Evidence<'_>, unmet: &Unmet) -> bool {
    unmet.address == Address::DeadLetterQueue && evidence.queue == Queue::Absent
}

fn unmet_finding(unmet: &Unmet) -> Finding {
    Finding::problem(unmet.address, &unmet.what).mend(&unmet.fix)
}

fn left_under_another_name(renamed: &Renamed) -> Finding {
    let Renamed { kind, name, seen, remove } = renamed;
    Finding::notice(*kind, format!("{name} is not a name of the spec"))
        .why(format!("{seen}; if it was this stack's, and nothing else needs it, remove it"))
        .mend(remove.join(" && "))
}

fn foreign(evidence: &Evidence<'_>, refusal: &Refusal) -> Finding {
    let Refusal { kind, name, owner, .. } = refusal;
    let whose = match owner {
        Some(owner) => format!("it belongs to stack {owner}"),
        None => "it carries no stack's tag".to_owned(),
    };
    Finding::problem(*kind, format!("{name} is not this stack's"))
        .why(whose)
        .mend(evidence.command(&format!("apply --adopt {}/{kind}", evidence.spec.name)))
}

fn of(evidence: &Evidence<'_>, action: &Action) -> Option<Finding> {
    let (kind, name) = (action.kind, &action.name);
    let apply = |finding: Finding| finding.mend(evidence.command("apply"));
    match action.verb {
        Verb::NoOp | Verb::Keep if SPEAKS_FOR_ITSELF.contains(&kind) => None,
        Verb::NoOp | Verb::Keep => Some(Finding::good(kind, name)),
        Verb::Create => Some(apply(absent(evidence, kind, name))),
        Verb::Restore => {
            let when = evidence.live.secret.as_ref().and_then(|secret| secret.deleted.clone()).unwrap_or_default();
            Some(apply(Finding::problem(kind, format!("{name} is scheduled for deletion since {when}"))))
        }
        Verb::Delete => Some(apply(left_over(evidence, kind, name))),
        Verb::Update | Verb::Replace => differs(action).map(apply),
    }
}

fn absent(evidence: &Evidence<'_>, kind: Kind, name: &str) -> Finding {
    match kind {
        Kind::LogGroup => Finding::notice(kind, format!("{name} is not there: what the function logs is lost")),
        Kind::Permission => Finding::problem(kind, "Secrets Manager may not invoke the function"),
        Kind::Rotation => Finding::problem(kind, "the secret's rotation is off: Secrets Manager starts none"),
        Kind::InvokeRole if evidence.live.schedule.is_some() => {
            Finding::problem(kind, format!("{name} is not there: the schedule can't invoke the function"))
        }
        Kind::ExecutionRole if evidence.live.function.is_some() => {
            Finding::problem(kind, format!("{name} is not there: the function can't start"))
        }
        _ => Finding::problem(kind, format!("{name} is not there")),
    }
}

fn left_over(evidence: &Evidence<'_>, kind: Kind, name: &str) -> Finding {
    let (other, own) = match evidence.spec.trigger {
        Trigger::Schedule => ("Secrets Manager", "the schedule"),
        Trigger::Managed(_) => ("a schedule", "Secrets Manager"),
    };
    if kind.rival().is_some() {
        return Finding::problem(kind, format!("{other} starts rotations as well"))
            .why(format!("the spec says that {own} does; each undoes the other's"));
    }
    Finding::notice(kind, format!("{name} is left from another trigger"))
}

fn differs(action: &Action) -> Option<Finding> {
    let told = |change: &&Change| !TOLD_ELSEWHERE.contains(&change.attribute.name);
    let changes: Vec<&Change> = action.changes.iter().filter(told).collect();
    if changes.is_empty() {
        return None;
    }
    let is_drift = action.cause == Some(Cause::Drift);
    let by = if is_drift { "somebody changed it since the last apply" } else { "the last apply was of another spec" };
    let worst = changes.iter().map(|change| gravity(action.kind, change, is_drift)).max().unwrap_or(Level::Notice);
    let what = match worst {
        Level::Problem => None,
        _ if is_drift => Some(format!("{} was changed, in what no rotation hangs on", action.name)),
        _ => Some(format!("{} is not yet as the spec says", action.name)),
    };
    let said = what.or_else(|| changes.iter().find_map(|change| meaning(action.kind, change)));
    let what = said.unwrap_or_else(|| format!("{} is not as the spec says", action.name));
    let names: Vec<String> = changes.iter().map(|change| change.attribute.to_string()).collect();
    Some(Finding::new(worst, action.kind, what).why(format!("{}: {by}", names.join(", "))))
}

fn gravity(kind: Kind, change: &Change, is_drift: bool) -> Level {
    let name = change.attribute.name;
    // These hang on nothing that a spec changes at will.
    let is_always_grave = matches!(name, "trust" | "statement" | "role_id");
    let is_added = change.after.is_none() && matches!(kind, Kind::ExecutionRole | Kind::InvokeRole);
    match () {
        () if COSMETIC.contains(&name) || (is_added && name == "policy") => Level::Notice,
        () if is_drift || is_always_grave => Level::Problem,
        () => Level::Notice,
    }
}

/// What a difference comes to, where that can be said in a sentence.
fn meaning(kind: Kind, change: &Change) -> Option<String> {
    let key = change.attribute.key.as_deref().unwrap_or_default();
    Some(match (kind, change.attribute.name) {
        (Kind::InvokeRole, "trust") => "the schedule may not assume its invoke role".to_owned(),
        (Kind::ExecutionRole, "trust") => "Lambda may not assume the function's role".to_owned(),
        (Kind::InvokeRole, "policy") if change.before.is_none() => format!("the invoke role lacks its policy {key}"),
        (Kind::InvokeRole, "policy") => format!("the invoke role's policy {key} is another"),
        (Kind::ExecutionRole, "policy") if change.before.is_none() => {
            format!("the function's role lacks its policy {key}")
        }
        (Kind::ExecutionRole, "policy") => format!("the policy {key} of the function's role is another"),
        (Kind::Function, "role_id") => "the function's role was made anew: Lambda's grants for it are gone".to_owned(),
        (Kind::Function, "role") => "the function runs as another role".to_owned(),
        (Kind::Function, "code_sha256") => "the function's code is another".to_owned(),
        (Kind::Function, "environment_key") => "the function needs another key to start: its environment's".to_owned(),
        (Kind::Function, "environment_error") => "Lambda can't read the function's environment".to_owned(),
        (Kind::Function, "code_key") => "the function needs another key to start: its package's".to_owned(),
        (Kind::Function, "file_system") => "the function needs a file system to start".to_owned(),
        (Kind::Function, "log_destination" | "log_format" | "log_level") => {
            "the function logs to where, or as what, it is not looked for".to_owned()
        }
        (Kind::Schedule, "target") => "the schedule invokes another function".to_owned(),
        (Kind::Schedule, "role") => "the schedule uses another role".to_owned(),
        (Kind::Rotation, "function") => "Secrets Manager invokes another function".to_owned(),
        (Kind::Permission, "statement") => "Secrets Manager's right to invoke the function is another".to_owned(),
        _ => return None,
    })
}
