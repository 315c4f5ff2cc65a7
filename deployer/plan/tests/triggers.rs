//! What starts a rotation: one of two, and never both; and what the function needs besides for its target.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod stack;

use std::collections::BTreeMap;

use plan::attribute::Value;
use plan::desired::{Desired, Facts};
use plan::live::Live;
use plan::ownership::{APPLIED_ROTATION_TAG, STACK_TAG};
use plan::plan::{Action, Cause, Plan, TeardownOptions, Verb};
use plan::render::{self, Palette};
use plan::resource::{Kind, permission, role, rotation};
use plan::spec::{Every, Spec, schedule};
use serde_json::json;

fn pending(plan: &Plan) -> Vec<(Kind, Verb)> {
    plan.actions.iter().filter(|action| action.is_pending()).map(|action| (action.kind, action.verb)).collect()
}

fn changed(plan: &Plan, kind: Kind) -> Vec<String> {
    plan.action(kind).unwrap().changes.iter().map(|change| change.attribute.to_string()).collect()
}

/// The scheduled stack's account, with what a managed one leaves in it.
fn both() -> Live {
    let Live { permission, rotation, .. } = stack::applied(&stack::managed());
    Live { permission, rotation, ..stack::applied(&stack::spec()) }
}

const SCHEDULED: [Kind; 3] = [Kind::ScheduleGroup, Kind::InvokeRole, Kind::Schedule];
const MANAGED: [Kind; 2] = [Kind::Permission, Kind::Rotation];

#[test]
fn a_managed_stack_has_a_permission_and_rules_and_no_schedule() {
    let plan = stack::plan(&stack::managed(), &Live::default());
    let kinds: Vec<Kind> = plan.actions.iter().map(|action| action.kind).collect();
    assert!(MANAGED.iter().all(|kind| kinds.contains(kind)) && !SCHEDULED.iter().any(|kind| kinds.contains(kind)));
    assert_eq!(changed(&plan, Kind::Rotation), ["function", "every_days"]);
    let permission = &plan.action(Kind::Permission).unwrap().changes[0];
    assert!(matches!(permission.after, Some(Value::AfterApply)), "the secret's ARN is not known yet");
}

#[test]
fn the_other_trigger_takes_the_place_of_the_first_and_nothing_of_it_stays() {
    let (scheduled, managed) = (stack::spec(), stack::managed());
    // What an earlier spec called the schedule is found by its name.
    let mut named = managed.clone();
    named.schedule.name.clone_from(&scheduled.schedule.name);
    let plan = stack::plan(&named, &stack::applied(&scheduled));
    let gone = SCHEDULED.map(|kind| (kind, Verb::Delete));
    let made = MANAGED.map(|kind| (kind, Verb::Create));
    // The function is told that no schedule is its own any longer.
    let told = [(Kind::Function, Verb::Update)];
    assert_eq!(pending(&plan), [&told[..], &gone[..], &made[..]].concat());
    assert_eq!(changed(&plan, Kind::Function), ["environment[\"ROTATOR_SCHEDULE_ARN\"]"]);

    let plan = stack::plan(&scheduled, &stack::applied(&managed));
    let made = SCHEDULED.map(|kind| (kind, Verb::Create));
    let gone = MANAGED.map(|kind| (kind, Verb::Delete));
    assert_eq!(pending(&plan), [&told[..], &made[..], &gone[..]].concat());
    let told = render::plan(&plan, &Palette::plain()).to_string();
    assert!(told.contains("- rotation") && told.contains("3 to create, 1 to update, 2 to delete"), "{told}");
    assert!(render::markdown(&plan).as_str().contains("3 to create, 1 to update, 2 to delete"));
}

#[test]
fn rules_of_whoever_on_the_stacks_own_secret_go_where_a_schedule_rotates() {
    let spec = stack::spec();
    let mut live = stack::applied(&spec);
    let function_arn = "arn:aws:lambda:us-east-1:123456789012:function:theirs".to_owned();
    let settings = rotation::Settings { function_arn, every: Some(Every::Days(7)), duration: None };
    live.rotation = Some(rotation::Live { settings, last: None, next: None });
    assert_eq!(pending(&stack::plan(&spec, &live)), [(Kind::Rotation, Verb::Delete)]);

    // A foreign secret is refused, and its rules with it; adopted, it loses them.
    stack::tags_mut(&mut live, Kind::Secret).clear();
    let refused = stack::plan(&spec, &live);
    assert!(refused.action(Kind::Rotation).is_none() && refused.refusals.len() == 1);
    let adopted = stack::plan_adopting(&spec, &live, &[Kind::Secret]);
    assert_eq!(pending(&adopted), [(Kind::Secret, Verb::Update), (Kind::Rotation, Verb::Delete)]);
}

