//! What changes in the spec changes in place, and nothing else does.

use serde_json::{Value, json};

use crate::stack::{Stack, policy};

/// Edits the spec; the plan must be exactly that, and apply must carry it out.
#[track_caller]
fn expect(stack: &mut Stack, edit: impl FnOnce(&mut Value), lines: &[&str]) {
    stack.edit(edit);
    assert_eq!(stack.plan().told(), lines);
    stack.apply();
    stack.expect_no_changes();
}

#[test]
fn a_new_expression_is_one_update_of_the_schedule() {
    let mut stack = Stack::applied();
    stack.edit(|spec| {
        spec["schedule"]["expression"] = json!("rate(1 minute)");
        spec["schedule"]["flexible_window_minutes"] = json!(0);
    });
    let plan = stack.plan();
    assert_eq!(plan.actions(), ["schedule: update"]);
    assert_eq!(plan.0["schedule"]["cause"], "spec");
    let change = |name: &str, before: Value, after: Value| json!({"attribute": name, "before": before, "after": after, "effect": "in-place"});
    let changes = json!([
        change("expression", json!("rate(7 days)"), json!("rate(1 minute)")),
        change("flexible_window_minutes", json!(5), json!(0)),
    ]);
    assert_eq!(plan.0["schedule"]["changes"], changes);
    let before = stack.bed.inventory();
    stack.apply().says("1 updated");
    stack.expect_no_changes();
    let mut after = stack.bed.inventory();
    let schedule = &mut after["schedules"]["app-schedule"];
    assert_eq!(schedule["ScheduleExpression"].take(), "rate(1 minute)");
    assert_eq!(schedule["FlexibleTimeWindow"].take(), json!({"Mode": "OFF"}));
    assert_eq!(after["functions"], before["functions"]);
    assert_eq!(after["roles"], before["roles"]);
    assert_eq!(after["secrets"], before["secrets"]);
}

#[test]
fn what_the_spec_changes_is_updated_in_place() {
    let mut stack = Stack::applied();
    let this = &mut stack;
    expect(this, |spec| spec["function"]["memory"] = json!(256), &["function memory (update, spec)"]);
    expect(this, |spec| spec["function"]["timeout"] = json!(20), &["function timeout (update, spec)"]);
    expect(
        this,
        |spec| spec["function"]["log_retention_days"] = json!(90),
        &["log-group retention_days (update, spec)"],
    );
    expect(this, |spec| spec["secret"]["description"] = json!("Other"), &["secret description (update, spec)"]);
    expect(
        this,
        |spec| spec["password"] = json!({"length": 40}),
        &[r#"function environment["ROTATOR_PASSWORD"] (update, spec)"#],
    );
    expect(this, |spec| spec["schedule"]["timezone"] = json!("Europe/Zurich"), &["schedule timezone (update, spec)"]);
    expect(this, |spec| spec["schedule"]["enabled"] = json!(false), &["schedule enabled (update, spec)"]);
    expect(
        this,
        |spec| spec["schedule"]["retry"] = json!({"attempts": 1, "max_age_minutes": 30}),
        &[
            "function async_retries (update, spec)",
            "function async_max_age_seconds (update, spec)",
            "schedule retry_attempts (update, spec)",
            "schedule retry_max_age_seconds (update, spec)",
        ],
    );
    let tagged = ["execution-role", "function", "invoke-role", "log-group", "schedule-group", "secret"];
    let lines: Vec<String> = tagged
        .iter()
        .flat_map(|one| {
            [format!(r#"{one} tags["cost"] (update, spec)"#), format!(r#"{one} tags["team"] (update, spec)"#)]
        })
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    expect(this, |spec| spec["tags"] = json!({"cost": "12"}), &lines);
    let boundary = policy(&this.bed, "edge");
    let lines =
        ["execution-role permissions_boundary (update, spec)", "invoke-role permissions_boundary (update, spec)"];
    expect(this, |spec| spec["role"]["permissions_boundary"] = json!(boundary), &lines);
    let key = this.bed.call("kms", "create_key", json!({}))["KeyMetadata"]["Arn"].clone();
    let lines = [r#"execution-role policy["KMSDecryptForRotation"] (update, spec)"#, "secret kms_key (update, spec)"];
    expect(this, |spec| spec["secret"]["kms_key"] = key, &lines);
    this.deploy("rotate").expect(0);
}

#[test]
fn a_role_under_another_path_is_replaced_and_its_users_follow() {
    let mut stack = Stack::applied();
    let lines = [
        "execution-role path (replace, spec)",
        "function role (replace, spec)",
        "function role_id (replace, spec)",
        "invoke-role path (replace, spec)",
        "schedule role (update, spec)",
    ];
    expect(&mut stack, |spec| spec["role"]["path"] = json!("/rotation/"), &lines);
    let arn = "arn:aws:iam::123456789012:role/rotation/app-role";
    assert_eq!(stack.bed.inventory()["functions"]["app-function"]["Configuration"]["Role"], arn);
    stack.deploy("rotate").expect(0);
}
