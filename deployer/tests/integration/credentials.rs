//! Who is not who the spec expects, or may not read, is told so before anything is changed.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::bed::{Bed, Keys};
use crate::desk::Desk;
use crate::rights::READS;
use crate::stack::Stack;

const COMMANDS: [&str; 5] = ["plan", "apply --yes", "teardown --yes", "rotate", "status"];

#[test]
fn another_account_is_refused_before_anything_is_changed() {
    let mut stack = Stack::applied();
    let before = stack.bed.inventory();
    let theirs = stack.bed.deployer_of("000000000042");
    stack.desk.sign_in(&theirs);
    for command in COMMANDS {
        stack.deploy(command).expect(3).says("123456789012").says("000000000042");
    }
    assert_eq!(stack.bed.inventory(), before);
    // Nor is there anything in the account that was refused: a spec for it finds nothing.
    stack.edit(|spec| spec["account"] = json!("000000000042"));
    assert_eq!(stack.plan().actions().len(), 7);
}

fn fails_within(seconds: u64, desk: &Desk, command: &str, why: &str) {
    let start = Instant::now();
    desk.deploy(command).expect(1).says(why);
    assert!(start.elapsed() < Duration::from_secs(seconds), "{command} took {:?}", start.elapsed());
}

#[test]
fn absent_and_wrong_credentials_are_told_at_once() {
    let mut stack = Stack::new();
    let wrong = [
        Keys { access_key: "AKIAAAAAAAAAAAAAAAAA".to_owned(), secret_key: "wrong".to_owned() },
        Keys { secret_key: "wrong".to_owned(), ..stack.bed.deployer.clone() },
    ];
    for keys in wrong {
        stack.desk.sign_in(&keys);
        for command in COMMANDS {
            let (command, options) = command.split_once(' ').unwrap_or((command, ""));
            fails_within(5, &stack.desk, &format!("{command} stack.yaml {options}"), "check the credentials");
        }
    }
    stack.desk.unset("AWS_ACCESS_KEY_ID");
    stack.desk.unset("AWS_SECRET_ACCESS_KEY");
    // No machine's role may come in.
    stack.desk.set("AWS_EC2_METADATA_DISABLED", "true");
    fails_within(5, &stack.desk, "apply stack.yaml --yes", "no usable AWS credentials were found");
    assert_eq!(stack.bed.names(), Vec::<String>::new());
}

#[test]
fn no_answer_is_told_soon() {
    let mut stack = Stack::new();
    stack.desk.set("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    fails_within(20, &stack.desk, "plan stack.yaml", "no connection");
}

/// Each of the reads, forbidden: that is an error, and never taken for "it is not there". What the secret's own policy allows
/// others is no part of the stack, so there it is said, and the command goes on.
#[test]
fn what_may_not_be_read_is_never_planned_as_a_creation() {
    let mut stack = Stack::applied();
    let before = stack.bed.inventory();
    // MiniStack enforces all of them but these.
    let unenforced = ["lambda:GetFunctionEventInvokeConfig", "lambda:ListTags"];
    let enforced = READS.into_iter().filter(|action| !unenforced.contains(action));
    let ends = |action: &str| i32::from(action != "secretsmanager:GetResourcePolicy");
    for (number, action) in enforced.enumerate() {
        let keys = all_but(&stack.bed, &format!("reader-{number}"), action);
        stack.desk.sign_in(&keys);
        for command in ["plan --detailed-exitcode", "plan -o json --detailed-exitcode", "apply --yes"] {
            let ran = stack.deploy(command).expect(ends(action)).says(action);
            assert!(!ran.out.contains("create"), "{action} denied: {}", ran.out);
        }
    }
    assert_eq!(stack.bed.inventory(), before);
}

fn all_but(bed: &Bed, user: &str, action: &str) -> Keys {
    let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    bed.user(user, &json!([all, {"Effect": "Deny", "Action": action, "Resource": "*"}]))
}