#[test]
fn rules_that_name_another_function_are_shown_and_taken_over() {
    let spec = stack::managed();
    let mut live = stack::applied(&spec);
    live.rotation.as_mut().unwrap().settings.function_arn += "-theirs";
    let plan = stack::plan(&spec, &live);
    assert_eq!(pending(&plan), [(Kind::Rotation, Verb::Update)]);
    assert_eq!(changed(&plan, Kind::Rotation), ["function"]);
    assert_eq!(plan.action(Kind::Rotation).unwrap().cause, Some(Cause::Drift));
    let other = stack::plan(&stack::managed_by("{every_days: 60}"), &stack::applied(&spec));
    assert_eq!(other.action(Kind::Rotation).unwrap().cause, Some(Cause::Spec));
    assert!(stack::applied(&spec).secret.unwrap().tags.contains_key(APPLIED_ROTATION_TAG));
}

#[test]
fn what_another_trigger_left_and_is_not_ours_stays_where_it_is() {
    let spec = stack::managed();
    let mut live = Live { rotation: None, permission: None, ..both() };
    for kind in [Kind::ScheduleGroup, Kind::InvokeRole] {
        stack::tags_mut(&mut live, kind).insert(STACK_TAG.to_owned(), "other".to_owned());
    }
    let plan = stack::plan(&spec, &live);
    let made = MANAGED.map(|kind| (kind, Verb::Create));
    assert_eq!(pending(&plan), [&[(Kind::Function, Verb::Update)][..], &made[..]].concat());
    assert!(plan.refusals.is_empty(), "what is not wanted is in nobody's way");
}

#[test]
fn a_left_over_group_with_schedules_of_others_is_kept() {
    let spec = stack::managed();
    let mut live = stack::applied(&spec);
    let Live { schedule_group, .. } = both();
    live.schedule_group = schedule_group;
    live.schedules_in_group = vec!["theirs".to_owned()];
    let plan = stack::plan(&spec, &live);
    assert!(plan.is_empty());
    assert_eq!(plan.action(Kind::ScheduleGroup).unwrap().verb, Verb::Keep);
}

#[test]
fn a_function_made_anew_gets_its_permission_anew() {
    let spec = stack::managed();
    let mut live = stack::applied(&spec);
    live.execution_role.as_mut().unwrap().id = "AROAANOTHER".to_owned();
    let plan = stack::plan(&spec, &live);
    assert_eq!(pending(&plan), [(Kind::Function, Verb::Replace), (Kind::Permission, Verb::Create)]);
}

#[test]
fn a_permission_is_a_set_of_statements_named_for_what_they_say() {
    let spec = stack::managed();
    let mut live = stack::applied(&spec);
    let (id, statement) = live.permission.clone().unwrap().statements.pop_first().unwrap();
    assert!(id.starts_with(permission::ID_PREFIX) && id.len() <= 100);
    assert_eq!(statement["Condition"]["ArnLike"]["AWS:SourceArn"], stack::SECRET_ARN);
    assert_eq!(statement["Condition"]["StringEquals"]["AWS:SourceAccount"], spec.account);

    // A secret made anew has another ARN: the old statement goes, a new one comes.
    let secret = live.secret.as_mut().unwrap();
    secret.arn = secret.arn.replace("-AbCdEf", "-ZyXwVu");
    let plan = stack::plan(&spec, &live);
    let told = changed(&plan, Kind::Permission);
    assert!(told.len() == 2 && told[0] != told[1] && told[1] == format!("statement[{id:?}]"), "{told:?}");

    // One that was loosened under its own id is the one that differs.
    let mut live = stack::applied(&spec);
    let statements: &mut BTreeMap<_, _> = &mut live.permission.as_mut().unwrap().statements;
    statements.get_mut(&id).unwrap().as_object_mut().unwrap().remove("Condition");
    let plan = stack::plan(&spec, &live);
    assert_eq!(changed(&plan, Kind::Permission), [format!("statement[{id:?}]")]);
    assert_eq!(plan.action(Kind::Permission).unwrap().cause, Some(Cause::Drift));
}

#[test]
fn teardown_takes_the_rules_first_but_not_of_a_secret_that_is_going() {
    let spec = stack::managed();
    let teardown =
        |live: &Live| plan::teardown::teardown(&spec, &stack::desired(&spec, live), live, TeardownOptions::default());
    let mut live = stack::applied(&spec);
    let first: Vec<Kind> = teardown(&live).actions.iter().map(|action| action.kind).take(3).collect();
    assert_eq!(first, [Kind::Rotation, Kind::Permission, Kind::Function]);
    live.secret.as_mut().unwrap().deleted = Some("2026-11-01T00:00:00Z".to_owned());
    assert!(teardown(&live).action(Kind::Rotation).is_none());
}

