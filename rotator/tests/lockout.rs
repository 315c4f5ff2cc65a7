//! What ended in a lock-out, or at night in an error, on the servers that people run: each is refused before anything
//! changes, or heals by itself.
#![cfg(all(feature = "postgres", feature = "mysql", feature = "redis"))]
#![allow(clippy::unwrap_used, reason = "tests")]

mod servers;

use contract::{Connection, Login, Strategy, Target as Opens, Tls};
use rotator::error::{Class, Kind, Step};
use rotator::secret::SecretText;
use rotator::target::{AnyTarget, Target, Values};
use serde_json::json;
use servers::mariadb::MariaDb;
use servers::mysql::Mysql;
use servers::pgbouncer::{PgBouncer, Users};
use servers::postgres::Postgres;
use servers::redis::{Redis, RedisCluster};
use servers::{ADMIN, ADMIN_PASSWORD, HOST};

const OLD: &str = "the-old-one";
const NEW: &str = "The-new-one-88";

/// One way by which a user is rotated at a port.
struct Way {
    port: u16,
    engine: fn(Login) -> Opens,
    strategy: Strategy,
    admin: bool,
    ca: Option<String>,
}

impl Way {
    fn own(engine: fn(Login) -> Opens, port: u16) -> Self {
        Self { port, engine, strategy: Strategy::SingleUser, admin: false, ca: None }
    }

    fn by_admin(engine: fn(Login) -> Opens, port: u16) -> Self {
        Self { admin: true, ..Self::own(engine, port) }
    }

    fn value(&self, user: &str, password: &str) -> SecretText {
        json!({"host": HOST, "port": self.port, "username": user, "password": password}).to_string().into()
    }

    fn target(&self, user: &str) -> AnyTarget {
        let connection =
            Connection { host: HOST.to_owned(), port: Some(self.port), username: user.to_owned(), dbname: None };
        let tls = if self.ca.is_some() { Tls::VerifyFull } else { Tls::Off };
        let login = Login { strategy: self.strategy, connection: Some(connection), tls, ..Login::default() };
        let admin = self.admin.then(|| self.value(ADMIN, ADMIN_PASSWORD));
        let file = |_: &str| Ok(self.ca.clone().unwrap_or_default().into_bytes());
        AnyTarget::new(&(self.engine)(login), Some("password"), admin, file, None)
            .map_err(|kind| kind.to_string())
            .unwrap()
    }

    /// *set* and *test*.
    async fn rotate(&self, user: &str, old: &str, new: &str) -> Result<(), Kind> {
        let (target, current, pending) = (self.target(user), self.value(user, old), self.value(user, new));
        let values = Values { current: &current, pending: &pending, previous: None, is_new: true };
        target.set(values, async || Ok(())).await?;
        target.test(values, async || Ok(())).await
    }

    /// What the self-check says of a rotation.
    async fn preflight(&self, user: &str, old: &str, new: &str) -> Result<(), Kind> {
        let (target, current, pending) = (self.target(user), self.value(user, old), self.value(user, new));
        target.preflight(Values { current: &current, pending: &pending, previous: None, is_new: true }).await
    }

    /// Refused by the self-check and by the rotation alike, of that class and with that word.
    async fn is_refused(&self, user: &str, old: &str, new: &str, class: Class, word: &str) {
        for refused in [self.preflight(user, old, new).await, self.rotate(user, old, new).await] {
            let refused = refused.unwrap_err().at(Step::Set);
            assert!(refused.class() == class && refused.to_string().contains(word), "{user}: {refused}");
        }
    }
}

/// The servers of MySQL's kind, each with its version's name.
fn of_mysql() -> Vec<(&'static str, MariaDb)> {
    let newer = MariaDb::newer(false).map(|server| ("MariaDB 11.8", server));
    [Some(("MariaDB 10.11", MariaDb::start(false))), newer].into_iter().flatten().collect()
}

#[tokio::test]
async fn mariadb_s_user_of_two_plugins_is_refused_and_keeps_its_password() {
    for (name, server) in of_mysql() {
        let hash = server.sql(&format!("SELECT PASSWORD('{OLD}')"));
        server.sql(&format!(
            "CREATE USER app@'%' IDENTIFIED VIA unix_socket OR mysql_native_password USING '{}'",
            hash.trim()
        ));
        for way in [Way::own(Opens::Mysql, server.port()), Way::by_admin(Opens::Mysql, server.port())] {
            way.is_refused("app", OLD, NEW, Class::Config, "more than one plugin").await;
            assert!(server.login("app", OLD, "") && !server.login("app", NEW, ""), "{name}");
        }
    }
}

