//! Lambda: roles that propagate, states that settle, revisions that are stale.

use std::time::Duration;

use deployer::aws::Class;
use plan::ownership::{APPLIED_TAG, CODE_TAG, ROLE_ID_TAG, STACK_TAG, VERSION_TAG};
use plan::resource::{Kind, function};
use serde_json::json;

use crate::reads::observe;
use crate::stack::ROLE_ID;
use crate::stage::Stage;
use crate::wire::{Reply, absent, done, error, ok};
use crate::world::{self, function_body};

const CREATE: &str = "lambda:CreateFunction";
const CONFIGURE: &str = "lambda:UpdateFunctionConfiguration";
const GET: &str = "lambda:GetFunction";
const ASYNC: &str = "lambda:PutFunctionEventInvokeConfig";
const TAG: &str = "lambda:TagResource";

/// What Lambda says while it can't use a role (yet).
const NOT_READY: [&str; 3] = [
    "The role defined for the function cannot be assumed by Lambda.",
    "The provided execution role does not have permissions to call CreateNetworkInterface on EC2",
    "Lambda was unable to configure access to your environment variables because the KMS key is invalid for CreateGrant.",
];

fn invalid(message: &str) -> Reply {
    error(400, "InvalidParameterValueException", message)
}

fn in_progress() -> Reply {
    error(409, "ResourceConflictException", "The operation cannot be performed at this time. An update is in progress.")
}

fn function(stage: &Stage) -> function::Live {
    crate::stack::applied(&stage.spec).function.unwrap()
}

fn state(stage: &Stage, state: Option<&str>, update: Option<&str>) -> Reply {
    ok(function_body(&function(stage), state, update))
}

/// The function as it was before the change, active.
fn before(stage: &Stage, update: Option<&str>) -> Reply {
    ok(function_body(stage.live.function.as_ref().unwrap(), Some("Active"), update))
}

/// A stage where the function is missing, and is ready as soon as it is made.
fn before_creation() -> Stage {
    let stage = Stage::missing(Kind::Function);
    stage.wire.always(GET, state(&stage, Some("Active"), Some("Successful"))).always(ASYNC, done());
    stage
}

/// A stage where somebody has changed the function's memory.
fn before_update() -> Stage {
    let stage = Stage::with(|live| live.function.as_mut().unwrap().settings.memory = 512);
    stage.wire.always(CONFIGURE, done()).always(TAG, done());
    stage
}

#[tokio::test(start_paused = true)]
async fn creation_waits_for_a_role_that_reads_back_as_desired_and_says_so() {
    for message in NOT_READY {
        let stage = before_creation();
        stage.wire.on(CREATE, [invalid(message), invalid(message), invalid(message), done()]);
        let done = stage.apply(Kind::Function).await;
        done.succeeded();
        assert_eq!(stage.wire.count(CREATE), 4);
        assert_eq!(stage.wire.count("iam:GetRole"), 1, "the role is read back once");
        let waits = done
            .told
            .iter()
            .filter(|why| why.contains("RotatePasswordFunction-role is not usable yet") && why.contains(message));
        assert_eq!(waits.count(), 3, "{:?}", done.told);
        assert!(done.took < Duration::from_secs(5), "{:?}", done.took);
    }
}

#[tokio::test(start_paused = true)]
async fn creation_fails_at_once_where_somebody_changed_the_trust() {
    for message in NOT_READY {
        let stage = Stage::with(|live| {
            live.function = None;
            live.execution_role.as_mut().unwrap().trust["Statement"][0]["Principal"] =
                json!({"Service": "ec2.amazonaws.com"});
        });
        stage.wire.always(CREATE, invalid(message));
        let failed = stage.apply(Kind::Function).await;
        assert!(failed.told.is_empty() && failed.took < Duration::from_millis(50), "{failed:?}");
        let error = failed.error();
        assert_eq!(stage.wire.count(CREATE), 1);
        assert!(error.message.contains("trust policy of role RotatePasswordFunction-role was changed"), "{error}");
        assert!(error.message.contains(message), "{error}");
        assert!(error.hint.is_some_and(|hint| hint.contains("deploy plan")));
    }
}

