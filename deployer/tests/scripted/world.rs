//! An account as the services tell it: every read that the deployer makes, answered from plain data.

use plan::live::Live;
use plan::ownership::Tags;
use plan::resource::{function, permission, role, rotation, schedule, secret};
use plan::spec::Every;
use serde_json::{Value as Json, json};

use crate::wire::{Call, Wire, absent, found, ok};

/// Scripts every read of a stack.
pub fn reads(wire: &Wire, live: &Live) {
    wire.always(
        "sts:GetCallerIdentity",
        ok("<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/ci</Arn>"),
    );
    secret(wire, live);
    queue(wire, None);
    log_group(wire, live);
    function(wire, live.function.as_ref());
    function_policy(wire, live.permission.as_ref());
    schedule_group(wire, live);
    match &live.schedule {
        Some(schedule) => wire.always("scheduler:GetSchedule", ok(schedule_body(schedule))),
        None => wire.always("scheduler:GetSchedule", absent("scheduler:GetSchedule")),
    };
    roles(wire, [live.execution_role.as_ref(), live.invoke_role.as_ref()].into_iter().flatten());
}

fn secret(wire: &Wire, live: &Live) {
    let body = |it: &secret::Live| with_rules(secret_body(it), live.rotation.as_ref());
    let reply = live.secret.as_ref().map_or_else(|| absent("secretsmanager:DescribeSecret"), |it| ok(body(it)));
    wire.always("secretsmanager:DescribeSecret", reply);
    // As Secrets Manager answers where there is no policy.
    let none = live.secret.as_ref().map(|it| ok(json!({"ARN": it.arn, "Name": "MyApp/DBPassword"})));
    wire.always("secretsmanager:GetResourcePolicy", none.unwrap_or_else(|| absent("secretsmanager:GetResourcePolicy")));
}

/// Scripts what is read of the dead-letter queue, which is always there.
pub fn queue(wire: &Wire, key: Option<&str>) {
    wire.always("sqs:GetQueueUrl", ok(json!({"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/dead"})));
    let attributes = key.map_or(json!({}), |key| json!({"KmsMasterKeyId": key}));
    wire.always("sqs:GetQueueAttributes", ok(json!({"Attributes": attributes})));
}

/// The same secret with rotation rules in force.
pub fn with_rules(mut secret: Json, live: Option<&rotation::Live>) -> Json {
    let Some(rotation::Live { settings, last, next }) = live else { return secret };
    let mut rules = json!({"Duration": settings.duration});
    match settings.every.as_ref().unwrap() {
        Every::Days(days) => rules["AutomaticallyAfterDays"] = json!(days),
        // AWS calculates the days from it.
        Every::Expression(text) => rules
            .as_object_mut()
            .unwrap()
            .extend([("ScheduleExpression".to_owned(), json!(text)), ("AutomaticallyAfterDays".to_owned(), json!(1))]),
    }
    let seconds =
        |date: &Option<String>| date.as_deref().map(|date| date.parse::<jiff::Timestamp>().unwrap().as_second());
    secret["RotationEnabled"] = json!(true);
    secret["RotationLambdaARN"] = json!(settings.function_arn);
    secret["RotationRules"] = rules;
    secret["LastRotatedDate"] = json!(seconds(last));
    secret["NextRotationDate"] = json!(seconds(next));
    secret
}

/// Scripts what is read of the function's own policy: somebody else's statement is always in it, where there is one.
pub fn function_policy(wire: &Wire, live: Option<&permission::Live>) {
    let read = "lambda:GetPolicy";
    wire.always(read, live.map_or_else(|| absent(read), |live| ok(json!({"Policy": policy_text(live)}))));
}

pub fn policy_text(live: &permission::Live) -> String {
    let theirs = json!({"Sid": "theirs", "Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunction"});
    let ours = live.statements.iter().map(|(id, statement)| {
        let mut statement = statement.clone();
        statement["Sid"] = json!(id);
        statement
    });
    let statements: Vec<Json> = [theirs].into_iter().chain(ours).collect();
    json!({"Version": "2012-10-17", "Id": "default", "Statement": statements}).to_string()
}