#[tokio::test]
async fn mysql_takes_passwords_as_long_as_client_and_server_can() {
    let Some(plain) = Mysql::start(false) else { return };
    plain.sql(&format!("CREATE USER app@'%' IDENTIFIED BY '{OLD}'"));
    let way = Way::own(Opens::Mysql, plain.port());
    for length in [214, 256, 257, 1024] {
        way.is_refused("app", OLD, &"x".repeat(length), Class::Policy, "bytes at most").await;
        assert!(plain.login("app", OLD, ""), "{length}");
    }
    way.rotate("app", OLD, &"y".repeat(213)).await.unwrap();
    assert!(plain.login("app", &"y".repeat(213), ""));

    let Some(server) = Mysql::start(true) else { return };
    server.sql(&format!("CREATE USER app@'%' IDENTIFIED BY '{OLD}'"));
    let way = Way { ca: Some(server.ca_pem().to_owned()), ..Way::own(Opens::Mysql, server.port()) };
    way.is_refused("app", OLD, &"x".repeat(257), Class::Policy, "bytes at most").await;
    way.rotate("app", OLD, &"x".repeat(256)).await.unwrap();
    assert!(server.login("app", &"x".repeat(256), ""));
}

#[tokio::test]
async fn mysql_s_user_that_must_state_its_password_rotates() {
    let Some(server) = Mysql::start(false) else { return };
    let way = Way::own(Opens::Mysql, server.port());
    for (user, grant) in [("plain", false), ("keeps", true)] {
        server
            .sql(&format!("CREATE USER {user}@'%' IDENTIFIED BY '{OLD}' PASSWORD REQUIRE CURRENT PASSWORD HISTORY 5"));
        if grant {
            server.sql(&format!("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO {user}@'%'"));
        }
        way.preflight(user, OLD, NEW).await.unwrap();
        way.rotate(user, OLD, NEW).await.unwrap();
        way.rotate(user, NEW, "The-newer-one-99").await.unwrap();
        assert!(server.login(user, "The-newer-one-99", ""), "{user}");
        assert_eq!(server.login(user, NEW, ""), grant, "{user}: the old one goes on working where it may");
        assert!(!server.login(user, OLD, ""), "{user}");
        // By the history it is refused, and what there is stays.
        let refused = way.rotate(user, "The-newer-one-99", OLD).await.unwrap_err();
        assert!(refused.is_password_refused(), "{user}: {refused}");
        assert!(server.login(user, "The-newer-one-99", ""), "{user}");
    }
}

#[tokio::test]
async fn a_user_that_few_failed_logins_lock_is_refused_and_not_locked() {
    let Some(server) = Mysql::start(false) else { return };
    for (attempts, is_refused) in [(1, true), (2, true), (3, false)] {
        let user = format!("app{attempts}");
        server.sql(&format!(
            "CREATE USER {user}@'%' IDENTIFIED BY '{OLD}' FAILED_LOGIN_ATTEMPTS {attempts} PASSWORD_LOCK_TIME UNBOUNDED"
        ));
        for way in [Way::own(Opens::Mysql, server.port()), Way::by_admin(Opens::Mysql, server.port())] {
            if is_refused {
                way.is_refused(&user, OLD, NEW, Class::Config, "at least 3").await;
            } else {
                way.rotate(&user, OLD, NEW).await.unwrap();
                way.rotate(&user, NEW, OLD).await.unwrap();
            }
            assert!(server.login(&user, OLD, ""), "{attempts}");
        }
    }
}

