//! Secrets Manager: names that are taken, deletion that takes its time, and a value that no one sees.

use deployer::aws::{Class, Deleted};
use jiff::SignedDuration;
use plan::ownership::STACK_TAG;
use plan::resource::Kind;
use plan::spec::OnTeardown;
use serde_json::json;

use crate::stage::{CANARY, Stage};
use crate::wire::{absent, done, error, ok};
use crate::{stack, world};

const CREATE: &str = "secretsmanager:CreateSecret";
const UPDATE: &str = "secretsmanager:UpdateSecret";
const DELETE: &str = "secretsmanager:DeleteSecret";
const DESCRIBE: &str = "secretsmanager:DescribeSecret";
const TAG: &str = "secretsmanager:TagResource";

#[tokio::test(start_paused = true)]
async fn the_first_value_is_sent_once_under_a_token_that_does_not_change() {
    let tokens: Vec<_> = [(); 2]
        .into_iter()
        .map(|()| async {
            let stage = Stage::missing(Kind::Secret);
            stage
                .wire
                .on(CREATE, [error(500, "InternalServiceError", "try again"), ok(json!({"ARN": stack::SECRET_ARN}))]);
            stage.apply(Kind::Secret).await.succeeded();
            let calls = stage.wire.calls(CREATE);
            assert_eq!(calls.len(), 2);
            assert_eq!(calls[0].body, calls[1].body, "the SDK's retry is the same call");
            let value = calls[0].body["SecretString"].as_str().unwrap().to_owned();
            assert_eq!(serde_json::from_str::<serde_json::Value>(&value).unwrap(), json!({"password": CANARY}));
            calls[0].body["ClientRequestToken"].as_str().unwrap().to_owned()
        })
        .collect();
    let tokens = futures_util::future::join_all(tokens).await;
    assert_eq!(tokens[0], tokens[1]);
    assert!((32..=64).contains(&tokens[0].len()));
}

