//! What a person or a job that runs the deployer may do: each command's own calls, on the stack alone.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod stack;

use std::collections::BTreeSet;

use plan::actions::{Command, MAX_MANAGED_CHARACTERS, policy};
use plan::spec::{self, Spec};
use serde_json::{Value as Json, json};

const COMMANDS: [Command; 4] = [Command::Plan, Command::Apply, Command::Teardown, Command::Doctor];
const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/boundary";
const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:dead";

fn statements(specs: &[&Spec], command: Command) -> Vec<Json> {
    policy(specs.iter().copied(), command)["Statement"].as_array().unwrap().clone()
}

fn strings(list: &Json) -> Vec<String> {
    list.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// Each action with each of its resources and its condition.
fn grants(specs: &[&Spec], command: Command) -> BTreeSet<(String, String, String)> {
    let mut grants = BTreeSet::new();
    for statement in statements(specs, command) {
        for action in strings(&statement["Action"]) {
            for resource in strings(&statement["Resource"]) {
                grants.insert((action.clone(), resource, statement["Condition"].to_string()));
            }
        }
    }
    grants
}

fn actions(spec: &Spec, command: Command) -> BTreeSet<String> {
    grants(&[spec], command).into_iter().map(|(action, ..)| action).collect()
}

/// The resources and the condition of an action.
fn on(spec: &Spec, command: Command, action: &str) -> Vec<(String, Json)> {
    let grants = grants(&[spec], command).into_iter().filter(|(name, ..)| name == action);
    grants.map(|(_, resource, condition)| (resource, serde_json::from_str(&condition).unwrap())).collect()
}

/// All specs that ship, and some that have what these have not.
fn specs() -> Vec<Spec> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let shipped = files.map(|path| std::fs::read_to_string(path).unwrap());
    let mut specs: Vec<Spec> = shipped.map(|text| spec::load("shipped.yaml", &text).unwrap().spec).collect();
    assert!(specs.len() > 4);
    specs.extend([stack::managed(), complete(), bounded()]);
    specs
}

fn bounded() -> Spec {
    let mut spec = stack::spec();
    spec.role.permissions_boundary = Some(BOUNDARY.to_owned());
    spec
}

fn complete() -> Spec {
    let mut spec = stack::spec();
    "alias/app".clone_into(&mut spec.secret.kms_key);
    spec.schedule.dead_letter_queue = Some(QUEUE.to_owned());
    let ids = |id: &str| BTreeSet::from([id.to_owned()]);
    spec.function.vpc = Some(spec::Vpc { subnets: ids("subnet-0000000a"), security_groups: ids("sg-0000000a") });
    spec
}

#[test]
fn the_walk_through_is_applied_with_this_policy() {
    let document = policy([&stack::spec()], Command::Apply);
    insta::assert_snapshot!(format!("{document:#}"));
}

#[test]
fn a_plan_reads_alone_and_every_command_plans() {
    for spec in specs() {
        let reads = grants(&[&spec], Command::Plan);
        for (action, ..) in &reads {
            let verb = action.split_once(':').unwrap().1;
            assert!(["Get", "List", "Describe"].iter().any(|read| verb.starts_with(read)), "{action}");
        }
        for command in COMMANDS {
            assert!(grants(&[&spec], command).is_superset(&reads), "{command:?}");
        }
    }
}

#[test]
fn no_command_may_read_or_write_a_value() {
    for (spec, command) in specs().iter().flat_map(|spec| COMMANDS.map(|command| (spec, command))) {
        let all = actions(spec, command);
        assert!(all.iter().all(|name| !name.contains("SecretValue") && !name.contains('*')), "{command:?}: {all:?}");
    }
}

