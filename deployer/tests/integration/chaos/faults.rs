//! A faulty answer at any call.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::state::{differences, of};
use super::{
    Bench, Hit, SCENARIOS, Target, distinct, each, end_state, expected, hits, is_tried, shows_no_value, undisturbed,
};
use crate::desk::Ran;
use crate::proxy::{Extent, Fault, mutates};

/// Nothing may take longer: the deadline for what has to settle, and the retries of the calls before it.
const LIMIT: Duration = Duration::from_mins(3);

#[derive(Clone, Copy)]
struct Case<'a> {
    target: Target<'a>,
    fault: Fault,
    extent: Extent,
}

impl std::fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} at {} ({:?})", self.fault, self.target, self.extent)
    }
}

/// How many faults a call can have.
const FAULTS: usize = 2 * Fault::PASSING.len() + Fault::FINAL.len();

/// All faults that one call can have: those that pass, once; those that last, from there on.
fn faults() -> impl Iterator<Item = (Fault, Extent)> {
    let lasting = |fault| match fault {
        Fault::Expired => (fault, Extent::Everything),
        _ => (fault, Extent::SameName),
    };
    let passing = Fault::PASSING.into_iter().map(|fault| (fault, Extent::Once));
    passing.chain(Fault::PASSING.into_iter().chain(Fault::FINAL).map(lasting))
}

fn survives(bench: &mut Bench, case: &Case<'_>) -> Option<Hit> {
    let Case { target, fault, extent } = *case;
    let (undisturbed, call) = (target.undisturbed, target.call);
    bench.prepare(undisturbed.scenario.start);
    let (before, value) = (end_state(&bench.stack.bed), bench.value());
    if extent != Extent::Once {
        bench.stack.desk.set("AWS_MAX_ATTEMPTS", "2");
    }
    bench.proxy.fault(call, target.ahead, fault, extent);
    let ran = bench.stack.desk.start(&Bench::command(undisturbed.scenario)).end_within(LIMIT);
    let is_hit = bench.proxy.disarm();
    bench.stack.desk.unset("AWS_MAX_ATTEMPTS");
    if !is_hit {
        ran.expect(0);
        bench.has_ended(undisturbed, &expected(value));
        return None;
    }

    shows_no_value(&ran.all());
    assert!(!ran.all().contains("panicked"), "{call}: {}", ran.all());
    let code = ran.code().unwrap_or_else(|| panic!("{call}: it hangs, or was killed:\n{}", ran.all()));
    assert!(code == 0 || (code == 1 && extent != Extent::Once), "{call}: code {code}\n{}", ran.all());
    let after = end_state(&bench.stack.bed);
    let outcome = if code == 0 {
        assert_eq!(differences(&undisturbed.end, &after), Vec::<String>::new(), "{call}: not what it says");
        "done"
    } else {
        report_is_true(&ran, &before, &after, case)
    };
    shows_no_value(&bench.recovers(undisturbed, value).all());
    Some(Hit::of(target, format!("{fault:?} {outcome}")))
}

