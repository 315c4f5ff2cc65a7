//! IAM documents: building them, and comparing them by meaning.

use contract::{ADMIN_SECRET_ACTIONS, ELASTICACHE_ACTIONS, SECRET_ACTIONS};
use serde_json::{Map, Value, json};

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
/// Inline policy of the execution role: the value of the secret of the target's admin.
pub const ADMIN_POLICY: &str = "ReadAdminSecret";
/// Inline policy of the execution role: the ElastiCache user that is the target.
pub const ELASTICACHE_POLICY: &str = "ModifyElastiCacheUser";
/// Inline policy of the execution role: the network interfaces by which Lambda attaches the function to a VPC.
pub const NETWORK_POLICY: &str = "ManageNetworkInterfaces";
/// Inline policy of the invoke role.
pub const INVOKE_POLICY: &str = "InvokeFunction";
/// Inline policy of the invoke role: the queue of what could not be delivered.
pub const DEAD_LETTER_POLICY: &str = "SendToDeadLetterQueue";
/// Inline policy of the invoke role: the use of that queue's key, through SQS alone.
pub const QUEUE_KEY_POLICY: &str = "UseDeadLetterQueueKey";

/// The principal as which Secrets Manager invokes.
pub const SECRETS_MANAGER: &str = "secretsmanager.amazonaws.com";
/// The action by which a function is invoked.
pub const INVOKE: &str = "lambda:InvokeFunction";

/// The key by which a statement is about a function's own code, and not about Lambda as the function's role.
/// <https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html>
const SOURCE_FUNCTION: &str = "lambda:SourceFunctionArn";

fn document(statement: &Value) -> Value {
    statements(&[statement])
}

fn statements(statements: &[&Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
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
    document(&through_secrets_manager(
        spec,
        &["kms:Decrypt", "kms:GenerateDataKey"],
        key_arn,
        &Names::of(spec).secret_arn_pattern(),
    ))
}

fn through_secrets_manager(spec: &Spec, actions: &[&str], key_arn: Option<&str>, secret_arn: &str) -> Value {
    json!({
        "Effect": "Allow", "Action": actions,
        "Resource": key_arn.map_or_else(|| Names::of(spec).any_key_arn(), str::to_owned),
        "Condition": {
            "StringEquals": {"kms:ViaService": format!("secretsmanager.{}.{}", spec.region, dns_suffix(&spec.region))},
            "StringLike": {"kms:EncryptionContext:SecretARN": secret_arn},
        },
    })
}

/// What the function does with the secret of the target's admin, and with that secret's key; `key_arn` as in [`use_key`].
#[must_use]
pub fn read_admin_secret(spec: &Spec, name: &str, key_arn: Option<&str>) -> Value {
    let arn = Names::of(spec).any_secret_arn_pattern(name);
    let read = json!({"Effect": "Allow", "Action": ADMIN_SECRET_ACTIONS, "Resource": arn});
    statements(&[&read, &through_secrets_manager(spec, &["kms:Decrypt"], key_arn, &arn)])
}

/// What the function does with the ElastiCache user that is its target, and with no other.
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/User-Secrets-Manager.html>
#[must_use]
pub fn modify_elasticache_user(spec: &Spec, id: &str) -> Value {
    let arn = Names::of(spec).elasticache_user_arn(id);
    document(&json!({"Effect": "Allow", "Action": ELASTICACHE_ACTIONS, "Resource": arn}))
}

/// What Lambda does as the execution role to attach the function to a VPC; the function's own code may not.
///
/// On everything, as AWS's own managed policy has it: a subnet that another account shares is in that account.
/// <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaVPCAccessExecutionRole.html>
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions>
#[must_use]
pub fn manage_network_interfaces(spec: &Spec) -> Value {
    let allowed = [
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
    ];
    let denied: Vec<&str> = allowed.into_iter().chain(["ec2:DetachNetworkInterface"]).collect();
    statements(&[
        &json!({"Effect": "Allow", "Action": allowed, "Resource": "*"}),
        &json!({
            "Effect": "Deny", "Action": denied, "Resource": "*",
            "Condition": {"ArnEquals": {SOURCE_FUNCTION: Names::of(spec).function_arn()}},
        }),
    ])
}

/// The statement of the function's own policy by which Secrets Manager may invoke it, for the stack's secret alone, as
/// `AddPermission` writes it; without its `Sid`.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html>
#[must_use]
pub fn let_secrets_manager_invoke(function_arn: &str, account: &str, secret_arn: &str) -> Value {
    json!({
        "Effect": "Allow", "Principal": {"Service": SECRETS_MANAGER}, "Action": INVOKE, "Resource": function_arn,
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": account}, "ArnLike": {"AWS:SourceArn": secret_arn},
        },
    })
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
        "Effect": "Allow", "Action": INVOKE, "Resource": Names::of(spec).function_arn(),
    }))
}

/// What the schedule does with its dead-letter queue.
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html>
#[must_use]
pub fn send_to_queue(arn: &str) -> Value {
    document(&json!({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}))
}

/// What SQS does as the schedule's role with the key of an encrypted dead-letter queue.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html>
#[must_use]
pub fn use_queue_key(spec: &Spec, key_arn: &str) -> Value {
    document(&json!({
        "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": key_arn,
        "Condition": {
            "StringEquals": {"kms:ViaService": format!("sqs.{}.{}", spec.region, dns_suffix(&spec.region))},
        },
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

/// What grants all that both documents grant: `wanted` with what `held` has besides; `None` where that is nothing.
///
/// What `held` denies would stand against it, and goes. What it denies to a function's own code stays as long as the grant
/// beside it.
#[must_use]
pub fn union(held: &Value, wanted: Option<&Value>) -> Option<Value> {
    let normal = |statement: &Value| normalize_statement(statement, str::to_ascii_lowercase);
    let stays = |statement: &Value| {
        statement["Effect"] == "Allow" || statement["Condition"].to_string().contains(SOURCE_FUNCTION)
    };
    let mut all = wanted.map(|document| list(&document["Statement"])).unwrap_or_default();
    let known: Vec<Value> = all.iter().map(normal).collect();
    all.extend(list(&held["Statement"]).into_iter().filter(|held| stays(held) && !known.contains(&normal(held))));
    (!all.is_empty()).then(|| statements(&all.iter().collect::<Vec<_>>()))
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
    let Value::Object(map) = value else { return value.clone() };
    let folded: Map<String, Value> = map.iter().map(|(k, v)| (key(k), f(v))).collect();
    // Of keys that differ in case alone none may hide another.
    let is_whole = folded.len() == map.len();
    if is_whole { folded.into() } else { map.iter().map(|(k, v)| (k.clone(), f(v))).collect() }
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

/// One value, or each of a list.
pub(crate) fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    }
}

/// A value as text, which is all that a policy should have at its ends.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn sorted(mut items: Vec<Value>) -> Value {
    items.sort_by_cached_key(Value::to_string);
    items.dedup();
    Value::Array(items)
}
