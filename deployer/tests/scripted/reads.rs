//! Reading a stack: missing is not forbidden, and what reads back as desired is no change.

use deployer::aws::{Class, Identity, Observer};
use deployer::engine::{Observe as _, Observed, ReadError};
use plan::live::Live;
use plan::resource::Kind;
use plan::resource_policy::ResourcePolicy;
use serde_json::{Value as Json, json};

use crate::stack;
use crate::stage::Stage;
use crate::wire::{absent, denied, error, ok};
use crate::world;

pub async fn observe(stage: &Stage) -> Result<Observed, (Option<Identity>, Vec<ReadError>)> {
    Box::pin(Observer::new(stage.wire.clients()).observe(&stage.spec)).await
}

/// Every read of a whole stack with the default key, and the resource that it is of.
const READS: [(&str, Option<Kind>); 15] = [
    ("sts:GetCallerIdentity", None),
    ("secretsmanager:DescribeSecret", Some(Kind::Secret)),
    ("iam:GetRole", Some(Kind::ExecutionRole)),
    ("iam:ListRolePolicies", Some(Kind::ExecutionRole)),
    ("iam:ListAttachedRolePolicies", Some(Kind::ExecutionRole)),
    ("iam:GetRolePolicy", Some(Kind::ExecutionRole)),
    ("logs:DescribeLogGroups", Some(Kind::LogGroup)),
    ("logs:ListTagsForResource", Some(Kind::LogGroup)),
    ("lambda:GetFunction", Some(Kind::Function)),
    ("lambda:GetFunctionEventInvokeConfig", Some(Kind::Function)),
    ("lambda:GetPolicy", Some(Kind::Permission)),
    ("scheduler:GetScheduleGroup", Some(Kind::ScheduleGroup)),
    ("scheduler:ListTagsForResource", Some(Kind::ScheduleGroup)),
    ("scheduler:ListSchedules", Some(Kind::ScheduleGroup)),
    ("scheduler:GetSchedule", Some(Kind::Schedule)),
];

/// The one read that a plan goes on without.
const POLICY: &str = "secretsmanager:GetResourcePolicy";

