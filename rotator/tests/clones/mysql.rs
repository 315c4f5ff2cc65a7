use std::ops::Deref;

use contract::Strategy;
use rotator::error::Kind;
use rotator::target::Trust;
use rotator::target::mysql::Mysql as Driver;

use super::random::Random;
use super::servers::mariadb::MariaDb;
use super::servers::mysql::Mysql;
use super::servers::{ADMIN, ADMIN_PASSWORD};
use super::{FIFTH, FOURTH, NEW, OLD, Place, THIRD, accounts, assert_same, rotate};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Maker {
    MariaDb,
    Mysql,
}

/// The hosts from which nobody comes here, so that an account may ask for TLS.
const ELSEWHERE: [&str; 4] = ["10.%", "192.168.0.0/255.255.255.0", "db.example.com", "172.16._.%"];
const RESTRICTIONS: [&str; 4] =
    ["REQUIRE SSL", "REQUIRE X509", "REQUIRE SUBJECT '/CN=it''s \\\\ x' AND ISSUER '/CN=i'", "REQUIRE CIPHER 'x'"];
const OPTIONS: [&str; 4] = [
    "WITH MAX_QUERIES_PER_HOUR 9999 MAX_USER_CONNECTIONS 7",
    "WITH MAX_UPDATES_PER_HOUR 999 MAX_CONNECTIONS_PER_HOUR 999",
    "PASSWORD EXPIRE NEVER",
    "PASSWORD EXPIRE INTERVAL 30 DAY",
];
const OF_MYSQL: [&str; 5] = [
    "PASSWORD HISTORY 3",
    "PASSWORD REUSE INTERVAL 2 DAY",
    "PASSWORD REQUIRE CURRENT",
    "FAILED_LOGIN_ATTEMPTS 4 PASSWORD_LOCK_TIME UNBOUNDED",
    "ATTRIBUTE '{\"team\": {\"name\": \"it''s \\\\\"x\\\\\"\", \"n\": [1, 2.5]}, \"comment\": \"\\\\\\\\\"}'",
];
const GRANTS: [&str; 14] = [
    "SELECT, INSERT ON *.*",
    "PROCESS, RELOAD ON *.*",
    "CREATE USER ON *.*",
    "REPLICATION SLAVE, REPLICATION CLIENT ON *.*",
    "ALL ON app.*",
    "SELECT, INSERT, CREATE, DROP ON app.*",
    "DELETE ON `we'i``r\\_d`.*",
    "SELECT, UPDATE ON app.t",
    "SELECT (a), UPDATE (a, b), INSERT (b) ON app.t",
    "REFERENCES (`od``d, (`) ON app.`t ``2`",
    "EXECUTE ON PROCEDURE app.p",
    "EXECUTE, ALTER ROUTINE ON FUNCTION app.f",
    "CREATE TEMPORARY TABLES, LOCK TABLES ON app.*",
    "PROXY ON bystander",
];
const DYNAMIC: [&str; 3] =
    ["BACKUP_ADMIN, CONNECTION_ADMIN ON *.*", "XA_RECOVER_ADMIN ON *.*", "SESSION_VARIABLES_ADMIN ON *.*"];

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}

/// As the rotator asks, so that names are the same.
fn sql(server: &MariaDb, statements: &str) -> String {
    server.sql(&format!("SET NAMES utf8mb4; {statements}"))
}

struct Account {
    name: String,
    clone: String,
    hosts: Vec<&'static str>,
    create: Vec<String>,
    refused: bool,
}

impl Account {
    fn new(random: &mut Random, maker: Maker, number: usize) -> Self {
        let name = random.name(number, if maker == Maker::Mysql { 26 } else { 74 });
        let name = if maker == Maker::Mysql { name.chars().take(26).collect() } else { name };
        let clone = format!("{name}_clone");
        let mut hosts = vec![random.of(&["%", "127.0.0.1", "127.0.0.%"])];
        hosts.extend(random.some(&ELSEWHERE, 25));
        let mut account = Self { name, clone, hosts: hosts.clone(), create: Vec::new(), refused: false };
        for (at, host) in hosts.iter().enumerate() {
            account.add(random, maker, host, at > 0);
        }
        if random.percent(10) {
            account.refused = true;
            let clone = text(&account.clone);
            account.create.push(format!("CREATE USER {clone}@'theirs' IDENTIFIED BY 'theirs'"));
        }
        account
    }

