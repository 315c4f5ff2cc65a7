//! Secrets Manager starts the rotation. MiniStack keeps the rules and can't turn them off; moto can, and runs no function.

use serde_json::{Value, json};

use crate::bed::Bed;
use crate::stack::{Stack, managed, spec};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:app-function";

fn thirty_days() -> Value {
    managed(spec("app"), &json!({"every_days": 30}))
}

fn secret(stack: &Stack) -> Value {
    stack.bed.call("secretsmanager", "describe_secret", stack.secret())
}

fn statements(stack: &Stack) -> Vec<Value> {
    let policy = stack.bed.inventory()["functions"]["app-function"]["Policy"].clone();
    policy["Statement"].as_array().cloned().unwrap_or_default()
}

#[test]
fn a_managed_stack_has_its_permission_and_rules_and_can_rotate() {
    let stack = Stack::in_bed(Bed::ministack(), thirty_days());
    let planned = ["execution-role", "function", "log-group", "permission", "rotation", "secret"];
    assert_eq!(stack.plan().actions(), planned.map(|address| format!("{address}: create")));
    stack.apply().says("6 created").says("self-check passed");
    stack.expect_no_changes();

    let live = secret(&stack);
    assert_eq!((&live["RotationEnabled"], &live["RotationLambdaARN"]), (&json!(true), &json!(FUNCTION)));
    assert_eq!(live["RotationRules"], json!({"AutomaticallyAfterDays": 30}));
    let [statement] = &statements(&stack)[..] else { panic!("{:?}", statements(&stack)) };
    let condition = json!({
        "StringEquals": {"AWS:SourceAccount": "123456789012"}, "ArnLike": {"AWS:SourceArn": live["ARN"]},
    });
    assert_eq!((&statement["Condition"], &statement["Resource"]), (&condition, &json!(FUNCTION)));
    assert_eq!(statement["Principal"], json!({"Service": "secretsmanager.amazonaws.com"}));

    stack.deploy("rotate").expect(0).says("Rotated.");
    let status = stack.deploy("status -o json").expect(0).json()["stacks"][0].clone();
    assert_eq!((&status["trigger"], &status["target"]), (&json!("managed"), &json!("none")));
    assert_eq!((&status["rotation"]["every_days"], &status["schedule"]), (&json!(30), &Value::Null));
    stack.deploy("status").expect(0).says("every 30 days");
}

#[test]
fn drift_of_the_permission_and_the_rules_is_seen_and_mended_and_what_is_others_stays() {
    let stack = Stack::in_bed(Bed::ministack(), thirty_days());
    stack.apply();
    let own = statements(&stack)[0].clone();
    let (id, name) = (own["Sid"].clone(), json!("app-function"));
    let call = |method: &str, params: Value| stack.bed.call("lambda", method, params);
    let theirs = json!({
        "FunctionName": name, "StatementId": "theirs", "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
    });
    call("add_permission", theirs.clone());
    stack.expect_no_changes();

    call("remove_permission", json!({"FunctionName": name, "StatementId": id}));
    assert_eq!(stack.plan().actions(), ["permission: create"]);
    stack.apply();
    // The same statement for whomever: under its own id it is another.
    call("remove_permission", json!({"FunctionName": name, "StatementId": id}));
    let mut loose = theirs;
    loose["StatementId"] = id.clone();
    call("add_permission", loose);
    assert_eq!(stack.plan().told(), [format!("permission statement[{id}] (update, drift)")]);
    stack.apply();
    let ids: Vec<_> = statements(&stack).iter().map(|one| one["Sid"].clone()).collect();
    assert_eq!((ids.len(), statements(&stack).contains(&own)), (2, true), "{ids:?}");

    let rules = json!({"ScheduleExpression": "rate(1 day)", "Duration": "2h"});
    let other =
        json!({"SecretId": "app/password", "RotationLambdaARN": format!("{FUNCTION}-2"), "RotationRules": rules});
    stack.bed.call("secretsmanager", "rotate_secret", other);
    let told = ["function", "every_days", "expression", "duration"];
    assert_eq!(stack.plan().told(), told.map(|name| format!("rotation {name} (update, drift)")));
    stack.apply();
    stack.expect_no_changes();
    assert_eq!(secret(&stack)["RotationRules"], json!({"AutomaticallyAfterDays": 30}));
}

#[test]
fn a_schedule_gives_way_to_secrets_manager() {
    let mut stack = Stack::applied();
    stack.edit(|spec| *spec = managed(spec.clone(), &json!({"expression": "rate(4 hours)", "duration": "1h"})));
    let told = [
        "function: update",
        "invoke-role: delete",
        "permission: create",
        "rotation: create",
        "schedule: delete",
        "schedule-group: delete",
    ];
    assert_eq!(stack.plan().actions(), told);
    stack.apply().says("2 created, 1 updated, 3 deleted");
    stack.expect_no_changes();
    let names = stack.bed.names();
    assert!(!names.iter().any(|name| name.contains("schedule")), "{names:?}");
    stack.deploy("rotate").expect(0);
}

#[test]
fn a_managed_stack_goes_up_and_down_and_gives_way_to_a_schedule() {
    let mut stack = Stack::in_bed(Bed::moto(), thirty_days());
    stack.deploy("apply --yes --skip-self-check").expect(0).says("Everything reads back as planned.");
    stack.expect_no_changes();
    stack.edit(|this| *this = spec("app"));
    let told = [
        "function: update",
        "invoke-role: create",
        "permission: delete",
        "rotation: delete",
        "schedule: create",
        "schedule-group: create",
    ];
    assert_eq!(stack.plan().actions(), told);
    stack.deploy("apply --yes --skip-self-check").expect(0).says("3 created, 1 updated, 2 deleted");
    stack.expect_no_changes();
    assert_eq!((secret(&stack)["RotationEnabled"].clone(), statements(&stack)), (json!(false), vec![]));

    stack.edit(|this| *this = thirty_days());
    stack.deploy("apply --yes --skip-self-check").expect(0);
    stack.deploy("teardown --yes").expect(0).says("recoverable until");
    assert_eq!(stack.bed.names(), ["secrets app/password"]);
    stack.deploy("teardown --yes").expect(0).says("There is nothing to tear down.");
}

#[test]
fn an_admins_secret_that_is_not_there_is_told_by_the_plan() {
    let mut this = spec("app");
    this["target"] = json!({"redis": {"admin_secret": "app/admin", "tls": "off", "connection": {"host": "cache", "username": "app"}}});
    let stack = Stack::in_bed(Bed::ministack(), this);
    for command in ["plan", "apply --yes"] {
        stack.deploy(command).expect(1).says("the admin's secret app/admin is not there").says("`admin_secret`");
    }
    assert_eq!(stack.bed.names(), Vec::<String>::new());
    let admin = json!({"Name": "app/admin", "SecretString": "{}"});
    stack.bed.call("secretsmanager", "create_secret", admin);
    let told = stack.plan().0;
    let policies = told["execution-role"]["changes"].as_array().unwrap().iter();
    let names: Vec<&str> = policies.filter_map(|change| change["attribute"].as_str()).collect();
    assert!(names.contains(&r#"policy["ReadAdminSecret"]"#), "{names:?}");
}
