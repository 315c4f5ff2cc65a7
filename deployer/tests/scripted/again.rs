//! Somebody else between the plan and the change: what is about to be changed is looked at once more.

use deployer::aws::{Class, Deleted};
use plan::live::Live;
use plan::ownership::{APPLIED_TAG, STACK_TAG};
use plan::resource::Kind;
use plan::spec::{OnTeardown, Spec};
use serde_json::json;

use crate::stage::Stage;
use crate::wire::{Reply, absent, done, error, ok};
use crate::{stack, world};

/// A stack in which everything has drifted.
fn drifted(spec: Spec) -> Stage {
    let mut live = stack::applied(&spec);
    for kind in stack::kinds(&spec) {
        stack::tags_mut(&mut live, kind).insert("stray".to_owned(), "x".to_owned());
    }
    if let Some(schedule) = &mut live.schedule {
        schedule.settings.enabled = false;
    }
    if let Some(rotation) = &mut live.rotation {
        rotation.settings.duration = Some("9h".to_owned());
    }
    if let Some(permission) = &mut live.permission {
        permission.statements.values_mut().for_each(|one| one["Action"] = json!("lambda:*"));
    }
    Stage::new(spec, live)
}

/// The account is otherwise from that call on.
fn becomes(stage: &Stage, live: &Live, reply: Reply) -> Reply {
    let (wire, live) = (stage.wire.clone(), live.clone());
    reply.after(move || world::reads(&wire, &live))
}

/// The account is otherwise from now on.
fn meanwhile(stage: &Stage, change: impl FnOnce(&mut Live)) {
    let mut live = stage.live.clone();
    change(&mut live);
    world::reads(&stage.wire, &live);
}

