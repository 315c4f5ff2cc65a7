//! The graph against a cloud that takes as long and fails as it is told, on a clock of the test's own.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use plan::attribute::{Attribute, Change, Effect, Value};
use plan::plan::{Action, Plan, Verb};
use plan::resource::Kind;
use proptest::prelude::*;
use tokio::time::Instant;

use super::graph::{Event, NotStarted, Outcome, Report, Stop, run};
use crate::aws::{Class, Error};

/// What one action does: how long it takes, and how it fails.
#[derive(Debug, Clone, Copy)]
struct Deed {
    seconds: u64,
    failure: Option<Class>,
}

impl Default for Deed {
    fn default() -> Self {
        Self { seconds: 1, failure: None }
    }
}

#[derive(Debug)]
struct Cloud {
    deeds: BTreeMap<Kind, Deed>,
    start: Instant,
    /// When each action was begun and ended, in seconds.
    began: Mutex<BTreeMap<Kind, u64>>,
    ended: Mutex<BTreeMap<Kind, u64>>,
    /// When the first half of an action was begun; the roles of which that fails.
    granting: Mutex<BTreeMap<Kind, u64>>,
    refuses: Vec<Kind>,
}

impl Cloud {
    fn new(deeds: impl IntoIterator<Item = (Kind, Deed)>) -> Self {
        let (began, ended, granting) = Default::default();
        let deeds = deeds.into_iter().collect();
        Self { deeds, start: Instant::now(), began, ended, granting, refuses: Vec::new() }
    }

    fn failing(failures: impl IntoIterator<Item = (Kind, Class)>) -> Self {
        Self::new(failures.into_iter().map(|(kind, class)| (kind, Deed { failure: Some(class), ..Deed::default() })))
    }

    fn began(&self, kind: Kind) -> Option<u64> {
        self.began.lock().unwrap().get(&kind).copied()
    }

    fn ended(&self, kind: Kind) -> Option<u64> {
        self.ended.lock().unwrap().get(&kind).copied()
    }
}

impl super::Mutate for Cloud {
    async fn grant(&self, action: &Action, _: &(dyn Fn(&str) + Sync)) -> Result<(), Error> {
        let seconds = self.deeds.get(&action.kind).copied().unwrap_or_default().seconds;
        let earlier = self.granting.lock().unwrap().insert(action.kind, self.start.elapsed().as_secs());
        assert!(earlier.is_none(), "{} is granted twice", action.kind);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        if self.refuses.contains(&action.kind) { Err(Error::outcome("test:Call", "it failed")) } else { Ok(()) }
    }

    async fn perform(&self, action: &Action, notify: &(dyn Fn(&str) + Sync)) -> Result<(), Error> {
        let Deed { seconds, failure } = self.deeds.get(&action.kind).copied().unwrap_or_default();
        let earlier = self.began.lock().unwrap().insert(action.kind, self.start.elapsed().as_secs());
        assert!(earlier.is_none(), "{} is begun twice", action.kind);
        notify("working");
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        self.ended.lock().unwrap().insert(action.kind, self.start.elapsed().as_secs());
        failure.map_or(Ok(()), |class| Err(Error { class, ..Error::outcome("test:Call", "it failed") }))
    }
}

fn action(kind: Kind, verb: Verb) -> Action {
    let name = kind.address().to_owned();
    Action { kind, name, verb, cause: None, adopted: false, changes: vec![], note: None }
}

fn plan(actions: impl IntoIterator<Item = (Kind, Verb)>) -> Plan {
    Plan {
        stack: "test".to_owned(),
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
        package: None,
        actions: actions.into_iter().map(|(kind, verb)| action(kind, verb)).collect(),
        refusals: vec![],
        renamed: vec![],
        notices: vec![],
    }
}

