//! The PostgreSQL target, against a real server.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, reason = "tests")]

mod servers;

use contract::{AuthMethod, Connection, Login, LoginCheck, Strategy, Tls};
use rotator::error::Kind;
use rotator::secret::SecretText;
use rotator::target::database::Database;
use rotator::target::postgres::Postgres as Driver;
use rotator::target::{Target, Trust, Values};
use servers::postgres::Postgres;
use servers::{ADMIN, ADMIN_PASSWORD, HOST, OTHER_HOST};

const SCRAM: [AuthMethod; 1] = [AuthMethod::ScramSha256];
const OLD: &str = "old-canary-77'\"\\";
const NEW: &str = "new-canary-88'\"\\";

fn target(server: &Postgres, tls: Tls, strategy: Strategy, admin: bool) -> Database<Driver> {
    let ca = |_: &str| Ok(server.ca_pem().as_bytes().to_vec());
    let driver = Driver::new(&Trust::new(tls, ca).unwrap(), &SCRAM).unwrap();
    let admin = admin.then(|| value(server, ADMIN, ADMIN_PASSWORD));
    Database::of(driver, "password", &Login { strategy, ..Login::default() }, admin)
}

/// Bound to the user `app`.
fn bound(server: &Postgres, strategy: Strategy) -> Database<Driver> {
    let connection =
        Connection { host: HOST.to_owned(), port: Some(server.port()), username: "app".to_owned(), dbname: None };
    let login = Login { strategy, connection: Some(connection), ..Login::default() };
    Database::of(
        Driver::new(&Trust::Network, &SCRAM).unwrap(),
        "password",
        &login,
        Some(value(server, ADMIN, ADMIN_PASSWORD)),
    )
}

fn value_at(host: &str, server: &Postgres, user: &str, password: &str) -> SecretText {
    let (host, port) = (serde_json::json!(host), server.port());
    let password = serde_json::json!(password);
    format!(
        r#"{{"engine":"postgres","host":{host},"port":{port},"username":"{user}","password":{password},"dbname":"postgres"}}"#
    )
    .into()
}

fn value(server: &Postgres, user: &str, password: &str) -> SecretText {
    value_at(HOST, server, user, password)
}

/// A user with the old password, and a table that it may read.
fn with_user(server: &Postgres, user: &str) {
    let (user, password) = (user.replace('"', "\"\""), OLD.replace('\'', "''"));
    server.sql(&format!("CREATE ROLE \"{user}\" LOGIN PASSWORD '{password}' CONNECTION LIMIT 7"));
}

async fn set(target: &Database<Driver>, current: &SecretText, pending: &SecretText) -> Result<(), Kind> {
    target.set(Values { current, pending, previous: None, is_new: false }, async || Ok(())).await
}

async fn test(target: &Database<Driver>, current: &SecretText, pending: &SecretText) -> Result<(), Kind> {
    target.test(Values { current, pending, previous: None, is_new: false }, async || Ok(())).await
}

async fn asked(target: &Database<Driver>, value: &SecretText) -> LoginCheck {
    target.check(value).await.unwrap().unwrap().login
}

#[tokio::test]
async fn a_user_gets_a_new_password_by_itself_or_by_the_admin_and_the_log_never_has_it() {
    let server = Postgres::start(false);
    for (user, admin) in [("app", false), ("we\"ird", true)] {
        with_user(&server, user);
        let target = target(&server, Tls::Off, Strategy::SingleUser, admin);
        let user_json = user.replace('"', "\\\"");
        let (current, pending) = (value(&server, &user_json, OLD), value(&server, &user_json, NEW));
        for _ in 0..2 {
            set(&target, &current, &pending).await.unwrap();
            test(&target, &current, &pending).await.unwrap();
        }
        assert!(server.login(user, NEW, "postgres") && !server.login(user, OLD, "postgres"));
    }
    let log = std::fs::read_to_string(server.log()).unwrap();
    assert!(log.contains("ALTER ROLE \"app\" PASSWORD"), "the log has every statement");
    // What the test itself set up is there; what the target did is not.
    assert!(!log.contains("new-canary"), "{log}");
}

#[tokio::test]
async fn the_previous_password_heals_what_has_come_apart() {
    let server = Postgres::start(false);
    with_user(&server, "app");
    let target = target(&server, Tls::Off, Strategy::SingleUser, false);
    let (current, pending) = (value(&server, "app", "never told"), value(&server, "app", NEW));
    let previous = value(&server, "app", OLD);
    let values = Values { current: &current, pending: &pending, previous: Some(&previous), is_new: false };
    assert_eq!(set(&target, &current, &pending).await, Err(Kind::NoLogin));
    target.set(values, async || Ok(())).await.unwrap();
    assert!(server.login("app", NEW, "postgres"));
}

#[tokio::test]
async fn a_change_that_is_no_longer_due_does_not_happen() {
    let server = Postgres::start(false);
    with_user(&server, "app");
    let target = target(&server, Tls::Off, Strategy::SingleUser, false);
    let (current, pending) = (value(&server, "app", OLD), value(&server, "app", NEW));
    let values = Values { current: &current, pending: &pending, previous: None, is_new: false };
    let error = target.set(values, async || Err(Kind::TakenOver)).await.unwrap_err();
    assert_eq!(error, Kind::TakenOver);
    assert!(server.login("app", OLD, "postgres"));
}

