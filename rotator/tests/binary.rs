//! The built function, between a runtime API and a Secrets Manager of the test's own on loopback.
#![allow(clippy::unwrap_used, reason = "tests")]

mod model;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use contract::{Config, PasswordPolicy, Target};
use model::{CANARY, State, value};
use rotator::store::{CURRENT, PENDING};
use serde_json::{Value, json};

const ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:a-AbCdEf";

/// An answer on the wire; `None` drops the connection.
type Reply = Option<(u16, String)>;
/// What happens at a call of an action instead of the true answer; `None` lets it through.
type Fault = Box<dyn Fn(&str, &Value) -> Option<Reply> + Send + Sync>;

struct Aws {
    state: Mutex<State>,
    calls: Mutex<Vec<String>>,
    fault: Fault,
}

impl Aws {
    fn new(with_value: bool, fault: Fault) -> Arc<Self> {
        let state = Mutex::new(model::secret(with_value).into_inner());
        Arc::new(Self { state, calls: Mutex::default(), fault })
    }

    fn answer(&self, action: &str, body: &Value) -> Reply {
        self.calls.lock().unwrap().push(action.to_owned());
        if let Some(reply) = (self.fault)(action, body) {
            return reply;
        }
        let mut state = self.state.lock().unwrap();
        let text = |key: &str| body[key].as_str();
        assert_eq!(text("SecretId"), Some(ARN));
        let result = match action {
            "DescribeSecret" => {
                let ids = state.values.keys().map(|id| (id.clone(), json!(state.of(id))));
                Ok(
                    json!({"ARN": ARN, "VersionIdsToStages": ids.filter(|(_, l)| l != &json!([])).collect::<serde_json::Map<_, _>>()}),
                )
            }
            "GetSecretValue" => {
                let id =
                    text("VersionId").or_else(|| state.holder(text("VersionStage").unwrap())).map(ToOwned::to_owned);
                match id.and_then(|id| state.values.get(&id).map(|value| (id.clone(), value))) {
                    Some((id, value)) => {
                        let created = since_1970().as_secs() - 300;
                        Ok(
                            json!({"ARN": ARN, "VersionId": id, "SecretString": value, "VersionStages": state.of(&id), "CreatedDate": created}),
                        )
                    }
                    None => Err((
                        "ResourceNotFoundException",
                        "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
                    )),
                }
            }
            "PutSecretValue" => {
                let labels: Vec<String> = serde_json::from_value(body["VersionStages"].clone()).unwrap();
                let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
                let id = text("ClientRequestToken").unwrap();
                let put = state.put(id, text("SecretString").unwrap(), &labels);
                put.map(|_| json!({"VersionId": id, "VersionStages": state.of(id)})).map_err(|code| (code, CANARY))
            }
            "UpdateSecretVersionStage" => state
                .update(text("VersionStage").unwrap(), text("RemoveFromVersionId"), text("MoveToVersionId"))
                .map(|()| json!({"ARN": ARN}))
                .map_err(|code| (code, CANARY)),
            other => panic!("{other} is not among the function's actions"),
        };
        Some(match result {
            Ok(body) => (200, body.to_string()),
            Err((code, message)) => (400, error(code, message)),
        })
    }
}

fn error(code: &str, message: &str) -> String {
    json!({"__type": code, "message": message, "Message": message}).to_string()
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// Status, further headers and body.
type Response = Option<(u16, String, String)>;

/// Serves requests until the process ends; returns the address.
fn serve(answer: impl Fn(&str, &str, &str, &[u8]) -> Response + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || connection(&stream.unwrap(), &*answer));
        }
    });
    address
}

fn connection(stream: &TcpStream, answer: impl Fn(&str, &str, &str, &[u8]) -> Response) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut first, mut line, mut target, mut length) = (String::new(), String::new(), String::new(), 0);
        reader.read_line(&mut first).ok().filter(|&n| n > 0)?;
        while {
            line.clear();
            reader.read_line(&mut line).ok()? > 2
        } {
            let (name, value) = line.split_once(':')?;
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().ok()?,
                "x-amz-target" => value.trim().clone_into(&mut target),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let mut words = first.split(' ');
        let (status, headers, reply) = answer(words.next()?, words.next()?, &target, &body)?;
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nx-amzn-RequestId: req-1\r\n{headers}\r\n",
            reply.len()
        );
        (&mut &*stream).write_all(format!("{head}{reply}").as_bytes()).ok()?;
    }
}

