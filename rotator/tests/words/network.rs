use std::net::TcpListener;

use contract::{AuthMethod, Tls};
use rotator::error::{Class, Kind, Step};
use rotator::target::database::Driver;
use rotator::target::mysql::Mysql;
use rotator::target::postgres::Postgres;
use rotator::target::redis::Redis;
use rotator::target::{Credentials, Trust};

use super::servers::{Certificates, HOST};
use super::{OLD, who};

/// What each of the three drivers answers.
async fn each(tls: Tls, to: &Credentials) -> [Kind; 3] {
    let trust = Trust::new(tls, |_: &str| Ok(Certificates::new().ca_pem().as_bytes().to_vec())).unwrap();
    let postgres = Postgres::new(&trust, &[AuthMethod::ScramSha256]).unwrap();
    let (mysql, redis) = (Mysql::new(&trust).unwrap(), Redis::new(&trust).unwrap());
    let answers = tokio::join!(login(&postgres, to), login(&mysql, to), login(&redis, to));
    [answers.0, answers.1, answers.2]
}

async fn login<D: Driver>(driver: &D, to: &Credentials) -> Kind {
    driver.login(to).await.map(drop).unwrap_err()
}

async fn says(words: &str, tls: Tls, host: &str, port: u16) {
    for kind in each(tls, &who(host, port, "app", OLD, "")).await {
        assert!(kind.to_string().contains(words), "{host}: {kind}");
        assert_eq!(kind.at(Step::Set).class(), Class::Network);
    }
}

#[tokio::test]
async fn a_name_a_port_and_silence_are_told_apart() {
    for host in ["db:5432", "nowhere.invalid", "two words"] {
        says("can't be resolved", Tls::Off, host, 1).await;
    }
    let free = TcpListener::bind((HOST, 0)).unwrap().local_addr().unwrap().port();
    says("nothing listens", Tls::VerifyFull, HOST, free).await;
    let silent = TcpListener::bind((HOST, 0)).unwrap();
    says("in time", Tls::Off, HOST, silent.local_addr().unwrap().port()).await;
}

#[tokio::test]
async fn a_connection_that_ends_without_an_answer_has_words_of_its_own() {
    let listener = TcpListener::bind((HOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    says("the connection broke off", Tls::Off, HOST, port).await;
}
