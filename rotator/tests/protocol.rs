//! The rotation's promises, against a store with Secrets Manager's semantics.
#![allow(clippy::unwrap_used, reason = "tests")]

mod model;

use std::cell::RefCell;
use std::pin::Pin;
use std::task::Poll;

use contract::Outcome;
use model::{CANARY, Fault, Model, State, poll, run, secret, tick, value};
use rotator::error::{Class, Error, Kind, Step};
use rotator::rotation::Done;
use rotator::store::{CURRENT, PENDING, PREVIOUS};

const T1: &str = "11111111-1111-5111-8111-111111111111";
const T2: &str = "22222222-2222-5222-8222-222222222222";

fn deliver(state: &RefCell<State>, token: &str) -> Result<Done, Error> {
    run(tick(&Model::new(state), token))
}

/// The tick's version is current, it is the only new one, nothing is left behind, and the other field was kept.
fn assert_rotated_once(state: &RefCell<State>, token: &str, had_value: bool, context: &str) {
    let state = state.borrow();
    assert_eq!(state.holder(CURRENT), Some(token), "{context}");
    assert_eq!(state.values.len(), 1 + usize::from(had_value), "{context}");
    assert_eq!(state.leftovers(), Vec::<&String>::new(), "{context}");
    assert_eq!(state.holder(PREVIOUS), had_value.then_some("base"), "{context}");
    let current: serde_json::Value = serde_json::from_str(&state.values[token]).unwrap();
    assert_eq!(current["password"].as_str().unwrap().len(), 32, "{context}");
    assert_eq!(current.get("user").is_some(), had_value, "{context}");
}

#[test]
fn a_tick_makes_one_version_and_leaves_no_label_behind() {
    for had_value in [true, false] {
        let state = secret(had_value);
        let done = deliver(&state, T1).unwrap();
        assert_eq!(done, Done { outcome: Outcome::Rotated, replaced: had_value.then_some(1) });
        assert_rotated_once(&state, T1, had_value, "");
    }
}

#[test]
fn a_tick_takes_six_calls_in_four_round_trips() {
    let state = secret(true);
    let model = Model::new(&state);
    run(tick(&model, T1)).unwrap();
    assert_eq!(*model.log.borrow(), ["labels", "current", "put", "move", "remove", "remove"]);
}

#[test]
fn the_same_tick_twice_makes_one_version() {
    for had_value in [true, false] {
        let state = secret(had_value);
        deliver(&state, T1).unwrap();
        let value = state.borrow().values[T1].clone();
        assert_eq!(deliver(&state, T1).unwrap().outcome, Outcome::AlreadyRotated);
        assert_rotated_once(&state, T1, had_value, "");
        assert_eq!(state.borrow().values[T1], value);
    }
}

#[test]
fn a_tick_that_others_have_replaced_changes_nothing() {
    // Once as AWSPREVIOUS, once with no label left, which only the put discovers.
    for later in [vec![T2], vec![T2, "33333333-3333-5333-8333-333333333333"]] {
        let state = secret(true);
        deliver(&state, T1).unwrap();
        for token in &later {
            deliver(&state, token).unwrap();
        }
        let before = state.borrow().clone();
        assert_eq!(deliver(&state, T1).unwrap().outcome, Outcome::Superseded);
        assert_eq!(state.borrow().labels, before.labels);
        assert_eq!(state.borrow().values, before.values);
    }
}

/// All calls that an undisturbed tick makes, and some more for recovery: faults are put at each.
const CALLS: usize = 12;

#[test]
fn a_tick_that_failed_at_any_call_is_finished_by_its_next_delivery() {
    for had_value in [true, false] {
        for fault in [Fault::Before, Fault::After] {
            for call in 0..CALLS {
                let state = secret(had_value);
                let first = run(tick(&Model::with_fault(&state, call, fault), T1));
                let context = format!("{fault:?} at call {call}: {first:?}");
                deliver(&state, T1).unwrap();
                assert_rotated_once(&state, T1, had_value, &context);
            }
        }
    }
}

