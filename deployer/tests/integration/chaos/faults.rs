//! A faulty answer at any call.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::state::differences;
use super::{Bench, SCENARIOS, Undisturbed, distinct, each, end_state, is_tried, shows_no_value, undisturbed};
use crate::desk::Ran;
use crate::proxy::{Extent, Fault, mutates};

/// Nothing may take longer: the deadline for what has to settle, and the retries of the calls before it.
const LIMIT: Duration = Duration::from_mins(3);

#[derive(Clone, Copy)]
struct Case<'a> {
    undisturbed: &'a Undisturbed,
    /// How many calls are made before the one that goes wrong.
    ahead: usize,
    fault: Fault,
    extent: Extent,
}

impl std::fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { undisturbed, ahead, fault, extent } = self;
        write!(f, "{}, {fault:?} at call {} ({extent:?})", undisturbed.scenario, ahead + 1)
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

/// Gives the call that went wrong, and how.
fn survives(bench: &mut Bench, case: &Case<'_>) -> String {
    let Case { undisturbed, ahead, fault, extent } = *case;
    bench.prepare(undisturbed.scenario.start);
    let (before, value) = (end_state(&bench.stack.bed), bench.value());
    if extent != Extent::Once {
        bench.stack.desk.set("AWS_MAX_ATTEMPTS", "2");
    }
    bench.proxy.fault(ahead, fault, extent);
    let ran = bench.stack.desk.start(&Bench::command(undisturbed.scenario)).end_within(LIMIT);
    let call = bench.proxy.disarm();
    bench.stack.desk.unset("AWS_MAX_ATTEMPTS");
    let Some(call) = call else {
        ran.expect(0);
        return String::new();
    };

    shows_no_value(&ran.all());
    assert!(!ran.all().contains("panicked"), "{call}: {}", ran.all());
    let code = ran.code().unwrap_or_else(|| panic!("{call}: it hangs, or was killed:\n{}", ran.all()));
    assert!(code == 0 || (code == 1 && extent != Extent::Once), "{call}: code {code}\n{}", ran.all());
    let after = end_state(&bench.stack.bed);
    let outcome = if code == 0 {
        assert_eq!(differences(&undisturbed.end, &after), Vec::<String>::new(), "{call}: not what it says");
        "done"
    } else {
        report_is_true(&ran, &before, &after, undisturbed, &call)
    };
    let between = bench.value();
    assert!(value.is_none() || value == between, "{call}: the value was touched");
    shows_no_value(&bench.recovers(undisturbed, between.as_ref()).all());
    format!("{call} {fault:?} {outcome}")
}

/// What failed says what is done and what is not, of every resource, and so it is.
fn report_is_true(ran: &Ran, before: &Value, after: &Value, undisturbed: &Undisturbed, call: &str) -> &'static str {
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
        let (was, is, will_be) = (of(before, resource), of(after, resource), of(&undisturbed.end, resource));
        match outcome {
            "done" => assert_eq!(is, will_be, "{call}: {name} is not done"),
            // A function's role is made with it in one action, and some of it may be done.
            "not-started" => assert_eq!(is, was, "{call}: {name} was begun"),
            "failed" | "unknown" => {
                failed += 1;
                let reason = resource["reason"].as_str().unwrap_or_else(|| panic!("{call}: {name} has no reason"));
                // Of what was not answered nobody knows whether it was done.
                let unanswered = ["no answer in time", "no connection", "can't be read"];
                let is_unanswered = unanswered.iter().any(|words| reason.contains(words));
                assert_eq!(outcome == "unknown", is_unanswered, "{call}: {name} is {outcome}: {reason}");
            }
            other => panic!("{call}: {name} is {other}"),
        }
    }
    let is_told_after = stack.get("error").is_some() || stack.get("left_over").is_some_and(|left| left[0].is_string());
    assert!(failed > 0 || is_told_after, "{call}: nothing is told to have failed:\n{}", ran.all());
    if failed > 0 { "some was done" } else { "all was done, but not looked at again" }
}

/// What there is of a resource. Tags say who wrote them last, and a group's are its schedule's too.
fn of(inventory: &Value, resource: &Value) -> Value {
    let kind = match resource["address"].as_str().unwrap() {
        "secret" => "secrets",
        "execution-role" | "invoke-role" => "roles",
        "log-group" => "log_groups",
        "function" => "functions",
        "schedule-group" => "schedule_groups",
        _ => "schedules",
    };
    let mut found = inventory[kind][resource["name"].as_str().unwrap()].clone();
    if let Some(fields) = found.as_object_mut().filter(|_| kind == "schedule_groups") {
        fields.remove("Tags");
    }
    found
}

#[test]
fn whatever_call_goes_wrong_it_is_retried_or_told_and_never_half_reported() {
    let undisturbed = undisturbed(&[SCENARIOS[0], SCENARIOS[1], SCENARIOS[3]]);
    let mut cases = Vec::new();
    for one in &undisturbed {
        let mut read = BTreeSet::new();
        for (ahead, call) in one.calls.iter().enumerate() {
            // What lasts is the same from whichever read of a name on.
            let lasts = mutates(call) || read.insert(call);
            for (number, (fault, extent)) in faults().enumerate() {
                let is_new = extent == Extent::Once || lasts;
                // The one call that has a value in it: what an error quotes of it must never be told.
                let has_value = call == "secretsmanager:CreateSecret" && extent != Extent::Once;
                // No divisor of the number of faults, so that each call has others.
                if is_new && (has_value || is_tried(ahead * FAULTS + number, call, 7, 41)) {
                    cases.push(Case { undisturbed: one, ahead, fault, extent });
                }
            }
        }
    }
    let answers = each(&cases, survives);
    let answers: Vec<String> = answers.into_iter().filter(|answer| !answer.is_empty()).collect();
    let calls: Vec<String> = answers.iter().map(|one| one.split(' ').next().unwrap().to_owned()).collect();
    println!("{} faults, at {} different calls", answers.len(), distinct(&calls));
    let mut tally = BTreeMap::<&str, usize>::new();
    for answer in &answers {
        *tally.entry(answer.split_once(' ').unwrap().1).or_default() += 1;
    }
    for (outcome, count) in tally {
        println!("{count:>5}  {outcome}");
    }
    assert!(answers.len() * 10 >= cases.len() * 8, "{} of {} cases went wrong", answers.len(), cases.len());
}

#[test]
fn a_change_whose_answer_is_lost_is_not_taken_for_somebody_elses() {
    let undisturbed = undisturbed(&[SCENARIOS[1]]);
    let mut cases = Vec::new();
    for (ahead, call) in undisturbed[0].calls.iter().enumerate() {
        // By their revision Lambda tells whether somebody has changed the function.
        if call.starts_with("lambda:UpdateFunction") {
            let lost = Fault::PASSING.into_iter().filter(|fault| fault.takes_effect());
            let case = |fault| Case { undisturbed: &undisturbed[0], ahead, fault, extent: Extent::Once };
            cases.extend(lost.map(case));
        }
    }
    let answers = each(&cases, survives);
    assert!(answers.iter().filter(|answer| answer.ends_with(" done")).count() >= 6, "{answers:?}");
}
