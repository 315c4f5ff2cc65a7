//! The MySQL target: against a real MariaDB, and MySQL's own ways against a scripted server.
#![cfg(feature = "mysql")]
#![allow(clippy::unwrap_used, reason = "tests")]

mod servers;

use contract::{Connection, Login, LoginCheck, Strategy, Tls};
use rotator::error::Kind;
use rotator::secret::SecretText;
use rotator::target::database::{Change, Database, Driver};
use rotator::target::mysql::Mysql;
use rotator::target::{Credentials, Target, Trust, Values};
use servers::mariadb::MariaDb;
use servers::scripted_mysql::{Answer, ScriptedMysql};
use servers::{ADMIN, ADMIN_PASSWORD, Certificates, HOST, OTHER_HOST};

const OLD: &str = "old-canary-77'\"\\";
const NEW: &str = "new-canary-88'\"\\";

fn driver(tls: Tls, ca: &str) -> Mysql {
    Mysql::new(&Trust::new(tls, |_: &str| Ok(ca.as_bytes().to_vec())).unwrap()).unwrap()
}

fn target(driver: Mysql, strategy: Strategy, admin: Option<SecretText>) -> Database<Mysql> {
    Database::of(driver, "password", &Login { strategy, ..Login::default() }, admin)
}

fn plain(server: &MariaDb, strategy: Strategy, admin: bool) -> Database<Mysql> {
    target(driver(Tls::Off, ""), strategy, admin.then(|| value(server, ADMIN, ADMIN_PASSWORD)))
}