    fn add(&mut self, random: &mut Random, maker: Maker, host: &str, elsewhere: bool) {
        let Self { name, create, refused, .. } = self;
        let account = format!("{}@{}", text(name), text(host));
        create.push(format!("CREATE USER {account} IDENTIFIED BY {}", text(OLD)));
        let mut options = random.some(&OPTIONS, 30);
        if maker == Maker::Mysql {
            options.extend(random.some(&OF_MYSQL, 30));
        } else {
            options.extend(random.some(&["WITH MAX_STATEMENT_TIME 12.25"], 30));
        }
        if elsewhere {
            options.extend(random.some(&RESTRICTIONS, 15));
        }
        for option in options {
            create.push(format!("ALTER USER {account} {option}"));
        }
        let grants: Vec<&str> = if maker == Maker::Mysql {
            random.some(&[GRANTS.as_slice(), &DYNAMIC].concat(), 25)
        } else {
            random.some(&GRANTS, 25)
        };
        for grant in &grants {
            let option = random.of(&["", "", " WITH GRANT OPTION"]);
            create.push(format!("GRANT {grant} TO {account}{option}"));
        }
        if maker == Maker::Mysql && grants.contains(&GRANTS[0]) && random.percent(60) {
            create.push(format!(
                "REVOKE INSERT ON `we'i``r_d`.* FROM {account}; REVOKE SELECT ON mysql.* FROM {account}"
            ));
        }
        for role in random.some(&["r1", "r2"], 40) {
            let option = random.of(&["", " WITH ADMIN OPTION"]);
            create.push(format!("GRANT {role} TO {account}{option}"));
            if role == "r1" && random.percent(50) {
                let to = if maker == Maker::Mysql { "TO" } else { "FOR" };
                create.push(format!("SET DEFAULT ROLE r1 {to} {account}"));
            }
        }
        match random.below(25) {
            // Of several accounts the others would do, but nobody could log in from here.
            0 if self.hosts.len() == 1 => {
                *refused = true;
                create.push(format!("ALTER USER {account} ACCOUNT LOCK"));
            }
            1 if maker == Maker::MariaDb => {
                *refused = true;
                let other = "IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('x')";
                create.push(format!("ALTER USER {account} {other}"));
            }
            _ => {}
        }
    }
}

