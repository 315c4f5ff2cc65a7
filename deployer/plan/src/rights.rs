//! The order in which the rights of a role change: what is granted comes before its first use, what is withdrawn goes after
//! its last.
//!
//! Lambda and EventBridge Scheduler use a role on their own: the old function may run until it has its new settings, and
//! the old schedule may fire until it is stored anew. So a role is first brought to what both sides need, then what uses it
//! is changed, then the role is brought to what is left.

use crate::attribute::{Change, Value};
use crate::plan::{Action, Plan, Verb};
use crate::policy;
use crate::resource::{Kind, Role};

/// When a change of a plan is carried out, as far as rights go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// In one piece, once what it needs is there.
    Whole,
    /// In two: what it grants before what uses the role, the rest after that.
    Split,
    /// In one piece, after what uses the role: it grants nothing.
    Last,
}

/// When an action of a plan is carried out.
#[must_use]
pub fn order(plan: &Plan, action: &Action) -> Order {
    let is_change = matches!(action.verb, Verb::Update | Verb::Replace);
    if !is_change || !withdraws(&action.changes) || pending_users(plan, action.kind).is_empty() {
        return Order::Whole;
    }
    // A role that is made anew grants all that it grants.
    if action.verb == Verb::Replace || grants(&action.changes) { Order::Split } else { Order::Last }
}

/// The kinds whose pending change may be the last use of what a role grants.
#[must_use]
pub fn pending_users(plan: &Plan, role: Kind) -> Vec<Kind> {
    let is_pending = |kind: &Kind| plan.action(*kind).is_some_and(Action::is_pending);
    role.role().map_or(&[][..], users).iter().copied().filter(is_pending).collect()
}

/// Whatever uses a role, or has a hand in what does: a secret's key is used until the secret has another, and a function
/// runs until nothing starts it any more.
const fn users(role: Role) -> &'static [Kind] {
    match role {
        Role::Execution => &[Kind::Secret, Kind::Function, Kind::Schedule, Kind::Permission, Kind::Rotation],
        Role::Invoke => &[Kind::Schedule],
    }
}

/// The role that has to grant what an action makes use of, besides those that its kind needs: the function may read a secret
/// with another key as soon as that has it.
#[must_use]
pub fn granted_before(action: &Action) -> Option<Kind> {
    let is_rekeyed = matches!(action.verb, Verb::Update | Verb::Restore) && action.touches("kms_key");
    (action.kind == Kind::Secret && is_rekeyed).then_some(Kind::ExecutionRole)
}

/// Whether changes of a role take anything away that it grants.
#[must_use]
pub fn withdraws(changes: &[Change]) -> bool {
    changes.iter().any(|change| match change.attribute.name {
        "attached_policy" => change.after.is_none(),
        "policy" => both(change) != change.after,
        _ => false,
    })
}

/// Whether changes of a role grant anything. A boundary counts as one even where it is narrower: what it bounds is not read,
/// and a caller's own rights may hang on it.
fn grants(changes: &[Change]) -> bool {
    changes.iter().any(|change| match change.attribute.name {
        "trust" | "permissions_boundary" => true,
        "policy" => both(change) != change.before,
        _ => false,
    })
}

/// What grants all that a policy grants before its change and after.
fn both(change: &Change) -> Option<Value> {
    let document = |value: &Option<Value>| match value {
        Some(Value::Policy(document)) => Some(document.clone()),
        _ => None,
    };
    match (document(&change.before), document(&change.after)) {
        (None, after) => after.map(Value::Policy),
        (Some(before), after) => policy::union(&before, after.as_ref()).map(Value::Policy),
    }
}
