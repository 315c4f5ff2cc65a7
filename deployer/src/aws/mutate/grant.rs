//! A role in two steps: first what it grants before and after its change together, then what it grants in the end.

use plan::desired::Desired;
use plan::plan::{Action, Verb};
use plan::resource::{Kind, Role, role};
use plan::rights;
use plan::saved::{Difference, What};

use super::super::error::Result;
use super::super::function;
use super::{Granted, Mutator, lock};

impl Mutator {
    /// Wants of a role what it is before and after the action together, until [`Mutator::narrow`]. What the action comes to
    /// for now.
    pub(super) fn widen(&self, action: &Action) -> (Action, Option<Granted>) {
        let (kind, mut desired) = (action.kind, lock(&self.desired));
        let live = kind.role().and_then(|role| match role {
            Role::Execution => self.live.execution_role.as_ref(),
            Role::Invoke => self.live.invoke_role.as_ref(),
        });
        let granted = live.zip(role_mut(&mut desired, kind)).map(|(live, wanted)| {
            let for_now = wanted.widened(live);
            let at_last = std::mem::replace(wanted, for_now.clone());
            Granted { for_now, at_last, is_new: action.verb == Verb::Replace }
        });
        let changes = desired.changes(kind, &self.live).unwrap_or_default();
        (Action { changes, ..action.clone() }, granted)
    }

    /// Wants of a role what it is in the end. What is left of the action, where it was begun; else all of it.
    pub(super) fn narrow(&self, action: &Action) -> Action {
        let Some(Granted { for_now, at_last, .. }) = lock(&self.granted).get(&action.kind).cloned() else {
            return action.clone();
        };
        if let Some(wanted) = role_mut(&mut lock(&self.desired), action.kind) {
            wanted.clone_from(&at_last);
        }
        Action { verb: Verb::Update, changes: at_last.attributes().diff(&for_now.attributes()), ..action.clone() }
    }

    /// Waits until the function, if there is one, has its settings: until then it has those that may use what is withdrawn
    /// from its role. The run that changed it may have been another one.
    pub(super) async fn until_unused(&self, action: &Action, notify: &(dyn Fn(&str) + Sync)) -> Result<()> {
        let is_change = matches!(action.verb, Verb::Update | Verb::Replace);
        if action.kind != Kind::ExecutionRole || !is_change || !rights::withdraws(&action.changes) {
            return Ok(());
        }
        let name = lock(&self.desired).function.name.clone();
        function::settle_if_there(&self.clients, &name, self.wait(notify, &[])).await
    }
}

impl Granted {
    /// Whether a difference to a saved plan is this run's own.
    pub(super) fn explains(&self, difference: &Difference) -> bool {
        let What::Field { name, after, .. } = &difference.what else { return false };
        let left = self.for_now.attributes();
        let left = left.iter().find(|(attribute, _)| attribute.to_string() == *name).map(|(_, value)| value);
        after.as_ref() == left || (self.is_new && name == "id")
    }
}

fn role_mut(desired: &mut Desired, kind: Kind) -> Option<&mut role::Desired> {
    Some(match kind.role()? {
        Role::Execution => &mut desired.execution_role,
        Role::Invoke => &mut desired.invoke_role,
    })
}