#[test]
fn only_what_aws_can_not_narrow_is_allowed_beyond_the_stack() {
    let unscoped = [
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "iam:ListRoles",
        "lambda:GetAccountSettings",
        "logs:DescribeLogGroups",
        "scheduler:ListSchedules",
    ];
    for (spec, command) in specs().iter().flat_map(|spec| COMMANDS.map(|command| (spec, command))) {
        for (action, resource, condition) in grants(&[spec], command) {
            let is_wide = if resource == "*" {
                unscoped.contains(&action.as_str())
            } else if resource.ends_with(":key/*") {
                action == "kms:DescribeKey" || condition.contains("kms:ResourceAliases")
            } else {
                let ours = [&spec.name, &spec.secret.name, &spec.role.name, &spec.function.name, &spec.schedule.name];
                let admin = spec.target.login().and_then(|login| login.admin_secret.as_ref());
                ours.into_iter().chain(admin).any(|name| resource.contains(name.as_str()))
                    || [&spec.secret.kms_key, QUEUE].contains(&resource.as_str())
                    || spec.role.permissions_boundary.as_deref() == Some(resource.as_str())
            };
            assert!(is_wide, "{command:?}: {action} on {resource} where {condition}");
        }
    }
}

#[test]
fn a_role_is_given_to_its_own_service_alone() {
    let role = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
    let to = |service: &str| json!({"StringEquals": {"iam:PassedToService": service}});
    let execution = (role("RotatePasswordFunction-role"), to("lambda.amazonaws.com"));
    let invoke = (role("RotatePasswordSchedule-invoke"), to("scheduler.amazonaws.com"));
    let passed = |spec: &Spec, command| on(spec, command, "iam:PassRole");
    assert_eq!(passed(&stack::spec(), Command::Apply), [execution.clone(), invoke]);
    assert_eq!(passed(&stack::managed(), Command::Apply), [execution]);
    for command in [Command::Plan, Command::Teardown, Command::Doctor] {
        assert_eq!(passed(&stack::spec(), command), []);
    }
}

#[test]
fn one_trigger_can_give_way_to_the_other_and_either_be_taken_away() {
    let has = |spec: &Spec, command, groups: &[&[&str]], wanted: bool| {
        let all = actions(spec, command);
        for name in groups.concat() {
            assert_eq!(all.contains(name), wanted, "{command:?}: {name}");
        }
    };
    let schedule_goes = ["scheduler:DeleteSchedule", "scheduler:DeleteScheduleGroup"];
    let schedule_comes = ["scheduler:CreateSchedule", "scheduler:UpdateSchedule", "scheduler:CreateScheduleGroup"];
    let rules_go = ["secretsmanager:CancelRotateSecret"];
    let rules_come = ["secretsmanager:RotateSecret", "lambda:AddPermission"];
    let both = ["lambda:RemovePermission", "iam:DeleteRole", "iam:DeleteRolePolicy", "lambda:InvokeFunction"];
    let (scheduled, managed) = (stack::spec(), stack::managed());
    for (spec, theirs, others) in [
        (&scheduled, [&schedule_comes[..], &rules_go], [&rules_come[..], &schedule_goes]),
        (&managed, [&rules_come[..], &schedule_goes], [&schedule_comes[..], &rules_go]),
    ] {
        has(spec, Command::Apply, &[&both], true);
        has(spec, Command::Apply, &theirs, true);
        has(spec, Command::Apply, &others, false);
        has(spec, Command::Teardown, &[&schedule_goes, &rules_go], true);
    }
}

#[test]
fn a_key_is_named_however_the_spec_spells_it() {
    let arn = |resource: &str| format!("arn:aws:kms:us-east-1:123456789012:{resource}");
    let elsewhere = |resource: &str| format!("arn:aws:kms:us-east-1:000000000042:{resource}");
    let alias = json!({"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/app"}});
    for (spelled, wanted) in [
        ("1111-22".to_owned(), (arn("key/1111-22"), Json::Null)),
        (elsewhere("key/1111-22"), (elsewhere("key/1111-22"), Json::Null)),
        ("alias/app".to_owned(), (arn("key/*"), alias.clone())),
        (elsewhere("alias/app"), (elsewhere("key/*"), alias)),
    ] {
        let mut spec = stack::spec();
        spec.secret.kms_key = spelled;
        assert_eq!(on(&spec, Command::Plan, "kms:DescribeKey"), std::slice::from_ref(&wanted));
        for action in ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"] {
            let [(resource, condition)] = &on(&spec, Command::Apply, action)[..] else { panic!("{action}") };
            assert_eq!(*resource, wanted.0);
            assert_eq!(condition["StringEquals"], json!({"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"}));
            assert_eq!(condition.get("ForAnyValue:StringEquals"), wanted.1.get("ForAnyValue:StringEquals"));
        }
    }
    assert!(actions(&stack::spec(), Command::Apply).iter().all(|name| !name.starts_with("kms:")));
}

