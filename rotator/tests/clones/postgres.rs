use contract::{AuthMethod, Strategy};
use rotator::error::Kind;
use rotator::target::Trust;
use rotator::target::postgres::Postgres as Driver;

use super::random::Random;
use super::servers::postgres::Postgres;
use super::servers::{ADMIN, ADMIN_PASSWORD};
use super::{FIFTH, FOURTH, NEW, OLD, Place, THIRD, accounts, assert_same, rotate};

const ATTRIBUTES: [&str; 5] = ["SUPERUSER", "CREATEROLE", "CREATEDB", "REPLICATION", "BYPASSRLS"];
const SETTINGS: [&str; 8] = [
    "SET work_mem = '9MB'",
    "SET search_path = \"we\"\"ird, x\", \"$user\", public",
    "SET \"my.var\" = 'it''s \"x\"'",
    "SET DateStyle = 'German, DMY'",
    "SET temp_tablespaces = ''",
    "SET log_statement = 'none'",
    "IN DATABASE postgres SET statement_timeout = '77s'",
    "IN DATABASE \"d \"\"b\" SET work_mem = '3MB'",
];

/// A user of random attributes, and what is to become of it.
struct Account {
    name: String,
    clone: String,
    create: String,
    /// Whether it must be refused, whoever asks.
    refused: bool,
    /// Whether an admin that is no superuser can make its clone.
    modest: bool,
}

