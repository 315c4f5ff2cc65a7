//! Every step of a rotation × every fault × every target, on real servers, with a client that logs in all the time.
//!
//! The real function runs between a Secrets Manager of the test's own, which fails to order at each of its calls, and a
//! proxy, which fails to order at each message to the server. After each fault the very next delivery of the same tick
//! must end the rotation, with one new version, and with a current value that opens the server.
#![cfg(all(feature = "postgres", feature = "mysql", feature = "redis"))]
#![allow(clippy::unwrap_used, reason = "tests")]

mod lambda;
mod model;
mod servers;

#[path = "matrix/bench.rs"]
mod bench;
#[path = "matrix/client.rs"]
mod client;
#[path = "matrix/proxy.rs"]
mod proxy;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bench::{Bench, Server};
use client::Client;
use contract::Strategy;
use lambda::{ARN, Fault, Lambda, Reply, error};
use proxy::{Cut, Proxy};
use serde_json::{Value, json};

/// What happens, at which call or message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// Nothing.
    None,
    /// Secrets Manager throttles this call and all after it.
    Throttled(usize),
    /// Secrets Manager drops this call and all after it.
    Lost(usize),
    /// This call takes effect, and its answer is lost.
    Unanswered(usize),
    /// The function is killed when it makes this call.
    KilledBeforeCall(usize),
    /// The function is killed when this call has taken effect.
    KilledAfterCall(usize),
    /// What happens at a message to the server.
    At(usize, Cut),
}

/// What a run came to.
struct Ran {
    calls: usize,
    messages: usize,
}

/// Rotations without trouble, by which the window of a single user is measured.
const UNDISTURBED: usize = 10;
const TIME: Duration = Duration::from_secs(20);

fn tick(minute: usize) -> Value {
    let time = format!("2026-11-23T06:{minute:02}:00Z");
    json!({"action": "rotate", "secretArn": ARN, "scheduleArn": "arn:aws:scheduler:x", "scheduledTime": time})
}

/// One delivery of a tick with one trouble.
fn deliver(bench: &Bench<'_>, proxy: &Proxy, minute: usize, trouble: Trouble) -> (Option<Value>, Ran) {
    let kill: Arc<std::sync::OnceLock<Box<dyn Fn() + Send + Sync>>> = Arc::default();
    let (calls, late_calls) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let killer = Arc::clone(&kill);
    let throttled = || -> Option<Reply> { Some(Some((400, error("ThrottlingException", "Rate exceeded")))) };
    let fault: Fault = Box::new(move |_, _| {
        let call = counted.fetch_add(1, Ordering::SeqCst);
        match trouble {
            Trouble::Throttled(from) if call >= from => throttled(),
            Trouble::Lost(from) if call >= from => Some(None),
            Trouble::KilledBeforeCall(at) if call == at => {
                killer.get().unwrap()();
                Some(None)
            }
            _ => None,
        }
    });
    let killer = Arc::clone(&kill);
    let late_fault: Fault = Box::new(move |_, _| {
        let call = late_calls.fetch_add(1, Ordering::SeqCst);
        match trouble {
            Trouble::Unanswered(at) if call == at => Some(None),
            Trouble::KilledAfterCall(at) if call == at => {
                killer.get().unwrap()();
                Some(None)
            }
            _ => None,
        }
    });
    let aws = bench.aws(fault, late_fault);
    let killer = Arc::clone(&kill);
    let cut = if let Trouble::At(message, cut) = trouble { Some((message, cut)) } else { None };
    proxy.arm(cut, move || killer.get().into_iter().for_each(|kill| kill()));
    let lambda = Lambda::start(&aws, &bench.setting(), |kills| drop(kill.set(kills)));
    let answer = lambda.invoke(tick(minute), TIME);
    let output = lambda.end();
    bench.assert_no_value(&output);
    (answer, Ran { calls: calls.load(Ordering::SeqCst), messages: proxy.messages() })
}

/// All troubles of a rotation that makes so many calls and messages when nothing happens.
fn troubles(ran: &Ran) -> Vec<Trouble> {
    let calls = (0..ran.calls).flat_map(|call| {
        [
            Trouble::Throttled(call),
            Trouble::Lost(call),
            Trouble::Unanswered(call),
            Trouble::KilledBeforeCall(call),
            Trouble::KilledAfterCall(call),
        ]
    });
    let messages = (0..ran.messages).flat_map(|message| {
        [Cut::Before, Cut::After, Cut::KillBefore, Cut::KillAfter, Cut::Down].map(|cut| Trouble::At(message, cut))
    });
    calls.chain(messages).collect()
}

