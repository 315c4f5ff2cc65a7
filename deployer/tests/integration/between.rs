//! Somebody takes a name between the plan and the change: what has become theirs is neither changed nor deleted.

use serde_json::{Value, json};

use crate::bed::Bed;
use crate::desk::Ran;
use crate::foreign::{ADDRESSES, make, remove};
use crate::proxy::{Held, Proxy, When};
use crate::stack::Stack;

const APPLY: &str = "apply stack.yaml --yes";
const TEARDOWN: &str = "teardown stack.yaml --yes --force-delete-secret";
const POLICY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

fn watched() -> (Stack, Proxy) {
    let mut stack = Stack::applied();
    let proxy = Proxy::of(&stack.bed);
    stack.desk.set("AWS_ENDPOINT_URL", &proxy.endpoint);
    (stack, proxy)
}

/// Runs a command, and does something while it is held up.
fn meanwhile(stack: &Stack, held: Held, command: &str, deed: impl FnOnce(&Bed)) -> Ran {
    let running = stack.desk.start(command);
    held.wait();
    deed(&stack.bed);
    drop(held);
    running.end()
}

/// Where an address is in the inventory.
fn place(address: &str) -> (&'static str, &'static str) {
    match address {
        "secret" => ("secrets", "app/password"),
        "execution-role" => ("roles", "app-role"),
        "invoke-role" => ("roles", "app-schedule-invoke"),
        "log-group" => ("log_groups", "/aws/lambda/app-function"),
        "schedule-group" => ("schedule_groups", "app"),
        _ => ("functions", "app-function"),
    }
}

fn theirs(bed: &Bed, address: &str) -> Value {
    let (kind, name) = place(address);
    bed.inventory()[kind][name].clone()
}

/// Deletes what is ours, and makes one of another stack's in its place.
fn swap(bed: &Bed, address: &str) {
    if let ("roles", name) = place(address) {
        for policy in bed.inventory()["roles"][name]["Policies"].as_object().unwrap().keys() {
            bed.call("iam", "delete_role_policy", json!({"RoleName": name, "PolicyName": policy}));
        }
    }
    remove(bed, address);
    make(bed, address, &json!({"deployer:stack": "rival", "deployer:region": "us-east-1"}));
}

#[test]
fn what_has_become_somebody_elses_since_the_plan_is_not_deleted() {
    for address in ADDRESSES {
        let (stack, proxy) = watched();
        let held = proxy.hold("scheduler:DeleteSchedule", When::Asked);
        let mut before = Value::Null;
        let ran = meanwhile(&stack, held, TEARDOWN, |bed| {
            swap(bed, address);
            before = theirs(bed, address);
        });
        ran.expect(3).says("somebody else's by now").says("belongs to stack rival in us-east-1");
        assert!(before.is_object());
        assert_eq!(theirs(&stack.bed, address), before, "{address}");
        // What is left goes, and theirs stays.
        stack.deploy("teardown --yes --force-delete-secret").expect(3);
        assert_eq!(theirs(&stack.bed, address), before, "{address}");
    }
}

/// Somebody changes something of a resource, which the next apply mends.
fn drift(bed: &Bed, address: &str) {
    let tags = json!([{"Key": "team", "Value": "other"}]);
    let arn = |service: &str, what: &str| format!("arn:aws:{service}:us-east-1:123456789012:{what}");
    match address {
        "secret" => {
            bed.call("secretsmanager", "update_secret", json!({"SecretId": "app/password", "Description": "other"}))
        }
        "log-group" => bed.call(
            "logs",
            "put_retention_policy",
            json!({"logGroupName": "/aws/lambda/app-function", "retentionInDays": 1}),
        ),
        "schedule-group" => bed.call(
            "scheduler",
            "tag_resource",
            json!({"ResourceArn": arn("scheduler", "schedule-group/app"), "Tags": tags}),
        ),
        "function" => {
            let function = json!({"FunctionName": "app-function", "MemorySize": 512});
            bed.call("lambda", "update_function_configuration", function)
        }
        role => bed.call("iam", "tag_role", json!({"RoleName": place(role).1, "Tags": tags})),
    };
}

