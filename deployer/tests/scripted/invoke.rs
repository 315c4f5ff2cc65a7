//! Asking a function that can't be asked yet.

use contract::Outcome;
use deployer::aws::{Class, FunctionError};
use serde_json::{Value as Json, json};

use crate::wire::{Mishap, Wire, error, ok};

const INVOKE: &str = "lambda:InvokeFunction";

#[tokio::test(start_paused = true)]
async fn a_function_that_is_being_made_or_woken_is_asked_once_it_can_be() {
    let pending = || {
        let words =
            "The operation cannot be performed at this time. The function is currently in the following state: Pending";
        error(409, "ResourceConflictException", words)
    };
    let wire = Wire::new();
    let answer = json!({"secretArn": "arn", "outcome": "healthy", "checks": [], "logins": {}});
    wire.on(INVOKE, [pending(), pending(), ok(answer)]);
    let invocation = wire.clients().self_check("f").await.unwrap();
    assert_eq!(invocation.outcome.unwrap().outcome, Outcome::Healthy);
    wire.always(INVOKE, pending());
    let refused = wire.clients().self_check("f").await.unwrap_err();
    assert_eq!(refused.class, Class::Conflict);
    assert!(refused.message.contains("180 s") && refused.message.contains("Pending"), "{refused}");
}

/// What Lambda answers for a function that failed.
async fn failed(payload: Json) -> FunctionError {
    let wire = Wire::new();
    let headers = vec![("x-amz-function-error", "Unhandled".to_owned())];
    wire.mishap(INVOKE, Mishap::Answers { status: 200, headers, body: payload.to_string() });
    wire.clients().self_check("f").await.unwrap().outcome.unwrap_err()
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
