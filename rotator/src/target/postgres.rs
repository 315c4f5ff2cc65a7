//! PostgreSQL: the server is given a SCRAM-SHA-256 verifier, so that neither it nor its log ever sees a new password.

mod clone;
mod error;
mod guard;
mod preflight;
mod verifier;

use std::time::Duration;

use contract::AuthMethod;
use postgres_protocol::escape::{escape_identifier, escape_literal};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;
use uuid::Uuid;

pub use self::error::ERRORS;
use self::error::{is_refusal, kind};
use self::guard::{Guard, Guarded};
use self::verifier::Settings;
use super::database::{Change, Driver};
use super::{Credentials, Engine, Trust, reach};
use crate::error::Kind;
use crate::secret::SecretText;

/// For the connection, TLS and login together.
const LOGIN: Duration = Duration::from_secs(8);
/// For one statement, the wait for a lock included.
const STATEMENT: &str = "10s";
/// Between two statements: a client that is gone without a word must not keep its lock. The longest wait is a call of
/// Secrets Manager.
const IDLE: &str = "20s";
/// As AWS's own templates have it.
const DEFAULT_DATABASE: &str = "postgres";
/// Before it, a verifier would be taken for the password itself.
const FIRST_WITH_SCRAM: u32 = 100_000;
/// The namespace of the locks' keys.
const LOCKS: Uuid = Uuid::from_u128(0x93a1_5c0f_2f4e_4a0b_8a53_d0f6_7e0b_3c11);

/// A PostgreSQL server, version 10 or later.
pub struct Postgres {
    trust: Trust,
    allowed: Vec<AuthMethod>,
}

impl Postgres {
    /// A server that is trusted so, and that may ask for a password in the allowed ways.
    ///
    /// # Errors
    /// The certificates cannot be used.
    pub fn new(trust: &Trust, allowed: &[AuthMethod]) -> Result<Self, Kind> {
        trust.client_config("")?;
        Ok(Self { trust: trust.clone(), allowed: allowed.to_vec() })
    }

    async fn connect(&self, who: &Credentials) -> Result<Option<Client>, Kind> {
        let tls = self.trust.client_config(&who.host)?.map(MakeRustlsConnect::new);
        let stream = reach::connect(&who.host, who.port).await?;
        match self.authenticate(who, stream, tls).await {
            Ok(client) => Ok(Some(client)),
            Err(error) if is_refusal(&error) => Ok(None),
            Err(error) => Err(kind("the login", &error)),
        }
    }

    async fn authenticate(
        &self,
        who: &Credentials,
        stream: TcpStream,
        tls: Option<MakeRustlsConnect>,
    ) -> Result<Client, tokio_postgres::Error> {
        let mut config = Config::new();
        config
            .user(&who.user)
            .password(who.password.expose())
            .dbname(who.database.as_deref().unwrap_or(DEFAULT_DATABASE))
            .application_name("rotator");
        if let Some(mut tls) = tls {
            let Ok(tls) = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, &who.host);
            let tls = Guarded { tls, allowed: self.allowed.clone() };
            let (client, connection) = config.ssl_mode(SslMode::Require).connect_raw(stream, tls).await?;
            tokio::spawn(connection);
            Ok(client)
        } else {
            let stream = Guard::new(stream, &self.allowed);
            let (client, connection) = config.ssl_mode(SslMode::Disable).connect_raw(stream, NoTls).await?;
            tokio::spawn(connection);
            Ok(client)
        }
    }
}

impl Driver for Postgres {
    type Session = Client;
    const ENGINE: Engine =
        Engine { names: &["postgres", "aurora-postgresql"], port: 5432, takes_user: |user| user.len() <= 63 };

    async fn login(&self, who: &Credentials) -> Result<Option<Client>, Kind> {
        timeout(LOGIN, self.connect(who)).await.unwrap_or(Err(reach::SILENT))
    }

    async fn query(&self, session: &mut Client) -> Result<(), Kind> {
        session.simple_query("SELECT 1").await.map(drop).map_err(|error| kind("a query", &error))
    }

    async fn preflight(&self, session: &mut Client, change: &Change<'_>) -> Result<(), Kind> {
        preflight::Facts::read(session, change).await?.check()
    }

    async fn rehearse(&self, session: &mut Client, change: &Change<'_>) -> Result<(), Kind> {
        if let Some(user) = change.clone_of {
            return clone::rehearse(session, user, change, &self.allowed).await;
        }
        let transaction = begin(session, change.user).await?;
        alter(&transaction, change, &self.allowed).await?;
        transaction.rollback().await.map_err(|error| kind("a rollback", &error))
    }

    async fn set_password(
        &self,
        session: &mut Client,
        change: &Change<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        let transaction = begin(session, change.user).await?;
        is_due().await?;
        alter(&transaction, change, &self.allowed).await?;
        transaction.commit().await.map_err(|error| kind("the commit", &error))
    }

    async fn set_clone(
        &self,
        admin: &mut Client,
        user: &str,
        change: &Change<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        clone::set_clone(admin, user, change, &self.allowed, is_due).await
    }
}

/// A transaction that holds the user's lock; its end gives it back. A lost connection is a transaction that did not happen,
/// but for a lost commit.
async fn begin<'a>(session: &'a mut Client, user: &str) -> Result<Transaction<'a>, Kind> {
    let failed = |error| kind("a transaction", &error);
    // A user may have `default_transaction_read_only` for its own good.
    let transaction = session.build_transaction().read_only(false).start().await.map_err(failed)?;
    let (key, _) = Uuid::new_v5(&LOCKS, user.as_bytes()).as_u64_pair();
    let key = key.cast_signed();
    // A pooler may lend the connection for one transaction alone, so nothing is set for longer.
    let start = format!(
        "SET LOCAL statement_timeout = '{STATEMENT}'; SET LOCAL idle_in_transaction_session_timeout = '{IDLE}'; \
         SELECT pg_advisory_xact_lock({key})"
    );
    transaction.batch_execute(&start).await.map_err(|error| kind("the lock", &error))?;
    Ok(transaction)
}

async fn alter(transaction: &Transaction<'_>, change: &Change<'_>, allowed: &[AuthMethod]) -> Result<(), Kind> {
    let user = escape_identifier(change.user);
    let settings = transaction.simple_query(Settings::QUERY).await.map_err(|error| kind("a query", &error))?;
    let settings = settings.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(Settings::of(row.get(0), row.get(1))),
        _ => None,
    });
    let settings = settings.ok_or(Kind::Malformed("a query"))?;
    let verifier = settings.verifier(change.password, change.user, allowed)?;
    let verifier = SecretText::from(escape_literal(verifier.expose()));
    let statement = SecretText::concat(&["ALTER ROLE ", &user, " PASSWORD ", verifier.expose()]);
    transaction.batch_execute(statement.expose()).await.map_err(|error| kind(error::SET, &error))
}
