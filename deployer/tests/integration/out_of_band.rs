//! Resources that somebody deleted, or made anew: the plan says what it takes, apply does it.

use serde_json::{Value, json};

use crate::bed::Bed;
use crate::stack::Stack;

/// Deletes a role with all that hangs on it.
fn delete_role(bed: &Bed, name: &str) {
    let role = &bed.inventory()["roles"][name];
    for policy in role["Policies"].as_object().unwrap().keys() {
        bed.call("iam", "delete_role_policy", json!({"RoleName": name, "PolicyName": policy}));
    }
    bed.call("iam", "delete_role", json!({"RoleName": name}));
}

/// Deletes a role, and makes one that differs from it in its id and its path alone.
fn make_anew(bed: &Bed, name: &str, path: &str) {
    let mut role = bed.inventory()["roles"][name].take();
    let trust = role["AssumeRolePolicyDocument"].to_string();
    let mut new = json!({"RoleName": name, "Path": path, "AssumeRolePolicyDocument": trust});
    for field in ["Description", "Tags"] {
        new[field] = role[field].take();
    }
    delete_role(bed, name);
    bed.call("iam", "create_role", new);
    for (policy, document) in role["Policies"].as_object().unwrap() {
        let document = document.to_string();
        bed.call("iam", "put_role_policy", json!({"RoleName": name, "PolicyName": policy, "PolicyDocument": document}));
    }
}

type Deletion = (&'static str, fn(&Bed), &'static [&'static str]);

const DELETIONS: [Deletion; 8] = [
    (
        "secret",
        |bed| delete_secret(bed, "ForceDeleteWithoutRecovery", &json!(true)),
        &["function: update", "secret: create"],
    ),
    ("secret, recoverable", |bed| delete_secret(bed, "RecoveryWindowInDays", &json!(7)), &["secret: restore"]),
    ("execution role", |bed| delete_role(bed, "app-role"), &["execution-role: create", "function: replace"]),
    ("invoke role", |bed| delete_role(bed, "app-schedule-invoke"), &["invoke-role: create"]),
    ("log group", delete_log_group, &["log-group: create"]),
    ("function", delete_function, &["function: create"]),
    ("schedule", delete_schedule, &["schedule: create"]),
    ("schedule group", delete_group, &["schedule: create", "schedule-group: create"]),
];

fn delete_secret(bed: &Bed, how: &str, value: &Value) {
    bed.call("secretsmanager", "delete_secret", json!({"SecretId": "app/password", how: value}));
}

fn delete_log_group(bed: &Bed) {
    bed.call("logs", "delete_log_group", json!({"logGroupName": "/aws/lambda/app-function"}));
}

fn delete_function(bed: &Bed) {
    bed.call("lambda", "delete_function", json!({"FunctionName": "app-function"}));
}

fn delete_schedule(bed: &Bed) {
    bed.call("scheduler", "delete_schedule", json!({"Name": "app-schedule", "GroupName": "app"}));
}

fn delete_group(bed: &Bed) {
    bed.call("scheduler", "delete_schedule_group", json!({"Name": "app"}));
}

#[test]
fn what_was_deleted_is_made_again() {
    let stack = Stack::applied();
    let names = stack.bed.names();
    for (what, delete, actions) in DELETIONS {
        delete(&stack.bed);
        assert_eq!(stack.plan().actions(), actions, "{what}");
        stack.apply();
        stack.expect_no_changes();
        assert_eq!(stack.bed.names(), names, "{what}");
        stack.deploy("rotate").expect(0);
    }
}

#[test]
fn a_role_made_anew_under_its_name_takes_a_new_function() {
    let stack = Stack::applied();
    make_anew(&stack.bed, "app-role", "/");
    assert_eq!(stack.plan().told(), ["function role_id (replace, drift)"]);
    stack.apply();
    stack.expect_no_changes();
    let inventory = stack.bed.inventory();
    let (tags, role) = (&inventory["functions"]["app-function"]["Tags"], &inventory["roles"]["app-role"]);
    assert_eq!(tags["deployer:role-id"], role["RoleId"]);
}

#[test]
fn a_role_made_anew_under_another_path_is_replaced() {
    let stack = Stack::applied();
    make_anew(&stack.bed, "app-schedule-invoke", "/elsewhere/");
    assert_eq!(stack.plan().told(), ["invoke-role path (replace, drift)"]);
    make_anew(&stack.bed, "app-role", "/elsewhere/");
    let lines = [
        "execution-role path (replace, drift)",
        "function role_id (replace, drift)",
        "invoke-role path (replace, drift)",
    ];
    assert_eq!(stack.plan().told(), lines);
    stack.apply();
    stack.expect_no_changes();
    assert_eq!(stack.bed.inventory()["roles"]["app-role"]["Path"], "/");
}
