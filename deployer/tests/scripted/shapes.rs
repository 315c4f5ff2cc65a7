//! The shapes in which AWS was seen to tell of its resources: which members there are, which are absent, and which are
//! empty. Each is filled with what the stack has made, and read back without loss; where all is as the stack made it,
//! nothing differs.
//!
//! Source: <https://github.com/localstack/localstack>, `tests/aws/services`: `test_*.snapshot.json` of `iam`, `kms`,
//! `lambda_` (`test_lambda`, `test_lambda_api`, `test_lambda_common`), `logs` (`test_logs_groups`), `secretsmanager`, `sqs`, and
//! `cloudformation/resource_providers/scheduler`.

use std::collections::BTreeSet;

use deployer::aws::Clients;
use plan::doctor::{Concurrency, Queue};
use plan::live::Live;
use plan::precondition::{DeadLetterQueue, Key, QueueKey};
use plan::resource::function::AsyncInvoke;
use plan::resource::{Kind, role};
use plan::resource_policy::ResourcePolicy;
use plan::spec::Vpc;
use serde_json::{Value as Json, json};

use crate::reads::observe;
use crate::stage::Stage;
use crate::wire::{Mishap, Wire, found, ok, with};
use crate::{invoke, preflight, reads, stack, world};

/// Seconds since 1970, as the services of today write times; and the same read.
const TIME: f64 = 1_764_000_000.123;
const READ_TIME: &str = "2025-11-24T16:00:00Z";

/// An answer of that shape, what of the account it changes, and the attributes that differ then; `None`: there is no plan, for
/// it is not the stack's.
struct Shape {
    call: &'static str,
    answer: Json,
    changes: fn(&mut Live),
    differing: Option<&'static [&'static str]>,
}

/// One value with another put over it, without the members that are `null` then.
fn over(base: Json, more: Json) -> Json {
    match (base, more) {
        (Json::Object(mut members), Json::Object(more)) => {
            for (name, value) in more {
                let before = members.remove(&name).unwrap_or_default();
                members.insert(name, over(before, value));
            }
            members.retain(|_, value| !value.is_null());
            Json::Object(members)
        }
        (Json::Null, more @ Json::Object(_)) => over(json!({}), more),
        (_, more) => more,
    }
}

/// The function as Lambda tells of it, somebody's changes over it.
fn function(live: &Live, more: Json) -> Json {
    let body = world::function_body(live.function.as_ref().unwrap(), Some("Active"), Some("Successful"));
    let seen = json!({
        "Code": {"Location": "https://awslambda.s3.amazonaws.com/snapshots/1", "RepositoryType": "S3"},
        "Configuration": {
            "CodeSize": 3_000_000, "EphemeralStorage": {"Size": 512}, "LastModified": "2025-11-24T16:00:00.000+0000",
            "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:RotatePasswordFunction",
            "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/RotatePasswordFunction"},
            "PackageType": "Zip", "RuntimeVersionConfig": {"RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:1"},
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"}, "TracingConfig": {"Mode": "PassThrough"},
            "Version": "$LATEST",
            "Layers": null, "VpcConfig": null, "StateReason": null, "LastUpdateStatusReason": null,
        },
    });
    over(over(body, seen), more)
}

