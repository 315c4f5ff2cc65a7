//! The promises of a target that is a user of ElastiCache: a real server, and an API of the test's own that changes its
//! users as AWS's does.
#![cfg(feature = "redis")]
#![allow(clippy::unwrap_used, reason = "tests")]

mod lambda;
mod model;
mod servers;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use contract::{Login, LoginCheck, Target as Opens, Tls};
use lambda::{ARN, Aws, Lambda, Setting, no_fault};
use model::State;
use rotator::client;
use rotator::error::{Class, Kind, Step};
use rotator::secret::SecretText;
use rotator::store::CURRENT;
use rotator::target::{AnyTarget, Target, Values};
use serde_json::json;
use servers::HOST;
use servers::redis::Redis;

const ID: &str = "app-id";
const OLD: &str = "the-old-one-of-all";
const NEW: &str = "the new one, öf & with=it";
const NEWER: &str = "the-newer-one-of-all";
const CANARY: &str = "canary-4b1d";

/// What the API answers instead of the truth: an error's status, code and message.
type Refusal = (u16, &'static str, &'static str);

/// What the API does.
struct Script {
    /// How many looks it takes from a change to its end.
    looks: u32,
    /// The status at its end.
    end: &'static str,
    status: &'static str,
    authentication: &'static str,
    name: &'static str,
    /// The refusal, by action.
    refuses: Option<(&'static str, Refusal)>,
    calls: Vec<&'static str>,
}

/// ElastiCache, with one user.
struct Service {
    server: Redis,
    script: Mutex<Script>,
}

impl Service {
    fn start() -> Arc<Self> {
        let server = Redis::start(false);
        server.commands(&format!("ACL SETUSER app on >{OLD} +@read"));
        let (status, authentication, name) = ("active", "password", "app");
        let script = Script { looks: 0, end: "active", status, authentication, name, refuses: None, calls: Vec::new() };
        Arc::new(Self { server, script: Mutex::new(script) })
    }

    fn set(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.script.lock().unwrap().calls)
    }

    fn value(&self, password: &str) -> SecretText {
        let login = json!({"engine": "redis", "host": HOST, "port": self.server.port(), "username": "app", "password": password});
        login.to_string().into()
    }

    /// Which of the passwords open the server.
    fn open(&self) -> Vec<&'static str> {
        [OLD, NEW, NEWER].into_iter().filter(|password| self.server.login("app", password)).collect()
    }

    fn answer(&self, body: &str) -> (u16, String) {
        let form: Vec<(String, String)> = body.split('&').filter_map(pair).collect();
        let get = |key: &str| form.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str());
        let mut script = self.script.lock().unwrap();
        let action = ["DescribeUsers", "ModifyUser"].into_iter().find(|name| get("Action") == Some(name)).unwrap();
        script.calls.push(action);
        assert_eq!(get("UserId"), Some(ID));
        if let Some((_, (status, code, message))) = script.refuses.filter(|(refused, _)| *refused == action) {
            return (status, error(code, message));
        }
        if action == "ModifyUser" {
            if script.status != "active" {
                return (400, error("InvalidUserState", "User app-id has status modifying."));
            }
            script.status = "modifying";
            let prefix = "Passwords.member.";
            let passwords: Vec<&str> =
                form.iter().filter(|(k, _)| k.starts_with(prefix)).map(|(_, v)| v.as_str()).collect();
            assert!((1..=2).contains(&passwords.len()));
            let rules: Vec<String> = passwords.iter().map(|password| format!("\">{password}\"")).collect();
            self.server.commands(&format!("ACL SETUSER app resetpass {}", rules.join(" ")));
        } else if script.status == "modifying" {
            match script.looks.checked_sub(1) {
                Some(left) => script.looks = left,
                None => script.status = script.end,
            }
        }
        let Script { status, authentication, name, .. } = &*script;
        let user = format!(
            "<UserId>{ID}</UserId><UserName>{name}</UserName><Status>{status}</Status>\
             <Authentication><Type>{authentication}</Type><PasswordCount>1</PasswordCount></Authentication>"
        );
        let result = if action == "ModifyUser" { user } else { format!("<Users><member>{user}</member></Users>") };
        (200, format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"))
    }

    /// The API on loopback.
    fn serve(self: &Arc<Self>) -> String {
        let listener = TcpListener::bind((HOST, 0)).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        // Weak, so that the server ends with the test.
        let service = Arc::downgrade(self);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, service) = (stream.unwrap(), Weak::clone(&service));
                std::thread::spawn(move || connection(&stream, &service));
            }
        });
        endpoint
    }

    fn target(self: &Arc<Self>) -> AnyTarget {
        let endpoint = self.serve();
        let client = client::elasticache(|name| match name {
            "AWS_ENDPOINT_URL_ELASTICACHE" => Some(endpoint.clone()),
            "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:9".to_owned()),
            "AWS_REGION" => Some("us-east-1".to_owned()),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some(CANARY.to_owned()),
            _ => None,
        });
        AnyTarget::new(&opens(), Some("password"), None, |_| Ok(Vec::new()), Some(client.unwrap()))
            .map_err(|kind| kind.to_string())
            .unwrap()
    }
}

