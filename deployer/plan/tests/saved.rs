//! Saved plans: what is read is what was written, and what has changed since is told.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod stack;

use std::collections::BTreeSet;

use plan::desired::{Desired, Facts};
use plan::live::Live;
use plan::ownership::STACK_TAG;
use plan::package::Package;
use plan::render::differences;
use plan::resource::Kind;
use plan::saved::{Refused, Saved, SpecFile, is_saved, sha256};
use plan::spec::Spec;
use serde_json::json;

const VERSION: &str = "1.2.3";

fn saved(spec: &Spec, live: &Live) -> Saved {
    let file = SpecFile { path: "myapp.yaml".to_owned(), sha256: sha256(stack::WALK_THROUGH.as_bytes()) };
    Saved::of(&stack::plan(spec, live), live, file, BTreeSet::from([Kind::Secret]), VERSION)
}

/// A file with a little of everything.
fn short() -> String {
    let mut saved = saved(&stack::spec(), &Live::default());
    saved.live.insert(Kind::LogGroup, [("retention_days".to_owned(), json!(30))].into());
    saved.plan = json!({"stack": "app", "resources": []});
    saved.text()
}

fn parse(text: &str) -> Result<Saved, Refused> {
    Saved::parse(text.as_bytes(), VERSION)
}

/// What is told of a live stack that differs from the saved one.
fn told(change: impl FnOnce(&mut Live)) -> String {
    let spec = stack::spec();
    let mut live = stack::applied(&spec);
    let saved = saved(&spec, &live);
    change(&mut live);
    differences(&saved.differences(&live)).join("\n")
}

#[test]
fn a_saved_plan_reads_back_as_it_was_written() {
    for spec in [stack::spec(), stack::managed()] {
        for live in [Live::default(), stack::applied(&spec)] {
            let saved = saved(&spec, &live);
            let back = parse(&saved.text()).unwrap();
            assert_eq!(back, saved);
            assert!(back.is(&stack::plan(&spec, &live)) && back.differences(&live).is_empty());
            assert_eq!((back.stack(), back.other_actions(&stack::plan(&spec, &live))), ("myapp-db-password", vec![]));
        }
    }
}

#[test]
fn a_file_is_known_by_its_content_and_no_spec_is_taken_for_one() {
    assert!(is_saved(saved(&stack::spec(), &Live::default()).text().as_bytes()));
    for other in [stack::WALK_THROUGH, "", "{}", "{\"name\": \"format\"}", "format: 1", "\"format\""] {
        assert!(!is_saved(other.as_bytes()), "{other:?}");
    }
}

#[test]
fn a_file_with_any_byte_altered_is_refused() {
    let text = short();
    for at in 0..text.len() {
        let mut altered = text.clone().into_bytes();
        altered[at] ^= 1;
        assert!(Saved::parse(&altered, VERSION).is_err(), "byte {at}");
    }
}

#[test]
fn a_file_cut_off_anywhere_or_added_to_is_refused() {
    let text = short();
    for length in 0..text.len() {
        assert_eq!(parse(&text[..length]), Err(Refused::Damaged), "{length} bytes");
    }
    for more in ["\n", " ", "{}"] {
        assert_eq!(parse(&(text.clone() + more)), Err(Refused::Damaged));
    }
}

#[test]
fn a_key_given_twice_or_other_spaces_are_an_alteration() {
    let text = saved(&stack::spec(), &Live::default()).text();
    for (from, to) in [("\"deployer\": ", "\"deployer\": \"0\", \"deployer\": "), ("  \"sha256\"", "\t\"sha256\"")] {
        assert!(text.contains(from));
        assert_eq!(parse(&text.replacen(from, to, 1)), Err(Refused::Damaged), "{to}");
    }
}

#[test]
fn a_file_of_another_format_or_version_is_refused_by_name() {
    let saved = saved(&stack::spec(), &Live::default());
    let newer = saved.text().replacen("\"format\": 1", "\"format\": 2", 1);
    assert_eq!(parse(&newer).unwrap_err().to_string(), "its format is 2, and this deployer reads 1");
    let other = Saved::parse(saved.text().as_bytes(), "1.2.4").unwrap_err();
    assert_eq!(other.to_string(), "deploy 1.2.3 wrote it, and this is deploy 1.2.4");
}

