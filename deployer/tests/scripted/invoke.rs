//! Asking a function that can't be asked yet.

use std::sync::Mutex;
use std::time::Duration;

use contract::{Event, Outcome};
use deployer::aws::{Class, Error, FunctionError, Invocation, Remedy, Wait, meaning};
use serde_json::{Value as Json, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::wire::{Mishap, Reply, Wire, absent, denied, error, ok};

const INVOKE: &str = "lambda:InvokeFunction";
const GET: &str = "lambda:GetFunction";
const REASON: &str = "The function is inactive and its VPC connection is no longer available.";

fn pending() -> Reply {
    let words =
        "The operation cannot be performed at this time. The function is currently in the following state: Pending";
    error(409, "ResourceConflictException", words)
}

fn idle() -> Reply {
    error(502, "ResourceNotReadyException", REASON)
}

fn healthy() -> Reply {
    ok(json!({"secretArn": "arn", "outcome": "healthy", "checks": [], "logins": {}}))
}

fn state(state: &str, reason: Option<(&str, &str)>) -> Reply {
    let (code, text) = reason.unzip();
    ok(json!({"Configuration": {"State": state, "StateReasonCode": code, "StateReason": text}}))
}

pub struct Asked {
    pub result: Result<Invocation, Error>,
    /// What was said of waiting.
    pub told: Vec<String>,
    took: Duration,
}

/// Asks as `rotate`, `apply` and `doctor` do.
pub async fn ask(wire: &Wire) -> Asked {
    let (told, start, stop) = (Mutex::new(Vec::new()), Instant::now(), CancellationToken::new());
    let notify = |why: &str| told.lock().unwrap().push(why.to_owned());
    let event = Event::SelfCheck { secret_arn: None };
    let result = wire.clients().invoke("f", &event, Duration::ZERO, Wait::to_invoke(&notify, &stop)).await;
    Asked { result, told: told.into_inner().unwrap(), took: start.elapsed() }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_is_being_made_is_asked_once_it_can_be() {
    let wire = Wire::new();
    wire.on(INVOKE, [pending(), pending(), healthy()]).always(GET, state("Pending", Some(("Creating", "It is made."))));
    let asked = ask(&wire).await;
    assert_eq!(asked.result.unwrap().outcome.unwrap().outcome, Outcome::Healthy);
    assert!(
        asked.told[0].starts_with("the function is Pending (It is made.): The operation cannot"),
        "{:?}",
        asked.told
    );
    wire.always(INVOKE, pending());
    let refused = ask(&wire).await.result.unwrap_err();
    assert_eq!(refused.class, Class::Conflict);
    assert!(refused.message.contains("300 s") && refused.message.contains("Pending"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_function_that_was_idle_on_its_network_is_woken_and_waited_for() {
    let wire = Wire::new();
    // The SDK's own attempts are not told of.
    wire.on(INVOKE, [idle(), idle(), idle(), idle(), pending(), pending(), healthy()]);
    wire.on(GET, [state("Inactive", Some(("Idle", "It was idle."))), state("Pending", None), state("Active", None)]);
    let asked = ask(&wire).await;
    assert_eq!(asked.result.unwrap().outcome.unwrap().outcome, Outcome::Healthy);
    assert_eq!(asked.told[0], format!("the function is Inactive (It was idle.): {REASON}"));
    assert!(asked.told[1].starts_with("the function is Pending: "), "{:?}", asked.told);
    assert!(asked.told[2].starts_with("The operation cannot"), "an active function's state says nothing");
}

#[tokio::test(start_paused = true)]
async fn a_function_that_can_not_be_woken_says_why_and_what_to_do() {
    let wire = Wire::new();
    let full = "the subnets have no free addresses";
    wire.always(INVOKE, idle()).always(GET, state("Inactive", Some(("SubnetOutOfIPAddresses", full))));
    let asked = ask(&wire).await;
    let refused = asked.result.unwrap_err();
    assert!((Duration::from_mins(5)..Duration::from_secs(310)).contains(&asked.took), "{:?}", asked.took);
    assert!(refused.message.contains(full) && refused.message.contains("300 s"), "{refused}");
    assert!(refused.hint.unwrap().contains("function.vpc"));
}

#[tokio::test(start_paused = true)]
async fn a_function_that_has_failed_is_not_waited_for() {
    let wire = Wire::new();
    wire.always(INVOKE, pending()).always(GET, state("Failed", Some(("DisabledKMSKey", "The key is disabled."))));
    let asked = ask(&wire).await;
    let refused = asked.result.unwrap_err();
    assert_eq!((refused.class, wire.count(INVOKE), asked.told.len()), (Class::Outcome, 1, 0));
    assert!(refused.message.contains("Failed: The key is disabled."), "{refused}");
    assert!(refused.hint.unwrap().contains("enable it"));
}

#[tokio::test(start_paused = true)]
async fn who_may_not_look_at_the_state_waits_all_the_same() {
    for looked in [denied(GET), absent(GET)] {
        let wire = Wire::new();
        wire.on(INVOKE, [pending(), healthy()]).always(GET, looked);
        let asked = ask(&wire).await;
        assert!(asked.result.is_ok() && asked.told.len() == 1, "{:?}", asked.told);
    }
}

#[tokio::test(start_paused = true)]
async fn every_state_that_passes_by_itself_is_waited_for_and_any_other_is_told_at_once() {
    let codes = [
        (500, "ServiceException"),
        (429, "TooManyRequestsException"),
        (502, "ENINotReadyException"),
        (502, "EC2ThrottledException"),
        (502, "EC2UnexpectedException"),
        (502, "SubnetIPAddressLimitReachedException"),
        (502, "KMSInvalidStateException"),
        (409, "CodeArtifactUserPendingException"),
        (502, "KMSDisabledException"),
        (502, "KMSAccessDeniedException"),
        (502, "InvalidSubnetIDException"),
        (502, "ENILimitReachedException"),
        (400, "RecursiveInvocationException"),
    ];
    for (status, code) in codes {
        let wire = Wire::new();
        // More than the SDK tries by itself.
        wire.always(GET, state("Active", None)).on(INVOKE, [(); 9].map(|()| error(status, code, "not now")));
        wire.on(INVOKE, [healthy()]);
        let (asked, meaning) = (ask(&wire).await, meaning(INVOKE, code).unwrap());
        if meaning.class.remedy() == Remedy::Wait {
            assert!(asked.result.is_ok(), "{code}: {:?}", asked.result);
            assert!(
                asked.told.iter().all(|why| why == "not now") && !asked.told.is_empty(),
                "{code}: {:?}",
                asked.told
            );
        } else {
            let refused = asked.result.unwrap_err();
            assert_eq!((refused.class, refused.hint.as_deref()), (meaning.class, meaning.fix), "{code}");
            assert!(asked.told.is_empty(), "{code}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_goes_on_failing_is_told_after_half_a_minute() {
    let wire = Wire::new();
    wire.always(INVOKE, error(500, "ServiceException", "An error occurred and the request cannot be processed."));
    let asked = ask(&wire).await;
    let refused = asked.result.unwrap_err();
    assert!(refused.message.contains("not done after 30 s of waiting"), "{refused}");
    assert!(asked.took < Duration::from_secs(45), "{:?}", asked.took);
}

#[tokio::test(start_paused = true)]
async fn who_stops_the_waiting_gets_the_last_reason() {
    let (wire, stop) = (Wire::new(), CancellationToken::new());
    wire.always(INVOKE, idle()).always(GET, state("Inactive", None));
    let notify = |_: &str| stop.cancel();
    let event = Event::SelfCheck { secret_arn: None };
    let stopped = wire.clients().invoke("f", &event, Duration::ZERO, Wait::to_invoke(&notify, &stop)).await;
    let stopped = stopped.unwrap_err();
    assert_eq!(stopped.class, Class::Interrupted);
    assert!(stopped.message.contains("stopped while waiting: the function is Inactive"), "{stopped}");
}

/// What Lambda answers for a function that failed.
async fn failed(payload: Json) -> FunctionError {
    let wire = Wire::new();
    let headers = vec![("x-amz-function-error", "Unhandled".to_owned())];
    wire.mishap(INVOKE, Mishap::Answers { status: 200, headers, body: payload.to_string() });
    ask(&wire).await.result.unwrap().outcome.unwrap_err()
}

/// The type as recorded by `LocalStack`'s `test_lambda.snapshot.json`, `test_lambda_invoke_with_timeout`; before it, and in
/// what emulators answer, there is none.
#[tokio::test(start_paused = true)]
async fn a_function_that_took_too_long_is_known_with_or_without_a_type() {
    let words = "2026-11-25T10:00:00.000Z 0c1f Task timed out after 30.00 seconds";
    for (payload, text) in [
        (json!({"errorMessage": words}), words.to_owned()),
        (json!({"errorType": "", "errorMessage": words}), words.to_owned()),
        (json!({"errorType": "Sandbox.Timedout", "errorMessage": words}), format!("{words} (Sandbox.Timedout)")),
    ] {
        let error = failed(payload).await;
        assert!(error.is_timeout());
        assert_eq!(error.to_string(), text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_without_words_is_told_by_what_there_is() {
    for (payload, text) in [
        (json!(null), "the function failed and said nothing more (Unhandled)"),
        (json!({}), "the function failed and said nothing more (Unhandled)"),
        (json!({"errorType": "Runtime.ExitError"}), "the function failed and said nothing more (Runtime.ExitError)"),
        (json!({"errorMessage": "no"}), "no"),
    ] {
        let error = failed(payload).await;
        assert_eq!((error.to_string().as_str(), error.is_timeout()), (text, false));
    }
}