fn of_function(live: &Live) -> Vec<Shape> {
    let shape = |more: Json, changes: fn(&mut Live), differing: Option<&'static [&'static str]>| Shape {
        call: "lambda:GetFunction",
        answer: function(live, more),
        changes,
        differing,
    };
    let none = json!({"Ipv6AllowedForDualStack": false, "SecurityGroupIds": [], "SubnetIds": [], "VpcId": ""});
    let some = json!({
        "Ipv6AllowedForDualStack": false, "SecurityGroupIds": ["sg-1"], "SubnetIds": ["subnet-1"], "VpcId": "vpc-1",
    });
    let creating = json!({
        "State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating",
        "LastUpdateStatus": null,
    });
    let updating = json!({
        "LastUpdateStatus": "InProgress", "LastUpdateStatusReason": "The function is being created.",
        "LastUpdateStatusReasonCode": "Creating",
    });
    let image = json!({
        "Code": {"ImageUri": "r:latest", "RepositoryType": "ECR", "ResolvedImageUri": "r@sha256:1", "Location": null},
        "Configuration": {
            "PackageType": "Image", "Handler": null, "Runtime": null, "RuntimeVersionConfig": null,
            "ImageConfigResponse": {"ImageConfig": {"Command": ["-c"], "WorkingDirectory": "/app"}},
        },
    });
    let as_json = json!({
        "LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO",
        "LogGroup": "/aws/lambda/RotatePasswordFunction",
    });
    let of = |name: &str, value: Json| json!({"Configuration": {name: value}});
    vec![
        shape(json!({}), |_| {}, Some(&[])),
        shape(of("VpcConfig", none), |_| {}, Some(&[])),
        shape(of("LoggingConfig", Json::Null), |_| {}, Some(&[])),
        shape(json!({"Concurrency": {"ReservedConcurrentExecutions": 3}}), |_| {}, Some(&[])),
        shape(
            json!({"Configuration": updating}),
            |live| in_work(live, "Active", Some("InProgress")),
            Some(&["last_update"]),
        ),
        shape(json!({"Configuration": creating}), |live| in_work(live, "Pending", None), Some(&["state"])),
        shape(
            of("VpcConfig", some),
            |live| {
                let vpc = Vpc { subnets: ["subnet-1".to_owned()].into(), security_groups: ["sg-1".to_owned()].into() };
                live.function.as_mut().unwrap().settings.vpc = Some(vpc);
            },
            Some(&["vpc.security_groups", "vpc.subnets"]),
        ),
        shape(
            of("Layers", json!([{"Arn": "layer:1", "CodeSize": 1}])),
            |live| {
                live.function.as_mut().unwrap().layers = vec!["layer:1".to_owned()];
            },
            Some(&["layer"]),
        ),
        shape(
            of("LoggingConfig", as_json),
            |live| {
                let unset = &mut live.function.as_mut().unwrap().unset;
                unset.log_format = Some("JSON".to_owned());
                unset.log_levels = ["application", "system"].map(|of| (of.to_owned(), "INFO".to_owned())).into();
            },
            Some(&["log_format", "log_level"]),
        ),
        shape(
            of("Environment", json!({"Variables": null})),
            |live| {
                live.function.as_mut().unwrap().environment.clear();
            },
            Some(&["environment"]),
        ),
        shape(
            of("Environment", Json::Null),
            |live| {
                live.function.as_mut().unwrap().environment.clear();
            },
            Some(&["environment"]),
        ),
        shape(
            image,
            |live| {
                let function = live.function.as_mut().unwrap();
                function.settings.runtime.clear();
                function.settings.handler.clear();
                function.unset.fixed.insert("package_type", "Image".to_owned());
            },
            Some(&["handler", "package_type", "runtime"]),
        ),
        shape(json!({"Tags": null}), |live| live.function.as_mut().unwrap().tags.clear(), None),
    ]
}

/// A function that is being changed: the revision that it has will not be the one that it gets.
fn in_work(live: &mut Live, state: &str, update: Option<&str>) {
    let function = live.function.as_mut().unwrap();
    function.state = Some(state.to_owned());
    function.last_update = update.map(str::to_owned);
    function.revision_id = None;
}

