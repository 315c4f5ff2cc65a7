//! MariaDB and MySQL. MariaDB is given the password's hash, so that its log never sees a new password; where a plugin of
//! its own wants to judge passwords, and with MySQL, which keeps them out of its log by itself, it is the password.
//!
//! MySQL 8.0.14 and later know two passwords of a user: the one that is replaced goes on working until the next rotation
//! replaces it in turn. <https://dev.mysql.com/doc/refman/8.0/en/password-management.html#dual-passwords>
//!
//! The tests run against a real MariaDB; what is MySQL's own, against scripted answers.

mod clone;
mod error;
mod facts;
mod grants;
mod options;
mod plan;
mod preflight;
mod statement;
mod token;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mysql_async::prelude::{FromRow, Queryable as _};
use mysql_async::{Conn, OptsBuilder, SslOpts};
use tokio::time::timeout;

pub use self::error::ERRORS;
use self::error::{Code, kind};
use self::statement::{account, literal};
use super::database::{Change, Driver};
use super::tls::Trust;
use super::{Credentials, Engine, reach};
use crate::error::{Kind, TargetCode};
use crate::log;
use crate::secret::SecretText;
use crate::unwind::caught;

/// For the connection, TLS and login together.
const LOGIN: Duration = Duration::from_secs(8);
/// Bytes; no statement or row comes near it. The library would ask the server.
const LONGEST_PACKET: usize = 1 << 22;
/// Seconds; far longer than a session. The library would ask the server.
const IDLE: usize = 3600;
/// Makes literals mean the same everywhere, keeps GRANT from making users without a password, and bounds waits: also for a
/// client that is gone without a word, and whose lock would stay.
const SETTINGS: [&str; 2] = [
    "SET NAMES utf8mb4",
    "SET SESSION sql_quote_show_create = 1, SESSION lock_wait_timeout = 10, SESSION wait_timeout = 20, SESSION sql_mode = \
     CONCAT('STRICT_TRANS_TABLES', IF(VERSION() LIKE '%MariaDB%', ',NO_AUTO_CREATE_USER', ''))",
];
/// The plugins by which a user logs in here; an empty name is MariaDB's for the first.
const PLUGINS: [&str; 3] = ["mysql_native_password", "caching_sha2_password", ""];
const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";
const FIRST_WITH_TWO_PASSWORDS: [u16; 3] = [8, 0, 14];

/// A MariaDB server, 10.4 or later, or a MySQL server, 5.7 or later.
pub struct Mysql {
    trust: Trust,
}

/// A connection on which a user has logged in.
pub struct Session {
    conn: Conn,
    server: Server,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Server {
    MariaDb,
    MySql { two_passwords: bool },
}

/// One of the accounts that a user has: one for each pattern of client hosts.
struct Account {
    host: String,
    plugin: String,
}

impl Mysql {
    /// A server that is trusted so.
    ///
    /// # Errors
    /// There is no certificate in the file.
    pub fn new(trust: &Trust) -> Result<Self, Kind> {
        let is_certificate = |pem: &[u8]| pem.windows(CERTIFICATE.len()).any(|window| window == CERTIFICATE);
        match trust {
            Trust::Roots(roots) if !roots.of("").into_iter().any(is_certificate) => {
                Err(Kind::TargetUnfit("the CA file has no certificate"))
            }
            trust => Ok(Self { trust: trust.clone() }),
        }
    }

    fn tls(&self, host: &str) -> Option<SslOpts> {
        let Trust::Roots(roots) = &self.trust else { return None };
        let roots = roots.of(host).into_iter().map(|pem| pem.to_vec().into()).collect();
        Some(SslOpts::default().with_disable_built_in_roots(true).with_root_certs(roots))
    }

    async fn connect(&self, who: &Credentials) -> Result<Option<Session>, Kind> {
        let addresses = reach::lookup(&who.host, who.port).await?;
        match self.authenticate(who, addresses.iter().map(SocketAddr::ip).collect()).await {
            Ok(session) => Ok(Some(session)),
            Err(error) if error::is_refusal(&error) => Ok(None),
            Err(error) => Err(kind("the login", &error)),
        }
    }

