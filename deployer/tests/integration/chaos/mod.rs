//! What goes wrong at any call: a kill before or after it, and every kind of faulty answer.
//!
//! Whatever happens, the same command once more comes to the end that an undisturbed run comes to. All calls are gone
//! through with `CHAOS=all` (`make chaos`), else a sample that touches every scenario.

mod crash;
mod faults;
pub mod state;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::{Value, json};

use crate::bed::Bed;
use crate::desk::Ran;
use crate::proxy::{Proxy, mutates};
use crate::stack::{FILE, Stack, spec};
use state::{differences, end_state};

/// The first value's password, and the one that a rotation has put in its place since.
const FIRST: &str = "cAnArY#1-first\"value\\of<all>&more";
const LATER: &str = "cAnArY#2-made\"by\\a<rotation>&more";

/// How many emulators are worked on at once: most of a case's time is spent waiting.
const WORKERS: usize = 4;

/// What a command begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Nothing is there.
    Nothing,
    /// All is there, and as it should be.
    Complete,
    /// All is there, and somebody has changed each of it.
    Drifted,
    /// Some of it is there, and not all of that is complete.
    HalfBuilt,
    /// It was torn down, and the secret waits for its deletion.
    TornDown,
    /// All is there, and the spec has the roles under another path: they are replaced.
    Moved,
    /// All is there, and the spec wants something else of each of it.
    Edited,
}

/// A command and what it begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Scenario {
    command: &'static str,
    start: Start,
}

impl std::fmt::Display for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let start = match self.start {
            Start::Nothing => "nothing",
            Start::Complete => "a complete stack",
            Start::Drifted => "a drifted stack",
            Start::HalfBuilt => "a half-built stack",
            Start::TornDown => "a torn down stack",
            Start::Moved => "a stack whose roles move",
            Start::Edited => "an edited spec",
        };
        write!(f, "{} of {start}", self.command)
    }
}

const fn scenario(command: &'static str, start: Start) -> Scenario {
    Scenario { command, start }
}

const SCENARIOS: [Scenario; 6] = [
    scenario("apply", Start::Nothing),
    scenario("apply", Start::Drifted),
    scenario("apply", Start::HalfBuilt),
    scenario("teardown", Start::Complete),
    scenario("teardown", Start::Drifted),
    scenario("teardown", Start::HalfBuilt),
];

/// What an undisturbed run comes to.
#[derive(Debug)]
struct Undisturbed {
    scenario: Scenario,
    /// Its calls, one after another. Waiting makes some more or less of them, and those at the same time change places.
    calls: Vec<String>,
    /// What there is at its end.
    end: Value,
}

/// What the stack is made from.
fn base() -> Value {
    let mut spec = spec("app");
    spec["secret"]["initial"] = json!({"env": "FIRST_PASSWORD"});
    spec
}

/// Something else of every resource.
fn edit(spec: &mut Value) {
    spec["secret"]["description"] = json!("edited");
    spec["function"]["memory"] = json!(256);
    spec["function"]["log_retention_days"] = json!(7);
    spec["schedule"]["expression"] = json!("rate(3 days)");
}

/// An emulator of its own, with a proxy before it.
struct Bench {
    stack: Stack,
    proxy: Proxy,
}

impl Bench {
    fn new() -> Self {
        let mut stack = Stack::in_bed(Bed::ministack(), base());
        let proxy = Proxy::of(&stack.bed);
        stack.desk.set("AWS_ENDPOINT_URL", &proxy.endpoint);
        stack.desk.set("FIRST_PASSWORD", FIRST);
        Self { stack, proxy }
    }

