//! What is read besides the stack before a plan: keys, queues, names that are taken, room.

use std::fmt::Write as _;

use deployer::aws::{Class, preflight};
use plan::precondition::{Answers, DeadLetterQueue, Key, Questions, QueueKey};
use plan::resource::Kind;
use serde_json::json;

use crate::reads::observe;
use crate::stage::Stage;
use crate::wire::{Reply, Wire, absent, denied, done, error, ok};
use crate::{stack, world};

const QUEUE: &str = "arn:aws:sqs:us-east-1:210987654321:dead";
const KEY: &str = "arn:aws:kms:us-east-1:210987654321:key/1";
const DESCRIBE: &str = "kms:DescribeKey";
const LIST: &str = "iam:ListRoles";

fn described(state: &str, manager: &str) -> Reply {
    ok(json!({"KeyMetadata": {
        "KeyId": "1", "Arn": KEY, "KeyState": state, "KeyManager": manager, "KeyUsage": "ENCRYPT_DECRYPT",
        "KeySpec": "SYMMETRIC_DEFAULT", "DeletionDate": 1_800_000_000,
    }}))
}

fn key(state: &str) -> Key {
    Key {
        arn: KEY.to_owned(),
        state: state.to_owned(),
        usage: "ENCRYPT_DECRYPT".to_owned(),
        spec: "SYMMETRIC_DEFAULT".to_owned(),
        deletion: Some("2027-01-15T08:00:00Z".to_owned()),
        is_aws_own: false,
    }
}

/// A stack whose schedule has a dead-letter queue, which has that key.
pub fn with_queue(queue_key: Option<&str>) -> Stage {
    let spec = stack::with("retry: {", &format!("dead_letter_queue: {QUEUE}\n  retry: {{"));
    let live = stack::applied(&spec);
    let stage = Stage::new(spec, live);
    world::queue(&stage.wire, queue_key);
    stage
}

async fn queue(stage: &Stage) -> DeadLetterQueue {
    observe(stage).await.unwrap().surroundings.queue
}

