//! Nothing that somebody wrote into the account speaks to a terminal, a CI log or a comment, whatever command reads it.

use plan::render::is_plain;
use serde_json::{Value, json};

use crate::desk::Ran;
use crate::foreign::{ADDRESSES, make};
use crate::stack::Stack;

/// Of it all but the brackets may be in the XML that IAM answers with.
const FORGED: &str = "x\nPlan: 0 to create, 0 to update, 0 to delete.\n::set-output name=a::b\n##[set-env name=a]b\n\
                      \u{85}\u{9b}2J\u{2028}\u{2029}\u{202e}\u{2066}\u{200b}\u{feff}```` | <img src=x> @all";
/// And of this not.
const ESCAPES: &str = "\u{1b}[2J\u{1b}[32m\u{1b}]0;x\u{7}\u{7f}";

#[track_caller]
fn says_nothing_of_its_own(ran: &Ran, command: &str) {
    let all = ran.all();
    let other = all.chars().find(|c| !is_plain(*c) && *c != '\n');
    assert!(other.is_none(), "{command}: {other:?} in {all:?}");
    assert!(!all.contains("##["), "{command}: {all}");
    for line in all.lines() {
        let is_forged = line.trim_start().starts_with("::") || FORGED.lines().any(|forged| forged == line);
        assert!(!is_forged, "{command}: {line:?} in {all}");
    }
}

#[test]
fn no_command_shows_what_somebody_wrote_but_escaped() {
    let stack = Stack::new();
    for address in ADDRESSES {
        let is_xml = address.ends_with("role");
        // MiniStack puts it into its XML as it is.
        let owner = if is_xml { FORGED.replace(['<', '>'], "") } else { format!("{ESCAPES}{FORGED}") };
        make(&stack.bed, address, &json!({"deployer:stack": owner, "deployer:region": owner, "note": owner}));
    }
    let theirs = format!("{ESCAPES}{FORGED}");
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": theirs, "Resource": "*"},
        {"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"},
    ]});
    let put = json!({"SecretId": "app/password", "ResourcePolicy": policy.to_string()});
    stack.bed.call("secretsmanager", "put_resource_policy", put);
    let group = "/aws/lambda/app-function";
    stack.bed.call("logs", "create_log_stream", json!({"logGroupName": group, "logStreamName": "theirs"}));
    let now = jiff::Timestamp::now().as_millisecond();
    let failed = json!({"message": "failed", "class": theirs, "step": theirs, "error": theirs}).to_string();
    let events = json!([{"timestamp": now, "message": theirs}, {"timestamp": now, "message": failed}]);
    stack.bed.call(
        "logs",
        "put_log_events",
        json!({"logGroupName": group, "logStreamName": "theirs", "logEvents": events}),
    );

    for (command, code, shown) in [
        ("plan", 3, "another account: arn:aws:iam::999999999999:root"),
        ("plan -o markdown", 3, "6 refused"),
        ("plan -o json", 3, "notices"),
        ("status", 0, "everyone: * may read the value by secretsmanager:GetSecretValue"),
        ("status -o json", 0, "another-account"),
        ("doctor", 1, "is not this stack's"),
        ("doctor -o json", 1, "belongs to stack"),
        ("logs", 0, "set-output"),
        ("apply --yes", 3, "refused"),
        ("rotate", 3, "not this stack's"),
        ("teardown --yes", 3, "left alone"),
        ("teardown --yes -o json", 3, "left_over"),
    ] {
        let ran = stack.deploy(command);
        says_nothing_of_its_own(&ran, command);
        assert!(ran.all().contains(shown), "{command} shows no {shown:?}: {}", ran.all());
        assert_eq!(ran.code(), Some(code), "{command}: {}", ran.all());
        if command.ends_with("json") {
            let _: Value = ran.json();
        }
    }
}
