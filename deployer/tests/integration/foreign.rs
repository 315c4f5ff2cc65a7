//! What is somebody else's is neither changed nor deleted, unless it is taken over in so many words.

use serde_json::{Value, json};

use crate::bed::Bed;
use crate::stack::Stack;

/// All that can be foreign; a schedule is its group's.
pub const ADDRESSES: [&str; 6] = ["secret", "execution-role", "log-group", "function", "schedule-group", "invoke-role"];

fn pairs(tags: &Value) -> Value {
    tags.as_object().unwrap().iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect()
}

/// Makes a resource under a name of the stack's, with those tags.
pub fn make(bed: &Bed, address: &str, tags: &Value) {
    let role = |name: &str| json!({"RoleName": name, "AssumeRolePolicyDocument": "{}", "Tags": pairs(tags)});
    match address {
        "secret" => {
            let secret =
                json!({"Name": "app/password", "SecretString": r#"{"password":"theirs"}"#, "Tags": pairs(tags)});
            bed.call("secretsmanager", "create_secret", secret)
        }
        "execution-role" => bed.call("iam", "create_role", role("app-role")),
        "invoke-role" => bed.call("iam", "create_role", role("app-schedule-invoke")),
        "log-group" => {
            bed.call("logs", "create_log_group", json!({"logGroupName": "/aws/lambda/app-function", "tags": tags}))
        }
        "schedule-group" => bed.call("scheduler", "create_schedule_group", json!({"Name": "app", "Tags": pairs(tags)})),
        _ => {
            // There from the second time on.
            let _ = bed.attempt("iam", "create_role", json!({"RoleName": "theirs", "AssumeRolePolicyDocument": "{}"}));
            let function = json!({
                "FunctionName": "app-function", "Runtime": "provided.al2023", "Handler": "bootstrap",
                "Role": "arn:aws:iam::123456789012:role/theirs", "Code": {"ZipFile": {"$zip": "#!/bin/sh"}}, "Tags": tags,
            });
            bed.call("lambda", "create_function", function)
        }
    };
}

pub fn remove(bed: &Bed, address: &str) {
    match address {
        "secret" => bed.call(
            "secretsmanager",
            "delete_secret",
            json!({"SecretId": "app/password", "ForceDeleteWithoutRecovery": true}),
        ),
        "execution-role" => bed.call("iam", "delete_role", json!({"RoleName": "app-role"})),
        "invoke-role" => bed.call("iam", "delete_role", json!({"RoleName": "app-schedule-invoke"})),
        "log-group" => bed.call("logs", "delete_log_group", json!({"logGroupName": "/aws/lambda/app-function"})),
        "schedule-group" => bed.call("scheduler", "delete_schedule_group", json!({"Name": "app"})),
        _ => bed.call("lambda", "delete_function", json!({"FunctionName": "app-function"})),
    };
}

#[test]
fn a_foreign_resource_is_refused_and_left_as_it_is() {
    let stack = Stack::new();
    let owners = [
        ("carries no stack's tag", json!({})),
        ("belongs to stack other", json!({"deployer:stack": "other", "deployer:region": "us-east-1"})),
        ("belongs to stack app in eu-west-1", json!({"deployer:stack": "app", "deployer:region": "eu-west-1"})),
        ("belongs to stack App", json!({"deployer:stack": "App"})),
        ("belongs to stack app ", json!({"deployer:stack": "app "})),
        ("carries no stack's tag", json!({"Deployer:Stack": "app"})),
    ];
    for address in ADDRESSES {
        for (owner, tags) in &owners {
            make(&stack.bed, address, tags);
            let before = stack.bed.inventory();
            for command in ["plan", "apply --yes -o json"] {
                let adopt = format!("--adopt app/{address}");
                stack.deploy(command).expect(3).says(owner).says(&adopt);
            }
            stack.deploy("teardown --yes").expect(3).says(address);
            assert_eq!(stack.bed.inventory(), before, "{address}, {owner}");
            remove(&stack.bed, address);
        }
    }
}

#[test]
fn a_foreign_resource_is_taken_over_when_it_is_named() {
    for addresses in [&ADDRESSES[..3], &ADDRESSES[3..]] {
        let stack = Stack::new();
        let tags = json!({"deployer:stack": "other", "kept": "no"});
        for address in addresses {
            make(&stack.bed, address, &tags);
        }
        let adopt: Vec<String> = addresses.iter().map(|address| format!("--adopt app/{address}")).collect();
        let (first, all) = (&adopt[0], adopt.join(" "));
        let before = stack.bed.inventory();
        stack.deploy(&format!("apply --yes {first}")).expect(3).says(&adopt[1]);
        assert_eq!(stack.bed.inventory(), before, "adopting one thing touched something");
        let adopted = stack.deploy(&format!("plan -o json {all}")).expect(0).json();
        let resources = adopted["stacks"][0]["resources"].as_array().unwrap().clone();
        assert_eq!(resources.iter().filter(|one| one["adopted"] == true).count(), addresses.len());
        stack.deploy(&format!("apply --yes {all}")).expect(0);
        stack.expect_no_changes();
        if addresses.contains(&"secret") {
            assert_eq!(stack.value(), r#"{"password":"theirs"}"#, "adopting a secret wrote its value");
        }
        stack.deploy("rotate").expect(0);
    }
}

#[test]
fn teardown_removes_what_is_ours_alone() {
    let stack = Stack::applied();
    let group = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/app-function";
    stack.bed.call("logs", "tag_resource", json!({"resourceArn": group, "tags": {"deployer:stack": "other"}}));
    let theirs = stack.bed.inventory()["log_groups"].clone();
    stack.deploy("teardown --yes --force-delete-secret").expect(3).says("log-group /aws/lambda/app-function");
    assert_eq!(stack.bed.names(), ["log_groups /aws/lambda/app-function"]);
    assert_eq!(stack.bed.inventory()["log_groups"], theirs);
}

#[test]
fn a_group_with_somebody_elses_schedule_in_it_is_not_deleted() {
    let stack = Stack::applied();
    let target = json!({"Arn": "arn:aws:lambda:us-east-1:123456789012:function:x", "RoleArn": "arn:aws:iam::123456789012:role/x"});
    let theirs = json!({
        "Name": "theirs", "GroupName": "app", "ScheduleExpression": "rate(7 days)", "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
    });
    stack.bed.call("scheduler", "create_schedule", theirs);
    let before = stack.bed.inventory()["schedules"]["theirs"].clone();
    stack.deploy("teardown --yes --force-delete-secret").expect(3).says("theirs");
    assert_eq!(stack.bed.names(), ["schedule_groups app", "schedules theirs"]);
    assert_eq!(stack.bed.inventory()["schedules"]["theirs"], before);
}
