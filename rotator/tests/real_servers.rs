//! The servers that the other tests run on: which versions, and that each starts, knows its passwords, and ends.
#![allow(clippy::unwrap_used, reason = "tests")]

mod servers;

use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use servers::mariadb::MariaDb;
use servers::mysql::Mysql;
use servers::pgbouncer::{PgBouncer, Users};
use servers::postgres::Postgres;
use servers::redis::{Redis, RedisCluster};
use servers::{ADMIN, ADMIN_PASSWORD, HOST};

fn listens(port: u16) -> bool {
    TcpStream::connect((HOST, port)).is_ok()
}

/// Two at the same time, with TLS and without.
fn twice<T>(
    start: impl Fn(bool) -> Option<T> + Sync,
    port: impl Fn(&T) -> u16 + Sync,
    login: impl Fn(&T, &str) -> bool + Sync,
) {
    let run = |tls| {
        let Some(server) = start(tls) else { return };
        assert!(login(&server, ADMIN_PASSWORD), "TLS {tls}");
        assert!(!login(&server, "wrong"), "TLS {tls}");
        let port = port(&server);
        assert!(listens(port));
        drop(server);
        assert!(!listens(port));
    };
    std::thread::scope(|scope| [true, false].map(|tls| scope.spawn(move || run(tls))).map(|run| run.join().unwrap()));
}

#[test]
fn postgres() {
    let login = |server: &Postgres, password: &str| server.login(ADMIN, password, "postgres");
    twice(|tls| Some(Postgres::start(tls)), Postgres::port, login);
}

#[test]
fn newer_postgres() {
    let login = |server: &Postgres, password: &str| server.login(ADMIN, password, "postgres");
    twice(Postgres::newer, Postgres::port, login);
}

#[test]
fn mariadb() {
    let login = |server: &MariaDb, password: &str| server.login(ADMIN, password, "");
    twice(|tls| Some(MariaDb::start(tls)), MariaDb::port, login);
}

#[test]
fn newer_mariadb() {
    let login = |server: &MariaDb, password: &str| server.login(ADMIN, password, "");
    twice(MariaDb::newer, MariaDb::port, login);
}

#[test]
fn mysql() {
    twice(Mysql::start, |server| server.port(), |server, password| server.login(ADMIN, password, ""));
}

#[test]
fn redis() {
    let login = |server: &Redis, password: &str| server.login(ADMIN, password);
    twice(|tls| Some(Redis::start(tls)), Redis::port, login);
}

#[test]
fn newer_redis() {
    twice(Redis::newer, Redis::port, |server, password| server.login(ADMIN, password));
}

#[test]
fn valkey() {
    twice(Redis::valkey, Redis::port, |server, password| server.login(ADMIN, password));
}

#[test]
fn redis_cluster() {
    let run = || {
        let Some(cluster) = RedisCluster::start() else { return };
        assert!(cluster.nodes.iter().all(|node| node.login(ADMIN, ADMIN_PASSWORD)));
        cluster.nodes[0].commands("ACL SETUSER app on >x\n");
        assert!(cluster.nodes[0].login("app", "x") && !cluster.nodes[1].login("app", "x"), "users are each node's own");
    };
    std::thread::scope(|scope| [(); 2].map(|()| scope.spawn(run)).map(|run| run.join().unwrap()));
}

#[test]
fn pgbouncer_that_asks_the_server_knows_new_passwords() {
    for server in [Some(Postgres::start(false)), Postgres::newer(false)].into_iter().flatten() {
        server.sql("CREATE ROLE app LOGIN PASSWORD 'old'");
        let Some(pooler) = PgBouncer::start(&server, &Users::Query) else { return };
        assert!(pooler.login("app", "old", "postgres"));
        server.sql("ALTER ROLE app PASSWORD 'new'");
        assert!(pooler.login("app", "new", "postgres"));
        assert!(!pooler.login("app", "old", "postgres"));
    }
}

#[test]
fn pgbouncer_with_a_list_knows_those_on_it() {
    let server = Postgres::start(false);
    let start = |password| PgBouncer::start(&server, &Users::List(&[(ADMIN, password)]));
    let (Some(right), Some(wrong)) = (start(ADMIN_PASSWORD), start("other")) else { return };
    assert!(right.login(ADMIN, ADMIN_PASSWORD, "postgres"));
    assert!(!right.login(ADMIN, "other", "postgres"));
    assert!(!wrong.login(ADMIN, "other", "postgres"), "the server knows better");
}

/// Starts a server, and waits to be killed.
#[test]
#[ignore = "the next test runs it"]
fn a_server_for_a_test_that_is_killed() {
    let server = Redis::start(false);
    println!("port {}", server.port());
    std::thread::sleep(Duration::from_mins(1));
}

#[test]
fn a_server_ends_with_the_tests_that_started_it_even_if_they_are_killed() {
    use std::io::{BufRead, BufReader};
    let mut tests = Command::new(std::env::current_exe().unwrap());
    tests.args(["--ignored", "--exact", "--nocapture", "a_server_for_a_test_that_is_killed"]);
    let mut tests = tests.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(tests.stdout.take().unwrap()).lines().map(Result::unwrap);
    let port = lines.into_iter().find_map(|line| line.split_once("port ")?.1.parse().ok()).unwrap();
    assert!(listens(port));
    tests.kill().unwrap();
    tests.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while listens(port) {
        assert!(Instant::now() < deadline, "the server at {port} goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
}
