//! A kill at any call.

use super::{
    Bench, Hit, SCENARIOS, Scenario, Start, Target, distinct, expected, hits, is_tried, scenario, undisturbed,
};
use crate::proxy::When;

struct Case<'a> {
    target: Target<'a>,
    when: When,
}

impl std::fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "killed {} {}", word(self.when), self.target)
    }
}

const fn word(when: When) -> &'static str {
    match when {
        When::Asked => "before",
        When::Answered => "after",
    }
}

fn killed(bench: &mut Bench, case: &Case<'_>) -> Option<Hit> {
    let Case { target, when } = *case;
    let undisturbed = target.undisturbed;
    bench.prepare(undisturbed.scenario.start);
    let before = bench.value();
    let vanishing = bench.proxy.vanish(target.call, target.ahead, when);
    let mut running = bench.stack.desk.start(&Bench::command(undisturbed.scenario));
    if !vanishing.wait(&mut running) {
        running.end().expect(0);
        bench.has_ended(undisturbed, &expected(before));
        return None;
    }
    running.signal("KILL");
    assert_eq!(running.end().code(), None, "it was not killed");
    bench.proxy.disarm();
    bench.recovers(undisturbed, before);
    Some(Hit::of(target, word(when).to_owned()))
}

/// What changes what is there, or makes again what was: too alike for every fault to be tried at it too.
const MADE_ANEW: [Scenario; 3] =
    [scenario("apply", Start::Edited), scenario("apply", Start::TornDown), scenario("apply", Start::Moved)];

fn killed_at_any_call(scenarios: &[Scenario]) {
    let undisturbed = undisturbed(scenarios);
    let mut cases = Vec::new();
    for (at, target) in undisturbed.iter().flat_map(|one| one.targets().enumerate()) {
        for (number, when) in [When::Asked, When::Answered].into_iter().enumerate() {
            // Of the changes either, in turn; of the reads a few.
            if is_tried(at + number, target.call, 2, 11) {
                cases.push(Case { target, when });
            }
        }
    }
    let hits = hits(&undisturbed, &cases, &["before", "after"], killed);
    println!("killed {} times, at {} different calls", hits.len(), distinct(&hits));
    for one in &undisturbed {
        println!("{}: {} calls", one.scenario, one.calls.len());
    }
}

#[test]
fn whatever_call_a_command_is_killed_at_the_next_one_brings_it_to_its_end() {
    killed_at_any_call(&SCENARIOS);
}

#[test]
fn whatever_call_an_apply_is_killed_at_that_changes_restores_or_replaces_the_next_one_brings_it_to_its_end() {
    killed_at_any_call(&MADE_ANEW);
}
