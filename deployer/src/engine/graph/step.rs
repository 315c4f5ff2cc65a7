//! The steps of an action: one, or two where a role grants before what uses it changes, and withdraws after that.

use plan::plan::{Action, Plan, Verb};
use plan::resource::Kind;
use plan::rights::{self, Order};

/// A part of an action that is carried out in one go.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    pub action: &'a Action,
    pub part: Part,
}

/// Which part of its action a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// What a role grants.
    Grant,
    /// What is left of a role's action.
    Rest,
    /// All of a role's action, which grants nothing.
    Last,
}

/// The steps of an action.
pub fn steps<'a>(plan: &Plan, action: &'a Action) -> Vec<Step<'a>> {
    let step = |part| Step { action, part };
    match rights::order(plan, action) {
        Order::Whole => vec![step(Part::Whole)],
        Order::Split => vec![step(Part::Grant), step(Part::Rest)],
        Order::Last => vec![step(Part::Last)],
    }
}

impl Step<'_> {
    /// The kinds that must be done before: what uses the rights that are withdrawn; what it needs, and the end of its
    /// rival; or, where it is deleted, what needs it, and what it is a part of, unless that is deleted as well.
    pub fn needs(self, plan: &Plan) -> Vec<Kind> {
        let verb = |kind: Kind| plan.action(kind).filter(|action| action.is_pending()).map(|action| action.verb);
        let is_deleted = |kind: &Kind| verb(*kind) == Some(Verb::Delete);
        let kind = self.action.kind;
        match self.part {
            Part::Rest | Part::Last => rights::pending_users(plan, kind),
            Part::Whole | Part::Grant if self.action.verb == Verb::Delete => {
                let dependents = Kind::ALL.into_iter().filter(|other| other.needs().contains(&kind));
                let whole = Some(kind.owned_through()).filter(|whole| *whole != kind && !is_deleted(whole));
                dependents.chain(whole).filter(|kind| verb(*kind).is_some()).collect()
            }
            Part::Whole | Part::Grant => {
                let needs = kind.needs().iter().copied().chain(rights::granted_before(self.action));
                let needs = needs.filter(|kind| verb(*kind).is_some());
                needs.chain(kind.rival().filter(is_deleted)).collect()
            }
        }
    }
}
