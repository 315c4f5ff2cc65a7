//! Why did it not rotate: what was broken on purpose is told, with what mends it, and nothing is changed unless asked.

use serde_json::{Value, json};

use crate::bed::{ACCOUNT, Bed};
use crate::rights::READS;
use crate::stack::{Stack, spec};

const STALE: &str = "rotator-base-11111111-1111-1111-1111-111111111111";

/// The findings that are not good: level, address and words.
fn told(stack: &Stack, code: i32) -> Vec<String> {
    let document = stack.deploy("doctor -o json").expect(code).json();
    assert_eq!((&document["errors"], &document["stacks"][0]["healthy"]), (&json!([]), &json!(code == 0)));
    let findings = document["stacks"][0]["findings"].as_array().unwrap().clone();
    let text = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
    let line = |one: &Value| format!("{} {}: {}", text(one, "level"), text(one, "address"), text(one, "what"));
    findings.iter().filter(|one| one["level"] != "good").map(line).collect()
}

fn label(stack: &Stack, label: &str, version: &str) {
    let params = json!({"SecretId": stack.spec["secret"]["name"], "VersionStage": label, "MoveToVersionId": version});
    stack.bed.call("secretsmanager", "update_secret_version_stage", params);
}

#[test]
fn a_healthy_stack_is_told_so_and_is_only_read() {
    let stack = Stack::applied();
    stack.deploy("rotate").expect(0);
    let before = stack.bed.inventory();
    let none: [&str; 0] = [];
    assert_eq!(told(&stack, 0), none);
    stack.deploy("doctor").expect(0).says("self-check passed").says("rotated at").says("Healthy: 0 problems");
    stack.deploy("doctor --fix --yes").expect(0).says("nothing that --fix could mend");
    assert_eq!(stack.bed.inventory(), before);
}

type Fault = (fn(&Stack), &'static str, &'static str);