#[tokio::test(start_paused = true)]
async fn the_resource_policy_is_read_and_where_it_is_forbidden_that_is_said() {
    let policy = json!({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:*"}]});
    let stage = Stage::applied();
    let read = async || observe(&stage).await.unwrap().resource_policy;
    assert_eq!(read().await, ResourcePolicy::None);
    stage.wire.always(POLICY, ok(json!({"Name": "MyApp/DBPassword", "ResourcePolicy": policy.to_string()})));
    assert_eq!(read().await, ResourcePolicy::Document(policy));
    for (reply, words) in [
        (denied(POLICY), "allow secretsmanager:GetResourcePolicy to"),
        (error(400, "InvalidRequestException", "x"), "secretsmanager:GetResourcePolicy: x"),
        (ok(json!({"ResourcePolicy": "{"})), "gave no JSON"),
    ] {
        stage.wire.always(POLICY, reply);
        let ResourcePolicy::Unread(why) = read().await else { panic!("{words}") };
        assert!(why.contains(words), "{why}");
    }
    stage.wire.always(POLICY, absent(POLICY));
    assert_eq!(read().await, ResourcePolicy::None);
}

#[tokio::test(start_paused = true)]
async fn what_is_there_is_read_as_it_is_by_the_known_calls_alone() {
    let stage = Stage::applied();
    let observed = observe(&stage).await.unwrap();
    assert_eq!(observed.identity.account, "123456789012");
    assert_eq!(observed.live, stage.live);
    assert!(stack::plan(&stage.spec, &observed.live).is_empty());
    let called: std::collections::BTreeSet<_> = stage.wire.operations().into_iter().collect();
    let known = READS.iter().map(|(call, _)| *call).chain([POLICY]);
    assert_eq!(called, known.map(str::to_owned).collect());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_reads_as_absent_in_each_services_own_words() {
    let stage = Stage::new(stack::spec(), Live::default());
    assert_eq!(observe(&stage).await.unwrap().live, Live::default());
}

#[tokio::test(start_paused = true)]
async fn a_function_whose_tags_may_not_be_read_is_no_foreign_one() {
    let stage = Stage::applied();
    let refusal = json!({"ErrorCode": "AccessDenied", "Message": "not authorized to perform: lambda:ListTags"});
    let function = json!({"Configuration": {"FunctionName": "RotatePasswordFunction"}, "TagsError": refusal});
    stage.wire.always("lambda:GetFunction", ok(function));
    let (_, errors) = observe(&stage).await.unwrap_err();
    assert_eq!((errors[0].kind, errors[0].error.class), (Some(Kind::Function), Class::Denied));
    assert!(errors[0].error.to_string().contains("lambda:ListTags"));
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_read_is_an_error_of_its_resource_and_never_an_absence() {
    for (call, kind) in READS {
        let stage = Stage::applied();
        stage.wire.always(call, denied(call));
        let (identity, errors) = observe(&stage).await.expect_err(call);
        assert_eq!(identity.is_none(), call == "sts:GetCallerIdentity");
        let first = &errors[0];
        assert_eq!((first.kind, first.error.class, first.error.operation), (kind, Class::Denied, call));
        assert!(first.error.hint.as_ref().is_some_and(|hint| hint.contains(call)), "{:?}", first.error);
        let roles = [Some(Kind::ExecutionRole), Some(Kind::InvokeRole)];
        assert!(errors.iter().all(|one| one.kind == kind || roles.contains(&one.kind)), "{errors:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_failed_read_is_told_and_not_the_first_alone() {
    let stage = Stage::applied();
    for (call, _) in READS {
        stage.wire.always(call, denied(call));
    }
    let (identity, errors) = observe(&stage).await.unwrap_err();
    assert!(identity.is_none());
    // Its rules are read with the secret.
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Rotation) {
        assert!(errors.iter().any(|one| one.kind == Some(kind)), "{kind} is not told");
    }
}

#[tokio::test(start_paused = true)]
async fn the_code_decides_and_not_the_http_status() {
    let stage = Stage::applied();
    for status in [400, 404, 409, 418] {
        stage.wire.always("scheduler:GetSchedule", error(status, "ResourceNotFoundException", "no such schedule"));
        assert_eq!(observe(&stage).await.unwrap().live.schedule, None, "{status}");
        stage.wire.always("scheduler:GetSchedule", error(status, "AccessDeniedException", "no"));
        let (_, errors) = observe(&stage).await.unwrap_err();
        assert_eq!(errors[0].error.class, Class::Denied, "{status}");
        stage.wire.always("scheduler:GetSchedule", error(status, "", "who knows"));
        observe(&stage).await.expect_err("an answer that no one understands is no absence");
    }
}

#[tokio::test(start_paused = true)]
async fn policy_documents_in_iams_own_spelling_are_no_change() {
    let stage = Stage::applied();
    let mut live = stage.live.clone();
    for role in [&mut live.execution_role, &mut live.invoke_role].into_iter().flatten() {
        for document in role.policies.values_mut().chain([&mut role.trust]) {
            *document = respelled(document);
        }
    }
    world::roles(&stage.wire, [live.execution_role.as_ref().unwrap(), live.invoke_role.as_ref().unwrap()]);
    let observed = observe(&stage).await.unwrap().live;
    assert_ne!(observed, stage.live, "the documents are written otherwise");
    let plan = stack::plan(&stage.spec, &observed);
    assert!(plan.is_empty(), "{}", plan::render::plan(&plan, &plan::render::Palette::plain()));
}

/// Lists reversed, lists of one as a string, a string as a list of one, a `Sid` besides, no list around the statement.
fn respelled(document: &Json) -> Json {
    let turn = |value: &Json| match value {
        Json::Array(items) if items.len() == 1 => items[0].clone(),
        Json::Array(items) => items.iter().rev().cloned().collect(),
        Json::String(text) => json!([text]),
        other => other.clone(),
    };
    let mut statement = document["Statement"][0].clone();
    statement["Sid"] = json!("Statement1");
    statement["Action"] = turn(&statement["Action"]);
    if let Some(resource) = statement.get("Resource").map(turn) {
        statement["Resource"] = resource;
    }
    json!({"Version": "2012-10-17", "Statement": statement})
}

#[tokio::test(start_paused = true)]
async fn a_document_that_can_not_be_read_is_a_difference_and_no_failure() {
    let stage = Stage::applied();
    stage.wire.always(
        "iam:GetRolePolicy",
        ok("<RoleName>x</RoleName><PolicyName>x</PolicyName><PolicyDocument>%7Bbroken</PolicyDocument>"),
    );
    let observed = observe(&stage).await.unwrap().live;
    let changes = &stack::plan(&stage.spec, &observed).action(Kind::InvokeRole).unwrap().changes.clone();
    assert_eq!(changes[0].attribute.to_string(), "policy[\"InvokeFunction\"]");
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_someone_added_is_read_and_mended() {
    let stage = Stage::applied();
    let mut role = stage.live.invoke_role.clone().unwrap();
    role.policies.insert("Stray".to_owned(), json!({"Statement": []}));
    world::roles(&stage.wire, [stage.live.execution_role.as_ref().unwrap(), &role]);
    assert_eq!(observe(&stage).await.unwrap().live.invoke_role.unwrap(), role);
}

/// A stack whose secret has a key of the customer's.
pub fn with_key(key: &str) -> Stage {
    let spec = stack::with("alias/aws/secretsmanager", key);
    let mut live = stack::applied(&spec);
    live.secret.as_mut().unwrap().kms_key_arn = Some(key.to_owned());
    Stage::new(spec, live)
}

#[tokio::test(start_paused = true)]
async fn keys_are_compared_by_what_they_stand_for_and_not_by_their_spelling() {
    let arn = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555";
    let stage = with_key("alias/app");
    stage.wire.always("kms:DescribeKey", ok(json!({"KeyMetadata": {"KeyId": "1", "Arn": arn}})));
    for spelled in ["alias/app", arn, "11111111-2222-3333-4444-555555555555", "alias/another-name-of-it"] {
        let mut live = stage.live.clone();
        live.secret.as_mut().unwrap().kms_key_arn = Some(spelled.to_owned());
        world::reads(&stage.wire, &live);
        let observed = observe(&stage).await.unwrap();
        assert_eq!(observed.kms_key_arn.as_deref(), Some(arn));
        assert_eq!(observed.live.secret.unwrap().kms_key_arn.as_deref(), Some(arn), "{spelled}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_absent_or_forbidden_is_an_error_with_the_mend() {
    let replies = [
        (error(400, "NotFoundException", "Alias is not found."), "secret.kms_key"),
        (denied("kms:DescribeKey"), "allow kms:DescribeKey"),
    ];
    for (reply, mend) in replies {
        let stage = with_key("alias/app");
        stage.wire.always("kms:DescribeKey", reply);
        let (identity, errors) = observe(&stage).await.unwrap_err();
        assert!(identity.is_some());
        assert!(errors[0].error.hint.as_ref().is_some_and(|hint| hint.contains(mend)), "{errors:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_names_of_the_default_key_are_one() {
    for spelled in ["", "alias/aws/secretsmanager", "arn:aws:kms:us-east-1:123456789012:alias/aws/secretsmanager"] {
        let stage = Stage::applied();
        let mut live = stage.live.clone();
        live.secret.as_mut().unwrap().kms_key_arn = Some(spelled.to_owned());
        world::reads(&stage.wire, &live);
        assert_eq!(observe(&stage).await.unwrap().live.secret.unwrap().kms_key_arn, None, "{spelled}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_goes_reads_as_going() {
    let stage = Stage::with(|live| live.schedule_group.as_mut().unwrap().deleting = true);
    assert!(observe(&stage).await.unwrap().live.schedule_group.unwrap().deleting);
}