#[tokio::test(start_paused = true)]
async fn creation_fails_at_once_where_somebody_changed_a_policy_or_the_boundary() {
    for (change, word) in [("policy", "policy WriteLogs"), ("boundary", "the boundary")] {
        let stage = Stage::with(|live| {
            live.function = None;
            let role = live.execution_role.as_mut().unwrap();
            match change {
                "policy" => drop(role.policies.insert("WriteLogs".to_owned(), json!({"Statement": []}))),
                _ => role.boundary = Some("arn:aws:iam::123456789012:policy/Nothing".to_owned()),
            }
        });
        stage.wire.always(CREATE, invalid(NOT_READY[1]));
        let error = stage.apply(Kind::Function).await.error();
        assert_eq!(stage.wire.count(CREATE), 1);
        assert!(error.message.contains(&format!("{word} of role RotatePasswordFunction-role was changed")), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_never_propagates_fails_after_two_minutes_and_not_sooner() {
    let stage = before_creation();
    stage.wire.always(CREATE, invalid(NOT_READY[0]));
    let failed = stage.apply(Kind::Function).await;
    failed.took_the_deadline();
    let (creations, told) = (stage.wire.count(CREATE), failed.told.len());
    assert_eq!(creations, told + 1, "each wait is told");
    assert!(creations < 60, "{creations} calls in two minutes");
    let error = failed.error();
    assert!(error.message.contains("120 s") && error.message.contains("cannot be assumed by Lambda"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_role_that_can_not_be_read_back_is_an_error_and_no_wait() {
    let stage = before_creation();
    stage.wire.always(CREATE, invalid(NOT_READY[0])).always("iam:GetRole", crate::wire::denied("iam:GetRole"));
    let error = stage.apply(Kind::Function).await.error();
    assert_eq!((error.class, error.operation, stage.wire.count(CREATE)), (Class::Denied, "iam:GetRole", 1));
}

#[tokio::test(start_paused = true)]
async fn any_other_invalid_parameter_fails_at_once() {
    let stage = before_creation();
    stage.wire.always(CREATE, invalid("Unsupported runtime"));
    let failed = stage.apply(Kind::Function).await;
    assert_eq!(failed.took, Duration::ZERO);
    assert_eq!(failed.error().class, Class::Invalid);
    assert_eq!(stage.wire.operations(), [CREATE]);
}

#[tokio::test(start_paused = true)]
async fn a_new_function_is_used_only_once_it_is_active_and_its_update_successful() {
    let stage = before_creation();
    let say = |s, update| state(&stage, s, update);
    stage.wire.on(CREATE, [done()]).on(
        GET,
        [
            absent(GET),
            say(Some("Pending"), Some("InProgress")),
            say(Some("Pending"), None),
            say(Some("Active"), None),
            say(None, Some("Successful")),
            say(Some("Active"), Some("InProgress")),
            say(Some("Active"), Some("Successful")),
        ],
    );
    let done = stage.apply(Kind::Function).await;
    done.succeeded();
    assert_eq!(done.told.len(), 6, "{:?}", done.told);
    assert_eq!(stage.wire.count(GET), 7, "until the last of them, and no longer");
    assert_eq!(stage.wire.changes(), [CREATE, ASYNC]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_state_is_an_error_with_lambdas_reason() {
    for (s, update, reason) in [
        ("Failed", "Successful", "The image is gone."),
        ("Failed", "InProgress", "The image is gone."),
        ("Active", "Failed", "The key is disabled."),
    ] {
        let stage = before_creation();
        stage.wire.on(CREATE, [done()]).on(GET, [state(&stage, Some(s), Some(update))]);
        let error = stage.apply(Kind::Function).await.error();
        assert_eq!(error.class, Class::Outcome);
        assert!(error.message.contains(reason) && error.message.to_lowercase().contains("failed"), "{error}");
        assert_eq!(stage.wire.count(GET), 1, "a failure is final");
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_fails_is_an_error_although_a_failure_before_it_was_none() {
    let stage = before_update();
    stage.wire.always(GET, before(&stage, Some("Failed")));
    let error = stage.apply(Kind::Function).await.error();
    assert!(error.message.contains("The key is disabled."), "{error}");
    assert_eq!(stage.after_look(Kind::Function), [GET, CONFIGURE, GET]);
}

#[tokio::test(start_paused = true)]
async fn a_change_waits_for_the_one_in_progress_and_for_its_own() {
    let stage = before_update();
    let (busy, ready) = (before(&stage, Some("InProgress")), before(&stage, Some("Successful")));
    // Whose it is counts at the first look, and not whether it is busy.
    stage.wire.on(GET, [busy.clone(), busy.clone(), ready.clone(), busy.clone(), busy, ready]);
    stage.apply(Kind::Function).await.succeeded();
    assert_eq!(stage.after_look(Kind::Function), [GET, GET, CONFIGURE, GET, GET, GET, TAG]);
}

#[tokio::test(start_paused = true)]
async fn an_update_of_one_attribute_is_one_call_without_the_role_and_the_note() {
    let stage = before_update();
    stage.apply(Kind::Function).await.succeeded();
    assert_eq!(stage.after_look(Kind::Function), [GET, CONFIGURE, GET, TAG]);
    let sent = stage.wire.the(CONFIGURE).body;
    assert_eq!(sent["MemorySize"], 128);
    assert_eq!(sent["RevisionId"], "revision-1", "the revision that the plan was made from");
    assert!(sent.get("Role").is_none(), "sending a role takes iam:PassRole: {sent}");
    let noted = stage.wire.the(TAG).body;
    assert_eq!(noted["Tags"].as_object().unwrap().keys().collect::<Vec<_>>(), [APPLIED_TAG, ROLE_ID_TAG]);
}

#[tokio::test(start_paused = true)]
async fn another_role_is_sent_and_waited_for() {
    let stage =
        Stage::with(|live| live.function.as_mut().unwrap().settings.role_arn = "arn:aws:iam::1:role/x".to_owned());
    stage.wire.on(CONFIGURE, [invalid(NOT_READY[0]), done()]).on(TAG, [done()]);
    stage.apply(Kind::Function).await.succeeded();
    let role = "arn:aws:iam::123456789012:role/RotatePasswordFunction-role";
    assert!(stage.wire.calls(CONFIGURE).iter().all(|call| call.body["Role"] == role));
}

#[tokio::test(start_paused = true)]
async fn a_function_without_the_note_of_its_role_gets_the_note_alone() {
    let stage = Stage::with(|live| drop(live.function.as_mut().unwrap().tags.remove(ROLE_ID_TAG)));
    stage.wire.on(TAG, [done()]);
    stage.apply(Kind::Function).await.succeeded();
    assert_eq!(stage.after_look(Kind::Function), [TAG]);
    assert_eq!(stage.wire.the(TAG).body["Tags"][ROLE_ID_TAG], ROLE_ID);
}

#[tokio::test(start_paused = true)]
async fn a_function_whose_role_was_made_anew_is_made_anew() {
    let stage = Stage::with(|live| {
        live.function.as_mut().unwrap().tags.insert(ROLE_ID_TAG.to_owned(), "AROABEFORE".to_owned());
    });
    let delete = "lambda:DeleteFunction";
    stage.wire.on(delete, [done()]).on(CREATE, [done()]).on(ASYNC, [done()]);
    stage.apply(Kind::Function).await.succeeded();
    assert_eq!(stage.wire.changes(), [delete, CREATE, ASYNC]);
    let tags = stage.wire.the(CREATE).body["Tags"].clone();
    assert_eq!(tags[ROLE_ID_TAG], ROLE_ID);
    assert_eq!((&tags[VERSION_TAG], &tags[CODE_TAG]), (&json!(crate::stack::VERSION), &json!(crate::stack::CODE)));
}

#[tokio::test(start_paused = true)]
async fn new_code_is_uploaded_with_its_architecture_against_the_planned_revision() {
    let stage = Stage::with(|live| live.function.as_mut().unwrap().settings.code_sha256 = "other".to_owned());
    stage.wire.always("lambda:UpdateFunctionCode", done()).always(TAG, done());
    stage.apply(Kind::Function).await.succeeded();
    assert_eq!(stage.after_look(Kind::Function), [GET, "lambda:UpdateFunctionCode", TAG, GET, TAG]);
    let sent = stage.wire.the("lambda:UpdateFunctionCode").body;
    assert_eq!(sent, json!({"ZipFile": "emlw", "Architectures": ["x86_64"], "RevisionId": "revision-1"}));
    let notes = stage.wire.calls(TAG)[0].body["Tags"].clone();
    assert_eq!(notes, json!({VERSION_TAG: crate::stack::VERSION, CODE_TAG: crate::stack::CODE}), "noted at once");
}

#[tokio::test(start_paused = true)]
async fn another_update_in_progress_is_waited_for_in_every_call() {
    let code = "lambda:UpdateFunctionCode";
    let stage = Stage::with(|live| {
        let function = live.function.as_mut().unwrap();
        function.settings.code_sha256 = "other".to_owned();
        function.settings.memory = 512;
        function.async_invoke = None;
        function.tags.insert("stray".to_owned(), "x".to_owned());
    });
    let calls = [code, CONFIGURE, ASYNC, "lambda:UntagResource"];
    for call in calls {
        stage.wire.on(call, [in_progress(), in_progress(), done()]);
    }
    // The note of the code, then all others.
    stage.wire.on(TAG, [in_progress(), done(), in_progress(), done()]);
    let done = stage.apply(Kind::Function).await;
    done.succeeded();
    for call in calls {
        assert_eq!(stage.wire.count(call), 3, "{call}");
    }
    assert_eq!(stage.wire.count(TAG), 4);
    assert_eq!(done.told.iter().filter(|why| why.contains("An update is in progress")).count(), 10, "{:?}", done.told);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_stays_in_progress_fails_after_the_deadline() {
    let stage = before_update();
    stage.wire.always(CONFIGURE, in_progress());
    let failed = stage.apply(Kind::Function).await;
    failed.took_the_deadline();
    assert!(failed.error().message.contains("An update is in progress"));
}

#[tokio::test(start_paused = true)]
async fn a_function_that_somebody_changed_since_the_plan_is_left_alone() {
    let code = "lambda:UpdateFunctionCode";
    let stale =
        || error(412, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id.");
    let stage = before_update();
    stage.wire.always(CONFIGURE, stale());
    let error = stage.apply(Kind::Function).await.error();
    assert_eq!((error.class, error.hint.unwrap().contains("plan again")), (Class::Stale, true));
    assert_eq!(stage.wire.changes(), [CONFIGURE], "nothing is sent after it");

    let stage = Stage::with(|live| {
        let function = live.function.as_mut().unwrap();
        function.settings.code_sha256 = "other".to_owned();
        function.settings.memory = 512;
    });
    stage.wire.always(code, stale());
    assert_eq!(stage.apply(Kind::Function).await.error().class, Class::Stale);
    assert_eq!(stage.wire.changes(), [code]);
}

#[tokio::test(start_paused = true)]
async fn a_function_of_ours_that_is_there_already_is_brought_to_what_is_desired() {
    let stage = Stage::missing(Kind::Function);
    let mut made = function(&stage);
    made.settings.timeout = 3;
    world::function(&stage.wire, Some(&made));
    stage.wire.on(CREATE, [error(409, "ResourceConflictException", "Function already exist: RotatePasswordFunction")]);
    stage.wire.on(CONFIGURE, [done()]).on(TAG, [done()]);
    stage.apply(Kind::Function).await.succeeded();
    assert_eq!(stage.wire.changes(), [CREATE, CONFIGURE, TAG]);
    assert_eq!(stage.wire.the(CONFIGURE).body["Timeout"], 30);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_function_that_is_there_already_is_refused() {
    for owner in [None, Some("another-stack")] {
        let stage = Stage::missing(Kind::Function);
        let mut made = function(&stage);
        made.tags.remove(STACK_TAG);
        made.tags.extend(owner.map(|name| (STACK_TAG.to_owned(), name.to_owned())));
        world::function(&stage.wire, Some(&made));
        stage.wire.on(CREATE, [error(409, "ResourceConflictException", "Function already exist")]);
        let error = stage.apply(Kind::Function).await.error();
        assert_eq!(error.class, Class::Foreign);
        assert!(error.message.contains("made by somebody else") && error.hint.is_some(), "{error:?}");
        assert_eq!(stage.wire.changes(), [CREATE]);
    }
}

#[tokio::test(start_paused = true)]
async fn deletion_waits_for_an_update_in_progress_and_takes_absence_for_success() {
    let delete = "lambda:DeleteFunction";
    let stage = Stage::applied();
    stage.wire.on(delete, [in_progress(), absent(delete)]);
    stage.tear_down(Kind::Function).await.succeeded();
    assert_eq!(stage.after_look(Kind::Function), [delete, delete]);
}

/// Lambda gives a function another revision when an update begins, and one more when it ends, all while it is Active
/// (recorded by `LocalStack`'s `test_lambda_api.snapshot.json`, `TestLambdaFunction::test_function_lifecycle` and
/// `TestLambdaRevisions::test_function_revisions_basic`).
#[tokio::test(start_paused = true)]
async fn a_function_that_was_still_being_updated_when_it_was_read_is_changed_once_that_has_ended() {
    for (read_as, kept) in [(Some("Successful"), true), (Some("InProgress"), false), (None, false)] {
        let mut stage = before_update();
        stage.wire.on(GET, [before(&stage, read_as)]);
        stage.live = observe(&stage).await.unwrap().live;
        let function = stage.live.function.clone().unwrap();
        assert_eq!(function.revision_id.is_some(), kept, "{read_as:?}");
        let mut ended = function.clone();
        ended.revision_id = Some("revision-2".to_owned());
        stage.wire.always(GET, ok(function_body(&ended, Some("Active"), Some("Successful"))));
        stage.apply(Kind::Function).await.succeeded();
        let sent = stage.wire.the(CONFIGURE).body;
        assert_eq!(sent["RevisionId"], if kept { "revision-1" } else { "revision-2" }, "{read_as:?}");
    }
}
