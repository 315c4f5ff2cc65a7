//! What may still be done to a resource, seen right before it is done.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod stack;

use plan::again::{Obstacle, Still, is_to_be_seen, still};
use plan::live::Live;
use plan::ownership::{Owner, REGION_TAG, STACK_TAG};
use plan::plan::{Action, Verb};
use plan::resource::Kind;
use plan::spec::Spec;

const CHANGES: [Verb; 4] = [Verb::Update, Verb::Replace, Verb::Restore, Verb::Delete];

fn action(kind: Kind, verb: Verb) -> Action {
    Action { kind, name: kind.address().to_owned(), verb, cause: None, adopted: false, changes: vec![], note: None }
}

fn seen(spec: &Spec, action: &Action, planned: &Live, now: &Live) -> Result<Still, Obstacle> {
    still(action, &stack::desired(spec, planned), planned, now)
}

/// A stack whose spec has changed in all that its resources have in common, and another of everything on top.
fn differing(spec: &Spec) -> Live {
    let mut live = stack::applied(spec);
    for kind in stack::kinds(spec) {
        stack::tags_mut(&mut live, kind).insert("stray".to_owned(), "x".to_owned());
    }
    if let Some(schedule) = &mut live.schedule {
        schedule.settings.enabled = false;
    }
    if let Some(permission) = &mut live.permission {
        permission.statements.clear();
    }
    if let Some(rotation) = &mut live.rotation {
        rotation.settings.duration = Some("9h".to_owned());
    }
    live
}

#[test]
fn what_is_ours_and_differs_is_still_to_be_changed() {
    for spec in [stack::spec(), stack::managed()] {
        let live = differing(&spec);
        for kind in stack::kinds(&spec) {
            for verb in [Verb::Update, Verb::Replace, Verb::Delete] {
                assert_eq!(seen(&spec, &action(kind, verb), &live, &live), Ok(Still::Due), "{kind} {verb:?}");
            }
        }
    }
}