    async fn authenticate(&self, who: &Credentials, addresses: Vec<IpAddr>) -> Result<Session, mysql_async::Error> {
        let options = OptsBuilder::default()
            .ip_or_hostname(&who.host)
            .tcp_port(who.port)
            .resolved_ips(Some(addresses))
            .user(Some(&who.user))
            .pass(Some(who.password.expose()))
            .db_name(who.database.as_ref())
            .ssl_opts(self.tls(&who.host))
            .prefer_socket(false)
            .max_allowed_packet(Some(LONGEST_PACKET))
            .wait_timeout(Some(IDLE))
            .init(SETTINGS.to_vec());
        let mut conn = Conn::new(options).await?;
        let version: Option<String> = conn.query_first("SELECT VERSION()").await?;
        Ok(Session { conn, server: Server::of(&version.unwrap_or_default()) })
    }
}

impl Server {
    fn of(version: &str) -> Self {
        if version.contains("MariaDB") {
            return Self::MariaDb;
        }
        let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map_while(|number| number.parse().ok());
        let version: [u16; 3] = std::array::from_fn(|_| numbers.next().unwrap_or(0));
        Self::MySql { two_passwords: version >= FIRST_WITH_TWO_PASSWORDS }
    }
}

impl Driver for Mysql {
    type Session = Session;
    const ENGINE: Engine = Engine {
        names: &["mysql", "mariadb", "aurora-mysql", "aurora"],
        port: 3306,
        takes_user: |user| user.chars().count() <= 128,
    };

    async fn login(&self, who: &Credentials) -> Result<Option<Session>, Kind> {
        // The library panics where a server asks for a plugin that it was built without.
        match timeout(LOGIN, caught(self.connect(who))).await {
            Ok(Some(answer)) => answer,
            Ok(None)
                if matches!(self.trust, Trust::Network) && who.password.expose().len() > preflight::LONGEST_RSA =>
            {
                Err(preflight::TOO_LONG)
            }
            Ok(None) => Err(Kind::TargetUnfit(error::PLUGIN)),
            Err(_) => Err(reach::UNANSWERED),
        }
    }

    async fn query(&self, session: &mut Session) -> Result<(), Kind> {
        session.value("a query", "SELECT 1").await.map(drop)
    }

    async fn preflight(&self, session: &mut Session, change: &Change<'_>) -> Result<(), Kind> {
        preflight::Facts::read(session, change, matches!(self.trust, Trust::Roots(_))).await?.check(change)
    }

    async fn rehearse(&self, session: &mut Session, change: &Change<'_>) -> Result<(), Kind> {
        match change.clone_of {
            Some(user) => session.preflight_of_clone(user, change).await,
            None => Ok(()),
        }
    }

    async fn set_password(
        &self,
        session: &mut Session,
        change: &Change<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        let lock = session.lock(change.user).await?;
        let result = session.set_password(change, is_due).await;
        session.unlock(&lock).await;
        result
    }

    async fn set_clone(
        &self,
        admin: &mut Session,
        user: &str,
        change: &Change<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        let lock = admin.lock(change.user).await?;
        let result = admin.set_clone(user, change, is_due).await;
        admin.unlock(&lock).await;
        result
    }
}

impl Session {
    /// Takes a user's lock, and returns its name. A connection that ends gives its locks back.
    async fn lock(&mut self, user: &str) -> Result<String, Kind> {
        let lock = statement::lock(user);
        match self.value("the lock", &format!("SELECT GET_LOCK('{lock}', 10)")).await?.as_deref() {
            Some("1") => Ok(lock),
            _ => Err(Kind::TargetBusy(TargetCode::new("GET_LOCK"))),
        }
    }

    async fn unlock(&mut self, lock: &str) {
        // A connection that is lost has given it back.
        let _ = self.conn.query_drop(format!("SELECT RELEASE_LOCK('{lock}')")).await;
    }

    async fn set_password(
        &mut self,
        change: &Change<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        let accounts = if change.own {
            vec!["CURRENT_USER()".to_owned()]
        } else {
            let accounts = self.existing_accounts(change.user).await?;
            accounts.iter().map(|existing| account(change.user, &existing.host)).collect()
        };
        is_due().await?;
        self.change(&accounts, change).await
    }

    /// All accounts of a user, or none.
    async fn accounts(&mut self, user: &str) -> Result<Vec<Account>, Kind> {
        // MariaDB's roles are there too, without a host.
        let query = format!("SELECT Host, plugin FROM mysql.user WHERE User = {} AND Host <> ''", literal(user));
        let rows: Vec<(String, String)> = self.rows("SELECT ON mysql.user", &query).await?;
        Ok(rows.into_iter().map(|(host, plugin)| Account { host, plugin }).collect())
    }