fn opens() -> Opens {
    Opens::Redis(Login { tls: Tls::Off, elasticache_user: Some(ID.to_owned()), ..Login::default() })
}

fn error(code: &str, message: &str) -> String {
    format!("<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>")
}

/// A key and its value of a form.
fn pair(pair: &str) -> Option<(String, String)> {
    let text = |text: &str| {
        let text = text.replace('+', "%20");
        percent_encoding::percent_decode_str(&text).decode_utf8().unwrap().into_owned()
    };
    let (key, value) = pair.split_once('=')?;
    Some((text(key), text(value)))
}

fn connection(stream: &TcpStream, service: &Weak<Service>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while {
            line.clear();
            reader.read_line(&mut line).ok().filter(|&n| n > 0)? > 2
        } {
            if let Some(("content-length", value)) = line.to_ascii_lowercase().split_once(':') {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let (status, answer) = service.upgrade()?.answer(std::str::from_utf8(&body).ok()?);
        let head = format!("HTTP/1.1 {status} X\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n", answer.len());
        (&mut &*stream).write_all(format!("{head}{answer}").as_bytes()).ok()?;
    }
}

async fn rotate(target: &AnyTarget, current: &SecretText, pending: &SecretText) -> Result<(), Kind> {
    let values = Values { current, pending, previous: None, is_new: false };
    target.set(values, async || Ok(())).await?;
    target.test(values, async || Ok(())).await
}

/// A rotation from [`OLD`] to [`NEW`] that fails.
async fn refused(service: &Arc<Service>) -> Kind {
    let refused = rotate(&service.target(), &service.value(OLD), &service.value(NEW)).await.unwrap_err();
    assert_eq!(service.open(), [OLD]);
    refused
}

#[tokio::test]
async fn the_current_and_the_new_password_work_until_the_next_rotation() {
    let service = Service::start();
    let target = service.target();
    rotate(&target, &service.value(OLD), &service.value(NEW)).await.unwrap();
    assert_eq!(service.open(), [OLD, NEW]);
    rotate(&target, &service.value(NEW), &service.value(NEWER)).await.unwrap();
    assert_eq!(service.open(), [NEW, NEWER]);
}

#[tokio::test]
async fn a_rotation_ends_once_all_the_user_s_caches_know() {
    let service = Service::start();
    service.set(|script| script.looks = 3);
    rotate(&service.target(), &service.value(OLD), &service.value(NEW)).await.unwrap();
    let mut expected = vec!["DescribeUsers", "DescribeUsers", "ModifyUser"];
    // Three looks at a user that is being modified and one at an active one, and one more by the test.
    expected.extend(["DescribeUsers"; 5]);
    assert_eq!(service.calls(), expected);
    assert_eq!(service.script.lock().unwrap().status, "active");
}

#[tokio::test]
async fn a_delivery_that_comes_again_finds_its_work_done_and_waits_for_the_caches_that_don_t_know_yet() {
    let service = Service::start();
    let (current, pending) = (service.value(OLD), service.value(NEW));
    rotate(&service.target(), &current, &pending).await.unwrap();
    service.calls();
    service.set(|script| (script.status, script.looks) = ("modifying", 1));
    rotate(&service.target(), &current, &pending).await.unwrap();
    assert_eq!(service.calls(), ["DescribeUsers", "DescribeUsers"]);
    assert_eq!(service.open(), [OLD, NEW]);
}

#[tokio::test]
async fn a_user_whose_current_value_is_wrong_gets_in_by_the_previous_one() {
    let service = Service::start();
    let (current, pending, previous) = (service.value("wrong"), service.value(NEW), service.value(OLD));
    let values = Values { current: &current, pending: &pending, previous: Some(&previous), is_new: true };
    let target = service.target();
    target.set(values, async || Ok(())).await.unwrap();
    target.test(values, async || Ok(())).await.unwrap();
    assert_eq!(service.open(), [NEW]);
}

#[tokio::test]
async fn a_password_that_was_set_but_does_not_open_is_taken_back() {
    let service = Service::start();
    let (current, pending) = (service.value(OLD), service.value(NEW));
    let values = Values { current: &current, pending: &pending, previous: None, is_new: true };
    let target = service.target();
    target.set(values, async || Ok(())).await.unwrap();
    service.server.commands(&format!("ACL SETUSER app resetpass >{NEWER}"));
    assert_eq!(target.test(values, async || Ok(())).await, Err(Kind::NotAccepted));
    assert_eq!(service.open(), [OLD]);
}

#[tokio::test]
async fn what_an_abandoned_rotation_left_is_settled() {
    let service = Service::start();
    service.server.commands(&format!("ACL SETUSER app resetpass >{NEWER}"));
    service.target().settle(&service.value(OLD), Some(&service.value(NEWER)), None, async || Ok(())).await.unwrap();
    assert_eq!(service.open(), [OLD]);
}

#[tokio::test]
async fn a_delivery_that_is_no_longer_due_changes_nothing() {
    let service = Service::start();
    let (current, pending) = (service.value(OLD), service.value(NEW));
    let values = Values { current: &current, pending: &pending, previous: None, is_new: true };
    let target = service.target();
    assert_eq!(target.set(values, async || Err(Kind::TakenOver)).await, Err(Kind::TakenOver));
    assert_eq!(service.calls(), ["DescribeUsers", "DescribeUsers"]);
    assert_eq!(service.open(), [OLD]);
}

#[tokio::test]
async fn a_late_delivery_gives_way_to_one_whose_change_is_under_way() {
    let service = Service::start();
    let (current, late) = (service.value(OLD), service.value(NEW));
    let values = Values { current: &current, pending: &late, previous: None, is_new: true };
    // Right after this one was found to be due, another makes its change.
    let overtaken = async || {
        service.set(|script| (script.status, script.looks) = ("modifying", 9));
        service.server.commands(&format!("ACL SETUSER app resetpass >{OLD} >{NEWER}"));
        Ok(())
    };
    let refused = service.target().set(values, overtaken).await.unwrap_err();
    assert_eq!(refused.to_string(), "the target is too busy: error InvalidUserState");
    assert_eq!(service.open(), [OLD, NEWER]);
}

#[tokio::test]
async fn a_user_that_is_being_modified_is_busy() {
    let service = Service::start();
    service.set(|script| (script.status, script.looks) = ("modifying", 9));
    assert_eq!(refused(&service).await.to_string(), "the target is too busy: error modifying");
    assert_eq!(service.calls(), ["DescribeUsers"]);
}

#[tokio::test]
async fn a_user_of_another_name_is_never_changed() {
    let service = Service::start();
    service.set(|script| script.name = "other");
    assert!(refused(&service).await.to_string().contains("another name than the secret's `username`"));
    assert_eq!(service.calls(), ["DescribeUsers"]);
}

#[tokio::test]
async fn a_user_that_needs_no_password_or_is_going_is_refused() {
    for (status, authentication, told) in [
        ("active", "no-password", "any password authenticates"),
        ("active", "iam", "logs in by IAM"),
        ("deleting", "password", "neither active nor being modified"),
    ] {
        let service = Service::start();
        service.set(|script| (script.status, script.authentication) = (status, authentication));
        let refused = refused(&service).await;
        assert!(refused.to_string().contains(told), "{refused}");
        assert_eq!(service.calls(), ["DescribeUsers"]);
    }
}

#[tokio::test]
async fn a_user_that_goes_while_it_is_modified_is_not_waited_for() {
    let service = Service::start();
    service.set(|script| (script.looks, script.end) = (1, "deleting"));
    let refused = rotate(&service.target(), &service.value(OLD), &service.value(NEW)).await.unwrap_err();
    assert!(refused.to_string().contains("neither active nor being modified"), "{refused}");
}

#[tokio::test]
async fn the_action_that_the_role_lacks_is_named() {
    for action in contract::ELASTICACHE_ACTIONS {
        let service = Service::start();
        let name = action.strip_prefix("elasticache:").unwrap();
        service.set(|script| script.refuses = Some((name, (403, "AccessDenied", CANARY))));
        let refused = refused(&service).await;
        assert_eq!(refused.to_string(), format!("the target refused {action}: error AccessDenied"));
        assert_eq!(refused.at(Step::Set).class(), Class::Permission);
    }
}

#[tokio::test]
async fn an_error_is_known_by_its_code_and_its_text_is_not_passed_on() {
    let message = "Passwords length must be between 16-128 characters, canary-4b1d";
    for (action, (status, code, message), class) in [
        ("DescribeUsers", (404, "UserNotFound", CANARY), Class::Config),
        ("DescribeUsers", (400, "Throttling", CANARY), Class::Throttled),
        ("DescribeUsers", (403, "ExpiredToken", CANARY), Class::Permission),
        ("DescribeUsers", (503, "ServiceUnavailable", CANARY), Class::Network),
        ("ModifyUser", (404, "UserNotFound", CANARY), Class::Config),
        ("ModifyUser", (400, "InvalidUserState", CANARY), Class::Throttled),
        ("ModifyUser", (400, "InvalidParameterValue", message), Class::Policy),
        ("ModifyUser", (400, "InvalidParameterCombination", message), Class::Policy),
        ("ModifyUser", (400, "InvalidParameterValue", CANARY), Class::Internal),
        ("ModifyUser", (400, CANARY, CANARY), Class::Internal),
    ] {
        let service = Service::start();
        service.set(|script| script.refuses = Some((action, (status, code, message))));
        let refused = refused(&service).await.at(Step::Set);
        assert_eq!(refused.class(), class, "{action} {code}: {refused}");
        let told = format!("{refused} {refused:?}");
        assert!([OLD, NEW].iter().all(|value| !told.contains(value)), "{told}");
        // A code that nobody knows is told as such, the message never.
        assert!(code == CANARY || !told.contains(CANARY), "{told}");
    }
}

#[test]
fn a_rotation_that_ran_out_of_time_is_finished_by_its_next_delivery() {
    let service = Service::start();
    service.set(|script| script.looks = u32::MAX);
    let mut state = State::default();
    state.put("base", service.value(OLD).expose(), &[CURRENT]).unwrap();
    let aws = Arc::new(Aws::of(state, no_fault(), no_fault()));
    let environment = vec![("AWS_ENDPOINT_URL_ELASTICACHE".to_owned(), service.serve())];
    let lambda = Lambda::start(&aws, &Setting { target: opens(), environment, ..Setting::default() }, drop);
    let tick = json!({"action": "rotate", "secretArn": ARN, "scheduleArn": "arn:aws:scheduler:x", "scheduledTime": "2026-11-23T06:00:00Z"});
    let late = lambda.invoke(tick.clone(), Duration::from_secs(3)).unwrap();
    assert!(late["errorMessage"].as_str().unwrap().contains("timeout was too short"), "{late}");
    let holder = |label: &str| aws.state.lock().unwrap().holder(label).map(str::to_owned);
    assert_eq!(holder(CURRENT).as_deref(), Some("base"));

    service.set(|script| script.looks = 1);
    let done = lambda.invoke(tick, Duration::from_secs(30)).unwrap();
    assert_eq!((&done["outcome"], done["versionId"].as_str()), (&json!("rotated"), holder(CURRENT).as_deref()));
    let calls = service.calls();
    assert_eq!(calls.iter().filter(|call| **call == "ModifyUser").count(), 1, "{calls:?}");
    let output = format!("{}{late}{done}", lambda.end());
    for value in aws.state.lock().unwrap().values.values() {
        let password = serde_json::from_str::<serde_json::Value>(value).unwrap()["password"].clone();
        assert!(service.server.login("app", password.as_str().unwrap()));
        assert!(!output.contains(password.as_str().unwrap()), "{output}");
    }
}

#[tokio::test]
async fn a_self_check_asks_the_server_alone() {
    let service = Service::start();
    let target = service.target();
    assert_eq!(target.check(&service.value(OLD)).await.unwrap().unwrap().login, LoginCheck::Opens);
    assert_eq!(target.check(&service.value(NEW)).await.unwrap().unwrap().login, LoginCheck::Refused);
    assert_eq!(target.check_admin().await.unwrap(), None);
    assert!(service.calls().is_empty());
}
