//! Throttling, failing services, and credentials that expire.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use deployer::aws::{Class, Mutator, Observer};
use deployer::engine::{self, NotStarted, Observe as _, Outcome, Stop};
use plan::live::Live;
use plan::resource::Kind;

use crate::reads::observe;
use crate::stage::{Stage, first_value};
use crate::wire::{Wire, absent, done, error, ok};
use crate::{stack, world};

const READS: [&str; 5] = [
    "iam:GetRole",
    "lambda:GetFunction",
    "scheduler:GetSchedule",
    "secretsmanager:DescribeSecret",
    "logs:DescribeLogGroups",
];

#[tokio::test(start_paused = true)]
async fn throttled_and_failed_calls_are_tried_again_whatever_the_status() {
    let failures = [
        (400, "ThrottlingException"),
        (429, "TooManyRequestsException"),
        (400, "Throttling"),
        (500, "InternalFailure"),
        (503, "ServiceUnavailable"),
        (502, "BadGateway"),
    ];
    for (status, code) in failures {
        let stage = Stage::applied();
        for call in READS {
            stage.wire.on(call, [error(status, code, "later"), error(status, code, "later")]);
        }
        let observed = observe(&stage).await.unwrap_or_else(|failed| panic!("{status} {code}: {failed:?}"));
        assert_eq!(observed.live, stage.live);
        assert_eq!(stage.wire.count("lambda:GetFunction"), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn the_adaptive_retry_of_the_standard_environment_waits_and_succeeds() {
    let stage = Stage::applied();
    for call in READS {
        stage.wire.on(
            call,
            [error(400, "ThrottlingException", "Rate exceeded"), error(400, "ThrottlingException", "Rate exceeded")],
        );
    }
    let clients = stage.wire.clients_in("us-west-2", &RetryConfig::adaptive().with_max_attempts(8));
    let observed = Box::pin(Observer::new(clients).observe(&stage.spec)).await.unwrap();
    assert_eq!(observed.live, stage.live);
}

/// Calls that change something, each with the resource that it changes and what its service says when it fails.
const CHANGES: [(Kind, &str, &str); 8] = [
    (Kind::Secret, "secretsmanager:CreateSecret", "InternalServiceError"),
    (Kind::LogGroup, "logs:CreateLogGroup", "ServiceUnavailableException"),
    (Kind::LogGroup, "logs:PutRetentionPolicy", "ServiceUnavailableException"),
    (Kind::Function, "lambda:CreateFunction", "ServiceException"),
    (Kind::Function, "lambda:PutFunctionEventInvokeConfig", "TooManyRequestsException"),
    (Kind::ScheduleGroup, "scheduler:CreateScheduleGroup", "InternalServerException"),
    (Kind::Schedule, "scheduler:CreateSchedule", "ThrottlingException"),
    (Kind::InvokeRole, "iam:PutRolePolicy", "ServiceFailure"),
];

const DELETIONS: [(Kind, &str, &str); 6] = [
    (Kind::Secret, "secretsmanager:DeleteSecret", "InternalServiceError"),
    (Kind::LogGroup, "logs:DeleteLogGroup", "ServiceUnavailableException"),
    (Kind::Function, "lambda:DeleteFunction", "ServiceException"),
    (Kind::ScheduleGroup, "scheduler:DeleteScheduleGroup", "InternalServerException"),
    (Kind::Schedule, "scheduler:DeleteSchedule", "ThrottlingException"),
    (Kind::InvokeRole, "iam:DeleteRole", "Throttling"),
];

/// More than the SDK tries by itself.
fn failures(wire: &Wire, call: &str, code: &str) {
    wire.on(call, [(); 9].map(|()| error(503, code, "not now")));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_for_longer_than_the_sdk_tries_is_waited_for_in_every_change() {
    for (kind, call, code) in CHANGES {
        let stage = Stage::missing(kind);
        if kind == Kind::Function {
            world::function(&stage.wire, stack::applied(&stage.spec).function.as_ref());
        }
        for (_, other, _) in CHANGES {
            stage.wire.always(other, done());
        }
        let role = world::role_body(&stack::applied(&stage.spec).invoke_role.unwrap());
        stage.wire.always("iam:CreateRole", ok(role));
        failures(&stage.wire, call, code);
        let applied = stage.apply(kind).await;
        applied.succeeded();
        assert!(applied.told.iter().any(|why| why == "not now"), "{call}: {:?}", applied.told);
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_for_longer_than_the_sdk_tries_is_waited_for_in_every_deletion() {
    for (kind, call, code) in DELETIONS {
        let stage = Stage::applied();
        stage.wire.always("iam:DeleteRolePolicy", done());
        failures(&stage.wire, call, code);
        stage.wire.on(
            call,
            [done().after({
                let wire = stage.wire.clone();
                move || world::reads(&wire, &Live::default())
            })],
        );
        let torn_down = stage.tear_down(kind).await;
        torn_down.succeeded();
        assert!(torn_down.told.iter().any(|why| why == "not now"), "{call}: {:?}", torn_down.told);
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_recovers_is_told_after_half_a_minute_and_a_quota_at_once() {
    let stage = Stage::missing(Kind::Schedule);
    stage.wire.always("scheduler:CreateSchedule", error(500, "InternalServerException", "not now"));
    let failed = stage.apply(Kind::Schedule).await;
    assert!(failed.took < Duration::from_secs(45), "{:?}", failed.took);
    let failed = failed.error();
    assert_eq!(failed.class, Class::Service);
    assert!(failed.message.contains("not done after 30 s of waiting: not now"), "{failed}");

    let stage = Stage::missing(Kind::Function);
    stage
        .wire
        .always("lambda:CreateFunction", error(400, "CodeStorageExceededException", "Code storage limit exceeded."));
    let failed = stage.apply(Kind::Function).await;
    assert_eq!((failed.told.len(), stage.wire.count("lambda:CreateFunction")), (0, 1));
    let failed = failed.error();
    assert_eq!(failed.class, Class::Quota);
    assert!(failed.hint.unwrap().contains("delete versions"));
}

#[tokio::test(start_paused = true)]
async fn throttling_without_end_is_an_error_of_its_own_class() {
    let stage = Stage::applied();
    stage.wire.always("lambda:GetFunction", error(429, "TooManyRequestsException", "Rate exceeded"));
    let (_, errors) = observe(&stage).await.unwrap_err();
    assert_eq!((errors[0].kind, errors[0].error.class), (Some(Kind::Function), Class::Throttled));
    assert_eq!(stage.wire.count("lambda:GetFunction"), 4, "as many as there are attempts");
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_their_own_class_and_not_tried_again() {
    let codes = [
        "ExpiredToken",
        "ExpiredTokenException",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
    ];
    for code in codes {
        let stage = Stage::applied();
        stage
            .wire
            .always("lambda:GetFunction", error(403, code, "The security token included in the request is expired"));
        let (_, errors) = observe(&stage).await.unwrap_err();
        assert_eq!(errors[0].error.class, Class::Credentials, "{code}");
        assert!(errors[0].error.hint.is_some());
        assert_eq!(stage.wire.count("lambda:GetFunction"), 1, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_credentials_have_expired_nothing_more_is_begun_and_what_was_done_is_told() {
    let stage = Stage::new(stack::spec(), Live::default());
    let plan = stack::plan(&stage.spec, &stage.live);
    let expired = || error(403, "ExpiredTokenException", "The security token included in the request is expired");
    stage.wire.on("secretsmanager:CreateSecret", [expired()]);
    stage.wire.on("logs:CreateLogGroup", [done()]).on("logs:PutRetentionPolicy", [done()]);
    stage.wire.on("scheduler:CreateScheduleGroup", [done()]);
    let role = world::role_body(&stack::applied(&stage.spec).invoke_role.unwrap());
    stage.wire.always("iam:CreateRole", ok(role)).always("iam:PutRolePolicy", done());
    let desired = stack::desired(&stage.spec, &stage.live);
    let mutator = Mutator::to_apply(stage.wire.clients(), desired, stage.live.clone(), vec![], Some(first_value()));
    let report = Box::pin(engine::run(&plan, &mutator, &Stop::default(), &|_| {})).await;
    let outcome =
        |kind: Kind| report.outcomes.iter().find(|(one, _)| *one == kind).map(|(_, outcome)| outcome).unwrap();
    assert!(matches!(outcome(Kind::Secret), Outcome::Failed(error) if error.class == Class::Credentials));
    for kind in [Kind::LogGroup, Kind::ScheduleGroup, Kind::ExecutionRole, Kind::InvokeRole] {
        assert!(matches!(outcome(kind), Outcome::Done(_)), "{kind} was under way: {:?}", outcome(kind));
    }
    for kind in [Kind::Function, Kind::Schedule] {
        assert!(matches!(outcome(kind), Outcome::NotStarted(NotStarted::Interrupted)), "{:?}", outcome(kind));
    }
    let called: BTreeSet<String> = stage.wire.operations().into_iter().collect();
    assert!(!called.contains("lambda:CreateFunction") && !called.contains("scheduler:CreateSchedule"), "{called:?}");
    assert_eq!(stage.wire.count("secretsmanager:CreateSecret"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_deletion_whose_first_answer_was_lost_is_success() {
    let delete = "logs:DeleteLogGroup";
    let stage = Stage::applied();
    stage.wire.on(delete, [error(503, "ServiceUnavailableException", "later"), absent(delete)]);
    stage.tear_down(Kind::LogGroup).await.succeeded();
}
