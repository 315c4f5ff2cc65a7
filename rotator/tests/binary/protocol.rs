//! What the function promises to the runtime API and to Secrets Manager, for whichever processor it is built.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rotator::store::{CURRENT, PENDING};
use serde_json::{Value, json};

use crate::lambda::{ARN, Aws, Fault, Function, Lambda, Reply, Setting, error, no_fault};
use crate::model::{CANARY, value};

/// Makes a test of each function below, of the function that `$function` gives, if any.
macro_rules! tests {
    ($function:path) => {
        $crate::protocol::tests!($function;
            the_same_tick_twice_makes_one_version_over_the_wire
            a_rotation_is_one_log_line_and_one_line_of_metrics
            a_failure_names_step_and_class_in_answer_log_and_metrics
            each_denied_action_is_named
            a_key_that_the_role_may_not_use_is_not_taken_for_a_denied_action
            no_value_is_ever_logged_or_answered_whatever_fails
            the_end_of_lambda_s_time_is_told_before_it_comes
            the_self_check_changes_nothing
            what_would_keep_a_rotation_from_being_done_fails_the_self_check
            a_refused_event_or_environment_reaches_no_secret
            an_answer_without_end_is_refused_in_bounded_memory
        );
    };
    ($function:path; $($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                if let Some(function) = $function() {
                    $crate::protocol::$name(&function);
                }
            }
        )*
    };
}
pub(crate) use tests;

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
fn invoke(function: &Function, aws: &Arc<Aws>, events: &[Value], time: Duration, environment: &[(&str, &str)]) -> Run {
    let environment = environment.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    let lambda = Lambda::start(aws, &Setting { function: function.clone(), environment, ..Setting::default() }, drop);
    let answers = events.iter().map(|event| lambda.invoke(event.clone(), time).unwrap()).collect();
    Run { answers, output: lambda.end() }
}

const TIME: Duration = Duration::from_secs(30);

fn rotate() -> Value {
    json!({"action": "rotate", "secretArn": ARN, "scheduleArn": "arn:aws:scheduler:x", "scheduledTime": "2026-11-23T06:00:00Z"})
}

pub fn the_same_tick_twice_makes_one_version_over_the_wire(function: &Function) {
    for with_value in [true, false] {
        let aws = Aws::new(with_value, no_fault());
        let run = invoke(function, &aws, &[rotate(), rotate()], TIME, &[]);
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

pub fn a_rotation_is_one_log_line_and_one_line_of_metrics(function: &Function) {
    let aws = Aws::new(true, no_fault());
    let run = invoke(function, &aws, &[rotate()], TIME, &[]);
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

pub fn a_failure_names_step_and_class_in_answer_log_and_metrics(function: &Function) {
    let deny = |action: &str, _: &Value| {
        let message = format!("User: x is not authorized because no identity-based policy allows it {CANARY}");
        (action == "PutSecretValue").then(|| Some((400, error("AccessDeniedException", &message))))
    };
    let aws = Aws::new(true, Box::new(deny));
    let run = invoke(function, &aws, &[rotate()], TIME, &[]);
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

pub fn each_denied_action_is_named(function: &Function) {
    for action in contract::SECRET_ACTIONS {
        let deny = move |called: &str, _: &Value| {
            action.ends_with(&format!(":{called}")).then(|| Some((400, error("AccessDeniedException", "no"))))
        };
        let aws = Aws::new(true, Box::new(deny));
        let run = invoke(function, &aws, &[rotate()], TIME, &[]);
        assert_eq!(run.answers[0]["errorType"], "Rotator.Permission");
        assert!(
            run.answers[0]["errorMessage"].as_str().unwrap().contains(&format!(" {action} was denied")),
            "{:?}",
            run.answers
        );
        assert_eq!(aws.state.lock().unwrap().holder(CURRENT), Some("base"));
    }
}

pub fn a_key_that_the_role_may_not_use_is_not_taken_for_a_denied_action(function: &Function) {
    let deny = |action: &str, _: &Value| {
        (action == "GetSecretValue")
            .then(|| Some((400, error("AccessDeniedException", "Access to KMS is not allowed"))))
    };
    let run = invoke(function, &Aws::new(true, Box::new(deny)), &[rotate()], TIME, &[]);
    assert_eq!(run.answers[0]["errorType"], "Rotator.Permission");
    assert!(run.answers[0]["errorMessage"].as_str().unwrap().contains("needs kms:Decrypt"), "{:?}", run.answers);
}

pub fn no_value_is_ever_logged_or_answered_whatever_fails(function: &Function) {
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
                let run = invoke(function, &aws, &[rotate()], Duration::from_mins(1), &[]);
                let failed = run.answers[0].get("errorType").is_some();
                assert_eq!(failed, at != PENDING, "{at}: {:?}", run.answers);
                run.assert_no_value(&aws);
            });
        }
    });
}

