//! A client that logs in with AWSCURRENT all the time, and reads it again when that is refused, as AWS's caching clients do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rotator::store::CURRENT;
use serde_json::Value;

use crate::bench::{Engine, holder, values};
use crate::lambda::Aws;
use crate::servers::HOST;

/// Between two logins.
const PAUSE: Duration = Duration::from_millis(10);
/// How often all values have to be refused, until none of them opens the server.
const ROUNDS: usize = 3;

/// What the client has seen.
#[derive(Default)]
pub struct Seen {
    pub logins: usize,
    /// For how long the server refused what was current.
    pub longest_refusal: Duration,
    pub violations: Vec<String>,
}

/// The client, in a thread of its own.
pub struct Client {
    end: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

/// What a login came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    Opens,
    Refused,
    /// The server has no room, or is away.
    Nothing,
}

impl Client {
    pub fn start(engine: Engine, port: u16, aws: &Arc<Aws>) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let (ended, aws) = (Arc::clone(&end), Arc::clone(aws));
        let thread = std::thread::spawn(move || runtime().block_on(watch(engine, port, &aws, &ended)));
        Self { end, thread }
    }

    pub fn end(self) -> Seen {
        self.end.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Whether a value logs in; a server without room is asked again.
pub fn logs_in(engine: Engine, port: u16, value: &Value) -> bool {
    let ask = || runtime().block_on(login(engine, port, value));
    (0..50).map(|_| ask()).find(|said| *said != Said::Nothing).is_some_and(|said| said == Said::Opens)
}

fn current(aws: &Arc<Aws>) -> (String, Value) {
    holder(&aws.state.lock().unwrap(), CURRENT).unwrap()
}

async fn watch(engine: Engine, port: u16, aws: &Arc<Aws>, end: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    let mut refused_since: Option<Instant> = None;
    // Once more after the end, which is what the last delivery has left.
    let mut is_last = false;
    while !is_last {
        is_last = end.load(Ordering::SeqCst);
        let (id, value) = current(aws);
        match login(engine, port, &value).await {
            Said::Nothing => {}
            Said::Opens => {
                seen.logins += 1;
                if let Some(since) = refused_since.take() {
                    seen.longest_refusal = seen.longest_refusal.max(since.elapsed());
                }
            }
            Said::Refused if current(aws).0 != id => is_last = false,
            Said::Refused => {
                refused_since.get_or_insert_with(Instant::now);
                if is_last {
                    seen.violations.push("the current value is refused in the end".to_owned());
                }
                let mut opens = false;
                // The values are asked one after the other: what is restored in between is seen by the next round.
                for _ in 0..ROUNDS {
                    for other in values(aws) {
                        opens = opens || login(engine, port, &other).await != Said::Refused;
                    }
                    opens = opens || current(aws).0 != id;
                }
                if !opens {
                    seen.violations.push("no value that is stored opens the server".to_owned());
                }
            }
        }
        if refused_since.is_none() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    seen
}

async fn login(engine: Engine, port: u16, value: &Value) -> Said {
    let (user, password) = (value["username"].as_str().unwrap(), value["password"].as_str().unwrap());
    match engine {
        Engine::Postgres => postgres(port, user, password).await,
        Engine::Mysql => mysql(port, user, password).await,
        Engine::Redis => redis(port, user, password).await,
    }
}

async fn postgres(port: u16, user: &str, password: &str) -> Said {
    use tokio_postgres::error::SqlState;
    let mut config = tokio_postgres::Config::new();
    config.host(HOST).port(port).user(user).password(password).dbname("postgres");
    match config.connect(tokio_postgres::NoTls).await {
        Ok((client, connection)) => {
            let connection = tokio::spawn(connection);
            let answer = client.simple_query("SELECT count(*) FROM data").await;
            drop(client);
            let _ = connection.await;
            match answer {
                Ok(_) => Said::Opens,
                Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Said::Refused,
                Err(_) => Said::Nothing,
            }
        }
        // A pooler has a code of its own for it.
        Err(error) if error.as_db_error().is_some_and(|error| error.message().contains("authentication failed")) => {
            Said::Refused
        }
        Err(_) => Said::Nothing,
    }
}

async fn mysql(port: u16, user: &str, password: &str) -> Said {
    use mysql_async::prelude::Queryable;
    let options = mysql_async::OptsBuilder::default();
    let options = options.ip_or_hostname(HOST).tcp_port(port).user(Some(user)).pass(Some(password));
    let refused = |error: &mysql_async::Error| matches!(error, mysql_async::Error::Server(error) if [1045, 1142, 1044].contains(&error.code));
    match mysql_async::Conn::new(options).await {
        Ok(mut connection) => {
            let answer = connection.query_drop("SELECT count(*) FROM app.data").await;
            let _ = connection.disconnect().await;
            match answer {
                Ok(()) => Said::Opens,
                Err(error) if refused(&error) => Said::Refused,
                Err(_) => Said::Nothing,
            }
        }
        Err(error) if refused(&error) => Said::Refused,
        Err(_) => Said::Nothing,
    }
}

async fn redis(port: u16, user: &str, password: &str) -> Said {
    use redis::{ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo};
    let address = ConnectionAddr::Tcp(HOST.to_owned(), port).into_connection_info().unwrap();
    let login = RedisConnectionInfo::default().set_username(user).set_password(password);
    let client = redis::Client::open(address.set_redis_settings(login)).unwrap();
    match client.get_multiplexed_async_connection().await {
        Ok(mut connection) => {
            match redis::cmd("GET").arg("data").query_async::<Option<String>>(&mut connection).await {
                Ok(_) => Said::Opens,
                Err(_) => Said::Nothing,
            }
        }
        Err(error) if error.kind() == redis::ErrorKind::AuthenticationFailed => Said::Refused,
        Err(error) if error.code() == Some("WRONGPASS") => Said::Refused,
        Err(_) => Said::Nothing,
    }
}
