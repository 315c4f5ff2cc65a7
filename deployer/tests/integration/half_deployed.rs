//! Whatever was left behind half done by hand goes up and comes down; what a kill leaves is in `chaos`.

use serde_json::json;

use crate::stack::Stack;

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
