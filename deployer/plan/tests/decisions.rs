//! What apply and teardown decide, from what is there and whose it is.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod stack;

use plan::again::{Still, still};
use plan::attribute::{Effect, Value};
use plan::live::Live;
use plan::naming::Names;
use plan::ownership::{
    APPLIED_TAG, CODE_TAG, Owner, REGION_TAG, ROLE_ID_TAG, STACK_TAG, VERSION_TAG, applied_tag, owner,
};
use plan::plan::{Action, Cause, Plan, TeardownOptions, Verb};
use plan::resource::Kind;
use plan::spec::{OnTeardown, Spec};

fn verbs(plan: &Plan) -> Vec<(Kind, Verb)> {
    plan.actions.iter().map(|action| (action.kind, action.verb)).collect()
}

fn action(plan: &Plan, kind: Kind) -> &Action {
    plan.action(kind).unwrap()
}

fn changed(plan: &Plan, kind: Kind) -> Vec<String> {
    action(plan, kind).changes.iter().map(|change| change.attribute.to_string()).collect()
}

#[test]
fn an_empty_account_gets_everything() {
    let spec = stack::spec();
    let plan = stack::plan(&spec, &Live::default());
    assert_eq!(verbs(&plan), stack::kinds(&spec).into_iter().map(|kind| (kind, Verb::Create)).collect::<Vec<_>>());
    assert!(
        plan.actions.iter().all(|a| a.cause.is_none() && !a.adopted && a.changes.iter().all(|c| c.before.is_none()))
    );
    let late: Vec<String> = plan
        .actions
        .iter()
        .flat_map(|action| &action.changes)
        .filter(|change| matches!(change.after, Some(Value::AfterApply)))
        .map(|change| change.attribute.to_string())
        .collect();
    assert_eq!(late, ["role_id", "environment[\"ROTATOR_SECRET_ARN\"]"], "all else is known beforehand");
}

#[test]
fn after_an_apply_nothing_changes() {
    for spec in [
        stack::spec(),
        stack::with("description: Password of MyApp's database", "description: ''"),
        stack::with("flexible_window_minutes: 5", "flexible_window_minutes: 0"),
        stack::with("region: us-east-1", "region: cn-north-1"),
        stack::edited(|text| text + "\ntags: {team: payments}\n"),
        stack::managed(),
        stack::managed_by("{expression: cron(0 3 * * ? *), duration: 3h}"),
    ] {
        let plan = stack::plan(&spec, &stack::applied(&spec));
        assert!(plan.is_empty(), "{:#?}", plan.actions.iter().filter(|a| a.is_pending()).collect::<Vec<_>>());
        assert_eq!(plan.actions.len(), stack::kinds(&spec).len());
    }
}

#[test]
fn what_is_missing_is_created_and_what_depends_on_it_is_not_touched() {
    let spec = stack::spec();
    for kind in [Kind::LogGroup, Kind::Function, Kind::InvokeRole, Kind::Schedule] {
        let plan = stack::plan(&spec, &stack::without(stack::applied(&spec), kind));
        let pending: Vec<_> = verbs(&plan).into_iter().filter(|(_, verb)| *verb != Verb::NoOp).collect();
        assert_eq!(pending, [(kind, Verb::Create)]);
    }
}

#[test]
fn a_secret_made_anew_gives_the_function_its_new_arn() {
    let spec = stack::spec();
    let plan = stack::plan(&spec, &stack::without(stack::applied(&spec), Kind::Secret));
    assert_eq!(action(&plan, Kind::Secret).verb, Verb::Create);
    assert_eq!(action(&plan, Kind::Function).verb, Verb::Update);
    assert_eq!(changed(&plan, Kind::Function), ["environment[\"ROTATOR_SECRET_ARN\"]"]);
}

