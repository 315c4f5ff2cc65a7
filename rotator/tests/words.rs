//! Each error that a server can be made to give is given once by a real one, and told by its own words and class. What was
//! provoked on which server is printed.
#![cfg(all(feature = "postgres", feature = "mysql", feature = "redis"))]
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "words/mysql.rs"]
mod mysql;
#[path = "words/network.rs"]
mod network;
#[path = "words/postgres.rs"]
mod postgres;
#[path = "words/redis.rs"]
mod redis;
mod servers;

use rotator::error::{Class, Kind, Step};
use rotator::target::Credentials;
use rotator::target::answer::{Means, Row};
use rotator::target::database::{Change, Driver};
use servers::HOST;

const OLD: &str = "old-canary-77";
const NEW: &str = "new-canary-88";

/// A server, and the table of its errors.
struct Provoked<'a, D> {
    server: &'a str,
    driver: D,
    port: u16,
    database: &'a str,
    errors: &'static [Row],
}

impl<D: Driver> Provoked<'_, D> {
    fn who(&self, user: &str, password: &str) -> Credentials {
        who(HOST, self.port, user, password, self.database)
    }

    async fn session(&self, user: &str, password: &str) -> D::Session {
        self.driver.login(&self.who(user, password)).await.unwrap().unwrap()
    }

    /// A login that gives this row's error.
    async fn login(&self, means: Means, code: &str, says: &str, user: &str, password: &str) {
        self.login_to(means, code, says, &self.who(user, password)).await;
    }

    async fn login_to(&self, means: Means, code: &str, says: &str, who: &Credentials) {
        self.gave(means, code, says, self.driver.login(who).await.map(|session| session.is_some()));
    }

    /// A change of a user's password, by another's session, that gives this row's error.
    async fn set(&self, means: Means, code: &str, says: &str, by: &str, user: &str, password: &str) {
        let answer = self.change(by, user, password).await;
        self.gave(means, code, says, answer.map(|()| true));
    }

    async fn change(&self, by: &str, user: &str, password: &str) -> Result<(), Kind> {
        let mut session = self.session(by, if by == servers::ADMIN { servers::ADMIN_PASSWORD } else { OLD }).await;
        let (new, own) = (password.to_owned().into(), by == user);
        let change =
            Change { user, password: &new, present: None, own, proofs: Vec::new(), clone_of: None, known: true };
        self.driver.set_password(&mut session, &change, async || Ok(())).await
    }

    #[track_caller]
    fn gave(&self, means: Means, code: &str, says: &str, answer: Result<bool, Kind>) {
        let row = self.errors.iter().find(|row| row.code == code && row.says == says);
        let row = row.unwrap_or_else(|| panic!("no row {code} {says}"));
        assert_eq!(row.means, means, "{code} {says}");
        let text = match answer {
            Ok(false) if means == Means::Refused => "refused".to_owned(),
            Err(kind) if means != Means::Refused => {
                let error = kind.at(Step::Set);
                assert_eq!(error.class(), class(means), "{error}");
                let text = error.to_string();
                assert!(
                    text.contains(row.words) && !text.contains("canary") && !text.contains("nowhere"),
                    "{code}: {text}"
                );
                text
            }
            other => panic!("{}, {code} {says}: {other:?}", self.server),
        };
        println!("provoked on {}: {code} {says}: {text}", self.server);
    }
}

fn who(host: &str, port: u16, user: &str, password: &str, database: &str) -> Credentials {
    Credentials {
        host: host.to_owned(),
        port,
        states_port: true,
        user: user.to_owned(),
        password: password.to_owned().into(),
        database: (!database.is_empty()).then(|| database.to_owned()),
    }
}

fn class(means: Means) -> Class {
    match means {
        Means::Refused | Means::User => Class::Credential,
        Means::Connection | Means::Denied => Class::Permission,
        Means::Setup => Class::Config,
        Means::Busy => Class::Throttled,
        Means::Away => Class::Network,
        Means::Password => Class::Policy,
    }
}