#[test]
fn what_has_become_somebody_elses_since_the_plan_is_not_changed() {
    for address in ADDRESSES {
        let (stack, proxy) = watched();
        drift(&stack.bed, address);
        let reads: &[&str] = match address {
            "secret" => &["secretsmanager:DescribeSecret"],
            "log-group" => &["logs:DescribeLogGroups", "logs:ListTagsForResource"],
            "schedule-group" => &["scheduler:GetScheduleGroup", "scheduler:ListTagsForResource"],
            "function" => &["lambda:GetFunction"],
            // The plan reads both roles, of which only one has drifted.
            _ => &["iam:GetRole", "iam:GetRole"],
        };
        let hold = |reads: &[&str]| reads.iter().map(|read| proxy.hold(read, When::Asked)).collect::<Vec<Held>>();
        let planned = hold(reads);
        // The look that follows the plan, for one role once.
        let look = hold(if address.ends_with("role") { &reads[1..] } else { reads });
        let running = stack.desk.start(APPLY);
        for held in planned {
            held.wait();
        }
        for held in &look {
            held.wait();
        }
        swap(&stack.bed, address);
        let before = theirs(&stack.bed, address);
        drop(look);
        running.end().expect(3).says("somebody else's by now").says("belongs to stack rival in us-east-1");
        assert_eq!(theirs(&stack.bed, address), before, "{address}");
    }
}

#[test]
fn a_schedule_that_is_put_into_the_group_since_the_plan_is_not_deleted_with_it() {
    let (stack, proxy) = watched();
    let held = proxy.hold("scheduler:DeleteSchedule", When::Asked);
    let target = json!({"Arn": "arn:aws:lambda:us-east-1:123456789012:function:x", "RoleArn": "arn:aws:iam::123456789012:role/x"});
    let schedule = json!({
        "Name": "theirs", "GroupName": "app", "ScheduleExpression": "rate(7 days)", "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
    });
    let ran = meanwhile(&stack, held, TEARDOWN, |bed| drop(bed.call("scheduler", "create_schedule", schedule)));
    ran.expect(3).says("failed   schedule-group app").says("holds schedules of somebody else's since the plan: theirs");
    let names = stack.bed.names();
    assert!(
        names.contains(&"schedules theirs".to_owned()) && names.contains(&"schedule_groups app".to_owned()),
        "{names:?}"
    );
}

#[test]
fn a_policy_that_is_put_on_a_role_since_the_plan_keeps_the_role_whole_until_it_is_told() {
    let (stack, proxy) = watched();
    let before = stack.bed.inventory()["roles"]["app-role"]["Policies"].clone();
    let held = proxy.hold("scheduler:DeleteSchedule", When::Asked);
    let attach = json!({"RoleName": "app-role", "PolicyArn": POLICY});
    let ran = meanwhile(&stack, held, TEARDOWN, |bed| drop(bed.call("iam", "attach_role_policy", attach)));
    ran.expect(3).says("failed   execution-role app-role").says(POLICY);
    assert_eq!(stack.bed.inventory()["roles"]["app-role"]["Policies"], before);
    // Told in the plan, it goes.
    let document =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]});
    let put = json!({"RoleName": "app-role", "PolicyName": "Theirs", "PolicyDocument": document.to_string()});
    stack.bed.call("iam", "put_role_policy", put);
    stack.deploy("teardown --yes --force-delete-secret").expect(0).says(&format!("go with it: Theirs, {POLICY}"));
    assert_eq!(stack.bed.names(), Vec::<String>::new());
}

