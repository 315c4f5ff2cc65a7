//! The dependency graph of one plan.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use plan::plan::{Action, Plan, Verb};
use plan::resource::Kind;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

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
    let mut waiting: Vec<&Action> = plan.actions.iter().filter(|action| action.is_pending()).collect();
    let order: Vec<Kind> = waiting.iter().map(|action| action.kind).collect();
    let mut ended: BTreeMap<Kind, Outcome> = BTreeMap::new();
    let mut running = FuturesUnordered::new();
    loop {
        // Expired credentials fail every call alike: there is no use in beginning more.
        let is_over = stop.gently.is_cancelled() || ended.values().any(is_credentials);
        let (begun, rest) = if is_over { (Vec::new(), waiting) } else { startable(plan, waiting, &ended) };
        waiting = rest;
        for action in begun {
            tell(&Event::Started(action));
            running.push(perform(action, mutate, tell));
        }
        let next = tokio::select! {
            biased;
            () = stop.at_once.cancelled() => None,
            next = running.next() => next,
        };
        let Some((action, outcome)) = next else { break };
        tell(&Event::Ended(action, &outcome));
        ended.insert(action.kind, outcome);
    }
    let is_over = stop.gently.is_cancelled() || ended.values().any(is_credentials);
    let not_started: Vec<Kind> = waiting.iter().map(|action| action.kind).collect();
    let outcome = |kind: Kind| match ended.get(&kind) {
        Some(outcome) => outcome.clone(),
        None if not_started.contains(&kind) => Outcome::NotStarted(why_not(plan, kind, &ended, &not_started, is_over)),
        None => Outcome::Unknown(None),
    };
    Report { outcomes: order.into_iter().map(|kind| (kind, outcome(kind))).collect(), elapsed: start.elapsed() }
}

fn is_credentials(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(error) if error.class == Class::Credentials)
}

async fn perform<'a, M: Mutate>(
    action: &'a Action,
    mutate: &M,
    tell: &(dyn Fn(&Event<'_>) + Sync),
) -> (&'a Action, Outcome) {
    let start = Instant::now();
    let outcome = match caught(mutate.perform(action, &|why| tell(&Event::Waiting(action, why)))).await {
        Ok(Ok(())) => Outcome::Done(start.elapsed()),
        // Its calls were answered, but whether the service has brought it to its end was not waited for.
        Ok(Err(error)) if error.class == Class::Interrupted => Outcome::Unknown(Some(error.message)),
        Ok(Err(error)) => Outcome::Failed(error),
        Err(fault) => Outcome::Failed(Error::outcome("deploy", fault.to_string())),
    };
    (action, outcome)
}

/// The kinds that must be done before `action`: what it needs, and the end of its rival; or, where it is deleted, what
/// needs it, and what it is a part of, unless that is deleted as well.
fn needs(plan: &Plan, action: &Action) -> Vec<Kind> {
    let verb = |kind: Kind| plan.action(kind).filter(|action| action.is_pending()).map(|action| action.verb);
    let is_deleted = |kind: &Kind| verb(*kind) == Some(Verb::Delete);
    if action.verb == Verb::Delete {
        let dependents = Kind::ALL.into_iter().filter(|kind| kind.needs().contains(&action.kind));
        let whole = Some(action.kind.owned_through()).filter(|kind| *kind != action.kind && !is_deleted(kind));
        return dependents.chain(whole).filter(|kind| verb(*kind).is_some()).collect();
    }
    let needs = action.kind.needs().iter().copied().filter(|kind| verb(*kind).is_some());
    needs.chain(action.kind.rival().filter(is_deleted)).collect()
}

fn startable<'a>(
    plan: &Plan,
    waiting: Vec<&'a Action>,
    ended: &BTreeMap<Kind, Outcome>,
) -> (Vec<&'a Action>, Vec<&'a Action>) {
    let is_done = |kind: &Kind| matches!(ended.get(kind), Some(Outcome::Done(_)));
    waiting.into_iter().partition(|action| needs(plan, action).iter().all(is_done))
}

fn why_not(
    plan: &Plan,
    kind: Kind,
    ended: &BTreeMap<Kind, Outcome>,
    not_started: &[Kind],
    interrupted: bool,
) -> NotStarted {
    let needs = plan.action(kind).map(|action| needs(plan, action)).unwrap_or_default();
    let failed = |need: &&Kind| matches!(ended.get(need), Some(Outcome::Failed(_))) || not_started.contains(need);
    match needs.iter().find(failed) {
        Some(&need) if !interrupted => NotStarted::Needs(need),
        _ => NotStarted::Interrupted,
    }
}
