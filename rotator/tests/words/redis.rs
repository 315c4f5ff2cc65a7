use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use rotator::error::Kind;
use rotator::target::Trust;
use rotator::target::answer::Means::{Busy, Denied, Refused};
use rotator::target::database::Driver as _;
use rotator::target::redis::{ERRORS, Redis as Target};

use super::servers::redis::Redis;
use super::servers::{ADMIN, ADMIN_PASSWORD, HOST};
use super::{NEW, OLD, Provoked};

async fn provoke(name: &str, server: &Redis) {
    let on = Provoked {
        server: name,
        driver: Target::new(&Trust::Network).unwrap(),
        port: server.port(),
        database: "",
        errors: ERRORS,
    };
    server.commands(&format!(
        "ACL SETUSER app on >{OLD} +@read\nACL SETUSER off off >{OLD} +@read\nACL SETUSER getter on >{OLD} +acl|getuser +role"
    ));
    for (user, password) in [("app", "wrong"), ("nobody", OLD), ("off", OLD)] {
        on.login(Refused, "WRONGPASS", "", user, password).await;
    }
    on.set(Denied, "NOPERM", "", "app", "app", NEW).await;
    on.set(Denied, "NOPERM", "", "getter", "app", NEW).await;

    server.commands("CONFIG SET busy-reply-threshold 1");
    let mut stream = TcpStream::connect((HOST, server.port())).unwrap();
    write!(stream, "AUTH {ADMIN} \"{ADMIN_PASSWORD}\"\r\nEVAL \"while true do end\" 0\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    on.set(Busy, "BUSY", "", ADMIN, "app", NEW).await;
    server.commands("SCRIPT KILL");

    server.commands("CONFIG SET maxclients 5");
    let mut held = Vec::new();
    let answer = loop {
        match on.driver.login(&on.who("app", OLD)).await {
            Ok(Some(session)) if held.len() < 10 => held.push(session),
            answer => break answer.map(|session| session.is_some()),
        }
    };
    // The server says so and hangs up, which may be before it is asked anything.
    match answer {
        Err(Kind::TargetUnreachable(words)) => assert!(words.contains("too many clients"), "{words}"),
        answer => on.gave(Busy, "ERR", "max number of clients", answer),
    }
}

#[tokio::test]
async fn redis() {
    provoke("Redis 7", &Redis::start(false)).await;
}

#[tokio::test]
async fn newer_redis() {
    let Some(server) = Redis::newer(false) else { return };
    provoke("Redis 8", &server).await;
}

#[tokio::test]
async fn valkey() {
    let Some(server) = Redis::valkey(false) else { return };
    provoke("Valkey 9", &server).await;
}
