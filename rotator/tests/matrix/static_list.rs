//! A pooler that has a list of passwords of its own never learns a new one: the rotation is undone.

use std::time::{Duration, Instant};

use contract::Strategy;
use rotator::store::{CURRENT, PENDING};
use serde_json::Value;

use crate::bench::{Client, Mode, Plan, Server, holder};
use crate::client::logs_in;
use crate::proxy::Cut;
use crate::servers::pgbouncer::{PgBouncer, Users};
use crate::servers::postgres::Postgres;
use crate::servers::{ADMIN, ADMIN_PASSWORD};
use crate::trouble::{Planned, Ran, Trouble};
use crate::worker::Worker;

const PLANS: [(Strategy, bool); 3] =
    [(Strategy::SingleUser, false), (Strategy::SingleUser, true), (Strategy::AlternatingUsers, true)];

/// Whether the current value logs in, directly and through the pooler.
fn is_intact(worker: &Worker<'_>) -> [bool; 2] {
    let Server::Pooled(pooler, server, _) = worker.plan.server else { unreachable!() };
    let (_, current) = holder(&worker.state(), CURRENT).unwrap();
    [server.port(), pooler.port()].map(|port| logs_in(worker.plan.server.engine(), port, &current))
}

/// The function is killed between set and test: the first login after a change is the test's.
fn before_the_test(ran: &Ran) -> Planned {
    let change = ran.messages.iter().position(|message| message.is_change).unwrap();
    let test = change + ran.messages[change..].iter().position(|message| message.is_login).unwrap();
    Planned { step: 0, trouble: Trouble::At(test, Cut::KillBefore) }
}

#[test]
fn a_pooler_with_a_list_of_its_own_gets_back_the_password_on_it() {
    let Some(server) = Postgres::newer(false) else { return };
    let users: Vec<(String, String)> =
        (0..2 * PLANS.len()).map(|number| (Plan::user(number), format!("first-{number}"))).collect();
    let users = users.iter().map(|(user, password)| (user.as_str(), password.as_str()));
    let list: Vec<(&str, &str)> = users.chain([(ADMIN, ADMIN_PASSWORD)]).collect();
    let Some(pooler) = PgBouncer::start(&server, &Users::List(&list)) else { return };
    let server = Server::Pooled(&pooler, &server, Client::Pooled);
    server.fill();
    for (turn, (strategy, admin)) in PLANS.into_iter().enumerate() {
        let mut worker = Worker::new(Plan { server, strategy, admin });
        let name = format!("{strategy:?}, admin {admin}");

        worker.begin(2 * turn, Mode::Scheduled);
        let (answer, ran) = worker.rotate(Mode::Scheduled, 0, None);
        assert_eq!(answer.unwrap()["errorType"], "Rotator.Credential", "{name}");
        assert_eq!(is_intact(&worker), [true; 2], "{name}, after an error");
        assert_eq!(holder(&worker.state(), PENDING).map(|(id, _)| id), None, "{name}");
        assert_eq!(worker.output().matches("RotationLockedOut").count(), 0, "{name}");

        worker.begin(2 * turn + 1, Mode::Scheduled);
        let killed = before_the_test(&ran[0]);
        assert_eq!(worker.rotate(Mode::Scheduled, 0, Some(killed)).0, None, "{name}");
        // Until the next attempt the pooler lets clients in, on connections from before, and the server knows better.
        assert_eq!(is_intact(&worker), [strategy == Strategy::AlternatingUsers, true], "{name}, after the kill");
        let (answer, _) = worker.rotate(Mode::Scheduled, 0, None);
        assert_eq!(answer.unwrap()["errorType"], "Rotator.Credential", "{name}");
        assert_eq!(is_intact(&worker), [true; 2], "{name}, after the next attempt");
        assert_eq!(holder(&worker.state(), PENDING).map(|(id, _)| id), None, "{name}");
        worker.end();
    }
}

/// An attempt, once the pooler tries again to log in: after an error it does not for `server_login_retry`, 15 seconds.
fn attempt(worker: &mut Worker<'_>) -> Value {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let answer = worker.rotate(Mode::Scheduled, 0, None).0.unwrap();
        if answer["errorType"] != "Rotator.Network" {
            return answer;
        }
        assert!(Instant::now() < deadline, "{answer}");
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Where the function was killed between set and test, and the pooler's connections from before are gone, whoever gives
/// the pooler the pending value helps.
#[test]
fn a_pooler_that_has_lost_its_connections_needs_the_pending_value() {
    let Some(server) = Postgres::newer(false) else { return };
    let list = [("app0", "first-0"), ("app1", "first-1"), (ADMIN, ADMIN_PASSWORD)];
    let Some(pooler) = PgBouncer::start(&server, &Users::List(&list)) else { return };
    let pooled = Server::Pooled(&pooler, &server, Client::Pooled);
    pooled.fill();
    let mut worker = Worker::new(Plan { server: pooled, strategy: Strategy::SingleUser, admin: false });
    worker.begin(0, Mode::Scheduled);
    let (_, ran) = worker.rotate(Mode::Scheduled, 0, None);
    worker.begin(1, Mode::Scheduled);
    worker.rotate(Mode::Scheduled, 0, Some(before_the_test(&ran[0])));
    server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app1'");
    assert_eq!(is_intact(&worker), [false; 2]);

    let (answer, _) = worker.rotate(Mode::Scheduled, 0, None);
    assert!(answer.unwrap().get("errorType").is_some());
    let (_, pending) = holder(&worker.state(), PENDING).unwrap();
    pooler.learn(&[("app1", pending["password"].as_str().unwrap()), list[2]]);
    let answer = attempt(&mut worker);
    assert_eq!(answer["outcome"], "rotated", "{answer}");
    assert_eq!(is_intact(&worker), [true; 2]);
    worker.end();
}
