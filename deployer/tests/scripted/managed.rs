//! Secrets Manager starts the rotation: its permission, its rules, and the way from one trigger to the other.

use std::time::Duration;

use deployer::aws::{Class, Observer};
use deployer::engine::{self, Observe as _, Stop};
use plan::live::Live;
use plan::ownership::APPLIED_ROTATION_TAG;
use plan::resource::permission::ID_PREFIX;
use plan::resource::{Kind, permission, rotation};
use plan::spec::{Every, Spec};
use serde_json::{Value as Json, json};

use crate::stage::Stage;
use crate::wire::{Reply, absent, denied, done, error, ok, with};
use crate::{stack, world};

const ADD: &str = "lambda:AddPermission";
const REMOVE: &str = "lambda:RemovePermission";
const POLICY: &str = "lambda:GetPolicy";
const ROTATE: &str = "secretsmanager:RotateSecret";
const CANCEL: &str = "secretsmanager:CancelRotateSecret";
const TAG: &str = "secretsmanager:TagResource";
const NOT_INVOCABLE: &str = "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy \
                             grants access to the principal secretsmanager.amazonaws.com.";

fn not_invocable() -> Reply {
    error(400, "AccessDeniedException", NOT_INVOCABLE)
}

fn conflict() -> Reply {
    error(409, "ResourceConflictException", "The statement id provided already exists, or an update is in progress.")
}

fn managed() -> Stage {
    changed(|_| {})
}

fn changed(change: impl FnOnce(&mut Live)) -> Stage {
    let spec = stack::managed();
    let mut live = stack::applied(&spec);
    change(&mut live);
    Stage::new(spec, live)
}

fn statement(spec: &Spec) -> (String, Json) {
    stack::applied(spec).permission.unwrap().statements.pop_first().unwrap()
}

/// The whole plan, run as apply runs it.
async fn apply_all(stage: &Stage) -> engine::Report {
    let desired = stack::desired(&stage.spec, &stage.live);
    let plan = plan::plan::apply(&stage.spec, &desired, &stage.live, &std::collections::BTreeSet::new());
    Box::pin(engine::run(&plan, &stage.mutator(), &Stop::default(), &|_| {})).await
}

#[tokio::test(start_paused = true)]
async fn the_permission_names_service_account_and_secret_and_comes_before_the_rules() {
    let stage = changed(|live| (live.permission, live.rotation) = (None, None));
    stage.wire.on(ADD, [done()]).on(ROTATE, [done()]);
    let report = apply_all(&stage).await;
    assert!(report.is_done(), "{:?}", report.outcomes);
    assert_eq!(stage.wire.changes(), [ADD, ROTATE]);
    let (id, _) = statement(&stage.spec);
    let secret = stack::SECRET_ARN;
    assert_eq!(
        stage.wire.the(ADD).body,
        json!({
            "StatementId": id, "Action": "lambda:InvokeFunction", "Principal": "secretsmanager.amazonaws.com",
            "SourceAccount": "123456789012", "SourceArn": secret,
        })
    );
    let mut body = stage.wire.the(ROTATE).body;
    body.as_object_mut().unwrap().remove("ClientRequestToken");
    assert_eq!(
        body,
        json!({
            "SecretId": secret, "RotateImmediately": false, "RotationRules": {"AutomaticallyAfterDays": 30},
            "RotationLambdaARN": "arn:aws:lambda:us-east-1:123456789012:function:RotatePasswordFunction",
        })
    );
}