/// Goes through the whole matrix of one server and strategy.
fn matrix(name: &str, server: &Server, strategy: Strategy, admin: bool) {
    let start = Instant::now();
    let may_fail = strategy == Strategy::SingleUser && !matches!(server, Server::Redis(_));
    let proxy = Proxy::start(server.port());
    let bench = Bench::new(server, proxy.port(), strategy, admin, 0);
    let client = Client::start(&bench);
    let (answer, ran) = deliver(&bench, &proxy, 0, Trouble::None);
    assert_eq!(answer.unwrap()["outcome"], "rotated", "{name}");
    for tick in 1..UNDISTURBED {
        assert_eq!(deliver(&bench, &proxy, tick, Trouble::None).0.unwrap()["outcome"], "rotated", "{name}");
    }
    let undisturbed = client.end();
    assert!(undisturbed.violations.is_empty(), "{name}: {:?}", undisturbed.violations);

    let (mut cases, mut logins, mut longest, mut violations) = (0, undisturbed.logins, Duration::ZERO, Vec::new());
    for (number, trouble) in troubles(&ran).into_iter().enumerate() {
        let bench = Bench::new(server, proxy.port(), strategy, admin, number + 1);
        let client = Client::start(&bench);
        let (first, _) = deliver(&bench, &proxy, 0, trouble);
        let (second, _) = deliver(&bench, &proxy, 0, Trouble::None);
        let (third, _) = deliver(&bench, &proxy, 5, Trouble::None);
        let seen = client.end();
        let mut wrong = seen.violations;
        if !may_fail && seen.longest_refusal > Duration::ZERO {
            wrong.push(format!("the current value was refused for {:?}", seen.longest_refusal));
        }
        wrong.extend(bench.faults(second.as_ref(), third.as_ref()));
        violations.extend(wrong.iter().map(|what| format!("{trouble:?}, which answered {first:?}: {what}")));
        (cases, logins) = (cases + 1, logins + seen.logins);
        longest = longest.max(seen.longest_refusal);
    }
    println!(
        "matrix {name}: {} calls and {} messages, {cases} cases, {} violations, {logins} logins; the current value was \
         refused for {:.1?} at most in {UNDISTURBED} undisturbed rotations, and for {:.1?} at most until the next attempt; \
         {:.0?}",
        ran.calls,
        ran.messages,
        violations.len(),
        undisturbed.longest_refusal,
        longest,
        start.elapsed()
    );
    assert!(violations.is_empty(), "{name}: {}", violations.join("\n"));
    assert!(cases > 50, "{name}: only {cases} cases");
}

#[test]
fn postgres_single_user_is_healed_by_the_very_next_attempt_whatever_happens() {
    matrix("postgres, single user", &Server::postgres(), Strategy::SingleUser, false);
}

#[test]
fn postgres_single_user_by_an_admin_is_healed_by_the_very_next_attempt_whatever_happens() {
    matrix("postgres, single user by admin", &Server::postgres(), Strategy::SingleUser, true);
}

#[test]
fn postgres_alternating_users_never_refuse_the_current_value_whatever_happens() {
    matrix("postgres, alternating users", &Server::postgres(), Strategy::AlternatingUsers, true);
}

#[test]
fn mariadb_single_user_is_healed_by_the_very_next_attempt_whatever_happens() {
    matrix("mariadb, single user", &Server::mariadb(), Strategy::SingleUser, false);
}

#[test]
fn mariadb_single_user_by_an_admin_is_healed_by_the_very_next_attempt_whatever_happens() {
    matrix("mariadb, single user by admin", &Server::mariadb(), Strategy::SingleUser, true);
}

#[test]
fn mariadb_alternating_users_never_refuse_the_current_value_whatever_happens() {
    matrix("mariadb, alternating users", &Server::mariadb(), Strategy::AlternatingUsers, true);
}

#[test]
fn redis_never_refuses_the_current_value_whatever_happens() {
    matrix("redis", &Server::redis(), Strategy::SingleUser, true);
}
