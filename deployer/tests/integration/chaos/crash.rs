//! A kill at any call.

use super::{Bench, SCENARIOS, Undisturbed, distinct, each, is_tried, undisturbed};
use crate::proxy::When;

struct Case<'a> {
    undisturbed: &'a Undisturbed,
    /// How many calls are made before the one at which it is killed.
    ahead: usize,
    when: When,
}

impl std::fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let when = if self.when == When::Asked { "before" } else { "after" };
        write!(f, "{}, killed {when} call {}", self.undisturbed.scenario, self.ahead + 1)
    }
}

/// Gives the call at which it was killed.
fn killed(bench: &mut Bench, case: &Case<'_>) -> String {
    let Case { undisturbed, ahead, when } = *case;
    bench.prepare(undisturbed.scenario.start);
    let before = bench.value();
    let vanishing = bench.proxy.vanish(ahead, when);
    let mut running = bench.stack.desk.start(&Bench::command(undisturbed.scenario));
    let Some(call) = vanishing.wait(&mut running) else {
        // This run had less to wait for, and made fewer calls.
        running.end().expect(0);
        return String::new();
    };
    running.signal("KILL");
    assert_eq!(running.end().code(), None, "it was not killed at {call}");
    bench.proxy.disarm();
    let between = bench.value();
    assert!(before.is_none() || before == between, "{call}: the value was touched");
    bench.recovers(undisturbed, between.as_ref());
    call
}

#[test]
fn whatever_call_a_command_is_killed_at_the_next_one_brings_it_to_its_end() {
    let undisturbed = undisturbed(&SCENARIOS);
    let mut cases = Vec::new();
    for one in &undisturbed {
        for (ahead, call) in one.calls.iter().enumerate() {
            for (number, when) in [When::Asked, When::Answered].into_iter().enumerate() {
                // Of the changes either, in turn; of the reads a few.
                if is_tried(ahead + number, call, 2, 11) {
                    cases.push(Case { undisturbed: one, ahead, when });
                }
            }
        }
    }
    let calls = each(&cases, killed);
    let calls: Vec<String> = calls.into_iter().filter(|call| !call.is_empty()).collect();
    println!("killed {} times, at {} different calls", calls.len(), distinct(&calls));
    for one in &undisturbed {
        println!("{}: {} calls", one.scenario, one.calls.len());
    }
    assert!(calls.len() * 10 >= cases.len() * 8, "{} of {} cases were killed", calls.len(), cases.len());
}
