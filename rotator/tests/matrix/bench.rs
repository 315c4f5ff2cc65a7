//! One rotation's surroundings: a user on a server, and a secret with its password.

use std::sync::{Arc, Mutex};

use contract::{Login, Strategy, Target, Template, Tls};
use rotator::store::{CURRENT, PENDING, PREVIOUS};
use serde_json::{Value, json};

use crate::lambda::{Aws, Setting};
use crate::model::State;
use crate::servers::mariadb::MariaDb;
use crate::servers::pgbouncer::PgBouncer;
use crate::servers::postgres::Postgres;
use crate::servers::redis::Redis;
use crate::servers::{ADMIN, ADMIN_PASSWORD, HOST};

static MAKING: Mutex<()> = Mutex::new(());

const ADMIN_SECRET: &str = "Admin";

/// A server's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Postgres,
    Mysql,
    Redis,
}

/// A real server.
#[derive(Clone, Copy)]
pub enum Server<'a> {
    Postgres(&'a Postgres),
    /// With a pooler, through which the function goes, and the client or not.
    Pooled(&'a PgBouncer<'a>, &'a Postgres, Client),
    Mysql(&'a MariaDb),
    Redis(&'a Redis),
}

/// Where the client of a pooled server logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    Pooled,
    Direct,
}

impl Server<'_> {
    pub fn engine(&self) -> Engine {
        match self {
            Self::Postgres(_) | Self::Pooled(..) => Engine::Postgres,
            Self::Mysql(_) => Engine::Mysql,
            Self::Redis(_) => Engine::Redis,
        }
    }

    /// Makes what users read.
    pub fn fill(&self) {
        match self {
            Self::Postgres(server) | Self::Pooled(_, server, _) => drop(server.sql("CREATE TABLE data (n int)")),
            Self::Mysql(server) => drop(server.sql("CREATE DATABASE app; CREATE TABLE app.data (n int)")),
            Self::Redis(_) => {}
        }
    }

    /// Where the function goes.
    pub fn port(&self) -> u16 {
        match self {
            Self::Postgres(server) => server.port(),
            Self::Pooled(pooler, ..) => pooler.port(),
            Self::Mysql(server) => server.port(),
            Self::Redis(server) => server.port(),
        }
    }

    /// Where the client goes.
    pub fn client_port(&self) -> u16 {
        match self {
            Self::Pooled(_, server, Client::Direct) => server.port(),
            _ => self.port(),
        }
    }

    /// A user that may read one table, and change its password by itself.
    fn make(&self, user: &str, password: &str, by_itself: bool) {
        match self {
            Self::Postgres(server) | Self::Pooled(_, server, _) => drop(
                server.sql(&format!("CREATE ROLE {user} LOGIN PASSWORD '{password}'; GRANT SELECT ON data TO {user}")),
            ),
            Self::Mysql(server) => drop(server.sql(&format!(
                "CREATE USER {user}@'%' IDENTIFIED BY '{password}'; GRANT SELECT ON app.data TO {user}@'%'"
            ))),
            Self::Redis(server) => {
                let rights = if by_itself { "+acl|getuser +acl|setuser +acl|save +role" } else { "" };
                let rights = format!("~data +get +ping {rights}");
                drop(server.commands(&format!("ACL SETUSER {user} on >{password} {rights}\nACL SAVE\n")));
            }
        }
    }

    /// All that the server has of a user and its clone user.
    pub fn account(&self, user: &str) -> String {
        match self {
            Self::Postgres(server) | Self::Pooled(_, server, _) => server.sql(&format!(
                "SELECT r, ARRAY(SELECT m FROM pg_auth_members m WHERE r.oid IN (member, roleid))
                 FROM pg_authid r WHERE rolname IN ('{user}', '{user}_clone')"
            )),
            Self::Mysql(server) => {
                server.sql(&format!("SELECT * FROM mysql.user WHERE User IN ('{user}', '{user}_clone')"))
            }
            Self::Redis(server) => {
                let list = server.commands("ACL LIST\n");
                list.lines().filter(|line| line.contains(&format!("user {user} "))).collect()
            }
        }
    }
}

/// Which rotation is disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A request of the schedule.
    Scheduled,
    /// Secrets Manager's own, of four steps.
    Managed,
    /// A request of the schedule, where the server has gone back to the previous value.
    Previous,
}

/// How a group of users is rotated.
#[derive(Clone, Copy)]
pub struct Plan<'a> {
    pub server: Server<'a>,
    pub strategy: Strategy,
    pub admin: bool,
}

impl Plan<'_> {
    /// The name of a user.
    pub fn user(number: usize) -> String {
        format!("app{number}")
    }

    /// Makes the user, and its secret; the secret names `port`, as the function is to see the server.
    pub fn state(&self, port: u16, number: usize, mode: Mode) -> State {
        let user = Self::user(number);
        let (engine, dbname) = match self.server.engine() {
            Engine::Postgres => ("postgres", "postgres"),
            Engine::Mysql => ("mariadb", "app"),
            Engine::Redis => ("redis", "0"),
        };
        let value = |password: &str| {
            json!({"engine": engine, "host": HOST, "port": port, "username": user, "password": password,
                "dbname": dbname, "url": "", "note": "kept"})
        };
        let first = format!("first-{number}");
        // PostgreSQL refuses two grants on one table at the same time.
        let making = MAKING.lock().unwrap();
        self.server.make(&user, &first, !self.admin);
        drop(making);
        let mut state = State::default();
        state.put("base", &value(&first).to_string(), &[CURRENT]).unwrap();
        if mode == Mode::Previous {
            state.put("second", &value(&format!("second-{number}")).to_string(), &[CURRENT]).unwrap();
            assert_eq!(state.holder(PREVIOUS), Some("base"));
        }
        state
    }

    pub fn admin_secret(port: u16) -> (String, String) {
        let admin = json!({"host": HOST, "port": port, "username": ADMIN, "password": ADMIN_PASSWORD}).to_string();
        (ADMIN_SECRET.to_owned(), admin)
    }

    pub fn setting(&self) -> Setting {
        let login = Login {
            strategy: self.strategy,
            admin_secret: self.admin.then(|| ADMIN_SECRET.to_owned()),
            tls: Tls::Off,
            ..Login::default()
        };
        let target = match self.server.engine() {
            Engine::Postgres => Target::Postgres(login),
            Engine::Mysql => Target::Mysql(login),
            Engine::Redis => Target::Redis(login),
        };
        let url = Template::parse("x://{username}:{password|percent}@{host}").unwrap();
        Setting { target, derived: [("url".to_owned(), url)].into(), ..Setting::default() }
    }
}

/// The values of a secret.
pub fn values(aws: &Arc<Aws>) -> Vec<Value> {
    let state = aws.state.lock().unwrap();
    state.values.values().map(|value| serde_json::from_str(value).unwrap()).collect()
}

/// The version that has a label, and its value, if it has one.
pub fn holder(state: &State, label: &str) -> Option<(String, Value)> {
    let id = state.holder(label)?;
    Some((id.to_owned(), serde_json::from_str(state.values.get(id)?).unwrap()))
}

/// Whether a version was made, and can't become current any more.
pub fn is_discarded(state: &State, made_before: &[String]) -> bool {
    let labels = |id: &str| [CURRENT, PENDING, PREVIOUS].iter().any(|label| state.holder(label) == Some(id));
    state.values.keys().any(|id| !made_before.contains(id) && !labels(id))
}
