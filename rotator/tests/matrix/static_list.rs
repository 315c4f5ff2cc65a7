//! A pooler that has a list of passwords of its own never learns a new one: the rotation is undone.

use contract::Strategy;
use rotator::store::{CURRENT, PENDING};

use crate::bench::{Client, Mode, Plan, Server, holder};
use crate::client::logs_in;
use crate::proxy::Cut;
use crate::servers::pgbouncer::{PgBouncer, Users};
use crate::servers::postgres::Postgres;
use crate::servers::{ADMIN, ADMIN_PASSWORD};
use crate::trouble::{Planned, Trouble};
use crate::worker::Worker;

const PLANS: [(Strategy, bool); 3] =
    [(Strategy::SingleUser, false), (Strategy::SingleUser, true), (Strategy::AlternatingUsers, true)];

/// Whether the current value logs in, directly and through the pooler.
fn is_intact(worker: &Worker<'_>) -> [bool; 2] {
    let Server::Pooled(pooler, server, _) = worker.plan.server else { unreachable!() };
    let (_, current) = holder(&worker.state(), CURRENT).unwrap();
    [server.port(), pooler.port()].map(|port| logs_in(worker.plan.server.engine(), port, &current))
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

        // The first login after the change is the test's.
        let messages = &ran[0].messages;
        let change = messages.iter().position(|message| message.is_change).unwrap();
        let test = change + messages[change..].iter().position(|message| message.is_login).unwrap();
        worker.begin(2 * turn + 1, Mode::Scheduled);
        let killed = Planned { step: 0, trouble: Trouble::At(test, Cut::KillBefore) };
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