const FAULTS: [Fault; 5] = [
    (disable, "problem schedule: it is disabled", "apply --yes --skip-self-check"),
    (
        |stack| {
            let params = json!({"RoleName": "app-role", "PolicyName": "SecretsManagerRotation"});
            stack.bed.call("iam", "delete_role_policy", params);
        },
        "problem execution-role: the function's role lacks its policy SecretsManagerRotation",
        "apply --yes",
    ),
    (
        |stack| {
            let trust = json!({"Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole",
            }]});
            let params = json!({"RoleName": "app-schedule-invoke", "PolicyDocument": trust.to_string()});
            stack.bed.call("iam", "update_assume_role_policy", params);
        },
        "problem invoke-role: the schedule may not assume its invoke role",
        "apply --yes --skip-self-check",
    ),
    (
        |stack| {
            let mut params = json!({"SecretString": r#"{"password": "by hand"}"#, "VersionStages": ["AWSPENDING"]});
            params["SecretId"] = stack.spec["secret"]["name"].clone();
            params["ClientRequestToken"] = json!("22222222-2222-2222-2222-222222222222");
            stack.bed.call("secretsmanager", "put_secret_value", params);
        },
        "problem secret: version 22222222-2222-2222-2222-222222222222 is AWSPENDING",
        "rotate",
    ),
    (
        |stack| {
            let params = json!({"FunctionName": "app-function", "ReservedConcurrentExecutions": 0});
            stack.bed.call("lambda", "put_function_concurrency", params);
        },
        "problem function: its reserved concurrency is 0: nothing can run",
        "",
    ),
];

fn disable(stack: &Stack) {
    let mut schedule = stack.bed.call("scheduler", "get_schedule", json!({"Name": "app-schedule", "GroupName": "app"}));
    let fields = ["Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target", "Description"];
    schedule.as_object_mut().unwrap().retain(|name, _| fields.contains(&name.as_str()));
    schedule["State"] = json!("DISABLED");
    stack.bed.call("scheduler", "update_schedule", schedule);
}

#[test]
fn what_was_broken_is_told_until_the_command_that_it_names_has_mended_it() {
    let stack = Stack::applied();
    stack.deploy("rotate").expect(0);
    for (break_it, expected, mend) in FAULTS {
        break_it(&stack);
        let before = stack.bed.inventory();
        let told_of = told(&stack, 1);
        assert!(told_of.iter().any(|line| line.starts_with(expected)), "{expected} is not in {told_of:?}");
        assert_eq!(stack.bed.inventory(), before, "{expected}");
        if mend.is_empty() {
            stack.bed.call("lambda", "delete_function_concurrency", json!({"FunctionName": "app-function"}));
        } else {
            stack.deploy(mend).expect(0);
        }
        told(&stack, 0);
    }
}

#[test]
fn fix_takes_the_stale_label_away_and_changes_nothing_else() {
    let stack = Stack::applied();
    stack.deploy("rotate").expect(0);
    let before = stack.bed.inventory();
    label(&stack, STALE, &stack.version("AWSCURRENT").unwrap());
    label(&stack, "of-somebody", &stack.version("AWSPREVIOUS").unwrap());
    stack.deploy("doctor").expect(0).says(STALE).says("next: deploy doctor stack.yaml --fix");
    stack.deploy("doctor --fix").expect(1).says("there is no terminal to ask on");
    assert!(stack.version(STALE).is_some());

    let fixed = stack.deploy("doctor --fix --yes -o json").expect(0).json()["stacks"][0]["fixed"].clone();
    assert_eq!((&fixed[0]["label"], &fixed[0]["outcome"], &fixed[1]), (&json!(STALE), &json!("done"), &Value::Null));
    assert!(stack.version(STALE).is_none() && stack.version("of-somebody").is_some());
    let params = json!({
        "SecretId": stack.spec["secret"]["name"], "VersionStage": "of-somebody",
        "RemoveFromVersionId": stack.version("AWSPREVIOUS"),
    });
    stack.bed.call("secretsmanager", "update_secret_version_stage", params);
    assert_eq!(stack.bed.inventory(), before);
}

#[test]
fn nothing_of_a_foreign_secret_is_fixed() {
    let stack = Stack::applied();
    label(&stack, STALE, &stack.version("AWSCURRENT").unwrap());
    let tags = json!([{"Key": "deployer:stack", "Value": "other"}]);
    stack.bed.call("secretsmanager", "tag_resource", json!({"SecretId": "app/password", "Tags": tags}));
    let before = stack.bed.inventory();
    stack.deploy("doctor").expect(1).says("app/password is not this stack's").says("--adopt app/secret");
    stack.deploy("doctor --fix --yes").says("refused").expect(1);
    assert_eq!(stack.bed.inventory(), before);
}

#[test]
fn who_may_only_plan_is_told_what_could_not_be_read() {
    let mut stack = Stack::applied();
    let reads = json!([{"Effect": "Allow", "Action": READS, "Resource": "*"}]);
    stack.desk.sign_in(&stack.bed.user("reader", &reads));
    let notices = [
        "notice secret: its versions can't be read",
        "notice function: its state can't be read",
        "notice function: the function could not be asked whether it can rotate",
        "notice rotations: the function's log can't be read",
    ];
    assert_eq!(told(&stack, 0), notices);
    stack.deploy("doctor").says("next: allow lambda:GetFunctionConfiguration");
}

#[test]
fn a_dead_letter_queue_is_set_read_and_missed() {
    let arn = format!("arn:aws:sqs:us-east-1:{ACCOUNT}:dead-letters");
    let mut spec = spec("app");
    spec["schedule"]["dead_letter_queue"] = json!(arn);
    let stack = Stack::in_bed(Bed::ministack(), spec);
    let queue = stack.bed.call("sqs", "create_queue", json!({"QueueName": "dead-letters"}))["QueueUrl"].clone();
    stack.apply();
    stack.expect_no_changes();
    let schedule = stack.bed.call("scheduler", "get_schedule", json!({"Name": "app-schedule", "GroupName": "app"}));
    assert_eq!(schedule["Target"]["DeadLetterConfig"]["Arn"], json!(arn));
    let role = &stack.bed.inventory()["roles"]["app-schedule-invoke"]["Policies"]["SendToDeadLetterQueue"];
    assert_eq!(role["Statement"][0]["Resource"], json!(arn));
    stack.deploy("doctor").expect(0).says("✓ dead-letter-queue  empty");
    stack.bed.call("sqs", "send_message", json!({"QueueUrl": queue, "MessageBody": "{}"}));
    stack.deploy("doctor").expect(0).says("! dead-letter-queue  it holds 1 of what");
    stack.bed.call("sqs", "delete_queue", json!({"QueueUrl": queue}));
    stack.deploy("doctor").expect(1).says("✗ dead-letter-queue  the queue is not there");
}
