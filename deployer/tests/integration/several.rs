//! Several stacks at once: one's trouble is its own.

use serde_json::{Value, json};

use crate::bed::Bed;
use crate::desk::Desk;
use crate::stack::{Plan, spec};

/// A folder with three specs; the second one's log group is somebody else's.
fn three() -> (Bed, Desk) {
    let bed = Bed::ministack();
    let desk = Desk::new(&bed);
    for name in ["one", "three", "two"] {
        desk.write(&format!("specs/{name}.yaml"), spec(name).to_string());
    }
    bed.call("logs", "create_log_group", json!({"logGroupName": "/aws/lambda/three-function"}));
    (bed, desk)
}

/// Where the texts are in the output: one after another.
fn in_order(output: &str, texts: &[&str]) {
    let found: Vec<_> = texts.iter().map(|text| output.find(text)).collect();
    assert!(found.iter().all(Option::is_some) && found.is_sorted(), "{texts:?} are at {found:?} in:\n{output}");
}

#[test]
fn one_stack_that_is_refused_does_not_keep_the_others() {
    let (bed, desk) = three();
    let planned = desk.deploy("plan specs --detailed-exitcode").expect(3);
    in_order(&planned.out, &["one  account", "three  account", "two  account"]);
    let applied = desk.deploy("apply specs --yes").expect(3).says("--adopt three/log-group");
    in_order(&applied.out, &["Applied. one", "Applied. two"]);
    let names = bed.names();
    assert_eq!(
        names.iter().filter(|name| name.contains("three")).collect::<Vec<_>>(),
        ["log_groups /aws/lambda/three-function"]
    );
    let plans = desk.deploy("plan specs -o json --detailed-exitcode").expect(3).json();
    let pending: Vec<usize> =
        plans["stacks"].as_array().unwrap().iter().map(|stack| Plan::of(stack).actions().len()).collect();
    assert_eq!(pending, [0, 6, 0]);

    let torn_down = desk.deploy("teardown specs --yes --force-delete-secret -o json").expect(3).json();
    assert_eq!(torn_down["stacks"].as_array().unwrap().len(), 3);
    assert_eq!(bed.names(), ["log_groups /aws/lambda/three-function"]);
}

#[test]
fn a_spec_that_cannot_be_read_does_not_keep_the_others() {
    let (bed, desk) = three();
    desk.write("specs/three.yaml", "name: three\n");
    desk.deploy("apply specs --yes").expect(1).says("specs/three.yaml");
    assert_eq!(bed.names().iter().filter(|name| name.starts_with("functions")).count(), 2);
}

#[test]
fn a_spec_that_is_named_twice_is_one_stack() {
    let (_bed, desk) = three();
    std::fs::remove_file(desk.folder().join("specs/three.yaml")).unwrap();
    let ran = desk.deploy("apply specs/one.yaml specs ./specs/one.yaml --yes").expect(0);
    assert_eq!(ran.out.matches("Applied. one").count(), 1, "{}", ran.out);
    assert_eq!(ran.out.matches("Applied. two").count(), 1, "{}", ran.out);
}

#[test]
fn specs_that_claim_the_same_name_are_refused_both() {
    let (bed, desk) = three();
    let mut rival = spec("rival");
    rival["function"]["name"] = json!("two-function");
    desk.write("specs/rival.yaml", rival.to_string());
    let ran = desk.deploy("apply specs/one.yaml specs/rival.yaml specs/two.yaml --yes").expect(1);
    assert!(ran.err.contains("both claim the function two-function"), "{}", ran.err);
    let functions: Vec<String> = bed.names().into_iter().filter(|name| name.starts_with("functions")).collect();
    assert_eq!(functions, ["functions one-function"]);
}

/// A change of a rival's spec.
type Change = fn(&mut Value);

#[test]
fn every_kind_of_name_is_claimed_by_one_stack_alone_and_roles_in_any_case() {
    let bed = Bed::ministack();
    let desk = Desk::new(&bed);
    desk.write("one.yaml", spec("one").to_string());
    let claims: [(&str, Change); 9] = [
        ("secret one/password", |rival| rival["secret"]["name"] = json!("one/password")),
        ("role ONE-role", |rival| rival["role"]["name"] = json!("ONE-role")),
        ("role One-Schedule-invoke", |rival| rival["schedule"]["name"] = json!("One-Schedule")),
        ("role one-SCHEDULE-invoke", |rival| rival["role"]["name"] = json!("one-SCHEDULE-invoke")),
        ("function one-function", |rival| rival["function"]["name"] = json!("one-function")),
        ("schedule group one", |rival| rival["name"] = json!("one")),
        ("", |rival| rival["secret"]["name"] = json!("one/PASSWORD")),
        ("", |rival| rival["function"]["name"] = json!("One-function")),
        ("role one-role", |rival| {
            rival["region"] = json!("eu-west-1");
            rival["role"]["name"] = json!("one-role");
        }),
    ];
    for (claimed, change) in claims {
        let mut rival = spec("rival");
        change(&mut rival);
        desk.write("rival.yaml", rival.to_string());
        let ran = desk.deploy("apply one.yaml rival.yaml --yes --skip-self-check");
        if claimed.is_empty() {
            // AWS tells these apart.
            ran.expect(0);
            desk.deploy("teardown one.yaml rival.yaml --yes --force-delete-secret").expect(0);
        } else {
            ran.expect(1).says(&format!("both claim the {claimed} of account"));
        }
        assert_eq!(bed.names(), Vec::<String>::new(), "{claimed}");
    }
}
