//! The same against another emulator, so that no test is right about one emulator's quirks alone.
//!
//! moto enforces no rights, runs no functions without a container engine, and forgets AWSCURRENT where labels move. What
//! it can't do is asserted as such.

use serde_json::json;

use crate::bed::Bed;
use crate::stack::{Stack, spec};

#[test]
fn a_stack_goes_up_and_down_on_moto_too() {
    let stack = Stack::in_bed(Bed::moto(), spec("app"));
    assert_eq!(stack.plan().actions().len(), 7);
    stack.deploy("apply --yes --skip-self-check").expect(0).says("Everything reads back as planned.");
    stack.expect_no_changes();
    let applied = stack.bed.inventory();
    stack.deploy("apply --yes").expect(0).says("No changes.");
    assert_eq!(stack.bed.inventory(), applied);

    stack.bed.call(
        "logs",
        "put_retention_policy",
        json!({"logGroupName": "/aws/lambda/app-function", "retentionInDays": 1}),
    );
    stack.bed.call(
        "lambda",
        "update_function_configuration",
        json!({"FunctionName": "app-function", "MemorySize": 512}),
    );
    assert_eq!(stack.plan().told(), ["function memory (update, drift)", "log-group retention_days (update, drift)"]);
    stack.deploy("apply --yes --skip-self-check").expect(0);
    stack.expect_no_changes();
    assert_eq!(stack.bed.inventory(), applied);

    // The function can't run there, and that is an error of the function's, not a success.
    let version = stack.version("AWSCURRENT");
    stack.deploy("rotate").expect(1).says("the function failed");
    assert_eq!(stack.version("AWSCURRENT"), version);

    stack.deploy("teardown --yes").expect(0).says("recoverable until");
    assert_eq!(stack.bed.names(), ["secrets app/password"]);
    stack.deploy("teardown --yes").expect(0).says("There is nothing to tear down.");
    let value = stack.bed.call("secretsmanager", "restore_secret", stack.secret());
    assert!(value["ARN"].is_string());
    stack.bed.call("secretsmanager", "delete_secret", stack.secret());
    stack.deploy("apply --yes --skip-self-check").expect(0).says("1 restored");
    stack.expect_no_changes();
    stack.deploy("teardown --yes --force-delete-secret").expect(0);
    assert_eq!(stack.bed.names(), Vec::<String>::new());
}

#[test]
fn an_apply_whose_function_cannot_run_says_so() {
    let stack = Stack::in_bed(Bed::moto(), spec("app"));
    let ran = stack.deploy("apply --yes").expect(1).says("the function can't do its work");
    ran.says("everything was applied: 7 created; nothing was rotated").says("next: `deploy doctor");
    stack.expect_no_changes();
}

#[test]
fn foreign_resources_are_refused_on_moto_too() {
    let stack = Stack::in_bed(Bed::moto(), spec("app"));
    stack.bed.call("scheduler", "create_schedule_group", json!({"Name": "app"}));
    let before = stack.bed.inventory();
    stack.deploy("apply --yes --skip-self-check").expect(3).says("--adopt app/schedule-group");
    assert_eq!(stack.bed.inventory(), before);
    stack.deploy("apply --yes --skip-self-check --adopt app/schedule-group").expect(0);
    stack.expect_no_changes();
}
