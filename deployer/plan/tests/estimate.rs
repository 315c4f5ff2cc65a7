//! How long a plan is estimated to take: never less for more to do.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use plan::estimate::{of, together};
use plan::plan::{Action, Plan, Verb};
use plan::resource::Kind;
use plan::spec::OnTeardown;

const RECOVERABLE: OnTeardown = OnTeardown::RecoveryWindowDays(7);

fn plan(actions: impl IntoIterator<Item = (Kind, Verb)>) -> Plan {
    let action = |(kind, verb): (Kind, Verb)| {
        let name = kind.address().to_owned();
        Action { kind, name, verb, cause: None, adopted: false, changes: vec![], note: None }
    };
    let (stack, account, region) = ("app".to_owned(), "123456789012".to_owned(), "us-east-1".to_owned());
    Plan {
        stack,
        account,
        region,
        package: None,
        actions: actions.into_iter().map(action).collect(),
        refusals: vec![],
        renamed: vec![],
        notices: vec![],
    }
}

fn all(verb: Verb) -> Plan {
    plan(Kind::ALL.map(|kind| (kind, verb)))
}

#[test]
fn nothing_to_do_takes_no_time() {
    assert_eq!(of(&all(Verb::NoOp), true, OnTeardown::Force), Duration::ZERO);
    assert_eq!(of(&all(Verb::Keep), true, OnTeardown::Force), Duration::ZERO);
}

#[test]
fn roles_functions_networks_groups_and_forced_secrets_take_their_time() {
    let seconds = |plan: &Plan, is_networked, on_secret| of(plan, is_networked, on_secret).as_secs();
    let tag = seconds(&plan([(Kind::LogGroup, Verb::Update)]), false, RECOVERABLE);
    assert_eq!(tag, 12);
    let one = |kind, verb| seconds(&plan([(kind, verb)]), false, RECOVERABLE) - tag;
    assert_eq!((one(Kind::ExecutionRole, Verb::Create), one(Kind::InvokeRole, Verb::Update)), (15, 15));
    assert_eq!((one(Kind::Function, Verb::Create), one(Kind::Function, Verb::Delete)), (15, 0));
    assert_eq!((one(Kind::ScheduleGroup, Verb::Create), one(Kind::ScheduleGroup, Verb::Delete)), (0, 60));
    assert_eq!(one(Kind::Secret, Verb::Delete), 0);
    let forced = seconds(&plan([(Kind::Secret, Verb::Delete)]), false, OnTeardown::Force);
    assert_eq!(forced - tag, 30);
    let function = plan([(Kind::Function, Verb::Update)]);
    assert_eq!(seconds(&function, true, RECOVERABLE) - seconds(&function, false, RECOVERABLE), 90);
    // A network of a function that is left alone is none to wait for.
    assert_eq!(seconds(&plan([(Kind::LogGroup, Verb::Update)]), true, RECOVERABLE), tag);
}

#[test]
fn a_fresh_apply_and_a_teardown_take_about_a_minute_and_a_network_longer() {
    let fresh = of(&all(Verb::Create), false, RECOVERABLE);
    assert!((Duration::from_secs(40)..Duration::from_secs(90)).contains(&fresh), "{fresh:?}");
    assert!(of(&all(Verb::Create), true, RECOVERABLE) > Duration::from_mins(2));
    let gone = of(&all(Verb::Delete), false, RECOVERABLE);
    assert!((Duration::from_mins(1)..Duration::from_mins(2)).contains(&gone), "{gone:?}");
    assert!(of(&all(Verb::Delete), false, OnTeardown::Force) > gone);
}

#[test]
fn several_plans_take_what_the_longest_of_each_wave_takes() {
    let each = [3, 5, 1, 4].map(Duration::from_secs);
    assert_eq!(together(&each, 8), Duration::from_secs(5));
    assert_eq!(together(&each, 2), Duration::from_secs(9));
    assert_eq!((together(&[], 2), together(&each, 0)), (Duration::ZERO, Duration::from_secs(13)));
}
