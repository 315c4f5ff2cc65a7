//! What may still be done to a resource, seen right before it is done: between the plan and the change somebody else may
//! have come.

use std::collections::BTreeSet;

use crate::desired::Desired;
use crate::live::Live;
use crate::ownership::{Owner, owner};
use crate::plan::{Action, Verb};
use crate::resource::{Kind, function, role};

/// What is left of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Still {
    /// All of it.
    Due,
    /// Nothing: somebody has done it.
    Done,
}

/// Why an action may not be carried out any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// It is somebody else's, or what it is owned through is.
    Foreign {
        /// The resource with the tags.
        whole: Kind,
        /// Whose it is.
        owner: Owner,
    },
    /// It is gone, or what it is a part of is.
    Gone(Kind),
    /// It was deleted and made anew: what was planned was another one.
    MadeAnew,
    /// The secret is scheduled for deletion; since when.
    ScheduledForDeletion(String),
    /// Others have put something of theirs in or on it, which would go with it.
    Holds(Vec<String>),
}

/// Whether a change must be looked at again: all but a creation, which fails on what is there. A part that is added to
/// what was there already changes that too.
#[must_use]
pub fn is_to_be_seen(action: &Action, planned: &Live) -> bool {
    let whole = action.kind.owned_through();
    let was_going = planned.schedule_group.as_ref().is_some_and(|group| group.deleting);
    let whole_was_there = planned.tags(whole).is_some() && !(whole == Kind::ScheduleGroup && was_going);
    action.verb != Verb::Create || (whole != action.kind && whole_was_there)
}

/// What is left of `action`, which was planned when the stack was as `planned`, now that its resource is as `now`.
///
/// # Errors
/// Why it may not be carried out any more.
pub fn still(action: &Action, desired: &Desired, planned: &Live, now: &Live) -> Result<Still, Obstacle> {
    let (kind, verb) = (action.kind, action.verb);
    let whole = kind.owned_through();
    let Some(tags) = now.tags(whole) else {
        return match verb {
            Verb::Delete => Ok(Still::Done),
            Verb::Replace => Ok(Still::Due),
            _ => Err(Obstacle::Gone(whole)),
        };
    };
    let owned = |tags| owner(desired.tags(whole), tags);
    let is_taken_over = action.adopted && planned.tags(whole).map(owned) == Some(owned(tags));
    if owned(tags) != Owner::Us && !is_taken_over {
        return Err(Obstacle::Foreign { whole, owner: owned(tags) });
    }
    let Some(changes) = desired.changes(kind, now) else {
        return match verb {
            Verb::Delete => Ok(Still::Done),
            Verb::Create | Verb::Replace => Ok(Still::Due),
            _ => Err(Obstacle::Gone(kind)),
        };
    };
    let failed = |live: &function::Live| live.waiting().is_some_and(|change| function::Live::is_failed_update(&change));
    let is_failed = kind == Kind::Function && now.function.as_ref().is_some_and(failed);
    let is_as_desired = changes.is_empty() && !is_failed;
    if verb == Verb::Delete || (verb == Verb::Replace && !is_as_desired) {
        let held = held(kind, desired, planned, now);
        return if held.is_empty() { Ok(Still::Due) } else { Err(Obstacle::Holds(held)) };
    }
    let was_made_anew = identity(planned, whole).is_some_and(|before| identity(now, whole) != Some(before));
    if verb != Verb::Replace && was_made_anew {
        return Err(Obstacle::MadeAnew);
    }
    let deleted = now.secret.as_ref().and_then(|secret| secret.deleted.clone());
    match (verb, deleted) {
        (Verb::Create | Verb::Update, Some(since)) => Err(Obstacle::ScheduledForDeletion(since)),
        (Verb::Restore, Some(_)) => Ok(Still::Due),
        _ if is_as_desired => Ok(Still::Done),
        _ => Ok(Still::Due),
    }
}

/// Whether a resource that is there is the desired one's own creation, begun and not ended: it carries the note that only
/// such a creation writes, and nothing is on it but what is desired.
#[must_use]
pub fn is_begun(kind: Kind, desired: &Desired, now: &Live) -> bool {
    let is_noted = now.applied(kind) == Some(desired.fingerprint(kind).as_str());
    let changes = desired.changes(kind, now);
    is_noted && changes.is_some_and(|changes| changes.iter().all(|change| change.before.is_none()))
}

/// What tells a resource from another that was made under its name.
fn identity(live: &Live, kind: Kind) -> Option<&str> {
    match kind {
        Kind::Secret => live.secret.as_ref().map(|secret| secret.arn.as_str()),
        Kind::ExecutionRole => live.execution_role.as_ref().map(|role| role.id.as_str()),
        Kind::InvokeRole => live.invoke_role.as_ref().map(|role| role.id.as_str()),
        _ => None,
    }
}

/// What would go along with a resource, and was not there when that was planned.
fn held(kind: Kind, desired: &Desired, planned: &Live, now: &Live) -> Vec<String> {
    match kind {
        Kind::ExecutionRole => {
            on_role(&desired.execution_role, planned.execution_role.as_ref(), now.execution_role.as_ref())
        }
        Kind::InvokeRole => on_role(&desired.invoke_role, planned.invoke_role.as_ref(), now.invoke_role.as_ref()),
        // In one that is going already there is nothing left to lose.
        Kind::ScheduleGroup if now.schedule_group.as_ref().is_some_and(|group| group.deleting) => Vec::new(),
        Kind::ScheduleGroup => others_schedules(desired, now),
        _ => Vec::new(),
    }
}

/// The schedules in the stack's group that are not its own: with the group all of them go.
pub(crate) fn others_schedules(desired: &Desired, live: &Live) -> Vec<String> {
    live.schedules_in_group.iter().filter(|name| **name != desired.schedule.name).cloned().collect()
}

fn on_role(desired: &role::Desired, planned: Option<&role::Live>, now: Option<&role::Live>) -> Vec<String> {
    let of =
        |live: Option<&role::Live>| -> BTreeSet<String> { live.map(|live| others(desired, live)).unwrap_or_default() };
    of(now).difference(&of(planned)).cloned().collect()
}

/// The policies of a role that are not the deployer's: managed ones by ARN, and inline ones by name.
pub(crate) fn others(desired: &role::Desired, live: &role::Live) -> BTreeSet<String> {
    let inline = live.policies.keys().filter(|name| !desired.policies.contains_key(*name));
    live.attached.iter().chain(inline).cloned().collect()
}