#[test]
fn what_others_fasten_to_our_resources_is_mended_or_left_and_never_in_the_way_for_good() {
    let stack = Stack::applied();
    let call = |service: &str, method: &str, params: Value| stack.bed.call(service, method, params);
    // An alias, a permission and a policy of the secret's are theirs, and no drift.
    call("lambda", "publish_version", json!({"FunctionName": "app-function"}));
    call("lambda", "create_alias", json!({"FunctionName": "app-function", "Name": "theirs", "FunctionVersion": "1"}));
    let permission = json!({
        "FunctionName": "app-function", "StatementId": "theirs", "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
    });
    call("lambda", "add_permission", permission);
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:DeleteResourcePolicy", "Resource": "*"}]});
    call(
        "secretsmanager",
        "put_resource_policy",
        json!({"SecretId": "app/password", "ResourcePolicy": policy.to_string()}),
    );
    stack.expect_no_changes();
    let before = stack.bed.inventory()["functions"]["app-function"]["Policy"].clone();
    // A layer is code of theirs in our function.
    let layer = json!({"LayerName": "theirs", "Content": {"ZipFile": {"$zip": "#!/bin/sh"}}});
    let layer = call("lambda", "publish_layer_version", layer)["LayerVersionArn"].clone();
    call("lambda", "update_function_configuration", json!({"FunctionName": "app-function", "Layers": [layer]}));
    assert_eq!(stack.plan().told(), [format!("function layer[{layer}] (update, drift)")]);
    stack.apply();
    stack.expect_no_changes();
    assert_eq!(stack.bed.inventory()["functions"]["app-function"]["Policy"], before, "theirs was touched");
    // The schedule of our name in our group is ours, whatever it does by now.
    let mut schedule = call("scheduler", "get_schedule", json!({"Name": "app-schedule", "GroupName": "app"}));
    let fields = [
        "Name",
        "GroupName",
        "ScheduleExpression",
        "ScheduleExpressionTimezone",
        "FlexibleTimeWindow",
        "Target",
        "Description",
    ];
    schedule.as_object_mut().unwrap().retain(|field, _| fields.contains(&field.as_str()));
    schedule["Target"]["Arn"] = json!("arn:aws:lambda:us-east-1:123456789012:function:theirs");
    call("scheduler", "update_schedule", schedule);
    assert_eq!(stack.plan().told(), ["schedule target (update, drift)"]);
    stack.apply();
    // An instance profile holds our role: it is theirs, and the role stays until it is taken out.
    call("iam", "create_instance_profile", json!({"InstanceProfileName": "theirs"}));
    let profile = json!({"InstanceProfileName": "theirs", "RoleName": "app-role"});
    call("iam", "add_role_to_instance_profile", profile.clone());
    let ran = stack.deploy("teardown --yes --force-delete-secret").expect(1);
    ran.says("failed   execution-role app-role").says("take it out of there");
    assert_eq!(stack.bed.names(), ["roles app-role"]);
    call("iam", "remove_role_from_instance_profile", profile);
    stack.deploy("teardown --yes --force-delete-secret").expect(0);
    assert_eq!(stack.bed.names(), Vec::<String>::new());
}

#[test]
fn a_schedule_of_our_name_in_somebody_elses_group_is_theirs() {
    let stack = Stack::new();
    make(&stack.bed, "schedule-group", &json!({"deployer:stack": "rival"}));
    let target = json!({"Arn": "arn:aws:lambda:us-east-1:123456789012:function:x", "RoleArn": "arn:aws:iam::123456789012:role/x"});
    let schedule = json!({
        "Name": "app-schedule", "GroupName": "app", "ScheduleExpression": "rate(7 days)", "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
    });
    stack.bed.call("scheduler", "create_schedule", schedule);
    let before = stack.bed.inventory();
    for command in ["plan", "apply --yes", "teardown --yes"] {
        stack.deploy(command).expect(3).says("schedule app-schedule");
        assert_eq!(stack.bed.inventory(), before, "{command}");
    }
}
