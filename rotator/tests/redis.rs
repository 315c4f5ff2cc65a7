//! The Redis target's promises, on real servers; scripted replies where no server can be made to give them.
#![cfg(feature = "redis")]
#![allow(clippy::unwrap_used, reason = "tests")]

mod servers;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use contract::{Connection, Login, LoginCheck, Target as Opens, Tls};
use rotator::error::{Class, Kind};
use rotator::secret::SecretText;
use rotator::target::{AnyTarget, Target, Values};
use serde_json::json;
use servers::redis::Redis;
use servers::{ADMIN, ADMIN_PASSWORD, Certificates, HOST, OTHER_HOST};

const OLD: &str = "the-old-one";
const NEW: &str = "the \"new\" öne's\\ #1 >+@all";
const NEWER: &str = "the-newer-one";
const NEWEST: &str = "the-newest-one";

/// A server, and where it is.
struct Place<'a> {
    host: &'a str,
    port: u16,
}

impl Place<'_> {
    fn value(&self, user: &str, password: &str) -> SecretText {
        let Self { host, port } = self;
        let login = json!({"engine": "redis", "host": host, "port": port, "username": user, "password": password});
        login.to_string().into()
    }

    fn app(&self, password: &str) -> SecretText {
        self.value("app", password)
    }
}

fn at(server: &Redis) -> Place<'static> {
    Place { host: HOST, port: server.port() }
}

/// A server with a user that has [`OLD`] and these rules.
fn start(rules: &str) -> Redis {
    let server = Redis::start(false);
    server.commands(&format!("ACL SETUSER app on >{OLD} {rules}"));
    server
}

fn target(tls: Tls, ca: &str, admin: Option<SecretText>) -> AnyTarget {
    of_login(Login { tls, ..Login::default() }, ca, admin)
}

fn of_login(login: Login, ca: &str, admin: Option<SecretText>) -> AnyTarget {
    AnyTarget::new(&Opens::Redis(login), Some("password"), admin, |_| Ok(ca.as_bytes().to_vec()), None)
        .map_err(|kind| kind.to_string())
        .unwrap()
}

fn by_admin(server: &Redis) -> AnyTarget {
    by_admin_at(&at(server))
}

fn by_admin_at(place: &Place<'_>) -> AnyTarget {
    target(Tls::Off, "", Some(place.value(ADMIN, ADMIN_PASSWORD)))
}

/// For that user alone, whatever authenticates.
fn by_admin_of(server: &Redis, user: &str) -> AnyTarget {
    let connection =
        Connection { host: HOST.to_owned(), port: Some(server.port()), username: user.to_owned(), dbname: None };
    let login = Login { tls: Tls::Off, connection: Some(connection), ..Login::default() };
    of_login(login, "", Some(at(server).value(ADMIN, ADMIN_PASSWORD)))
}

fn by_itself() -> AnyTarget {
    target(Tls::Off, "", None)
}

async fn set(target: &AnyTarget, current: &SecretText, pending: &SecretText) -> Result<(), Kind> {
    target.set(Values { current, pending, previous: None, is_new: false }, async || Ok(())).await
}

async fn test(target: &AnyTarget, current: &SecretText, pending: &SecretText) -> Result<(), Kind> {
    target.test(Values { current, pending, previous: None, is_new: false }, async || Ok(())).await
}

async fn rotate(target: &AnyTarget, current: &SecretText, pending: &SecretText) -> Result<(), Kind> {
    set(target, current, pending).await?;
    test(target, current, pending).await
}

/// Which of the passwords open the server to a user.
fn open(server: &Redis, user: &str) -> Vec<&'static str> {
    [OLD, NEW, NEWER, NEWEST].into_iter().filter(|password| server.login(user, password)).collect()
}