fn of_invocation(live: &Live) -> Vec<Shape> {
    let AsyncInvoke { retries, max_age_seconds } = live.function.as_ref().unwrap().async_invoke.unwrap();
    let whole = json!({
        "MaximumRetryAttempts": retries, "MaximumEventAgeInSeconds": max_age_seconds, "LastModified": TIME,
        "DestinationConfig": {"OnFailure": {}, "OnSuccess": {}},
        "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:RotatePasswordFunction:$LATEST",
    });
    let shape = |more: Json, changes: fn(&mut Live), differing: &'static [&'static str]| Shape {
        call: "lambda:GetFunctionEventInvokeConfig",
        answer: over(whole.clone(), more),
        changes,
        differing: Some(differing),
    };
    // What is not set is as Lambda has it: two retries, six hours.
    vec![
        shape(json!({}), |_| {}, &[]),
        shape(json!({"DestinationConfig": null}), |_| {}, &[]),
        shape(
            json!({"MaximumEventAgeInSeconds": null, "MaximumRetryAttempts": 1}),
            |live| {
                live.function.as_mut().unwrap().async_invoke =
                    Some(AsyncInvoke { retries: 1, max_age_seconds: 21_600 });
            },
            &["async_max_age_seconds", "async_retries"],
        ),
        shape(
            json!({"MaximumEventAgeInSeconds": 120, "MaximumRetryAttempts": null}),
            |live| {
                live.function.as_mut().unwrap().async_invoke = Some(AsyncInvoke { retries: 2, max_age_seconds: 120 });
            },
            &["async_max_age_seconds"],
        ),
    ]
}

fn of_policy(live: &Live) -> Vec<Shape> {
    let Some(permission) = &live.permission else { return vec![] };
    let whole = json!({"Policy": world::policy_text(permission), "RevisionId": "1"});
    vec![Shape { call: "lambda:GetPolicy", answer: whole, changes: |_| {}, differing: Some(&[]) }]
}

fn of_secret(live: &Live) -> Vec<Shape> {
    let secret = live.secret.as_ref().unwrap();
    let whole = over(
        world::with_rules(world::secret_body(secret), live.rotation.as_ref()),
        json!({
            "CreatedDate": TIME, "LastAccessedDate": 1_763_942_400.0, "LastChangedDate": TIME,
            "ReplicationStatus": null,
        }),
    );
    let shape = |more: Json, changes: fn(&mut Live), differing: Option<&'static [&'static str]>| Shape {
        call: "secretsmanager:DescribeSecret",
        answer: over(whole.clone(), more),
        changes,
        differing,
    };
    let mut shapes = vec![
        shape(json!({}), changed, Some(&[])),
        shape(json!({"LastAccessedDate": null}), changed, Some(&[])),
        shape(
            json!({"VersionIdsToStages": {"v1": null, "v2": ["AWSPREVIOUS"], "v3": ["AWSCURRENT", "AWSPENDING"]}}),
            |live| {
                changed(live);
                let labels = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>();
                live.secret.as_mut().unwrap().versions = [
                    ("v2".to_owned(), labels(&["AWSPREVIOUS"])),
                    ("v3".to_owned(), labels(&["AWSCURRENT", "AWSPENDING"])),
                ]
                .into();
            },
            Some(&[]),
        ),
        // A secret that was made without a value.
        shape(
            json!({"VersionIdsToStages": null}),
            |live| {
                changed(live);
                live.secret.as_mut().unwrap().versions.clear();
            },
            Some(&[]),
        ),
        shape(
            json!({"Description": null}),
            |live| {
                changed(live);
                live.secret.as_mut().unwrap().description.clear();
            },
            Some(&["description"]),
        ),
        shape(json!({"Tags": null}), untagged, None),
        shape(
            json!({"DeletedDate": TIME}),
            |live| {
                changed(live);
                live.secret.as_mut().unwrap().deleted = Some(READ_TIME.to_owned());
            },
            None,
        ),
    ];
    let mut emptied = shape(json!({}), untagged, None);
    emptied.answer["Tags"] = json!([]);
    shapes.push(emptied);
    if live.rotation.is_some() {
        // Rules that were never kept, and that were.
        shapes.push(shape(
            json!({"NextRotationDate": TIME, "LastRotatedDate": TIME}),
            |live| {
                changed(live);
                let rotation = live.rotation.as_mut().unwrap();
                (rotation.last, rotation.next) = (Some(READ_TIME.to_owned()), Some(READ_TIME.to_owned()));
            },
            Some(&[]),
        ));
        shapes.push(shape(
            json!({"RotationEnabled": null, "RotationRules": null, "RotationLambdaARN": null}),
            |live| {
                changed(live);
                live.rotation = None;
            },
            Some(&["every_days", "function"]),
        ));
    }
    shapes
}