#[test]
fn a_tick_that_was_killed_at_any_call_is_finished_by_its_next_delivery() {
    for had_value in [true, false] {
        for polls in 0..CALLS {
            let state = secret(had_value);
            {
                let model = Model { pauses: true, ..Model::new(&state) };
                let mut killed = Box::pin(tick(&model, T1));
                for _ in 0..polls {
                    if poll(killed.as_mut()).is_ready() {
                        break;
                    }
                }
            }
            deliver(&state, T1).unwrap();
            assert_rotated_once(&state, T1, had_value, &format!("killed after {polls} polls"));
        }
    }
}

#[test]
fn two_faults_in_a_row_are_outlived_too() {
    for (first, second) in (0..CALLS).flat_map(|first| (0..CALLS).map(move |second| (first, second))) {
        for faults in [[Fault::Before, Fault::After], [Fault::After, Fault::Before], [Fault::After, Fault::After]] {
            let state = secret(true);
            let _ = run(tick(&Model::with_fault(&state, first, faults[0]), T1));
            let _ = run(tick(&Model::with_fault(&state, second, faults[1]), T1));
            deliver(&state, T1).unwrap();
            assert_rotated_once(&state, T1, true, &format!("{faults:?} at {first}, {second}"));
        }
    }
}

#[test]
fn what_a_killed_tick_left_behind_the_next_tick_removes() {
    for fault in [Fault::Before, Fault::After] {
        for call in 0..CALLS {
            let state = secret(true);
            let _ = run(tick(&Model::with_fault(&state, call, fault), T1));
            assert_eq!(deliver(&state, T2).unwrap().outcome, Outcome::Rotated);
            let context = format!("{fault:?} at call {call}");
            assert_eq!(state.borrow().holder(CURRENT), Some(T2), "{context}");
            assert_eq!(state.borrow().leftovers(), Vec::<&String>::new(), "{context}");
            // The first tick, should it come again, finds that it is over.
            let late = deliver(&state, T1).map(|done| done.outcome);
            let current = state.borrow().holder(CURRENT).map(ToOwned::to_owned).unwrap();
            match late {
                Ok(Outcome::Superseded) => assert_eq!(current, T2, "{context}"),
                Ok(Outcome::Rotated) => assert_eq!(current, T1, "{context}"), // it had made nothing before
                other => panic!("{context}: {other:?}"),
            }
            assert_eq!(state.borrow().leftovers(), Vec::<&String>::new(), "{context}");
        }
    }
}

#[test]
fn a_label_that_cannot_be_removed_at_once_is_removed_at_the_second_try() {
    for call in [4, 5] {
        let state = secret(true);
        assert_eq!(run(tick(&Model::with_fault(&state, call, Fault::Before), T1)).unwrap().outcome, Outcome::Rotated);
        assert_rotated_once(&state, T1, true, &format!("call {call}"));
    }
}

#[test]
fn the_label_of_a_killed_tick_is_removed_even_after_a_manual_change() {
    let state = secret(true);
    run(tick(&Model::with_fault(&state, 2, Fault::After), T1)).unwrap_err();
    state.borrow_mut().manual_change("manual");
    assert_eq!(deliver(&state, T2).unwrap().outcome, Outcome::Rotated);
    assert_eq!(state.borrow().leftovers(), Vec::<&String>::new());
    assert_eq!(deliver(&state, T1).unwrap().outcome, Outcome::Superseded);
}

#[test]
fn a_resumed_tick_puts_nothing() {
    let state = secret(true);
    run(tick(&Model::with_fault(&state, 3, Fault::Before), T1)).unwrap_err();
    let model = Model::new(&state);
    run(tick(&model, T1)).unwrap();
    assert!(!model.log.borrow().contains(&"put"), "{:?}", model.log);
}

/// Runs two deliveries in each order that their calls can come in, by a list of which goes next.
fn interleaved(
    tokens: [&str; 2],
    had_value: bool,
    mut check: impl FnMut(&RefCell<State>, [Result<Done, Error>; 2], &str),
) -> u32 {
    let mut orders = 0;
    let mut order: Vec<usize> = Vec::new();
    loop {
        let state = secret(had_value);
        let taken = one_order(&state, tokens, &order, &mut check);
        orders += 1;
        // The next order: the last place at which the second could have gone instead of the first.
        order = taken;
        while order.last() == Some(&1) {
            order.pop();
        }
        match order.last_mut() {
            Some(last) => *last = 1,
            None => return orders,
        }
    }
}