#[tokio::test]
async fn the_current_and_the_new_password_work_until_the_next_rotation() {
    for rules in ["~* &* +@read", "-@all"] {
        let server = start(rules);
        let place = at(&server);
        rotate(&by_admin(&server), &place.app(OLD), &place.app(NEW)).await.unwrap();
        assert_eq!(open(&server, "app"), [OLD, NEW], "{rules}");
        rotate(&by_admin(&server), &place.app(NEW), &place.app(NEWER)).await.unwrap();
        assert_eq!(open(&server, "app"), [NEW, NEWER], "{rules}");
        rotate(&by_admin(&server), &place.app(NEWER), &place.app(NEWEST)).await.unwrap();
        assert_eq!(open(&server, "app"), [NEWER, NEWEST], "{rules}");
    }
}

#[tokio::test]
async fn what_the_user_may_do_stays_what_it_was() {
    let server = start("~app:* &news:* +@read +config|get -keys");
    let rules = || server.commands("ACL LIST").lines().find(|line| line.starts_with("user app ")).unwrap().to_owned();
    let without_hashes =
        |rules: String| rules.split(' ').filter(|rule| !rule.starts_with('#')).collect::<Vec<_>>().join(" ");
    let before = without_hashes(rules());
    rotate(&by_admin(&server), &at(&server).app(OLD), &at(&server).app(NEW)).await.unwrap();
    assert_eq!(without_hashes(rules()), before);
}

#[tokio::test]
async fn a_user_that_may_change_users_rotates_itself() {
    let server = start("+acl|getuser +acl|setuser");
    let place = at(&server);
    rotate(&by_itself(), &place.app(OLD), &place.app(NEW)).await.unwrap();
    rotate(&by_itself(), &place.app(NEW), &place.app(NEWER)).await.unwrap();
    assert_eq!(open(&server, "app"), [NEW, NEWER]);
}

#[tokio::test]
async fn a_user_whose_current_value_is_wrong_gets_in_by_the_previous_one() {
    let server = start("+@admin");
    let place = at(&server);
    let (current, pending, previous) = (place.app("wrong"), place.app(NEW), place.app(OLD));
    let values = Values { current: &current, pending: &pending, previous: Some(&previous), is_new: false };
    let target = by_itself();
    target.set(values, async || Ok(())).await.unwrap();
    target.test(values, async || Ok(())).await.unwrap();
    assert_eq!(open(&server, "app"), [NEW]);
}

#[tokio::test]
async fn the_default_user_is_a_user_like_others() {
    let server = start("+@read");
    server.commands(&format!("ACL SETUSER default on resetpass >{OLD} +@read"));
    let place = at(&server);
    rotate(&by_admin(&server), &place.value("default", OLD), &place.value("default", NEW)).await.unwrap();
    assert_eq!(open(&server, "default"), [OLD, NEW]);
}

#[tokio::test]
async fn a_wrong_password_is_told_from_a_wrong_admin() {
    let server = start("+@admin");
    let place = at(&server);
    let pending = place.app(NEW);
    assert_eq!(set(&by_itself(), &place.app("wrong"), &pending).await, Err(Kind::NoLogin));
    let admin = target(Tls::Off, "", Some(place.value(ADMIN, "wrong")));
    assert_eq!(set(&admin, &place.app(OLD), &pending).await, Err(Kind::AdminRefused));
    assert_eq!(test(&admin, &place.app(OLD), &pending).await, Err(Kind::PendingRefused));
    let check =
        async |target: &AnyTarget, value: &SecretText| target.check(value).await.unwrap().map(|asked| asked.login);
    assert_eq!(check(&admin, &place.app(OLD)).await, Some(LoginCheck::Opens));
    assert_eq!(check(&admin, &place.app("wrong")).await, Some(LoginCheck::Refused));
    assert_eq!(admin.check_admin().await.unwrap().unwrap().login, LoginCheck::Refused);
    assert_eq!(by_admin(&server).check_admin().await.unwrap().unwrap().login, LoginCheck::Opens);
    assert_eq!(open(&server, "app"), [OLD]);
}

#[tokio::test]
async fn a_user_that_does_not_exist_is_not_made() {
    let server = start("+@read");
    let place = at(&server);
    let refused = set(&by_admin_of(&server, "nobody"), &place.value("nobody", OLD), &place.value("nobody", NEW)).await;
    assert_eq!(refused, Err(Kind::TargetUnfit("there is no such user")));
    assert_eq!(server.commands("ACL USERS"), format!("{ADMIN}\napp\ndefault"));
}