/// The kinds of a stack with a schedule.
const SCHEDULED: [Kind; 7] = [
    Kind::Secret,
    Kind::ExecutionRole,
    Kind::LogGroup,
    Kind::Function,
    Kind::ScheduleGroup,
    Kind::InvokeRole,
    Kind::Schedule,
];
/// The kinds that Secrets Manager's own rotation has instead.
const MANAGED: [Kind; 2] = [Kind::Permission, Kind::Rotation];

fn all(verb: Verb) -> Plan {
    plan(SCHEDULED.map(|kind| (kind, verb)))
}

async fn ran(plan: &Plan, cloud: &Cloud) -> Report {
    run(plan, cloud, &Stop::default(), &|_| {}).await
}

fn outcome(report: &Report, kind: Kind) -> &Outcome {
    report.outcomes.iter().find(|(one, _)| *one == kind).map(|(_, outcome)| outcome).unwrap()
}

fn is_done(report: &Report, kind: Kind) -> bool {
    matches!(outcome(report, kind), Outcome::Done(_))
}

fn why_not(report: &Report, kind: Kind) -> NotStarted {
    match outcome(report, kind) {
        Outcome::NotStarted(why) => why.clone(),
        other => panic!("{kind}: {other:?}"),
    }
}

/// In `seconds` from now. The stop must come from elsewhere, so this is a task of its own.
fn later(seconds: f64, stop: impl FnOnce() + Send + 'static) {
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        stop();
    });
}

#[tokio::test(start_paused = true)]
async fn creation_follows_the_needs_and_takes_as_long_as_the_longest_chain() {
    let cloud = Cloud::new([(Kind::ExecutionRole, Deed { seconds: 5, failure: None })]);
    let report = ran(&all(Verb::Create), &cloud).await;
    assert!(report.is_done());
    assert_eq!(report.done(), 7);
    for kind in SCHEDULED {
        for need in kind.needs() {
            assert!(cloud.began(kind) >= cloud.ended(*need), "{kind} needs {need}");
        }
    }
    for kind in [Kind::Secret, Kind::ExecutionRole, Kind::LogGroup, Kind::ScheduleGroup, Kind::InvokeRole] {
        assert_eq!(cloud.began(kind), Some(0), "{kind} needs nothing");
    }
    assert_eq!((cloud.began(Kind::Function), cloud.began(Kind::Schedule)), (Some(5), Some(6)));
    assert_eq!(report.elapsed.as_secs(), 7, "execution role, function, schedule");
}

#[tokio::test(start_paused = true)]
async fn deletion_goes_the_other_way_round() {
    let cloud = Cloud::new([]);
    let report = ran(&all(Verb::Delete), &cloud).await;
    assert!(report.is_done());
    let at = |second: u64| Kind::ALL.into_iter().filter(|kind| cloud.began(*kind) == Some(second)).collect::<Vec<_>>();
    assert_eq!(at(0), [Kind::Schedule]);
    assert_eq!(at(1), [Kind::Function, Kind::ScheduleGroup, Kind::InvokeRole]);
    assert_eq!(at(2), [Kind::Secret, Kind::ExecutionRole, Kind::LogGroup]);
}