/// Goes by `order` and then lets the first go whenever it can; returns the choices at which both could have gone.
fn one_order(
    state: &RefCell<State>,
    tokens: [&str; 2],
    order: &[usize],
    check: &mut impl FnMut(&RefCell<State>, [Result<Done, Error>; 2], &str),
) -> Vec<usize> {
    let models = [0, 1].map(|_| Model { pauses: true, ..Model::new(state) });
    let mut running: Vec<Option<Pin<Box<dyn Future<Output = _>>>>> = models
        .iter()
        .zip(tokens)
        .map(|(model, token)| Some(Box::pin(tick(model, token)) as Pin<Box<dyn Future<Output = _>>>))
        .collect();
    let mut results = [None, None];
    let mut taken = Vec::new();
    while results.iter().any(Option::is_none) {
        let next = if running.iter().all(Option::is_some) {
            taken.push(order.get(taken.len()).copied().unwrap_or(0));
            taken[taken.len() - 1]
        } else {
            usize::from(running[0].is_none())
        };
        if let Poll::Ready(result) = poll(running[next].as_mut().unwrap().as_mut()) {
            results[next] = Some(result);
            running[next] = None;
        }
    }
    drop(running);
    check(state, results.map(Option::unwrap), &format!("order {taken:?}"));
    taken
}

#[test]
fn two_deliveries_of_one_tick_at_once_make_one_version_in_every_order() {
    for had_value in [true, false] {
        let orders = interleaved([T1, T1], had_value, |state, results, order| {
            assert_rotated_once(state, T1, had_value, order);
            let outcomes = results.map(|result| result.unwrap().outcome);
            assert!(outcomes.contains(&Outcome::Rotated), "{order} {outcomes:?}");
            assert!(
                outcomes.iter().all(|o| matches!(o, Outcome::Rotated | Outcome::AlreadyRotated)),
                "{order} {outcomes:?}"
            );
        });
        assert!(orders > 50, "{orders}");
    }
}

#[test]
fn two_ticks_at_once_never_lose_a_version_in_any_order() {
    for had_value in [true, false] {
        interleaved([T1, T2], had_value, |state, results, order| {
            let rotated: Vec<&str> =
                results.iter().zip([T1, T2]).filter(|(result, _)| result.is_ok()).map(|(_, token)| token).collect();
            assert!(!rotated.is_empty(), "{order} {results:?}");
            for error in results.iter().filter_map(|result| result.as_ref().err()) {
                assert_eq!(error.class(), Class::Conflict, "{order} {error}");
            }
            let current = state.borrow().holder(CURRENT).map(ToOwned::to_owned).unwrap();
            assert!(rotated.contains(&current.as_str()), "{order}: {current} {results:?}");
            // The next tick finds a secret that it can rotate, and leaves nothing behind.
            assert_eq!(deliver(state, "t3").unwrap().outcome, Outcome::Rotated, "{order}");
            assert_eq!(state.borrow().leftovers(), Vec::<&String>::new(), "{order}");
        });
    }
}

#[test]
fn a_manual_change_at_any_point_is_never_overwritten_unseen() {
    for had_value in [true, false] {
        for call in 0..CALLS {
            let state = secret(had_value);
            let model = Model::with_fault(&state, call, Fault::Manual);
            let result = run(tick(&model, T1));
            let order = format!("manual change at call {call}: {result:?}");
            let log = model.log.borrow();
            if log.len() <= call {
                assert_rotated_once(&state, T1, had_value, &order);
                continue;
            }
            let state = state.borrow();
            let read_after = log[..call].iter().all(|&action| action != "current");
            if read_after {
                // The tick began from it, and its other field lives on.
                assert_eq!(state.holder(PREVIOUS), Some("manual"), "{order}");
                assert!(state.values[T1].contains(CANARY), "{order}");
                assert_eq!(result.unwrap().outcome, Outcome::Rotated);
            } else {
                assert_eq!(state.holder(CURRENT), Some("manual"), "{order}");
                let moved = log[..call].contains(&"move") || (!had_value && log[..call].contains(&"put"));
                match result {
                    Ok(done) => assert!(moved && done.outcome == Outcome::Rotated, "{order}"),
                    Err(error) => assert!(!moved && error == Kind::Changed.at(Step::Finish), "{order}"),
                }
            }
            assert_eq!(state.leftovers(), Vec::<&String>::new(), "{order}");
        }
    }
}

