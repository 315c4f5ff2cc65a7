//! What the deployer leaves unset and somebody has set: seen in plan, and taken away by the call that sets it.

use plan::plan::{Cause, Verb};
use plan::resource::Kind;
use serde_json::{Value as Json, json};

use crate::reads::observe;
use crate::stack;
use crate::stage::Stage;
use crate::wire::{done, ok};
use crate::world::function_body;

const GET: &str = "lambda:GetFunction";
const INVOKE_CONFIG: &str = "lambda:GetFunctionEventInvokeConfig";
const CODE: &str = "lambda:UpdateFunctionCode";
const CONFIGURE: &str = "lambda:UpdateFunctionConfiguration";
const ASYNC: &str = "lambda:PutFunctionEventInvokeConfig";
const FREE: &str = "lambda:DeleteFunctionConcurrency";
const TAG: &str = "lambda:TagResource";

/// The applied stack, whose function somebody has changed: `at` is within what `GetFunction` says.
async fn with(at: &str, value: Json) -> Stage {
    let mut stage = Stage::applied();
    let mut body = function_body(stage.live.function.as_ref().unwrap(), Some("Active"), Some("Successful"));
    let (outer, name) = at.rsplit_once('/').unwrap();
    body.pointer_mut(outer).unwrap()[name] = value;
    stage.wire.always(GET, ok(body));
    for call in [CODE, CONFIGURE, ASYNC, FREE, TAG, "lambda:DeleteFunction", "lambda:CreateFunction"] {
        stage.wire.always(call, done());
    }
    stage.live = observe(&stage).await.unwrap().live;
    stage
}

const ARN: &str = "arn:aws:other:us-east-1:123456789012:other";

/// Where somebody sets something, what, the attribute that differs, the call that takes it away, and what that sends.
fn settings() -> Vec<(&'static str, Json, &'static str, &'static str, Json)> {
    let logs = || json!({"LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/RotatePasswordFunction"}});
    let at = |name: &'static str| match name {
        "tracing" => "/Configuration/TracingConfig",
        "dead_letter_target" => "/Configuration/DeadLetterConfig",
        "environment_key" => "/Configuration/KMSKeyArn",
        "file_system" => "/Configuration/FileSystemConfigs",
        "ephemeral_storage" => "/Configuration/EphemeralStorage",
        "snap_start" => "/Configuration/SnapStart",
        "code_key" => "/Code",
        "reserved_concurrency" => "/Concurrency",
        _ => "/Configuration/LoggingConfig",
    };
    let set = |name, value, call, sent| (at(name), value, name, call, sent);
    let log = |field: &str, value: &str| json!({field: value, "LogGroup": "/aws/lambda/RotatePasswordFunction"});
    vec![
        set("tracing", json!({"Mode": "Active"}), CONFIGURE, json!({"TracingConfig": {"Mode": "PassThrough"}})),
        set("dead_letter_target", json!({"TargetArn": ARN}), CONFIGURE, json!({"DeadLetterConfig": {"TargetArn": ""}})),
        set("environment_key", json!(ARN), CONFIGURE, json!({"KMSKeyArn": ""})),
        set(
            "file_system",
            json!([{"Arn": ARN, "LocalMountPath": "/mnt/x"}]),
            CONFIGURE,
            json!({"FileSystemConfigs": []}),
        ),
        set("ephemeral_storage", json!({"Size": 1024}), CONFIGURE, json!({"EphemeralStorage": {"Size": 512}})),
        set(
            "snap_start",
            json!({"ApplyOn": "PublishedVersions"}),
            CONFIGURE,
            json!({"SnapStart": {"ApplyOn": "None"}}),
        ),
        set("log_destination", json!({"LogFormat": "Text", "LogGroup": "/other"}), CONFIGURE, logs()),
        set("log_format", log("LogFormat", "JSON"), CONFIGURE, logs()),
        set("log_level", log("SystemLogLevel", "WARN"), CONFIGURE, logs()),
        set("code_key", json!({"SourceKMSKeyArn": ARN}), CODE, json!({"SourceKMSKeyArn": ""})),
        set("reserved_concurrency", json!({"ReservedConcurrentExecutions": 0}), FREE, json!({})),
    ]
}

