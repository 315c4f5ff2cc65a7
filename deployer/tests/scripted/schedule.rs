//! EventBridge Scheduler: the schedule.

use std::time::Duration;

use deployer::aws::Class;
use plan::ownership::{APPLIED_SCHEDULE_TAG, STACK_TAG};
use plan::resource::Kind;
use serde_json::{Value as Json, json};

use crate::stage::Stage;
use crate::wire::{Reply, Wire, absent, done, error, ok};
use crate::{stack, world};

const CREATE: &str = "scheduler:CreateSchedule";
const UPDATE: &str = "scheduler:UpdateSchedule";
const TAG: &str = "scheduler:TagResource";
const NOT_READY: &str = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.";

fn invalid(message: &str) -> Reply {
    error(400, "ValidationException", message)
}

#[tokio::test(start_paused = true)]
async fn creation_waits_for_a_role_that_reads_back_as_desired_and_says_so() {
    let stage = Stage::missing(Kind::Schedule);
    stage.wire.on(CREATE, [invalid(NOT_READY), invalid(NOT_READY), done()]);
    let done = stage.apply(Kind::Schedule).await;
    done.succeeded();
    assert_eq!(stage.wire.changes(), [CREATE; 3]);
    assert_eq!(stage.wire.the("iam:GetRole").body["RoleName"], "RotatePasswordSchedule-invoke");
    assert_eq!(done.told.len(), 2);
    assert!(done.told[0].contains("RotatePasswordSchedule-invoke is not usable yet"), "{:?}", done.told);
}