#[tokio::test(start_paused = true)]
async fn an_error_that_quotes_the_value_is_told_without_it() {
    let value = json!({"password": CANARY}).to_string();
    let quoted = [
        value.clone(),
        json!(value).to_string(),
        CANARY.to_owned(),
        value[..20].to_owned(),
        CANARY.replace('&', "&amp;").replace('<', "&lt;"),
    ];
    for quotation in quoted {
        let message = format!("1 validation error detected: Value '{quotation}' at 'secretString' failed to satisfy");
        for code in ["ValidationException", "InvalidParameterException", "InvalidRequestException"] {
            let stage = Stage::missing(Kind::Secret);
            stage.wire.always(CREATE, error(400, code, &message));
            let error = stage.apply(Kind::Secret).await.error();
            let told = format!("{error} {error:?} {error:#?}");
            for part in [CANARY, "Canary", "5f2c", "value>"] {
                assert!(!told.contains(part), "{told}");
            }
            assert!(told.contains(code), "the code is still told: {told}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_that_quotes_nothing_is_told_as_it_is() {
    let stage = Stage::missing(Kind::Secret);
    stage.wire.always(CREATE, error(400, "InvalidParameterException", "Invalid name. Must be a valid password name."));
    let error = stage.apply(Kind::Secret).await.error();
    assert_eq!(error.message, "Invalid name. Must be a valid password name.");
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_ours_that_is_there_already_keeps_its_value() {
    let stage = Stage::missing(Kind::Secret);
    let mut made = stack::applied(&stage.spec);
    made.secret.as_mut().unwrap().description = "another".to_owned();
    world::reads(&stage.wire, &made);
    stage
        .wire
        .on(CREATE, [error(400, "ResourceExistsException", "The operation failed because the secret already exists.")]);
    stage.wire.on(UPDATE, [done()]).on(TAG, [done()]);
    stage.apply(Kind::Secret).await.succeeded();
    assert_eq!(stage.wire.changes(), [CREATE, UPDATE, TAG]);
    let sent = stage.wire.the(UPDATE).body;
    assert_eq!(sent["Description"], "Password of MyApp's database");
    assert!(sent.get("SecretString").is_none() && sent.get("KmsKeyId").is_none(), "{sent}");
}

#[tokio::test(start_paused = true)]
async fn a_foreign_secret_that_is_there_already_is_refused() {
    for owner in [None, Some("another-stack")] {
        let stage = Stage::missing(Kind::Secret);
        let mut made = stack::applied(&stage.spec);
        let tags = stack::tags_mut(&mut made, Kind::Secret);
        tags.remove(STACK_TAG);
        tags.extend(owner.map(|name| (STACK_TAG.to_owned(), name.to_owned())));
        world::reads(&stage.wire, &made);
        stage.wire.on(CREATE, [error(400, "ResourceExistsException", "exists")]);
        let error = stage.apply(Kind::Secret).await.error();
        assert_eq!(error.class, Class::Foreign);
        assert!(error.message.contains("made by somebody else"), "{error}");
        assert_eq!(stage.wire.changes(), [CREATE]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_scheduled_for_deletion_is_restored_and_not_written() {
    let stage = Stage::with(|live| live.secret.as_mut().unwrap().deleted = Some("2026-11-01T00:00:00Z".to_owned()));
    stage.wire.on("secretsmanager:RestoreSecret", [done()]);
    stage.apply(Kind::Secret).await.succeeded();
    assert_eq!(stage.after_look(Kind::Secret), ["secretsmanager:RestoreSecret"]);
}

#[tokio::test(start_paused = true)]
async fn a_recoverable_deletion_reports_its_date() {
    let stage = Stage::applied();
    stage.wire.on(DELETE, [ok(json!({"Name": "MyApp/DBPassword", "DeletionDate": 1_795_000_000}))]);
    let done = stage.tear_down(Kind::Secret).await;
    done.succeeded();
    assert_eq!(stage.after_look(Kind::Secret), [DELETE]);
    assert_eq!(done.deleted, Some(Deleted::Recoverable(Some("2026-11-18T11:06:40Z".to_owned()))));
    let sent = stage.wire.the(DELETE).body;
    assert_eq!(sent, json!({"SecretId": stack::SECRET_ARN, "RecoveryWindowInDays": 7}));
}

#[tokio::test(start_paused = true)]
async fn a_deletion_whose_answer_is_lost_is_this_runs_own_and_reports_its_date() {
    let now = jiff::Timestamp::now().round(jiff::Unit::Second).unwrap();
    let until = now + SignedDuration::from_hours(7 * 24);
    // What the service tells may be either: when it was asked for, or for when it is scheduled.
    for told in [now, until] {
        let stage = Stage::applied();
        let mut deleted = stack::applied(&stage.spec);
        deleted.secret.as_mut().unwrap().deleted = Some(told.to_string());
        let wire = stage.wire.clone();
        let lost = error(500, "InternalServiceError", "try again").after(move || world::reads(&wire, &deleted));
        let scheduled = "You can't perform this operation on the secret because it was already scheduled for deletion.";
        stage.wire.on(DELETE, [lost, error(400, "InvalidRequestException", scheduled)]);
        let done = stage.tear_down(Kind::Secret).await;
        done.succeeded();
        assert_eq!(stage.after_look(Kind::Secret), [DELETE, DELETE, DESCRIBE]);
        assert_eq!(done.deleted, Some(Deleted::Recoverable(Some(until.to_string()))), "told {told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_forced_deletion_ends_when_the_secret_is_gone() {
    let stage = Stage::applied();
    let going = ok(world::secret_body(stage.live.secret.as_ref().unwrap()));
    stage.wire.on(DELETE, [done()]).on(DESCRIBE, [going.clone(), going.clone(), going.clone(), absent(DESCRIBE)]);
    let done = stage.tear_down_secret(Kind::Secret, OnTeardown::Force).await;
    done.succeeded();
    assert_eq!(stage.after_look(Kind::Secret), [DELETE, DESCRIBE, DESCRIBE, DESCRIBE]);
    assert_eq!(stage.wire.the(DELETE).body["ForceDeleteWithoutRecovery"], true);
    assert_eq!((done.told.len(), done.deleted), (2, Some(Deleted::Gone)));

    let stage = Stage::applied();
    stage.wire.on(DELETE, [crate::wire::done()]).always(DESCRIBE, going);
    let failed = stage.tear_down_secret(Kind::Secret, OnTeardown::Force).await;
    failed.took_the_deadline();
    assert!(failed.error().message.contains("still being deleted"));
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_gone_already_is_no_failure() {
    let stage = Stage::applied();
    stage.wire.on(DELETE, [absent(DELETE)]);
    stage.tear_down(Kind::Secret).await.succeeded();
}

#[tokio::test(start_paused = true)]
async fn another_key_is_sent_and_the_value_is_not() {
    let stage = Stage::with(|live| {
        live.secret.as_mut().unwrap().kms_key_arn = Some("arn:aws:kms:us-east-1:123456789012:key/other".to_owned());
    });
    stage.wire.on(UPDATE, [done()]).on(TAG, [done()]);
    stage.apply(Kind::Secret).await.succeeded();
    let sent = stage.wire.the(UPDATE).body;
    assert_eq!(sent["KmsKeyId"], "alias/aws/secretsmanager");
    assert!(sent.get("SecretString").is_none());
}