#[tokio::test(start_paused = true)]
async fn rules_are_read_back_as_they_were_set() {
    for rules in ["{every_days: 30}", "{expression: cron(0 3 * * ? *), duration: 3h}", "{expression: rate(4 hours)}"] {
        let spec = stack::managed_by(rules);
        let mut live = stack::applied(&spec);
        let rotation = live.rotation.as_mut().unwrap();
        (rotation.last, rotation.next) = (Some("2026-11-01T00:00:00Z".into()), Some("2026-12-01T00:00:00Z".into()));
        let stage = Stage::new(spec, live);
        let observed = Box::pin(Observer::new(stage.wire.clients()).observe(&stage.spec)).await.unwrap();
        assert_eq!(observed.live, stage.live, "{rules}");
        assert!(stack::plan(&stage.spec, &observed.live).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn rules_that_were_turned_off_are_none() {
    let stage = managed();
    let mut body =
        world::with_rules(world::secret_body(stage.live.secret.as_ref().unwrap()), stage.live.rotation.as_ref());
    body["RotationEnabled"] = json!(false);
    stage.wire.always("secretsmanager:DescribeSecret", ok(body));
    let observed = Box::pin(Observer::new(stage.wire.clients()).observe(&stage.spec)).await.unwrap();
    assert_eq!(observed.live.rotation, None);
}

#[tokio::test(start_paused = true)]
async fn a_statement_that_is_there_already_is_success_and_one_in_the_way_of_an_update_is_waited_for() {
    let stage = changed(|live| live.permission = None);
    let (id, wanted) = statement(&stage.spec);
    let there = permission::Live { statements: [(id, wanted)].into() };
    stage.wire.on(ADD, [conflict(), conflict()]);
    stage.wire.on(POLICY, [absent(POLICY), absent(POLICY), ok(json!({"Policy": world::policy_text(&there)}))]);
    let made = stage.apply(Kind::Permission).await;
    made.succeeded();
    assert_eq!((stage.wire.changes().len(), made.told.len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_permission_for_another_secret_is_taken_away_and_those_of_others_stay() {
    let stage = changed(|live| {
        let (_, mut statement) = live.permission.take().unwrap().statements.pop_first().unwrap();
        statement["Condition"]["ArnLike"]["AWS:SourceArn"] =
            json!("arn:aws:secretsmanager:us-east-1:123456789012:secret:x");
        live.permission = Some(permission::Live { statements: [(format!("{ID_PREFIX}old"), statement)].into() });
    });
    stage.wire.on(REMOVE, [done()]).on(ADD, [done()]);
    stage.apply(Kind::Permission).await.succeeded();
    assert_eq!(stage.wire.changes(), [ADD, REMOVE], "Secrets Manager may invoke the function throughout");
    assert!(stage.wire.the(REMOVE).path.ends_with(&format!("policy/{ID_PREFIX}old")), "{:?}", stage.wire.the(REMOVE));
    let (id, _) = statement(&stage.spec);
    assert_eq!(stage.wire.the(ADD).body["StatementId"], id);
}

#[tokio::test(start_paused = true)]
async fn a_permission_that_reads_back_as_desired_is_waited_for_and_told() {
    let stage = changed(|live| live.rotation = None);
    stage.wire.on(ROTATE, [not_invocable(), not_invocable(), done()]);
    let made = stage.apply(Kind::Rotation).await;
    made.succeeded();
    assert_eq!(stage.after_look(Kind::Rotation), [ROTATE, POLICY, ROTATE, ROTATE], "it is read back once");
    assert!(made.told.len() == 2 && made.told[0].contains("not in force yet"), "{:?}", made.told);
}

#[tokio::test(start_paused = true)]
async fn a_permission_that_never_takes_effect_fails_after_two_minutes() {
    let stage = changed(|live| live.rotation = None);
    stage.wire.always(ROTATE, not_invocable());
    let failed = stage.apply(Kind::Rotation).await;
    failed.took_the_deadline();
    let error = failed.error();
    assert_eq!(error.class, Class::Denied);
    assert!(error.hint.is_some_and(|hint| hint.contains("lambda:InvokeFunction")), "who sets the rules needs it too");
}

#[tokio::test(start_paused = true)]
async fn a_permission_that_somebody_took_away_or_loosened_fails_at_once() {
    let mut loose = stack::applied(&stack::managed()).permission.unwrap();
    loose.statements.values_mut().next().unwrap().as_object_mut().unwrap().remove("Condition");
    for reply in [absent(POLICY), ok(json!({"Policy": world::policy_text(&loose)}))] {
        let stage = changed(|live| live.rotation = None);
        stage.wire.always(ROTATE, not_invocable()).always(POLICY, reply);
        let failed = stage.apply(Kind::Rotation).await;
        assert!(failed.took < Duration::from_millis(50));
        let error = failed.error();
        assert!(error.hint.as_ref().is_some_and(|hint| hint.contains("function's policy")), "{error:?}");
        assert_eq!(stage.wire.count(ROTATE), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_another_kind_is_told_as_it_is() {
    let incomplete = "A previous rotation isn't complete. That rotation will be reattempted.";
    for (reply, hint) in [
        (denied(ROTATE), "allow secretsmanager:RotateSecret"),
        (error(400, "InvalidRequestException", incomplete), "`deploy doctor`"),
    ] {
        let stage = changed(|live| live.rotation = None);
        stage.wire.always(ROTATE, reply);
        let error = stage.apply(Kind::Rotation).await.error();
        assert!(error.hint.as_ref().is_some_and(|told| told.contains(hint)), "{error:?}");
        assert_eq!(stage.after_look(Kind::Rotation), [ROTATE]);
    }
}

#[tokio::test(start_paused = true)]
async fn changed_rules_are_sent_whole_and_noted_on_the_secret() {
    let stage =
        Stage::new(stack::managed_by("{expression: rate(10 days), duration: 2h}"), stack::applied(&stack::managed()));
    stage.wire.on(ROTATE, [done()]).on(TAG, [done()]);
    stage.apply(Kind::Rotation).await.succeeded();
    assert_eq!(stage.after_look(Kind::Rotation), [ROTATE, TAG]);
    let rules = stage.wire.the(ROTATE).body["RotationRules"].clone();
    assert_eq!(rules, json!({"ScheduleExpression": "rate(10 days)", "Duration": "2h"}));
    let noted = stage.wire.the(TAG).body["Tags"].clone();
    assert_eq!((noted.as_array().unwrap().len(), &noted[0]["Key"]), (1, &json!(APPLIED_ROTATION_TAG)));
}

#[tokio::test(start_paused = true)]
async fn rules_are_turned_off_and_absence_is_success() {
    let refused = || error(400, "InvalidRequestException", "You can't perform this operation on the secret.");
    for reply in [done(), absent(CANCEL)] {
        let stage = managed();
        stage.wire.on(CANCEL, [reply]);
        stage.tear_down(Kind::Rotation).await.succeeded();
        assert_eq!(stage.after_look(Kind::Rotation), [CANCEL]);
    }
    // Turned off already, or the secret is going: there is nothing to turn off.
    let off: fn(&mut Live) = |live| live.rotation = None;
    let going: fn(&mut Live) = |live| live.secret.as_mut().unwrap().deleted = Some("2026-11-01T00:00:00Z".to_owned());
    for since in [off, going] {
        let stage = managed();
        let mut live = stage.live.clone();
        since(&mut live);
        world::reads(&stage.wire, &live);
        stage.wire.on(CANCEL, [refused()]);
        stage.tear_down(Kind::Rotation).await.succeeded();
    }
    let stage = managed();
    stage.wire.on(CANCEL, [refused()]);
    assert_eq!(stage.tear_down(Kind::Rotation).await.error().class, Class::Invalid);
}

#[tokio::test(start_paused = true)]
async fn teardown_takes_the_permission_that_was_read_and_absence_is_success() {
    let stage = managed();
    stage.wire.on(REMOVE, [absent(REMOVE)]);
    stage.tear_down(Kind::Permission).await.succeeded();
    let (id, _) = statement(&stage.spec);
    assert!(stage.wire.the(REMOVE).path.ends_with(&id));
}

/// The function is told which schedule is its own.
const FUNCTION: [&str; 2] = ["lambda:UpdateFunctionConfiguration", "lambda:TagResource"];

#[tokio::test(start_paused = true)]
async fn the_second_trigger_is_made_only_when_the_first_is_gone() {
    // From a schedule with a name of its own, which the new spec does not tell any more.
    let live = stack::applied(&stack::spec());
    let stage = Stage::new(stack::managed(), live);
    let schedule = "scheduler:GetSchedule";
    let there = world::schedule_body(stage.live.schedule.as_ref().unwrap());
    stage.wire.always(
        schedule,
        with(move |call| {
            assert!(call.path.starts_with("schedules/"));
            there.to_string()
        }),
    );
    stage.wire.on(schedule, [absent(schedule)]);
    let observed = Box::pin(Observer::new(stage.wire.clients()).observe(&stage.spec)).await.unwrap();
    assert_eq!(observed.left_schedule.as_deref(), Some("RotatePasswordSchedule"));
    let mut spec = stage.spec.clone();
    observed.name_what_is_left(&mut spec);
    let stage = Stage::new(spec, observed.live);
    let gone = ["scheduler:DeleteSchedule", "scheduler:DeleteScheduleGroup", "iam:DeleteRolePolicy", "iam:DeleteRole"];
    for call in gone.into_iter().chain([ADD, ROTATE, TAG]).chain(FUNCTION) {
        stage.wire.always(call, done());
    }
    // Looked at before the schedule and before itself; then it is gone.
    let (group, active) = ("scheduler:GetScheduleGroup", ok(world::group_body("ACTIVE")));
    stage.wire.always(group, absent(group)).on(group, [active.clone(), active]);
    // It takes its time to go.
    stage.wire.on("scheduler:DeleteSchedule", [conflict(), conflict()]);
    let report = apply_all(&stage).await;
    assert!(report.is_done(), "{:?}", report.outcomes);
    let calls = stage.wire.changes();
    let at = |call: &str| calls.iter().position(|one| one == call).unwrap_or_else(|| panic!("no {call} in {calls:?}"));
    let last = calls.iter().rposition(|one| one == "scheduler:DeleteSchedule").unwrap();
    assert!(last < at(ROTATE) && at(ADD) < at(ROTATE), "{calls:?}");
    assert_eq!(stage.wire.the("iam:DeleteRole").body["RoleName"], "RotatePasswordSchedule-invoke");

    // And back: no schedule fires while Secrets Manager rotates.
    let stage = Stage::new(stack::spec(), stack::applied(&stack::managed()));
    let group = ["scheduler:CreateScheduleGroup", "scheduler:CreateSchedule", "iam:PutRolePolicy", CANCEL, REMOVE];
    for call in group.into_iter().chain(FUNCTION) {
        stage.wire.always(call, done());
    }
    stage.wire.always("iam:CreateRole", ok(world::role_body(&stack::applied(&stack::spec()).invoke_role.unwrap())));
    let report = apply_all(&stage).await;
    assert!(report.is_done(), "{:?}", report.outcomes);
    let calls = stage.wire.changes();
    let at = |call: &str| calls.iter().position(|one| one == call).unwrap_or_else(|| panic!("no {call} in {calls:?}"));
    assert!(at(CANCEL) < at("scheduler:CreateSchedule") && at(CANCEL) < at(REMOVE), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn rules_of_a_secret_that_comes_back_are_turned_off_after_it_is_back() {
    let spec = stack::spec();
    let mut live = stack::applied(&spec);
    live.secret.as_mut().unwrap().deleted = Some("2026-11-01T00:00:00Z".to_owned());
    let settings = rotation::Settings { function_arn: "arn:x".to_owned(), every: Some(Every::Days(1)), duration: None };
    live.rotation = Some(rotation::Live { settings, last: None, next: None });
    let stage = Stage::new(spec, live);
    let restore = "secretsmanager:RestoreSecret";
    stage.wire.on(restore, [done()]).on(CANCEL, [done()]);
    assert!(apply_all(&stage).await.is_done());
    assert_eq!(stage.wire.changes(), [restore, CANCEL]);
}

#[tokio::test(start_paused = true)]
async fn the_admins_secret_is_described_and_its_key_found_in_the_same_round() {
    let spec =
        stack::with("target: none", "target: {redis: {admin_secret: App/Admin, connection: {host: c, username: a}}}");
    let arn = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555";
    let stage = Stage::new(spec.clone(), stack::applied(&spec));
    let own = world::secret_body(stage.live.secret.as_ref().unwrap());
    let describe = |admin: Option<Json>| {
        with(move |call| {
            let is_admin = call.body["SecretId"] == "App/Admin";
            admin.clone().filter(|_| is_admin).unwrap_or_else(|| own.clone()).to_string()
        })
    };
    let admin = json!({"ARN": "arn:admin", "Name": "App/Admin", "KmsKeyId": arn});
    stage.wire.always("secretsmanager:DescribeSecret", describe(Some(admin)));
    // The key may be one that only the function may use.
    stage.wire.always("kms:DescribeKey", denied("kms:DescribeKey"));
    let observed = Box::pin(Observer::new(stage.wire.clients()).observe(&stage.spec)).await.unwrap();
    assert_eq!(observed.facts(None).admin_key_arn.as_deref(), Some(arn));
    assert_eq!(stage.wire.count("secretsmanager:DescribeSecret"), 2);

    // One that is on its way out opens nothing.
    let going = json!({"ARN": "arn:admin", "Name": "App/Admin", "DeletedDate": 1_700_000_000});
    stage.wire.always(
        "secretsmanager:DescribeSecret",
        with(move |call| if call.body["SecretId"] == "App/Admin" { going.to_string() } else { "{}".to_owned() }),
    );
    let observed = Box::pin(Observer::new(stage.wire.clients()).observe(&stage.spec)).await.unwrap();
    assert_eq!(observed.admin_secret, None);
}