#[test]
fn a_network_is_compared_as_two_sets_and_taken_away_with_its_key() {
    let network = "vpc: {subnets: [subnet-0000000b, subnet-0000000a], security_groups: [sg-0000000a]}";
    let spec = stack::with("memory: 128", &format!("memory: 128\n  {network}"));
    let plan = stack::plan(&spec, &stack::applied(&stack::spec()));
    assert_eq!(changed(&plan, Kind::Function), ["vpc.subnets", "vpc.security_groups"]);
    assert_eq!(changed(&plan, Kind::ExecutionRole), [r#"policy["ManageNetworkInterfaces"]"#]);
    let Some(Value::Known(subnets)) = &plan.action(Kind::Function).unwrap().changes[0].after else { panic!() };
    assert_eq!(subnets, &json!(["subnet-0000000a", "subnet-0000000b"]));
    assert!(stack::plan(&spec, &stack::applied(&spec)).is_empty());
    let gone = stack::plan(&stack::spec(), &stack::applied(&spec));
    let is_removal = |action: &Action| action.changes.iter().all(|change| change.after.is_none());
    assert!(is_removal(gone.action(Kind::Function).unwrap()));
}

fn with_target(target: &str) -> Spec {
    stack::with("target: none", &format!("target: {target}"))
}

#[test]
fn the_function_reads_the_admins_secret_and_no_other() {
    let spec = with_target("{mysql: {admin_secret: App/Admin, connection: {host: db, username: app}}}");
    let key = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555";
    let policies = role::execution(&spec, None, Some(key)).policies;
    let secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:App/Admin-??????";
    let read = json!({"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": secret});
    let decrypt = json!({
        "Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": key,
        "Condition": {
            "StringEquals": {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"},
            "StringLike": {"kms:EncryptionContext:SecretARN": secret},
        },
    });
    assert_eq!(policies["ReadAdminSecret"]["Statement"], json!([read, decrypt]));
    let facts = Facts { admin_key_arn: Some(key.to_owned()), ..stack::facts() };
    assert_eq!(Desired::of(&spec, &facts).execution_role.policies, policies);
    assert!(!role::execution(&stack::spec(), None, Some(key)).policies.contains_key("ReadAdminSecret"));
}

#[test]
fn the_function_modifies_its_own_elasticache_user_and_no_other() {
    let spec = stack::edited(|text| {
        let text = text.replace("target: none", "target: {redis: {elasticache_user: shop-cache}}");
        text.replace("initial: generate", "initial: {env: PRESENT_PASSWORD}")
    });
    let policies = role::execution(&spec, None, None).policies;
    let statement = json!({
        "Effect": "Allow", "Action": ["elasticache:DescribeUsers", "elasticache:ModifyUser"],
        "Resource": "arn:aws:elasticache:us-east-1:123456789012:user:shop-cache",
    });
    assert_eq!(policies["ModifyElastiCacheUser"]["Statement"], json!([statement]));
    assert!(!role::execution(&stack::spec(), None, None).policies.contains_key("ModifyElastiCacheUser"));
}

#[test]
fn lambda_may_attach_the_function_and_the_functions_own_code_may_not() {
    let network = "vpc: {subnets: [subnet-0000000b], security_groups: [sg-0000000a]}";
    let spec = stack::with("memory: 128", &format!("memory: 128\n  {network}"));
    let policies = role::execution(&spec, None, None).policies;
    // As in AWS's own managed policy, AWSLambdaVPCAccessExecutionRole: a shared subnet is in another account.
    let allowed = json!([
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
    ]);
    let statements = policies["ManageNetworkInterfaces"]["Statement"].as_array().unwrap();
    let [allow, deny] = &statements[..] else { panic!("{statements:?}") };
    assert_eq!(allow, &json!({"Effect": "Allow", "Action": allowed, "Resource": "*"}));
    assert_eq!((&deny["Effect"], &deny["Resource"]), (&json!("Deny"), &json!("*")));
    let own = "arn:aws:lambda:us-east-1:123456789012:function:RotatePasswordFunction";
    assert_eq!(deny["Condition"], json!({"ArnEquals": {"lambda:SourceFunctionArn": own}}));
    let denied = deny["Action"].as_array().unwrap();
    assert!(allowed.as_array().unwrap().iter().all(|action| denied.contains(action)));
    let size: usize = policies.values().map(|document| document.to_string().len()).sum();
    assert!(size < plan::policy::MAX_INLINE_CHARACTERS);
}

#[test]
fn secrets_managers_rules_for_expressions_are_its_own() {
    for sound in [
        "rate(4 hours)",
        "rate(1 day)",
        "rate(999 days)",
        "cron(0 8 1 * ? *)",
        "cron(0 0/4 ? * SUN#1 *)",
        "cron(0 4/12 L * ? *)",
        "cron(0 16 ? 3,6,9,12 6L *)",
    ] {
        assert_eq!(schedule::managed::check(sound), Ok(()), "{sound}");
    }
    for (text, hours, fits) in [
        ("rate(4 hours)", 4, true),
        ("rate(4 hours)", 5, false),
        ("rate(2 days)", 24, true),
        ("cron(0 20 * * ? *)", 4, true),
        ("cron(0 20 * * ? *)", 5, false),
        ("cron(0 0/6 * * ? *)", 6, true),
        ("cron(0 0/6 * * ? *)", 7, false),
    ] {
        assert_eq!(schedule::managed::window_fits(text, hours).is_ok(), fits, "{text} {hours}h");
    }
}
