//! A changed name leaves the old resource as it is: that is told by whatever still names it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod stack;

use plan::live::Live;
use plan::ownership::STACK_TAG;
use plan::plan::{TeardownOptions, Verb};
use plan::render::{self, Palette};
use plan::resource::Kind;
use plan::spec::Spec;
use proptest::prelude::*;

/// A rename, and the kinds that are under the old name then; with what the new names show of the account.
type Rename = (&'static str, &'static str, &'static [Kind]);

const RENAMES: [Rename; 4] = [
    ("  name: RotatePasswordFunction\n", "  name: Renamed\n", &[Kind::Function, Kind::LogGroup]),
    ("MyApp/DBPassword\n", "MyApp/Renamed\n", &[Kind::Secret]),
    ("RotatePasswordFunction-role", "Renamed-role", &[Kind::ExecutionRole]),
    ("RotatePasswordSchedule", "RenamedSchedule", &[Kind::Schedule, Kind::InvokeRole]),
];

/// The spec after a rename, and an account as one before it has left it.
fn renamed((from, to, gone): Rename) -> (Spec, Live) {
    let live = gone.iter().fold(stack::applied(&stack::spec()), |live, kind| stack::without(live, *kind));
    (stack::with(from, to), live)
}

fn names(spec: &Spec, live: &Live) -> Vec<(Kind, String)> {
    let found = plan::renamed::renamed(spec, &stack::desired(spec, live), live);
    found.into_iter().map(|one| (one.kind, one.name)).collect()
}

#[test]
fn every_changed_name_is_told_with_the_old_one_by_plan_and_teardown() {
    let old = [
        (Kind::Function, "RotatePasswordFunction"),
        (Kind::Secret, "MyApp/DBPassword"),
        (Kind::ExecutionRole, "RotatePasswordFunction-role"),
        (Kind::Schedule, "RotatePasswordSchedule"),
    ];
    for (rename, (kind, name)) in RENAMES.into_iter().zip(old) {
        let (spec, live) = renamed(rename);
        let is_it = |one: &plan::renamed::Renamed| one.kind == kind && one.name == name && !one.remove.is_empty();
        let plan = stack::plan(&spec, &live);
        assert!(plan.renamed.iter().any(is_it) && plan.renamed.len() == 1, "{kind}: {:?}", plan.renamed);
        let desired = stack::desired(&spec, &live);
        let teardown = plan::teardown::teardown(&spec, &desired, &live, TeardownOptions::default());
        assert!(teardown.renamed.iter().any(is_it), "{kind}");
        for text in [render::plan(&plan, &Palette::plain()), render::teardown(&teardown, &Palette::plain())] {
            let text = text.as_str();
            assert!(text.contains(name) && text.contains("not a name of the spec") && text.contains("aws "), "{text}");
        }
        assert!(render::markdown(&plan).as_str().contains("1 under other names"), "{kind}");
    }
}

#[test]
fn what_is_as_the_spec_names_it_is_not_told() {
    for spec in [stack::spec(), stack::managed()] {
        assert_eq!(names(&spec, &stack::applied(&spec)), []);
        assert_eq!(names(&spec, &Live::default()), []);
    }
}

#[test]
fn an_old_schedule_is_told_each_time_and_by_a_plan_without_changes_too() {
    let (spec, mut live) = (stack::spec(), stack::applied(&stack::spec()));
    live.schedules_in_group.push("Old Schedule; rm -rf".to_owned());
    let plan = stack::plan(&spec, &live);
    assert!(plan.is_empty());
    insta::assert_snapshot!(render::plan(&plan, &Palette::plain()), @r#"
    myapp-db-password  account 123456789012, us-east-1
    package n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=, carried by deploy 1.2.3

      ? schedule        Old Schedule; rm -rf  not a name of the spec
          it is in the stack's schedule group, and goes on firing
          if it was this stack's, and nothing else needs it, remove it:
            aws scheduler delete-schedule --region us-east-1 --group-name myapp-db-password --name 'Old Schedule; rm -rf'
            for policy in $(aws iam list-role-policies --role-name 'Old Schedule; rm -rf-invoke' --query PolicyNames --output text); do aws iam delete-role-policy --role-name 'Old Schedule; rm -rf-invoke' --policy-name "$policy"; done
            aws iam delete-role --role-name 'Old Schedule; rm -rf-invoke'

    No changes. The stack is as the spec says. 1 under a name that is not the spec's.
    "#);
    let desired = stack::desired(&spec, &live);
    let teardown = plan::teardown::teardown(&spec, &desired, &live, TeardownOptions::default());
    assert_eq!(teardown.action(Kind::ScheduleGroup).unwrap().verb, Verb::Keep);
    assert_eq!(teardown.renamed, plan.renamed);
}

type Meddle<'a> = &'a dyn Fn(&mut Live);

#[test]
fn each_resource_that_names_another_tells_it() {
    let function = "arn:aws:lambda:us-east-1:123456789012:function:Old:live";
    let secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:app/old-name-AbCdEf";
    let role = "arn:aws:iam::123456789012:role/some/path/Old-role";
    let cases: [(bool, Meddle<'_>, (Kind, &str)); 7] = [
        (false, &|live| live.schedule.as_mut().unwrap().settings.target_arn = function.into(), (Kind::Function, "Old")),
        (
            false,
            &|live| live.schedule.as_mut().unwrap().settings.role_arn = role.into(),
            (Kind::InvokeRole, "Old-role"),
        ),
        (
            true,
            &|live| live.rotation.as_mut().unwrap().settings.function_arn = function.into(),
            (Kind::Function, "Old"),
        ),
        (
            false,
            &|live| {
                let environment = &mut live.function.as_mut().unwrap().environment;
                environment.insert(contract::env::SECRET_ARN.into(), secret.into());
            },
            (Kind::Secret, "app/old-name"),
        ),
        (
            false,
            &|live| live.function.as_mut().unwrap().settings.role_arn = role.into(),
            (Kind::ExecutionRole, "Old-role"),
        ),
        (
            true,
            &|live| {
                let statements = &mut live.permission.as_mut().unwrap().statements;
                for statement in statements.values_mut() {
                    statement["Condition"]["ArnLike"]["AWS:SourceArn"] = secret.into();
                }
            },
            (Kind::Secret, "app/old-name"),
        ),
        (
            false,
            &|live| {
                let policies = &mut live.execution_role.as_mut().unwrap().policies;
                let group = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/Old:*";
                policies.get_mut("WriteLogs").unwrap()["Statement"][0]["Resource"] =
                    group.trim_end_matches(":*").into();
            },
            (Kind::Function, "Old"),
        ),
    ];
    for (is_managed, meddle, (kind, name)) in cases {
        let spec = if is_managed { stack::managed() } else { stack::spec() };
        let mut live = stack::applied(&spec);
        meddle(&mut live);
        assert_eq!(names(&spec, &live), [(kind, name.to_owned())]);
        // What is somebody else's names nothing of ours.
        for kind in stack::kinds(&spec) {
            stack::tags_mut(&mut live, kind).insert(STACK_TAG.to_owned(), "another".to_owned());
        }
        assert_eq!(names(&spec, &live), []);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn whatever_is_named_is_one_word_of_the_command(name in "\\PC{1,40}") {
        let (spec, mut live) = (stack::spec(), stack::applied(&stack::spec()));
        live.schedules_in_group.push(name.clone());
        for one in stack::plan(&spec, &live).renamed {
            let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./+@%:,=".contains(c));
            let quoted = format!("'{}'", name.replace('\'', r"'\''"));
            let word = if plain { &name } else { &quoted };
            let is_last = one.remove[0].ends_with(&format!(" --name {word}"));
            prop_assert!(is_last, "{}", one.remove[0]);
        }
    }
}
