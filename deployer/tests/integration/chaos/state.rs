//! What a scenario begins with, and what there is at its end.

use serde_json::{Map, Value, json};

use crate::bed::Bed;

use super::LATER;

/// A secret's value with that password.
pub fn value_of(password: &str) -> String {
    json!({ "password": password }).to_string()
}

/// Puts a later value in the place of the first, as the function does.
pub fn rotate(bed: &Bed) {
    let put = json!({"SecretId": "app/password", "SecretString": value_of(LATER)});
    bed.call("secretsmanager", "put_secret_value", put);
}

/// Changes something of every resource behind the deployer's back.
pub fn drift(bed: &Bed) {
    let arn = |service: &str, what: &str| format!("arn:aws:{service}:us-east-1:123456789012:{what}");
    let document = |statement: Value| json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let rights = document(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}));
    let secret = "app/password";
    bed.call("secretsmanager", "update_secret", json!({"SecretId": secret, "Description": "other"}));
    bed.call("secretsmanager", "tag_resource", json!({"SecretId": secret, "Tags": [{"Key": "added", "Value": "1"}]}));
    bed.call("iam", "update_role_description", json!({"RoleName": "app-role", "Description": "other"}));
    let put = json!({"RoleName": "app-role", "PolicyName": "Added", "PolicyDocument": rights});
    bed.call("iam", "put_role_policy", put);
    bed.call("iam", "tag_role", json!({"RoleName": "app-role", "Tags": [{"Key": "added", "Value": "1"}]}));
    let attach = json!({"RoleName": "app-role", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"});
    bed.call("iam", "attach_role_policy", attach);
    let put = json!({"RoleName": "app-schedule-invoke", "PolicyName": "InvokeFunction", "PolicyDocument": rights});
    bed.call("iam", "put_role_policy", put);
    let tags = json!([{"Key": "team", "Value": "other"}]);
    bed.call("iam", "tag_role", json!({"RoleName": "app-schedule-invoke", "Tags": tags}));
    let trust = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}});
    let update = json!({"RoleName": "app-schedule-invoke", "PolicyDocument": document(trust)});
    bed.call("iam", "update_assume_role_policy", update);
    let group = "/aws/lambda/app-function";
    let tagged = json!({"resourceArn": arn("logs", &format!("log-group:{group}")), "tags": {"added": "1"}});
    bed.call("logs", "tag_resource", tagged);
    bed.call("logs", "put_retention_policy", json!({"logGroupName": group, "retentionInDays": 365}));
    let function = "app-function";
    let code = json!({"FunctionName": function, "ZipFile": {"$zip": "#!/bin/sh\n"}});
    bed.call("lambda", "update_function_code", code);
    let lambda = arn("lambda", "function:app-function");
    bed.call("lambda", "tag_resource", json!({"Resource": lambda, "Tags": {"added": "1"}}));
    let invoke = json!({"FunctionName": function, "MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 3600});
    bed.call("lambda", "put_function_event_invoke_config", invoke);
    let tags = json!([{"Key": "added", "Value": "1"}]);
    bed.call("scheduler", "tag_resource", json!({"ResourceArn": arn("scheduler", "schedule-group/app"), "Tags": tags}));
    let mut schedule = bed.call("scheduler", "get_schedule", json!({"Name": "app-schedule", "GroupName": "app"}));
    let mut update = json!({"State": "DISABLED", "ScheduleExpression": "rate(9 days)"});
    for field in ["Name", "GroupName", "FlexibleTimeWindow", "Target"] {
        update[field] = schedule[field].take();
    }
    bed.call("scheduler", "update_schedule", update);
    set_memory(bed, function);
}

/// Lambda takes no second change while one is in progress.
fn set_memory(bed: &Bed, function: &str) {
    let update = json!({"FunctionName": function, "MemorySize": 1024});
    for _ in 0..200 {
        if bed.attempt("lambda", "update_function_configuration", update.clone()).is_ok() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("the function is never ready for a change");
}

/// Leaves a secret, a role, a role without its policy, and an empty group.
pub fn take_half_away(bed: &Bed) {
    bed.call("scheduler", "delete_schedule", json!({"Name": "app-schedule", "GroupName": "app"}));
    bed.call("lambda", "delete_function", json!({"FunctionName": "app-function"}));
    bed.call("logs", "delete_log_group", json!({"logGroupName": "/aws/lambda/app-function"}));
    let policy = json!({"RoleName": "app-schedule-invoke", "PolicyName": "InvokeFunction"});
    bed.call("iam", "delete_role_policy", policy);
}

/// All that there is, without what no two runs have in common: random ids, and dates.
pub fn end_state(bed: &Bed) -> Value {
    masked(&with_roles_for_their_ids(&bed.inventory()))
}

/// A role's id is random. Wherever it stands the role's name is shown, so that whose id it is can be compared.
pub fn with_roles_for_their_ids(inventory: &Value) -> Value {
    let roles = inventory["roles"].as_object().unwrap();
    let named = roles.iter().fold(inventory.to_string(), |text, (name, role)| {
        text.replace(role["RoleId"].as_str().unwrap(), &format!("id of {name}"))
    });
    serde_json::from_str(&named).unwrap()
}

/// What an inventory has of a resource that is named in a run's JSON; null where it is not there.
pub fn of<'a>(inventory: &'a Value, resource: &Value) -> &'a Value {
    let kind = match resource["address"].as_str().unwrap() {
        "secret" => "secrets",
        "execution-role" | "invoke-role" => "roles",
        "log-group" => "log_groups",
        "function" => "functions",
        "schedule-group" => "schedule_groups",
        "schedule" => "schedules",
        other => panic!("no inventory has a {other}"),
    };
    &inventory[kind][resource["name"].as_str().unwrap()]
}

/// Fields whose values are made up anew, or are dates.
const MADE_UP: [&str; 8] = [
    "CreateDate",
    "CreatedDate",
    "CreationDate",
    "CreationTime",
    "creationTime",
    "DeletedDate",
    "LastModificationTime",
    "CodeSize",
];

fn masked(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), field(name, value))).collect(),
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::String(text) => Value::from(without_suffix(text)),
        other => other.clone(),
    }
}

fn field(name: &str, value: &Value) -> Value {
    match value {
        _ if MADE_UP.contains(&name) => Value::from("made up"),
        // The ids are random, the labels are not.
        Value::Object(versions) if name == "VersionIdsToStages" => {
            let mut labels: Vec<Value> = versions.values().cloned().collect();
            labels.sort_by_key(Value::to_string);
            Value::from(labels)
        }
        other => masked(other),
    }
}

/// A secret's ARN ends in a hyphen and six random characters.
fn without_suffix(text: &str) -> String {
    match text.split_once(":secret:app/password-") {
        Some((before, after)) if after.len() >= 6 => format!("{before}:secret:app/password-??????{}", &after[6..]),
        _ => text.to_owned(),
    }
}

/// Where two values differ, and how.
pub fn differences(expected: &Value, found: &Value) -> Vec<String> {
    let mut told = Vec::new();
    compare("", expected, found, &mut told);
    told
}

fn compare(path: &str, expected: &Value, found: &Value, told: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(one), Value::Object(other)) => {
            let names: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
            for name in names {
                let of = |map: &Map<String, Value>| map.get(name).cloned().unwrap_or(Value::Null);
                compare(&format!("{path}/{name}"), &of(one), &of(other), told);
            }
        }
        _ if expected == found => {}
        _ => told.push(format!("{path}: {expected} and not {found}")),
    }
}
