//! The rotation's promises about a target with passwords of its own, against one in memory.
#![allow(clippy::unwrap_used, reason = "tests")]

mod model;

use std::cell::RefCell;
use std::task::Poll;

use contract::{ManagedStep, Outcome};
use model::server::{Server, password};
use model::{BINARY, Fault, Model, State, managed_step, poll, run, secret, tick_at, value};
use proptest::prelude::*;
use rotator::error::{Class, Error, Kind, Step};
use rotator::rotation::{Done, base_label};
use rotator::store::{CURRENT, PENDING, PREVIOUS};

const T1: &str = "11111111-1111-5111-8111-111111111111";
const T2: &str = "22222222-2222-5222-8222-222222222222";
const T3: &str = "33333333-3333-5333-8333-333333333333";
/// The calls of an undisturbed tick, and some more for recovery.
const CALLS: usize = 14;

fn start() -> (RefCell<State>, Server) {
    let state = secret(true);
    let server = Server::with(&current(&state));
    (state, server)
}

fn current(state: &RefCell<State>) -> String {
    let state = state.borrow();
    password(&state.values[state.holder(CURRENT).unwrap()])
}

fn deliver(state: &RefCell<State>, server: &Server, token: &str) -> Result<Done, Error> {
    run(tick_at(&Model::new(state), &server, token))
}

/// What is current opens the server, and no label is left behind.
fn assert_together(state: &RefCell<State>, server: &Server, context: &str) {
    assert_eq!(*server.password.borrow(), current(state), "{context}");
    assert_eq!(state.borrow().leftovers(), Vec::<&String>::new(), "{context}");
}

#[test]
fn the_server_has_the_value_before_it_is_current() {
    let (state, server) = start();
    let model = Model::new(&state);
    assert_eq!(run(tick_at(&model, &&server, T1)).unwrap().outcome, Outcome::Rotated);
    let log = model.log.borrow();
    assert_eq!(*log, ["labels", "current", "put", "previous", "labels", "move", "remove", "remove"]);
    assert_together(&state, &server, "");
}

#[test]
fn a_failure_at_any_call_is_healed_by_the_very_next_delivery_without_a_second_version() {
    for fault in [Fault::Before, Fault::After] {
        for call in 0..CALLS {
            let (state, server) = start();
            let first = run(tick_at(&Model::with_fault(&state, call, fault), &&server, T1));
            deliver(&state, &server, T1).unwrap();
            let context = format!("{fault:?} at call {call}: {first:?}");
            assert_together(&state, &server, &context);
            assert_eq!(state.borrow().holder(CURRENT), Some(T1), "{context}");
            assert_eq!(state.borrow().values.len(), 2, "{context}");
        }
    }
}

#[test]
fn what_a_tick_that_never_came_again_left_is_brought_to_its_end_by_the_next_tick() {
    for fault in [Fault::Before, Fault::After] {
        for call in 0..CALLS {
            let (state, server) = start();
            let first = run(tick_at(&Model::with_fault(&state, call, fault), &&server, T1));
            let context = format!("{fault:?} at call {call}: {first:?}");
            assert_eq!(deliver(&state, &server, T2).unwrap().outcome, Outcome::Rotated, "{context}");
            assert_together(&state, &server, &context);
            assert_eq!(state.borrow().holder(CURRENT), Some(T2), "{context}");
        }
    }
}

#[test]
fn a_manual_change_at_any_point_stays_current_and_is_told_to_the_server_as_far_as_it_can_be() {
    for call in 0..CALLS {
        let (state, server) = start();
        let _ = run(tick_at(&Model::with_fault(&state, call, Fault::Manual), &&server, T1));
        // A person who changes the secret has told the server, or what the rotation set is taken back.
        if *server.password.borrow() != current(&state) {
            server.password.replace(current(&state));
        }
        assert_eq!(deliver(&state, &server, T2).unwrap().outcome, Outcome::Rotated, "call {call}");
        assert_together(&state, &server, &format!("call {call}"));
    }
}