/// What failed says what is done and what is not, of every resource, and so it is.
fn report_is_true(ran: &Ran, before: &Value, after: &Value, case: &Case<'_>) -> &'static str {
    let Target { undisturbed, call, .. } = case.target;
    let json = ran.json();
    let told = |text: &str| ran.err.contains(text);
    assert!(told("error: "), "{call}: no error is told:\n{}", ran.err);
    let Some(stack) = json["stacks"].get(0) else {
        assert!(json["errors"][0]["message"].is_string() && told("nothing was changed"), "{call}:\n{}", ran.all());
        assert_eq!(differences(before, after), Vec::<String>::new(), "{call}: something was changed");
        return "nothing was changed";
    };
    let resources = stack["resources"].as_array().unwrap();
    assert!(!resources.is_empty(), "{call}: no resource is told:\n{}", ran.all());
    let mut failed = 0;
    for resource in resources {
        let (name, outcome) = (resource["name"].as_str().unwrap(), resource["outcome"].as_str().unwrap());
        let (was, is, will_be) = (shown(before, resource), shown(after, resource), shown(&undisturbed.end, resource));
        match outcome {
            "done" => assert_eq!(is, will_be, "{call}: {name} is not done"),
            // A function's role is made with it in one action, and some of it may be done.
            "not-started" => assert_eq!(is, was, "{call}: {name} was begun"),
            // It has all that it will, and still what it had.
            "granted" => {
                assert!(resource["reason"].as_str().unwrap().contains("still what is not needed"), "{call}: {name}");
            }
            "failed" | "unknown" => {
                failed += 1;
                let reason = resource["reason"].as_str().unwrap_or_else(|| panic!("{call}: {name} has no reason"));
                // Of what was not answered nobody knows whether it was done. What the emulator does first may be late.
                let is_late = case.fault.takes_effect() && reason.contains("no answer in time");
                let is_answered = case.fault.answer(call, "").is_some() && !is_late;
                let expected = if is_answered { "failed" } else { "unknown" };
                assert_eq!(outcome, expected, "{call}: {name}: {reason}");
            }
            other => panic!("{call}: {name} is {other}"),
        }
    }
    let is_told_after = stack.get("error").is_some() || stack.get("left_over").is_some_and(|left| left[0].is_string());
    assert!(failed > 0 || is_told_after, "{call}: nothing is told to have failed:\n{}", ran.all());
    if failed > 0 { "some was done" } else { "all was done, but not looked at again" }
}

/// What there is of a resource. On its group stands what was last applied of a schedule, which is the schedule's.
fn shown(inventory: &Value, resource: &Value) -> Value {
    let mut found = of(inventory, resource).clone();
    if let Some(tags) = found.get_mut("Tags").and_then(Value::as_array_mut) {
        tags.retain(|tag| tag["Key"] != "deployer:applied-schedule");
    }
    found
}

#[test]
fn whatever_call_goes_wrong_it_is_retried_or_told_and_never_half_reported() {
    let undisturbed = undisturbed(&[SCENARIOS[0], SCENARIOS[1], SCENARIOS[3]]);
    let mut cases = Vec::new();
    for one in &undisturbed {
        let mut read = BTreeSet::new();
        for (at, target) in one.targets().enumerate() {
            let call = target.call;
            // What lasts is the same from whichever read of a name on.
            let lasts = mutates(call) || read.insert(call);
            for (number, (fault, extent)) in faults().enumerate() {
                let is_new = extent == Extent::Once || lasts;
                // The one call that has a value in it: what an error quotes of it must never be told.
                let has_value = call == "secretsmanager:CreateSecret" && extent != Extent::Once;
                // No divisor of the number of faults, so that each call has others.
                if is_new && (has_value || is_tried(at * FAULTS + number, call, 7, 41)) {
                    cases.push(Case { target, fault, extent });
                }
            }
        }
    }
    let hits = hits(&undisturbed, &cases, &[""], survives);
    println!("{} faults, at {} different calls", hits.len(), distinct(&hits));
    let mut tally = BTreeMap::<&str, usize>::new();
    for hit in &hits {
        *tally.entry(&hit.what).or_default() += 1;
    }
    for (outcome, count) in tally {
        println!("{count:>5}  {outcome}");
    }
}

#[test]
fn a_change_whose_answer_is_lost_is_not_taken_for_somebody_elses() {
    let undisturbed = undisturbed(&[SCENARIOS[1]]);
    let mut cases = Vec::new();
    for target in undisturbed[0].targets() {
        // By their revision Lambda tells whether somebody has changed the function.
        if target.call.starts_with("lambda:UpdateFunction") {
            let lost = Fault::PASSING.into_iter().filter(|fault| fault.takes_effect());
            let case = |fault| Case { target, fault, extent: Extent::Once };
            cases.extend(lost.map(case));
        }
    }
    let hits = each(&cases, survives).into_iter().flatten();
    let is_it = |hit: &Hit| hit.call.starts_with("lambda:UpdateFunction") && hit.what.ends_with(" done");
    let hits: Vec<Hit> = hits.filter(is_it).collect();
    assert!(hits.len() == cases.len() && hits.len() >= 6, "{hits:?} of {cases:?}");
}
