//! The plan that takes a stack away.

use crate::again::{others, others_schedules};
use crate::desired::Desired;
use crate::live::Live;
use crate::plan::{Action, Plan, Refusal, TeardownOptions, Verb, foreign_owner, plan};
use crate::renamed::renamed;
use crate::resource::{Kind, role};
use crate::spec::{OnTeardown, Spec};

/// The plan that removes what is ours, dependents first. What is foreign is refused, and stays.
#[must_use]
pub fn teardown(spec: &Spec, desired: &Desired, live: &Live, options: TeardownOptions) -> Plan {
    let (mut actions, mut refusals) = (Vec::new(), Vec::new());
    for kind in Kind::ALL.into_iter().rev() {
        // Secrets Manager rotates no secret that is scheduled for deletion, and takes no word about its rules.
        let is_still = kind == Kind::Rotation && live.secret.as_ref().is_some_and(|secret| secret.deleted.is_some());
        if live.attributes(kind).is_none() || is_still {
            continue;
        }
        let name = desired.name(kind).to_owned();
        if let Some(owner) = foreign_owner(desired, live, kind) {
            refusals.push(Refusal { kind, name, owner: owner.stack(), changes: Vec::new() });
            continue;
        }
        let (verb, note) = fate(spec, desired, live, kind, options);
        actions.push(Action { kind, name, verb, cause: None, adopted: false, changes: Vec::new(), note });
    }
    plan(spec, actions, refusals, renamed(spec, desired, live))
}

pub(crate) fn fate(
    spec: &Spec,
    desired: &Desired,
    live: &Live,
    kind: Kind,
    options: TeardownOptions,
) -> (Verb, Option<String>) {
    match kind {
        Kind::Secret => secret_fate(spec, live, options),
        Kind::ExecutionRole => (Verb::Delete, detached(&desired.execution_role, live.execution_role.as_ref())),
        Kind::InvokeRole => (Verb::Delete, detached(&desired.invoke_role, live.invoke_role.as_ref())),
        Kind::ScheduleGroup => {
            let group = live.schedule_group.as_ref();
            if group.is_some_and(|group| group.deleting) {
                return (Verb::Delete, Some("is being deleted already; waits until it is gone".to_owned()));
            }
            let others = others_schedules(desired, live);
            if others.is_empty() {
                return (Verb::Delete, None);
            }
            (Verb::Keep, Some(format!("holds schedules that are not this stack's: {}", others.join(", "))))
        }
        Kind::Function => (Verb::Delete, detached_first(spec, live)),
        Kind::LogGroup | Kind::Schedule | Kind::Permission | Kind::Rotation => (Verb::Delete, None),
    }
}

fn secret_fate(spec: &Spec, live: &Live, options: TeardownOptions) -> (Verb, Option<String>) {
    let deleted = live.secret.as_ref().and_then(|secret| secret.deleted.as_deref());
    match (options.on_secret(spec), deleted) {
        (OnTeardown::Force, _) => (Verb::Delete, Some("at once and for ever: it can't be recovered".to_owned())),
        (_, Some(date)) => {
            (Verb::NoOp, Some(format!("scheduled for deletion already ({date}); `deploy apply` restores it")))
        }
        (OnTeardown::Keep, None) => (Verb::Keep, Some("the spec says `on_teardown: keep`".to_owned())),
        (OnTeardown::RecoveryWindowDays(days), None) => (Verb::Delete, Some(format!("recoverable for {days} days"))),
    }
}

/// Lambda removes the interfaces of a function in its own time, up to an hour after it was taken off its network.
fn detached_first(spec: &Spec, live: &Live) -> Option<String> {
    let vpc = live.function.as_ref()?.settings.vpc.as_ref()?;
    let subnets: Vec<&str> = vpc.subnets.iter().map(String::as_str).collect();
    Some(format!(
        "is taken off its network first; Lambda removes its interfaces later, and this shows those that are left: aws ec2 \
         describe-network-interfaces --region {} --filters Name=interface-type,Values=lambda Name=subnet-id,Values={}",
        spec.region,
        subnets.join(","),
    ))
}

/// What others attached to a role or put on it goes with it, and never silently.
fn detached(desired: &role::Desired, live: Option<&role::Live>) -> Option<String> {
    let others: Vec<String> = others(desired, live?).into_iter().collect();
    (!others.is_empty()).then(|| format!("policies that are not the spec's go with it: {}", others.join(", ")))
}