#[test]
fn a_manual_change_after_the_server_was_set_is_what_the_server_gets() {
    let (state, server) = start();
    let before_the_move = 5;
    let error = run(tick_at(&Model::with_fault(&state, before_the_move, Fault::Manual), &&server, T1)).unwrap_err();
    assert_eq!(error, Kind::Changed.at(Step::Finish));
    assert_eq!(state.borrow().holder(CURRENT), Some("manual"));
    assert_together(&state, &server, "");
}

#[test]
fn a_pending_value_of_others_is_dropped_only_when_the_current_one_opens_the_server() {
    // Of a rotation that began from another version, or of one that does not say from which.
    for labels in [vec![PENDING], vec![PENDING, "rotator-base-older"]] {
        for server_has in ["current", "stray"] {
            let (state, server) = start();
            state.borrow_mut().put(T2, &value("stray"), &labels).unwrap();
            if server_has == "stray" {
                server.password.replace("stray".to_owned());
            }
            assert_eq!(deliver(&state, &server, T1).unwrap().outcome, Outcome::Rotated);
            assert_together(&state, &server, server_has);
        }
        let (state, server) = start();
        state.borrow_mut().put(T2, &value("stray"), &labels).unwrap();
        server.password.replace("something else".to_owned());
        assert_eq!(deliver(&state, &server, T1).unwrap_err(), Kind::NoLogin.at(Step::Set));
        assert_eq!(state.borrow().holder(PENDING), Some(T2), "the only clue is kept");
    }
}

#[test]
fn a_server_that_still_has_the_previous_password_is_healed() {
    let (state, server) = start();
    deliver(&state, &server, T1).unwrap();
    let previous = state.borrow().holder(PREVIOUS).map(|id| password(&state.borrow().values[id])).unwrap();
    server.password.replace(previous);
    deliver(&state, &server, T2).unwrap();
    assert_together(&state, &server, "");
}

#[test]
fn a_value_that_the_server_refuses_is_made_anew_by_the_same_tick() {
    for refusals in 1..=3 {
        let (state, server) = start();
        server.refuses.set(refusals);
        assert_eq!(deliver(&state, &server, T1).unwrap().outcome, Outcome::Rotated);
        assert_together(&state, &server, "");
        let given = server.given.borrow();
        assert_eq!(given.iter().collect::<std::collections::BTreeSet<_>>().len(), refusals as usize + 1);
        // The tick, should it come again, makes no other.
        let versions = state.borrow().values.len();
        assert!(deliver(&state, &server, T1).unwrap().outcome != Outcome::Rotated);
        assert_eq!(state.borrow().values.len(), versions);
    }
}

#[test]
fn a_server_that_refuses_every_value_keeps_its_password_and_no_value_is_tried_for_ever() {
    let (state, server) = start();
    server.refuses.set(u32::MAX);
    let error = deliver(&state, &server, T1).unwrap_err();
    assert_eq!((error.class(), error.step), (Class::Policy, Step::Set));
    assert_together(&state, &server, "");
    assert_eq!(state.borrow().holder(CURRENT), Some("base"));
    assert_eq!(server.given.borrow().len(), 4);
    server.refuses.set(0);
    assert_eq!(deliver(&state, &server, T2).unwrap().outcome, Outcome::Rotated);
}

#[test]
fn a_value_that_does_not_open_the_server_never_becomes_current() {
    let (state, mut server) = start();
    server.forgets = true;
    let error = deliver(&state, &server, T1).unwrap_err();
    assert_eq!(error, Kind::PendingRefused.at(Step::Test));
    assert_eq!(state.borrow().holder(CURRENT), Some("base"));
}

#[test]
fn a_crash_while_another_value_is_made_is_healed_too() {
    for fault in [Fault::Before, Fault::After] {
        for call in 0..2 * CALLS {
            let (state, server) = start();
            server.refuses.set(2);
            let first = run(tick_at(&Model::with_fault(&state, call, fault), &&server, T1));
            let context = format!("{fault:?} at call {call}: {first:?}");
            deliver(&state, &server, T1).unwrap();
            assert_together(&state, &server, &context);
            assert_ne!(state.borrow().holder(CURRENT), Some("base"), "{context}");
        }
    }
}

#[test]
fn without_a_value_nothing_says_whose_password_is_meant() {
    let (state, server) = (secret(false), Server::default());
    assert_eq!(deliver(&state, &server, T1).unwrap_err().class(), Class::Config);
    assert!(state.borrow().values.is_empty());
}

