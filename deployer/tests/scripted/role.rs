//! IAM: propagation, concurrent changes, names that are taken.

use deployer::aws::Class;
use plan::ownership::{APPLIED_TAG, STACK_TAG};
use plan::resource::{Kind, role};
use serde_json::{Value as Json, json};

use crate::stage::Stage;
use crate::wire::{Reply, absent, done, error, ok};
use crate::{stack, world};

const CREATE: &str = "iam:CreateRole";
const PUT: &str = "iam:PutRolePolicy";

type Change = fn(&mut role::Live);

fn concurrent() -> Reply {
    error(409, "ConcurrentModification", "Another change of this role is in progress.")
}

fn role(stage: &Stage) -> role::Live {
    stack::applied(&stage.spec).execution_role.unwrap()
}

fn created(stage: &Stage) -> Reply {
    ok(world::role_body(&role(stage)))
}

#[tokio::test(start_paused = true)]
async fn a_role_is_made_with_its_tags_boundary_and_policies() {
    let stage = Stage::missing(Kind::ExecutionRole);
    stage.wire.on(CREATE, [created(&stage)]).always(PUT, done());
    stage.apply(Kind::ExecutionRole).await.succeeded();
    assert_eq!(stage.wire.operations(), [CREATE, PUT, PUT, PUT]);
    let sent = stage.wire.the(CREATE).body;
    let document: Json = serde_json::from_str(sent["AssumeRolePolicyDocument"].as_str().unwrap()).unwrap();
    assert_eq!(document, plan::policy::lambda_trust());
    assert_eq!(sent["Path"], "/");
    assert!(sent.to_string().contains("deployer:stack") && sent.to_string().contains(APPLIED_TAG), "{sent}");
}

