//! The dependency graph of one plan.

mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use plan::plan::{Action, Plan};
use plan::resource::Kind;
use plan::rights::{self, Order};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::step::{Part, Step, steps};
use super::Mutate;
use crate::aws::{Class, Error};
use crate::fault::caught;

/// What happens while a plan runs.
#[derive(Debug)]
pub enum Event<'a> {
    /// An action begins.
    Started(&'a Action),
    /// An action waits; why.
    Waiting(&'a Action, &'a str),
    /// An action has ended.
    Ended(&'a Action, &'a Outcome),
}

/// Why an action was not begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotStarted {
    /// What it needs has failed, or was not begun itself.
    Needs(Kind),
    /// The run was interrupted before.
    Interrupted,
}

/// What became of an action.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It is done.
    Done(Duration),
    /// It failed; some of its calls may be done.
    Failed(Error),
    /// It was not begun.
    NotStarted(NotStarted),
    /// A role grants what is new; what is not needed any more was not withdrawn, and why.
    Granted(NotStarted),
    /// It was begun, and no one waited for its end; what was waited for last.
    Unknown(Option<String>),
}

/// What became of a plan: one outcome for each pending action, in the plan's order.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The actions with their outcomes.
    pub outcomes: Vec<(Kind, Outcome)>,
    /// From the first call to the last answer.
    pub elapsed: Duration,
}

impl Report {
    /// Whether everything was done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.outcomes.iter().all(|(_, outcome)| matches!(outcome, Outcome::Done(_)))
    }

    /// How many actions are done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Done(_))).count()
    }
}

/// When a run stops before its end.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Begin nothing more; wait for what is under way.
    pub gently: CancellationToken,
    /// Wait for nothing either.
    pub at_once: CancellationToken,
}

