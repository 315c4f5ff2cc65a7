//! No value of the secret is in anything that anybody could read.

use std::path::Path;

use serde_json::{Value, json};

use crate::stack::{FILE, Stack};

const CANARY: &str = "cAnArY#7-first-value-of-all";

/// Whatever is looked through: what it is called, and its content.
type Seen = Vec<(String, String)>;

/// The value's password; the spec rotates a field.
fn password(stack: &Stack) -> String {
    let value: Value = serde_json::from_str(&stack.value()).unwrap();
    value["password"].as_str().unwrap().to_owned()
}

fn files(folder: &Path, seen: &mut Seen) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, seen);
        } else {
            let content = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            seen.push((path.display().to_string(), content));
        }
    }
}

/// What the function wrote.
fn function_log(stack: &Stack) -> String {
    let events = json!({"logGroupName": "/aws/lambda/app-function"});
    let log = stack.bed.call("logs", "filter_log_events", events).to_string();
    assert!(log.contains("rotate"), "the function has logged nothing: {log}");
    log
}

fn run(stack: &Stack, command: &str, seen: &mut Seen) {
    let (verb, options) = command.split_once(' ').unwrap_or((command, ""));
    let running = stack.desk.start(&format!("{verb} {FILE} {options}"));
    seen.push((format!("the command line of {command}"), running.command_line()));
    let ran = running.end();
    seen.push((format!("the output of {command}"), ran.all()));
}

/// All commands, all outputs; some fail, and say so at length.
fn go_through(stack: &Stack, values: &mut Vec<String>, seen: &mut Seen) {
    let other = json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"});
    let document = json!({"Version": "2012-10-17", "Statement": [other]}).to_string();
    for round in ["", " -o json"] {
        for command in [
            "validate",
            "plan --out saved.plan",
            "apply",
            "apply --yes",
            "plan --detailed-exitcode",
            "apply --yes",
            "status",
            "doctor",
        ] {
            run(stack, &format!("{command}{round}"), seen);
        }
        values.push(password(stack));
        run(stack, &format!("rotate{round}"), seen);
        values.push(password(stack));
        let policy =
            json!({"RoleName": "app-role", "PolicyName": "SecretsManagerRotation", "PolicyDocument": document});
        stack.bed.call("iam", "put_role_policy", policy);
        for command in ["plan", "rotate", "apply --yes", "rotate", "status"] {
            run(stack, &format!("{command}{round}"), seen);
        }
        values.push(password(stack));
        run(stack, "logs", seen);
        run(stack, "plan -o markdown", seen);
        seen.push(("the function's log".to_owned(), function_log(stack)));
        run(stack, &format!("teardown{round}"), seen);
        run(stack, &format!("teardown --yes{round}"), seen);
    }
}

#[test]
fn no_value_is_in_any_output_command_line_log_or_file() {
    let mut stack = Stack::new();
    stack.edit(|spec| spec["secret"]["initial"] = json!({"env": "FIRST_PASSWORD"}));
    stack.desk.set("FIRST_PASSWORD", CANARY);
    let temporary = stack.desk.folder().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    stack.desk.set("TMPDIR", temporary.to_str().unwrap());
    let (mut values, mut seen) = (vec![CANARY.to_owned()], Seen::new());

    // A creation that is refused is the one call with a value in it that fails.
    let keys = stack.bed.user(
        "all-but",
        &json!([
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "secretsmanager:CreateSecret", "Resource": "*"},
        ]),
    );
    let deployer = stack.bed.deployer.clone();
    stack.desk.sign_in(&keys);
    run(&stack, "apply --yes", &mut seen);
    stack.desk.sign_in(&deployer);

    go_through(&stack, &mut values, &mut seen);
    files(stack.desk.folder(), &mut seen);

    assert!(seen.iter().any(|(what, content)| what.ends_with("saved.plan") && content.contains("app/password")));
    assert_eq!(values[0], values[1], "the canary is the first value");
    values.dedup();
    assert!(values.len() >= 5, "the value has not changed often enough to mean anything");
    for (what, content) in &seen {
        for (number, value) in values.iter().enumerate() {
            let quoted = json!(value).to_string();
            let inside = quoted.trim_matches('"');
            assert!(!content.contains(value) && !content.contains(inside), "value {number} is in {what}");
        }
    }
}