pub fn the_end_of_lambda_s_time_is_told_before_it_comes(function: &Function) {
    let slow = |action: &str, _: &Value| {
        (action == "UpdateSecretVersionStage").then(|| {
            std::thread::sleep(Duration::from_secs(4));
            None
        })
    };
    let aws = Aws::new(true, Box::new(slow));
    let lambda = Lambda::start(&aws, &Setting { function: function.clone(), ..Setting::default() }, drop);
    // What it takes to start is not of that time.
    lambda.invoke(json!({"action": "self-check"}), TIME).unwrap();
    let start = Instant::now();
    let answer = lambda.invoke(rotate(), Duration::from_millis(1800)).unwrap();
    assert!(start.elapsed() < Duration::from_millis(1700), "{:?}", start.elapsed());
    lambda.end();
    assert_eq!(answer["errorType"], "Rotator.Network");
    assert!(answer["errorMessage"].as_str().unwrap().contains("timeout was too short"));
}

pub fn the_self_check_changes_nothing(function: &Function) {
    for with_value in [true, false] {
        let aws = Aws::new(with_value, no_fault());
        let run = invoke(function, &aws, &[json!({"action": "self-check", "secretArn": ARN})], TIME, &[]);
        assert_eq!(run.answers[0]["outcome"], "healthy");
        assert_eq!(run.answers[0]["versionId"].as_str(), with_value.then_some("base"));
        assert_eq!(run.answers[0]["checks"].as_array().unwrap().len(), 4);
        let mut calls = aws.calls.lock().unwrap().clone();
        calls.sort_unstable();
        assert_eq!(calls, ["DescribeSecret", "GetSecretValue"]);
        run.assert_no_value(&aws);
    }
}

pub fn what_would_keep_a_rotation_from_being_done_fails_the_self_check(function: &Function) {
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
        let run = invoke(function, &aws, &[json!({"action": "self-check"}), rotate()], TIME, &[]);
        for answer in &run.answers {
            assert_eq!(answer["errorType"], class);
            assert!(answer["errorMessage"].as_str().unwrap().contains(text), "{answer}");
        }
        assert!(!aws.calls.lock().unwrap().iter().any(|call| call == "PutSecretValue"));
    }
}

pub fn a_refused_event_or_environment_reaches_no_secret(function: &Function) {
    let cases = [
        (json!({"action": "rotate", "secretArn": "arn:other"}), vec![], "another secret"),
        (json!({"action": CANARY}), vec![], "not understood"),
        (
            json!({"Step": "createSecret", "SecretId": "arn:other", "ClientRequestToken": CANARY}),
            vec![],
            "another secret",
        ),
        (rotate(), vec![(contract::env::SECRET_ARN, "")], "ROTATOR_SECRET_ARN: is not set"),
        (rotate(), vec![("AWS_REGION", "")], "AWS_REGION: is not set"),
    ];
    for (event, environment, text) in cases {
        let aws = Aws::new(true, no_fault());
        let run = invoke(function, &aws, &[event], TIME, &environment);
        assert_eq!(run.answers[0]["errorType"], "Rotator.Config");
        assert!(run.answers[0]["errorMessage"].as_str().unwrap().contains(text), "{:?}", run.answers);
        assert!(aws.calls.lock().unwrap().is_empty());
        run.assert_no_value(&aws);
    }
}

/// Answers whatever is asked, without end.
fn endless() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 16 * 1024]);
                let part = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
                let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                while sent.is_ok() {
                    sent = stream.write_all(part.as_bytes());
                }
            });
        }
    });
    endpoint
}

pub fn an_answer_without_end_is_refused_in_bounded_memory(function: &Function) {
    // KiB of the function's own. An emulator of its processor maps a cache of translated code besides.
    let limit = if function.command.len() == 1 { 64 * 1024 } else { 2 * 1024 * 1024 };
    let limited = format!("ulimit -d {limit} || exit 99; exec \"$@\"");
    let mut command: Vec<OsString> = ["bash", "-c", &limited, "bash"].map(Into::into).to_vec();
    command.extend(function.command.clone());
    let aws = Aws::new(true, no_fault());
    let endpoint = endless();
    let environment = [("AWS_ENDPOINT_URL_SECRETS_MANAGER", endpoint.as_str())];
    let run = invoke(&Function { command }, &aws, &[rotate(), rotate()], TIME, &environment);
    for answer in &run.answers {
        assert_eq!(answer["errorType"], "Rotator.Network", "{answer}");
        assert!(answer["errorMessage"].as_str().unwrap().contains("the answer is too long"), "{answer}");
    }
}
