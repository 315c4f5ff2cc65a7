//! A client that logs in with AWSCURRENT all the time, and reads it again when that is refused, as AWS's caching clients do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rotator::store::CURRENT;
use serde_json::Value;

use crate::bench::{Bench, Server};
use crate::lambda::Aws;
use crate::servers::HOST;

/// Between two logins.
const PAUSE: Duration = Duration::from_millis(3);

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

#[derive(Clone, Copy)]
enum Engine {
    Postgres,
    Mariadb,
    Redis,
}

#[derive(PartialEq, Eq)]
enum Said {
    Opens,
    Refused,
    /// The server has no room, or is away.
    Nothing,
}

impl Client {
    pub fn start(bench: &Bench<'_>) -> Self {
        let (engine, port, secret) = (
            match bench.server {
                Server::Postgres(_) => Engine::Postgres,
                Server::Mariadb(_) => Engine::Mariadb,
                Server::Redis(_) => Engine::Redis,
            },
            bench.server.port(),
            bench.now(),
        );
        let end = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&end);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(watch(engine, port, &secret, &ended))
        });
        Self { end, thread }
    }

    pub fn end(self) -> Seen {
        self.end.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

fn current(secret: &Mutex<Arc<Aws>>) -> (String, Value) {
    let aws = Arc::clone(&secret.lock().unwrap());
    let state = aws.state.lock().unwrap();
    let id = state.holder(CURRENT).unwrap();
    (id.to_owned(), serde_json::from_str(&state.values[id]).unwrap())
}

fn all(secret: &Mutex<Arc<Aws>>) -> Vec<Value> {
    let aws = Arc::clone(&secret.lock().unwrap());
    let state = aws.state.lock().unwrap();
    state.values.values().map(|value| serde_json::from_str(value).unwrap()).collect()
}

async fn watch(engine: Engine, port: u16, secret: &Mutex<Arc<Aws>>, end: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    let mut refused_since: Option<Instant> = None;
    // Once more after the end, which is what the last delivery has left.
    let mut is_last = false;
    while !is_last {
        is_last = end.load(Ordering::SeqCst);
        let (id, value) = current(secret);
        match login(engine, port, &value).await {
            Said::Nothing => {}
            Said::Opens => {
                seen.logins += 1;
                if let Some(since) = refused_since.take() {
                    seen.longest_refusal = seen.longest_refusal.max(since.elapsed());
                }
            }
            Said::Refused if current(secret).0 != id => is_last = false,
            Said::Refused => {
                refused_since.get_or_insert_with(Instant::now);
                if is_last {
                    seen.violations.push("the current value is refused in the end".to_owned());
                }
                let mut opens = false;
                for other in all(secret) {
                    opens |= login(engine, port, &other).await != Said::Refused;
                }
                if !opens && current(secret).0 == id && login(engine, port, &value).await == Said::Refused {
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
        Engine::Mariadb => mariadb(port, user, password).await,
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
        Err(error) if error.code() == Some(&SqlState::INVALID_PASSWORD) => Said::Refused,
        Err(_) => Said::Nothing,
    }
}

async fn mariadb(port: u16, user: &str, password: &str) -> Said {
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