/// Two deliveries at once, the next step of the one or the other by `order`.
fn at_once(server: &Server, state: &RefCell<State>, tokens: [&str; 2], order: &[bool]) -> [Result<Done, Error>; 2] {
    let models = [0, 1].map(|_| Model { pauses: true, ..Model::new(state) });
    let mut first = Box::pin(tick_at(&models[0], &server, tokens[0]));
    let mut second = Box::pin(tick_at(&models[1], &server, tokens[1]));
    let mut results = [None, None];
    let mut order = order.iter().copied().chain([true, false].into_iter().cycle());
    while results.iter().any(Option::is_none) {
        let next = usize::from(order.next().unwrap());
        if results[next].is_some() {
            continue;
        }
        let polled = if next == 0 { poll(first.as_mut()) } else { poll(second.as_mut()) };
        if let Poll::Ready(result) = polled {
            results[next] = Some(result);
        }
    }
    results.map(Option::unwrap)
}

/// The next ticks heal whatever there is.
fn assert_healed_by_the_next(state: &RefCell<State>, server: &Server, context: &str) {
    let next = deliver(state, server, "44444444-4444-5444-8444-444444444444");
    assert_eq!(next.unwrap().outcome, Outcome::Rotated, "{context}");
    assert_together(state, server, context);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn two_deliveries_at_once_never_part_the_secret_from_the_server(
        runs in proptest::collection::vec((any::<bool>(), 1..30_usize), 1..8),
        other_tick in any::<bool>(),
    ) {
        let (state, server) = start();
        let tokens = [T1, if other_tick { T2 } else { T1 }];
        let order: Vec<bool> = runs.into_iter().flat_map(|(next, steps)| std::iter::repeat_n(next, steps)).collect();
        let results = at_once(&server, &state, tokens, &order);
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            let class = error.class();
            prop_assert!(matches!(class, Class::Conflict | Class::Throttled | Class::Credential), "{error}");
        }
        // Where nothing is pending, nothing is left to be healed.
        if state.borrow().holder(PENDING).is_none() {
            prop_assert_eq!(&*server.password.borrow(), &current(&state));
        }
        for token in tokens {
            let _ = deliver(&state, &server, token);
        }
        assert_healed_by_the_next(&state, &server, "");
    }
}

#[test]
fn a_delivery_that_sleeps_through_another_and_is_killed_parts_nothing_wherever_that_is() {
    for tokens in [[T1, T1], [T1, T2]] {
        for (before, after) in (0..30).flat_map(|before| (0..20).map(move |after| (before, after))) {
            let (state, server) = start();
            let context = format!("{tokens:?}: {before} steps, then the other, then {after} steps");
            let model = Model { pauses: true, ..Model::new(&state) };
            let target = &server;
            let mut sleeper = Box::pin(tick_at(&model, &target, tokens[0]));
            let mut ended = (0..before).any(|_| poll(sleeper.as_mut()).is_ready());
            let other = deliver(&state, &server, tokens[1]);
            ended = ended || (0..after).any(|_| poll(sleeper.as_mut()).is_ready());
            drop(sleeper);
            server.unlock();
            // Where nothing is pending, nothing is left to be healed.
            if state.borrow().holder(PENDING).is_none() {
                assert_eq!(*server.password.borrow(), current(&state), "{context}, {other:?}, ended: {ended}");
            }
            assert_healed_by_the_next(&state, &server, &context);
        }
    }
}

#[test]
fn of_two_that_began_at_once_the_one_that_the_server_has_is_completed() {
    for (cut_off, goes_on) in [(T1, T2), (T2, T1)] {
        for before in 0..30 {
            let (state, server) = start();
            let model = Model { pauses: true, ..Model::new(&state) };
            let target = &server;
            let mut sleeper = Box::pin(tick_at(&model, &target, cut_off));
            let _ = (0..before).any(|_| poll(sleeper.as_mut()).is_ready());
            drop(sleeper);
            server.unlock();
            let kept = state.borrow().of(cut_off);
            // The other one took its labels, as if it had read the secret before.
            let base = base_label(Some("base"), goes_on);
            state.borrow_mut().put(goes_on, &value("later"), &[PENDING, &base]).unwrap();
            let context = format!("{cut_off} after {before} steps, with {kept:?}");
            // Whichever comes first: the next request of all, or another delivery of the same.
            for next in [T3, cut_off] {
                let (state, server) = (state.clone(), Server::with(&server.password.borrow()));
                let done = deliver(&state, &server, next);
                assert!(next == cut_off || done.is_ok(), "{context}: {done:?}");
                assert_eq!(*server.password.borrow(), current(&state), "{context}, then {next}: {done:?}");
                assert_healed_by_the_next(&state, &server, &context);
            }
        }
    }
}