fn changed(live: &mut Live) {
    live.secret.as_mut().unwrap().changed = Some(READ_TIME.to_owned());
}

fn untagged(live: &mut Live) {
    changed(live);
    live.secret.as_mut().unwrap().tags.clear();
}

fn of_log_group(live: &Live) -> Vec<Shape> {
    let group = live.log_group.as_ref().unwrap();
    let arn = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/RotatePasswordFunction";
    let whole = json!({
        "logGroupName": "/aws/lambda/RotatePasswordFunction", "logGroupArn": arn, "arn": format!("{arn}:*"),
        "creationTime": 1_764_000_000_123_u64, "logGroupClass": "STANDARD", "metricFilterCount": 0, "storedBytes": 0,
        "deletionProtectionEnabled": false, "retentionInDays": group.retention_days,
    });
    let shape = |more: Json, changes: fn(&mut Live), differing: &'static [&'static str]| Shape {
        call: "logs:DescribeLogGroups",
        answer: json!({"logGroups": [over(whole.clone(), more)], "nextToken": "next"}),
        changes,
        differing: Some(differing),
    };
    let tags = |tags: Json, changes: fn(&mut Live), differing| Shape {
        call: "logs:ListTagsForResource",
        answer: json!({"tags": tags}),
        changes,
        differing,
    };
    vec![
        shape(json!({}), |_| {}, &[]),
        shape(json!({"deletionProtectionEnabled": null, "storedBytes": null}), |_| {}, &[]),
        shape(json!({"kmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/1"}), |_| {}, &[]),
        shape(
            json!({"retentionInDays": null}),
            |live| {
                live.log_group.as_mut().unwrap().retention_days = None;
            },
            &["retention_days"],
        ),
        tags(json!(group.tags), |_| {}, Some(&[])),
        tags(json!({}), |live| live.log_group.as_mut().unwrap().tags.clear(), None),
    ]
}

fn of_schedule(live: &Live) -> Vec<Shape> {
    let (Some(schedule), Some(group)) = (&live.schedule, &live.schedule_group) else { return vec![] };
    let whole = over(
        world::schedule_body(schedule),
        json!({
            "ActionAfterCompletion": "NONE", "CreationDate": TIME, "LastModificationDate": TIME,
            "Arn": "arn:aws:scheduler:us-east-1:123456789012:schedule/g/n", "GroupName": "g", "Name": "n",
        }),
    );
    let shape = |more: Json, changes: fn(&mut Live), differing: &'static [&'static str]| Shape {
        call: "scheduler:GetSchedule",
        answer: over(whole.clone(), more),
        changes,
        differing: Some(differing),
    };
    let whole_group = over(
        world::group_body("ACTIVE"),
        json!({
            "Arn": "arn:aws:scheduler:us-east-1:123456789012:schedule-group/g", "CreationDate": TIME,
            "LastModificationDate": TIME,
        }),
    );
    let tags: Json = group.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    let listed = |tags: Json, changes: fn(&mut Live), differing| Shape {
        call: "scheduler:ListTagsForResource",
        answer: json!({"Tags": tags}),
        changes,
        differing,
    };
    vec![
        shape(json!({}), |_| {}, &[]),
        // What a schedule has for which nobody has said how often it is tried, nor with what.
        shape(
            json!({
                "Description": null,
                "Target": {
                    "Input": null, "RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185},
                },
            }),
            |live| {
                let settings = &mut live.schedule.as_mut().unwrap().settings;
                settings.description.clear();
                settings.input = json!("");
                (settings.retry_attempts, settings.retry_max_age_seconds) = (185, 86_400);
            },
            &["description", "input", "retry_attempts", "retry_max_age_seconds"],
        ),
        Shape { call: "scheduler:GetScheduleGroup", answer: whole_group, changes: |_| {}, differing: Some(&[]) },
        listed(tags, |_| {}, Some(&[])),
        listed(json!([]), |live| live.schedule_group.as_mut().unwrap().tags.clear(), None),
    ]
}