/// All rows of the tables of rights, but for those of a user.
fn tables(server: &MariaDb, maker: Maker, but: &str) -> Vec<String> {
    let tables: &[&str] = match maker {
        Maker::MariaDb => {
            &["global_priv", "db", "tables_priv", "columns_priv", "procs_priv", "roles_mapping", "proxies_priv"]
        }
        Maker::Mysql => &[
            "user",
            "db",
            "tables_priv",
            "columns_priv",
            "procs_priv",
            "proxies_priv",
            "role_edges",
            "default_roles",
            "global_grants",
            "password_history",
        ],
    };
    // Of MySQL's hashes some break lines.
    let columns = |table: &str| match table {
        "user" => {
            "Host, User, HEX(authentication_string), account_locked, password_expired, password_lifetime, ssl_type, \
                   max_questions, plugin, Select_priv, Super_priv, Grant_priv, User_attributes"
        }
        "password_history" => "Host, User, HEX(Password)",
        _ => "t.*",
    };
    let query = |table: &&str| format!("SELECT '{table}', {} FROM mysql.{table} t;", columns(table));
    let query: String = tables.iter().map(query).collect();
    let all = sql(server, &query);
    // The client shows some tables' names in another encoding.
    let plain = |text: &str| text.chars().filter(char::is_ascii).collect::<String>();
    let is_other = |line: &&str| but.is_empty() || !line.split('\t').any(|cell| plain(cell) == plain(but));
    let mut lines: Vec<String> = all.lines().filter(is_other).map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

/// What the server says of a user's accounts, in a form that does not name it, nor what it keeps of the password.
fn described(server: &MariaDb, maker: Maker, user: &str) -> Vec<String> {
    let name = text(user);
    let hosts = sql(server, &format!("SELECT Host FROM mysql.user WHERE User = {name} ORDER BY Host"));
    let mut lines = Vec::new();
    for host in hosts.lines() {
        let account = format!("{name}@{}", text(host));
        lines.push(host.to_owned());
        let created = sql(server, &format!("SHOW CREATE USER {account}"));
        let (before, rest) = created.split_once(" IDENTIFIED ").unwrap();
        lines.push(before.to_owned());
        // Before the hash, and after it.
        let (how, rest) = rest.split_once('\'').unwrap();
        lines.push(how.to_owned());
        lines.push(rest.rsplit_once("' ").map_or("", |(_, rest)| rest).to_owned());
        if maker == Maker::Mysql {
            let columns = "ssl_type, ssl_cipher, x509_issuer, x509_subject, max_questions, max_updates, max_connections, \
                           max_user_connections, plugin, password_expired, password_lifetime, account_locked, \
                           Password_reuse_history, Password_reuse_time, Password_require_current, \
                           JSON_REMOVE(User_attributes, '$.metadata.rotator', '$.Restrictions')";
            let row =
                sql(server, &format!("SELECT {columns} FROM mysql.user WHERE User = {name} AND Host = {}", text(host)));
            lines.push(
                row.replace(r#"{"metadata": {}}"#, "NULL").replace(r#""metadata": {}, "#, "").replace("{}", "NULL"),
            );
            // With what is printed of it twice.
            lines.retain(|line| !line.contains("PASSWORD EXPIRE"));
        }
        let grants = sql(server, &format!("SHOW GRANTS FOR {account}"));
        let without_hash = |line: &str| match line.split_once(" IDENTIFIED BY PASSWORD '") {
            Some((before, after)) => before.to_owned() + after.split_once('\'').unwrap().1,
            None => line.to_owned(),
        };
        // In no order of their own.
        let mut grants: Vec<String> = grants.lines().map(without_hash).collect();
        grants.sort();
        lines.append(&mut grants);
    }
    let quoted = format!("`{}`", user.replace('`', "``"));
    for line in &mut lines {
        *line = line.replace(&quoted, "`X`");
    }
    lines
}

/// What a user can do, by trying.
fn tried(server: &MariaDb, user: &str, password: &str) -> Vec<String> {
    let statements = [
        "SELECT CURRENT_ROLE()",
        "SELECT COUNT(*) FROM app.t WHERE a > 5",
        "SELECT a FROM app.t WHERE a > 5",
        "INSERT INTO app.t (b) VALUES (1)",
        "UPDATE app.t SET b = 2 WHERE FALSE",
        "CREATE TABLE app.made (a INT); DROP TABLE app.made",
        "CALL app.p()",
        "SELECT app.f()",
        "SELECT COUNT(*) > 5 FROM `we'i``r_d`.t WHERE FALSE",
        "INSERT INTO `we'i``r_d`.t VALUES (1)",
        "SELECT 1 FROM mysql.user LIMIT 1",
        "CREATE USER tried",
        "SHOW REPLICAS",
        "GRANT r1 TO bystander; REVOKE r1 FROM bystander",
        "SET ROLE r2; SELECT CURRENT_ROLE()",
        "FLUSH STATUS",
    ];
    let outcome = |statement: &&str| match server.sql_as(user, password, "", &format!("SET NAMES utf8mb4; {statement}"))
    {
        Ok(rows) => format!("{statement}: {rows}"),
        Err(error) => format!("{statement}: {}", error.split("ERROR ").nth(1).unwrap().split(' ').next().unwrap()),
    };
    let outcomes = statements.iter().map(outcome).collect();
    sql(server, "DROP USER IF EXISTS tried");
    outcomes
}

async fn try_account(server: &MariaDb, maker: Maker, random: &mut Random, number: usize) -> bool {
    let account = Account::new(random, maker, number);
    let Account { name, clone, hosts, create, refused } = &account;
    let create = create.join(";\n");
    sql(server, &create);
    // One that may not hand on all that there is.
    let is_modest = random.percent(25);
    let place = Place { port: server.port(), admin: if is_modest { ("dba", "dba") } else { (ADMIN, ADMIN_PASSWORD) } };
    let target = place.target(Driver::new(&Trust::Network).unwrap(), Strategy::AlternatingUsers, name);
    let (user, other) = (place.value(name, OLD), place.value(clone, NEW));
    let (all, others) = (tables(server, maker, ""), tables(server, maker, clone));
    let result = rotate(&target, None, &user, &other).await;
    let context = format!("{create}\nadmin {}: {result:?}", place.admin.0);
    if *refused || result.is_err() {
        assert!(result.is_err() && (*refused || is_modest), "{context}");
        assert_same(&tables(server, maker, ""), &all, &context);
        return false;
    }
    assert_same(&tables(server, maker, clone), &others, &context);
    let same = |password: &str, of_clone: &str| {
        assert_same(&described(server, maker, clone), &described(server, maker, name), &context);
        assert_same(&tried(server, clone, of_clone), &tried(server, name, password), &context);
    };
    same(OLD, NEW);
    if is_modest {
        return true;
    }

    // Back to the user, and to the clone again, after the user has changed.
    let (again, third) = (place.value(name, THIRD), place.value(clone, FOURTH));
    rotate(&target, Some(&user), &other, &again).await.unwrap_or_else(|error| panic!("{context}\n{error}"));
    let changes = [
        "REVOKE ALL PRIVILEGES, GRANT OPTION FROM WHO",
        "GRANT SELECT, DELETE ON *.* TO WHO WITH GRANT OPTION",
        "GRANT UPDATE (b) ON app.t TO WHO",
        "ALTER USER WHO WITH MAX_USER_CONNECTIONS 6 MAX_QUERIES_PER_HOUR 0 PASSWORD EXPIRE DEFAULT",
    ];
    for host in hosts {
        for change in random.some(&changes, 40) {
            sql(server, &change.replace("WHO", &format!("{}@{}", text(name), text(host))));
        }
    }
    let others = tables(server, maker, clone);
    rotate(&target, Some(&other), &again, &third).await.unwrap_or_else(|error| panic!("{context}\n{error}"));
    assert_same(&tables(server, maker, clone), &others, &context);
    same(THIRD, FOURTH);

    let single = place.target(Driver::new(&Trust::Network).unwrap(), Strategy::SingleUser, name);
    let (fifth, others) = (place.value(name, FIFTH), tables(server, maker, name));
    rotate(&single, Some(&third), &again, &fifth).await.unwrap_or_else(|error| panic!("{context}\n{error}"));
    assert_same(&tables(server, maker, name), &others, &context);
    assert!(server.login(name, FIFTH, ""), "{context}");
    true
}

async fn try_accounts(server: &MariaDb, maker: Maker) {
    sql(server,
        "CREATE DATABASE app; CREATE DATABASE `we'i``r_d`; CREATE TABLE `we'i``r_d`.t (a INT); CREATE TABLE app.t (a INT, b INT);
         CREATE TABLE app.`t ``2` (`od``d, (` INT); CREATE PROCEDURE app.p() SELECT 1;
         CREATE FUNCTION app.f() RETURNS INT DETERMINISTIC NO SQL RETURN 1; CREATE ROLE r1; CREATE ROLE r2;
         GRANT INSERT ON `we'i``r_d`.* TO r1; GRANT DELETE ON app.* TO r2; CREATE USER bystander IDENTIFIED BY 'x';
         INSERT INTO mysql.proxies_priv (Host, User, Proxied_host, Proxied_user, With_grant, Grantor)
           VALUES ('%', 'admin', '', '', 1, ''); FLUSH PRIVILEGES",
    );
    sql(
        server,
        "CREATE USER dba IDENTIFIED BY 'dba'; GRANT CREATE USER ON *.* TO dba; GRANT SELECT, UPDATE ON mysql.* TO dba;
         GRANT SELECT, INSERT, UPDATE, CREATE, DROP ON app.* TO dba WITH GRANT OPTION; GRANT r1 TO dba WITH ADMIN OPTION",
    );
    if maker == Maker::Mysql {
        sql(server, "SET GLOBAL partial_revokes = ON");
    }
    let mut random = Random::new();
    let mut same = 0;
    for number in 0..accounts() {
        same += usize::from(try_account(server, maker, &mut random, number).await);
    }
    println!("{} accounts: {same} have a clone that is the same, {} were refused", accounts(), accounts() - same);
}

#[tokio::test]
async fn a_clone_is_the_user_or_is_refused_by_mariadb() {
    try_accounts(&MariaDb::start(false), Maker::MariaDb).await;
}

#[tokio::test]
async fn a_clone_is_the_user_or_is_refused_by_a_newer_mariadb() {
    let Some(server) = MariaDb::newer(false) else { return };
    try_accounts(&server, Maker::MariaDb).await;
}

#[tokio::test]
async fn a_clone_is_the_user_or_is_refused_by_mysql() {
    let Some(server) = Mysql::start(false) else { return };
    try_accounts(&server, Maker::Mysql).await;
}

fn place(server: &MariaDb) -> Place {
    Place { port: server.port(), admin: (ADMIN, ADMIN_PASSWORD) }
}

/// Rotates from app to its clone, which no version of the secret has named.
async fn first(server: &MariaDb) -> Result<(), Kind> {
    let place = place(server);
    let target = place.target(Driver::new(&Trust::Network).unwrap(), Strategy::AlternatingUsers, "app");
    rotate(&target, None, &place.value("app", OLD), &place.value("app_clone", NEW)).await
}

/// Each maker's server, and how an account is adopted on it.
fn servers() -> Vec<(Box<dyn Deref<Target = MariaDb>>, &'static str)> {
    let of_mariadb = "UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '$.rotator', JSON_OBJECT('clone_of', 'app')) \
                      WHERE User = 'app_clone'";
    let of_mysql = r#"ALTER USER app_clone ATTRIBUTE '{"rotator": {"clone_of": "app"}}'"#;
    let mut servers: Vec<(Box<dyn Deref<Target = MariaDb>>, _)> =
        vec![(Box::new(Box::new(MariaDb::start(false))), of_mariadb)];
    if let Some(server) = Mysql::start(false) {
        servers.push((Box::new(server), of_mysql));
    }
    servers
}

#[tokio::test]
async fn an_account_of_somebody_else_s_by_the_clone_s_name_is_left_alone_until_it_is_adopted() {
    for (server, adopt) in servers() {
        sql(&server, &format!("CREATE USER app IDENTIFIED BY {}; CREATE USER app_clone IDENTIFIED BY 'x'", text(OLD)));
        let error = first(&server).await.unwrap_err();
        assert!(error.to_string().contains("drop it, or adopt it"), "{error}");
        assert!(server.login("app_clone", "x", ""));
        sql(&server, adopt);
        first(&server).await.unwrap();
        assert!(server.login("app_clone", NEW, ""));
    }
}

#[tokio::test]
async fn a_clone_that_was_left_unfinished_or_has_the_pending_password_is_finished() {
    for (server, _) in servers() {
        sql(&server, &format!("CREATE USER app IDENTIFIED BY {}", text(OLD)));
        for _ in 0..2 {
            first(&server).await.unwrap();
        }
        assert!(server.login("app_clone", NEW, ""));
    }
}

#[tokio::test]
async fn a_user_under_partial_revokes_has_a_clone_under_them() {
    let Some(server) = Mysql::start(false) else { return };
    sql(
        &server,
        &format!(
            "SET GLOBAL partial_revokes = ON; CREATE USER app IDENTIFIED BY {}; GRANT SELECT ON *.* TO app;
             REVOKE SELECT ON mysql.* FROM app",
            text(OLD)
        ),
    );
    first(&server).await.unwrap();
    assert!(server.sql_as("app_clone", NEW, "", "SELECT 1 FROM mysql.user").is_err());
    assert!(server.sql_as("app_clone", NEW, "", "SELECT 1 FROM sys.version").is_ok());
}

#[tokio::test]
async fn what_failed_half_way_is_taken_back() {
    for (server, _) in servers() {
        sql(
            &server,
            &format!(
                "CREATE USER app IDENTIFIED BY {}; GRANT SELECT, SHUTDOWN ON *.* TO app; CREATE USER dba IDENTIFIED BY 'x';
                 GRANT CREATE USER ON *.* TO dba; GRANT SELECT, UPDATE ON mysql.* TO dba",
                text(OLD)
            ),
        );
        let place = Place { port: server.port(), admin: ("dba", "x") };
        let target = place.target(Driver::new(&Trust::Network).unwrap(), Strategy::AlternatingUsers, "app");
        let (user, clone) = (place.value("app", OLD), place.value("app_clone", NEW));
        let error = rotate(&target, None, &user, &clone).await.unwrap_err();
        assert!(matches!(error, Kind::TargetDenied { .. }), "{error}");
        assert_eq!(sql(&server, "SELECT COUNT(*) FROM mysql.user WHERE User = 'app_clone'"), "0");
    }
}
