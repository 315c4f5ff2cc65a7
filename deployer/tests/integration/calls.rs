//! What is asked of AWS: no more than it takes, and never a secret's value.

use std::collections::BTreeMap;

use crate::proxy::{Proxy, mutates};
use crate::stack::Stack;

/// A no-op, call by call: each answers a question that no other call does.
const READS: [(&str, usize); 16] = [
    ("iam:GetRole", 2),
    ("iam:GetRolePolicy", 4),
    ("iam:ListAttachedRolePolicies", 2),
    ("iam:ListRolePolicies", 2),
    ("lambda:GetFunction", 1),
    ("lambda:GetFunctionEventInvokeConfig", 1),
    ("lambda:GetPolicy", 1),
    ("logs:DescribeLogGroups", 1),
    ("logs:ListTagsForResource", 1),
    ("scheduler:GetSchedule", 1),
    ("scheduler:GetScheduleGroup", 1),
    ("scheduler:ListSchedules", 1),
    ("scheduler:ListTagsForResource", 1),
    ("secretsmanager:DescribeSecret", 1),
    ("secretsmanager:GetResourcePolicy", 1),
    ("sts:GetCallerIdentity", 1),
];

fn watched(mut stack: Stack) -> (Stack, Proxy) {
    let proxy = Proxy::of(&stack.bed);
    stack.desk.set("AWS_ENDPOINT_URL", &proxy.endpoint);
    (stack, proxy)
}

#[test]
fn a_plan_and_an_apply_without_changes_make_the_same_few_reads_and_nothing_else() {
    let (stack, proxy) = watched(Stack::applied());
    let expected: BTreeMap<String, usize> = READS.map(|(call, count)| (call.to_owned(), count)).into();
    for command in ["plan", "plan -o json", "apply --yes", "apply --yes -o json"] {
        stack.deploy(command).expect(0);
        let calls = proxy.take();
        println!("deploy {command}: {} calls: {calls:?}", calls.values().sum::<usize>());
        assert_eq!(calls, expected, "deploy {command}");
    }
}

#[test]
fn no_command_reads_a_value_and_none_but_apply_rotate_and_teardown_change_anything() {
    let (stack, proxy) = watched(Stack::new());
    for (command, may_change) in [
        ("validate", false),
        ("plan", false),
        ("apply --yes", true),
        ("plan", false),
        ("apply --yes", false),
        ("status", false),
        ("rotate", true),
        ("logs", false),
        ("status -o json", false),
        ("teardown --yes", true),
        ("teardown --yes", false),
        ("apply --yes", true),
        ("teardown --yes --force-delete-secret", true),
    ] {
        stack.deploy(command).expect(0);
        let calls = proxy.take();
        let changes: Vec<&String> = calls.keys().filter(|call| mutates(call)).collect();
        println!("deploy {command}: {} calls, of them changing: {changes:?}", calls.values().sum::<usize>());
        assert_eq!(changes.is_empty(), !may_change, "deploy {command}: {changes:?}");
        assert!(!calls.keys().any(|call| call.contains("GetSecretValue")), "deploy {command}: {calls:?}");
        assert!(command != "validate" || calls.is_empty(), "validate is offline");
    }
}
