//! Redis and Valkey: the server is given a password's SHA-256 hash, never the password but to log in. It keeps two at a
//! time, so that readers get in by the current value and by the new one.

mod error;
mod preflight;

use std::cell::Cell;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo, RedisResult, cmd, from_redis_value};
use rustls::pki_types::ServerName;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

pub use self::error::ERRORS;
pub(super) use self::error::NO_PASSWORD;
use self::error::{NO_USER, NOT_REDIS, is_refusal, kind, says};
use self::preflight::{Facts, fields};
use super::database::{Change, Driver};
use super::tls::Trust;
use super::{Credentials, Engine, reach};
use crate::error::Kind;
use crate::log;
use crate::secret::SecretText;

/// For the connection, TLS and login together.
const LOGIN: Duration = Duration::from_secs(8);
/// For one command.
const COMMAND: Duration = Duration::from_secs(8);
/// Nobody's password.
const WRONG_PASSWORD: &str = "does this user need a password at all?";

const GET_USER: &str = "ACL GETUSER, for which a user needs +acl|getuser";
const SET_USER: &str = "ACL SETUSER, for which a user needs +acl|setuser";

/// A Redis server, version 6 or later, or a Valkey server.
pub struct Redis {
    trust: Trust,
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
        trust.client_config("")?;
        Ok(Self { trust: trust.clone(), changed: Cell::new(false) })
    }

    async fn connect(&self, who: &Credentials) -> Result<MultiplexedConnection, Kind> {
        let stream = reach::connect(&who.host, who.port).await?;
        let Some(tls) = self.trust.client_config(&who.host)? else { return speak(stream).await };
        let tls = TlsConnector::from(std::sync::Arc::new(tls));
        let name = ServerName::try_from(who.host.clone()).map_err(|error| reach::untrusted(&error))?;
        speak(tls.connect(name, stream).await.map_err(|error| reach::untrusted(&error))?).await
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
            Err(error) if is_refusal(&error) => Ok(false),
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
        timeout(LOGIN, self.authenticate(who)).await.unwrap_or(Err(reach::SILENT))
    }

    /// Where a password was accepted before it was set, proves besides that not any would do. Never else: a refused login
    /// is what watchful people are woken up for.
    async fn query(&self, session: &mut Session) -> Result<(), Kind> {
        session.ping().await?;
        if !self.changed.get() && session.accepts(WRONG_PASSWORD).await? { Err(NO_PASSWORD) } else { Ok(()) }
    }

    async fn preflight(&self, session: &mut Session, change: &Change<'_>) -> Result<(), Kind> {
        Facts::read(&mut session.connection, change.user).await?.check()
    }

    /// Without a rule the command changes nothing of a user that is there, and takes the same right.
    async fn rehearse(&self, session: &mut Session, change: &Change<'_>) -> Result<(), Kind> {
        let answer = cmd("ACL").arg("SETUSER").arg(change.user).query_async::<()>(&mut session.connection).await;
        answer.map_err(|error| kind(SET_USER, &error))
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

    async fn set_clone(
        &self,
        _admin: &mut Session,
        _user: &str,
        _change: &Change<'_>,
        _is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        Err(Kind::TargetUnfit("its users have two passwords at a time, and no clone users"))
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

/// The hashes of a user's passwords.
async fn passwords(connection: &mut MultiplexedConnection, user: &str) -> Result<Vec<String>, Kind> {
    let mut fields = fields(connection, user).await?.ok_or(NO_USER)?;
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
