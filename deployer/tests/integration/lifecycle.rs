//! The walk-through's own stack, from nothing to nothing.

use serde_json::{Value, json};

use crate::bed::{Bed, architecture, root};
use crate::desk::Desk;
use crate::proxy::{Proxy, When};
use crate::stack::{FILE, Stack};

/// What an application had before: the password is one field of five, of all types.
const FIRST: &str =
    r#"{"username": "app", "password": "Tr0ub4dor&3", "port": 5432, "tls": true, "hosts": ["a", "b"], "note": null}"#;

/// config/myapp.yaml; but its schedule must not fire in the middle of it, and the first value is a document.
fn walk_through() -> Stack {
    let text = std::fs::read_to_string(root().join("config/myapp.yaml")).unwrap();
    let edited = [
        ("cron(0/5 * * * ? *)", "rate(7 days)"),
        ("initial: generate", "initial: {file: first.json}"),
        ("architecture: x86_64", &format!("architecture: {}", architecture())),
    ]
    .into_iter()
    .fold(text, |text, (old, new)| {
        assert!(text.contains(old), "config/myapp.yaml has no {old:?} any more");
        text.replace(old, new)
    });
    let bed = Bed::ministack();
    let desk = Desk::new(&bed);
    desk.write(FILE, edited);
    desk.write("first.json", format!("{FIRST}\n"));
    Stack { bed, desk, spec: json!({"secret": {"name": "MyApp/DBPassword"}}) }
}

fn parsed(value: &str) -> Value {
    serde_json::from_str(value).unwrap()
}

#[test]
fn a_stack_goes_up_once_rotates_comes_down_once_and_comes_back_with_its_value() {
    let stack = walk_through();
    stack.deploy("plan --detailed-exitcode").expect(2).says("7 to create, 0 to update, 0 to delete");
    assert_eq!(stack.bed.names(), Vec::<String>::new(), "plan made something");

    stack.apply().says("self-check passed");
    stack.deploy("plan --detailed-exitcode").expect(0).says("No changes.");
    assert_eq!(parsed(&stack.value()), parsed(FIRST));

    let applied = stack.bed.inventory();
    stack.apply().says("No changes.");
    assert_eq!(stack.bed.inventory(), applied, "the second apply changed something");

    let rotated = rotates(&stack);
    comes_down_and_back(&stack, &rotated);

    stack.deploy("teardown --yes --force-delete-secret").expect(0);
    assert_eq!(stack.bed.names(), Vec::<String>::new());
    stack.deploy("teardown --yes").expect(0).says("There is nothing to tear down.");
}

/// The version and the value change; all else in the value stays, in value and type.
fn rotates(stack: &Stack) -> String {
    let (before, value) = (stack.version("AWSCURRENT").unwrap(), stack.value());
    stack.deploy("rotate").expect(0).says(&before);
    let after = stack.version("AWSCURRENT").unwrap();
    assert_ne!(after, before);
    assert_eq!(stack.version("AWSPREVIOUS"), Some(before));
    assert_eq!(stack.version("AWSPENDING"), None);
    let (mut old, mut new) = (parsed(&value), parsed(&stack.value()));
    let (old_password, new_password) = (old["password"].take(), new["password"].take());
    assert_eq!(new, old);
    assert_ne!(new_password, old_password);
    assert_eq!(new_password.as_str().unwrap().len(), 32);
    stack.deploy("status").expect(0).says(&after);
    stack.value()
}

fn comes_down_and_back(stack: &Stack, value: &str) {
    let version = stack.version("AWSCURRENT");
    stack.deploy("teardown --yes").expect(0).says("recoverable until");
    assert_eq!(stack.bed.names(), ["secrets MyApp/DBPassword"]);
    let torn_down = stack.bed.inventory();
    assert!(torn_down["secrets"]["MyApp/DBPassword"]["DeletedDate"].is_string());

    stack.deploy("teardown --yes").expect(0).says("There is nothing to tear down.");
    assert_eq!(stack.bed.inventory(), torn_down, "the second teardown changed something");

    assert_eq!(stack.plan().0["secret"]["action"], "restore");
    stack.apply();
    stack.expect_no_changes();
    assert_eq!((stack.value(), stack.version("AWSCURRENT")), (value.to_owned(), version));
    stack.deploy("rotate").expect(0);
}

#[test]
fn a_secret_whose_deletion_was_not_answered_is_gone_and_recoverable_as_any_other() {
    for output in ["text", "json"] {
        let mut stack = Stack::applied();
        let proxy = Proxy::of(&stack.bed);
        stack.desk.set("AWS_ENDPOINT_URL", &proxy.endpoint);
        let held = proxy.hold("secretsmanager:DeleteSecret", When::Answered);
        let running = stack.desk.start(&format!("teardown {FILE} --yes -o {output} --request-timeout 2"));
        held.wait();
        let ran = running.end().expect(0);
        drop(held);
        if output == "text" {
            ran.says("recoverable until 2").says("restores the secret, value and all");
            continue;
        }
        let told = ran.json()["stacks"][0].clone();
        let until: jiff::Timestamp = told["secret_recoverable_until"].as_str().unwrap().parse().unwrap();
        let hours = until.duration_since(jiff::Timestamp::now()).as_hours();
        assert!((7 * 24 - 1..=7 * 24).contains(&hours), "{told}");
        assert!(told["gone"].as_array().unwrap().contains(&json!("secret app/password")), "{told}");
        assert_eq!(told["kept"], json!([]));
    }
}

#[test]
fn a_spec_decides_what_becomes_of_the_secret() {
    let mut stack = Stack::new();
    for (fate, left) in [("keep", vec!["secrets app/password"]), ("force", vec![])] {
        stack.edit(|spec| spec["secret"]["on_teardown"] = json!(fate));
        stack.apply();
        stack.deploy("teardown --yes").expect(0);
        assert_eq!(stack.bed.names(), left, "{fate}");
    }
}

#[test]
fn a_value_that_is_no_document_is_rotated_as_a_whole() {
    let mut stack = Stack::new();
    stack.edit(|spec| {
        spec["secret"]["field"] = Value::Null;
        spec["password"] = json!({"length": 20, "require": ["digit"], "symbols": ""});
    });
    stack.apply();
    let first = stack.value();
    stack.deploy("rotate").expect(0);
    let second = stack.value();
    assert_ne!(first, second);
    for value in [first, second] {
        assert!(value.len() == 20 && value.chars().all(char::is_alphanumeric));
    }
}