    /// Makes the account what a scenario begins with.
    fn prepare(&mut self, start: Start) {
        self.proxy.disarm();
        let keys = self.stack.bed.reset();
        self.stack.desk.sign_in(&keys);
        self.stack.edit(|spec| *spec = base());
        if start != Start::Nothing {
            self.stack.deploy("apply --yes --skip-self-check").expect(0);
            state::rotate(&self.stack.bed);
        }
        match start {
            Start::Nothing | Start::Complete => {}
            Start::Drifted => state::drift(&self.stack.bed),
            Start::HalfBuilt => state::take_half_away(&self.stack.bed),
            Start::TornDown => drop(self.stack.deploy("teardown --yes").expect(0)),
            Start::Moved => self.stack.edit(|spec| spec["role"]["path"] = json!("/moved/")),
            Start::Edited => self.stack.edit(edit),
        }
        self.proxy.take();
    }

    /// A scenario without anything in its way.
    fn undisturbed(&mut self, scenario: Scenario) -> Undisturbed {
        self.prepare(scenario.start);
        let value = expected(self.value());
        self.run(scenario).expect(0);
        let calls = self.proxy.take_in_order();
        assert_eq!(self.value(), Some(value), "{scenario}: the value was changed");
        Undisturbed { scenario, calls, end: end_state(&self.stack.bed) }
    }

    fn command(scenario: Scenario) -> String {
        format!("{} {FILE} --yes -o json --request-timeout 1", scenario.command)
    }

    fn run(&self, scenario: Scenario) -> Ran {
        self.stack.desk.deploy(&Self::command(scenario))
    }

    /// What was disturbed has not touched the value, and the command once more, with nothing in its way, comes to the end
    /// of an undisturbed run.
    fn recovers(&self, undisturbed: &Undisturbed, before: Option<String>) -> Ran {
        let (between, had_none, value) = (self.value(), before.is_none(), expected(before));
        assert!(between.as_ref() == Some(&value) || had_none && between.is_none(), "the value was touched");
        let ran = self.run(undisturbed.scenario).expect(0);
        self.has_ended(undisturbed, &value);
        ran
    }

    /// All is as an undisturbed run leaves it, with that value.
    fn has_ended(&self, undisturbed: &Undisturbed, value: &str) {
        let differing = differences(&undisturbed.end, &end_state(&self.stack.bed));
        assert!(differing.is_empty(), "it ends otherwise than an undisturbed run: {differing:#?}");
        assert_eq!(self.value().as_deref(), Some(value), "the value was touched");
    }

    /// The secret's value, whatever it takes to see it; `None` where there is no secret.
    fn value(&self) -> Option<String> {
        let (bed, secret) = (&self.stack.bed, self.stack.secret());
        let described = bed.attempt("secretsmanager", "describe_secret", secret.clone()).ok()?;
        if described.get("DeletedDate").is_none_or(Value::is_null) {
            return Some(self.stack.value());
        }
        bed.call("secretsmanager", "restore_secret", secret.clone());
        let value = self.stack.value();
        let again = json!({"SecretId": secret["SecretId"], "RecoveryWindowInDays": 7});
        bed.call("secretsmanager", "delete_secret", again);
        Some(value)
    }
}

/// The value that there must be at the end: the one that there was, or the first.
fn expected(before: Option<String>) -> String {
    before.unwrap_or_else(|| state::value_of(FIRST))
}

/// No value, in whatever spelling, may be in a text that anybody reads.
fn shows_no_value(text: &str) {
    for value in [FIRST, LATER] {
        let quoted = json!(value).to_string();
        let twice = json!(quoted).to_string();
        for form in [value, quoted.trim_matches('"'), twice.trim_matches('"'), &value[..9]] {
            assert!(!text.contains(form), "a value is in what was said:\n{text}");
        }
    }
}

/// Whether all cases are tried.
fn all() -> bool {
    std::env::var("CHAOS").is_ok_and(|what| what == "all")
}

/// Whether a case is tried: all are where that is wished, else one of so many `changes` or `reads`.
fn is_tried(case: usize, call: &str, changes: usize, reads: usize) -> bool {
    all() || case.is_multiple_of(if mutates(call) { changes } else { reads })
}

/// One call of an undisturbed run: what is tried is done to it alone. Calls that are made at the same time change places,
/// so that it is known by its name.
#[derive(Clone, Copy)]
struct Target<'a> {
    undisturbed: &'a Undisturbed,
    call: &'a str,
    /// How many of its name are made before it.
    ahead: usize,
}