#[tokio::test]
async fn a_user_that_any_password_opens_is_refused_and_stays_what_it_is() {
    let server = start("nopass +@read");
    let place = at(&server);
    for state in ["on", "off"] {
        server.commands(&format!("ACL SETUSER app {state}"));
        let refused = rotate(&by_admin_of(&server, "app"), &place.app(OLD), &place.app(NEW)).await.unwrap_err();
        assert!(matches!(refused, Kind::AnyPassword(what) if what.contains("`nopass`")), "{refused}");
        assert!(server.commands("ACL LIST").contains("nopass"));
    }
}

#[tokio::test]
async fn a_delivery_that_is_no_longer_due_changes_nothing() {
    let server = start("+@read");
    let (current, pending) = (at(&server).app(OLD), at(&server).app(NEW));
    let values = Values { current: &current, pending: &pending, previous: None, is_new: false };
    assert_eq!(by_admin(&server).set(values, async || Err(Kind::TakenOver)).await, Err(Kind::TakenOver));
    assert_eq!(open(&server, "app"), [OLD]);
}

#[tokio::test]
async fn a_late_delivery_removes_no_newer_password() {
    let server = start("+@read");
    let (current, late, newer) = (at(&server).app(OLD), at(&server).app(NEW), at(&server).app(NEWER));
    let values = Values { current: &current, pending: &late, previous: None, is_new: false };
    // Right after this one was found to be due, another tick makes its change.
    let overtaken = async || rotate(&by_admin(&server), &current, &newer).await;
    by_admin(&server).set(values, overtaken).await.unwrap();
    assert_eq!(open(&server, "app"), [OLD, NEW, NEWER]);
    rotate(&by_admin(&server), &newer, &at(&server).app(NEWEST)).await.unwrap();
    assert_eq!(open(&server, "app"), [NEWER, NEWEST]);
}

#[tokio::test]
async fn a_late_delivery_that_would_remove_what_another_has_removed_changes_nothing() {
    let server = start("+@read");
    let place = at(&server);
    rotate(&by_admin(&server), &place.app(OLD), &place.app(NEW)).await.unwrap();
    let (current, late, newer) = (place.app(NEW), place.app(NEWER), place.app(NEWEST));
    let values = Values { current: &current, pending: &late, previous: None, is_new: false };
    let overtaken = async || rotate(&by_admin(&server), &current, &newer).await;
    let refused = by_admin(&server).set(values, overtaken).await.unwrap_err();
    assert_eq!(refused.to_string(), "the target is too busy: another delivery has changed the user (error ERR)");
    assert_eq!(open(&server, "app"), [NEW, NEWEST]);
}

#[tokio::test]
async fn a_delivery_that_comes_again_finds_its_work_done() {
    let server = start("+@read");
    let (current, pending) = (at(&server).app(OLD), at(&server).app(NEW));
    rotate(&by_admin(&server), &current, &pending).await.unwrap();
    rotate(&by_admin(&server), &current, &pending).await.unwrap();
    assert_eq!(open(&server, "app"), [OLD, NEW]);
}

#[tokio::test]
async fn a_password_that_was_set_but_does_not_open_is_taken_back() {
    let server = start("+@read");
    let (current, pending) = (at(&server).app(OLD), at(&server).app(NEW));
    let target = by_admin(&server);
    set(&target, &current, &pending).await.unwrap();
    server.commands(&format!("ACL SETUSER app resetpass >{NEWER}"));
    assert_eq!(test(&target, &current, &pending).await, Err(Kind::NotAccepted));
    assert_eq!(open(&server, "app"), [OLD]);
}

#[tokio::test]
async fn what_an_abandoned_rotation_left_is_settled() {
    for (own, rules) in [(false, "+@read"), (true, "+@admin")] {
        let server = start(rules);
        let target = if own { by_itself() } else { by_admin(&server) };
        let (current, stray) = (at(&server).app(OLD), at(&server).app(NEWER));
        server.commands(&format!("ACL SETUSER app resetpass >{NEWER}"));
        target.settle(&current, Some(&stray), None, async || Ok(())).await.unwrap();
        assert_eq!(open(&server, "app"), [OLD]);
        target.settle(&current, Some(&stray), None, async || Ok(())).await.unwrap();
        assert_eq!(open(&server, "app"), [OLD]);
    }
}

