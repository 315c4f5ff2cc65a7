//! Asking a function that can't be asked yet.

use contract::Outcome;
use deployer::aws::Class;
use serde_json::json;

use crate::wire::{Wire, error, ok};

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