#[tokio::test(start_paused = true)]
async fn the_key_of_a_queue_is_one_of_the_queue_s_own_account_however_it_is_spelled() {
    for (spelled, asked) in [
        ("1", KEY),
        (KEY, KEY),
        ("alias/dead", "arn:aws:kms:us-east-1:210987654321:alias/dead"),
        ("arn:aws:kms:us-east-1:1:alias/dead", "arn:aws:kms:us-east-1:1:alias/dead"),
    ] {
        let stage = with_queue(Some(spelled));
        stage.wire.always(DESCRIBE, described("Enabled", "CUSTOMER"));
        let observed = observe(&stage).await.unwrap();
        assert_eq!(
            observed.surroundings.queue,
            DeadLetterQueue::Present(QueueKey::Customer(key("Enabled"))),
            "{spelled}"
        );
        assert_eq!(stage.wire.the(DESCRIBE).body["KeyId"], asked);
        assert_eq!(observed.facts(None).queue_key_arn.as_deref(), Some(KEY));
        let desired = plan::desired::Desired::of(&stage.spec, &observed.facts(None)).invoke_role;
        assert!(desired.policies.contains_key("UseDeadLetterQueueKey"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_without_a_key_of_somebody_s_own_takes_no_right() {
    for (queue_key, manager) in [(None, ""), (Some("alias/aws/sqs"), ""), (Some("1"), "AWS")] {
        let stage = with_queue(queue_key);
        stage.wire.always(DESCRIBE, described("Enabled", manager));
        assert_eq!(queue(&stage).await, DeadLetterQueue::Present(QueueKey::Free), "{queue_key:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_absent_is_told_from_one_that_may_not_be_seen() {
    let gone = || error(400, "QueueDoesNotExist", "The specified queue does not exist.");
    for call in ["sqs:GetQueueUrl", "sqs:GetQueueAttributes"] {
        let stage = with_queue(None);
        stage.wire.always(call, gone());
        assert_eq!(queue(&stage).await, DeadLetterQueue::Absent, "{call}");
        stage.wire.always(call, denied(call));
        assert_eq!(queue(&stage).await, DeadLetterQueue::Present(QueueKey::Unknown), "{call}");
        stage.wire.always(call, error(500, "InternalError", "later"));
        let (_, errors) = observe(&stage).await.unwrap_err();
        assert_eq!(errors[0].error.class, Class::Service, "{call}");
    }
    let stage = with_queue(Some("1"));
    stage.wire.always(DESCRIBE, denied(DESCRIBE));
    assert_eq!(queue(&stage).await, DeadLetterQueue::Present(QueueKey::Unknown));
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_secrets_manager_rotates_has_no_queue_to_look_at() {
    let mut spec = stack::managed();
    spec.schedule.dead_letter_queue = Some(QUEUE.to_owned());
    let live = stack::applied(&spec);
    let stage = Stage::new(spec, live);
    assert_eq!(queue(&stage).await, DeadLetterQueue::Unnamed);
    assert_eq!(stage.wire.count("sqs:GetQueueUrl"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_state_of_the_secret_s_key_is_read_with_it() {
    let spec = stack::with("alias/aws/secretsmanager", "alias/app");
    let mut live = stack::applied(&spec);
    live.secret.as_mut().unwrap().kms_key_arn = Some(KEY.to_owned());
    let stage = Stage::new(spec, live);
    stage.wire.always(DESCRIBE, described("PendingDeletion", "CUSTOMER"));
    let observed = observe(&stage).await.unwrap();
    assert_eq!(observed.surroundings.secret_key, Some(key("PendingDeletion")));
    assert_eq!(observed.kms_key_arn.as_deref(), Some(KEY));
}

#[tokio::test(start_paused = true)]
async fn what_protects_a_resource_from_deletion_reads_back() {
    let stage = Stage::with(|live| {
        let secret = live.secret.as_mut().unwrap();
        secret.replicas = vec!["eu-west-1".to_owned()];
        (secret.primary_region, secret.owning_service) = (Some("us-east-1".to_owned()), Some("rds".to_owned()));
        live.log_group.as_mut().unwrap().is_protected = true;
    });
    let observed = observe(&stage).await.unwrap();
    assert_eq!(observed.live, stage.live);
    assert!(stack::plan(&stage.spec, &observed.live).is_empty(), "no setting of the spec's");
}

fn roles(names: &[&str], marker: Option<&str>) -> Reply {
    let mut members = String::new();
    for name in names {
        let _ = write!(
            members,
            "<member><Path>/</Path><RoleName>{name}</RoleName><RoleId>AROA</RoleId><Arn>arn:{name}</Arn>\
             <CreateDate>2026-01-01T00:00:00Z</CreateDate></member>"
        );
    }
    let more = marker.map(|marker| format!("<Marker>{marker}</Marker>")).unwrap_or_default();
    ok(format!("<Roles>{members}</Roles><IsTruncated>{}</IsTruncated>{more}", marker.is_some()))
}

fn asked() -> Questions {
    Questions { roles: vec!["App-role".to_owned()], boundary: Some("arn:bound".to_owned()), code: Some(1) }
}

#[tokio::test(start_paused = true)]
async fn every_answer_comes_from_its_own_call() {
    let wire = Wire::new();
    wire.on(LIST, [roles(&["other", "App-role"], Some("more")), roles(&["APP-ROLE", "App-role-2"], None)]);
    wire.always("iam:GetPolicy", absent("iam:GetPolicy"));
    let limit = json!({"TotalCodeSize": 100, "ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 0});
    wire.always("lambda:GetAccountSettings", ok(json!({"AccountLimit": limit, "AccountUsage": {"TotalCodeSize": 98}})));
    let answers = preflight(&wire.clients(), &asked()).await;
    let other_cases = vec!["APP-ROLE".to_owned()];
    let expected = Answers { other_cases, is_boundary_absent: true, room: Some(2), is_concurrency_used_up: true };
    assert_eq!(answers, expected);
    assert_eq!(wire.calls(LIST)[1].body["Marker"], "more");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_asked_for_is_not_called_and_what_is_denied_is_not_answered() {
    let wire = Wire::new();
    assert_eq!(preflight(&wire.clients(), &Questions::default()).await, Answers::default());
    assert!(wire.operations().is_empty());
    for call in [LIST, "iam:GetPolicy", "lambda:GetAccountSettings"] {
        wire.always(call, denied(call));
    }
    assert_eq!(preflight(&wire.clients(), &asked()).await, Answers::default());
    // Emulators give limits of nothing.
    wire.always("lambda:GetAccountSettings", ok(json!({"AccountLimit": {}, "AccountUsage": {}})));
    assert_eq!(preflight(&wire.clients(), &asked()).await, Answers::default());
}

#[tokio::test(start_paused = true)]
async fn a_list_of_roles_that_gives_the_same_page_again_comes_to_an_end() {
    let wire = Wire::new();
    wire.always(LIST, roles(&["app-ROLE"], Some("same")));
    let answers = preflight(&wire.clients(), &Questions { boundary: None, code: None, ..asked() }).await;
    assert_eq!((answers.other_cases.len(), wire.count(LIST)), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_role_of_another_case_stops_the_creation_at_once_and_by_its_name() {
    let exists = || error(409, "EntityAlreadyExists", "Role with name RotatePasswordFunction-role already exists.");
    let stage = Stage::missing(Kind::ExecutionRole);
    stage.wire.always("iam:CreateRole", exists()).always(LIST, roles(&["rotatepasswordfunction-role"], None));
    let failed = stage.apply(Kind::ExecutionRole).await;
    assert!(failed.told.is_empty() && stage.wire.count("iam:CreateRole") == 1, "{failed:?}");
    let refused = failed.error();
    assert_eq!(refused.class, Class::Foreign);
    assert!(refused.message.contains("there is a role rotatepasswordfunction-role"), "{refused}");
    assert!(refused.hint.unwrap().contains("another name than RotatePasswordFunction-role"));

    // Who may not list waits for half a minute, and no longer.
    let stage = Stage::missing(Kind::ExecutionRole);
    stage.wire.always("iam:CreateRole", exists()).always(LIST, denied(LIST));
    let failed = stage.apply(Kind::ExecutionRole).await;
    assert!(failed.took.as_secs() < 35, "{:?}", failed.took);
    assert!(failed.error().hint.unwrap().contains("aws iam list-roles"));

    // One that is being deleted goes.
    let stage = Stage::missing(Kind::ExecutionRole);
    let made = world::role_body(&stack::applied(&stage.spec).execution_role.unwrap());
    stage
        .wire
        .on("iam:CreateRole", [exists(), ok(made)])
        .always(LIST, roles(&[], None))
        .always("iam:PutRolePolicy", done());
    stage.apply(Kind::ExecutionRole).await.succeeded();
}