#[test]
fn a_role_made_anew_replaces_the_function() {
    let spec = stack::spec();
    // It is about to be made anew, has been by someone, or moves to another path.
    let gone = stack::without(stack::applied(&spec), Kind::ExecutionRole);
    let mut again = stack::applied(&spec);
    again.execution_role.as_mut().unwrap().id = "AROAANOTHER".to_owned();
    let mut moved = stack::applied(&spec);
    moved.execution_role.as_mut().unwrap().path = "/old/".to_owned();
    for (live, verb) in [(gone, Verb::Create), (again, Verb::NoOp), (moved, Verb::Replace)] {
        let plan = stack::plan(&spec, &live);
        assert_eq!(action(&plan, Kind::ExecutionRole).verb, verb);
        assert_eq!(action(&plan, Kind::Function).verb, Verb::Replace);
        assert_eq!(changed(&plan, Kind::Function), ["role_id"]);
    }
    // The invoke role has no such bond.
    let mut again = stack::applied(&spec);
    again.invoke_role.as_mut().unwrap().id = "AROAANOTHER".to_owned();
    assert!(stack::plan(&spec, &again).is_empty());
}

#[test]
fn a_function_without_the_note_of_its_role_is_updated_in_place() {
    let spec = stack::spec();
    let mut live = stack::applied(&spec);
    stack::tags_mut(&mut live, Kind::Function).remove(ROLE_ID_TAG);
    assert_eq!(action(&stack::plan(&spec, &live), Kind::Function).verb, Verb::Update);
}

#[test]
fn notes_of_the_code_are_no_settings_and_the_code_is_compared_without_them() {
    let spec = stack::spec();
    let notes = [(CODE_TAG, None), (VERSION_TAG, None), (CODE_TAG, Some("another")), (VERSION_TAG, Some("0.0.1"))];
    for (tag, value) in notes {
        let mut live = stack::applied(&spec);
        let tags = stack::tags_mut(&mut live, Kind::Function);
        tags.remove(tag);
        tags.extend(value.map(|value: &str| (tag.to_owned(), value.to_owned())));
        assert!(stack::plan(&spec, &live).is_empty(), "{tag} {value:?}");
    }
    let mut live = stack::applied(&spec);
    "another".clone_into(&mut live.function.as_mut().unwrap().settings.code_sha256);
    assert_eq!(changed(&stack::plan(&spec, &live), Kind::Function), ["code_sha256"], "the note says otherwise");
}

#[test]
fn a_change_of_the_spec_and_a_change_by_someone_are_told_apart() {
    let (before, after) = (stack::spec(), stack::with("memory: 128", "memory: 256"));
    let of_the_spec = stack::plan(&after, &stack::applied(&before));
    assert_eq!(action(&of_the_spec, Kind::Function).cause, Some(Cause::Spec));
    assert_eq!(changed(&of_the_spec, Kind::Function), ["memory"]);

    let mut live = stack::applied(&before);
    live.function.as_mut().unwrap().settings.memory = 512;
    let by_someone = stack::plan(&before, &live);
    assert_eq!(action(&by_someone, Kind::Function).cause, Some(Cause::Drift));

    stack::tags_mut(&mut live, Kind::Function).remove(APPLIED_TAG);
    let unknown = stack::plan(&before, &live);
    assert_eq!(action(&unknown, Kind::Function).cause, Some(Cause::Spec), "without the note no one is accused");
}

type Drift = fn(&mut Live);

