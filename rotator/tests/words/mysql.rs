use rotator::target::Trust;
use rotator::target::answer::Means::{Away, Busy, Connection, Denied, Password, Refused, Setup, User};
use rotator::target::database::Driver as _;
use rotator::target::mysql::{ERRORS, Mysql as Target};

use super::servers::mariadb::MariaDb;
use super::servers::mysql::Mysql;
use super::servers::{ADMIN, ADMIN_PASSWORD, HOST};
use super::{NEW, OLD, Provoked, who};

fn on(server: &str, port: u16) -> Provoked<'_, Target> {
    Provoked { server, driver: Target::new(&Trust::Network).unwrap(), port, database: "", errors: ERRORS }
}

/// What either do.
async fn provoke(name: &str, server: &MariaDb) {
    let on = on(name, server.port());
    for (user, options) in [
        ("app", ""),
        ("tls", "REQUIRE SSL"),
        ("locked", "ACCOUNT LOCK"),
        ("expired", "PASSWORD EXPIRE"),
        ("full", "WITH MAX_USER_CONNECTIONS 1"),
        ("weak", ""),
        ("reader", ""),
    ] {
        server.sql(&format!("CREATE USER {user}@'%' IDENTIFIED BY '{OLD}' {options}"));
    }
    server.sql("GRANT SELECT ON mysql.* TO reader@'%'; CREATE DATABASE own");
    for (user, password) in [("app", "wrong"), ("tls", OLD)] {
        on.login(Refused, "1045", "", user, password).await;
    }
    // MySQL asks for any plugin for a user that it does not have.
    match on.driver.login(&on.who("nobody", OLD)).await {
        Err(kind) if kind.to_string().contains("does not exist") => {}
        answer => on.gave(Refused, "1045", "", answer.map(|session| session.is_some())),
    }
    on.login(User, "1820", "", "expired", OLD).await;
    on.login_to(Setup, "1049", "", &who(HOST, server.port(), ADMIN, ADMIN_PASSWORD, "nowhere")).await;
    on.login_to(Denied, "1044", "", &who(HOST, server.port(), "app", OLD, "own")).await;
    let held = on.session("full", OLD).await;
    on.login(Busy, "1226", "", "full", OLD).await;
    drop(held);
    on.set(Denied, "1142", "", "weak", "app", NEW).await;
}

async fn provoke_mariadb(name: &str, server: &MariaDb) {
    provoke(name, server).await;
    let on = on(name, server.port());
    on.login(User, "4151", "", "locked", OLD).await;
    server.sql("CREATE USER socket@'%' IDENTIFIED VIA unix_socket");
    on.login(User, "1698", "", "socket", OLD).await;
    server.sql(&format!(
        "CREATE USER either@'%' IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('{OLD}')"
    ));
    on.login(Refused, "1045", "", "either", "wrong").await;
    on.set(Setup, "1699", "", "either", "either", NEW).await;
    server.sql(
        "UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '$.plugin', 'nothing') WHERE User = 'weak'; FLUSH PRIVILEGES",
    );
    on.login(Setup, "1524", "", "weak", OLD).await;
    server.sql("SET GLOBAL max_password_errors = 1");
    on.login(Refused, "1045", "", "app", "wrong").await;
    on.login(User, "4150", "", "app", OLD).await;
    server.sql("SET GLOBAL max_password_errors = DEFAULT; FLUSH PRIVILEGES");
    on.set(Denied, "1044", "", "reader", "app", NEW).await;
    server.sql("INSTALL SONAME 'simple_password_check'");
    on.set(Password, "1819", "", ADMIN, "app", "short").await;
    full(&on, server).await;
}

/// Until the server takes no more connections.
async fn full(on: &Provoked<'_, Target>, server: &MariaDb) {
    server.sql("SET GLOBAL max_connections = 10");
    let mut held = Vec::new();
    let answer = loop {
        match on.driver.login(&on.who("reader", OLD)).await {
            Ok(Some(session)) if held.len() < 20 => held.push(session),
            answer => break answer.map(|session| session.is_some()),
        }
    };
    on.gave(Busy, "1040", "", answer);
}

#[tokio::test]
async fn servers_that_take_tls_only() {
    // It does not say so, even to the right password.
    let server = MariaDb::start(true);
    on("MariaDB 10.11, TLS only", server.port()).login(Refused, "1045", "", ADMIN, ADMIN_PASSWORD).await;
    let Some(server) = Mysql::start(true) else { return };
    on("MySQL 9, TLS only", server.port()).login(Connection, "3159", "", ADMIN, ADMIN_PASSWORD).await;
}

#[tokio::test]
async fn mariadb() {
    provoke_mariadb("MariaDB 10.11", &MariaDb::start(false)).await;
}

#[tokio::test]
async fn newer_mariadb() {
    let Some(server) = MariaDb::newer(false) else { return };
    provoke_mariadb("MariaDB 11.8", &server).await;
}

#[tokio::test]
async fn mysql() {
    let Some(server) = Mysql::start(false) else { return };
    let name = "MySQL 9";
    provoke(name, &server).await;
    let on = on(name, server.port());
    on.login(User, "3118", "", "locked", OLD).await;
    on.set(Denied, "1227", "", "reader", "app", NEW).await;
    server.sql(&format!(
        "CREATE USER thrice@'%' IDENTIFIED BY '{OLD}' FAILED_LOGIN_ATTEMPTS 1 PASSWORD_LOCK_TIME 1;
         CREATE USER past@'%' IDENTIFIED BY '{OLD}' PASSWORD HISTORY 3;
         CREATE USER current@'%' IDENTIFIED BY '{OLD}' PASSWORD REQUIRE CURRENT"
    ));
    on.login(User, "3955", "", "thrice", "wrong").await;
    on.login(User, "3955", "", "thrice", OLD).await;
    on.set(Password, "3638", "", ADMIN, "past", OLD).await;
    // Unless the client gives the present password too.
    if let Err(kind) = on.change("current", "current", NEW).await {
        on.gave(Setup, "3892", "", Err(kind));
    }
    server.sql("SET GLOBAL super_read_only = ON");
    on.set(Setup, "1290", "read-only", "app", "app", NEW).await;
    server.sql("SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF; SET GLOBAL offline_mode = ON");
    on.login(Away, "3032", "", "app", OLD).await;
    server.sql(
        "SET GLOBAL offline_mode = OFF; UPDATE mysql.user SET plugin = 'nothing' WHERE User = 'weak'; FLUSH PRIVILEGES",
    );
    on.login(Setup, "1524", "", "weak", OLD).await;
    server.sql("INSTALL COMPONENT 'file://component_validate_password'");
    on.set(Password, "1819", "", ADMIN, "app", "short").await;
    full(&on, &server).await;
}