pub fn secret_body(live: &secret::Live) -> Json {
    let deleted: Option<jiff::Timestamp> = live.deleted.as_deref().map(|date| date.parse().unwrap());
    json!({
        "ARN": live.arn, "Name": "MyApp/DBPassword", "Description": live.description, "KmsKeyId": live.kms_key_arn,
        "Tags": list(&live.tags), "DeletedDate": deleted.map(jiff::Timestamp::as_second),
        "VersionIdsToStages": live.versions, "PrimaryRegion": live.primary_region, "OwningService": live.owning_service,
        "ReplicationStatus": live.replicas.iter().map(|region| json!({"Region": region})).collect::<Json>(),
    })
}

fn list(tags: &Tags) -> Json {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

fn log_group(wire: &Wire, live: &Live) {
    let other = json!({"logGroupName": "/aws/lambda/RotatePasswordFunction-2", "retentionInDays": 1});
    let mut groups = vec![other];
    if let Some(group) = &live.log_group {
        groups.insert(
            0,
            json!({
                "logGroupName": "/aws/lambda/RotatePasswordFunction", "retentionInDays": group.retention_days,
                "deletionProtectionEnabled": group.is_protected,
            }),
        );
    }
    wire.always("logs:DescribeLogGroups", ok(json!({"logGroups": groups})));
    let tags = live.log_group.as_ref().map(|group| ok(json!({"tags": group.tags})));
    wire.always("logs:ListTagsForResource", tags.unwrap_or_else(|| absent("logs:ListTagsForResource")));
}

/// Scripts what is read of the function.
pub fn function(wire: &Wire, live: Option<&function::Live>) {
    let (get, invoke) = ("lambda:GetFunction", "lambda:GetFunctionEventInvokeConfig");
    let Some(live) = live else {
        wire.always(get, absent(get)).always(invoke, absent(invoke));
        return;
    };
    wire.always(get, ok(function_body(live, live.state.as_deref(), Some("Successful"))));
    let config = live
        .async_invoke
        .map(|it| ok(json!({"MaximumRetryAttempts": it.retries, "MaximumEventAgeInSeconds": it.max_age_seconds})));
    wire.always(invoke, config.unwrap_or_else(|| absent(invoke)));
}

pub fn function_body(live: &function::Live, state: Option<&str>, update: Option<&str>) -> Json {
    let settings = &live.settings;
    json!({
        "Configuration": {
            "FunctionName": "RotatePasswordFunction", "Description": settings.description,
            "Runtime": settings.runtime, "Handler": settings.handler, "Architectures": [settings.architecture],
            "MemorySize": settings.memory, "Timeout": settings.timeout, "Role": settings.role_arn,
            "CodeSha256": settings.code_sha256, "Environment": {"Variables": live.environment},
            "Layers": live.layers.iter().map(|arn| json!({"Arn": arn})).collect::<Json>(),
            "RevisionId": live.revision_id, "State": state, "LastUpdateStatus": update,
            "VpcConfig": {
                "VpcId": "", "SubnetIds": settings.vpc.as_ref().map(|vpc| json!(vpc.subnets)).unwrap_or(json!([])),
                "SecurityGroupIds": settings.vpc.as_ref().map(|vpc| json!(vpc.security_groups)).unwrap_or(json!([])),
            },
            "StateReason": state.filter(|it| *it == "Failed").map(|_| "The image is gone."),
            "LastUpdateStatusReason": update.filter(|it| *it == "Failed").map(|_| "The key is disabled."),
        },
        "Tags": live.tags,
    })
}

fn schedule_group(wire: &Wire, live: &Live) {
    let (get, tags, inside) =
        ("scheduler:GetScheduleGroup", "scheduler:ListTagsForResource", "scheduler:ListSchedules");
    let Some(group) = &live.schedule_group else {
        wire.always(get, absent(get)).always(tags, absent(tags)).always(inside, absent(inside));
        return;
    };
    wire.always(get, ok(group_body(if group.deleting { "DELETING" } else { "ACTIVE" })));
    wire.always(tags, ok(json!({"Tags": list(&group.tags)})));
    let names: Json = live.schedules_in_group.iter().map(|name| json!({"Name": name})).collect();
    wire.always(inside, ok(json!({"Schedules": names})));
}

pub fn group_body(state: &str) -> Json {
    json!({"Name": "myapp-db-password", "State": state})
}

pub fn schedule_body(live: &schedule::Live) -> Json {
    let settings = &live.settings;
    let window = match settings.flexible_window_minutes {
        0 => json!({"Mode": "OFF"}),
        minutes => json!({"Mode": "FLEXIBLE", "MaximumWindowInMinutes": minutes}),
    };
    json!({
        "ScheduleExpression": settings.expression, "ScheduleExpressionTimezone": settings.timezone,
        "FlexibleTimeWindow": window, "State": if settings.enabled { "ENABLED" } else { "DISABLED" },
        "Description": settings.description,
        "Target": {
            "Arn": settings.target_arn, "RoleArn": settings.role_arn, "Input": settings.input.to_string(),
            "RetryPolicy": {
                "MaximumRetryAttempts": settings.retry_attempts,
                "MaximumEventAgeInSeconds": settings.retry_max_age_seconds,
            },
            "DeadLetterConfig": settings.dead_letter_arn.as_ref().map(|arn| json!({"Arn": arn})),
        },
    })
}

type Read = fn(&role::Live, &Call) -> Option<String>;

/// Scripts what is read of roles; every other role is absent.
pub fn roles<'a>(wire: &Wire, roles: impl IntoIterator<Item = &'a role::Live>) {
    let roles: Vec<role::Live> = roles.into_iter().cloned().collect();
    let reads: [(&str, Read); 4] = [
        ("iam:GetRole", |role, _| Some(role_body(role))),
        ("iam:ListRolePolicies", |role, _| {
            let names: String = role.policies.keys().map(|name| format!("<member>{name}</member>")).collect();
            Some(format!("<PolicyNames>{names}</PolicyNames><IsTruncated>false</IsTruncated>"))
        }),
        ("iam:ListAttachedRolePolicies", |role, _| {
            let arn = |arn: &String| format!("<member><PolicyName>x</PolicyName><PolicyArn>{arn}</PolicyArn></member>");
            let attached: String = role.attached.iter().map(arn).collect();
            Some(format!("<AttachedPolicies>{attached}</AttachedPolicies><IsTruncated>false</IsTruncated>"))
        }),
        ("iam:GetRolePolicy", |role, call| {
            let name = call.body["PolicyName"].as_str().unwrap();
            let document = encoded(role.policies.get(name)?);
            Some(format!(
                "<RoleName>x</RoleName><PolicyName>{name}</PolicyName><PolicyDocument>{document}</PolicyDocument>"
            ))
        }),
    ];
    for (operation, body) in reads {
        let roles = roles.clone();
        wire.always(
            operation,
            found(move |call| {
                let name = call.body["RoleName"].as_str().unwrap();
                let role = roles.iter().find(|role| role.arn.ends_with(&format!("/{name}")))?;
                body(role, call)
            }),
        );
    }
}

/// A role as `GetRole` and `CreateRole` give it.
pub fn role_body(role: &role::Live) -> String {
    let tags: String = role
        .tags
        .iter()
        .map(|(key, value)| format!("<member><Key>{key}</Key><Value>{value}</Value></member>"))
        .collect();
    let boundary = role.boundary.as_ref().map(|arn| {
        format!("<PermissionsBoundary><PermissionsBoundaryArn>{arn}</PermissionsBoundaryArn></PermissionsBoundary>")
    });
    let (path, id, arn, description) = (&role.path, &role.id, &role.arn, &role.description);
    format!(
        "<Role><Path>{path}</Path><RoleName>x</RoleName><RoleId>{id}</RoleId><Arn>{arn}</Arn>\
         <CreateDate>2026-01-01T00:00:00Z</CreateDate><Description>{description}</Description>\
         <AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument><Tags>{tags}</Tags>{}</Role>",
        encoded(&role.trust),
        boundary.unwrap_or_default()
    )
}

/// As IAM gives documents back: URL-encoded.
fn encoded(document: &Json) -> String {
    percent_encoding::utf8_percent_encode(&document.to_string(), percent_encoding::NON_ALPHANUMERIC).to_string()
}