#[tokio::test]
async fn a_password_that_is_taken_but_not_accepted_is_taken_back() {
    let server = Postgres::start(false);
    with_user(&server, "app");
    let target = target(&server, Tls::Off, Strategy::SingleUser, true);
    let (current, pending) = (value(&server, "app", OLD), value(&server, "app", NEW));
    set(&target, &current, &pending).await.unwrap();
    server.sql("ALTER ROLE app NOLOGIN");
    let error = test(&target, &current, &pending).await.unwrap_err();
    assert!(matches!(&error, Kind::LockedOut(why) if matches!(**why, Kind::UserBarred(_))), "{error}");
    server.sql("ALTER ROLE app LOGIN");
    assert!(server.login("app", OLD, "postgres"));
}

#[tokio::test]
async fn an_abandoned_rotation_is_settled_for_what_is_current() {
    let server = Postgres::start(false);
    with_user(&server, "app");
    let target = target(&server, Tls::Off, Strategy::SingleUser, false);
    let (current, stray) = (value(&server, "app", NEW), value(&server, "app", OLD));
    target.settle(&current, Some(&stray), None, async || Ok(())).await.unwrap();
    assert!(server.login("app", NEW, "postgres"));
    target.settle(&current, Some(&stray), None, async || Ok(())).await.unwrap();
    let other = value(&server, "app", "x");
    assert_eq!(target.settle(&other, Some(&stray), None, async || Ok(())).await, Err(Kind::NoLogin));
}

#[tokio::test]
async fn alternating_users_see_own_and_make_the_same_things() {
    let server = Postgres::start(false);
    with_user(&server, "app");
    server.sql(
        "CREATE SCHEMA own AUTHORIZATION app; CREATE TABLE told (n int); GRANT SELECT ON told TO app;
         ALTER ROLE app SET search_path = own, \"$user\", public; ALTER ROLE app SET work_mem = '9MB';
         ALTER ROLE app IN DATABASE postgres SET statement_timeout = '77s'",
    );
    let target = target(&server, Tls::Off, Strategy::AlternatingUsers, true);
    let (user, clone) = (value(&server, "app", OLD), value(&server, "app_clone", NEW));
    assert_eq!(target.next_user(&user).unwrap(), Some(("username", "app_clone".to_owned())));
    assert_eq!(target.next_user(&clone).unwrap(), Some(("username", "app".to_owned())));

    set(&target, &user, &clone).await.unwrap();
    test(&target, &user, &clone).await.unwrap();
    assert!(server.login("app", OLD, "postgres"), "the current user is not touched");
    let ask = |sql: &str| server.sql_as("app_clone", NEW, "postgres", sql).unwrap();
    assert_eq!(ask("SELECT current_user, session_user"), "app|app_clone");
    assert_eq!(ask("SELECT count(*) FROM told; CREATE TABLE made (n int)"), "0");
    assert_eq!(ask("SHOW search_path; SHOW work_mem; SHOW statement_timeout"), "own, \"$user\", public\n9MB\n77s");
    assert_eq!(server.sql("SELECT tableowner FROM pg_tables WHERE tablename = 'made'"), "app");
    assert_eq!(server.sql("SELECT rolconnlimit FROM pg_roles WHERE rolname = 'app_clone'"), "7");

    // Back to the user, then to the clone again: what the user gained or lost meanwhile is the clone's.
    let (again, third) = (value(&server, "app", NEW), value(&server, "app_clone", OLD));
    set(&target, &clone, &again).await.unwrap();
    test(&target, &clone, &again).await.unwrap();
    server.sql("CREATE TABLE later (n int); GRANT SELECT ON later TO app; REVOKE SELECT ON told FROM app; ALTER ROLE app RESET work_mem");
    set(&target, &again, &third).await.unwrap();
    let ask = |sql: &str| server.sql_as("app_clone", OLD, "postgres", sql);
    assert_eq!(ask("SELECT count(*) FROM later").unwrap(), "0");
    assert!(ask("SELECT count(*) FROM told").unwrap_err().contains("permission denied"));
    assert_eq!(ask("SHOW work_mem").unwrap(), "4MB");
    assert!(!std::fs::read_to_string(server.log()).unwrap().contains("new-canary"));
}

#[tokio::test]
async fn another_user_or_server_than_the_current_one_is_refused() {
    let server = Postgres::start(false);
    with_user(&server, "app");
    let current = value(&server, "app", OLD);
    let single = target(&server, Tls::Off, Strategy::SingleUser, false);
    let twins = target(&server, Tls::Off, Strategy::AlternatingUsers, true);
    for (target, pending) in [
        (&single, value(&server, "other", NEW)),
        (&single, value_at(OTHER_HOST, &server, "app", NEW)),
        (&twins, value(&server, "app", NEW)),
        (&twins, value(&server, "other_clone", NEW)),
    ] {
        assert_eq!(set(target, &current, &pending).await, Err(Kind::OtherPlace));
    }
    let no_admin = target(&server, Tls::Off, Strategy::AlternatingUsers, false);
    let error = set(&no_admin, &current, &value(&server, "app_clone", NEW)).await.unwrap_err();
    assert!(matches!(error, Kind::TargetUnfit(_)), "{error}");
}