#[test]
fn drift_of_each_kind_is_told_as_drift() {
    let spec = stack::spec();
    let drifts: [(Kind, Drift, &str); 8] = [
        (Kind::Secret, |live| live.secret.as_mut().unwrap().description.clear(), "description"),
        (Kind::Secret, |live| live.secret.as_mut().unwrap().kms_key_arn = Some("arn:x".to_owned()), "kms_key"),
        (Kind::LogGroup, |live| live.log_group.as_mut().unwrap().retention_days = None, "retention_days"),
        (
            Kind::Function,
            |live| live.function.as_mut().unwrap().async_invoke.as_mut().unwrap().retries = 0,
            "async_retries",
        ),
        (Kind::Schedule, |live| live.schedule.as_mut().unwrap().settings.enabled = false, "enabled"),
        (
            Kind::Schedule,
            |live| live.schedule.as_mut().unwrap().end_date = Some("2030-01-01T00:00:00Z".to_owned()),
            "end_date",
        ),
        (
            Kind::InvokeRole,
            |live| live.invoke_role.as_mut().unwrap().attached.extend(["arn:aws:iam::aws:policy/X".to_owned()]),
            "attached_policy[\"arn:aws:iam::aws:policy/X\"]",
        ),
        (
            Kind::ExecutionRole,
            |live| live.execution_role.as_mut().unwrap().boundary = Some("arn:x".to_owned()),
            "permissions_boundary",
        ),
    ];
    for (kind, change, attribute) in drifts {
        let mut live = stack::applied(&spec);
        change(&mut live);
        let plan = stack::plan(&spec, &live);
        let pending: Vec<Kind> = plan.actions.iter().filter(|a| a.is_pending()).map(|a| a.kind).collect();
        assert_eq!(pending, [kind]);
        assert_eq!((changed(&plan, kind), action(&plan, kind).cause), (vec![attribute.to_owned()], Some(Cause::Drift)));
    }
}

#[test]
fn tags_of_awss_own_and_notes_are_no_difference() {
    let spec = stack::spec();
    let mut live = stack::applied(&spec);
    for kind in stack::kinds(&spec) {
        let tags = stack::tags_mut(&mut live, kind);
        tags.insert("aws:cloudformation:stack-name".to_owned(), "x".to_owned());
        tags.insert(VERSION_TAG.to_owned(), "older".to_owned());
    }
    assert!(stack::plan(&spec, &live).is_empty());
}

#[test]
fn a_note_that_a_run_was_cut_off_before_is_written_by_the_next_one() {
    let spec = stack::spec();
    for kind in stack::kinds(&spec).into_iter().filter(|kind| *kind != Kind::Permission) {
        for note in [None, Some("older")] {
            let mut live = stack::applied(&spec);
            let tags = stack::tags_mut(&mut live, kind);
            tags.remove(applied_tag(kind));
            tags.extend(note.map(|note| (applied_tag(kind).to_owned(), note.to_owned())));
            let plan = stack::plan(&spec, &live);
            let pending: Vec<Kind> = plan.actions.iter().filter(|a| a.is_pending()).map(|a| a.kind).collect();
            assert_eq!(pending, [kind]);
            let noted = format!("tags[{:?}]", applied_tag(kind));
            assert_eq!((changed(&plan, kind), action(&plan, kind).cause), (vec![noted], Some(Cause::Spec)));
            assert_eq!(action(&plan, kind).verb, Verb::Update);
        }
    }
}

#[test]
fn a_function_that_is_being_made_is_waited_for_and_one_that_failed_is_made_anew() {
    let spec = stack::spec();
    for (state, verb) in [("Pending", Verb::Update), ("Failed", Verb::Replace), ("Inactive", Verb::NoOp)] {
        let mut live = stack::applied(&spec);
        live.function.as_mut().unwrap().state = Some(state.to_owned());
        assert_eq!(action(&stack::plan(&spec, &live), Kind::Function).verb, verb, "{state}");
    }
}

#[test]
fn a_function_whose_last_update_is_not_done_is_waited_for_and_one_that_failed_is_done_again() {
    let spec = stack::spec();
    for (status, verb) in [("InProgress", Verb::Update), ("Failed", Verb::Update), ("Successful", Verb::NoOp)] {
        let mut live = stack::applied(&spec);
        live.function.as_mut().unwrap().last_update = Some(status.to_owned());
        let plan = stack::plan(&spec, &live);
        assert_eq!(action(&plan, Kind::Function).verb, verb, "{status}");
        let still = still(action(&plan, Kind::Function), &stack::desired(&spec, &live), &live, &live);
        let expected = if status == "Failed" { Still::Due } else { Still::Done };
        assert_eq!(still, Ok(expected), "{status}: what passes by itself is done, once it has passed");
    }
}

