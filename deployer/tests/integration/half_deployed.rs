//! Whatever was left behind half done, by hand or by a kill at any call, goes up and comes down.

use serde_json::json;

use crate::proxy::{Proxy, When, mutates};
use crate::stack::{FILE, Stack};

/// A role without policies and a log group, as somebody who knew our tags would make them.
fn make_two(stack: &Stack) {
    let tags = json!({"deployer:stack": "app", "deployer:region": "us-east-1"});
    let list: Vec<_> = tags.as_object().unwrap().iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect();
    let role = json!({"RoleName": "app-role", "AssumeRolePolicyDocument": "{}", "Tags": list});
    stack.bed.call("iam", "create_role", role);
    stack.bed.call("logs", "create_log_group", json!({"logGroupName": "/aws/lambda/app-function", "tags": tags}));
}

#[test]
fn what_is_there_already_is_completed() {
    let stack = Stack::new();
    make_two(&stack);
    let verbs = stack.plan().actions();
    assert!(verbs.contains(&"execution-role: update".to_owned()) && verbs.contains(&"log-group: update".to_owned()));
    stack.apply();
    stack.expect_no_changes();
    stack.deploy("rotate").expect(0);
}

#[test]
fn what_is_there_already_is_torn_down() {
    let stack = Stack::new();
    make_two(&stack);
    stack.deploy("teardown --yes").expect(0);
    assert_eq!(stack.bed.names(), Vec::<String>::new());
}

/// Kills a command when the emulator has done a call, and the answer is still on its way.
fn kill_at(stack: &Stack, proxy: &Proxy, call: &str, command: &str) {
    let held = proxy.hold(call, When::Answered);
    let running = stack.desk.start(command);
    held.wait();
    running.signal("KILL");
    assert_eq!(running.end().code(), None, "{command} was not killed at {call}");
}

fn changes(proxy: &Proxy) -> Vec<String> {
    proxy.take().into_keys().filter(|call| mutates(call)).collect()
}

#[test]
fn an_apply_killed_at_any_call_is_completed_by_the_next() {
    let mut stack = Stack::new();
    let proxy = Proxy::of(&stack.bed);
    stack.desk.set("AWS_ENDPOINT_URL", &proxy.endpoint);
    stack.apply();
    let calls = changes(&proxy);
    assert!(calls.len() >= 9, "{calls:?}");
    for call in calls {
        stack.deploy("teardown --yes --force-delete-secret").expect(0);
        kill_at(&stack, &proxy, &call, &format!("apply {FILE} --yes"));
        stack.apply();
        stack.expect_no_changes();
        let secret = stack.bed.call("secretsmanager", "describe_secret", stack.secret());
        assert_eq!(secret["VersionIdsToStages"].as_object().unwrap().len(), 1, "{call}: a second value was made");
    }
}

#[test]
fn a_teardown_killed_at_any_call_is_completed_by_the_next() {
    let mut stack = Stack::applied();
    let proxy = Proxy::of(&stack.bed);
    stack.desk.set("AWS_ENDPOINT_URL", &proxy.endpoint);
    stack.deploy("teardown --yes").expect(0);
    let calls = changes(&proxy);
    assert!(calls.len() >= 7, "{calls:?}");
    for call in calls {
        stack.apply();
        kill_at(&stack, &proxy, &call, &format!("teardown {FILE} --yes"));
        stack.deploy("teardown --yes").expect(0);
        assert_eq!(stack.bed.names(), ["secrets app/password"], "{call}");
    }
}