#[tokio::test(start_paused = true)]
async fn each_setting_of_somebody_s_is_drift_and_is_taken_away() {
    for (at, value, attribute, call, sent) in settings() {
        let stage = with(at, value).await;
        let action = stage.action(Kind::Function);
        assert_eq!((action.verb, action.cause), (Verb::Update, Some(Cause::Drift)), "{attribute}");
        let names: Vec<_> = action.changes.iter().map(|change| change.attribute.name).collect();
        assert_eq!(names, [attribute]);
        assert!(action.changes[0].before.is_some() && action.changes[0].after.is_none());
        stage.apply(Kind::Function).await.succeeded();
        let changes: Vec<String> = stage.wire.changes().into_iter().filter(|one| one != TAG).collect();
        assert_eq!(changes, [call], "{attribute}");
        let body = stage.wire.the(call).body;
        for (field, value) in sent.as_object().unwrap() {
            assert_eq!(&body[field], value, "{attribute}");
        }
    }
}

/// What the deployer takes away it must not take from a function that has none of it: a right, or a feature of the region,
/// may be missing.
#[tokio::test(start_paused = true)]
async fn nothing_of_it_is_sent_where_something_else_differs() {
    let stage = with("/Configuration/MemorySize", json!(512)).await;
    stage.apply(Kind::Function).await.succeeded();
    let body = stage.wire.the(CONFIGURE).body;
    let fields: Vec<&String> = body.as_object().unwrap().keys().collect();
    let own = ["Description", "Environment", "Handler", "MemorySize", "RevisionId", "Runtime", "Timeout"];
    assert_eq!(fields, own);
}

#[tokio::test(start_paused = true)]
async fn what_is_as_lambda_makes_it_is_no_difference() {
    for (at, value) in [
        ("/Configuration/TracingConfig", json!({"Mode": "PassThrough"})),
        ("/Configuration/DeadLetterConfig", json!({"TargetArn": ""})),
        ("/Configuration/KMSKeyArn", json!("")),
        ("/Configuration/FileSystemConfigs", json!([])),
        ("/Configuration/EphemeralStorage", json!({"Size": 512})),
        ("/Configuration/SnapStart", json!({"ApplyOn": "None", "OptimizationStatus": "Off"})),
        (
            "/Configuration/LoggingConfig",
            json!({"LogFormat": "Text", "LogGroup": "/aws/lambda/RotatePasswordFunction"}),
        ),
        ("/Configuration/PackageType", json!("Zip")),
        ("/Concurrency", json!({"ReservedConcurrentExecutions": 1})),
    ] {
        let stage = with(at, value).await;
        assert!(stack::plan(&stage.spec, &stage.live).is_empty(), "{at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_destination_of_invocations_goes_with_the_next_setting_of_them() {
    for (side, attribute) in [("OnSuccess", "async_on_success"), ("OnFailure", "async_on_failure")] {
        let mut stage = with("/Configuration/Version", json!("$LATEST")).await;
        let it = stage.live.function.as_ref().unwrap().async_invoke.unwrap();
        stage.wire.always(
            INVOKE_CONFIG,
            ok(json!({
                "MaximumRetryAttempts": it.retries, "MaximumEventAgeInSeconds": it.max_age_seconds,
                "DestinationConfig": {side: {"Destination": ARN}},
            })),
        );
        stage.live = observe(&stage).await.unwrap().live;
        assert!(stage.action(Kind::Function).touches(attribute));
        stage.apply(Kind::Function).await.succeeded();
        assert!(stage.wire.the(ASYNC).body.get("DestinationConfig").is_none(), "what is left out is reset");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_function_has_from_its_creation_replaces_it() {
    let provider = json!({"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": ARN}});
    for (at, value, attribute) in [
        ("/Configuration/PackageType", json!("Image"), "package_type"),
        ("/Configuration/TenancyConfig", json!({"TenantIsolationMode": "PER_TENANT"}), "tenant_isolation"),
        ("/Configuration/CapacityProviderConfig", provider, "capacity_provider"),
        ("/Configuration/DurableConfig", json!({"ExecutionTimeout": 60}), "durable_execution"),
    ] {
        let stage = with(at, value).await;
        let action = stage.action(Kind::Function);
        assert_eq!((action.verb, action.touches(attribute)), (Verb::Replace, true), "{attribute}");
    }
}

/// Where the account's own policy sets the retention, the group's own is not in the answer.
#[tokio::test(start_paused = true)]
async fn a_retention_that_the_account_sets_is_not_compared() {
    let stage = Stage::applied();
    let group = |policy: Json| {
        let name = "/aws/lambda/RotatePasswordFunction";
        ok(json!({"logGroups": [{"logGroupName": name, "retentionInDays": 1, "retentionPolicyName": policy}]}))
    };
    for (policy, is_compared) in [(json!("account"), false), (Json::Null, true)] {
        stage.wire.always("logs:DescribeLogGroups", group(policy));
        let live = observe(&stage).await.unwrap().live;
        assert_eq!(!stack::plan(&stage.spec, &live).is_empty(), is_compared);
    }
}