const STEPS: [ManagedStep; 4] =
    [ManagedStep::CreateSecret, ManagedStep::SetSecret, ManagedStep::TestSecret, ManagedStep::FinishSecret];

#[test]
fn secrets_manager_s_own_steps_rotate_and_may_each_come_twice() {
    let (state, server) = start();
    state.borrow_mut().announce(T1);
    for step in STEPS.into_iter().flat_map(|step| [step, step]) {
        let done = managed_step(&state, &&server, step, T1).unwrap();
        let over = [Outcome::StepDone, Outcome::Rotated, Outcome::AlreadyRotated];
        assert!(over.contains(&done.outcome), "{step:?}");
    }
    assert_eq!(*server.password.borrow(), current(&state));
    assert_eq!(state.borrow().holder(CURRENT), Some(T1));
    assert_eq!(state.borrow().of(T1), [CURRENT, PENDING], "its own label is Secrets Manager's to remove");
}

#[test]
fn a_managed_step_of_a_version_that_is_not_pending_is_refused() {
    let (state, server) = start();
    for step in STEPS {
        assert_eq!(managed_step(&state, &&server, step, T1).unwrap_err(), Kind::NotPending.at(Step::Read));
    }
}

#[test]
fn a_managed_test_without_a_rotation_tries_the_current_value() {
    let (state, server) = start();
    state.borrow_mut().announce(T1);
    assert_eq!(managed_step(&state, &&server, ManagedStep::TestSecret, T1).unwrap().outcome, Outcome::StepDone);
    server.password.replace("another".to_owned());
    let error = managed_step(&state, &&server, ManagedStep::TestSecret, T1).unwrap_err();
    assert_eq!(error.class(), Class::Credential);
}

#[test]
fn a_managed_rotation_whose_value_the_server_refuses_begins_anew_the_next_time() {
    let (state, server) = start();
    state.borrow_mut().announce(T1);
    server.refuses.set(1);
    managed_step(&state, &&server, ManagedStep::CreateSecret, T1).unwrap();
    let error = managed_step(&state, &&server, ManagedStep::SetSecret, T1).unwrap_err();
    assert_eq!(error.class(), Class::Policy);
    assert_eq!(state.borrow().leftovers(), Vec::<&String>::new());
}

#[test]
fn a_pending_value_of_bytes_blocks_nobody() {
    for step in STEPS {
        let (state, server) = start();
        state.borrow_mut().put(T1, BINARY, &[PENDING]).unwrap();
        assert_eq!(managed_step(&state, &&server, step, T1).unwrap_err(), Kind::Binary.at(Step::Read));
        assert_together(&state, &server, "without the label, Secrets Manager begins another");
    }
    let (state, server) = start();
    state.borrow_mut().put(T1, BINARY, &[PENDING]).unwrap();
    assert_eq!(deliver(&state, &server, T2).unwrap().outcome, Outcome::Rotated);
    assert_together(&state, &server, "");
}

#[test]
fn a_manual_change_during_a_managed_rotation_is_kept_and_told_to_the_server() {
    let (state, server) = start();
    state.borrow_mut().announce(T1);
    managed_step(&state, &&server, ManagedStep::CreateSecret, T1).unwrap();
    managed_step(&state, &&server, ManagedStep::SetSecret, T1).unwrap();
    state.borrow_mut().manual_change("manual");
    assert!(managed_step(&state, &&server, ManagedStep::FinishSecret, T1).is_err());
    assert_eq!(state.borrow().holder(CURRENT), Some("manual"));
    assert_together(&state, &server, "");
}
