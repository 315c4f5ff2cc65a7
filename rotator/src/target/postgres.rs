//! PostgreSQL: the server is given a SCRAM-SHA-256 verifier, so that neither it nor its log ever sees a new password.

mod clone;
mod guard;

use std::time::Duration;

use contract::AuthMethod;
use postgres_protocol::escape::{escape_identifier, escape_literal};
use postgres_protocol::password::scram_sha_256;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;
use uuid::Uuid;

use self::guard::{Guard, Guarded, Refusal};
use super::Trust;
use super::database::{Change, Driver};
use super::{Credentials, Engine};
use crate::error::{Kind, TargetCode};
use crate::secret::SecretText;

/// For the connection, TLS and login together.
const LOGIN: Duration = Duration::from_secs(8);
/// For one statement, the wait for a lock included.
const STATEMENT: &str = "10s";
/// As AWS's own templates have it.
const DEFAULT_DATABASE: &str = "postgres";
/// Before it, a verifier would be taken for the password itself.
const FIRST_WITH_SCRAM: u32 = 100_000;
/// The namespace of the locks' keys.
const LOCKS: Uuid = Uuid::from_u128(0x93a1_5c0f_2f4e_4a0b_8a53_d0f6_7e0b_3c11);

/// A PostgreSQL server, version 10 or later.
pub struct Postgres {
    tls: Option<MakeRustlsConnect>,
    allowed: Vec<AuthMethod>,
}

impl Postgres {
    /// A server that is trusted so, and that may ask for a password in the allowed ways.
    ///
    /// # Errors
    /// The certificates cannot be used.
    pub fn new(trust: &Trust, allowed: &[AuthMethod]) -> Result<Self, Kind> {
        Ok(Self { tls: trust.client_config()?.map(MakeRustlsConnect::new), allowed: allowed.to_vec() })
    }

    async fn connect(&self, who: &Credentials) -> Result<Option<Client>, Kind> {
        let stream = connect(&who.host, who.port).await?;
        match self.authenticate(who, stream).await {
            Ok(client) => Ok(Some(client)),
            Err(error) if is_refusal(&error) => Ok(None),
            Err(error) => Err(kind("the login", &error)),
        }
    }

    async fn authenticate(&self, who: &Credentials, stream: TcpStream) -> Result<Client, tokio_postgres::Error> {
        let mut config = Config::new();
        config
            .user(&who.user)
            .password(who.password.expose())
            .dbname(who.database.as_deref().unwrap_or(DEFAULT_DATABASE))
            .application_name("rotator");
        if let Some(tls) = &self.tls {
            let Ok(tls) = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls.clone(), &who.host);
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
        let in_time = timeout(LOGIN, self.connect(who)).await;
        in_time.unwrap_or(Err(Kind::TargetUnreachable("no answer to the login in time")))
    }

    async fn query(&self, session: &mut Client) -> Result<(), Kind> {
        session.simple_query("SELECT 1").await.map(drop).map_err(|error| kind("a query", &error))
    }
    async fn preflight(&self, _session: &mut Client, _change: &Change<'_>) -> Result<(), Kind> {
        Ok(())
    }

    async fn set_password(
        &self,
        session: &mut Client,
        change: &Change<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        let transaction = begin(session, change.user).await?;
        is_due().await?;
        alter(&transaction, change).await?;
        transaction.commit().await.map_err(|error| kind("the commit", &error))
    }

    async fn set_twin(
        &self,
        admin: &mut Client,
        user: &str,
        change: &Change<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        clone::set_twin(admin, user, change, is_due).await
    }
}

/// A transaction that holds the user's lock; its end gives it back. A lost connection is a transaction that did not happen,
/// but for a lost commit.
async fn begin<'a>(session: &'a mut Client, user: &str) -> Result<Transaction<'a>, Kind> {
    let failed = |error| kind("a transaction", &error);
    let transaction = session.transaction().await.map_err(failed)?;
    let version = value(&transaction, "SHOW server_version_num").await.map_err(failed)?;
    if version.and_then(|version| version.parse::<u32>().ok()).is_none_or(|version| version < FIRST_WITH_SCRAM) {
        return Err(Kind::TargetUnfit("PostgreSQL before version 10 does not have SCRAM-SHA-256"));
    }
    let (key, _) = Uuid::new_v5(&LOCKS, user.as_bytes()).as_u64_pair();
    let key = key.cast_signed();
    // A pooler may lend the connection for one transaction alone, so nothing is set for longer.
    let start = format!("SET LOCAL statement_timeout = '{STATEMENT}'; SELECT pg_advisory_xact_lock({key})");
    transaction.batch_execute(&start).await.map_err(|error| kind("the lock", &error))?;
    Ok(transaction)
}