#[tokio::test]
async fn a_restart_of_the_server_forgets_nothing() {
    for mut server in [Redis::start(false), Redis::start_without_acl_file()] {
        server.commands(&format!("ACL SETUSER app on >{OLD} +@read"));
        rotate(&by_admin(&server), &at(&server).app(OLD), &at(&server).app(NEW)).await.unwrap();
        server.stop();
        server.start_again();
        assert_eq!(open(&server, "app"), [OLD, NEW]);
    }
}

#[tokio::test]
async fn a_server_that_cannot_save_its_users_is_rotated_all_the_same() {
    let server = start("+@read");
    server.commands("ACL SETUSER keeper on >k +acl|getuser +acl|setuser");
    let keeper = target(Tls::Off, "", Some(at(&server).value("keeper", "k")));
    rotate(&keeper, &at(&server).app(OLD), &at(&server).app(NEW)).await.unwrap();
    assert_eq!(open(&server, "app"), [OLD, NEW]);
}

#[tokio::test]
async fn a_replica_is_refused_for_its_users_are_not_its_master_s() {
    let server = start("+@read");
    server.commands(&format!("REPLICAOF {HOST} 1"));
    let refused = set(&by_admin(&server), &at(&server).app(OLD), &at(&server).app(NEW)).await;
    assert_eq!(refused, Err(Kind::TargetUnfit("the server is a replica, whose users are not its master's")));
    assert_eq!(open(&server, "app"), [OLD]);
}

#[tokio::test]
async fn the_right_that_lacks_is_named() {
    for (rules, what) in [("-@all", "+acl|getuser"), ("+acl|getuser", "+acl|setuser")] {
        let server = start(rules);
        let refused = set(&by_itself(), &at(&server).app(OLD), &at(&server).app(NEW)).await.unwrap_err();
        assert_eq!(refused.clone().at(rotator::error::Step::Set).class(), Class::Permission);
        let text = refused.to_string();
        assert!(text.contains(what) && text.ends_with("error NOPERM"), "{text}");
        assert_eq!(open(&server, "app"), [OLD]);
    }
}

#[tokio::test]
async fn tls_is_for_the_server_s_name_by_the_authority_that_is_trusted() {
    let server = Redis::start(true);
    server.commands(&format!("ACL SETUSER app on >{OLD} +@read"));
    let tls = |ca: &str, at: &Place<'_>| target(Tls::VerifyFull, ca, Some(at.value(ADMIN, ADMIN_PASSWORD)));
    for host in [HOST, "localhost"] {
        let place = Place { host, port: server.port() };
        rotate(&tls(server.ca_pem(), &place), &place.app(OLD), &place.app(NEW)).await.unwrap();
    }
    assert_eq!(open(&server, "app"), [OLD, NEW]);

    let stranger = Certificates::new();
    let elsewhere = Place { host: OTHER_HOST, port: server.port() };
    for (ca, place, words) in [
        (stranger.ca_pem(), at(&server), "does not lead to a root"),
        (server.ca_pem(), elsewhere, "is not for the name"),
    ] {
        let refused = set(&tls(ca, &place), &place.app(OLD), &place.app(NEWER)).await.unwrap_err();
        assert!(matches!(refused, Kind::TargetUnreachable(text) if text.contains(words)), "{refused}");
    }
    let plain = set(&by_admin(&server), &at(&server).app(OLD), &at(&server).app(NEWER)).await.unwrap_err();
    assert!(matches!(plain, Kind::TargetUnreachable(_)), "{plain}");
    assert_eq!(open(&server, "app"), [OLD, NEW]);
}