#[tokio::test]
async fn the_admin_acts_for_no_user_that_somebody_wrote_into_the_secret() {
    let server = Postgres::start(false);
    for user in ["app", "victim"] {
        with_user(&server, user);
    }
    // Who may write the secret but does not know the victim's password.
    for strategy in [Strategy::SingleUser, Strategy::AlternatingUsers] {
        let pending = if strategy == Strategy::SingleUser { "victim" } else { "victim_clone" };
        let (current, pending) = (value(&server, "victim", "a guess"), value(&server, pending, NEW));
        let error = set(&target(&server, Tls::Off, strategy, true), &current, &pending).await;
        assert_eq!(error, Err(Kind::NoLogin));
        let bound = bound(&server, strategy);
        assert_eq!(set(&bound, &current, &pending).await, Err(Kind::OtherServer("username")));
        let values = Values { current: &current, pending: &pending, previous: Some(&current), is_new: true };
        assert_eq!(bound.set(values, async || Ok(())).await, Err(Kind::OtherServer("username")));
        assert_ne!(bound.settle(&current, Some(&pending), None, async || Ok(())).await, Ok(()));
    }
    assert!(server.login("victim", OLD, "postgres"));
    assert_eq!(server.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'victim_clone'"), "0");
    // For its own user it acts even where no value opens the server: a first password.
    let bound = bound(&server, Strategy::SingleUser);
    set(&bound, &value(&server, "app", "never told"), &value(&server, "app", NEW)).await.unwrap();
    assert!(server.login("app", NEW, "postgres"));
}

#[tokio::test]
async fn what_the_admin_may_not_do_is_told_by_its_name() {
    let server = Postgres::start(false);
    with_user(&server, "app");
    server.sql("CREATE ROLE weak LOGIN PASSWORD 'weak'");
    let by = |password| {
        let driver = Driver::new(&Trust::Network, &SCRAM).unwrap();
        Database::of(driver, "password", &Login::default(), Some(value(&server, "weak", password)))
    };
    let target = by("weak");
    let (current, pending) = (value(&server, "app", OLD), value(&server, "app", NEW));
    let error = set(&target, &current, &pending).await.unwrap_err();
    assert_eq!(error.to_string(), "the target refused ALTER ROLE: a right is missing (error 42501)");
    assert_eq!(set(&by("wrong"), &current, &pending).await, Err(Kind::AdminRefused));
}

#[tokio::test]
async fn tls_is_verified_in_full_and_never_given_up() {
    let (server, other, plain) = (Postgres::start(true), Postgres::start(true), Postgres::start(false));
    for server in [&server, &plain] {
        with_user(server, "app");
    }
    let trusted = target(&server, Tls::VerifyFull, Strategy::SingleUser, false);
    for host in [HOST, "localhost"] {
        assert_eq!(asked(&trusted, &value_at(host, &server, "app", OLD)).await, LoginCheck::Opens, "{host}");
    }
    let (current, pending) = (value(&server, "app", OLD), value(&server, "app", NEW));
    set(&trusted, &current, &pending).await.unwrap();
    test(&trusted, &current, &pending).await.unwrap();

    let words = async |target: &Database<Driver>, current: &SecretText, pending: &SecretText| {
        set(target, current, pending).await.unwrap_err().to_string()
    };
    let other_authority = target(&other, Tls::VerifyFull, Strategy::SingleUser, false);
    assert!(words(&other_authority, &pending, &current).await.contains("does not lead to a root"));
    let other_name = [NEW, OLD].map(|password| value_at(OTHER_HOST, &server, "app", password));
    assert!(words(&trusted, &other_name[0], &other_name[1]).await.contains("is not for the name"));
    let without = [OLD, NEW].map(|password| value(&plain, "app", password));
    assert!(words(&trusted, &without[0], &without[1]).await.contains("does not offer TLS"));
    assert!(plain.login("app", OLD, "postgres"));
    assert!(
        !std::fs::read_to_string(plain.log())
            .unwrap()
            .contains("connection authorized: user=app application_name=rotator")
    );
}

#[tokio::test]
async fn a_server_that_is_down_is_no_wrong_password() {
    let mut server = Postgres::start(false);
    with_user(&server, "app");
    let target = target(&server, Tls::Off, Strategy::SingleUser, false);
    server.stop();
    assert_eq!(asked(&target, &value(&server, "app", OLD)).await, LoginCheck::Unreachable);
    server.start_again();
    assert_eq!(asked(&target, &value(&server, "app", OLD)).await, LoginCheck::Opens);
    assert_eq!(asked(&target, &value(&server, "app", "wrong")).await, LoginCheck::Refused);
}