#[test]
fn what_has_become_somebody_elses_is_neither_changed_nor_deleted() {
    let theirs =
        |name: &str, region: Option<&str>| Owner::Stack { name: name.to_owned(), region: region.map(str::to_owned) };
    for spec in [stack::spec(), stack::managed()] {
        let planned = differing(&spec);
        let name = spec.name.as_str();
        let (upper, blank) = (name.to_uppercase(), format!("{name} "));
        for (tags, owner) in [
            (vec![], Owner::Unknown),
            (vec![("Deployer:Stack", name)], Owner::Unknown),
            (vec![("deployer:stack ", name)], Owner::Unknown),
            (vec![(STACK_TAG, "other")], theirs("other", None)),
            (vec![(STACK_TAG, upper.as_str())], theirs(&upper, None)),
            (vec![(STACK_TAG, blank.as_str())], theirs(&blank, None)),
            (vec![(STACK_TAG, name), (REGION_TAG, "eu-west-1")], theirs(name, Some("eu-west-1"))),
        ] {
            for kind in stack::kinds(&spec) {
                let mut now = planned.clone();
                let live = stack::tags_mut(&mut now, kind);
                *live = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
                let foreign = Err(Obstacle::Foreign { whole: kind.owned_through(), owner: owner.clone() });
                for verb in CHANGES.into_iter().chain([Verb::Create]) {
                    assert_eq!(seen(&spec, &action(kind, verb), &planned, &now), foreign, "{kind} {verb:?} {tags:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_adopted_is_taken_over_from_its_owner_as_planned_and_from_no_other() {
    let spec = stack::spec();
    let owned = |name: Option<&str>| {
        let mut live = differing(&spec);
        for kind in stack::kinds(&spec) {
            let tags = stack::tags_mut(&mut live, kind);
            tags.remove(STACK_TAG);
            tags.extend(name.map(|name| (STACK_TAG.to_owned(), name.to_owned())));
        }
        live
    };
    for kind in stack::kinds(&spec) {
        let adopting = Action { adopted: true, ..action(kind, Verb::Update) };
        for planned in [None, Some("other")] {
            let as_planned = seen(&spec, &adopting, &owned(planned), &owned(planned));
            assert_eq!(as_planned, Ok(Still::Due), "{kind}");
            let third = seen(&spec, &adopting, &owned(planned), &owned(Some("third")));
            assert!(matches!(third, Err(Obstacle::Foreign { .. })), "{kind}: {third:?}");
            // Another run has adopted it.
            let ours = seen(&spec, &adopting, &owned(planned), &owned(Some(&spec.name)));
            assert_eq!(ours, Ok(Still::Due), "{kind}");
        }
    }
}

#[test]
fn what_is_gone_is_deleted_and_what_was_to_be_changed_is_told() {
    for spec in [stack::spec(), stack::managed()] {
        let planned = differing(&spec);
        for kind in stack::kinds(&spec) {
            for missing in [kind, kind.owned_through()] {
                let now = stack::without(planned.clone(), missing);
                let of = |verb| seen(&spec, &action(kind, verb), &planned, &now);
                assert_eq!((of(Verb::Delete), of(Verb::Replace)), (Ok(Still::Done), Ok(Still::Due)), "{kind}");
                assert_eq!(of(Verb::Update), Err(Obstacle::Gone(missing)), "{kind}");
            }
        }
    }
}

#[test]
fn what_was_made_anew_is_another_one_and_may_only_be_deleted() {
    let spec = stack::managed();
    let planned = differing(&spec);
    let mut now = planned.clone();
    now.secret.as_mut().unwrap().arn.push('x');
    now.execution_role.as_mut().unwrap().id.push('x');
    for kind in [Kind::Secret, Kind::Rotation, Kind::ExecutionRole] {
        let of = |verb| seen(&spec, &action(kind, verb), &planned, &now);
        assert_eq!((of(Verb::Update), of(Verb::Delete)), (Err(Obstacle::MadeAnew), Ok(Still::Due)), "{kind}");
    }
}

#[test]
fn what_somebody_has_done_already_is_done() {
    for spec in [stack::spec(), stack::managed()] {
        let (planned, now) = (differing(&spec), stack::applied(&spec));
        for kind in stack::kinds(&spec) {
            for verb in [Verb::Update, Verb::Replace] {
                assert_eq!(seen(&spec, &action(kind, verb), &planned, &now), Ok(Still::Done), "{kind} {verb:?}");
            }
        }
        let mut deleted = planned.clone();
        deleted.secret.as_mut().unwrap().deleted = Some("then".to_owned());
        assert_eq!(seen(&spec, &action(Kind::Secret, Verb::Restore), &deleted, &now), Ok(Still::Done));
        assert_eq!(seen(&spec, &action(Kind::Secret, Verb::Restore), &deleted, &deleted), Ok(Still::Due));
        let update = seen(&spec, &action(Kind::Secret, Verb::Update), &planned, &deleted);
        assert_eq!(update, Err(Obstacle::ScheduledForDeletion("then".to_owned())));
    }
}

#[test]
fn a_group_that_holds_others_schedules_and_a_role_with_others_policies_are_not_deleted() {
    let spec = stack::spec();
    let planned = stack::applied(&spec);
    let mut now = planned.clone();
    now.schedules_in_group.push("theirs".to_owned());
    let role = now.invoke_role.as_mut().unwrap();
    role.attached.insert("arn:aws:iam::aws:policy/X".to_owned());
    role.policies.insert("Theirs".to_owned(), serde_json::json!({}));
    let holds = |what: &[&str]| Err(Obstacle::Holds(what.iter().map(|one| (*one).to_owned()).collect()));
    let delete = |kind, planned: &Live, now: &Live| seen(&spec, &action(kind, Verb::Delete), planned, now);
    assert_eq!(delete(Kind::ScheduleGroup, &planned, &now), holds(&["theirs"]));
    assert_eq!(delete(Kind::InvokeRole, &planned, &now), holds(&["Theirs", "arn:aws:iam::aws:policy/X"]));
    // What the plan has told of goes.
    assert_eq!(delete(Kind::InvokeRole, &now, &now), Ok(Still::Due));
    // Our own policies are no surprise, whoever has put them back; and a group that goes has lost all already.
    let mut stripped = planned.clone();
    stripped.invoke_role.as_mut().unwrap().policies.clear();
    assert_eq!(delete(Kind::InvokeRole, &stripped, &planned), Ok(Still::Due));
    now.schedule_group.as_mut().unwrap().deleting = true;
    assert_eq!(delete(Kind::ScheduleGroup, &planned, &now), Ok(Still::Due));
}

#[test]
fn a_creation_is_looked_at_only_where_it_adds_to_what_was_there() {
    for spec in [stack::spec(), stack::managed()] {
        for kind in stack::kinds(&spec) {
            let create = action(kind, Verb::Create);
            let is_part = kind != kind.owned_through();
            assert_eq!(is_to_be_seen(&create, &stack::applied(&spec)), is_part, "{kind}");
            assert!(!is_to_be_seen(&create, &Live::default()), "{kind}: its whole is made by this run");
            assert!(CHANGES.iter().all(|verb| is_to_be_seen(&action(kind, *verb), &stack::applied(&spec))));
        }
    }
    let mut going = stack::applied(&stack::spec());
    going.schedule_group.as_mut().unwrap().deleting = true;
    assert!(!is_to_be_seen(&action(Kind::Schedule, Verb::Create), &going), "a new group is made first");
}