async fn alter(transaction: &Transaction<'_>, change: &Change<'_>) -> Result<(), Kind> {
    let user = escape_identifier(change.user);
    let verifier = SecretText::from(scram_sha_256(change.password.expose().as_bytes()));
    let verifier = SecretText::from(escape_literal(verifier.expose()));
    let statement = SecretText::concat(&["ALTER ROLE ", &user, " PASSWORD ", verifier.expose()]);
    transaction.batch_execute(statement.expose()).await.map_err(|error| match error.code() {
        Some(code) if *code == SqlState::INVALID_PARAMETER_VALUE || *code == SqlState::INVALID_PASSWORD => {
            Kind::PasswordRefused(TargetCode::new(code.code()))
        }
        _ => kind("ALTER ROLE", &error),
    })
}

/// The first column of the first row. The simple protocol goes through every pooler.
async fn value(transaction: &Transaction<'_>, query: &str) -> Result<Option<String>, tokio_postgres::Error> {
    let answer = transaction.simple_query(query).await?;
    Ok(answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}

/// Two columns.
async fn rows(transaction: &Transaction<'_>, query: &str) -> Result<Vec<[String; 2]>, tokio_postgres::Error> {
    let answer = transaction.simple_query(query).await?;
    let text = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => Some([row.get(0)?.to_owned(), row.get(1)?.to_owned()]),
        _ => None,
    };
    Ok(answer.iter().filter_map(text).collect())
}

/// Whether the server refused the credentials: a wrong password, no such user, or one that may not log in.
fn is_refusal(error: &tokio_postgres::Error) -> bool {
    let refusals = [&SqlState::INVALID_PASSWORD, &SqlState::INVALID_AUTHORIZATION_SPECIFICATION];
    error.code().is_some_and(|code| refusals.contains(&code))
}

/// A connection without a login.
async fn connect(host: &str, port: u16) -> Result<TcpStream, Kind> {
    let stream = TcpStream::connect((host, port)).await;
    let stream = stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
    stream.map_err(|_| Kind::TargetUnreachable("no connection"))
}

/// What an error means; nothing of its text is kept, for it may quote a statement.
fn kind(what: &'static str, error: &tokio_postgres::Error) -> Kind {
    if let Some(refusal) = Refusal::of(error) {
        return not_allowed(refusal);
    }
    let Some(code) = error.code() else {
        return Kind::TargetUnreachable(broken_off(error));
    };
    let told = TargetCode::new(code.code());
    match code.code() {
        "42501" => Kind::TargetDenied { what, code: told },
        "25006" => Kind::TargetUnfit("the server is read-only: a replica?"),
        "55P03" | "57014" => Kind::TargetBusy(told),
        code if code.starts_with("53") => Kind::TargetBusy(told),
        code if code.starts_with("08") || code.starts_with("57P") => {
            Kind::TargetUnreachable("it is stopping or starting")
        }
        _ => Kind::TargetFailed { what, code: told },
    }
}

/// What a [`Refusal`] means to whoever reads it.
fn not_allowed(refusal: Refusal) -> Kind {
    if refusal == Refusal::Never {
        return Kind::AnyPassword("it asks for no password; let pg_hba.conf say scram-sha-256");
    }
    Kind::TargetUnfit(match refusal {
        Refusal::Asked(AuthMethod::Password) => {
            "it asks for the password itself, which `require_auth` does not allow; let pg_hba.conf say scram-sha-256"
        }
        Refusal::Asked(AuthMethod::Md5) => {
            "it asks for the password's MD5 hash, which `require_auth` does not allow; set the user's password once \
             with password_encryption = 'scram-sha-256'"
        }
        Refusal::Asked(AuthMethod::ScramSha256) => "it asks for SCRAM-SHA-256, which `require_auth` does not allow",
        Refusal::Otherwise => "it asks for a login that is not by a password",
        Refusal::Never => "it asks for no password",
        Refusal::Malformed => "it does not answer as PostgreSQL does",
    })
}

fn broken_off(error: &tokio_postgres::Error) -> &'static str {
    // The library's kinds are private, their words are not.
    match error.to_string() {
        text if text.starts_with("error performing TLS handshake") => {
            "no TLS by a certificate for its name that can be trusted"
        }
        text if text.starts_with("error connecting") => "no connection",
        text if text.starts_with("authentication error") => "it asks for a login that is not by SCRAM-SHA-256 or MD5",
        _ => "the connection broke off",
    }
}
