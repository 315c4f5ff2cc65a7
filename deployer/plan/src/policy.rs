//! IAM documents: building them, and comparing them by meaning.

use contract::SECRET_ACTIONS;
use serde_json::{Value, json};

use crate::naming::{Names, dns_suffix};
use crate::spec::Spec;

/// IAM's limit for all inline policies of a role together, in characters without white space.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub const MAX_INLINE_CHARACTERS: usize = 10_240;

/// Inline policy of the execution role: the rotation's own calls, on this secret alone.
pub const SECRET_POLICY: &str = "SecretsManagerRotation";
/// Inline policy of the execution role: the use of the secret's key, through Secrets Manager and for this secret alone.
pub const KMS_POLICY: &str = "KMSDecryptForRotation";
/// Inline policy of the execution role: the function's own log group.
pub const LOGS_POLICY: &str = "WriteLogs";
/// Inline policy of the invoke role.
pub const INVOKE_POLICY: &str = "InvokeFunction";

fn document(statement: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

/// Trust in Lambda. The service gives no source condition when it assumes an execution role.
#[must_use]
pub fn lambda_trust() -> Value {
    document(&json!({
        "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole",
    }))
}

/// Trust in EventBridge Scheduler, for the stack's own schedule group alone: the condition must name the group's ARN.
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html>
#[must_use]
pub fn scheduler_trust(spec: &Spec) -> Value {
    document(&json!({
        "Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {
            "aws:SourceAccount": spec.account, "aws:SourceArn": Names::of(spec).schedule_group_arn(),
        }},
    }))
}

/// What the function does with its secret.
#[must_use]
pub fn use_secret(spec: &Spec) -> Value {
    document(&json!({
        "Effect": "Allow", "Action": SECRET_ACTIONS, "Resource": Names::of(spec).secret_arn_pattern(),
    }))
}

/// What the function does with the secret's key, never directly but through Secrets Manager.
///
/// `key_arn` is the customer-managed key; `None` is `aws/secretsmanager`, whose id no one can know beforehand.
#[must_use]
pub fn use_key(spec: &Spec, key_arn: Option<&str>) -> Value {
    let names = Names::of(spec);
    document(&json!({
        "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": key_arn.map_or_else(|| names.any_key_arn(), str::to_owned),
        "Condition": {
            "StringEquals": {"kms:ViaService": format!("secretsmanager.{}.{}", spec.region, dns_suffix(&spec.region))},
            "StringLike": {"kms:EncryptionContext:SecretARN": names.secret_arn_pattern()},
        },
    }))
}

/// What the function does with its log group. Not `logs:CreateLogGroup`: a late flush would bring a deleted group back.
#[must_use]
pub fn write_logs(spec: &Spec) -> Value {
    let group = Names::of(spec).log_group_arn();
    document(&json!({
        "Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": [group, format!("{group}:*")],
    }))
}

/// What the schedule does with the function.
#[must_use]
pub fn invoke_function(spec: &Spec) -> Value {
    document(&json!({
        "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": Names::of(spec).function_arn(),
    }))
}

/// Whether two documents allow and deny the same.
///
/// IAM gives back documents reordered, and takes one string for a list of one. Action names, condition operators and
/// condition keys are compared without case, as IAM does; `Sid` and `Id` say nothing about what is allowed.
#[must_use]
pub fn equivalent(a: &Value, b: &Value) -> bool {
    normalize(a, str::to_ascii_lowercase) == normalize(b, str::to_ascii_lowercase)
}

/// A document with lists for single strings and everything in a fixed order, as it is shown.
#[must_use]
pub fn tidy(document: &Value) -> Value {
    normalize(document, str::to_owned)
}

/// `fold` is applied to what IAM compares without case.
fn normalize(document: &Value, fold: fn(&str) -> String) -> Value {
    let Value::Object(document) = document else { return document.clone() };
    let entry = |(key, value): (&String, &Value)| match key.as_str() {
        "Statement" => Some((key.clone(), sorted(list(value).iter().map(|s| normalize_statement(s, fold)).collect()))),
        "Id" => None,
        _ => Some((key.clone(), value.clone())),
    };
    document.iter().filter_map(entry).collect()
}

fn normalize_statement(statement: &Value, fold: fn(&str) -> String) -> Value {
    let Value::Object(statement) = statement else { return statement.clone() };
    let entry = |(key, value): (&String, &Value)| match key.as_str() {
        "Sid" => None,
        "Action" | "NotAction" => Some((key.clone(), strings(value, fold))),
        "Resource" | "NotResource" => Some((key.clone(), strings(value, str::to_owned))),
        "Principal" | "NotPrincipal" => Some((key.clone(), each(value, str::to_owned, |v| strings(v, str::to_owned)))),
        "Condition" => {
            let keys = |keys: &Value| each(keys, fold, |v| strings(v, str::to_owned));
            Some((key.clone(), each(value, fold, keys)))
        }
        _ => Some((key.clone(), value.clone())),
    };
    statement.iter().filter_map(entry).collect()
}

fn each(value: &Value, key: impl Fn(&str) -> String, f: impl Fn(&Value) -> Value) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(k, v)| (key(k), f(v))).collect(),
        other => other.clone(),
    }
}

/// One value or a list, as a sorted list without repetitions; `true` and `"true"` are one.
fn strings(value: &Value, fold: impl Fn(&str) -> String) -> Value {
    let text = |v: &Value| match v {
        Value::String(s) => Value::String(fold(s)),
        Value::Bool(_) | Value::Number(_) => Value::String(v.to_string()),
        other => other.clone(),
    };
    sorted(list(value).iter().map(text).collect())
}

fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    }
}

fn sorted(mut items: Vec<Value>) -> Value {
    items.sort_by_cached_key(Value::to_string);
    items.dedup();
    Value::Array(items)
}