fn value_at(host: &str, port: u16, user: &str, password: &str) -> SecretText {
    let (user, password) = (serde_json::json!(user), serde_json::json!(password));
    format!(r#"{{"engine":"mariadb","host":"{host}","port":{port},"username":{user},"password":{password}}}"#).into()
}

fn value(server: &MariaDb, user: &str, password: &str) -> SecretText {
    value_at(HOST, server.port(), user, password)
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn with_user(server: &MariaDb, user: &str) {
    server.sql(&format!("CREATE USER {}@'%' IDENTIFIED BY {}", literal(user), literal(OLD)));
}

async fn set(target: &Database<Mysql>, current: &SecretText, pending: &SecretText) -> Result<(), Kind> {
    target.set(Values { current, pending, previous: None, is_new: false }, async || Ok(())).await
}

/// The same, where the secret has had a value before.
async fn set_after(
    target: &Database<Mysql>,
    previous: &SecretText,
    current: &SecretText,
    pending: &SecretText,
) -> Result<(), Kind> {
    target.set(Values { current, pending, previous: Some(previous), is_new: false }, async || Ok(())).await
}

async fn test(target: &Database<Mysql>, current: &SecretText, pending: &SecretText) -> Result<(), Kind> {
    target.test(Values { current, pending, previous: None, is_new: false }, async || Ok(())).await
}

/// What the server was asked since it was started, but for what the tests' own clients asked.
fn log(server: &MariaDb) -> String {
    std::fs::read_to_string(server.log()).unwrap()
}

#[tokio::test]
async fn a_user_gets_a_new_password_by_itself_or_by_the_admin_and_the_log_never_has_it() {
    let server = MariaDb::start(false);
    for (user, admin) in [("app", false), ("we'`ird\\", true)] {
        with_user(&server, user);
        let target = plain(&server, Strategy::SingleUser, admin);
        let (current, pending) = (value(&server, user, OLD), value(&server, user, NEW));
        for _ in 0..2 {
            set(&target, &current, &pending).await.unwrap();
            test(&target, &current, &pending).await.unwrap();
        }
        assert!(server.login(user, NEW, "") && !server.login(user, OLD, ""));
    }
    assert!(log(&server).contains("SET PASSWORD FOR CURRENT_USER() = '*"), "the log has every statement");
    assert!(!log(&server).contains("new-canary"));
}

#[tokio::test]
async fn the_admin_changes_every_account_of_the_user() {
    let server = MariaDb::start(false);
    with_user(&server, "app");
    server.sql("CREATE USER app@'10.%' IDENTIFIED BY 'x'; CREATE ROLE app");
    let target = plain(&server, Strategy::SingleUser, true);
    set(&target, &value(&server, "app", OLD), &value(&server, "app", NEW)).await.unwrap();
    let hashes =
        "SELECT COUNT(*), COUNT(DISTINCT authentication_string) FROM mysql.user WHERE User = 'app' AND Host <> ''";
    assert_eq!(server.sql(hashes), "2\t1");
}

#[tokio::test]
async fn the_previous_password_heals_what_has_come_apart() {
    let server = MariaDb::start(false);
    with_user(&server, "app");
    let target = plain(&server, Strategy::SingleUser, false);
    let (current, pending) = (value(&server, "app", "never told"), value(&server, "app", NEW));
    assert_eq!(set(&target, &current, &pending).await, Err(Kind::NoLogin));
    let previous = value(&server, "app", OLD);
    let values = Values { current: &current, pending: &pending, previous: Some(&previous), is_new: false };
    target.set(values, async || Ok(())).await.unwrap();
    assert!(server.login("app", NEW, ""));
}

#[tokio::test]
async fn a_change_that_is_no_longer_due_does_not_happen() {
    let server = MariaDb::start(false);
    with_user(&server, "app");
    let (current, pending) = (value(&server, "app", OLD), value(&server, "app", NEW));
    let values = Values { current: &current, pending: &pending, previous: None, is_new: false };
    let target = plain(&server, Strategy::SingleUser, false);
    assert_eq!(target.set(values, async || Err(Kind::TakenOver)).await, Err(Kind::TakenOver));
    let (current, pending) = (value(&server, "app", OLD), value(&server, "app_clone", NEW));
    let values = Values { current: &current, pending: &pending, previous: None, is_new: false };
    let target = plain(&server, Strategy::AlternatingUsers, true);
    assert_eq!(target.set(values, async || Err(Kind::TakenOver)).await, Err(Kind::TakenOver));
    assert!(server.login("app", OLD, ""));
    assert_eq!(server.sql("SELECT COUNT(*) FROM mysql.user WHERE User = 'app_clone'"), "0");
}

#[tokio::test]
async fn only_one_rotation_of_a_user_is_under_way_at_a_time() {
    let server = MariaDb::start(false);
    with_user(&server, "app");
    let driver = driver(Tls::Off, "");
    let who = credentials(server.port(), "app", OLD);
    let (mut first, mut second) =
        (driver.login(&who).await.unwrap().unwrap(), driver.login(&who).await.unwrap().unwrap());
    let (password, other) = (SecretText::from(NEW.to_owned()), SecretText::from("other".to_owned()));
    let change = Change {
        user: "app",
        password: &password,
        present: None,
        own: true,
        proofs: Vec::new(),
        clone_of: None,
        known: true,
    };
    let is_due = async || {
        let free = server.sql("SELECT IS_FREE_LOCK(CONCAT('rotator-', SHA1('app')))");
        assert_eq!(free, "0", "asked under the lock");
        Err(Kind::TakenOver)
    };
    assert_eq!(driver.set_password(&mut first, &change, is_due).await, Err(Kind::TakenOver));
    // Given back whatever happened, so that the second need not wait for the first one's connection to end.
    let change = Change { password: &other, ..change };
    driver.set_password(&mut second, &change, async || Ok(())).await.unwrap();
    assert!(server.login("app", "other", ""));
}

#[tokio::test]
async fn a_password_that_is_taken_but_not_accepted_is_taken_back() {
    let server = MariaDb::start(false);
    with_user(&server, "app");
    let target = plain(&server, Strategy::SingleUser, true);
    let (current, pending) = (value(&server, "app", OLD), value(&server, "app", NEW));
    set(&target, &current, &pending).await.unwrap();
    server.sql("ALTER USER app@'%' ACCOUNT LOCK");
    let error = test(&target, &current, &pending).await.unwrap_err();
    assert!(matches!(&error, Kind::LockedOut(why) if matches!(**why, Kind::UserBarred(_))), "{error}");
    server.sql("ALTER USER app@'%' ACCOUNT UNLOCK");
    assert!(server.login("app", OLD, ""));
}

#[tokio::test]
async fn an_abandoned_rotation_is_settled_for_what_is_current() {
    let server = MariaDb::start(false);
    with_user(&server, "app");
    let target = plain(&server, Strategy::SingleUser, false);
    let (current, stray) = (value(&server, "app", NEW), value(&server, "app", OLD));
    for _ in 0..2 {
        target.settle(&current, Some(&stray), None, async || Ok(())).await.unwrap();
    }
    assert!(server.login("app", NEW, ""));
    assert_eq!(
        target.settle(&value(&server, "app", "x"), Some(&stray), None, async || Ok(())).await,
        Err(Kind::NoLogin)
    );
}

#[tokio::test]
async fn alternating_users_may_do_the_same_and_keep_doing_so() {
    let server = MariaDb::start(false);
    with_user(&server, "app");
    server.sql(
        "CREATE DATABASE d; CREATE DATABASE `e_x`; CREATE TABLE d.t (a INT, b INT); CREATE ROLE r; CREATE ROLE s;
         CREATE PROCEDURE d.p() SELECT 1; CREATE USER app@'10.%' IDENTIFIED BY 'x'; GRANT r TO app@'%'; GRANT s TO app@'%';
         SET DEFAULT ROLE r FOR app@'%'; GRANT SELECT, INSERT ON d.* TO app@'%' WITH GRANT OPTION;
         GRANT UPDATE (a, b), SELECT (b) ON d.t TO app@'%'; GRANT EXECUTE ON PROCEDURE d.p TO app@'%';
         GRANT ALL ON `e\\_x`.* TO app@'%'; GRANT PROCESS ON *.* TO app@'%';
         ALTER USER app@'%' REQUIRE NONE WITH MAX_QUERIES_PER_HOUR 1000 MAX_USER_CONNECTIONS 9",
    );
    let rights = |user: &str| {
        let shown = ["SHOW GRANTS FOR X@'%'", "SHOW CREATE USER X@'%'", "SHOW GRANTS FOR X@'10.%'"]
            .map(|query| server.sql(&query.replace('X', user)).replace(&format!("`{user}`"), "X"));
        let mut lines: Vec<String> = shown.iter().flat_map(|shown| shown.lines()).map(without_hash).collect();
        lines.sort();
        lines
    };
    let target = plain(&server, Strategy::AlternatingUsers, true);
    let (user, clone) = (value(&server, "app", OLD), value(&server, "app_clone", NEW));
    set(&target, &user, &clone).await.unwrap();
    test(&target, &user, &clone).await.unwrap();
    assert!(server.login("app", OLD, ""), "the current user is not touched");
    assert_eq!(rights("app_clone"), rights("app"));
    assert_eq!(server.sql_as("app_clone", NEW, "d", "SELECT CURRENT_ROLE()").unwrap(), "r");

    // Back to the user, and to the twin again, after the user's rights have changed.
    let again = value(&server, "app", "third");
    set(&target, &clone, &again).await.unwrap();
    test(&target, &clone, &again).await.unwrap();
    assert!(server.login("app_clone", NEW, ""));
    server.sql(
        "REVOKE INSERT, GRANT OPTION ON d.* FROM app@'%'; REVOKE UPDATE (a) ON d.t FROM app@'%';
         REVOKE ALL ON `e\\_x`.* FROM app@'%'; REVOKE s FROM app@'%'; SET DEFAULT ROLE NONE FOR app@'%';
         REVOKE EXECUTE ON PROCEDURE d.p FROM app@'%'; GRANT DELETE ON d.* TO app@'%';
         ALTER USER app@'%' WITH MAX_QUERIES_PER_HOUR 0 MAX_USER_CONNECTIONS 8; GRANT INSERT ON d.t TO app_clone@'10.%'",
    );
    let fourth = value(&server, "app_clone", "fourth");
    set_after(&target, &clone, &again, &fourth).await.unwrap();
    test(&target, &again, &fourth).await.unwrap();
    assert_eq!(rights("app_clone"), rights("app"));

    // A user that may no longer come from a place has no twin that may.
    server.sql("DROP USER app@'10.%'");
    set_after(&target, &fourth, &again, &value(&server, "app_clone", "fifth")).await.unwrap();
    assert_eq!(server.sql("SELECT Host FROM mysql.user WHERE User = 'app_clone'"), "%");
    assert!(!log(&server).contains("canary-88"));
}

#[tokio::test]
async fn a_server_that_judges_passwords_is_given_them_and_its_refusal_is_told_as_such() {
    let server = MariaDb::start(false);
    with_user(&server, "app");
    server.sql("INSTALL SONAME 'simple_password_check'");
    for admin in [false, true] {
        let target = plain(&server, Strategy::SingleUser, admin);
        let (current, good) = (value(&server, "app", OLD), value(&server, "app", "Good-enough-1'"));
        let refused = set(&target, &current, &value(&server, "app", "weak")).await.unwrap_err();
        assert!(refused.is_password_refused(), "{refused}");
        assert!(server.login("app", OLD, ""));
        set(&target, &current, &good).await.unwrap();
        test(&target, &current, &good).await.unwrap();
        server.sql(&format!("SET PASSWORD FOR app@'%' = PASSWORD({})", literal("Old-enough-1")));
        server.sql("SET GLOBAL strict_password_validation = OFF; UNINSTALL SONAME 'simple_password_check'");
        server.sql(&format!("SET PASSWORD FOR app@'%' = PASSWORD({})", literal(OLD)));
        server.sql("SET GLOBAL strict_password_validation = ON; INSTALL SONAME 'simple_password_check'");
    }
    // The admin may keep it out of the log; the user may not.
    assert_eq!(log(&server).matches("Good-enough-1").count(), 1);
    let target = plain(&server, Strategy::AlternatingUsers, true);
    let (user, clone) = (value(&server, "app", OLD), value(&server, "app_clone", "Good-enough-2"));
    let refused = set(&target, &user, &value(&server, "app_clone", "weak")).await.unwrap_err();
    assert!(refused.is_password_refused(), "{refused}");
    set(&target, &user, &clone).await.unwrap();
    test(&target, &user, &clone).await.unwrap();
}

#[tokio::test]
async fn a_read_only_server_is_not_told_the_password_in_plain() {
    let server = MariaDb::start(false);
    with_user(&server, "app");
    server.sql("SET GLOBAL read_only = ON");
    let target = plain(&server, Strategy::SingleUser, false);
    let error = set(&target, &value(&server, "app", OLD), &value(&server, "app", NEW)).await.unwrap_err();
    assert_eq!(error, Kind::TargetUnfit("the server is read-only: a replica?"));
    assert!(!log(&server).contains("new-canary"));
}

#[tokio::test]
async fn a_user_with_another_plugin_keeps_it() {
    let server = MariaDb::start(false);
    server.sql("INSTALL SONAME 'auth_ed25519'; CREATE USER app@'%' IDENTIFIED VIA ed25519 USING PASSWORD('x')");
    for (admin, password) in [(false, "x"), (true, "x")] {
        let target = plain(&server, Strategy::SingleUser, admin);
        let error = set(&target, &value(&server, "app", password), &value(&server, "app", NEW)).await.unwrap_err();
        assert!(error.to_string().contains("plugin"), "{error}");
    }
    let target = plain(&server, Strategy::AlternatingUsers, true);
    let error = set(&target, &value(&server, "app", "x"), &value(&server, "app_clone", NEW)).await.unwrap_err();
    assert!(error.to_string().contains("plugin"), "{error}");
    assert_eq!(server.sql("SELECT plugin FROM mysql.user WHERE User LIKE 'app%'"), "ed25519");
    assert!(server.login("app", "x", ""));
}

#[tokio::test]
async fn what_an_admin_may_not_do_is_named_and_nothing_of_it_is_quoted() {
    let server = MariaDb::start(false);
    with_user(&server, "app");
    server.sql("CREATE USER small@'%' IDENTIFIED BY 'canary'; GRANT SELECT ON mysql.* TO small@'%'");
    let small = || Some(value(&server, "small", "canary"));
    let target = target(driver(Tls::Off, ""), Strategy::SingleUser, small());
    let (current, pending) = (value(&server, "app", OLD), value(&server, "app", NEW));
    let error = set(&target, &current, &pending).await.unwrap_err();
    assert!(matches!(error, Kind::TargetDenied { .. }), "{error}");
    assert!(!error.to_string().contains("canary") && !error.to_string().contains("small"), "{error}");
    let connection =
        Connection { host: HOST.to_owned(), port: Some(server.port()), username: "gone".to_owned(), dbname: None };
    let login = Login { connection: Some(connection), ..Login::default() };
    let target = Database::of(driver(Tls::Off, ""), "password", &login, small());
    let gone = set(&target, &value(&server, "gone", OLD), &value(&server, "gone", NEW)).await;
    assert_eq!(gone, Err(Kind::TargetUnfit("the user does not exist")));
}

async fn asked(target: &Database<Mysql>, value: &SecretText) -> LoginCheck {
    target.check(value).await.unwrap().unwrap().login
}

#[tokio::test]
async fn tls_is_for_the_right_server_or_not_at_all() {
    let server = MariaDb::start(true);
    with_user(&server, "app");
    let current = value(&server, "app", OLD);
    let own = target(driver(Tls::VerifyFull, server.ca_pem()), Strategy::SingleUser, None);
    for (host, said) in
        [(HOST, LoginCheck::Opens), ("localhost", LoginCheck::Opens), (OTHER_HOST, LoginCheck::Unreachable)]
    {
        assert_eq!(asked(&own, &value_at(host, server.port(), "app", OLD)).await, said, "{host}");
    }
    assert_eq!(asked(&own, &value(&server, "app", "x")).await, LoginCheck::Refused);
    set(&own, &current, &value(&server, "app", NEW)).await.unwrap();

    let empty = Trust::new(Tls::VerifyFull, |_: &str| Ok(b"no certificate".to_vec())).unwrap();
    assert!(Mysql::new(&empty).is_err());
    let foreign = target(driver(Tls::VerifyFull, Certificates::new().ca_pem()), Strategy::SingleUser, None);
    let error = set(&foreign, &current, &value(&server, "app", "y")).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    // The server wants TLS.
    let refused = asked(&plain(&server, Strategy::SingleUser, false), &value(&server, "app", NEW)).await;
    assert_eq!(refused, LoginCheck::Refused);
}

#[tokio::test]
async fn a_server_without_tls_is_never_told_a_password_where_tls_is_asked_for() {
    let server = MariaDb::start(false);
    with_user(&server, "app");
    let target = target(driver(Tls::VerifyFull, Certificates::new().ca_pem()), Strategy::SingleUser, None);
    let error = set(&target, &value(&server, "app", OLD), &value(&server, "app", NEW)).await.unwrap_err();
    assert!(error.to_string().contains("does not offer TLS"), "{error}");
    let log = log(&server);
    assert!(!log.lines().any(|line| line.contains("Connect") && line.contains("app@")), "{log}");
}

#[tokio::test]
async fn a_server_that_is_away_or_full_is_not_taken_for_one_that_refuses() {
    let mut server = MariaDb::start(false);
    with_user(&server, "app");
    server.sql("ALTER USER app@'%' WITH MAX_USER_CONNECTIONS 1");
    let (driver, who) = (driver(Tls::Off, ""), credentials(server.port(), "app", OLD));
    let held = driver.login(&who).await.unwrap();
    assert!(held.is_some());
    let error = driver.login(&who).await.map(drop).unwrap_err();
    assert!(matches!(error, Kind::TargetBusy(_)), "{error}");
    drop(held);
    server.stop();
    let error = driver.login(&who).await.map(drop).unwrap_err();
    assert!(matches!(error, Kind::TargetUnreachable(_)), "{error}");
}

/// A line of the server's without what it keeps of a password.
fn without_hash(line: &str) -> String {
    match line.split_once(" IDENTIFIED BY PASSWORD '") {
        Some((before, after)) => before.to_owned() + after.split_once('\'').unwrap().1,
        None => line.to_owned(),
    }
}

fn credentials(port: u16, user: &str, password: &str) -> Credentials {
    Credentials {
        host: HOST.to_owned(),
        port,
        states_port: true,
        user: user.to_owned(),
        password: password.to_owned().into(),
        database: None,
    }
}

/// Changes app's password on a scripted server.
async fn change_on(server: &ScriptedMysql, own: bool) -> Result<(), Kind> {
    let driver = driver(Tls::Off, "");
    let mut session = driver.login(&credentials(server.port(), "app", "x")).await.unwrap().unwrap();
    let (new, old) = (SecretText::from("new".to_owned()), SecretText::from("old".to_owned()));
    let change = Change {
        user: "app",
        password: &new,
        present: Some(&old),
        own,
        proofs: Vec::new(),
        clone_of: None,
        known: true,
    };
    driver.set_password(&mut session, &change, async || Ok(())).await
}

const APP: Answer = Answer::Rows(&[&["%", "caching_sha2_password"], &["10.%", "mysql_native_password"]]);

#[tokio::test]
async fn mysql_keeps_the_present_password_which_is_made_the_primary_one_before() {
    let server = ScriptedMysql::start("8.0.36", |query| query.contains("mysql.user").then_some(APP));
    change_on(&server, true).await.unwrap();
    change_on(&server, false).await.unwrap();
    let expected = [
        "ALTER USER CURRENT_USER() IDENTIFIED BY 'old'",
        "ALTER USER CURRENT_USER() IDENTIFIED BY 'new' RETAIN CURRENT PASSWORD",
        "ALTER USER 'app'@'%' IDENTIFIED BY 'old', 'app'@'10.%' IDENTIFIED BY 'old'",
        "ALTER USER 'app'@'%' IDENTIFIED BY 'new' RETAIN CURRENT PASSWORD, \
         'app'@'10.%' IDENTIFIED BY 'new' RETAIN CURRENT PASSWORD",
    ];
    assert_eq!(server.changes(), expected);
}

#[tokio::test]
async fn mysql_that_may_not_or_can_not_keep_a_password_changes_it_all_the_same() {
    let denied = ScriptedMysql::start("8.4.2", |query| query.contains("RETAIN").then_some(Answer::Refused(1227)));
    change_on(&denied, true).await.unwrap();
    assert_eq!(denied.changes().last().unwrap(), "ALTER USER CURRENT_USER() IDENTIFIED BY 'new'");
    for old in ["5.7.44-log", "8.0.13"] {
        let server = ScriptedMysql::start(old, |_| None);
        change_on(&server, true).await.unwrap();
        assert_eq!(server.changes(), ["ALTER USER CURRENT_USER() IDENTIFIED BY 'new'"]);
    }
    // An admin that may not is no reason to go on without.
    let denied = ScriptedMysql::start("8.0.36", |query| match query {
        query if query.contains("mysql.user") => Some(APP),
        query => query.contains("RETAIN").then_some(Answer::Refused(1227)),
    });
    assert!(matches!(change_on(&denied, false).await, Err(Kind::TargetDenied { .. })));
}

#[tokio::test]
async fn mysql_s_refusal_of_the_new_password_is_told_and_of_the_present_one_is_not() {
    for code in [1819, 3638] {
        let server =
            ScriptedMysql::start("8.0.36", move |query| query.contains("'new'").then_some(Answer::Refused(code)));
        let error = change_on(&server, true).await.unwrap_err();
        assert!(error.is_password_refused() && !error.to_string().contains("canary"), "{error}");
        let server =
            ScriptedMysql::start("8.0.36", move |query| query.contains("'old'").then_some(Answer::Refused(code)));
        change_on(&server, true).await.unwrap();
    }
}

#[tokio::test]
async fn a_lock_that_is_not_had_is_no_change() {
    let server = ScriptedMysql::start("8.0.36", |query| query.contains("GET_LOCK").then_some(Answer::Rows(&[&["0"]])));
    assert!(matches!(change_on(&server, true).await, Err(Kind::TargetBusy(_))));
    assert_eq!(server.changes(), [""; 0]);
}

#[tokio::test]
async fn mysql_s_user_of_another_plugin_is_refused_before_anything_changes() {
    let server = ScriptedMysql::start("8.0.36", |query| {
        query.contains("mysql.user").then_some(Answer::Rows(&[&["%", "AWSAuthenticationPlugin"]]))
    });
    assert!(matches!(change_on(&server, false).await, Err(Kind::TargetUnfit(_))));
    assert_eq!(server.changes(), [""; 0]);
}
