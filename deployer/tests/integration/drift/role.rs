use serde_json::{Value, json};

use super::{Row, row, tags};
use crate::bed::Bed;
use crate::stack::policy;

/// Somebody else than the services.
const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}]}"#;
/// More than a rotation takes.
const RIGHTS: &str =
    r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}"#;
/// A managed policy of AWS's own.
const MANAGED: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

pub fn execution() -> Vec<Row> {
    let mut all = shared("app-role", |bed, key, value| tag(bed, "app-role", key, value));
    for name in ["SecretsManagerRotation", "KMSDecryptForRotation", "WriteLogs", "ManageNetworkInterfaces"] {
        all.extend(inline("app-role", name));
    }
    all
}

pub fn invoke() -> Vec<Row> {
    let mut all = shared("app-schedule-invoke", |bed, key, value| tag(bed, "app-schedule-invoke", key, value));
    all.extend(inline("app-schedule-invoke", "InvokeFunction"));
    all
}

fn call(bed: &Bed, role: &str, method: &str, mut params: Value) {
    params["RoleName"] = json!(role);
    bed.call("iam", method, params);
}

fn tag(bed: &Bed, role: &str, key: &str, value: Option<&str>) {
    match value {
        Some(value) => call(bed, role, "tag_role", json!({"Tags": [{"Key": key, "Value": value}]})),
        None => call(bed, role, "untag_role", json!({"TagKeys": [key]})),
    }
}

fn inline(role: &'static str, name: &'static str) -> [Row; 2] {
    let attribute = || format!("policy[{name:?}]");
    [
        row(attribute(), move |bed| {
            call(bed, role, "put_role_policy", json!({"PolicyName": name, "PolicyDocument": RIGHTS}));
        }),
        row(attribute(), move |bed| call(bed, role, "delete_role_policy", json!({"PolicyName": name}))),
    ]
}

fn shared(role: &'static str, tag: impl Fn(&Bed, &str, Option<&str>) + Copy + 'static) -> Vec<Row> {
    let change = move |method: &'static str, params: Value| move |bed: &Bed| call(bed, role, method, params.clone());
    let mut all = vec![
        row("description", change("update_role_description", json!({"Description": "other"}))),
        row("description", change("update_role_description", json!({"Description": ""}))),
        row("trust", change("update_assume_role_policy", json!({"PolicyDocument": TRUST}))),
        row("permissions_boundary", move |bed| {
            let other = json!({"PermissionsBoundary": policy(bed, &format!("other-{role}"))});
            call(bed, role, "put_role_permissions_boundary", other);
        }),
        row("permissions_boundary", change("delete_role_permissions_boundary", json!({}))),
        row(r#"policy["Added"]"#, change("put_role_policy", json!({"PolicyName": "Added", "PolicyDocument": RIGHTS}))),
        row(format!("attached_policy[{MANAGED:?}]"), change("attach_role_policy", json!({"PolicyArn": MANAGED}))),
    ];
    all.extend(tags(tag));
    all
}
