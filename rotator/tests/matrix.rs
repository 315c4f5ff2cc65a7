//! Every step of a rotation × every trouble × every target, on real servers, with a client that logs in all the time.
//!
//! The real function runs between a Secrets Manager of the test's own, which fails to order at each of its calls, and a
//! proxy, which fails to order at each message to the server. Whatever happens, the server accepts the current value or
//! the pending one; the very next attempt ends the rotation, with one new version, and with a current value that logs in.
//!
//! `make test` runs a sample, the same each time; with `CHAOS=all`, as `make chaos` sets it, it is all, and with
//! `CHAOS=10` each tenth case.
#![cfg(all(feature = "postgres", feature = "mysql", feature = "redis"))]
#![allow(clippy::unwrap_used, reason = "tests")]

mod lambda;
mod model;
mod servers;

#[path = "matrix/answer.rs"]
mod answer;
#[path = "matrix/bench.rs"]
mod bench;
#[path = "matrix/case.rs"]
mod case;
#[path = "matrix/client.rs"]
mod client;
#[path = "matrix/proxy.rs"]
mod proxy;
#[path = "matrix/static_list.rs"]
mod static_list;
#[path = "matrix/trouble.rs"]
mod trouble;
#[path = "matrix/worker.rs"]
mod worker;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bench::{Client as Through, Mode, Plan, Server};
use case::Seen;
use client::Client;
use contract::Strategy;
use servers::mariadb::MariaDb;
use servers::mysql::Mysql;
use servers::pgbouncer::{PgBouncer, Users};
use servers::postgres::Postgres;
use servers::redis::Redis;
use trouble::{Planned, Ran};
use worker::Worker;

/// Cases at a time in which the function only waits.
const WAITING: usize = 12;

/// `Some(1)`: all of the matrix; `Some(n)`: each `n`th case of it; `None`: the sample.
fn stride() -> Option<usize> {
    let chaos = std::env::var("CHAOS").ok()?;
    Some(if chaos == "all" { 1 } else { chaos.parse().unwrap() })
}

/// Rotations of one user without trouble: what each invocation does, and for how long the current value is refused.
fn undisturbed(worker: &mut Worker<'_>, number: usize, mode: Mode) -> (Vec<Ran>, Seen) {
    worker.begin(number, mode);
    let server = worker.plan.server;
    let client = Client::start(server.engine(), server.client_port(), &worker.aws);
    let mut first = None;
    for request in 0..stride().map_or(2, |_| 10) {
        let (answer, ran) = worker.rotate(mode, request, None);
        assert_eq!(answer.as_ref().map(|answer| &answer["outcome"]), Some(&"rotated".into()), "{answer:?}");
        first.get_or_insert(ran);
    }
    let seen = client.end();
    assert_eq!(seen.violations, [""; 0]);
    let seen = Seen { logins: seen.logins, longest_refusal: seen.longest_refusal, ..Seen::default() };
    (first.unwrap(), seen)
}

/// Runs cases by several functions at a time.
fn run_all(plan: Plan<'_>, mode: Mode, cases: &[Planned], users: &AtomicUsize, workers: usize) -> Vec<Seen> {
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        let mut worker = Worker::new(plan);
        while let Some(planned) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
            let seen = case::run(&mut worker, users.fetch_add(1, Ordering::SeqCst), mode, *planned);
            seen.violations.iter().for_each(|violation| println!("VIOLATION {violation}"));
            all.lock().unwrap().push(seen);
        }
        worker.end();
    };
    std::thread::scope(|scope| {
        for _ in 0..workers.min(cases.len()) {
            scope.spawn(work);
        }
    });
    all.into_inner().unwrap()
}