#[tokio::test(start_paused = true)]
async fn creation_fails_at_once_where_somebody_changed_the_trust() {
    let stage = Stage::with(|live| {
        live.schedule = None;
        let trust = &mut live.invoke_role.as_mut().unwrap().trust;
        trust["Statement"][0]["Condition"]["StringEquals"]["aws:SourceAccount"] = json!("999999999999");
    });
    stage.wire.always(CREATE, invalid(NOT_READY));
    let failed = stage.apply(Kind::Schedule).await;
    assert!(failed.took < Duration::from_millis(50));
    let error = failed.error();
    assert!(error.message.contains("trust policy of role RotatePasswordSchedule-invoke was changed"), "{error}");
    assert_eq!(stage.wire.count(CREATE), 1);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_never_propagates_fails_after_two_minutes_and_not_sooner() {
    let stage = Stage::missing(Kind::Schedule);
    stage.wire.always(CREATE, invalid(NOT_READY));
    let failed = stage.apply(Kind::Schedule).await;
    failed.took_the_deadline();
    assert!(failed.error().message.contains("not done after 120 s"));
}

#[tokio::test(start_paused = true)]
async fn any_other_validation_error_fails_at_once() {
    for message in ["Invalid Schedule Expression cron(0 0 * * *).", "Invalid Timezone."] {
        let stage = Stage::missing(Kind::Schedule);
        stage.wire.always(CREATE, invalid(message));
        let error = stage.apply(Kind::Schedule).await.error();
        assert_eq!((error.class, error.message.as_str()), (Class::Invalid, message));
        assert_eq!(stage.after_look(Kind::Schedule), [CREATE]);
    }
}

/// The whole document, but for the token that the SDK makes up.
fn document(wire: &Wire, call: &str) -> Json {
    let mut body = wire.the(call).body;
    body.as_object_mut().unwrap().remove("ClientToken");
    body
}

fn whole(expression: &str) -> Json {
    json!({
        "GroupName": "myapp-db-password",
        "Description": "Rotates the secret MyApp/DBPassword",
        "ScheduleExpression": expression,
        "ScheduleExpressionTimezone": "UTC",
        "State": "ENABLED",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
        "Target": {
            "Arn": "arn:aws:lambda:us-east-1:123456789012:function:RotatePasswordFunction",
            "RoleArn": "arn:aws:iam::123456789012:role/RotatePasswordSchedule-invoke",
            "Input": stack::desired(&stack::spec(), &plan::live::Live::default()).schedule.settings.input.to_string(),
            "RetryPolicy": {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 3600},
        },
    })
}

#[tokio::test(start_paused = true)]
async fn an_update_of_one_attribute_sends_the_whole_document() {
    let expression = "cron(0/5 * * * ? *)";
    let changes: [fn(&mut plan::resource::schedule::Live); 4] = [
        |schedule| schedule.settings.expression = "rate(1 day)".to_owned(),
        |schedule| schedule.settings.enabled = false,
        |schedule| schedule.settings.retry_attempts = 185,
        |schedule| schedule.settings.dead_letter_arn = Some("arn:aws:sqs:us-east-1:123456789012:dead".to_owned()),
    ];
    for change in changes {
        let stage = Stage::with(|live| change(live.schedule.as_mut().unwrap()));
        stage.wire.on(UPDATE, [done()]).on(TAG, [done()]);
        stage.apply(Kind::Schedule).await.succeeded();
        assert_eq!(stage.after_look(Kind::Schedule), [UPDATE, TAG]);
        assert_eq!(document(&stage.wire, UPDATE), whole(expression));
        assert!(stage.wire.the(UPDATE).path.starts_with("schedules/RotatePasswordSchedule"));
        let noted = stage.wire.the(TAG).body;
        assert_eq!(noted["Tags"].as_array().unwrap().len(), 1);
        assert_eq!(noted["Tags"][0]["Key"], APPLIED_SCHEDULE_TAG);
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_sends_the_whole_document_and_no_window_where_there_is_none() {
    let stage = Stage::missing(Kind::Schedule);
    stage.wire.on(CREATE, [done()]);
    stage.apply(Kind::Schedule).await.succeeded();
    assert_eq!(document(&stage.wire, CREATE), whole("cron(0/5 * * * ? *)"));

    let spec = stack::with("flexible_window_minutes: 5", "flexible_window_minutes: 0");
    let stage = Stage::new(spec.clone(), stack::without(stack::applied(&spec), Kind::Schedule));
    stage.wire.on(CREATE, [done()]);
    stage.apply(Kind::Schedule).await.succeeded();
    assert_eq!(document(&stage.wire, CREATE)["FlexibleTimeWindow"], json!({"Mode": "OFF"}));
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_queue_is_sent_and_reads_back_as_it_was_set() {
    let queue = "arn:aws:sqs:us-east-1:123456789012:dead-letters";
    let spec = stack::with("retry: {", &format!("dead_letter_queue: {queue}\n  retry: {{"));
    let live = stack::applied(&spec);
    let stage = Stage::new(spec.clone(), stack::without(live.clone(), Kind::Schedule));
    stage.wire.on(CREATE, [done()]);
    stage.apply(Kind::Schedule).await.succeeded();
    assert_eq!(document(&stage.wire, CREATE)["Target"]["DeadLetterConfig"], json!({"Arn": queue}));

    let mut body = world::schedule_body(live.schedule.as_ref().unwrap());
    body["Target"]["DeadLetterConfig"] = json!({"Arn": queue});
    world::reads(&stage.wire, &live);
    stage.wire.always("scheduler:GetSchedule", ok(body));
    let observed = crate::reads::observe(&stage).await.unwrap();
    assert!(stack::plan(&spec, &observed.live).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_schedule_of_ours_that_is_there_already_is_brought_to_what_is_desired() {
    let stage = Stage::missing(Kind::Schedule);
    let mut made = stack::applied(&stage.spec);
    made.schedule.as_mut().unwrap().settings.enabled = false;
    world::reads(&stage.wire, &made);
    stage.wire.on(CREATE, [error(409, "ConflictException", "Schedule RotatePasswordSchedule already exists.")]);
    stage.wire.on(UPDATE, [done()]).on(TAG, [done()]);
    stage.apply(Kind::Schedule).await.succeeded();
    assert_eq!(stage.wire.changes(), [CREATE, UPDATE, TAG]);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_in_a_foreign_group_is_refused() {
    let stage = Stage::missing(Kind::Schedule);
    let mut made = stack::applied(&stage.spec);
    stack::tags_mut(&mut made, Kind::Schedule).insert(STACK_TAG.to_owned(), "another".to_owned());
    world::reads(&stage.wire, &made);
    let error = stage.apply(Kind::Schedule).await.error();
    assert_eq!(error.class, Class::Foreign);
    assert!(error.message.contains("somebody else"), "{error}");
    assert!(stage.wire.changes().is_empty(), "nothing is put into somebody else's group");
}

#[tokio::test(start_paused = true)]
async fn another_change_in_progress_is_waited_for() {
    let stage = Stage::with(|live| live.schedule.as_mut().unwrap().settings.enabled = false);
    let busy = || error(409, "ConflictException", "Updating or deleting the schedule is in progress.");
    stage.wire.on(UPDATE, [busy(), done()]).on(TAG, [done()]);
    stage.apply(Kind::Schedule).await.succeeded();

    let (stage, delete) = (Stage::applied(), "scheduler:DeleteSchedule");
    stage.wire.on(delete, [busy(), absent(delete)]);
    stage.tear_down(Kind::Schedule).await.succeeded();
    assert!(stage.wire.calls(delete)[0].path.contains("groupName=myapp-db-password"));
}

#[tokio::test(start_paused = true)]
async fn what_the_service_leaves_out_is_read_as_its_default() {
    let stage = Stage::applied();
    let settings = stage.live.schedule.clone().unwrap().settings;
    stage.wire.always(
        "scheduler:GetSchedule",
        ok(json!({
            "ScheduleExpression": settings.expression, "FlexibleTimeWindow": {"Mode": "OFF"}, "State": "ENABLED",
            "Target": {"Arn": settings.target_arn, "RoleArn": settings.role_arn},
        })),
    );
    let read = crate::reads::observe(&stage).await.unwrap().live.schedule.unwrap().settings;
    assert_eq!((read.retry_attempts, read.retry_max_age_seconds), (185, 86_400));
    assert_eq!((read.timezone.as_str(), read.flexible_window_minutes), ("UTC", 0));
}
