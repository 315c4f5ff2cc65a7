//! What the doctor reads besides the stack.

use deployer::aws::Class;
use plan::doctor::{Concurrency, Fix, Health, Queue};
use serde_json::json;

use crate::wire::{Reply, Wire, absent, denied, done, error, ok};

const ARN: &str = "arn:aws:sqs:us-east-1:210987654321:dead-letters";
const CONFIGURATION: &str = "lambda:GetFunctionConfiguration";
const CONCURRENCY: &str = "lambda:GetFunctionConcurrency";
const QUEUE_URL: &str = "sqs:GetQueueUrl";
const DEPTH: &str = "sqs:GetQueueAttributes";
const UPDATE: &str = "secretsmanager:UpdateSecretVersionStage";
const VERSIONS: &str = "secretsmanager:ListSecretVersionIds";
const DESCRIBE: &str = "secretsmanager:DescribeSecret";

#[tokio::test(start_paused = true)]
async fn a_function_s_states_and_reasons_are_read_as_they_are() {
    let wire = Wire::new();
    let config = json!({
        "State": "Failed", "StateReason": "The image is gone.", "LastUpdateStatus": "Failed",
        "LastUpdateStatusReason": "The key is disabled.", "LastModified": "2026-11-23T10:00:00.000+0000",
    });
    wire.always(CONFIGURATION, ok(config)).always(CONCURRENCY, ok(json!({"ReservedConcurrentExecutions": 0})));
    let health = wire.clients().function_health("f").await.unwrap().unwrap();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        health,
        Health {
            state: text("Failed"),
            state_reason: text("The image is gone."),
            update: text("Failed"),
            update_reason: text("The key is disabled."),
            modified: Some("2026-11-23T10:00:00Z".parse().unwrap()),
            concurrency: Concurrency::Reserved(0),
        }
    );
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_that_may_not_be_read_is_neither_zero_nor_an_error() {
    let wire = Wire::new();
    wire.always(CONFIGURATION, ok(json!({"State": "Active"}))).on(CONCURRENCY, [done(), denied(CONCURRENCY)]);
    let clients = wire.clients();
    let health = clients.function_health("f").await.unwrap().unwrap();
    assert_eq!(health.concurrency, Concurrency::Unreserved);
    let health = clients.function_health("f").await.unwrap().unwrap();
    assert!(matches!(health.concurrency, Concurrency::Unread(why) if why.contains(CONCURRENCY)));
}

