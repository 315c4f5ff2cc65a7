//! Redis and Valkey: the server is given a password's SHA-256 hash, never the password but to log in. It keeps two at a
//! time, so that readers get in by the current value and by the new one.

use std::cell::Cell;
use std::collections::HashMap;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, ErrorKind, RedisConnectionInfo, RedisError, RedisResult, Value, cmd, from_redis_value,
};
use rustls::pki_types::ServerName;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::database::{Change, Driver};
use super::tls::Trust;
use super::{Credentials, Engine};
use crate::error::{Kind, TargetCode};
use crate::log;
use crate::secret::SecretText;

/// For the connection, TLS and login together.
const LOGIN: Duration = Duration::from_secs(8);
/// For one command.
const COMMAND: Duration = Duration::from_secs(8);
/// Nobody's password.
const WRONG_PASSWORD: &str = "does this user need a password at all?";

const NO_ANSWER: Kind = Kind::TargetUnreachable("no answer to the login in time");
const NO_CONNECTION: Kind = Kind::TargetUnreachable("no connection");
const NO_TLS: Kind = Kind::TargetUnreachable("no TLS by a certificate for its name that can be trusted");
pub(super) const NO_PASSWORD: Kind =
    Kind::AnyPassword("the user has `nopass`; take it away with ACL SETUSER NAME resetpass");
const NO_USER: Kind = Kind::TargetUnfit("there is no such user");
const NO_USERS: Kind = Kind::TargetUnfit(
    "its users can't be changed by ACL SETUSER: Redis before version 6, or a managed service with a way of its own",
);
const REPLICA: Kind = Kind::TargetUnfit("the server is a replica, whose users are not its master's");
const NOT_REDIS: Kind = Kind::TargetUnfit("it does not answer as Redis does");

const GET_USER: &str = "ACL GETUSER, for which a user needs +acl|getuser";
const SET_USER: &str = "ACL SETUSER, for which a user needs +acl|setuser";

/// A Redis server, version 6 or later, or a Valkey server.
pub struct Redis {
    tls: Option<TlsConnector>,
    /// Whether this invocation has changed the user itself, and so has seen that it needs a password.
    changed: Cell<bool>,
}

/// A connection, and who has logged in on it.
pub struct Session {
    connection: MultiplexedConnection,
    user: String,
}

impl Redis {
    /// A server that is trusted so.
    ///
    /// # Errors
    /// The certificates cannot be used.
    pub fn new(trust: &Trust) -> Result<Self, Kind> {
        let config = trust.client_config()?;
        let tls = config.map(|config| TlsConnector::from(std::sync::Arc::new(config)));
        Ok(Self { tls, changed: Cell::new(false) })
    }

    async fn connect(&self, who: &Credentials) -> Result<MultiplexedConnection, Kind> {
        let stream = TcpStream::connect((who.host.as_str(), who.port)).await.map_err(|_| NO_CONNECTION)?;
        let Some(tls) = &self.tls else { return speak(stream).await };
        let name = ServerName::try_from(who.host.clone()).map_err(|_| NO_TLS)?;
        speak(tls.connect(name, stream).await.map_err(|_| NO_TLS)?).await
    }

    async fn authenticate(&self, who: &Credentials) -> Result<Option<Session>, Kind> {
        let mut session = Session { connection: self.connect(who).await?, user: who.user.clone() };
        Ok(session.accepts(who.password.expose()).await?.then_some(session))
    }
}

impl Session {
    /// Whether the user gets in by a password; if not, the session stays what it was.
    async fn accepts(&mut self, password: &str) -> Result<bool, Kind> {
        let answer = cmd("AUTH").arg(&self.user).arg(password).query_async::<()>(&mut self.connection).await;
        match answer {
            Ok(()) => Ok(true),
            Err(error) if error.code() == Some("WRONGPASS") => Ok(false),
            Err(error) => Err(kind("the login", &error)),
        }
    }

    /// Proves that the server works for the user, whether or not it may ask.
    pub(super) async fn ping(&mut self) -> Result<(), Kind> {
        match cmd("PING").query_async::<()>(&mut self.connection).await {
            // An answer too: from a server that knows the user.
            Err(error) if error.code() != Some("NOPERM") => Err(kind("PING", &error)),
            _ => Ok(()),
        }
    }
}

impl Driver for Redis {
    type Session = Session;
    const ENGINE: Engine = Engine { names: &["redis", "valkey"], port: 6379, takes_user: |_| true };

    async fn login(&self, who: &Credentials) -> Result<Option<Session>, Kind> {
        timeout(LOGIN, self.authenticate(who)).await.unwrap_or(Err(NO_ANSWER))
    }

    /// Where a password was accepted before it was set, proves besides that not any would do. Never else: a refused login
    /// is what watchful people are woken up for.
    async fn query(&self, session: &mut Session) -> Result<(), Kind> {
        session.ping().await?;
        if !self.changed.get() && session.accepts(WRONG_PASSWORD).await? { Err(NO_PASSWORD) } else { Ok(()) }
    }

    async fn preflight(&self, _session: &mut Session, _change: &Change<'_>) -> Result<(), Kind> {
        Ok(())
    }

