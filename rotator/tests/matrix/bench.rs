//! One rotation's surroundings: a user on a server, and a secret with its password.

use std::sync::{Arc, Mutex};

use contract::{Login, Strategy, Target, Template, Tls};
use rotator::store::CURRENT;
use serde_json::{Value, json};

use crate::lambda::{Aws, Fault, Setting};
use crate::model::State;
use crate::servers::mariadb::MariaDb;
use crate::servers::postgres::Postgres;
use crate::servers::redis::Redis;
use crate::servers::{ADMIN, ADMIN_PASSWORD, HOST};

const ADMIN_SECRET: &str = "Admin";

/// A real server.
pub enum Server {
    Postgres(Postgres),
    Mariadb(MariaDb),
    Redis(Redis),
}

impl Server {
    pub fn postgres() -> Self {
        let server = Postgres::start(false);
        server.sql("CREATE TABLE data (n int)");
        Self::Postgres(server)
    }

    pub fn mariadb() -> Self {
        let server = MariaDb::start(false);
        server.sql("CREATE DATABASE app; CREATE TABLE app.data (n int)");
        Self::Mariadb(server)
    }

    pub fn redis() -> Self {
        Self::Redis(Redis::start(false))
    }

    pub fn port(&self) -> u16 {
        match self {
            Self::Postgres(server) => server.port(),
            Self::Mariadb(server) => server.port(),
            Self::Redis(server) => server.port(),
        }
    }

    /// A user that may read one table.
    fn make(&self, user: &str, password: &str) {
        match self {
            Self::Postgres(server) => drop(
                server.sql(&format!("CREATE ROLE {user} LOGIN PASSWORD '{password}'; GRANT SELECT ON data TO {user}")),
            ),
            Self::Mariadb(server) => drop(server.sql(&format!(
                "CREATE USER {user}@'%' IDENTIFIED BY '{password}'; GRANT SELECT ON app.data TO {user}@'%'"
            ))),
            Self::Redis(server) => {
                drop(server.commands(&format!("ACL SETUSER {user} on >{password} ~data +get +ping\nACL SAVE\n")));
            }
        }
    }
}

/// A user, its secret, and how the two are rotated.
pub struct Bench<'a> {
    pub server: &'a Server,
    strategy: Strategy,
    admin: bool,
    port: u16,
    /// The secret, as it is between two deliveries and, for the client, while one runs.
    state: Arc<Mutex<Arc<Aws>>>,
}

impl<'a> Bench<'a> {
    /// The `number`th; the secret names `port`, as the function is to see the server.
    pub fn new(server: &'a Server, port: u16, strategy: Strategy, admin: bool, number: usize) -> Self {
        let (user, password) = (format!("app{number}"), format!("first-{number}"));
        server.make(&user, &password);
        let (engine, dbname) = match server {
            Server::Postgres(_) => ("postgres", "postgres"),
            Server::Mariadb(_) => ("mariadb", "app"),
            Server::Redis(_) => ("redis", "0"),
        };
        let value = json!({"engine": engine, "host": HOST, "port": port, "username": user, "password": password,
            "dbname": dbname, "url": "", "note": "kept"});
        let mut state = State::default();
        state.put("base", &value.to_string(), &[CURRENT]).unwrap();
        let aws = Arc::new(Aws::of(state, crate::lambda::no_fault(), crate::lambda::no_fault()));
        Self { server, strategy, admin, port, state: Arc::new(Mutex::new(aws)) }
    }

    /// Secrets Manager for one delivery.
    pub fn aws(&self, fault: Fault, late_fault: Fault) -> Arc<Aws> {
        let state = self.state.lock().unwrap().state.lock().unwrap().clone();
        let mut aws = Aws::of(state, fault, late_fault);
        let admin = json!({"host": HOST, "port": self.port, "username": ADMIN, "password": ADMIN_PASSWORD}).to_string();
        aws.others.push((ADMIN_SECRET.to_owned(), admin));
        let aws = Arc::new(aws);
        *self.state.lock().unwrap() = Arc::clone(&aws);
        aws
    }

    /// Secrets Manager as it is now.
    pub fn now(&self) -> Arc<Mutex<Arc<Aws>>> {
        Arc::clone(&self.state)
    }

    pub fn setting(&self) -> Setting {
        let login = Login {
            strategy: self.strategy,
            admin_secret: self.admin.then(|| ADMIN_SECRET.to_owned()),
            tls: Tls::Off,
            ..Login::default()
        };
        let target = match self.server {
            Server::Postgres(_) => Target::Postgres(login),
            Server::Mariadb(_) => Target::Mysql(login),
            Server::Redis(_) => Target::Redis(login),
        };
        let url = Template::parse("x://{username}:{password|percent}@{host}").unwrap();
        Setting { target, derived: [("url".to_owned(), url)].into(), ..Setting::default() }
    }

    /// Nothing that the function writes holds a value.
    pub fn assert_no_value(&self, output: &str) {
        let aws = Arc::clone(&self.state.lock().unwrap());
        for value in aws.state.lock().unwrap().values.values() {
            let value: Value = serde_json::from_str(value).unwrap();
            let password = value["password"].as_str().unwrap();
            assert!(!output.contains(password) && !output.contains(ADMIN_PASSWORD), "{output}");
        }
    }

    /// What is wrong after the delivery that came again, and the next tick.
    pub fn faults(&self, second: Option<&Value>, third: Option<&Value>) -> Vec<String> {
        let mut faults = Vec::new();
        let outcome = |answer: Option<&Value>| answer.and_then(|answer| answer["outcome"].as_str().map(str::to_owned));
        if !matches!(outcome(second).as_deref(), Some("rotated" | "already-rotated")) {
            faults.push(format!("the very next attempt did not heal it: {second:?}"));
        }
        if outcome(third).as_deref() != Some("rotated") {
            faults.push(format!("the next tick did not rotate: {third:?}"));
        }
        let aws = Arc::clone(&self.state.lock().unwrap());
        let state = aws.state.lock().unwrap();
        if state.values.len() != 3 {
            faults.push(format!("{} versions for two ticks", state.values.len() - 1));
        }
        if !state.leftovers().is_empty() {
            faults.push(format!("labels left behind: {:?}", state.leftovers()));
        }
        let current: Value = serde_json::from_str(&state.values[state.holder(CURRENT).unwrap()]).unwrap();
        let url = format!("x://{}:", current["username"].as_str().unwrap());
        if current["note"] != "kept" || !current["url"].as_str().unwrap().starts_with(&url) {
            faults.push("another field was lost, or the derived one not made anew".to_owned());
        }
        faults
    }
}