    async fn existing_accounts(&mut self, user: &str) -> Result<Vec<Account>, Kind> {
        let accounts = self.accounts(user).await?;
        if accounts.is_empty() {
            return Err(Kind::TargetUnfit("the user does not exist"));
        }
        if accounts.iter().all(|account| PLUGINS.contains(&account.plugin.as_str())) {
            Ok(accounts)
        } else {
            Err(Kind::TargetUnfit(error::PLUGIN))
        }
    }

    /// Changes the password of all the accounts at once: in one statement, which the server goes through with even when
    /// the connection is lost. Neither server changes the plugin by it.
    async fn change(&mut self, accounts: &[String], change: &Change<'_>) -> Result<(), Kind> {
        let Server::MySql { two_passwords } = self.server else {
            let set = |proof: &str| statement::set_password(accounts, proof);
            return self.prove("SET PASSWORD", change.password, set).await;
        };
        if two_passwords && let Some(present) = change.present {
            // What the server keeps is the primary password, which after an abandoned rotation is a stray one. A refusal
            // of the present password, by rules or history, tells that there was none.
            match self.alter(accounts, present, false, change).await.map_err(|error| kind("ALTER USER", &error)) {
                Err(kind) if !kind.is_password_refused() => return Err(kind),
                _ => {}
            }
            match self.alter(accounts, change.password, true, change).await {
                Err(error) if change.own && error::code(&error) == Some(Code::PRIVILEGE) => {
                    log::warn("without APPLICATION_PASSWORD_ADMIN the old password stops working at once");
                }
                result => return result.map_err(|error| kind("ALTER USER", &error)),
            }
        }
        self.alter(accounts, change.password, false, change).await.map_err(|error| kind("ALTER USER", &error))
    }

    /// Changes MySQL's password of all the accounts; where the user has to state its present one, whichever that is of
    /// those that it may be.
    async fn alter(
        &mut self,
        accounts: &[String],
        password: &SecretText,
        retain: bool,
        change: &Change<'_>,
    ) -> Result<(), mysql_async::Error> {
        let mut answer = self.conn.query_drop(statement::alter_user(accounts, password, None, retain).expose()).await;
        for proof in &change.proofs {
            match answer {
                Err(error) if matches!(error::code(&error), Some(Code::NO_PROOF | Code::WRONG_PROOF)) => {
                    let statement = statement::alter_user(accounts, password, Some(proof), retain);
                    answer = self.conn.query_drop(statement.expose()).await;
                }
                answer => return answer,
            }
        }
        answer
    }

    /// Runs a statement of MariaDB's with the password's hash, or with the password where a hash is not taken.
    async fn prove(
        &mut self,
        what: &'static str,
        password: &SecretText,
        statement: impl Fn(&str) -> SecretText,
    ) -> Result<(), Kind> {
        match self.conn.query_drop(statement(statement::hash(password).expose()).expose()).await {
            Err(error) if error::code(&error) == Some(Code::OPTION) => {}
            result => return result.map_err(|error| kind(what, &error)),
        }
        // The same code says that the server is a replica.
        if self.value(what, "SELECT @@global.read_only + 0").await?.as_deref() != Some("0") {
            return Err(Kind::TargetUnfit(error::READ_ONLY));
        }
        // Most may not; their server's own settings then say who reads its log.
        let _ = self.conn.query_drop("SET SESSION sql_log_off = 1").await;
        let result = self.run(what, statement(statement::plain(password).expose()).expose()).await;
        let _ = self.conn.query_drop("SET SESSION sql_log_off = 0").await;
        result
    }

    async fn run(&mut self, what: &'static str, statement: &str) -> Result<(), Kind> {
        self.conn.query_drop(statement).await.map_err(|error| kind(what, &error))
    }

    /// The first column of the first row.
    async fn value(&mut self, what: &'static str, query: &str) -> Result<Option<String>, Kind> {
        let value: Option<Option<String>> = self.conn.query_first(query).await.map_err(|error| kind(what, &error))?;
        Ok(value.flatten())
    }

    async fn rows<R: FromRow + Send + 'static>(&mut self, what: &'static str, query: &str) -> Result<Vec<R>, Kind> {
        self.conn.query(query).await.map_err(|error| kind(what, &error))
    }
}
