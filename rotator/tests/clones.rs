//! A clone user is the user, or is refused and nothing has changed: tried with random accounts on real servers. `CHAOS=all`
//! tries ten times as many; `CLONES_SEED` repeats a run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[cfg(feature = "mysql")]
#[path = "clones/mysql.rs"]
mod mysql;
#[cfg(feature = "postgres")]
#[path = "clones/postgres.rs"]
mod postgres;
#[path = "clones/random.rs"]
mod random;
mod servers;

use contract::{Connection, Login, Strategy};
use rotator::error::Kind;
use rotator::secret::SecretText;
use rotator::target::database::{Database, Driver};
use rotator::target::{Target, Values};
use servers::HOST;

const OLD: &str = "old-'\"\\";
const NEW: &str = "new-'\"\\";
const THIRD: &str = "third-'\"\\";
const FOURTH: &str = "fourth-'\"\\";
const FIFTH: &str = "fifth-'\"\\";

/// How many accounts are tried on each server.
fn accounts() -> usize {
    if std::env::var("CHAOS").is_ok_and(|what| what == "all") { 120 } else { 12 }
}

/// What a rotation needs to know of a server.
struct Place {
    port: u16,
    admin: (&'static str, &'static str),
}

impl Place {
    fn value(&self, user: &str, password: &str) -> SecretText {
        let value = serde_json::json!({"host": HOST, "port": self.port, "username": user, "password": password});
        value.to_string().into()
    }

    fn target<D: Driver>(&self, driver: D, strategy: Strategy, user: &str) -> Database<D> {
        let connection =
            Connection { host: HOST.to_owned(), port: Some(self.port), username: user.to_owned(), dbname: None };
        let login = Login { strategy, connection: Some(connection), ..Login::default() };
        Database::of(driver, "password", &login, Some(self.value(self.admin.0, self.admin.1)))
    }
}

/// Sets and tests, as a rotation does.
async fn rotate<D: Driver>(
    target: &Database<D>,
    previous: Option<&SecretText>,
    current: &SecretText,
    pending: &SecretText,
) -> Result<(), Kind> {
    let values = Values { current, pending, previous, is_new: true };
    target.set(values, async || Ok(())).await?;
    target.test(values, async || Ok(())).await
}

/// Shows the lines that differ, and why there are any.
fn assert_same(left: &[String], right: &[String], context: &str) {
    let only = |these: &[String], others: &[String]| {
        these.iter().filter(|line| !others.contains(line)).cloned().collect::<Vec<_>>().join("\n  ")
    };
    assert!(left == right, "{context}\nonly here:\n  {}\nonly there:\n  {}", only(left, right), only(right, left));
}