/// Runs all pending actions of `plan`. Actions whose needs are met run at the same time; a failed one holds back only
/// what needs it.
pub async fn run<M: Mutate>(plan: &Plan, mutate: &M, stop: &Stop, tell: &(dyn Fn(&Event<'_>) + Sync)) -> Report {
    let start = Instant::now();
    let pending = || plan.actions.iter().filter(|action| action.is_pending());
    let mut state = State { waiting: pending().flat_map(|action| steps(plan, action)).collect(), ..State::default() };
    let mut running = FuturesUnordered::new();
    loop {
        for step in state.startable(plan, stop) {
            if state.begun.insert(step.action.kind) {
                tell(&Event::Started(step.action));
            }
            running.push(take(step, mutate, tell));
        }
        let next = tokio::select! {
            biased;
            () = stop.at_once.cancelled() => None,
            next = running.next() => next,
        };
        let Some((step, outcome)) = next else { break };
        let action = step.action;
        match outcome {
            Outcome::Done(elapsed) if step.part == Part::Grant => {
                tell(&Event::Waiting(action, WITHDRAWS_LATER));
                state.granted.insert(action.kind, elapsed);
            }
            outcome => {
                let outcome = state.with_grant(action.kind, outcome);
                tell(&Event::Ended(action, &outcome));
                state.ended.insert(action.kind, outcome);
            }
        }
    }
    let outcomes: Vec<(Kind, Outcome)> =
        pending().map(|action| (action.kind, state.outcome(plan, action.kind, stop))).collect();
    for (kind, outcome) in &outcomes {
        if let (Outcome::Granted(_), Some(action)) = (outcome, plan.action(*kind)) {
            tell(&Event::Ended(action, outcome));
        }
    }
    Report { outcomes, elapsed: start.elapsed() }
}

/// Is told of a role between its two steps.
const WITHDRAWS_LATER: &str = "grants what is new, and withdraws the rest once nothing uses it";

/// How far a run has come.
#[derive(Default)]
struct State<'a> {
    waiting: Vec<Step<'a>>,
    begun: BTreeSet<Kind>,
    /// Roles that grant what is new, and how long that took.
    granted: BTreeMap<Kind, Duration>,
    ended: BTreeMap<Kind, Outcome>,
}

impl<'a> State<'a> {
    /// Expired credentials fail every call alike: there is no use in beginning more.
    fn is_over(&self, stop: &Stop) -> bool {
        stop.gently.is_cancelled() || self.ended.values().any(is_credentials)
    }

    /// Takes out what may be begun now.
    fn startable(&mut self, plan: &Plan, stop: &Stop) -> Vec<Step<'a>> {
        if self.is_over(stop) {
            return Vec::new();
        }
        let (begun, rest) =
            std::mem::take(&mut self.waiting).into_iter().partition(|step| self.is_startable(plan, *step));
        self.waiting = rest;
        begun
    }

    fn is_startable(&self, plan: &Plan, step: Step<'_>) -> bool {
        let is_ended = self.ended.contains_key(&step.action.kind);
        let is_next = step.part != Part::Rest || self.granted.contains_key(&step.action.kind);
        !is_ended && is_next && step.needs(plan).iter().all(|kind| self.is_met(plan, *kind))
    }

    /// Whether what needs a kind may go on: a role is needed for what it grants.
    fn is_met(&self, plan: &Plan, kind: Kind) -> bool {
        let grants_nothing = || plan.action(kind).is_some_and(|action| rights::order(plan, action) == Order::Last);
        matches!(self.ended.get(&kind), Some(Outcome::Done(_))) || self.granted.contains_key(&kind) || grants_nothing()
    }

    fn with_grant(&self, kind: Kind, outcome: Outcome) -> Outcome {
        match (outcome, self.granted.get(&kind)) {
            (Outcome::Done(elapsed), Some(granted)) => Outcome::Done(elapsed + *granted),
            (outcome, _) => outcome,
        }
    }

    fn outcome(&self, plan: &Plan, kind: Kind, stop: &Stop) -> Outcome {
        let Some(step) = self.waiting.iter().rfind(|step| step.action.kind == kind) else {
            return self.ended.get(&kind).cloned().unwrap_or(Outcome::Unknown(None));
        };
        match self.ended.get(&kind) {
            Some(outcome) => outcome.clone(),
            None if self.granted.contains_key(&kind) => Outcome::Granted(self.why_not(plan, *step, stop)),
            None if self.begun.contains(&kind) => Outcome::Unknown(None),
            None => Outcome::NotStarted(self.why_not(plan, *step, stop)),
        }
    }

    fn why_not(&self, plan: &Plan, step: Step<'_>, stop: &Stop) -> NotStarted {
        let is_waiting = |kind: &Kind| self.waiting.iter().any(|step| step.action.kind == *kind);
        let failed = |need: &Kind| matches!(self.ended.get(need), Some(Outcome::Failed(_))) || is_waiting(need);
        match step.needs(plan).into_iter().find(failed) {
            Some(need) if !self.is_over(stop) => NotStarted::Needs(need),
            _ => NotStarted::Interrupted,
        }
    }
}

fn is_credentials(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(error) if error.class == Class::Credentials)
}

async fn take<'a, M: Mutate>(step: Step<'a>, mutate: &M, tell: &(dyn Fn(&Event<'_>) + Sync)) -> (Step<'a>, Outcome) {
    let (start, action) = (Instant::now(), step.action);
    let notify = |why: &str| tell(&Event::Waiting(action, why));
    let taken = caught(async {
        match step.part {
            Part::Grant => mutate.grant(action, &notify).await,
            Part::Whole | Part::Last | Part::Rest => mutate.perform(action, &notify).await,
        }
    });
    let outcome = match taken.await {
        Ok(Ok(())) => Outcome::Done(start.elapsed()),
        // Its calls were answered, but whether the service has brought it to its end was not waited for.
        Ok(Err(error)) if error.class == Class::Interrupted => Outcome::Unknown(Some(error.message)),
        Ok(Err(error)) => Outcome::Failed(error),
        Err(fault) => Outcome::Failed(Error::outcome("deploy", fault.to_string())),
    };
    (step, outcome)
}