impl Undisturbed {
    fn targets(&self) -> impl Iterator<Item = Target<'_>> {
        self.calls.iter().enumerate().map(|(at, call)| {
            let ahead = self.calls[..at].iter().filter(|one| *one == call).count();
            Target { undisturbed: self, call, ahead }
        })
    }
}

impl std::fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} number {} of {}", self.call, self.ahead + 1, self.undisturbed.scenario)
    }
}

/// A call was hit, and that is what came of it.
#[derive(Debug)]
struct Hit {
    scenario: Scenario,
    call: String,
    what: String,
}

impl Hit {
    fn of(target: Target<'_>, what: String) -> Self {
        Self { scenario: target.undisturbed.scenario, call: target.call.to_owned(), what }
    }
}

/// Works on all cases. A run may have less to wait for than the undisturbed one, and make fewer calls; where all cases are
/// tried, every name must be hit in every `way`, by which what came of it begins.
fn hits<C: std::fmt::Debug + Sync>(
    undisturbed: &[Undisturbed],
    cases: &[C],
    ways: &[&str],
    work: impl Fn(&mut Bench, &C) -> Option<Hit> + Sync,
) -> Vec<Hit> {
    let hits: Vec<Hit> = each(cases, work).into_iter().flatten().collect();
    assert!(hits.len() * 10 >= cases.len() * 8, "{} of {} cases hit a call", hits.len(), cases.len());
    let is_hit = |target: Target<'_>, way: &str| {
        let is_it = |hit: &Hit| hit.scenario == target.undisturbed.scenario && hit.call == target.call;
        hits.iter().any(|hit| is_it(hit) && hit.what.starts_with(way))
    };
    for target in undisturbed.iter().flat_map(Undisturbed::targets).filter(|_| all()) {
        for way in ways {
            assert!(is_hit(target, way), "no {} of {} was hit: {way}", target.call, target.undisturbed.scenario);
        }
    }
    hits
}

/// Works on all cases, several at a time; each answers, or panics. What went wrong is told of all cases, and not of the
/// first alone.
fn each<C: std::fmt::Debug + Sync, A: Send>(cases: &[C], work: impl Fn(&mut Bench, &C) -> A + Sync) -> Vec<A> {
    let (next, begun) = (AtomicUsize::new(0), Instant::now());
    let (answers, wrong) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS.min(cases.len()) {
            scope.spawn(|| {
                let mut bench = Bench::new();
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match catch_unwind(AssertUnwindSafe(|| work(&mut bench, case))) {
                        Ok(answer) => answers.lock().unwrap().push(answer),
                        Err(panic) => {
                            let text = panic.downcast_ref::<String>().cloned();
                            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                            wrong.lock().unwrap().push(format!("{case:?}: {}", text.unwrap_or_default()));
                            bench = Bench::new();
                        }
                    }
                }
            });
        }
    });
    let (answers, wrong) = (answers.into_inner().unwrap(), wrong.into_inner().unwrap());
    println!("{} cases in {:.0} s, {} wrong", cases.len(), begun.elapsed().as_secs_f64(), wrong.len());
    assert!(wrong.is_empty(), "{} of {} cases:\n\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
    answers
}

/// Undisturbed runs of all scenarios, and that a second one of each comes to the same.
fn undisturbed(scenarios: &[Scenario]) -> Vec<Undisturbed> {
    let done = Mutex::new(Vec::new());
    each(scenarios, |bench, &scenario| {
        let (first, second) = (bench.undisturbed(scenario), bench.undisturbed(scenario));
        assert_eq!(differences(&first.end, &second.end), Vec::<String>::new());
        done.lock().unwrap().push(first);
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|one| scenarios.iter().position(|scenario| *scenario == one.scenario));
    done
}

/// How many different calls were hit.
fn distinct(hits: &[Hit]) -> usize {
    hits.iter().map(|hit| &hit.call).collect::<BTreeSet<_>>().len()
}
