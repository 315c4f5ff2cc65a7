//! One case: a rotation with a trouble, what stands then, the next attempt, and the next rotation.

use std::time::Duration;

use rotator::store::{CURRENT, PENDING};
use serde_json::Value;

use crate::bench::{Mode, Plan, holder, is_discarded};
use crate::client::{Client, logs_in};
use crate::trouble::Planned;
use crate::worker::Worker;

/// When a server has certainly forgotten a client that is gone without a word. Retries come later than that.
const FORGOTTEN: Duration = Duration::from_secs(12);

/// What a case came to.
#[derive(Default)]
pub struct Seen {
    pub logins: usize,
    pub longest_refusal: Duration,
    pub lockouts: usize,
    pub violations: Vec<String>,
}

fn outcome(answer: Option<&Value>) -> Option<&str> {
    answer?["outcome"].as_str()
}

/// Goes through a case with the `number`th user.
pub fn run(worker: &mut Worker<'_>, number: usize, mode: Mode, planned: Planned) -> Seen {
    let server = worker.plan.server;
    worker.begin(number, mode);
    let before: Vec<String> = worker.state().values.into_keys().collect();
    let client = Client::start(server.engine(), server.client_port(), &worker.aws);
    let mut wrong = Vec::new();

    let (first, _) = worker.rotate(mode, 0, Some(planned));
    let first_output = worker.output().to_owned();
    wrong.extend(after_first(worker, mode));
    let discarded = is_discarded(&worker.state(), &before);

    let (state, account) = (worker.state(), server.account(&Plan::user(number)));
    let check = worker.check();
    let now = worker.state();
    if (&now.values, &now.labels) != (&state.values, &state.labels) || account != server.account(&Plan::user(number)) {
        wrong.push(format!("a self-check changed something, and answered {check:?}"));
    }

    if planned.trouble.is_slow() {
        std::thread::sleep(FORGOTTEN);
    }
    let (second, _) = worker.rotate(mode, 0, None);
    match outcome(second.as_ref()) {
        Some("rotated" | "already-rotated") => {}
        Some("superseded") if discarded => {}
        _ => wrong.push(format!("the very next attempt did not heal it: {second:?}")),
    }
    let (third, _) = worker.rotate(mode, 5, None);
    if outcome(third.as_ref()) != Some("rotated") {
        wrong.push(format!("the next request did not rotate: {third:?}"));
    }
    let seen = client.end();
    wrong.extend(seen.violations);
    wrong.extend(in_the_end(
        worker,
        before.len() + 2,
        usize::from(planned.trouble.is_password_refused() || (discarded && mode == Mode::Managed)),
    ));
    let lockouts = worker.output().matches("RotationLockedOut\":1").count();
    let answered = |what: String| format!("{mode:?} {planned:?}, answered {first:?}: {what}");
    if lockouts > 0 {
        wrong.push(format!("counted as a lock-out: {first_output}"));
    }
    Seen {
        logins: seen.logins,
        longest_refusal: seen.longest_refusal,
        lockouts,
        violations: wrong.into_iter().map(answered).collect(),
    }
}

/// Whatever has happened, the server accepts what is current or pending.
fn after_first(worker: &Worker<'_>, mode: Mode) -> Option<String> {
    let (state, server) = (worker.state(), worker.plan.server);
    let labels = [CURRENT, PENDING];
    let mut values: Vec<Value> =
        labels.iter().filter_map(|label| holder(&state, label)).map(|(_, value)| value).collect();
    if mode == Mode::Previous {
        values.push(serde_json::from_str(&state.values["base"]).unwrap());
    }
    let opens = values.iter().any(|value| logs_in(server.engine(), server.client_port(), value));
    (!opens).then(|| format!("neither the current nor the pending value logs in: {:?}", state.labels))
}

/// `refused`: how many values more there may be than rotations.
fn in_the_end(worker: &Worker<'_>, versions: usize, refused: usize) -> Vec<String> {
    let mut wrong = Vec::new();
    let (state, server) = (worker.state(), worker.plan.server);
    if !(versions..=versions + refused).contains(&state.values.len()) {
        wrong.push(format!("{} versions instead of {versions}", state.values.len()));
    }
    if !state.leftovers().is_empty() {
        wrong.push(format!("labels left behind: {:?}", state.leftovers()));
    }
    let (_, current) = holder(&state, CURRENT).unwrap();
    if !logs_in(server.engine(), server.client_port(), &current) {
        wrong.push("the current value does not log in".to_owned());
    }
    let url = format!("x://{}:", current["username"].as_str().unwrap());
    if current["note"] != "kept" || !current["url"].as_str().unwrap().starts_with(&url) {
        wrong.push("another field was lost, or the derived one not made again".to_owned());
    }
    wrong
}