#[tokio::test]
async fn tls_is_never_given_up_for_a_server_that_has_none() {
    // What a true one answers where a greeting happens to have a line's end; else it goes on listening.
    let wire = Wire::to(scripted(|_| "-ERR unknown command"));
    let place = Place { host: HOST, port: wire.port };
    let target = target(Tls::VerifyFull, Certificates::new().ca_pem(), Some(place.value(ADMIN, ADMIN_PASSWORD)));
    let refused = set(&target, &place.app(OLD), &place.app(NEW)).await;
    assert!(
        matches!(refused, Err(Kind::TargetUnreachable(text)) if text.contains("does not offer TLS")),
        "{refused:?}"
    );
    let sent = wire.sent();
    assert!(!sent.is_empty() && [OLD, NEW, ADMIN_PASSWORD].iter().all(|password| count(&sent, password) == 0));
}

#[tokio::test]
async fn a_password_is_sent_to_log_in_and_never_else() {
    let server = start("+@read");
    let monitor = Monitor::of(&server);
    server.commands("CONFIG SET slowlog-log-slower-than 0");
    let wire = Wire::to(server.port());
    let place = Place { host: HOST, port: wire.port };
    rotate(&by_admin_at(&place), &place.app(OLD), &place.app(NEW)).await.unwrap();
    rotate(&by_admin_at(&place), &place.app(NEW), &place.app(NEWER)).await.unwrap();

    let sent = wire.sent();
    assert_ne!(count(&sent, "SETUSER"), 0);
    for (user, password) in [("app", NEW), ("app", NEWER), (ADMIN, ADMIN_PASSWORD)] {
        let login = format!("AUTH\r\n${}\r\n{user}\r\n${}\r\n{password}\r\n", user.len(), password.len());
        assert_ne!(count(&sent, password), 0);
        assert_eq!(count(&sent, password), count(&sent, &login), "{password}");
    }
    let kept = [server.commands("SLOWLOG GET 128"), server.commands("ACL LOG"), monitor.seen()].concat();
    assert!(kept.contains("SETUSER") && kept.contains("\nping\n"), "{kept}");
    let log = std::fs::read_to_string(server.log()).unwrap();
    for password in [OLD, NEW, NEWER, ADMIN_PASSWORD] {
        assert_eq!(count((kept.clone() + &log).as_bytes(), password), 0);
    }
}

#[tokio::test]
async fn an_error_is_known_by_its_code_and_its_text_is_not_passed_on() {
    let unreachable = |what| Kind::TargetUnreachable(what).to_string();
    let busy = |words: &str| format!("the target is too busy: {words}");
    let unfit = "the target: its users can't be changed by ACL SETUSER";
    let replica = "the target: the server is a replica";
    for (to, answer, expected) in [
        ("AUTH", "-LOADING canary", unreachable("it is loading its data")),
        ("AUTH", "-ERR max number of clients reached canary", busy("too many clients (error ERR)")),
        ("AUTH", "-ERR wrong number of arguments for 'auth' command canary", unfit.to_owned()),
        (
            "AUTH",
            "-DENIED canary",
            "the target does not let the user in by this connection: it is in protected mode".to_owned(),
        ),
        ("AUTH", "HTTP/1.1 400 canary", "the target: it does not answer as Redis does".to_owned()),
        ("AUTH", "", unreachable("the connection broke off")),
        ("GETUSER", "-ERR unknown command 'ACL', canary", unfit.to_owned()),
        ("GETUSER", "-ERR unknown subcommand 'GETUSER'. canary", unfit.to_owned()),
        ("GETUSER", "-BUSY canary", busy("a script runs for too long (error BUSY)")),
        ("GETUSER", "*2\r\n$6\r\ncanary\r\n$6\r\ncanary", "the target: it does not answer as Redis does".to_owned()),
        ("GETUSER", "+canary", "the target: it does not answer as Redis does".to_owned()),
        ("SETUSER", "-READONLY canary", replica.to_owned()),
        ("SETUSER", "-MASTERDOWN canary", replica.to_owned()),
        ("SETUSER", "-OOM canary", busy("it has reached maxmemory (error OOM)")),
        ("SETUSER", "-ERR canary", "the target failed at ACL SETUSER".to_owned()),
        ("SETUSER", "-CANARY canary", "the target failed at ACL SETUSER".to_owned()),
    ] {
        let port = scripted(move |command| if command.contains(to) { answer } else { usual(command) });
        let place = Place { host: HOST, port };
        let failed = set(&by_admin_at(&place), &place.app(OLD), &place.app("wrong")).await.unwrap_err().to_string();
        assert!(failed.starts_with(&expected) && !failed.contains("canary"), "{to} {answer}: {failed}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let port = TcpListener::bind((HOST, 0)).unwrap().local_addr().unwrap().port();
    let place = Place { host: HOST, port };
    let failed = set(&by_admin_at(&place), &place.app(OLD), &place.app(NEW)).await;
    assert_eq!(failed, Err(Kind::TargetUnreachable("nothing listens at its host and port")));
}

/// A relay that keeps what clients send.
struct Wire {
    port: u16,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Wire {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind((HOST, 0)).unwrap();
        let wire = Self { port: listener.local_addr().unwrap().port(), sent: Arc::default() };
        let sent = wire.sent.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect((HOST, port)).unwrap());
                let (mut answers, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut answers, &mut back);
                    let _ = back.shutdown(std::net::Shutdown::Both);
                });
                let sent = sent.clone();
                std::thread::spawn(move || {
                    let _ = forward(client, &server, &sent);
                    let _ = server.shutdown(std::net::Shutdown::Both);
                });
            }
        });
        wire
    }

    fn sent(&self) -> Vec<u8> {
        self.sent.lock().unwrap().clone()
    }
}