#[test]
fn a_foreign_resource_is_refused_with_its_owner_and_what_adopting_would_change() {
    let spec = stack::spec();
    for kind in stack::kinds(&spec).into_iter().filter(|kind| *kind != Kind::Schedule) {
        for (tags, told) in [
            (vec![], None),
            (vec![(STACK_TAG, "other")], Some("other")),
            (vec![(STACK_TAG, "other"), (REGION_TAG, "us-east-1")], Some("other in us-east-1")),
            (vec![(STACK_TAG, spec.name.as_str()), (REGION_TAG, "eu-west-1")], Some("myapp-db-password in eu-west-1")),
        ] {
            let mut live = stack::applied(&spec);
            let live_tags = stack::tags_mut(&mut live, kind);
            live_tags.clear();
            live_tags.extend(tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
            let plan = stack::plan(&spec, &live);
            let refused: Vec<Kind> = plan.refusals.iter().map(|refusal| refusal.kind).collect();
            let expected = if kind == Kind::ScheduleGroup { vec![kind, Kind::Schedule] } else { vec![kind] };
            assert_eq!(refused, expected, "a group's owner owns the schedule");
            assert!(expected.iter().all(|kind| plan.action(*kind).is_none()));
            let refusal = &plan.refusals[0];
            assert_eq!(refusal.owner.as_deref(), told);
            assert!(
                refusal.changes.iter().any(|change| change.attribute.to_string().contains(STACK_TAG) || told.is_some())
            );

            let plan = stack::plan_adopting(&spec, &live, &[kind]);
            assert!(plan.refusals.is_empty(), "{kind}: {:?}", plan.refusals);
            assert!(action(&plan, kind).adopted);
            let is_whole = kind != Kind::Function || tags.iter().any(|(key, _)| *key == ROLE_ID_TAG);
            assert!(action(&plan, kind).verb == Verb::Update || !is_whole);
        }
    }
}

#[test]
fn a_role_without_the_region_tag_is_ours_and_gets_it() {
    let spec = stack::spec();
    let mut live = stack::applied(&spec);
    stack::tags_mut(&mut live, Kind::InvokeRole).remove(REGION_TAG);
    let plan = stack::plan(&spec, &live);
    assert_eq!(changed(&plan, Kind::InvokeRole), ["tags[\"deployer:region\"]"]);
    let ours = plan::ownership::tags(&spec);
    assert_eq!(owner(&ours, &ours), Owner::Us);
}

#[test]
fn adopting_what_is_ours_or_absent_changes_nothing_of_the_plan() {
    let spec = stack::spec();
    for live in [Live::default(), stack::applied(&spec)] {
        let told = |plan: &Plan| serde_json::json!(plan);
        assert_eq!(told(&stack::plan_adopting(&spec, &live, &Kind::ALL)), told(&stack::plan(&spec, &live)));
    }
}

#[test]
fn a_secret_scheduled_for_deletion_is_restored_and_mended_in_one() {
    let spec = stack::spec();
    let mut live = stack::applied(&spec);
    let secret = live.secret.as_mut().unwrap();
    secret.deleted = Some("2026-11-01T00:00:00Z".to_owned());
    secret.description = "older".to_owned();
    let plan = stack::plan(&spec, &live);
    let restore = action(&plan, Kind::Secret);
    assert_eq!((restore.verb, changed(&plan, Kind::Secret)), (Verb::Restore, vec!["description".to_owned()]));
    assert!(restore.note.as_ref().unwrap().contains("2026-11-01T00:00:00Z"));
    // A foreign one is refused like any other.
    stack::tags_mut(&mut live, Kind::Secret).clear();
    assert_eq!(stack::plan(&spec, &live).refusals[0].kind, Kind::Secret);
    assert_eq!(action(&stack::plan_adopting(&spec, &live, &[Kind::Secret]), Kind::Secret).verb, Verb::Restore);
}

#[test]
fn a_group_that_is_being_deleted_is_made_anew_with_its_schedule() {
    let spec = stack::spec();
    let mut live = stack::applied(&spec);
    live.schedule_group.as_mut().unwrap().deleting = true;
    let plan = stack::plan(&spec, &live);
    let pending: Vec<_> = verbs(&plan).into_iter().filter(|(_, verb)| *verb != Verb::NoOp).collect();
    assert_eq!(pending, [(Kind::ScheduleGroup, Verb::Create), (Kind::Schedule, Verb::Create)]);
    assert_eq!(action(&plan, Kind::ScheduleGroup).note.as_deref(), Some("waits until the old group is gone"));
}

#[test]
fn another_architecture_is_a_difference() {
    let plan = stack::plan(&stack::with("x86_64", "arm64"), &stack::applied(&stack::spec()));
    assert_eq!(changed(&plan, Kind::Function), ["architecture"]);
}

#[test]
fn another_path_replaces_both_roles_and_nothing_else_replaces_one() {
    let spec = stack::with("name: RotatePasswordFunction-role", "name: RotatePasswordFunction-role\n  path: /team/");
    let plan = stack::plan(&spec, &stack::applied(&stack::spec()));
    for kind in [Kind::ExecutionRole, Kind::InvokeRole] {
        let changes = &action(&plan, kind).changes;
        assert_eq!(action(&plan, kind).verb, Verb::Replace);
        let fixed: Vec<_> = changes.iter().filter(|c| c.effect == Effect::Replaces).map(|c| c.attribute.name).collect();
        assert_eq!(fixed, ["path"]);
    }
}

fn teardown(spec: &Spec, live: &Live, force_delete_secret: bool) -> Plan {
    let desired = stack::desired(spec, live);
    plan::teardown::teardown(spec, &desired, live, TeardownOptions { force_delete_secret })
}

#[test]
fn teardown_deletes_what_is_there_dependents_first() {
    let spec = stack::spec();
    let live = stack::applied(&spec);
    let plan = teardown(&spec, &live, false);
    let kinds = stack::kinds(&spec);
    assert_eq!(verbs(&plan), kinds.iter().rev().map(|kind| (*kind, Verb::Delete)).collect::<Vec<_>>());
    assert_eq!(action(&plan, Kind::Secret).note.as_deref(), Some("recoverable for 7 days"));
    for kind in kinds {
        let half = teardown(&spec, &stack::without(live.clone(), kind), false);
        assert!(half.action(kind).is_none() && half.refusals.iter().all(|refusal| refusal.kind == Kind::Schedule));
    }
    let nothing = teardown(&spec, &Live::default(), false);
    assert!(nothing.is_empty() && nothing.actions.is_empty() && nothing.refusals.is_empty());
}

#[test]
fn teardown_does_with_the_secret_what_the_spec_says_unless_it_is_overruled() {
    let line = "on_teardown: {recovery_window_days: 7}";
    let keep = stack::with(line, "on_teardown: keep");
    let force = stack::with(line, "on_teardown: force");
    let deleted = |spec: &Spec| {
        let mut live = stack::applied(spec);
        live.secret.as_mut().unwrap().deleted = Some("2026-11-01T00:00:00Z".to_owned());
        live
    };
    let of = |spec: &Spec, live: &Live, forced| action(&teardown(spec, live, forced), Kind::Secret).verb;
    for (spec, there, scheduled) in [
        (&stack::spec(), Verb::Delete, Verb::NoOp),
        (&keep, Verb::Keep, Verb::NoOp),
        (&force, Verb::Delete, Verb::Delete),
    ] {
        assert_eq!(of(spec, &stack::applied(spec), false), there);
        assert_eq!(of(spec, &deleted(spec), false), scheduled);
        assert_eq!(of(spec, &stack::applied(spec), true), Verb::Delete);
        assert_eq!(of(spec, &deleted(spec), true), Verb::Delete);
        assert_eq!(TeardownOptions { force_delete_secret: true }.on_secret(spec), OnTeardown::Force);
    }
}

#[test]
fn teardown_leaves_what_is_foreign_and_says_whose_it_is() {
    let spec = stack::spec();
    let mut live = stack::applied(&spec);
    stack::tags_mut(&mut live, Kind::ExecutionRole).insert(STACK_TAG.to_owned(), "other".to_owned());
    let plan = teardown(&spec, &live, false);
    assert!(plan.action(Kind::ExecutionRole).is_none());
    assert_eq!(plan.refusals[0].owner.as_deref(), Some("other in us-east-1"));
    assert_eq!(plan.count(Verb::Delete), 6);
}

#[test]
fn teardown_keeps_a_group_with_schedules_of_others_and_names_them() {
    let spec = stack::spec();
    let mut live = stack::applied(&spec);
    live.schedules_in_group.push("theirs".to_owned());
    let plan = teardown(&spec, &live, false);
    assert_eq!(action(&plan, Kind::ScheduleGroup).verb, Verb::Keep);
    assert!(action(&plan, Kind::ScheduleGroup).note.as_ref().unwrap().ends_with(": theirs"));
    assert_eq!(action(&plan, Kind::Schedule).verb, Verb::Delete);
}

#[test]
fn teardown_waits_for_a_group_that_goes_and_tells_of_policies_that_go_along() {
    let spec = stack::spec();
    let mut live = stack::applied(&spec);
    live.schedule_group.as_mut().unwrap().deleting = true;
    live.invoke_role.as_mut().unwrap().attached.insert("arn:aws:iam::aws:policy/X".to_owned());
    let plan = teardown(&spec, &live, false);
    assert!(action(&plan, Kind::ScheduleGroup).note.as_ref().unwrap().contains("waits until it is gone"));
    assert!(action(&plan, Kind::InvokeRole).note.as_ref().unwrap().contains("arn:aws:iam::aws:policy/X"));
}

#[test]
fn names_have_the_partition_of_their_region() {
    for (region, partition, suffix) in [
        ("us-east-1", "aws", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
        ("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
        ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
        ("eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk"),
        ("us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov"),
    ] {
        let spec = stack::with("region: us-east-1", &format!("region: {region}"));
        let names = Names::of(&spec);
        let place = format!("{region}:123456789012");
        assert_eq!(names.function_arn(), format!("arn:{partition}:lambda:{place}:function:RotatePasswordFunction"));
        assert_eq!(
            names.execution_role_arn(),
            format!("arn:{partition}:iam::123456789012:role/RotatePasswordFunction-role")
        );
        assert_eq!(
            names.invoke_role_arn(),
            format!("arn:{partition}:iam::123456789012:role/RotatePasswordSchedule-invoke")
        );
        assert_eq!(
            names.secret_arn_pattern(),
            format!("arn:{partition}:secretsmanager:{place}:secret:MyApp/DBPassword-??????")
        );
        assert_eq!(
            names.schedule_group_arn(),
            format!("arn:{partition}:scheduler:{place}:schedule-group/myapp-db-password")
        );
        assert_eq!(
            names.log_group_arn(),
            format!("arn:{partition}:logs:{place}:log-group:/aws/lambda/RotatePasswordFunction")
        );
        let via = plan::policy::use_key(&spec, None);
        let condition = &via["Statement"][0]["Condition"]["StringEquals"]["kms:ViaService"];
        assert_eq!(condition, &format!("secretsmanager.{region}.{suffix}"));
    }
}

#[test]
fn a_path_is_part_of_the_roles_arns() {
    let spec = stack::with("name: RotatePasswordFunction-role", "name: RotatePasswordFunction-role\n  path: /team/");
    assert_eq!(
        Names::of(&spec).execution_role_arn(),
        "arn:aws:iam::123456789012:role/team/RotatePasswordFunction-role"
    );
}
