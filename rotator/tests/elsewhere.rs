//! Whoever may only write the secret's value, or only invoke the function: the whole function, with servers of the
//! attacker's that wait for a connection.
#![cfg(all(feature = "postgres", feature = "mysql", feature = "redis"))]
#![allow(clippy::unwrap_used, reason = "tests")]

mod lambda;
mod model;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use contract::{Connection, Login, Strategy, Target, Tls};
use lambda::{ARN, Aws, Lambda, Setting, no_fault};
use model::State;
use rotator::store::{CURRENT, PENDING, PREVIOUS};
use serde_json::{Value, json};

const TIME: Duration = Duration::from_secs(12);
const TOKEN: &str = "11111111-1111-5111-8111-111111111111";

fn events() -> Vec<Value> {
    let step = |step: &str| json!({"Step": step, "SecretId": ARN, "ClientRequestToken": TOKEN});
    let mut events = vec![json!({"action": "self-check"}), json!({"action": "rotate"})];
    events.extend(["createSecret", "setSecret", "testSecret", "finishSecret"].map(step));
    events
}

#[test]
fn a_written_value_sends_neither_the_admin_nor_the_user_to_another_server() {
    let listener = |host: &str| {
        let listener = TcpListener::bind((host, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        listener
    };
    let evil = listener("127.0.0.1");
    let port = evil.local_addr().unwrap().port();
    // The true server's place: nothing answers there, and nothing has to.
    let true_port = listener("127.0.0.2").local_addr().unwrap().port();
    for (target, strategy) in [
        (Target::Postgres as fn(Login) -> Target, Strategy::AlternatingUsers),
        (Target::Postgres, Strategy::SingleUser),
        (Target::Mysql, Strategy::AlternatingUsers),
        (Target::Redis, Strategy::SingleUser),
    ] {
        for (connection, admin_has_host) in [(true, false), (true, true), (false, true), (false, false)] {
            let connection = connection.then(|| Connection {
                host: "127.0.0.2".to_owned(),
                port: Some(true_port),
                username: "app".to_owned(),
                dbname: None,
            });
            let mut state = State::default();
            let value = json!({"host": "127.0.0.1", "port": port, "username": "app", "password": "x"}).to_string();
            for (id, label) in [("previous", PREVIOUS), ("base", CURRENT), (TOKEN, PENDING)] {
                state.put(id, &value, &[label, "rotator-base-base"]).unwrap();
            }
            let mut admin = json!({"username": "dba", "password": "canary-admin"});
            if admin_has_host {
                admin["host"] = json!("127.0.0.2");
                admin["port"] = json!(true_port);
            }
            let mut aws = Aws::of(state, no_fault(), no_fault());
            aws.others.push(("Admin".to_owned(), admin.to_string()));
            let login = Login {
                strategy,
                admin_secret: Some("Admin".to_owned()),
                connection: connection.clone(),
                tls: Tls::Off,
                ..Login::default()
            };
            let setting = Setting { target: target(login), ..Setting::default() };
            let lambda = Lambda::start(&Arc::new(aws), &setting, |_| ());
            for event in events() {
                let answer = lambda.invoke(event.clone(), TIME).unwrap();
                let error = answer["errorType"].as_str().unwrap_or_default();
                let expected =
                    if connection.is_some() || admin_has_host { "Rotator.Conflict" } else { "Rotator.Config" };
                assert!(error == expected || error == "Rotator.Network", "{event}: {answer}");
            }
            let output = lambda.end();
            assert!(!output.contains("canary-admin"));
            assert!(evil.accept().is_err(), "connected: {strategy:?}, {connection:?}, {admin_has_host}");
        }
    }
}