#[tokio::test]
async fn mysql_s_locked_or_expired_user_and_read_only_server_are_refused() {
    let Some(server) = Mysql::start(false) else { return };
    let all = of_mysql();
    for (user, option) in [("locked", "ACCOUNT LOCK"), ("expired", "PASSWORD EXPIRE"), ("app", "")] {
        let create = format!("CREATE USER {user}@'%' IDENTIFIED BY '{OLD}' {option}");
        server.sql(&create);
        for (_, server) in &all {
            server.sql(&create);
        }
    }
    let all = all.iter().map(|(name, server)| (*name, server)).chain([("MySQL 9", &*server)]);
    for (name, server) in all {
        let (own, admin) = (Way::own(Opens::Mysql, server.port()), Way::by_admin(Opens::Mysql, server.port()));
        admin.is_refused("locked", OLD, NEW, Class::Config, "locked").await;
        own.is_refused("locked", OLD, NEW, Class::Credential, "locked").await;
        let expired = own.preflight("expired", OLD, NEW).await.unwrap_err();
        assert!(expired.to_string().contains("expired"), "{name}: {expired}");
        admin.rotate("expired", OLD, NEW).await.unwrap();
        assert!(server.login("expired", NEW, ""), "{name}: an admin ends the expiry");
        admin.is_refused("gone", OLD, NEW, Class::Config, "does not exist").await;
        server.sql("SET GLOBAL read_only = 1");
        for way in [&own, &admin] {
            way.is_refused("app", OLD, NEW, Class::Config, "read-only").await;
        }
        server.sql("SET GLOBAL read_only = 0");
        own.rotate("app", OLD, NEW).await.unwrap();
    }
}

#[tokio::test]
async fn user_names_are_as_long_as_each_server_takes_them() {
    for (name, server) in of_mysql() {
        let user = "u".repeat(80);
        server.sql(&format!("CREATE USER {user}@'%' IDENTIFIED BY '{OLD}'"));
        Way::own(Opens::Mysql, server.port()).rotate(&user, OLD, NEW).await.unwrap();
        assert!(server.login(&user, NEW, ""), "{name}");
    }
    let Some(server) = Mysql::start(false) else { return };
    let user = "u".repeat(32);
    server.sql(&format!("CREATE USER {user}@'%' IDENTIFIED BY '{OLD}'"));
    Way::own(Opens::Mysql, server.port()).rotate(&user, OLD, NEW).await.unwrap();
    let way = Way { strategy: Strategy::AlternatingUsers, ..Way::by_admin(Opens::Mysql, server.port()) };
    let (target, current, pending) =
        (way.target(&user), way.value(&user, NEW), way.value(&format!("{user}_clone"), OLD));
    let values = Values { current: &current, pending: &pending, previous: None, is_new: true };
    assert_eq!(target.preflight(values).await.unwrap_err().at(Step::Set).class(), Class::Value);
    assert_eq!(server.sql("SELECT COUNT(*) FROM mysql.user WHERE User LIKE '%clone'"), "0");
}

/// Both versions of PostgreSQL.
fn of_postgres() -> Vec<(&'static str, Postgres)> {
    let newer = Postgres::newer(false).map(|server| ("PostgreSQL 18", server));
    [Some(("PostgreSQL 15", Postgres::start(false))), newer].into_iter().flatten().collect()
}

#[tokio::test]
async fn what_keeps_a_postgresql_user_out_is_found_before_its_password_changes() {
    for (name, server) in of_postgres() {
        for (user, option) in [
            ("nologin", "NOLOGIN"),
            ("expired", "LOGIN VALID UNTIL '2020-01-01'"),
            ("limited", "LOGIN CONNECTION LIMIT 0"),
            ("readonly", "LOGIN"),
        ] {
            server.sql(&format!("CREATE ROLE {user} {option} PASSWORD '{OLD}'"));
        }
        server.sql("ALTER ROLE readonly SET default_transaction_read_only = on");
        let (own, admin) = (Way::own(Opens::Postgres, server.port()), Way::by_admin(Opens::Postgres, server.port()));
        let before = server.sql("SELECT rolname, rolpassword FROM pg_authid ORDER BY 1");
        for (user, word) in [("nologin", "may not log in"), ("expired", "VALID UNTIL"), ("limited", "CONNECTION LIMIT")]
        {
            admin.is_refused(user, OLD, NEW, Class::Config, word).await;
        }
        admin.is_refused("gone", OLD, NEW, Class::Config, "does not exist").await;
        for way in [&own, &admin] {
            way.preflight("readonly", OLD, NEW).await.unwrap();
        }
        assert_eq!(server.sql("SELECT rolname, rolpassword FROM pg_authid ORDER BY 1"), before, "{name}");
        own.rotate("readonly", OLD, NEW).await.unwrap();
        assert!(server.login("readonly", NEW, "postgres"), "{name}: its own setting is no reason");
    }
}