/// Observes a stack where one answer has that shape, and compares what is read, and what differs.
async fn check(stage: &Stage, changes: fn(&mut Live), differing: Option<&[&str]>, at: &str) {
    let observed = observe(stage).await.unwrap_or_else(|(_, errors)| panic!("{at}: {errors:?}")).live;
    let mut expected = stage.live.clone();
    changes(&mut expected);
    assert_eq!(observed, expected, "{at}");
    if let Some(differing) = differing {
        let plan = stack::plan(&stage.spec, &observed);
        // A function that is made anew takes its permission along.
        let is_along = |kind| kind == Kind::Permission && differing.contains(&"package_type");
        let changes = plan.actions.iter().filter(|action| !is_along(action.kind)).flat_map(|action| &action.changes);
        let names: BTreeSet<&str> = changes.map(|change| change.attribute.name).collect();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), differing, "{at}");
    }
}

fn stages() -> [Stage; 2] {
    [stack::spec(), stack::managed()].map(|spec| {
        let live = stack::applied(&spec);
        Stage::new(spec, live)
    })
}

#[tokio::test(start_paused = true)]
async fn what_aws_tells_in_the_shapes_that_it_was_seen_to_use_is_read_without_loss() {
    let (mut count, mut calls) = (0, BTreeSet::new());
    for stage in stages() {
        let live = &stage.live;
        let shapes = [
            of_function(live),
            of_invocation(live),
            of_policy(live),
            of_secret(live),
            of_log_group(live),
            of_schedule(live),
        ];
        for Shape { call, answer, changes, differing } in shapes.into_iter().flatten() {
            let stage = Stage::new(stage.spec.clone(), live.clone());
            stage.wire.always(call, ok(&answer));
            check(&stage, changes, differing, &format!("{call} {answer}")).await;
            count += 1;
            calls.insert(call);
        }
    }
    println!("{count} answers to {} calls", calls.len());
    assert!(calls.len() >= 9, "{calls:?}");
}

/// A change of the text of a role's answer.
type Respelled = fn(String) -> String;
/// What that changes of the role.
type ChangedRole = fn(&mut role::Live);

#[tokio::test(start_paused = true)]
async fn roles_in_the_shapes_that_iam_was_seen_to_use_are_read_without_loss() {
    let shapes: [(Respelled, ChangedRole); 4] = [
        (|text| text.replace("</Role>", "<MaxSessionDuration>3600</MaxSessionDuration><RoleLastUsed/></Role>"), |_| {}),
        (
            |text| {
                let used = "<LastUsedDate>2025-11-24T16:00:00Z</LastUsedDate><Region>us-east-1</Region>";
                text.replace("</Role>", &format!("<RoleLastUsed>{used}</RoleLastUsed></Role>"))
            },
            |_| {},
        ),
        (|text| without(&text, "Tags"), |role| role.tags.clear()),
        (|text| without(&text, "Description"), |role| role.description.clear()),
    ];
    for (respelled, change) in shapes {
        for stage in stages() {
            let roles: Vec<role::Live> =
                [&stage.live.execution_role, &stage.live.invoke_role].into_iter().flatten().cloned().collect();
            let told = roles.clone();
            stage.wire.always(
                "iam:GetRole",
                found(move |call| {
                    let end = format!("/{}", call.body["RoleName"].as_str().unwrap());
                    told.iter().find(|role| role.arn.ends_with(&end)).map(|role| respelled(world::role_body(role)))
                }),
            );
            let observed = observe(&stage).await.unwrap().live;
            let mut expected = stage.live.clone();
            [&mut expected.execution_role, &mut expected.invoke_role].into_iter().flatten().for_each(change);
            assert_eq!(observed, expected);
            if expected == stage.live {
                assert!(stack::plan(&stage.spec, &observed).is_empty());
            }
        }
    }
}

