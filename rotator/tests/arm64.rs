//! The function for arm64: all that is asked of this machine's own, and a rotation of each target over TLS. Where the
//! machine has another processor, that one is emulated.
#![cfg(all(feature = "postgres", feature = "mysql", feature = "redis"))]
#![allow(clippy::unwrap_used, reason = "tests")]

mod lambda;
mod model;
#[path = "binary/protocol.rs"]
mod protocol;
mod servers;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use contract::{CA_FILE, Connection, Login, Strategy, Target};
use lambda::{ARN, Aws, Function, Lambda, Setting, no_fault};
use model::{CANARY, State};
use rotator::store::CURRENT;
use serde_json::{Value, json};
use servers::mariadb::MariaDb;
use servers::mysql::Mysql;
use servers::postgres::Postgres;
use servers::redis::Redis;
use servers::{ADMIN, ADMIN_PASSWORD, HOST};

/// The one that ships. `None` where it or the emulator is missing, which is reported loudly, and is a failure in CI.
fn function() -> Option<Function> {
    let folder = |variable, usual: &str| {
        let usual = || concat!(env!("CARGO_MANIFEST_DIR"), "/../target/").to_owned() + usual;
        PathBuf::from(std::env::var_os(variable).unwrap_or_else(|| usual().into()))
    };
    let function = folder("ROTATOR_DIR", "lambda").join("arm64/bootstrap");
    let emulator = folder("ARM64_EMULATOR", "servers/arm64");
    let qemu = emulator.join("usr/bin/qemu-aarch64");
    let mut command = Vec::new();
    if cfg!(not(target_arch = "aarch64")) {
        command.extend([qemu.clone().into(), "-L".into(), emulator.into()]);
    }
    let missing = [(function.clone(), "make rotator"), (qemu, "tools/setup emulator")];
    let needed = if command.is_empty() { &missing[..1] } else { &missing[..] };
    command.push(function.into());
    let Some((file, help)) = needed.iter().find(|(file, _)| !file.exists()) else { return Some(Function { command }) };
    assert!(std::env::var_os("CI").is_none(), "{} is missing: run {help}", file.display());
    eprintln!("!!! NOT TESTED: the function for arm64; {} is missing: run {help}", file.display());
    None
}

protocol::tests!(function);

const USER: &str = "app";
const FIRST: &str = "first-canary";
const ADMIN_SECRET: &str = "Admin";

/// Rotates once over TLS, through the admin; returns the new user and its password.
fn rotate(target: fn(Login) -> Target, strategy: Strategy, port: u16, ca: &str, database: &str) -> Option<[String; 2]> {
    let function = function()?;
    let package = tempfile::tempdir().unwrap();
    std::fs::write(package.path().join(CA_FILE), ca).unwrap();
    let mut state = State::default();
    let value = json!({"host": HOST, "port": port, "username": USER, "password": FIRST, "dbname": database});
    state.put("base", &value.to_string(), &[CURRENT]).unwrap();
    let mut aws = Aws::of(state, no_fault(), no_fault());
    let admin = json!({"username": ADMIN, "password": ADMIN_PASSWORD});
    aws.others.push((ADMIN_SECRET.to_owned(), admin.to_string()));
    let aws = Arc::new(aws);
    let (host, username, dbname) = (HOST.to_owned(), USER.to_owned(), Some(database.to_owned()));
    let target = target(Login {
        strategy,
        admin_secret: Some(ADMIN_SECRET.to_owned()),
        connection: Some(Connection { host, port: Some(port), username, dbname }),
        ..Login::default()
    });
    let environment = vec![("LAMBDA_TASK_ROOT".to_owned(), package.path().display().to_string())];
    let lambda = Lambda::start(&aws, &Setting { function, target, environment, ..Setting::default() }, drop);
    let answer = lambda.invoke(json!({"action": "rotate", "secretArn": ARN}), Duration::from_mins(1)).unwrap();
    let output = lambda.end();
    assert_eq!(answer["outcome"], "rotated", "{answer}, {output}");
    let state = aws.state.lock().unwrap();
    assert_eq!(state.leftovers(), Vec::<&String>::new());
    let current: Value = serde_json::from_str(&state.values[state.holder(CURRENT).unwrap()]).unwrap();
    let field = |name: &str| current[name].as_str().unwrap().to_owned();
    let new = [field("username"), field("password")];
    for value in [FIRST, ADMIN_PASSWORD, CANARY, &new[1]] {
        assert!(!output.contains(value), "{output}");
    }
    Some(new)
}

#[test]
fn it_rotates_a_user_of_postgres() {
    let server = Postgres::start(true);
    server.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{FIRST}'"));
    let new = rotate(Target::Postgres, Strategy::AlternatingUsers, server.port(), server.ca_pem(), "postgres");
    let Some([user, password]) = new else { return };
    assert_eq!(user, "app_clone");
    assert!(server.login(&user, &password, "postgres") && server.login(USER, FIRST, "postgres"));
    assert!(!server.login(&user, FIRST, "postgres"));
}

/// The same for MariaDB and MySQL.
fn rotate_by_mysql(server: &MariaDb) {
    server.sql(&format!(
        "CREATE DATABASE shop; CREATE USER {USER}@'%' IDENTIFIED BY '{FIRST}'; GRANT SELECT ON shop.* TO {USER}@'%'"
    ));
    let new = rotate(Target::Mysql, Strategy::AlternatingUsers, server.port(), server.ca_pem(), "shop");
    let Some([user, password]) = new else { return };
    assert_eq!(user, "app_clone");
    assert!(server.login(&user, &password, "shop") && server.login(USER, FIRST, "shop"));
    assert!(!server.login(&user, FIRST, "shop"));
}

#[test]
fn it_rotates_a_user_of_mariadb() {
    rotate_by_mysql(&MariaDb::start(true));
}

#[test]
fn it_rotates_a_user_of_mysql() {
    if let Some(server) = Mysql::start(true) {
        rotate_by_mysql(&server);
    }
}

#[test]
fn it_rotates_a_user_of_redis() {
    let server = Redis::start(true);
    server.commands(&format!("ACL SETUSER {USER} on >{FIRST} ~app:* +@read +@write\nACL SAVE\n"));
    let new = rotate(Target::Redis, Strategy::SingleUser, server.port(), server.ca_pem(), "0");
    let Some([user, password]) = new else { return };
    assert_eq!(user, USER);
    assert!(server.login(USER, &password) && server.login(USER, FIRST) && !server.login(USER, "another"));
}