/// Goes through the matrix of one server and strategy.
fn matrix(name: &str, seed: usize, plan: Plan<'_>) {
    let engine = plan.server.engine();
    let is_previous_tried = plan.strategy == Strategy::SingleUser;
    let modes = [Mode::Scheduled, Mode::Managed, Mode::Previous];
    let users = AtomicUsize::new(0);
    let mut violations = Vec::new();
    for mode in modes.into_iter().filter(|mode| *mode != Mode::Previous || is_previous_tried) {
        let start = Instant::now();
        let mut worker = Worker::new(plan);
        let (ran, quiet) = undisturbed(&mut worker, users.fetch_add(1, Ordering::SeqCst), mode);
        worker.end();
        let cases = match (stride(), mode) {
            (Some(stride), _) => {
                let all = trouble::all(engine, &ran, mode == Mode::Scheduled);
                all.into_iter().skip(seed % stride).step_by(stride).collect()
            }
            (None, Mode::Scheduled) => trouble::sample(engine, &ran, seed, 1),
            (None, Mode::Managed) => trouble::sample(engine, &ran, seed, 2),
            (None, Mode::Previous) => trouble::sample(engine, &ran, seed, 3),
        };
        let (slow, quick): (Vec<Planned>, Vec<Planned>) = cases.into_iter().partition(|case| case.trouble.is_slow());
        let mut seen = std::thread::scope(|scope| {
            let slow = scope.spawn(|| run_all(plan, mode, &slow, &users, WAITING));
            let mut seen = run_all(plan, mode, &quick, &users, 1);
            seen.extend(slow.join().unwrap());
            seen
        });
        assert!(seen.len() >= 3, "{name}, {mode:?}: only {} cases", seen.len());
        if !may_refuse(plan, mode) {
            for seen in seen.iter_mut().filter(|seen| seen.longest_refusal > Duration::ZERO) {
                seen.violations.push(format!("{mode:?}: the current value was refused for {:?}", seen.longest_refusal));
            }
        }
        println!(
            "matrix {name}, {mode:?}: {} calls and {} messages, {} cases, {} logins; the current value was refused for \
             {:.1?} at most undisturbed, and for {:.1?} at most until the next attempt; {} lock-outs, {} violations; {:.0?}",
            ran.iter().map(|ran| ran.calls).sum::<usize>(),
            ran.iter().map(|ran| ran.messages.len()).sum::<usize>(),
            seen.len(),
            quiet.logins + seen.iter().map(|seen| seen.logins).sum::<usize>(),
            quiet.longest_refusal,
            seen.iter().map(|seen| seen.longest_refusal).max().unwrap_or_default(),
            seen.iter().map(|seen| seen.lockouts).sum::<usize>(),
            seen.iter().map(|seen| seen.violations.len()).sum::<usize>(),
            start.elapsed()
        );
        violations.extend(seen.into_iter().flat_map(|seen| seen.violations));
    }
    assert!(violations.is_empty(), "{name}:\n{}", violations.join("\n"));
}

/// Whether the current value may be refused for a while.
fn may_refuse(plan: Plan<'_>, mode: Mode) -> bool {
    let keeps_two = match plan.server {
        Server::Redis(_) => true,
        // MySQL retains the present password for whoever may say so.
        Server::Mysql(server) => server.is_mysql() && plan.admin,
        Server::Postgres(_) | Server::Pooled(..) => false,
    };
    mode == Mode::Previous || plan.strategy == Strategy::SingleUser && !keeps_two
}

