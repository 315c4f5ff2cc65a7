//! What a PostgreSQL server may ask for before it gets anything of a password.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, reason = "tests")]

mod servers;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use contract::{AuthMethod, Login, LoginCheck, Tls};
use rcgen::{CertificateParams, KeyPair};
use rotator::error::Kind;
use rotator::target::database::Database;
use rotator::target::postgres::Postgres as Driver;
use rotator::target::{Asked, Target, Trust};
use rustls::pki_types::PrivateKeyDer;
use servers::HOST;
use servers::postgres::Postgres;

use AuthMethod::{Md5, Password, ScramSha256};

const PASSWORD: &str = "canary-77'\"\\";
const CLEARTEXT: &[u8] = b"R\0\0\0\x08\0\0\0\x03";
const MD5: &[u8] = b"R\0\0\0\x0c\0\0\0\x05salt";
const OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";
const SASL: &[u8] = b"R\0\0\0\x2a\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0";

/// A server that sends these bytes one by one in answer to the start of a login.
struct Fake {
    port: u16,
    ca: String,
    /// What it got after that start.
    received: JoinHandle<Vec<u8>>,
}

impl Fake {
    fn start(tls: Tls, answer: &'static [u8]) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([HOST.to_owned()]).unwrap().self_signed(&key).unwrap();
        let (ca, chain) = (certificate.pem(), vec![certificate.der().clone()]);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
        let listener = TcpListener::bind((HOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
            if tls == Tls::Off {
                return serve(stream, answer);
            }
            stream.read_exact(&mut [0; 8]).unwrap();
            stream.write_all(b"S").unwrap();
            serve(rustls::StreamOwned::new(rustls::ServerConnection::new(config).unwrap(), stream), answer)
        });
        Self { port, ca, received }
    }
}

fn serve(mut stream: impl Read + Write, answer: &[u8]) -> Vec<u8> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut start = vec![0; u32::from_be_bytes(length) as usize - 4];
    stream.read_exact(&mut start).unwrap();
    for byte in answer {
        // A client that has read enough is gone.
        if stream.write_all(&[*byte]).and_then(|()| stream.flush()).is_err() {
            break;
        }
    }
    let mut received = Vec::new();
    let _ = stream.read_to_end(&mut received);
    received
}

async fn login(port: u16, ca: &str, tls: Tls, allowed: &[AuthMethod], user: &str, password: &str) -> Asked {
    let trust = Trust::new(tls, |_: &str| Ok(ca.as_bytes().to_vec())).unwrap();
    let target = Database::of(Driver::new(&trust, allowed).unwrap(), "password", &Login::default(), None);
    let value = serde_json::json!({"host": HOST, "port": port, "username": user, "password": password}).to_string();
    target.check(&value.into()).await.unwrap().unwrap()
}

#[track_caller]
fn refused(asked: &Asked, words: &str) {
    let Some(kind @ (Kind::TargetUnfit(why) | Kind::AnyPassword(why))) = &asked.why else { panic!("{asked:?}") };
    assert!(why.contains(words) && !kind.to_string().contains("canary"), "{kind}");
}

#[tokio::test]
async fn a_server_that_asks_for_the_password_itself_gets_nothing() {
    for tls in [Tls::VerifyFull, Tls::Off] {
        for (answer, words) in [(CLEARTEXT, "password itself"), (MD5, "MD5"), (OK, "no password")] {
            let server = Fake::start(tls, answer);
            let asked = login(server.port, &server.ca, tls, &[ScramSha256], "app", PASSWORD).await;
            refused(&asked, words);
            assert_eq!(server.received.join().unwrap(), b"", "{words}, {tls:?}");
        }
    }
}

#[tokio::test]
async fn over_tls_a_login_is_bound_to_the_server_s_certificate() {
    let server = Fake::start(Tls::VerifyFull, SASL);
    let asked = login(server.port, &server.ca, Tls::VerifyFull, &[ScramSha256], "app", PASSWORD);
    let (asked, received) = tokio::join!(asked, tokio::task::spawn_blocking(|| server.received.join().unwrap()));
    assert_eq!(asked.login, LoginCheck::Unreachable);
    let received = String::from_utf8_lossy(&received.unwrap()).into_owned();
    assert!(received.contains("SCRAM-SHA-256-PLUS\0") && received.contains("p=tls-server-end-point"), "{received}");
}

#[tokio::test]
async fn a_real_server_is_answered_in_the_ways_that_are_allowed() {
    let server = Postgres::start(false);
    let password = PASSWORD.replace('\'', "''");
    server.sql(&format!(
        "CREATE ROLE app LOGIN PASSWORD '{password}'; CREATE ROLE cleartext LOGIN PASSWORD '{password}';
         CREATE ROLE anyone LOGIN PASSWORD '{password}';
         SET password_encryption = md5; CREATE ROLE hashed LOGIN PASSWORD '{password}'"
    ));
    let rules = "host all cleartext all password\nhost all hashed all md5\nhost all anyone all trust\n";
    let file = server.sql("SHOW hba_file");
    let present = std::fs::read_to_string(&file).unwrap();
    let loaded = server.sql("SELECT pg_conf_load_time()");
    std::fs::write(file, format!("{rules}{present}")).unwrap();
    server.sql("SELECT pg_reload_conf()");
    let start = Instant::now();
    while server.sql("SELECT pg_conf_load_time()") == loaded {
        assert!(start.elapsed() < Duration::from_secs(10));
    }
    let login = async |user, password, allowed: &[_]| login(server.port(), "", Tls::Off, allowed, user, password).await;

    for (user, allowed) in [("app", ScramSha256), ("cleartext", Password), ("hashed", Md5)] {
        assert_eq!(login(user, PASSWORD, &[allowed]).await.login, LoginCheck::Opens, "{user}");
        assert_eq!(login(user, "wrong", &[allowed]).await.login, LoginCheck::Refused, "{user}");
    }
    for (user, words) in [("cleartext", "password itself"), ("hashed", "MD5")] {
        refused(&login(user, PASSWORD, &[ScramSha256]).await, words);
    }
    refused(&login("app", PASSWORD, &[Md5, Password]).await, "SCRAM-SHA-256");
    for password in [PASSWORD, "wrong"] {
        refused(&login("anyone", password, &[ScramSha256, Md5, Password]).await, "no password");
    }
}