#[tokio::test(start_paused = true)]
async fn an_absent_function_is_none_and_a_forbidden_one_an_error() {
    let wire = Wire::new();
    wire.always(CONCURRENCY, absent(CONCURRENCY)).on(CONFIGURATION, [absent(CONFIGURATION), denied(CONFIGURATION)]);
    let clients = wire.clients();
    assert_eq!(clients.function_health("f").await.unwrap(), None);
    assert_eq!(clients.function_health("f").await.unwrap_err().class, Class::Denied);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_s_last_change_is_when_its_rate_begins() {
    let wire = Wire::new();
    let get = "scheduler:GetSchedule";
    let times = json!({"CreationDate": 1_000, "LastModificationDate": 2_000});
    wire.on(get, [ok(times), ok(json!({"CreationDate": 1_000})), absent(get)]);
    let clients = wire.clients();
    for expected in [Some(2_000), Some(1_000), None] {
        let stored = clients.schedule_stored("s", "g").await.unwrap();
        assert_eq!(stored.map(jiff::Timestamp::as_second), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn every_page_of_versions_is_read_those_without_a_label_too() {
    let wire = Wire::new();
    let page = |id: &str, created: i64| json!({"VersionId": id, "VersionStages": [], "CreatedDate": created});
    wire.on(
        VERSIONS,
        [
            ok(json!({"Versions": [page("old", 1), page("newer", 2)], "NextToken": "more"})),
            ok(json!({"Versions": [page("newest", 3)]})),
        ],
    );
    let versions = wire.clients().all_versions("s").await.unwrap();
    assert_eq!(versions.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["newest", "newer", "old"]);
    let calls = wire.calls(VERSIONS);
    assert_eq!((&calls[0].body["IncludeDeprecated"], &calls[1].body["NextToken"]), (&json!(true), &json!("more")));
}

#[tokio::test(start_paused = true)]
async fn a_queue_is_looked_up_in_its_own_account_and_tells_its_depth() {
    let wire = Wire::new();
    wire.always(QUEUE_URL, ok(json!({"QueueUrl": "https://sqs.us-east-1.amazonaws.com/210987654321/dead-letters"})));
    wire.always(DEPTH, ok(json!({"Attributes": {"ApproximateNumberOfMessages": "7"}})));
    assert_eq!(wire.clients().queue(ARN).await.unwrap(), Queue::Holds(7));
    let body = wire.the(QUEUE_URL).body;
    assert_eq!(body, json!({"QueueName": "dead-letters", "QueueOwnerAWSAccountId": "210987654321"}));
}

#[tokio::test(start_paused = true)]
async fn an_absent_queue_is_told_from_a_forbidden_one_in_each_of_sqs_s_codes() {
    for code in ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"] {
        let wire = Wire::new();
        wire.on(QUEUE_URL, [error(400, code, "The specified queue does not exist."), denied(QUEUE_URL)]);
        let clients = wire.clients();
        assert_eq!(clients.queue(ARN).await.unwrap(), Queue::Absent, "{code}");
        assert_eq!(clients.queue(ARN).await.unwrap_err().class, Class::Denied);
    }
}

fn pending(labels: [&[&str]; 2]) -> Reply {
    let version = |id: &str, labels: &[&str]| json!({"VersionId": id, "VersionStages": labels, "CreatedDate": 1});
    ok(json!({"Versions": [version("v1", labels[0]), version("v2", labels[1])]}))
}

fn drop_pending() -> Fix {
    Fix::DropPending { version: "v2".into(), current: "v1".into() }
}

#[tokio::test(start_paused = true)]
async fn a_label_is_taken_from_its_version_and_given_to_none() {
    let wire = Wire::new();
    wire.on(VERSIONS, [pending([&["AWSCURRENT"], &["AWSPENDING"]])]).on(UPDATE, [done()]).on(DESCRIBE, [done()]);
    assert!(wire.clients().carry_out("s", &drop_pending(), false).await.unwrap());
    let body = wire.the(UPDATE).body;
    assert_eq!(body, json!({"SecretId": "s", "VersionStage": "AWSPENDING", "RemoveFromVersionId": "v2"}));
}

#[tokio::test(start_paused = true)]
async fn a_label_that_a_rotation_has_moved_meanwhile_stays() {
    let moved: [[&[&str]; 2]; 3] =
        [[&["AWSPREVIOUS"], &["AWSCURRENT", "AWSPENDING"]], [&["AWSCURRENT"], &[]], [&[], &["AWSPENDING"]]];
    for labels in moved {
        let wire = Wire::new();
        wire.on(VERSIONS, [pending(labels)]).on(DESCRIBE, [done()]);
        assert!(!wire.clients().carry_out("s", &drop_pending(), false).await.unwrap());
        assert_eq!(wire.changes(), [] as [&str; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_pending_version_which_no_list_has_loses_its_label_unless_it_has_got_a_value() {
    let fix = Fix::DropEmptyPending { version: "v2".into() };
    let described = || ok(json!({"VersionIdsToStages": {"v1": ["AWSCURRENT"], "v2": ["AWSPENDING"]}}));
    let version = |id: &str, label: &str| json!({"VersionId": id, "VersionStages": [label], "CreatedDate": 1});
    let listed = [vec![version("v1", "AWSCURRENT")], vec![version("v1", "AWSCURRENT"), version("v2", "AWSPENDING")]];
    for (versions, is_empty) in listed.into_iter().zip([true, false]) {
        let wire = Wire::new();
        wire.on(VERSIONS, [ok(json!({"Versions": versions}))]).on(DESCRIBE, [described()]).on(UPDATE, [done()]);
        assert_eq!(wire.clients().carry_out("s", &fix, true).await.unwrap(), is_empty);
        assert_eq!(wire.count(UPDATE), usize::from(is_empty));
    }
}