/// What came of a run of the function: its answers in order, and all that it wrote.
struct Run {
    answers: Vec<Value>,
    output: String,
}

impl Run {
    fn assert_no_value(&self, aws: &Aws) {
        let told = format!("{}{:?}", self.output, self.answers);
        assert!(!told.contains(CANARY), "{told}");
        for value in aws.state.lock().unwrap().values.values() {
            let password = serde_json::from_str::<Value>(value).unwrap()["password"].as_str().unwrap().to_owned();
            assert!(!told.contains(&password), "{told}");
        }
    }

    fn lines(&self) -> Vec<Value> {
        self.output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Runs the function on the events, one after the other, each with `time` left; `environment` is set on top.
fn invoke(aws: &Arc<Aws>, events: &[Value], time: Duration, environment: &[(&str, &str)]) -> Run {
    let endpoint = {
        let aws = Arc::clone(aws);
        serve(move |_, _, target, body| {
            let action = target.strip_prefix("secretsmanager.").unwrap();
            let (status, body) = aws.answer(action, &serde_json::from_slice(body).unwrap())?;
            Some((status, "Content-Type: application/x-amz-json-1.1\r\n".to_owned(), body))
        })
    };
    let (sender, answers) = mpsc::channel();
    let (queue, next) = (events.to_vec(), AtomicUsize::new(0));
    let runtime = serve(move |method, _, _, body| {
        if method == "GET" {
            let number = next.fetch_add(1, Ordering::SeqCst);
            let Some(event) = queue.get(number) else {
                std::thread::sleep(Duration::from_mins(10));
                return None;
            };
            let deadline = (since_1970() + time).as_millis();
            let headers = format!(
                "Lambda-Runtime-Aws-Request-Id: request-{number}\r\nLambda-Runtime-Deadline-Ms: {deadline}\r\n\
                 Lambda-Runtime-Invoked-Function-Arn: arn:f\r\nLambda-Runtime-Trace-Id: t\r\n"
            );
            return Some((200, headers, event.to_string()));
        }
        sender.send(serde_json::from_slice::<Value>(body).unwrap()).unwrap();
        Some((202, String::new(), "{}".to_owned()))
    });
    let mut child = Command::new(env!("CARGO_BIN_EXE_bootstrap"))
        .env_clear()
        .envs(Config::static_env(
            Some("password"),
            &PasswordPolicy::default(),
            &Target::None,
            &std::collections::BTreeMap::new(),
        ))
        .envs([(contract::env::SECRET_ARN, ARN), ("AWS_REGION", "us-east-1"), ("AWS_LAMBDA_FUNCTION_NAME", "f")])
        .envs([("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", CANARY), ("AWS_SESSION_TOKEN", CANARY)])
        .envs([
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_RUNTIME_API", &runtime),
        ])
        .envs([
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9".to_owned()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", format!("http://{endpoint}")),
        ])
        .envs(environment.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let answers: Vec<Value> = events.iter().map_while(|_| answers.recv_timeout(Duration::from_mins(1)).ok()).collect();
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    let output = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(answers.len(), events.len(), "{output}");
    Run { answers, output }
}

const TIME: Duration = Duration::from_secs(30);

fn rotate() -> Value {
    json!({"action": "rotate", "secretArn": ARN, "scheduleArn": "arn:aws:scheduler:x", "scheduledTime": "2026-11-23T06:00:00Z"})
}

fn no_fault() -> Fault {
    Box::new(|_, _| None)
}

#[test]
fn the_same_tick_twice_makes_one_version_over_the_wire() {
    for with_value in [true, false] {
        let aws = Aws::new(with_value, no_fault());
        let run = invoke(&aws, &[rotate(), rotate()], TIME, &[]);
        let outcomes: Vec<_> = run.answers.iter().map(|answer| answer["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["rotated", "already-rotated"]);
        assert_eq!(run.answers[0]["versionId"], run.answers[1]["versionId"]);
        let state = aws.state.lock().unwrap().clone();
        assert_eq!(state.holder(CURRENT), run.answers[0]["versionId"].as_str());
        assert_eq!(state.values.len(), 1 + usize::from(with_value));
        assert_eq!(state.leftovers(), Vec::<&String>::new());
        run.assert_no_value(&aws);
    }
}

#[test]
fn a_rotation_is_one_log_line_and_one_line_of_metrics() {
    let aws = Aws::new(true, no_fault());
    let run = invoke(&aws, &[rotate()], TIME, &[]);
    let [line, metrics] = <[Value; 2]>::try_from(run.lines()).unwrap();
    assert_eq!(
        (&line["level"], &line["outcome"], &line["requestId"]),
        (&json!("INFO"), &json!("rotated"), &json!("request-0"))
    );
    assert_eq!(line["versionId"], run.answers[0]["versionId"]);
    assert_eq!(metrics["RotationSucceeded"], 1);
    assert!((300..320).contains(&metrics["AgeSeconds"].as_u64().unwrap()), "{metrics}");
    let directive = &metrics["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(directive["Namespace"], "SecretRotation");
    assert_eq!(directive["Dimensions"], json!([["FunctionName"]]));
    for metric in directive["Metrics"].as_array().unwrap() {
        assert!(metrics[metric["Name"].as_str().unwrap()].is_u64(), "{metrics}");
    }
}

#[test]
fn a_failure_names_step_and_class_in_answer_log_and_metrics() {
    let deny = |action: &str, _: &Value| {
        let message = format!("User: x is not authorized because no identity-based policy allows it {CANARY}");
        (action == "PutSecretValue").then(|| Some((400, error("AccessDeniedException", &message))))
    };
    let aws = Aws::new(true, Box::new(deny));
    let run = invoke(&aws, &[rotate()], TIME, &[]);
    let message = "create: secretsmanager:PutSecretValue was denied to the function's role on this secret, \
                   whose policy does not allow it (request req-1)";
    assert_eq!(run.answers[0], json!({"errorType": "Rotator.Permission", "errorMessage": message}));
    let [line, metrics] = <[Value; 2]>::try_from(run.lines()).unwrap();
    assert_eq!(
        (&line["step"], &line["class"], &line["error"]),
        (&json!("create"), &json!("permission"), &json!(message))
    );
    assert_eq!(
        (&metrics["RotationFailed"], &metrics["Step"], &metrics["Class"]),
        (&json!(1), &json!("create"), &json!("permission"))
    );
    assert_eq!(
        metrics["_aws"]["CloudWatchMetrics"][0]["Dimensions"],
        json!([["FunctionName"], ["FunctionName", "Step", "Class"]])
    );
    run.assert_no_value(&aws);
}

#[test]
fn each_denied_action_is_named() {
    for action in contract::SECRET_ACTIONS {
        let deny = move |called: &str, _: &Value| {
            action.ends_with(&format!(":{called}")).then(|| Some((400, error("AccessDeniedException", "no"))))
        };
        let aws = Aws::new(true, Box::new(deny));
        let run = invoke(&aws, &[rotate()], TIME, &[]);
        assert_eq!(run.answers[0]["errorType"], "Rotator.Permission");
        assert!(
            run.answers[0]["errorMessage"].as_str().unwrap().contains(&format!(" {action} was denied")),
            "{:?}",
            run.answers
        );
        assert_eq!(aws.state.lock().unwrap().holder(CURRENT), Some("base"));
    }
}

#[test]
fn a_key_that_the_role_may_not_use_is_not_taken_for_a_denied_action() {
    let deny = |action: &str, _: &Value| {
        (action == "GetSecretValue")
            .then(|| Some((400, error("AccessDeniedException", "Access to KMS is not allowed"))))
    };
    let run = invoke(&Aws::new(true, Box::new(deny)), &[rotate()], TIME, &[]);
    assert_eq!(run.answers[0]["errorType"], "Rotator.Permission");
    assert!(run.answers[0]["errorMessage"].as_str().unwrap().contains("needs kms:Decrypt"), "{:?}", run.answers);
}

#[test]
fn no_value_is_ever_logged_or_answered_whatever_fails() {
    let replies: [fn() -> Reply; 5] = [
        || None,
        || Some((400, error("AccessDeniedException", CANARY))),
        || Some((400, error("InvalidParameterException", &format!("Invalid value: {}", value(CANARY))))),
        || Some((500, error("InternalServiceError", CANARY))),
        || Some((200, format!("{{\"SecretString\": \"{CANARY}\", \"VersionStages\": {{\"{CANARY}"))),
    ];
    let calls = ["DescribeSecret", "GetSecretValue", "PutSecretValue", CURRENT, PENDING];
    std::thread::scope(|scope| {
        for (reply, at) in replies.iter().flat_map(|&reply| calls.map(|call| (reply, call))) {
            scope.spawn(move || {
                let fault = move |action: &str, body: &Value| {
                    let hit = action == at || (action == "UpdateSecretVersionStage" && body["VersionStage"] == at);
                    hit.then(reply)
                };
                let aws = Aws::new(true, Box::new(fault));
                let run = invoke(&aws, &[rotate()], Duration::from_mins(1), &[]);
                let failed = run.answers[0].get("errorType").is_some();
                assert_eq!(failed, at != PENDING, "{at}: {:?}", run.answers);
                run.assert_no_value(&aws);
            });
        }
    });
}

#[test]
fn the_end_of_lambda_s_time_is_told_before_it_comes() {
    let slow = |action: &str, _: &Value| {
        (action == "UpdateSecretVersionStage").then(|| {
            std::thread::sleep(Duration::from_secs(4));
            None
        })
    };
    let aws = Aws::new(true, Box::new(slow));
    let start = Instant::now();
    let run = invoke(&aws, &[rotate()], Duration::from_millis(1800), &[]);
    assert!(start.elapsed() < Duration::from_millis(1700), "{:?}", start.elapsed());
    assert_eq!(run.answers[0]["errorType"], "Rotator.Network");
    assert!(run.answers[0]["errorMessage"].as_str().unwrap().contains("timeout was too short"));
}

#[test]
fn the_self_check_changes_nothing() {
    for with_value in [true, false] {
        let aws = Aws::new(with_value, no_fault());
        let run = invoke(&aws, &[json!({"action": "self-check", "secretArn": ARN})], TIME, &[]);
        assert_eq!(run.answers[0]["outcome"], "healthy");
        assert_eq!(run.answers[0]["versionId"].as_str(), with_value.then_some("base"));
        assert_eq!(run.answers[0]["checks"].as_array().unwrap().len(), 4);
        let mut calls = aws.calls.lock().unwrap().clone();
        calls.sort_unstable();
        assert_eq!(calls, ["DescribeSecret", "GetSecretValue"]);
        run.assert_no_value(&aws);
    }
}

#[test]
fn what_would_keep_a_rotation_from_being_done_fails_the_self_check() {
    let deleting = |action: &str, _: &Value| {
        (action == "DescribeSecret").then(|| Some((200, json!({"ARN": ARN, "DeletedDate": 1}).to_string())))
    };
    let binary = |action: &str, _: &Value| {
        let answer = json!({"ARN": ARN, "VersionId": "b", "SecretBinary": "Y2FuYXJ5LTRiMWQ="});
        (action == "GetSecretValue").then(|| Some((200, answer.to_string())))
    };
    let absent = |_: &str, _: &Value| {
        Some(Some((400, error("ResourceNotFoundException", "Secrets Manager can't find the specified secret."))))
    };
    let faults: [(Fault, &str, &str); 3] = [
        (Box::new(deleting), "Rotator.NotFound", "scheduled for deletion"),
        (Box::new(binary), "Rotator.Value", "binary"),
        (Box::new(absent), "Rotator.NotFound", "does not exist"),
    ];
    for (fault, class, text) in faults {
        let aws = Aws::new(true, fault);
        let run = invoke(&aws, &[json!({"action": "self-check"}), rotate()], TIME, &[]);
        for answer in &run.answers {
            assert_eq!(answer["errorType"], class);
            assert!(answer["errorMessage"].as_str().unwrap().contains(text), "{answer}");
        }
        assert!(!aws.calls.lock().unwrap().iter().any(|call| call == "PutSecretValue"));
    }
}

#[test]
fn a_refused_event_or_environment_reaches_no_secret() {
    let cases = [
        (json!({"action": "rotate", "secretArn": "arn:other"}), vec![], "another secret"),
        (json!({"action": CANARY}), vec![], "not understood"),
        (
            json!({"Step": "createSecret", "SecretId": ARN, "ClientRequestToken": CANARY}),
            vec![],
            "Secrets Manager's own rotation",
        ),
        (rotate(), vec![(contract::env::SECRET_ARN, "")], "ROTATOR_SECRET_ARN: is not set"),
        (rotate(), vec![("AWS_REGION", "")], "AWS_REGION: is not set"),
    ];
    for (event, environment, text) in cases {
        let aws = Aws::new(true, no_fault());
        let run = invoke(&aws, &[event], TIME, &environment);
        assert_eq!(run.answers[0]["errorType"], "Rotator.Config");
        assert!(run.answers[0]["errorMessage"].as_str().unwrap().contains(text), "{:?}", run.answers);
        assert!(aws.calls.lock().unwrap().is_empty());
        run.assert_no_value(&aws);
    }
}