fn forward(mut from: TcpStream, mut to: &TcpStream, sent: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    let mut bytes = [0; 4096];
    loop {
        let read = from.read(&mut bytes)?;
        if read == 0 {
            return Ok(());
        }
        sent.lock().unwrap().extend_from_slice(&bytes[..read]);
        to.write_all(&bytes[..read])?;
    }
}

fn count(bytes: &[u8], text: &str) -> usize {
    bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count()
}

/// What the server shows of other clients' commands.
struct Monitor(TcpStream);

impl Monitor {
    fn of(server: &Redis) -> Self {
        let mut stream = TcpStream::connect((HOST, server.port())).unwrap();
        write!(stream, "AUTH {ADMIN} {ADMIN_PASSWORD:?}\r\nMONITOR\r\n").unwrap();
        let mut answers = [0; 10];
        stream.read_exact(&mut answers).unwrap();
        assert_eq!(&answers, b"+OK\r\n+OK\r\n");
        Self(stream)
    }

    /// All until now: the server sends in the order of its work, so the end is a mark that was made now.
    fn seen(mut self) -> String {
        let mut mark = TcpStream::connect((HOST, self.0.peer_addr().unwrap().port())).unwrap();
        write!(mark, "AUTH {ADMIN} {ADMIN_PASSWORD:?}\r\nECHO the-end\r\n").unwrap();
        let (mut seen, mut bytes) = (Vec::new(), [0; 4096]);
        while count(&seen, "the-end") == 0 {
            let read = self.0.read(&mut bytes).unwrap();
            assert_ne!(read, 0);
            seen.extend_from_slice(&bytes[..read]);
        }
        String::from_utf8_lossy(&seen).into_owned()
    }
}

/// What a server of one user with the password [`OLD`] answers.
fn usual(command: &str) -> &'static str {
    match command {
        command if command.contains("wrong") => "-WRONGPASS canary",
        command if command.contains("ROLE") => "*3\r\n$6\r\nmaster\r\n:0\r\n*0",
        command if command.contains("GETUSER") => "*4\r\n$5\r\nflags\r\n*1\r\n$2\r\non\r\n$9\r\npasswords\r\n*0",
        _ => "+OK",
    }
}

/// A server that answers each command by a line, or breaks off where that is empty.
fn scripted(answer: impl Fn(&str) -> &'static str + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind((HOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = std::sync::Arc::new(answer);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, answer) = (client.unwrap(), std::sync::Arc::clone(&answer));
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(read @ 1..) = client.read(&mut bytes) {
                    let line = answer(&String::from_utf8_lossy(&bytes[..read]));
                    if line.is_empty() || client.write_all(format!("{line}\r\n").as_bytes()).is_err() {
                        break;
                    }
                }
            });
        }
    });
    port
}