    /// Without a lock, for the server has none; the user is changed by one command, which removes no password that came
    /// after `is_due` was asked.
    async fn set_password(
        &self,
        session: &mut Session,
        change: &Change<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        let connection = &mut session.connection;
        ask_for_replication(connection).await?;
        let listed = passwords(connection, change.user).await?;
        is_due().await?;
        let (new, present) = (hash(change.password), change.present.map(hash));
        let mut command = cmd("ACL");
        command.arg("SETUSER").arg(change.user).arg(format!("#{new}"));
        // Never `resetpass`: while this delivery was late, another may have set a newer password, which must stay.
        for old in listed.iter().filter(|old| **old != new && Some(*old) != present.as_ref()) {
            command.arg(format!("!{old}"));
        }
        command.query_async::<()>(connection).await.map_err(|error| kind(SET_USER, &error))?;
        self.changed.set(true);
        save(connection).await;
        Ok(())
    }

    async fn set_twin(
        &self,
        _admin: &mut Session,
        _user: &str,
        _change: &Change<'_>,
        _is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        Err(Kind::TargetUnfit("its users have two passwords at a time, and no twins"))
    }
}

/// Speaks Redis's protocol on a stream, without a login.
async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<MultiplexedConnection, Kind> {
    let info = RedisConnectionInfo::default().set_skip_set_lib_name();
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(COMMAND));
    let opened = MultiplexedConnection::new_with_config(&info, stream, config).await;
    let (connection, driver) = opened.map_err(|error| kind("the login", &error))?;
    tokio::spawn(driver);
    Ok(connection)
}

/// Refuses a replica, and warns of a server's replicas: users are not replicated.
/// <https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/#acl-rules-for-sentinel-and-replicas>
async fn ask_for_replication(connection: &mut MultiplexedConnection) -> Result<(), Kind> {
    let answer = cmd("ROLE").query_async::<Vec<Value>>(connection).await;
    // The right to ask is not worth a refusal.
    let Ok([Value::BulkString(role), rest @ ..]) = answer.as_deref() else { return Ok(()) };
    if role == b"slave" {
        return Err(REPLICA);
    }
    if matches!(rest, [_, Value::Array(replicas)] if !replicas.is_empty()) {
        log::warn("the server's replicas have users of their own, and do not get the new password by this rotation");
    }
    Ok(())
}

/// The hashes of a user's passwords.
async fn passwords(connection: &mut MultiplexedConnection, user: &str) -> Result<Vec<String>, Kind> {
    let answer = cmd("ACL").arg("GETUSER").arg(user).query_async::<Option<HashMap<String, Value>>>(connection).await;
    let mut fields = answer.map_err(|error| kind(GET_USER, &error))?.ok_or(NO_USER)?;
    let mut list = |name| {
        let field = fields.remove(name).ok_or(NOT_REDIS)?;
        from_redis_value::<Vec<String>>(field).map_err(|_| NOT_REDIS)
    };
    if list("flags")?.iter().any(|flag| flag == "nopass") {
        return Err(NO_PASSWORD);
    }
    list("passwords")
}

/// Has the server keep its users over a restart. The change is made already, so that it fails only with a warning.
async fn save(connection: &mut MultiplexedConnection) {
    let saved: RedisResult<()> = match cmd("ACL").arg("SAVE").query_async(connection).await {
        Err(error) if says(&error, "not configured to use an ACL file") => {
            cmd("CONFIG").arg("REWRITE").query_async(connection).await
        }
        saved => saved,
    };
    if saved.is_err() {
        log::warn(
            "the server did not save its users, so a restart brings the old password back; this takes +acl|save and an \
             ACL file, or +config|rewrite and a configuration file",
        );
    }
}

/// As the server keeps it.
fn hash(password: &SecretText) -> String {
    let digest = Sha256::digest(password.expose());
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// What an error means; nothing of its text is kept, for it may quote a command.
fn kind(what: &'static str, error: &RedisError) -> Kind {
    let Some(code) = error.code() else {
        return match error.kind() {
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => NOT_REDIS,
            _ if error.is_timeout() => Kind::TargetUnreachable("no answer in time"),
            _ => Kind::TargetUnreachable("the connection broke off"),
        };
    };
    let told = TargetCode::new(code);
    match code {
        "NOPERM" | "NOAUTH" | "DENIED" => Kind::TargetDenied { what, code: told },
        "READONLY" | "MASTERDOWN" => REPLICA,
        "LOADING" => Kind::TargetUnreachable("it is stopping or starting"),
        "BUSY" | "OOM" | "TRYAGAIN" | "CLUSTERDOWN" => Kind::TargetBusy(told),
        "ERR" if says(error, "max number of clients") => Kind::TargetBusy(TargetCode::new("maxclients")),
        // By another delivery, after the list was read. The command as a whole did nothing.
        "ERR" if says(error, "password you are trying to remove") => {
            Kind::TargetBusy(TargetCode::new("concurrent-change"))
        }
        "ERR" if says(error, "unknown command") || says(error, "unknown subcommand") => NO_USERS,
        "ERR" if says(error, "wrong number of arguments for 'auth'") => NO_USERS,
        _ => Kind::TargetFailed { what, code: told },
    }
}

/// Whether the server's text has these words: most of its errors have no other code than ERR.
fn says(error: &RedisError, words: &str) -> bool {
    error.detail().is_some_and(|text| text.contains(words))
}