#[tokio::test(start_paused = true)]
async fn a_new_role_that_is_not_seen_yet_gets_its_policies_once_it_is() {
    let stage = Stage::missing(Kind::ExecutionRole);
    stage.wire.on(CREATE, [created(&stage)]);
    stage.wire.always(PUT, done()).on(PUT, [absent(PUT), absent(PUT), absent(PUT), absent(PUT)]);
    let done = stage.apply(Kind::ExecutionRole).await;
    done.succeeded();
    assert_eq!(stage.wire.count(PUT), 7, "three policies, four calls for nothing");
    assert_eq!(done.told.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_was_there_and_is_gone_is_not_waited_for() {
    let stage = Stage::with(|live| drop(live.execution_role.as_mut().unwrap().policies.remove("WriteLogs")));
    stage.wire.always(PUT, absent(PUT));
    let error = stage.apply(Kind::ExecutionRole).await.error();
    assert_eq!((error.class, stage.wire.count(PUT)), (Class::NotFound, 1));
}

#[tokio::test(start_paused = true)]
async fn a_concurrent_modification_is_tried_again_in_every_call() {
    let stage = Stage::missing(Kind::ExecutionRole);
    stage
        .wire
        .on(CREATE, [concurrent(), created(&stage)])
        .on(PUT, [concurrent(), concurrent()])
        .always("iam:x", done());
    stage.wire.on(PUT, [done(), done(), done()]);
    stage.apply(Kind::ExecutionRole).await.succeeded();
    assert_eq!((stage.wire.count(CREATE), stage.wire.count(PUT)), (2, 5));

    let stage = Stage::with(|live| {
        let role = live.execution_role.as_mut().unwrap();
        role.description = "something else".to_owned();
        role.trust = json!({"Statement": []});
        role.boundary = Some("arn:aws:iam::aws:policy/Bound".to_owned());
        role.policies.remove("WriteLogs");
        role.policies.insert("Stray".to_owned(), json!({"Statement": []}));
        role.attached.insert("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
        role.tags.insert("stray".to_owned(), "x".to_owned());
    });
    let calls = [
        "iam:UpdateRoleDescription",
        "iam:DeleteRolePermissionsBoundary",
        "iam:UpdateAssumeRolePolicy",
        PUT,
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:UntagRole",
        "iam:TagRole",
    ];
    for call in calls {
        stage.wire.on(call, [concurrent(), done()]);
    }
    let done = stage.apply(Kind::ExecutionRole).await;
    done.succeeded();
    for call in calls {
        assert_eq!(stage.wire.count(call), 2, "{call}");
    }
    assert_eq!(done.told.len(), calls.len());
}

#[tokio::test(start_paused = true)]
async fn an_update_of_one_attribute_is_one_call_and_the_note() {
    let changes: [(&str, Change); 5] = [
        ("iam:UpdateRoleDescription", |role| role.description.clear()),
        ("iam:UpdateAssumeRolePolicy", |role| role.trust = json!({"Statement": []})),
        (PUT, |role| drop(role.policies.insert("WriteLogs".to_owned(), json!({"Statement": []})))),
        ("iam:DeleteRolePolicy", |role| drop(role.policies.insert("Stray".to_owned(), json!({"Statement": []})))),
        ("iam:DetachRolePolicy", |role| role.attached.extend(["arn:aws:iam::aws:policy/X".to_owned()])),
    ];
    for (call, change) in changes {
        let stage = Stage::with(|live| change(live.execution_role.as_mut().unwrap()));
        stage.wire.on(call, [done()]).on("iam:TagRole", [done()]);
        stage.apply(Kind::ExecutionRole).await.succeeded();
        assert_eq!(stage.wire.changes(), [call, "iam:TagRole"]);
        let noted = stage.wire.the("iam:TagRole").body;
        assert_eq!((&noted["Tags.member.1.Key"], noted.get("Tags.member.2.Key")), (&json!(APPLIED_TAG), None));
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_of_ours_that_is_there_already_is_brought_to_what_is_desired() {
    let stage = Stage::missing(Kind::ExecutionRole);
    let mut made = role(&stage);
    made.policies.remove("KMSDecryptForRotation");
    made.id = "AROAMADEBYANOTHERRUN".to_owned();
    world::roles(&stage.wire, [&made]);
    stage
        .wire
        .on(CREATE, [error(409, "EntityAlreadyExists", "Role with name RotatePasswordFunction-role already exists.")]);
    stage.wire.on(PUT, [done()]).on("iam:TagRole", [done()]);
    stage.apply(Kind::ExecutionRole).await.succeeded();
    assert_eq!(stage.wire.changes(), [CREATE, PUT, "iam:TagRole"]);
    assert_eq!(stage.wire.the(PUT).body["PolicyName"], "KMSDecryptForRotation");
}

#[tokio::test(start_paused = true)]
async fn a_role_of_ours_that_is_there_already_and_right_is_left_alone() {
    let stage = Stage::missing(Kind::InvokeRole);
    world::roles(&stage.wire, [&stack::applied(&stage.spec).invoke_role.unwrap()]);
    stage.wire.on(CREATE, [error(409, "EntityAlreadyExists", "exists")]);
    stage.apply(Kind::InvokeRole).await.succeeded();
    assert_eq!(stage.wire.changes(), [CREATE]);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_role_that_is_there_already_is_refused() {
    for owner in [None, Some("another-stack")] {
        let stage = Stage::missing(Kind::ExecutionRole);
        let mut made = role(&stage);
        made.tags.remove(STACK_TAG);
        made.tags.extend(owner.map(|name| (STACK_TAG.to_owned(), name.to_owned())));
        world::roles(&stage.wire, [&made]);
        stage.wire.on(CREATE, [error(409, "EntityAlreadyExists", "exists")]);
        let error = stage.apply(Kind::ExecutionRole).await.error();
        assert_eq!(error.class, Class::Foreign);
        assert!(
            error.message.contains("execution-role RotatePasswordFunction-role was made by somebody else"),
            "{error}"
        );
        assert_eq!(stage.wire.changes(), [CREATE]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_goes_after_its_policies() {
    let stage = Stage::with(|live| {
        live.invoke_role.as_mut().unwrap().attached.insert("arn:aws:iam::aws:policy/X".to_owned());
    });
    let (remove, detach, delete) = ("iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:DeleteRole");
    stage.wire.on(remove, [concurrent(), done()]).on(detach, [absent(detach)]).on(delete, [concurrent(), done()]);
    stage.tear_down(Kind::InvokeRole).await.succeeded();
    assert_eq!(stage.after_look(Kind::InvokeRole), [remove, detach, remove, delete, delete]);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_attached_in_the_meantime_is_told_and_not_waited_for() {
    let delete = "iam:DeleteRole";
    let stage = Stage::applied();
    let message = "Cannot delete entity, must detach all policies first.";
    stage.wire.always("iam:DeleteRolePolicy", done()).always(delete, error(409, "DeleteConflict", message));
    let failed = stage.tear_down(Kind::InvokeRole).await;
    assert!(failed.told.is_empty());
    let error = failed.error();
    assert_eq!((stage.wire.count(delete), error.message.as_str()), (1, message));
    assert!(error.hint.is_some_and(|hint| hint.contains("attached something")));
}

#[tokio::test(start_paused = true)]
async fn a_role_under_another_path_is_deleted_and_made_anew() {
    let stage = Stage::with(|live| live.invoke_role.as_mut().unwrap().path = "/old/".to_owned());
    stage.wire.always("iam:DeleteRolePolicy", done()).on("iam:DeleteRole", [done()]);
    stage.wire.on(CREATE, [created(&stage)]).always(PUT, done());
    stage.apply(Kind::InvokeRole).await.succeeded();
    assert_eq!(stage.wire.changes(), ["iam:DeleteRolePolicy", "iam:DeleteRole", CREATE, PUT]);
}

/// A role of which all differs that a service reads, and no function yet.
fn outdated() -> Stage {
    let stage = Stage::with(|live| {
        let role = live.execution_role.as_mut().unwrap();
        role.trust = json!({"Statement": []});
        role.boundary = Some("arn:aws:iam::aws:policy/Bound".to_owned());
        role.policies.insert("WriteLogs".to_owned(), json!({"Statement": []}));
        (live.function, live.permission) = (None, None);
    });
    for call in ["iam:UpdateAssumeRolePolicy", "iam:DeleteRolePermissionsBoundary", PUT, "iam:TagRole"] {
        stage.wire.always(call, done());
    }
    stage.wire.always("lambda:PutFunctionEventInvokeConfig", done());
    stage
}

fn not_ready() -> Reply {
    error(400, "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.")
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_still_seen_as_before_its_change_is_waited_for() {
    let (create, stage) = ("lambda:CreateFunction", outdated());
    let (wire, after) = (stage.wire.clone(), stack::applied(&stage.spec));
    let seen = not_ready().after(move || world::reads(&wire, &after));
    stage.wire.on(create, [not_ready(), not_ready(), seen, done()]);
    let done = stage.apply_in_turn([Kind::ExecutionRole, Kind::Function]).await;
    done.succeeded();
    let before = "the role RotatePasswordFunction-role is still seen as it was before";
    assert!(done.told.len() == 3 && done.told[..2].iter().all(|why| why.starts_with(before)), "{:?}", done.told);
    assert!(done.told[2].contains("is not usable yet"), "{:?}", done.told);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_seen_as_before_its_change_for_ever_was_changed_back() {
    let stage = outdated();
    stage.wire.always("lambda:CreateFunction", not_ready());
    let failed = stage.apply_in_turn([Kind::ExecutionRole, Kind::Function]).await;
    assert_eq!(failed.took.as_secs(), 30);
    assert!(failed.error().message.contains("as it was before it was changed"));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_neither_as_before_nor_as_desired_is_not_waited_for() {
    let changes: [(&str, Change); 3] = [
        ("the trust policy", |role| role.trust = json!({"Statement": [{"Effect": "Deny"}]})),
        ("the boundary", |role| role.boundary = Some("arn:aws:iam::aws:policy/Third".to_owned())),
        ("policy WriteLogs", |role| {
            drop(role.policies.insert("WriteLogs".to_owned(), json!({"Statement": [{"Effect": "Deny"}]})));
        }),
    ];
    for (what, change) in changes {
        let stage = outdated();
        let (wire, mut third) = (stage.wire.clone(), stage.live.clone());
        change(third.execution_role.as_mut().unwrap());
        stage.wire.on("lambda:CreateFunction", [not_ready().after(move || world::reads(&wire, &third))]);
        let failed = stage.apply_in_turn([Kind::ExecutionRole, Kind::Function]).await;
        assert_eq!(failed.told, Vec::<String>::new(), "{what}");
        let error = failed.error();
        let told = format!("{what} of role RotatePasswordFunction-role was changed by someone");
        assert!(error.message.ends_with(&told), "{error}");
    }
}