#[test]
fn the_key_of_a_queue_is_looked_at_in_the_queue_s_own_account() {
    let mut spec = stack::spec();
    spec.schedule.dead_letter_queue = Some("arn:aws:sqs:us-east-1:000000000042:dead".to_owned());
    let theirs = ("arn:aws:kms:us-east-1:000000000042:key/*".to_owned(), Json::Null);
    assert_eq!(on(&spec, Command::Plan, "kms:DescribeKey"), [theirs]);
    assert!(!actions(&stack::spec(), Command::Plan).contains("kms:DescribeKey"));
}

#[test]
fn what_a_spec_does_not_have_is_not_allowed() {
    for (spec, command, action) in [
        (complete(), Command::Doctor, "sqs:GetQueueAttributes"),
        (complete(), Command::Apply, "ec2:DescribeSubnets"),
        (complete(), Command::Plan, "kms:DescribeKey"),
    ] {
        assert!(actions(&spec, command).contains(action), "{action}");
        assert!(!actions(&stack::spec(), command).contains(action), "{action}");
    }
}

#[test]
fn whoever_applies_a_bounded_stack_can_neither_do_without_the_boundary_nor_take_it_away() {
    let within = json!({"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}});
    for action in ["iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"] {
        let allowed = on(&bounded(), Command::Apply, action);
        assert_eq!(allowed.len(), 2, "{action}");
        assert!(allowed.iter().all(|(_, condition)| *condition == within), "{action}: {allowed:?}");
    }
    for command in COMMANDS {
        let all = actions(&bounded(), command);
        let forbidden = |name: &String| {
            let is_boundary = name.ends_with("PermissionsBoundary") && name != "iam:PutRolePermissionsBoundary";
            // Nor may it change what the boundary says, or give rights by another way than an inline policy.
            is_boundary || name.contains("PolicyVersion") || name.starts_with("iam:Attach")
        };
        assert_eq!(all.iter().find(|name| forbidden(name)), None, "{command:?}");
    }
    let plain = on(&stack::spec(), Command::Apply, "iam:PutRolePolicy");
    assert!(plain.iter().all(|(_, condition)| condition.is_null()));
    // One stack's boundary opens no other stack's roles.
    let mut other = stack::spec();
    (other.role.name, other.schedule.name) = ("another".to_owned(), "another".to_owned());
    other.role.permissions_boundary = Some(format!("{BOUNDARY}-of-another"));
    let mixed = grants(&[&bounded(), &other], Command::Apply);
    let of = |name: &str| {
        mixed.iter().filter(|(action, role, _)| action == "iam:CreateRole" && role.ends_with(name)).count()
    };
    assert_eq!((of("RotatePasswordFunction-role"), of("/another")), (1, 1));
    let has = |spec: &Spec, name: &str| actions(spec, Command::Apply).contains(name);
    assert!(
        has(&stack::spec(), "iam:DeleteRolePermissionsBoundary")
            && !has(&stack::spec(), "iam:PutRolePermissionsBoundary")
    );
}

#[test]
fn several_stacks_are_allowed_what_each_is_and_no_more() {
    let all = specs();
    let all: Vec<&Spec> = all.iter().collect();
    for command in COMMANDS {
        let one_by_one: BTreeSet<_> = all.iter().flat_map(|spec| grants(&[spec], command)).collect();
        assert_eq!(grants(&all, command), one_by_one, "{command:?}");
        let reversed: Vec<&Spec> = all.iter().rev().copied().collect();
        assert_eq!(statements(&all, command), statements(&reversed, command));
    }
}

#[test]
fn the_policy_of_every_shipped_spec_fits_into_a_managed_policy() {
    for (spec, command) in specs().iter().flat_map(|spec| COMMANDS.map(|command| (spec, command))) {
        let size = policy([spec], command).to_string().len();
        assert!(size <= MAX_MANAGED_CHARACTERS, "{} {command:?}: {size}", spec.name);
    }
}