#[tokio::test(start_paused = true)]
async fn whatever_has_become_somebody_elses_is_not_touched_and_its_owner_is_named() {
    for spec in [stack::spec(), stack::managed()] {
        for kind in stack::kinds(&spec) {
            for (owner, told) in [(None, "carries no stack's tag"), (Some("rival"), "belongs to stack rival")] {
                for deletes in [false, true] {
                    let stage = drifted(spec.clone());
                    meanwhile(&stage, |live| {
                        let tags = stack::tags_mut(live, kind);
                        tags.remove(STACK_TAG);
                        tags.extend(owner.map(|name| (STACK_TAG.to_owned(), name.to_owned())));
                    });
                    let ran = if deletes { stage.tear_down(kind).await } else { stage.apply(kind).await };
                    let error = ran.error();
                    assert_eq!(error.class, Class::Foreign, "{kind}");
                    assert!(
                        error.message.contains("somebody else's by now") && error.message.contains(told),
                        "{error}"
                    );
                    assert!(stage.wire.changes().is_empty(), "{kind}: {:?}", stage.wire.changes());
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_deleted_already_and_is_no_reason_to_make_another() {
    for spec in [stack::spec(), stack::managed()] {
        for kind in stack::kinds(&spec) {
            let stage = drifted(spec.clone());
            meanwhile(&stage, |live| *live = stack::without(live.clone(), kind));
            stage.tear_down(kind).await.succeeded();
            let error = stage.apply(kind).await.error();
            assert!(error.message.contains("was deleted by somebody since the plan"), "{error}");
            assert!(error.hint.is_some_and(|hint| hint.contains("deploy apply")));
            assert!(stage.wire.changes().is_empty(), "{kind}: {:?}", stage.wire.changes());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_apply_has_changed_already_is_done() {
    for spec in [stack::spec(), stack::managed()] {
        for kind in stack::kinds(&spec) {
            let stage = drifted(spec.clone());
            world::reads(&stage.wire, &stack::applied(&spec));
            stage.apply(kind).await.succeeded();
            assert!(stage.wire.changes().is_empty(), "{kind}: {:?}", stage.wire.changes());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_another_apply_changes_at_the_same_moment_is_done_where_it_comes_out_right() {
    let (get, configure) = ("lambda:GetFunction", "lambda:UpdateFunctionConfiguration");
    let stage = Stage::with(|live| live.function.as_mut().unwrap().settings.memory = 512);
    let body =
        |live: &Live, update| ok(world::function_body(live.function.as_ref().unwrap(), Some("Active"), Some(update)));
    let after = stack::applied(&stage.spec);
    let (before, busy) = (body(&stage.live, "Successful"), body(&after, "InProgress"));
    stage.wire.always(get, body(&after, "Successful")).on(get, [before.clone(), before, busy.clone(), busy]);
    stage.wire.on(configure, [error(412, "PreconditionFailedException", "The Revision Id provided does not match")]);
    stage.wire.on("lambda:TagResource", [done()]);
    let done = stage.apply(Kind::Function).await;
    done.succeeded();
    assert_eq!(stage.wire.changes(), [configure, "lambda:TagResource"], "whoever did it, what is noted is ours");
    assert_eq!(done.told.len(), 1, "the other's change is waited for: {:?}", done.told);
}

#[tokio::test(start_paused = true)]
async fn what_is_there_and_gone_again_is_created() {
    let (create, stage) = ("logs:CreateLogGroup", Stage::missing(Kind::LogGroup));
    stage.wire.on(create, [error(400, "ResourceAlreadyExistsException", "exists"), done()]);
    stage.wire.on("logs:PutRetentionPolicy", [done()]);
    let made = stage.apply(Kind::LogGroup).await;
    made.succeeded();
    assert!(made.told.len() == 1 && made.told[0].contains("as if somebody deleted it"), "{:?}", made.told);

    let stage = Stage::missing(Kind::LogGroup);
    stage.wire.always(create, error(400, "ResourceAlreadyExistsException", "exists"));
    let failed = stage.apply(Kind::LogGroup).await;
    failed.took_the_deadline();
    assert_eq!(failed.error().class, Class::Conflict);
}

#[tokio::test(start_paused = true)]
async fn a_function_that_another_apply_has_made_is_used_only_once_it_is_active() {
    let (get, stage) = ("lambda:GetFunction", Stage::missing(Kind::Function));
    let made = stack::applied(&stage.spec);
    world::reads(&stage.wire, &made);
    let body = |state| ok(world::function_body(made.function.as_ref().unwrap(), Some(state), Some("Successful")));
    stage.wire.always(get, body("Active")).on(get, [body("Pending"), body("Pending"), body("Pending")]);
    stage.wire.on("lambda:CreateFunction", [error(409, "ResourceConflictException", "Function already exist")]);
    let done = stage.apply(Kind::Function).await;
    done.succeeded();
    assert_eq!((stage.wire.count(get), done.told.len()), (4, 2), "{:?}", done.told);
}

/// The creations that take further calls, as they are before those; with what makes the rest.
fn begun(live: &mut Live) -> [(Kind, &'static str, &'static [&'static str]); 4] {
    for role in [live.execution_role.as_mut(), live.invoke_role.as_mut()].into_iter().flatten() {
        role.policies.clear();
    }
    live.log_group.as_mut().unwrap().retention_days = None;
    live.function.as_mut().unwrap().async_invoke = None;
    let (role, rest) = ("iam:CreateRole", ["iam:PutRolePolicy", "iam:TagRole"].as_slice());
    [
        (Kind::ExecutionRole, role, rest),
        (Kind::InvokeRole, role, rest),
        (Kind::LogGroup, "logs:CreateLogGroup", &["logs:PutRetentionPolicy", "logs:TagResource"]),
        (Kind::Function, "lambda:CreateFunction", &["lambda:PutFunctionEventInvokeConfig", "lambda:TagResource"]),
    ]
}

/// What the SDK's own retry of an unanswered creation is told.
fn exists(create: &str) -> Reply {
    match create {
        "iam:CreateRole" => error(409, "EntityAlreadyExists", "exists"),
        "logs:CreateLogGroup" => error(400, "ResourceAlreadyExistsException", "exists"),
        _ => error(409, "ResourceConflictException", "Function already exist"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_saved_plan_has_made_itself_without_being_told_is_finished() {
    let mut made = stack::applied(&stack::spec());
    for (kind, create, rest) in begun(&mut made) {
        let stage = Stage::missing(kind);
        // It is not there until it is to be made.
        stage.wire.on(create, [becomes(&stage, &made, exists(create))]);
        for call in rest {
            stage.wire.always(call, done());
        }
        stage.apply_saved(kind).await.succeeded();
        let mut changes = stage.wire.changes();
        changes.dedup();
        assert_eq!(changes[0], create);
        assert_eq!(changes[1..], *rest, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_saved_plan_meets_of_somebody_elses_making_is_left_as_it_is() {
    type Meddling = fn(&mut Live, Kind);
    let others: [(&str, Meddling); 3] = [
        ("no note", |live, kind| drop(stack::tags_mut(live, kind).remove(APPLIED_TAG))),
        ("another's note", |live, kind| {
            drop(stack::tags_mut(live, kind).insert(APPLIED_TAG.to_owned(), "0".to_owned()));
        }),
        ("a change since", |live, kind| drop(stack::tags_mut(live, kind).insert("stray".to_owned(), "x".to_owned()))),
    ];
    for (what, meddle) in others {
        let mut made = stack::applied(&stack::spec());
        for (kind, create, _) in begun(&mut made) {
            let mut made = made.clone();
            meddle(&mut made, kind);
            let stage = Stage::missing(kind);
            stage.wire.on(create, [becomes(&stage, &made, exists(create))]);
            let error = stage.apply_saved(kind).await.error();
            assert_eq!(error.class, Class::Stale, "{kind}, {what}");
            assert!(error.message.contains("was not there, and is now"), "{error}");
            assert_eq!(stage.wire.changes(), [create], "{kind}, {what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_put_into_a_group_or_on_a_role_since_the_plan_does_not_go_with_it() {
    let stage = Stage::applied();
    meanwhile(&stage, |live| live.schedules_in_group.push("theirs".to_owned()));
    let error = stage.tear_down(Kind::ScheduleGroup).await.error();
    assert!(
        error.class == Class::Foreign && error.message.contains("somebody else's since the plan: theirs"),
        "{error}"
    );
    assert!(stage.wire.changes().is_empty());

    for kind in [Kind::ExecutionRole, Kind::InvokeRole] {
        let stage = Stage::applied();
        meanwhile(&stage, |live| {
            for role in [live.execution_role.as_mut(), live.invoke_role.as_mut()].into_iter().flatten() {
                role.attached.insert("arn:aws:iam::aws:policy/X".to_owned());
                role.policies.insert("Theirs".to_owned(), json!({"Statement": []}));
            }
        });
        let error = stage.tear_down(kind).await.error();
        assert!(error.message.ends_with("Theirs, arn:aws:iam::aws:policy/X"), "{error}");
        assert_eq!((error.class, stage.wire.changes().len()), (Class::Foreign, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_another_teardown_has_deleted_is_recoverable_and_not_gone() {
    let (delete, stage) = ("secretsmanager:DeleteSecret", Stage::applied());
    let deleted = |live: &mut Live| live.secret.as_mut().unwrap().deleted = Some("2026-11-01T00:00:00Z".to_owned());
    meanwhile(&stage, deleted);
    let scheduled = "You can't perform this operation on the secret because it was already scheduled for deletion.";
    stage.wire.always(delete, error(400, "InvalidRequestException", scheduled));
    let done = stage.tear_down(Kind::Secret).await;
    done.succeeded();
    assert_eq!(done.deleted, Some(Deleted::Recoverable(None)));

    // And a secret that was to be changed is not: the next apply restores it first.
    let stage = drifted(stack::spec());
    meanwhile(&stage, deleted);
    let error = stage.apply(Kind::Secret).await.error();
    assert!(error.message.contains("was scheduled for deletion by somebody since the plan"), "{error}");
    assert!(stage.wire.changes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_made_and_deleted_between_plan_and_apply_is_told_and_not_taken_for_one_that_works() {
    let (create, stage) = ("secretsmanager:CreateSecret", Stage::missing(Kind::Secret));
    let mut made = stack::applied(&stage.spec);
    made.secret.as_mut().unwrap().deleted = Some("2026-11-01T00:00:00Z".to_owned());
    world::reads(&stage.wire, &made);
    let message = "You can't create this secret because a secret with this name is already scheduled for deletion.";
    for reply in [error(400, "InvalidRequestException", message), error(400, "ResourceExistsException", "exists")] {
        stage.wire.on(create, [reply]);
        let error = stage.apply(Kind::Secret).await.error();
        assert!(error.message.contains("was scheduled for deletion by somebody since the plan"), "{error}");
        assert_eq!(error.class, Class::Stale);
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_somebody_else_restores_at_the_same_moment_is_back() {
    let restore = "secretsmanager:RestoreSecret";
    let stage = Stage::with(|live| live.secret.as_mut().unwrap().deleted = Some("2026-11-01T00:00:00Z".to_owned()));
    let describe = "secretsmanager:DescribeSecret";
    let (going, back) = (world::secret_body(stage.live.secret.as_ref().unwrap()), stack::applied(&stage.spec));
    stage.wire.always(describe, ok(world::secret_body(back.secret.as_ref().unwrap()))).on(describe, [ok(going)]);
    stage.wire.on(restore, [error(400, "InvalidRequestException", "Secret is not scheduled for deletion.")]);
    stage.apply(Kind::Secret).await.succeeded();
    assert_eq!(stage.wire.changes(), [restore]);
}

#[tokio::test(start_paused = true)]
async fn what_others_have_fastened_to_a_resource_keeps_it_and_is_told_at_once() {
    let replicas = "You can't delete a primary secret that is replicated to other Regions. Remove the replicas first.";
    let profile = "Cannot delete entity, must remove roles from instance profile first.";
    let protected = "The log group is protected from deletion: deletion protection is enabled.";
    for (kind, call, reply, told) in [
        (
            Kind::Secret,
            "secretsmanager:DeleteSecret",
            error(400, "InvalidRequestException", replicas),
            "remove-regions-from-replication",
        ),
        (Kind::InvokeRole, "iam:DeleteRole", error(409, "DeleteConflict", profile), "take it out of there"),
        (Kind::LogGroup, "logs:DeleteLogGroup", error(400, "ValidationException", protected), "deletion protection"),
    ] {
        let stage = Stage::applied();
        stage.wire.always("iam:DeleteRolePolicy", done()).always(call, reply);
        let failed = stage.tear_down_secret(kind, OnTeardown::RecoveryWindowDays(7)).await;
        assert!(failed.told.is_empty(), "{kind} is not waited for: {:?}", failed.told);
        let error = failed.error();
        let all = format!("{error} {}", error.hint.clone().unwrap_or_default());
        assert!(all.contains(told), "{all}");
        assert_eq!(stage.wire.count(call), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_changed_by_its_arn_so_that_no_other_of_its_name_ever_is() {
    let stage = drifted(stack::spec());
    let arn = json!(stack::SECRET_ARN);
    let calls = ["secretsmanager:UntagResource", "secretsmanager:TagResource", "secretsmanager:DeleteSecret"];
    for call in calls {
        stage.wire.always(call, done());
    }
    stage.apply(Kind::Secret).await.succeeded();
    stage.wire.always("secretsmanager:DeleteSecret", absent("secretsmanager:DeleteSecret"));
    stage.tear_down(Kind::Secret).await.succeeded();
    for call in calls {
        assert_eq!(stage.wire.the(call).body["SecretId"], arn, "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_somebody_added_is_code_of_theirs_and_is_taken_off() {
    let layer = "arn:aws:lambda:us-east-1:999999999999:layer:listener:1";
    let stage = Stage::with(|live| live.function.as_mut().unwrap().layers.push(layer.to_owned()));
    let action = stage.action(Kind::Function);
    assert!(action.touches("layer"), "{action:?}");
    let (configure, tag) = ("lambda:UpdateFunctionConfiguration", "lambda:TagResource");
    stage.wire.on(configure, [done()]).on(tag, [done()]);
    stage.apply(Kind::Function).await.succeeded();
    assert_eq!(stage.wire.the(configure).body["Layers"], json!([]));

    // Where there are none, nothing is said of them.
    let stage = Stage::with(|live| live.function.as_mut().unwrap().settings.memory = 512);
    stage.wire.on(configure, [done()]).on(tag, [done()]);
    stage.apply(Kind::Function).await.succeeded();
    assert_eq!(stage.wire.the(configure).body.get("Layers"), None);
}

#[tokio::test(start_paused = true)]
async fn a_role_or_a_group_that_somebody_deletes_meanwhile_is_waited_for_half_a_minute_and_no_longer() {
    let refused = "The role defined for the function cannot be assumed by Lambda.";
    let stage = Stage::new(stack::spec(), Live::default());
    stage.wire.always("lambda:CreateFunction", error(400, "InvalidParameterValueException", refused));
    let failed = stage.apply(Kind::Function).await;
    assert_eq!(failed.took.as_secs(), 30);
    assert!(failed.error().message.contains("the role RotatePasswordFunction-role is not there"));

    let stage = Stage::new(stack::spec(), Live::default());
    stage.wire.always("scheduler:CreateSchedule", absent("scheduler:CreateSchedule"));
    let failed = stage.apply(Kind::Schedule).await;
    assert_eq!(failed.took.as_secs(), 30);
    assert_eq!(failed.error().class, Class::NotFound);
}
