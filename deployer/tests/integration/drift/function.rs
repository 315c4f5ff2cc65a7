use serde_json::{Value, json};

use super::{Row, row, rows as several, tags};
use crate::bed::{Bed, architecture};

const NAME: &str = "app-function";
const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:app-function";

fn call(bed: &Bed, method: &str, mut params: Value) {
    params["FunctionName"] = json!(NAME);
    bed.call("lambda", method, params);
}

/// Sets one field of the configuration.
fn configure(field: &'static str, value: impl Into<Value>) -> impl Fn(&Bed) {
    let value = value.into();
    move |bed| call(bed, "update_function_configuration", json!({field: value}))
}

fn network(subnets: &'static [&'static str], groups: &'static [&'static str]) -> impl Fn(&Bed) {
    configure("VpcConfig", json!({"SubnetIds": subnets, "SecurityGroupIds": groups}))
}

/// Sets a variable, or removes it.
fn variable(name: &'static str, value: Option<&'static str>) -> Row {
    row(format!("environment[{name:?}]"), move |bed| {
        let live = bed.call("lambda", "get_function_configuration", json!({"FunctionName": NAME}));
        let mut variables = live["Environment"]["Variables"].clone();
        match value {
            Some(value) => variables[name] = json!(value),
            None => drop(variables.as_object_mut().unwrap().remove(name)),
        }
        configure("Environment", json!({"Variables": variables}))(bed);
    })
}

fn tag(bed: &Bed, key: &str, value: Option<&str>) {
    match value {
        Some(value) => bed.call("lambda", "tag_resource", json!({"Resource": ARN, "Tags": {key: value}})),
        None => bed.call("lambda", "untag_resource", json!({"Resource": ARN, "TagKeys": [key]})),
    };
}

/// Sets both fields: what is left out would be reset.
fn invoked(retries: u32, seconds: u32) -> impl Fn(&Bed) {
    let config = json!({"MaximumRetryAttempts": retries, "MaximumEventAgeInSeconds": seconds});
    move |bed| call(bed, "put_function_event_invoke_config", config.clone())
}

pub fn rows() -> Vec<Row> {
    let other_architecture = if architecture() == "arm64" { "x86_64" } else { "arm64" };
    let mut all = vec![
        row("memory", configure("MemorySize", 512)),
        row("timeout", configure("Timeout", 3)),
        row("description", configure("Description", "other")),
        row("description", configure("Description", "")),
        row("handler", configure("Handler", "other")),
        row("runtime", configure("Runtime", "provided.al2")),
        row("role", configure("Role", "arn:aws:iam::123456789012:role/other")),
        variable("ROTATOR_SECRET_ARN", Some("arn:aws:secretsmanager:us-east-1:123456789012:secret:other-abcdef")),
        variable("ROTATOR_SECRET_ARN", None),
        variable("ROTATOR_PASSWORD", None),
        variable("ROTATOR_FIELD", Some(r#""username""#)),
        variable("ROTATOR_TARGET", None),
        variable("ROTATOR_TARGET", Some(r#"{"postgres":{"connection":{"host":"evil.example","username":"app"}}}"#)),
        variable("ROTATOR_SCHEDULE_ARN", Some("arn:aws:scheduler:us-east-1:123456789012:schedule/other/other")),
        variable("ROTATOR_SCHEDULE_ARN", None),
        variable("ADDED", Some("by hand")),
        row("code_sha256", |bed| call(bed, "update_function_code", json!({"ZipFile": {"$zip": "#!/bin/sh\n"}}))),
        row("architecture", move |bed| {
            let package = bed.call("account", "package", json!({"name": NAME}));
            call(bed, "update_function_code", json!({"ZipFile": package, "Architectures": [other_architecture]}));
        }),
        row("vpc.subnets", network(&["subnet-0000000a"], &["sg-0000000a"])),
        row("vpc.security_groups", network(&["subnet-0000000a", "subnet-0000000b"], &["sg-0000000b"])),
        several(["vpc.subnets", "vpc.security_groups"], network(&[], &[])),
        row("async_retries", invoked(0, 3600)),
        row("async_max_age_seconds", invoked(2, 60)),
        row("tracing", configure("TracingConfig", json!({"Mode": "Active"}))),
        row("ephemeral_storage", configure("EphemeralStorage", json!({"Size": 1024}))),
        row("reserved_concurrency", |bed| {
            call(bed, "put_function_concurrency", json!({"ReservedConcurrentExecutions": 0}));
        }),
        // They are one setting in AWS.
        several(["async_retries", "async_max_age_seconds"], |bed| {
            call(bed, "delete_function_event_invoke_config", json!({}));
        }),
    ];
    all.extend(tags(tag));
    all
}
