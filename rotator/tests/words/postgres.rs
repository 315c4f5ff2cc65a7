use std::time::{Duration, Instant};

use contract::AuthMethod;
use rotator::error::Kind;
use rotator::target::Trust;
use rotator::target::answer::Means::{Busy, Connection, Denied, Password, Refused, Setup, User};
use rotator::target::database::{Change, Driver};
use rotator::target::postgres::{ERRORS, Postgres as Target};

use super::servers::pgbouncer::{PgBouncer, Users};
use super::servers::postgres::Postgres;
use super::servers::{ADMIN, ADMIN_PASSWORD, HOST};
use super::{NEW, OLD, Provoked, who};

/// Users of whom each has something wrong.
fn prepare(server: &Postgres) {
    let users = [
        ("app", "LOGIN"),
        ("past", "LOGIN VALID UNTIL '2001-01-01'"),
        ("nologin", "NOLOGIN"),
        ("full", "LOGIN CONNECTION LIMIT 0"),
        ("barred", "LOGIN"),
        ("tlsonly", "LOGIN"),
        ("weak", "LOGIN CREATEROLE"),
        ("waiting", "LOGIN"),
        ("checked", "LOGIN"),
    ];
    for (user, options) in users {
        server.sql(&format!("CREATE ROLE {user} PASSWORD '{OLD}' {options}"));
    }
    server.sql("CREATE ROLE empty LOGIN");
    server.sql("CREATE DATABASE closed; REVOKE CONNECT ON DATABASE closed FROM public");
    server.sql("CREATE DATABASE shut; ALTER DATABASE shut ALLOW_CONNECTIONS false");
    server.sql("ALTER ROLE weak NOCREATEROLE");
    server.sql("ALTER ROLE waiting SET lock_timeout = '100ms'");
    server.sql("ALTER ROLE checked SET session_preload_libraries = passwordcheck");
    let file = server.sql("SHOW hba_file");
    let rules = "host all barred all reject\nhostssl all tlsonly all scram-sha-256\n\
                 host all admin,app,past,nologin,full,weak,waiting,checked,empty,nobody,pooler all scram-sha-256\n";
    let loaded = server.sql("SELECT pg_conf_load_time()");
    std::fs::write(file, rules).unwrap();
    server.sql("SELECT pg_reload_conf()");
    let start = Instant::now();
    while server.sql("SELECT pg_conf_load_time()") == loaded {
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}

fn target() -> Target {
    Target::new(&Trust::Network, &[AuthMethod::ScramSha256]).unwrap()
}

async fn provoke(name: &str, server: &Postgres) {
    prepare(server);
    let on = Provoked { server: name, driver: target(), port: server.port(), database: "postgres", errors: ERRORS };
    for (user, password) in [("app", "wrong"), ("nobody", OLD), ("empty", OLD), ("past", OLD)] {
        on.login(Refused, "28P01", "", user, password).await;
    }
    on.login(Connection, "28000", "ClientAuthentication", "barred", OLD).await;
    on.login(Connection, "28000", "ClientAuthentication", "tlsonly", OLD).await;
    on.login(User, "28000", "InitializeSessionUserId", "nologin", OLD).await;
    on.login(Busy, "53300", "", "full", OLD).await;
    let to = |database| who(HOST, server.port(), "app", OLD, database);
    on.login_to(Setup, "3D000", "", &to("nowhere")).await;
    on.login_to(Denied, "42501", "CheckMyDatabase", &to("closed")).await;
    on.login_to(Setup, "55000", "CheckMyDatabase", &to("shut")).await;

    on.set(Denied, "42501", "", "weak", "app", NEW).await;
    on.set(Setup, "42704", "", ADMIN, "nobody", NEW).await;
    on.set(Password, "22023", "ALTER ROLE", "checked", "checked", "checked").await;

    // While another one has the lock of the same user.
    let mut session = on.session(ADMIN, ADMIN_PASSWORD).await;
    let new = NEW.to_owned().into();
    let change = Change {
        user: "waiting",
        password: &new,
        present: None,
        own: false,
        proofs: Vec::new(),
        clone_of: None,
        known: true,
    };
    let meanwhile = async || {
        on.set(Busy, "55P03", "", "waiting", "waiting", NEW).await;
        Err(Kind::TakenOver)
    };
    assert_eq!(on.driver.set_password(&mut session, &change, meanwhile).await, Err(Kind::TakenOver));
}

#[tokio::test]
async fn postgres() {
    provoke("PostgreSQL 15", &Postgres::start(false)).await;
}

#[tokio::test]
async fn newer_postgres() {
    let Some(server) = Postgres::newer(false) else { return };
    provoke("PostgreSQL 18", &server).await;
}

#[tokio::test]
async fn a_replica() {
    let mut server = Postgres::start(false);
    let data = server.sql("SHOW data_directory");
    server.stop();
    std::fs::write(format!("{data}/standby.signal"), "").unwrap();
    server.start_again();
    let on = Provoked {
        server: "PostgreSQL 15, a replica",
        driver: target(),
        port: server.port(),
        database: "postgres",
        errors: ERRORS,
    };
    on.set(Setup, "0A000", "call_bool_check_hook", ADMIN, ADMIN, NEW).await;
}

#[tokio::test]
async fn a_pooler_speaks_for_the_server_in_its_own_words() {
    let server = Postgres::start(false);
    prepare(&server);
    let Some(asks) = PgBouncer::start(&server, &Users::Query) else { return };
    let on = Provoked {
        server: "PgBouncer, auth_query",
        driver: target(),
        port: asks.port(),
        database: "postgres",
        errors: ERRORS,
    };
    on.login(Refused, "08P01", "SASL authentication failed", "app", "wrong").await;
    on.login(Refused, "08P01", "no such user", "nobody", OLD).await;
    on.login_to(Setup, "3D000", "", &who(HOST, asks.port(), "app", OLD, "nowhere")).await;
    on.login(Connection, "28000", "pg_hba.conf", "barred", OLD).await;
    on.login(Busy, "53300", "", "full", OLD).await;
    drop(asks);

    let listed = [("app", OLD), ("past", OLD), ("weak", "another")];
    let Some(lists) = PgBouncer::start(&server, &Users::List(&listed)) else { return };
    let on = Provoked {
        server: "PgBouncer, list",
        driver: target(),
        port: lists.port(),
        database: "postgres",
        errors: ERRORS,
    };
    on.login(Refused, "08P01", "SASL authentication failed", "app", "wrong").await;
    on.login(Refused, "08P01", "SASL authentication failed", "nobody", OLD).await;
    // The list has another password than the server.
    on.login(Refused, "28P01", "", "weak", "another").await;
}