fn id(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

impl Account {
    fn new(random: &mut Random, number: usize, has_options: bool) -> Self {
        let name = random.name(number, 57);
        let clone = format!("{name}_clone");
        let (user, mut refused) = (id(&name), false);
        let mut attributes = random.some(&ATTRIBUTES, 20);
        let mut modest = attributes.iter().all(|attribute| *attribute == "CREATEROLE");
        attributes.extend(random.some(&["NOINHERIT", "CONNECTION LIMIT 5"], 30));
        attributes.push(match random.below(20) {
            0 => "VALID UNTIL '2001-01-01'",
            1..5 => "VALID UNTIL '2999-01-01 12:00:00.123'",
            5 => "VALID UNTIL 'infinity'",
            6 => "NOLOGIN",
            _ => "LOGIN",
        });
        refused |= attributes.iter().any(|attribute| attribute.contains("2001") || *attribute == "NOLOGIN");
        let mut create = vec![format!("CREATE ROLE {user} LOGIN PASSWORD {}", text(OLD))];
        create.push(format!("ALTER ROLE {user} {}", attributes.join(" ")));
        for group in random.some(&["g1", "\"G 2\""], 40) {
            let options = ["", " WITH ADMIN OPTION", " WITH INHERIT FALSE", " WITH SET FALSE, INHERIT TRUE"];
            let option = random.of(if has_options { &options } else { &options[..2] });
            create.push(format!("GRANT {group} TO {user}{option}"));
            if group == "g1" && !option.contains("SET") && random.percent(30) {
                create.push(format!("ALTER ROLE {user} SET role = 'g1'"));
                modest = false;
            }
        }
        for setting in random.some(&SETTINGS, 25) {
            create.push(format!("ALTER ROLE {user} {setting}"));
        }
        if random.percent(20) {
            create.push(format!("COMMENT ON ROLE {user} IS 'somebody''s'"));
        }
        if random.percent(50) {
            create.push(format!("GRANT SELECT, INSERT ON told TO {user}; CREATE SCHEMA AUTHORIZATION {user}"));
            create.push(format!("ALTER DEFAULT PRIVILEGES FOR ROLE {user} GRANT SELECT ON TABLES TO bystander"));
        }
        if random.percent(10) {
            refused = true;
            create
                .push(format!("CREATE ROLE {} LOGIN PASSWORD 'theirs'; COMMENT ON ROLE {0} IS 'rotator'", id(&clone)));
        }
        Self { name, clone, create: create.join(";\n"), refused, modest }
    }
}

/// All that there is, but for a role.
fn catalogue(server: &Postgres, but: &str) -> Vec<String> {
    let but = text(but);
    lines(&server.sql(&format!(
        "SELECT row_to_json(a) FROM pg_authid a WHERE rolname <> {but} ORDER BY rolname;
         SELECT roleid::regrole, member::regrole, grantor::regrole, to_jsonb(m) - 'oid' FROM pg_auth_members m
           JOIN pg_roles a ON a.oid = roleid JOIN pg_roles b ON b.oid = member
           WHERE a.rolname <> {but} AND b.rolname <> {but} ORDER BY 1, 2, 3;
         SELECT setdatabase, rolname, setconfig FROM pg_db_role_setting LEFT JOIN pg_roles r ON r.oid = setrole
           WHERE rolname IS DISTINCT FROM {but} ORDER BY 1, 2;
         SELECT rolname, description FROM pg_shdescription d JOIN pg_roles r ON r.oid = d.objoid WHERE rolname <> {but}
           ORDER BY 1;
         SELECT relname, relowner::regrole, relacl FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1;
         SELECT nspname, nspowner::regrole, nspacl FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp' ORDER BY 1;
         SELECT datname, datdba::regrole, datacl FROM pg_database ORDER BY 1;
         SELECT defaclrole::regrole, defaclacl FROM pg_default_acl ORDER BY 1"
    )))
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// What the catalogue says of a role.
fn attributes(server: &Postgres, role: &str) -> String {
    let role = text(role);
    server.sql(&format!(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit,
                coalesce(rolvaliduntil, 'infinity') FROM pg_roles WHERE rolname = {role};
         SELECT coalesce(setdatabase, 0), c FROM pg_db_role_setting JOIN pg_roles r ON r.oid = setrole,
                unnest(setconfig) c WHERE rolname = {role} AND c NOT LIKE 'role=%' ORDER BY 1, 2"
    ))
}

/// What a user can do, by trying.
fn tried(server: &Postgres, user: &str, password: &str) -> String {
    let statements = [
        "SELECT current_user",
        "SELECT current_setting('work_mem'), current_setting('search_path'), current_setting('statement_timeout')",
        "SELECT 'my.var', current_setting('my.var', true)",
        "SELECT current_setting('DateStyle')",
        "SELECT rolcreatedb, rolsuper FROM pg_roles WHERE rolname = current_user",
        "SELECT count(*) FROM guarded",
        "SELECT count(*) FROM told",
        "SELECT count(*) FROM of_group",
        "BEGIN; INSERT INTO told VALUES (1)",
        "ROLLBACK; BEGIN; CREATE ROLE tried",
        "ROLLBACK; BEGIN; GRANT g1 TO bystander",
        "ROLLBACK; BEGIN; SET ROLE \"G 2\"",
        "ROLLBACK; BEGIN; CREATE TABLE made (n int)",
        "SELECT relowner::regrole, relacl, relnamespace::regnamespace FROM pg_class WHERE relname = 'made'",
        "ROLLBACK; SELECT pg_read_file('PG_VERSION')",
        "ALTER ROLE CURRENT_USER SET my.tried = 'x'; ALTER ROLE CURRENT_USER RESET my.tried",
    ];
    let script: String = statements.map(|statement| format!("{statement};\n\\echo :SQLSTATE\n")).concat();
    let script = format!("\\set ON_ERROR_STOP 0\n{script}");
    let all = server.sql_as(user, password, "postgres", &script).unwrap_or_else(|error| panic!("{user}: {error}"));
    let replicates = server.sql_as(user, password, "dbname=postgres replication=database", "IDENTIFY_SYSTEM").is_ok();
    format!("{all}\nreplicates: {replicates}")
}

async fn try_account(server: &Postgres, random: &mut Random, number: usize) -> bool {
    // Of a membership, since version 16.
    let has_options = server.sql("SELECT current_setting('server_version_num')::int >= 160000") == "t";
    let account = Account::new(random, number, has_options);
    let Account { name, clone, create, refused, modest } = &account;
    server.sql(create);
    let is_modest = random.percent(30);
    let admin = if is_modest { ("dba", "dba") } else { (ADMIN, ADMIN_PASSWORD) };
    if is_modest && server.sql(&format!("SELECT rolsuper FROM pg_roles WHERE rolname = {}", text(name))) == "f" {
        server.sql(&format!("GRANT {} TO dba WITH ADMIN OPTION", id(name)));
    }
    let place = Place { port: server.port(), admin };
    let driver = || Driver::new(&Trust::Network, &[AuthMethod::ScramSha256]).unwrap();
    let target = place.target(driver(), Strategy::AlternatingUsers, name);
    let (user, other) = (place.value(name, OLD), place.value(clone, NEW));
    let (all, others) = (catalogue(server, ""), catalogue(server, clone));
    let result = rotate(&target, None, &user, &other).await;
    let context = format!("{create}\nadmin {}: {result:?}", admin.0);
    if *refused || result.is_err() {
        assert!(result.is_err() && (*refused || is_modest && !modest), "{context}");
        assert_same(&catalogue(server, ""), &all, &context);
        return false;
    }
    assert_same(&catalogue(server, clone), &others, &context);
    let same = |password: &str, of_clone: &str| {
        // What only a superuser may set, another admin leaves out.
        let is_superuser_s = |line: &&str| line.contains("log_statement") || line.contains("my.var");
        let without = |text: String| -> Vec<String> {
            text.lines().filter(|line| !is_modest || !is_superuser_s(line)).map(str::to_owned).collect()
        };
        let of = |user| without(attributes(server, user));
        assert_same(&of(clone), &of(name), &context);
        let tried = |user, password| without(tried(server, user, password));
        assert_same(&tried(clone, of_clone), &tried(name, password), &context);
    };
    same(OLD, NEW);

    // Back to the user, and to the clone again, after the user has changed.
    let (again, third) = (place.value(name, THIRD), place.value(clone, FOURTH));
    rotate(&target, Some(&user), &other, &again).await.unwrap_or_else(|error| panic!("{context}\n{error}"));
    let changes = ["CONNECTION LIMIT 4", "NOCREATEROLE", "RESET ALL", "VALID UNTIL 'infinity'"];
    for change in random.some(&changes, 50) {
        server.sql(&format!("ALTER ROLE {} {change}", id(name)));
    }
    server.sql(&format!("REVOKE g1 FROM {}; ALTER ROLE {} RESET role", id(name), id(name)));
    let others = catalogue(server, clone);
    rotate(&target, Some(&other), &again, &third).await.unwrap_or_else(|error| panic!("{context}\n{error}"));
    assert_same(&catalogue(server, clone), &others, &context);
    same(THIRD, FOURTH);

    let (single, others) = (place.target(driver(), Strategy::SingleUser, name), catalogue(server, name));
    let fifth = place.value(name, FIFTH);
    rotate(&single, Some(&third), &again, &fifth).await.unwrap_or_else(|error| panic!("{context}\n{error}"));
    assert_same(&catalogue(server, name), &others, &context);
    assert!(server.login(name, FIFTH, "postgres") && !server.login(name, THIRD, "postgres"), "{context}");
    true
}

async fn try_accounts(server: &Postgres) {
    server.sql(
        "CREATE ROLE dba LOGIN CREATEROLE PASSWORD 'dba'; CREATE ROLE g1; CREATE ROLE \"G 2\"; CREATE ROLE bystander LOGIN;
         CREATE DATABASE \"d \"\"b\"; CREATE TABLE told (n int); CREATE TABLE guarded (n int); CREATE TABLE of_group ();
         INSERT INTO guarded VALUES (1); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
         GRANT SELECT ON guarded TO PUBLIC; GRANT SELECT ON of_group TO g1; GRANT CREATE ON SCHEMA public TO \"G 2\"",
    );
    let mut random = Random::new();
    let mut same = 0;
    for number in 0..accounts() {
        same += usize::from(try_account(server, &mut random, number).await);
    }
    println!("{} accounts: {same} have a clone that is the same, {} were refused", accounts(), accounts() - same);
}

#[tokio::test]
async fn a_clone_is_the_user_or_is_refused() {
    try_accounts(&Postgres::start(false)).await;
}

#[tokio::test]
async fn a_clone_is_the_user_or_is_refused_on_a_newer_server() {
    let Some(server) = Postgres::newer(false) else { return };
    try_accounts(&server).await;
}

/// Rotates from app to its clone, which no version of the secret has named.
async fn first(server: &Postgres, admin: (&'static str, &'static str)) -> Result<(), Kind> {
    let place = Place { port: server.port(), admin };
    let driver = Driver::new(&Trust::Network, &[AuthMethod::ScramSha256]).unwrap();
    let target = place.target(driver, Strategy::AlternatingUsers, "app");
    rotate(&target, None, &place.value("app", OLD), &place.value("app_clone", NEW)).await
}

#[tokio::test]
async fn a_role_of_somebody_else_s_by_the_clone_s_name_is_left_alone_until_it_is_adopted() {
    let server = Postgres::start(false);
    server.sql(&format!("CREATE ROLE app LOGIN PASSWORD {}; CREATE ROLE app_clone LOGIN PASSWORD 'x'", text(OLD)));
    let error = first(&server, (ADMIN, ADMIN_PASSWORD)).await.unwrap_err();
    assert!(error.to_string().contains("drop it, or adopt it"), "{error}");
    assert!(server.login("app_clone", "x", "postgres"));
    server.sql("COMMENT ON ROLE app_clone IS 'rotator: clone user of app'");
    first(&server, (ADMIN, ADMIN_PASSWORD)).await.unwrap();
    assert!(server.login("app_clone", NEW, "postgres"));
}

#[tokio::test]
async fn what_the_admin_may_not_give_is_refused_by_its_name_and_a_superuser_s_setting_is_left_out() {
    let server = Postgres::start(false);
    server.sql(&format!(
        "CREATE ROLE dba LOGIN CREATEROLE PASSWORD 'x'; CREATE ROLE app LOGIN PASSWORD {};
         ALTER ROLE app SET log_statement = 'all'",
        text(OLD)
    ));
    for attribute in ["SUPERUSER", "REPLICATION", "BYPASSRLS"] {
        server.sql(&format!("ALTER ROLE app {attribute}"));
        let error = first(&server, ("dba", "x")).await.unwrap_err();
        assert!(error.to_string().contains(attribute), "{error}");
        assert_eq!(server.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'app_clone'"), "0");
        server.sql(&format!("ALTER ROLE app NO{attribute}"));
    }
    first(&server, ("dba", "x")).await.unwrap();
    // The admin was a member for a moment, so that the clone works as the user.
    assert_eq!(server.sql_as("app_clone", NEW, "postgres", "SELECT current_user").unwrap(), "app");
    assert_eq!(server.sql("SELECT count(*) FROM pg_auth_members WHERE member = 'dba'::regrole"), "0");
}

#[tokio::test]
async fn a_security_label_that_can_t_be_copied_is_refused() {
    let server = Postgres::start(false);
    server.sql(&format!(
        "CREATE ROLE app LOGIN PASSWORD {}; SET allow_system_table_mods = on;
         INSERT INTO pg_shseclabel VALUES ('app'::regrole, 'pg_authid'::regclass, 'gone', 'secret')",
        text(OLD)
    ));
    let error = first(&server, (ADMIN, ADMIN_PASSWORD)).await.unwrap_err();
    assert!(error.to_string().contains("security label"), "{error}");
}