/// Has the matrix run on a server.
type Run<'a> = &'a dyn Fn(Server<'_>);

/// Tests of one server, one for each way of rotation, so that they run at the same time.
macro_rules! matrices {
    ($($module:ident, $name:literal, $seed:literal, $start:expr;)*) => {$(
        mod $module {
            use super::*;

            fn run(what: &str, turn: usize, strategy: Strategy, admin: bool) {
                let start: fn(Run<'_>) = $start;
                start(&|server| {
                    server.fill();
                    matrix(&format!("{}, {what}", $name), $seed + turn, Plan { server, strategy, admin });
                });
            }

            #[test]
            fn a_single_user_is_healed_by_the_next_attempt() {
                run("single user", 0, Strategy::SingleUser, false);
            }

            #[test]
            fn a_single_user_by_an_admin_is_healed_by_the_next_attempt() {
                run("single user by admin", 1, Strategy::SingleUser, true);
            }

            #[test]
            fn alternating_users_are_never_refused() {
                run("alternating users", 2, Strategy::AlternatingUsers, true);
            }
        }
    )*};
}

matrices! {
    postgres_15, "PostgreSQL 15", 0, |run| run(Server::Postgres(&Postgres::start(false)));
    postgres_18, "PostgreSQL 18", 3, |run| {
        let Some(server) = Postgres::newer(false) else { return };
        run(Server::Postgres(&server));
    };
    pgbouncer, "PostgreSQL 18 behind PgBouncer", 6, |run| {
        let Some(server) = Postgres::newer(false) else { return };
        let Some(pooler) = PgBouncer::start(&server, &Users::Query) else { return };
        run(Server::Pooled(&pooler, &server, Through::Pooled));
    };
    pgbouncer_for_the_function, "PostgreSQL 18, only the function through PgBouncer", 9, |run| {
        let Some(server) = Postgres::newer(false) else { return };
        let Some(pooler) = PgBouncer::start(&server, &Users::Query) else { return };
        run(Server::Pooled(&pooler, &server, Through::Direct));
    };
    mariadb_10, "MariaDB 10.11", 12, |run| run(Server::Mysql(&MariaDb::start(false)));
    mariadb_11, "MariaDB 11.8", 15, |run| {
        let Some(server) = MariaDb::newer(false) else { return };
        run(Server::Mysql(&server));
    };
    mysql_9, "MySQL 9", 18, |run| {
        let Some(server) = Mysql::start(false) else { return };
        run(Server::Mysql(&server));
    };
}

/// Redis has no clone users, and no need of them.
mod redis_servers {
    use super::*;

    fn run(name: &str, seed: usize, server: Option<Redis>, admin: bool) {
        let Some(server) = server else { return };
        let plan = Plan { server: Server::Redis(&server), strategy: Strategy::SingleUser, admin };
        matrix(&format!("{name}, single user{}", if admin { " by admin" } else { "" }), seed, plan);
    }

    #[test]
    fn redis_7_never_refuses_the_current_value() {
        run("Redis 7", 21, Some(Redis::start(false)), false);
    }

    #[test]
    fn redis_7_by_an_admin_never_refuses_the_current_value() {
        run("Redis 7", 22, Some(Redis::start(false)), true);
    }

    #[test]
    fn redis_8_never_refuses_the_current_value() {
        run("Redis 8", 23, Redis::newer(false), false);
    }

    #[test]
    fn redis_8_by_an_admin_never_refuses_the_current_value() {
        run("Redis 8", 24, Redis::newer(false), true);
    }

    #[test]
    fn valkey_9_never_refuses_the_current_value() {
        run("Valkey 9", 25, Redis::valkey(false), false);
    }

    #[test]
    fn valkey_9_by_an_admin_never_refuses_the_current_value() {
        run("Valkey 9", 26, Redis::valkey(false), true);
    }
}

/// A slow case of each strategy, at the same time.
fn slow_cases(seed: usize, server: Server<'_>) -> Vec<String> {
    server.fill();
    let single = |admin| Plan { server, strategy: Strategy::SingleUser, admin };
    let alternating = Plan { server, strategy: Strategy::AlternatingUsers, admin: true };
    let mut plans = vec![single(false), single(true), alternating];
    plans.truncate(if matches!(server, Server::Redis(_)) { 2 } else { 3 });
    let run = |number: usize, plan| {
        let mut worker = Worker::new(plan);
        let (ran, _) = undisturbed(&mut worker, 2 * number, Mode::Scheduled);
        let planned = trouble::slow(server.engine(), &ran, seed + number);
        let seen = case::run(&mut worker, 2 * number + 1, Mode::Scheduled, planned);
        worker.end();
        seen.violations
    };
    std::thread::scope(|scope| {
        let run = &run;
        let runs: Vec<_> =
            plans.into_iter().enumerate().map(|(number, plan)| scope.spawn(move || run(number, plan))).collect();
        runs.into_iter().flat_map(|run| run.join().unwrap()).collect()
    })
}

/// Of each server and strategy one case; all of them are among those of `CHAOS=all`.
#[test]
fn an_answer_that_never_comes_keeps_nobody_waiting() {
    let postgres = |server: Option<Postgres>| server.map(|server| slow_cases(1, Server::Postgres(&server)));
    let mysql = |seed, server: Option<MariaDb>| server.map(|server| slow_cases(seed, Server::Mysql(&server)));
    let redis = |seed, server: Option<Redis>| server.map(|server| slow_cases(seed, Server::Redis(&server)));
    let pooled = || {
        let server = Postgres::newer(false)?;
        let pooler = PgBouncer::start(&server, &Users::Query)?;
        Some(slow_cases(2, Server::Pooled(&pooler, &server, Through::Pooled)))
    };
    let violations: Vec<String> = std::thread::scope(|scope| {
        [
            scope.spawn(|| postgres(Some(Postgres::start(false)))),
            scope.spawn(pooled),
            scope.spawn(|| mysql(4, Some(MariaDb::start(false)))),
            scope.spawn(|| mysql(6, MariaDb::newer(false))),
            scope.spawn(|| Mysql::start(false).map(|server| slow_cases(8, Server::Mysql(&server)))),
            scope.spawn(|| redis(10, Some(Redis::start(false)))),
            scope.spawn(|| redis(11, Redis::valkey(false))),
        ]
        .into_iter()
        .flat_map(|run| run.join().unwrap().unwrap_or_default())
        .collect()
    });
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}