/// The text without an element.
fn without(text: &str, element: &str) -> String {
    let (before, rest) = text.split_once(&format!("<{element}>")).unwrap();
    format!("{before}{}", rest.split_once(&format!("</{element}>")).unwrap().1)
}

#[tokio::test(start_paused = true)]
async fn keys_are_read_with_their_state_usage_and_kind() {
    for (state, usage, spec, list) in [
        ("Enabled", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "EncryptionAlgorithms"),
        ("PendingImport", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "EncryptionAlgorithms"),
        ("PendingImport", "SIGN_VERIFY", "ECC_NIST_P256", "SigningAlgorithms"),
        ("Enabled", "SIGN_VERIFY", "ECC_NIST_P256", "SigningAlgorithms"),
        ("Enabled", "ENCRYPT_DECRYPT", "RSA_4096", "EncryptionAlgorithms"),
        ("Enabled", "GENERATE_VERIFY_MAC", "HMAC_224", "MacAlgorithms"),
    ] {
        let stage = reads::with_key("alias/app");
        let arn = "arn:aws:kms:us-east-1:123456789012:key/1";
        let whole = json!({
            "AWSAccountId": "123456789012", "Arn": arn, "KeyId": "1", "CreationDate": TIME, "Description": "",
            "Enabled": state == "Enabled", "KeyManager": "CUSTOMER", "KeyState": state, "KeyUsage": usage,
            "KeySpec": spec, "CustomerMasterKeySpec": spec, "MultiRegion": false, "Origin": "EXTERNAL",
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE", "CurrentKeyMaterialId": "1", list: [spec],
        });
        stage.wire.always("kms:DescribeKey", ok(json!({"KeyMetadata": whole})));
        let expected = Key {
            arn: arn.to_owned(),
            state: state.to_owned(),
            usage: usage.to_owned(),
            spec: spec.to_owned(),
            deletion: None,
            is_aws_own: false,
        };
        assert_eq!(observe(&stage).await.unwrap().surroundings.secret_key, Some(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_without_attributes_is_there_and_has_no_key() {
    let depth = json!({"Attributes": {"ApproximateNumberOfMessages": "0", "SqsManagedSseEnabled": "true"}});
    for (answer, count) in [
        (json!({}), None),
        (json!({"Attributes": {"KmsMasterKeyId": "alias/aws/sqs", "SqsManagedSseEnabled": "false"}}), None),
        (depth, Some(0)),
    ] {
        let stage = preflight::with_queue(None);
        stage.wire.always("sqs:GetQueueAttributes", ok(&answer));
        let queue = observe(&stage).await.unwrap().surroundings.queue;
        assert_eq!(queue, DeadLetterQueue::Present(QueueKey::Free), "{answer}");
        let depth = stage.wire.clients().queue("arn:aws:sqs:us-east-1:123456789012:dead").await.unwrap();
        match count {
            Some(count) => assert_eq!(depth, Queue::Holds(count)),
            None => assert!(matches!(depth, Queue::Unread(_)), "{depth:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn versions_without_a_label_are_listed_with_their_times() {
    let version = |id: &str, more: Json| {
        over(json!({"VersionId": id, "CreatedDate": TIME, "KmsKeyIds": ["DefaultEncryptionKey"]}), more)
    };
    let wire = Wire::new();
    let versions = [
        version("1", json!({})),
        version("2", json!({"VersionStages": ["AWSPREVIOUS"], "LastAccessedDate": 1_763_942_400.0})),
        version("3", json!({"VersionStages": ["AWSCURRENT", "AWSPENDING"]})),
    ];
    let arn = stack::SECRET_ARN;
    let answer = json!({"ARN": arn, "Name": "MyApp/DBPassword", "Versions": versions});
    wire.always("secretsmanager:ListSecretVersionIds", ok(answer));
    let read = wire.clients().all_versions(arn).await.unwrap();
    let labels: Vec<(&str, Vec<&str>)> =
        read.iter().map(|one| (one.id.as_str(), one.labels.iter().map(String::as_str).collect())).collect();
    assert_eq!(labels, [("1", vec![]), ("2", vec!["AWSPREVIOUS"]), ("3", vec!["AWSCURRENT", "AWSPENDING"])]);
    let time: jiff::Timestamp = READ_TIME.parse().unwrap();
    assert!(read.iter().all(|one| one.created == Some(time) && one.has_value), "{read:?}");
}

#[tokio::test(start_paused = true)]
async fn no_reserved_concurrency_is_an_empty_answer_and_none_at_all_is_zero() {
    let stage = Stage::applied();
    let whole = function(&stage.live, json!({}))["Configuration"].clone();
    stage.wire.always("lambda:GetFunctionConfiguration", ok(whole));
    for (answer, expected) in
        [(json!({}), Concurrency::Unreserved), (json!({"ReservedConcurrentExecutions": 0}), Concurrency::Reserved(0))]
    {
        stage.wire.always("lambda:GetFunctionConcurrency", ok(answer));
        let clients: Clients = stage.wire.clients();
        let health = clients.function_health("f").await.unwrap().unwrap();
        assert_eq!(health.concurrency, expected);
        assert_eq!((health.state.as_deref(), health.update.as_deref()), (Some("Active"), Some("Successful")));
        assert_eq!(health.modified, Some(READ_TIME.parse().unwrap()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_resource_policy_is_a_text_beside_the_secret_s_name() {
    let stage = Stage::applied();
    let policy =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Resource": "*"}]});
    let text = policy.to_string();
    let answer = with(move |_| json!({"ARN": "a", "Name": "n", "ResourcePolicy": text}).to_string());
    stage.wire.always("secretsmanager:GetResourcePolicy", answer);
    assert_eq!(observe(&stage).await.unwrap().resource_policy, ResourcePolicy::Document(policy));
}

#[tokio::test(start_paused = true)]
async fn a_function_that_fails_tells_how_in_each_of_lambda_s_shapes() {
    let timed_out = "RequestId: 1 Error: Task timed out after 1.00 seconds";
    let exited = "RequestId: 1 Error: Runtime exited with error: exit status 127";
    for (payload, is_timeout, is_crash, told) in [
        (json!({"errorType": "Sandbox.Timedout", "errorMessage": timed_out}), true, false, timed_out),
        (json!({"errorMessage": timed_out}), true, false, timed_out),
        (json!({"errorType": "Runtime.ExitError", "errorMessage": exited}), false, true, exited),
        (json!({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": "large"}), false, false, "large"),
        (json!({"errorType": "X", "errorMessage": "m", "requestId": "", "stackTrace": ["s"]}), false, false, "m (X)"),
        (json!({"errorType": "X", "errorMessage": "m", "stackTrace": "s"}), false, false, "m (X)"),
        (json!({"errorType": "X", "errorMessage": "m", "trace": ["s"]}), false, false, "m (X)"),
    ] {
        let wire = Wire::new();
        let headers =
            vec![("x-amz-function-error", "Unhandled".to_owned()), ("x-amz-executed-version", "1".to_owned())];
        wire.mishap("lambda:InvokeFunction", Mishap::Answers { status: 200, headers, body: payload.to_string() });
        let error = invoke::ask(&wire).await.result.unwrap().outcome.unwrap_err();
        assert_eq!((error.is_timeout(), error.is_crash()), (is_timeout, is_crash), "{payload}");
        assert!(error.to_string().contains(told), "{error}");
        assert!(!error.is_permission() && !error.is_throttled(), "{error}");
    }
    // Other functions answer whatever they like.
    for body in ["null", "{}", "", r#"{"counter":0}"#] {
        let wire = Wire::new();
        wire.mishap("lambda:InvokeFunction", Mishap::Answers { status: 200, headers: vec![], body: body.to_owned() });
        let error = invoke::ask(&wire).await.result.unwrap().outcome.unwrap_err();
        assert!(error.to_string().contains("is not a rotator's"), "{body}: {error}");
    }
}