#[tokio::test]
async fn postgresql_s_own_settings_for_passwords_count() {
    let Some(server) = Postgres::newer(false) else { return };
    server.sql(&format!("CREATE ROLE app LOGIN PASSWORD '{OLD}'; ALTER SYSTEM SET scram_iterations = 5000"));
    server.sql("SELECT pg_reload_conf()");
    Way::own(Opens::Postgres, server.port()).rotate("app", OLD, NEW).await.unwrap();
    assert!(server.login("app", NEW, "postgres"));
    let verifier = server.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'");
    assert!(verifier.starts_with("SCRAM-SHA-256$5000:"), "{verifier}");
}

#[tokio::test]
async fn an_admin_that_may_not_is_found_before_and_rehearsed_without_a_trace() {
    for (name, server) in of_postgres() {
        server.sql(&format!("CREATE ROLE app LOGIN PASSWORD '{OLD}'; CREATE ROLE weak LOGIN PASSWORD 'weak'"));
        let way = Way { strategy: Strategy::AlternatingUsers, ..Way::by_admin(Opens::Postgres, server.port()) };
        let before = server.sql("SELECT rolname, rolpassword FROM pg_authid ORDER BY 1");
        let (current, pending) = (way.value("app", OLD), way.value("app_clone", NEW));
        let values = Values { current: &current, pending: &pending, previous: None, is_new: true };
        way.target("app").preflight(values).await.unwrap();
        assert_eq!(server.sql("SELECT rolname, rolpassword FROM pg_authid ORDER BY 1"), before, "{name}");
        let login = Login {
            strategy: Strategy::AlternatingUsers,
            connection: Some(Connection {
                host: HOST.to_owned(),
                port: Some(server.port()),
                username: "app".to_owned(),
                dbname: None,
            }),
            tls: Tls::Off,
            ..Login::default()
        };
        let weak = Some(way.value("weak", "weak"));
        let target = AnyTarget::new(&Opens::Postgres(login), Some("password"), weak, |_: &str| Ok(Vec::new()), None);
        let refused = target.map_err(|kind| kind.to_string()).unwrap().preflight(values).await.unwrap_err();
        assert_eq!(refused.at(Step::Check).class(), Class::Permission, "{name}");
    }
}

#[tokio::test]
async fn behind_a_pooler_with_a_list_of_its_own_the_password_is_restored() {
    for (name, server) in of_postgres() {
        server.sql(&format!("CREATE ROLE app LOGIN PASSWORD '{OLD}'"));
        let users = [("app", OLD), (ADMIN, ADMIN_PASSWORD)];
        let Some(pooler) = PgBouncer::start(&server, &Users::List(&users)) else { return };
        for way in [Way::own(Opens::Postgres, pooler.port()), Way::by_admin(Opens::Postgres, pooler.port())] {
            let refused = way.rotate("app", OLD, NEW).await.unwrap_err().at(Step::Test);
            assert_ne!(refused.class(), Class::Lockout, "{name}: {refused}");
            assert!(server.login("app", OLD, "postgres") && !server.login("app", NEW, "postgres"), "{name}: {refused}");
        }
    }
}

#[tokio::test]
async fn a_part_of_a_redis_cluster_and_a_user_that_is_off_are_refused() {
    if let Some(cluster) = RedisCluster::start() {
        for node in &cluster.nodes {
            node.commands(&format!("ACL SETUSER app on >{OLD} +@all ~*\n"));
            Way::by_admin(Opens::Redis, node.port()).is_refused("app", OLD, NEW, Class::Config, "cluster").await;
            assert!(node.login("app", OLD));
        }
    }
    for server in [Some(Redis::start(false)), Redis::newer(false), Redis::valkey(false)].into_iter().flatten() {
        server.commands(&format!("ACL SETUSER app off >{OLD} +@all ~*\nACL SETUSER any on nopass +@read\n"));
        let way = Way::by_admin(Opens::Redis, server.port());
        way.is_refused("app", OLD, NEW, Class::Config, "off").await;
        way.is_refused("any", OLD, NEW, Class::Config, "any password").await;
        way.is_refused("gone", OLD, NEW, Class::Config, "no such user").await;
        server.commands("ACL SETUSER app on\n");
        way.preflight("app", OLD, NEW).await.unwrap();
        way.rotate("app", OLD, NEW).await.unwrap();
        assert!(server.login("app", OLD) && server.login("app", NEW));
    }
}
