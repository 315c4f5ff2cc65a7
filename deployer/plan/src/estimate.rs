//! How long carrying out a plan takes, by rule of thumb: whether credentials will last is all that depends on it.

use std::time::Duration;

use crate::plan::{Plan, Verb};
use crate::resource::Kind;
use crate::spec::OnTeardown;

/// Reading everything once more, and the function's own check, which starts it.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// The calls of one resource; a role has the most.
const CALLS: Duration = Duration::from_secs(2);
/// Until a new or changed role is known everywhere.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency>
const PROPAGATION: Duration = Duration::from_secs(15);
/// The upload, and until a function is active.
const FUNCTION: Duration = Duration::from_secs(15);
/// Until Lambda has made network interfaces, or has given them up.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html>
const NETWORK: Duration = Duration::from_secs(90);
/// Until a schedule group is gone.
const GROUP: Duration = Duration::from_mins(1);
/// Until a secret is gone that is deleted without recovery.
const FORCED: Duration = Duration::from_secs(30);

/// What a plan is estimated to take: all its steps one after another, which is on the safe side, as some go on at once.
/// `is_networked`: the function is, or was, on a network of its owner's; `on_secret`: how a secret is deleted.
#[must_use]
pub fn of(plan: &Plan, is_networked: bool, on_secret: OnTeardown) -> Duration {
    if plan.is_empty() {
        return Duration::ZERO;
    }
    let pending = |kind: Kind| plan.action(kind).filter(|action| action.is_pending()).map(|action| action.verb);
    let is_put = |kind| pending(kind).is_some_and(|verb| verb != Verb::Delete);
    let is_deleted = |kind| pending(kind).is_some_and(|verb| matches!(verb, Verb::Delete | Verb::Replace));
    let steps = [
        (is_put(Kind::ExecutionRole) || is_put(Kind::InvokeRole), PROPAGATION),
        (is_put(Kind::Function), FUNCTION),
        (is_networked && pending(Kind::Function).is_some(), NETWORK),
        (is_deleted(Kind::ScheduleGroup), GROUP),
        (is_deleted(Kind::Secret) && on_secret == OnTeardown::Force, FORCED),
    ];
    let calls = Kind::ALL.into_iter().filter_map(pending).map(|_| CALLS);
    steps.into_iter().filter_map(|(is_taken, step)| is_taken.then_some(step)).chain(calls).sum::<Duration>()
        + LOOK_AGAIN
}

/// What several plans take of which `at_once` are carried out at the same time.
#[must_use]
pub fn together(each: &[Duration], at_once: usize) -> Duration {
    each.chunks(at_once.max(1)).filter_map(|wave| wave.iter().max()).sum()
}