#[tokio::test(start_paused = true)]
async fn never_are_two_triggers_there_at_once() {
    for (comes, goes) in [(Kind::Rotation, Kind::Schedule), (Kind::Schedule, Kind::Rotation)] {
        let cloud = Cloud::new([(goes, Deed { seconds: 5, failure: None })]);
        let switch = plan([(comes, Verb::Create), (goes, Verb::Delete)]);
        assert!(ran(&switch, &cloud).await.is_done());
        assert_eq!((cloud.began(goes), cloud.began(comes)), (Some(0), Some(5)));
        let failed = ran(&switch, &Cloud::failing([(goes, Class::Denied)])).await;
        assert_eq!(why_not(&failed, comes), NotStarted::Needs(goes));
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_is_deleted_after_its_whole_is_restored_or_changed_and_before_it_is_deleted() {
    for (part, whole) in [(Kind::Rotation, Kind::Secret), (Kind::Permission, Kind::Function)] {
        for (verb, order) in [(Verb::Restore, (1, 0)), (Verb::Update, (1, 0)), (Verb::Delete, (0, 1))] {
            let cloud = Cloud::new([]);
            assert!(ran(&plan([(whole, verb), (part, Verb::Delete)]), &cloud).await.is_done());
            assert_eq!((cloud.began(part), cloud.began(whole)), (Some(order.0), Some(order.1)), "{part} {verb:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_pending_is_not_waited_for_and_not_reported() {
    let plan = plan([(Kind::Secret, Verb::NoOp), (Kind::Function, Verb::Keep), (Kind::Schedule, Verb::Update)]);
    let cloud = Cloud::new([]);
    let report = ran(&plan, &cloud).await;
    assert_eq!(report.outcomes.len(), 1);
    assert_eq!((report.elapsed.as_secs(), cloud.began(Kind::Function)), (1, None));
}

#[tokio::test(start_paused = true)]
async fn nothing_to_do_is_done() {
    let report = ran(&all(Verb::NoOp), &Cloud::new([])).await;
    assert!(report.is_done() && report.outcomes.is_empty() && report.elapsed.is_zero());
}

#[tokio::test(start_paused = true)]
async fn a_failure_holds_back_what_needs_it_and_nothing_else() {
    let report = ran(&all(Verb::Create), &Cloud::failing([(Kind::LogGroup, Class::Denied)])).await;
    assert!(matches!(outcome(&report, Kind::LogGroup), Outcome::Failed(error) if error.class == Class::Denied));
    for kind in [Kind::Secret, Kind::ExecutionRole, Kind::ScheduleGroup, Kind::InvokeRole] {
        assert!(is_done(&report, kind), "{kind}");
    }
    assert_eq!(why_not(&report, Kind::Function), NotStarted::Needs(Kind::LogGroup));
    assert_eq!(why_not(&report, Kind::Schedule), NotStarted::Needs(Kind::Function));
    assert!(!report.is_done());
    assert_eq!(report.done(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_fails_keeps_what_it_uses() {
    let report = ran(&all(Verb::Delete), &Cloud::failing([(Kind::Function, Class::Conflict)])).await;
    for kind in [Kind::Schedule, Kind::ScheduleGroup, Kind::InvokeRole] {
        assert!(is_done(&report, kind), "{kind}");
    }
    for kind in [Kind::Secret, Kind::ExecutionRole, Kind::LogGroup] {
        assert_eq!(why_not(&report, kind), NotStarted::Needs(Kind::Function), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replacement_is_waited_for_like_a_creation() {
    let plan = plan([
        (Kind::ExecutionRole, Verb::Replace),
        (Kind::Function, Verb::Replace),
        (Kind::ScheduleGroup, Verb::NoOp),
        (Kind::InvokeRole, Verb::Update),
        (Kind::Secret, Verb::Restore),
        (Kind::Schedule, Verb::Update),
    ]);
    let cloud = Cloud::new([]);
    let report = ran(&plan, &cloud).await;
    assert!(report.is_done());
    let began = |kind| cloud.began(kind).unwrap();
    assert_eq!((began(Kind::ExecutionRole), began(Kind::Secret), began(Kind::InvokeRole)), (0, 0, 0));
    assert_eq!((began(Kind::Function), began(Kind::Schedule)), (1, 2));
    let order: Vec<Kind> = report.outcomes.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(order, [Kind::ExecutionRole, Kind::Function, Kind::InvokeRole, Kind::Secret, Kind::Schedule]);
}

#[tokio::test(start_paused = true)]
async fn a_gentle_stop_finishes_what_is_under_way_and_begins_nothing() {
    let (cloud, stop) = (Cloud::new([(Kind::Secret, Deed { seconds: 4, failure: None })]), Stop::default());
    let gently = stop.gently.clone();
    later(1.5, move || gently.cancel());
    let report = run(&all(Verb::Create), &cloud, &stop, &|_| {}).await;
    for kind in [Kind::Secret, Kind::ExecutionRole, Kind::LogGroup, Kind::ScheduleGroup, Kind::InvokeRole] {
        assert!(is_done(&report, kind), "{kind}");
    }
    assert_eq!(why_not(&report, Kind::Function), NotStarted::Interrupted);
    assert_eq!(why_not(&report, Kind::Schedule), NotStarted::Interrupted);
    assert_eq!(report.elapsed.as_secs(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_the_start_begins_nothing() {
    let (cloud, stop) = (Cloud::new([]), Stop::default());
    stop.gently.cancel();
    let report = run(&all(Verb::Create), &cloud, &stop, &|event| panic!("{event:?}")).await;
    assert!(SCHEDULED.into_iter().all(|kind| why_not(&report, kind) == NotStarted::Interrupted));
}

#[tokio::test(start_paused = true)]
async fn a_stop_at_once_waits_for_nothing_and_says_that_it_does_not_know() {
    let (cloud, stop) = (Cloud::new([(Kind::Secret, Deed { seconds: 60, failure: None })]), Stop::default());
    let (gently, at_once) = (stop.gently.clone(), stop.at_once.clone());
    later(1.5, move || gently.cancel());
    later(2.5, move || at_once.cancel());
    let report = run(&all(Verb::Create), &cloud, &stop, &|_| {}).await;
    assert!(matches!(outcome(&report, Kind::Secret), Outcome::Unknown(_)));
    assert!(is_done(&report, Kind::LogGroup));
    assert_eq!(why_not(&report, Kind::Function), NotStarted::Interrupted);
    assert_eq!(report.elapsed.as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_end_the_beginning_of_anything() {
    let mut deeds = Cloud::failing([(Kind::Secret, Class::Credentials)]);
    deeds.deeds.insert(Kind::ExecutionRole, Deed { seconds: 3, failure: None });
    let report = ran(&all(Verb::Create), &deeds).await;
    assert!(is_done(&report, Kind::ExecutionRole), "what was under way ends");
    assert_eq!(why_not(&report, Kind::Function), NotStarted::Interrupted);

    // Nothing else is begun either, needed or not.
    let refused = Deed { seconds: 0, failure: Some(Class::Credentials) };
    let report = ran(&all(Verb::Delete), &Cloud::new([(Kind::InvokeRole, refused)])).await;
    assert!(is_done(&report, Kind::Function));
    assert_eq!(why_not(&report, Kind::LogGroup), NotStarted::Interrupted);
}

#[tokio::test(start_paused = true)]
async fn beginning_waiting_and_end_of_each_action_are_told_in_that_order() {
    let told = Mutex::new(Vec::new());
    let tell = |event: &Event<'_>| {
        told.lock().unwrap().push(match event {
            Event::Started(action) => (action.kind, "started"),
            Event::Waiting(action, _) => (action.kind, "waiting"),
            Event::Ended(action, _) => (action.kind, "ended"),
        });
    };
    run(&all(Verb::Create), &Cloud::new([]), &Stop::default(), &tell).await;
    let told = told.into_inner().unwrap();
    for kind in SCHEDULED {
        let of_it: Vec<&str> = told.iter().filter(|(one, _)| *one == kind).map(|(_, what)| *what).collect();
        assert_eq!(of_it, ["started", "waiting", "ended"], "{kind}");
    }
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let failure = prop_oneof![
        6 => Just(None),
        2 => Just(Some(Class::Denied)),
        1 => Just(Some(Class::Credentials)),
    ];
    let deed = (0..5_u64, failure).prop_map(|(seconds, failure)| Deed { seconds, failure });
    proptest::collection::vec(deed, Kind::ALL.len())
}

/// What apply may plan for a stack with that trigger, what another has left included, or what teardown may.
fn verbs() -> impl Strategy<Value = Vec<Option<Verb>>> {
    let of = |verbs: &[Verb]| {
        let verb = proptest::option::weighted(0.9, proptest::sample::select(verbs.to_vec()));
        proptest::collection::vec(verb, Kind::ALL.len())
    };
    let apply = of(&[Verb::Create, Verb::Update, Verb::Replace, Verb::Restore, Verb::NoOp]);
    let teardown = of(&[Verb::Delete, Verb::Delete, Verb::Keep, Verb::NoOp]);
    let apply = (apply, any::<bool>()).prop_map(|(verbs, is_managed)| {
        let is_left = |kind: Kind| if is_managed { SCHEDULED[4..].contains(&kind) } else { MANAGED.contains(&kind) };
        let planned =
            |(kind, verb): (Kind, Option<Verb>)| if is_left(kind) { verb.map(|_| Verb::Delete) } else { verb };
        Kind::ALL.into_iter().zip(verbs).map(planned).collect()
    });
    prop_oneof![apply, teardown]
}

/// The pending kinds that must be done before.
fn needs(plan: &Plan, kind: Kind) -> Vec<Kind> {
    let verb = |kind: Kind| plan.action(kind).filter(|action| action.is_pending()).map(|action| action.verb);
    let before = |other: Kind| match (verb(kind), verb(other)) {
        (_, None) | (None, _) => false,
        (Some(Verb::Delete), Some(Verb::Delete)) => other.needs().contains(&kind),
        (Some(Verb::Delete), Some(_)) => other.needs().contains(&kind) || other == kind.owned_through(),
        (Some(_), Some(Verb::Delete)) => kind.needs().contains(&other) || kind.rival() == Some(other),
        (Some(_), Some(_)) => kind.needs().contains(&other),
    };
    Kind::ALL.into_iter().filter(|other| *other != kind && before(*other)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn whatever_fails_and_whenever_it_stops_each_action_ends_in_one_way(
        verbs in verbs(),
        deeds in deeds(),
        gently in proptest::option::weighted(0.4, 0.0..8.0_f64),
        at_once in proptest::option::weighted(0.2, 0.0..8.0_f64),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let plan = plan(Kind::ALL.into_iter().zip(&verbs).filter_map(|(kind, verb)| Some((kind, (*verb)?))));
        let (cloud, report) = runtime.block_on(async {
            let (cloud, stop) = (Cloud::new(Kind::ALL.into_iter().zip(deeds.clone())), Stop::default());
            for (when, token) in [(gently, stop.gently.clone()), (at_once, stop.at_once.clone())] {
                if let Some(seconds) = when {
                    later(seconds, move || token.cancel());
                }
            }
            let report = run(&plan, &cloud, &stop, &|_| {}).await;
            (cloud, report)
        });
        let pending: Vec<Kind> = plan.actions.iter().filter(|a| a.is_pending()).map(|a| a.kind).collect();
        let reported: Vec<Kind> = report.outcomes.iter().map(|(kind, _)| *kind).collect();
        prop_assert_eq!(&reported, &pending, "one outcome for each, in the plan's order");

        let refused = report.outcomes.iter().any(|(_, o)| matches!(o, Outcome::Failed(e) if e.class == Class::Credentials));
        let may_stop = gently.is_some() || at_once.is_some() || refused;
        for (kind, outcome) in &report.outcomes {
            let needed = needs(&plan, *kind);
            let began = cloud.began(*kind);
            if let Some(began) = began {
                for need in &needed {
                    prop_assert!(is_done(&report, *need), "{kind} was begun, but {need} is not done");
                    prop_assert!(cloud.ended(*need).unwrap() <= began, "{kind} was begun before {need} was done");
                }
            }
            let held_back = needed.iter().find(|need| !is_done(&report, **need));
            match outcome {
                Outcome::Done(_) => prop_assert!(cloud.ended(*kind).is_some() && cloud.deeds[kind].failure.is_none()),
                Outcome::Failed(_) => prop_assert!(cloud.ended(*kind).is_some() && cloud.deeds[kind].failure.is_some()),
                Outcome::Granted(_) => prop_assert!(false, "{kind} is changed in one go"),
                Outcome::Unknown(_) => prop_assert!(began.is_some() && at_once.is_some()),
                Outcome::NotStarted(NotStarted::Interrupted) => prop_assert!(began.is_none() && may_stop),
                Outcome::NotStarted(NotStarted::Needs(need)) => {
                    prop_assert!(began.is_none() && needed.contains(need) && !is_done(&report, *need));
                }
            }
            if !may_stop {
                prop_assert_eq!(began.is_none(), held_back.is_some(), "{} is begun exactly when its needs are done", kind);
            }
        }
    }
}

/// Has a fault where the function is worked on.
struct Faulty(Cloud);

impl super::Mutate for Faulty {
    async fn grant(&self, action: &Action, notify: &(dyn Fn(&str) + Sync)) -> Result<(), Error> {
        self.0.grant(action, notify).await
    }

    async fn perform(&self, action: &Action, notify: &(dyn Fn(&str) + Sync)) -> Result<(), Error> {
        assert!(action.kind != Kind::Function, "a fault on purpose");
        self.0.perform(action, notify).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_in_an_action_is_a_failure_of_it_in_the_same_report() {
    let report = run(&all(Verb::Create), &Faulty(Cloud::new([])), &Stop::default(), &|_| {}).await;
    let told = outcome(&report, Kind::Function);
    assert!(
        matches!(told, Outcome::Failed(error) if error.message.contains("a fault in the program itself")),
        "{told:?}"
    );
    assert_eq!((why_not(&report, Kind::Schedule), report.done()), (NotStarted::Needs(Kind::Function), 5));
}

/// A role's change: of one policy, from and to what it allows.
fn narrowed(kind: Kind, verb: Verb, before: Option<&str>, after: Option<&str>) -> Action {
    let document = |action: &str| {
        let statement = serde_json::json!({"Effect": "Allow", "Action": action, "Resource": "*"});
        Value::Policy(serde_json::json!({"Version": "2012-10-17", "Statement": [statement]}))
    };
    let attribute = Attribute { name: "policy", key: Some("Own".to_owned()) };
    let change =
        Change { attribute, before: before.map(document), after: after.map(document), effect: Effect::InPlace };
    Action { changes: vec![change], ..action(kind, verb) }
}

fn narrowing(role: Action, verbs: impl IntoIterator<Item = (Kind, Verb)>) -> Plan {
    let mut plan = plan(verbs);
    plan.actions.push(role);
    plan
}

#[tokio::test(start_paused = true)]
async fn a_role_grants_before_what_uses_it_changes_and_withdraws_after_that() {
    let users = [(Kind::Function, Verb::Update), (Kind::Schedule, Verb::Update), (Kind::Secret, Verb::Update)];
    for verb in [Verb::Update, Verb::Replace] {
        let plan = narrowing(narrowed(Kind::ExecutionRole, verb, Some("s3:A"), Some("s3:B")), users);
        let cloud = Cloud::new([(Kind::Function, Deed { seconds: 5, failure: None })]);
        let report = ran(&plan, &cloud).await;
        assert!(report.is_done());
        let granted = cloud.granting.lock().unwrap()[&Kind::ExecutionRole];
        assert_eq!((granted, cloud.began(Kind::Function), cloud.began(Kind::Schedule)), (0, Some(1), Some(6)));
        assert_eq!(cloud.began(Kind::ExecutionRole), cloud.ended(Kind::Schedule));
        assert_eq!(report.outcomes.len(), 4, "one outcome for each");
        assert!(matches!(outcome(&report, Kind::ExecutionRole), Outcome::Done(took) if took.as_secs() == 2));
    }
    let plan = narrowing(narrowed(Kind::InvokeRole, Verb::Update, Some("s3:A"), Some("s3:B")), users);
    let cloud = Cloud::new([]);
    assert!(ran(&plan, &cloud).await.is_done());
    assert_eq!((cloud.began(Kind::Schedule), cloud.began(Kind::InvokeRole)), (Some(2), Some(3)));
}

#[tokio::test(start_paused = true)]
async fn what_only_grants_comes_first_and_what_only_withdraws_comes_last_in_one_step() {
    let grants =
        narrowing(narrowed(Kind::ExecutionRole, Verb::Update, None, Some("s3:A")), [(Kind::Function, Verb::Update)]);
    let cloud = Cloud::new([]);
    assert!(ran(&grants, &cloud).await.is_done());
    assert_eq!((cloud.began(Kind::ExecutionRole), cloud.began(Kind::Function)), (Some(0), Some(1)));
    let withdraws = |uses| narrowing(narrowed(Kind::ExecutionRole, Verb::Update, Some("s3:A"), None), uses);
    let cloud = Cloud::new([]);
    assert!(ran(&withdraws(vec![(Kind::Function, Verb::Update)]), &cloud).await.is_done());
    assert_eq!((cloud.began(Kind::Function), cloud.began(Kind::ExecutionRole)), (Some(0), Some(1)));
    // With nothing that uses it there is nothing to wait for.
    let cloud = Cloud::new([]);
    assert!(ran(&withdraws(vec![(Kind::LogGroup, Verb::Update)]), &cloud).await.is_done());
    assert_eq!(cloud.began(Kind::ExecutionRole), Some(0));
    assert!(cloud.granting.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_role_keeps_what_it_grants_where_what_uses_it_fails_or_the_run_stops() {
    let both = || narrowed(Kind::ExecutionRole, Verb::Update, Some("s3:A"), Some("s3:B"));
    let users = [(Kind::Function, Verb::Update)];
    let failed = Cloud::failing([(Kind::Function, Class::Denied)]);
    let report = ran(&narrowing(both(), users), &failed).await;
    let why = NotStarted::Needs(Kind::Function);
    assert!(matches!(outcome(&report, Kind::ExecutionRole), Outcome::Granted(told) if *told == why));
    assert!(failed.began(Kind::ExecutionRole).is_none() && !report.is_done());

    let only = narrowed(Kind::ExecutionRole, Verb::Update, Some("s3:A"), None);
    let report = ran(&narrowing(only, users), &Cloud::failing([(Kind::Function, Class::Denied)])).await;
    assert_eq!(why_not(&report, Kind::ExecutionRole), why, "of what was not begun nothing is granted");

    let refuses = Cloud { refuses: vec![Kind::ExecutionRole], ..Cloud::new([]) };
    let report = ran(&narrowing(both(), users), &refuses).await;
    assert!(matches!(outcome(&report, Kind::ExecutionRole), Outcome::Failed(_)));
    assert_eq!(why_not(&report, Kind::Function), NotStarted::Needs(Kind::ExecutionRole));

    let (cloud, stop) = (Cloud::new([]), Stop::default());
    let gently = stop.gently.clone();
    later(1.5, move || gently.cancel());
    let ended = Mutex::new(Vec::new());
    let tell = |event: &Event<'_>| {
        if let Event::Ended(action, _) = event {
            ended.lock().unwrap().push(action.kind);
        }
    };
    let report = run(&narrowing(both(), users), &cloud, &stop, &tell).await;
    assert!(matches!(outcome(&report, Kind::ExecutionRole), Outcome::Granted(NotStarted::Interrupted)));
    assert!(is_done(&report, Kind::Function));
    assert_eq!(ended.into_inner().unwrap(), [Kind::Function, Kind::ExecutionRole]);

    let (cloud, stop) = (Cloud::new([]), Stop::default());
    let at_once = stop.at_once.clone();
    later(0.5, move || at_once.cancel());
    let report = run(&narrowing(both(), users), &cloud, &stop, &|_| {}).await;
    assert!(matches!(outcome(&report, Kind::ExecutionRole), Outcome::Unknown(None)));
}