#[test]
fn what_has_changed_since_is_told_with_both_values() {
    let told = told(|live| {
        let function = live.function.as_mut().unwrap();
        function.settings.memory = 256;
        function.revision_id = Some("revision-2".to_owned());
        let role = live.execution_role.as_mut().unwrap();
        role.policies.get_mut("SecretsManagerRotation").unwrap()["Statement"][0]["Resource"] = json!("*");
        role.policies.remove("WriteLogs");
        live.invoke_role.as_mut().unwrap().id = "AROAANEW".to_owned();
        live.log_group = None;
        live.secret.as_mut().unwrap().deleted = Some("2026-11-23T10:00:00Z".to_owned());
        stack::tags_mut(live, Kind::ScheduleGroup).insert(STACK_TAG.to_owned(), "other".to_owned());
    });
    insta::assert_snapshot!(told);
}

#[test]
fn a_revision_is_told_where_nothing_else_tells_what_has_changed() {
    let told = told(|live| live.function.as_mut().unwrap().revision_id = Some("revision-2".to_owned()));
    assert_eq!(told, r#"function revision_id: "revision-1" → "revision-2""#);
}

#[test]
fn each_resource_that_comes_or_goes_makes_a_plan_stale() {
    for spec in [stack::spec(), stack::managed()] {
        let applied = stack::applied(&spec);
        for kind in stack::kinds(&spec) {
            let without = stack::without(applied.clone(), kind);
            for (before, after, what) in
                [(&applied, &without, "was there, and is gone"), (&without, &applied, "was not there, and is now")]
            {
                let told = differences(&saved(&spec, before).differences(after));
                assert_eq!(told, [format!("{kind} {what}")]);
            }
        }
    }
}

#[test]
fn a_rotation_in_the_meantime_does_not_make_a_plan_stale() {
    let told = told(|live| {
        let secret = live.secret.as_mut().unwrap();
        secret.versions.insert("v2".to_owned(), vec!["AWSCURRENT".to_owned()]);
    });
    assert_eq!(told, "");
}

#[test]
fn another_package_makes_a_plan_stale_that_had_nothing_to_do() {
    let spec = stack::spec();
    let live = stack::applied(&spec);
    let saved = saved(&spec, &live);
    let package = Package { code_sha256: "another".to_owned(), ..stack::package() };
    let facts = Facts { package: Some(package), ..stack::facts() };
    let desired = Desired::of(&spec, &facts).resolved(&live);
    let other = plan::plan::apply(&spec, &desired, &live, &BTreeSet::new());
    assert!(!saved.is(&other) && saved.differences(&live).is_empty());
    let package = format!("package: {} was planned, and now it would be another", stack::CODE);
    assert_eq!(saved.other_actions(&other), [&package, "function: no-op was planned, and now it would be update"]);

    // The hash counts by itself, whatever the actions are.
    let mut same = stack::plan(&spec, &live);
    "another".clone_into(&mut same.package.as_mut().unwrap().code_sha256);
    assert!(!saved.is(&same));
    assert_eq!(saved.other_actions(&same), [package]);
}

#[test]
fn another_plan_of_the_same_account_is_told_by_its_actions() {
    let spec = stack::spec();
    let live = stack::applied(&spec);
    let update = saved(&stack::with("memory: 128", "memory: 256"), &live);
    let other = stack::plan(&stack::with("memory: 128", "memory: 512"), &live);
    assert!(!update.is(&other));
    assert_eq!(update.other_actions(&other), ["function: update, but not to the same values"]);
    let none = stack::plan(&spec, &live);
    assert_eq!(update.other_actions(&none), ["function: update was planned, and now it would be no-op"]);
}

#[test]
fn an_update_that_was_in_progress_when_the_plan_was_saved_may_end_before_it_is_applied() {
    let spec = stack::spec();
    let mut busy = stack::applied(&spec);
    busy.function.as_mut().unwrap().revision_id = None;
    let settled = stack::applied(&spec);
    assert_eq!(saved(&spec, &busy).differences(&settled), []);
    assert_eq!(saved(&spec, &settled).differences(&busy).len(), 1, "one that has begun since is somebody's change");
}