#[test]
fn a_manual_change_between_a_crash_and_the_next_delivery_is_kept() {
    for had_value in [true, false] {
        for fault in [Fault::Before, Fault::After] {
            for call in 0..CALLS {
                let state = secret(had_value);
                let first = run(tick(&Model::with_fault(&state, call, fault), T1));
                let had_put = state.borrow().values.contains_key(T1);
                state.borrow_mut().manual_change("manual");
                let second = deliver(&state, T1).map(|done| done.outcome);
                let context = format!("{fault:?} at call {call}: {first:?}, then {second:?}");
                let state = state.borrow();
                assert_eq!(state.leftovers(), Vec::<&String>::new(), "{context}");
                if had_put {
                    // It was made from what was there before the change, so it is over.
                    assert_eq!(state.holder(CURRENT), Some("manual"), "{context}");
                    let over = second == Ok(Outcome::Superseded) || second == Err(Kind::Changed.at(Step::Finish));
                    assert!(over, "{context}");
                } else {
                    assert_eq!(state.holder(PREVIOUS), Some("manual"), "{context}");
                    assert_eq!(second, Ok(Outcome::Rotated), "{context}");
                }
            }
        }
    }
}

#[test]
fn a_manual_step_back_is_kept_when_the_tick_comes_again() {
    // Killed right after the move, so that all labels are still there.
    let state = secret(true);
    state.borrow_mut().put(T1, &value("new"), &[PENDING, "rotator-base-base"]).unwrap();
    state.borrow_mut().update(CURRENT, Some("base"), Some(T1)).unwrap();
    state.borrow_mut().update(CURRENT, Some(T1), Some("base")).unwrap();
    assert_eq!(deliver(&state, T1).unwrap().outcome, Outcome::Superseded);
    assert_eq!(state.borrow().holder(CURRENT), Some("base"));
    assert_eq!(state.borrow().leftovers(), Vec::<&String>::new());
}

#[test]
fn after_a_conflict_the_next_tick_rotates() {
    let state = secret(true);
    let conflict = run(tick(&Model::with_fault(&state, 3, Fault::Manual), T1)).unwrap_err();
    assert_eq!(conflict.class(), Class::Conflict);
    assert_eq!(deliver(&state, T1).unwrap().outcome, Outcome::Superseded);
    assert_eq!(deliver(&state, T2).unwrap().outcome, Outcome::Rotated);
    assert_eq!(state.borrow().holder(PREVIOUS), Some("manual"));
    assert_eq!(state.borrow().leftovers(), Vec::<&String>::new());
}

#[test]
fn a_pending_version_without_its_base_is_given_up() {
    let state = secret(true);
    state.borrow_mut().put(T1, &value("new"), &[PENDING]).unwrap();
    assert_eq!(deliver(&state, T1).unwrap_err(), Kind::NoBase.at(Step::Finish));
    assert_eq!(state.borrow().holder(CURRENT), Some("base"));
    assert_eq!(state.borrow().leftovers(), Vec::<&String>::new());
}

#[test]
fn no_error_and_no_outcome_ever_holds_a_value() {
    for fault in [Fault::Before, Fault::After, Fault::Manual] {
        for call in 0..CALLS {
            let state = secret(true);
            let told = match run(tick(&Model::with_fault(&state, call, fault), T1)) {
                Ok(done) => format!("{done:?}"),
                Err(error) => format!("{error} {error:?} {:?}", lambda_runtime::Diagnostic::from(error.clone())),
            };
            let passwords =
                state.borrow().values.values().map(|v| v.split('"').nth(7).unwrap().to_owned()).collect::<Vec<_>>();
            assert!(!told.contains(CANARY) && passwords.iter().all(|p| !told.contains(p.as_str())), "{told}");
        }
    }
}
