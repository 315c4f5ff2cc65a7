//! Credentials that run out: told before anything is begun, and a clean stop where it happens on the way.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::desk::Desk;
use crate::proxy::Proxy;
use crate::stack::Stack;

const WARNING: &str = "warning: the credentials expire at ";

/// RFC 3339, that many seconds from now.
fn from_now(seconds: i64) -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds)).to_string()
}

/// Has the credentials come from a process, which notes each of its runs.
fn by_process(stack: &mut Stack, expiration: Option<&str>) {
    let keys = stack.bed.deployer.clone();
    let mut answer = json!({"Version": 1, "AccessKeyId": keys.access_key, "SecretAccessKey": keys.secret_key});
    if let Some(expiration) = expiration {
        answer["Expiration"] = json!(expiration);
    }
    process(&mut stack.desk, &format!("echo '{answer}'"));
}

fn process(desk: &mut Desk, what: &str) {
    let (runs, script) = (desk.folder().join("runs"), desk.folder().join("credentials.sh"));
    desk.write("credentials.sh", format!("#!/bin/sh\necho >> {}\n{what}\n", runs.display()));
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    desk.write("aws-config", format!("[default]\ncredential_process = {}\n", script.display()));
    let config = desk.folder().join("aws-config");
    desk.set("AWS_CONFIG_FILE", config.to_str().unwrap());
    desk.set("AWS_EC2_METADATA_DISABLED", "true");
    desk.unset("AWS_ACCESS_KEY_ID");
    desk.unset("AWS_SECRET_ACCESS_KEY");
    let _ = std::fs::remove_file(runs);
}

fn runs(stack: &Stack) -> usize {
    std::fs::read_to_string(stack.desk.folder().join("runs")).unwrap_or_default().lines().count()
}

#[test]
fn credentials_that_expire_before_the_end_are_told_before_the_question() {
    let mut stack = Stack::new();
    by_process(&mut stack, Some(&from_now(25)));
    let ran = stack.deploy("apply").expect(1).says("sign in again first");
    let at = |text: &str| ran.err.find(text).unwrap_or_else(|| panic!("no {text:?} in {}", ran.err));
    assert!(at(WARNING) < at("there is no terminal to ask on"), "{}", ran.err);
    assert!(ran.err.contains("apply is estimated to take"), "{}", ran.err);
    // What is warned of is not refused.
    by_process(&mut stack, Some(&from_now(25)));
    let ran = stack.deploy("apply --yes -o json").expect(0).says(WARNING);
    assert!(!ran.out.contains("expire"), "{}", ran.out);
    assert_eq!(runs(&stack), 1, "the process was asked once");
    by_process(&mut stack, Some(&from_now(15)));
    stack.deploy("teardown --yes").expect(0).says(WARNING).says("teardown is estimated to take");
}

#[test]
fn credentials_from_the_environment_expire_as_their_variable_says() {
    let mut stack = Stack::new();
    stack.desk.set("AWS_CREDENTIAL_EXPIRATION", &from_now(20));
    stack.deploy("apply").expect(1).says(WARNING).says("next: sign in again first");
    for silent in [from_now(86_400), "soon".to_owned(), String::new()] {
        stack.desk.set("AWS_CREDENTIAL_EXPIRATION", &silent);
        let ran = stack.deploy("apply").expect(1);
        assert!(!ran.err.contains("expire"), "{silent}: {}", ran.err);
    }
    stack.desk.unset("AWS_CREDENTIAL_EXPIRATION");
    let ran = stack.deploy("apply --yes").expect(0);
    assert!(!ran.all().contains("expire"), "{}", ran.all());
    // Where nothing is to be done there is nothing to be warned of.
    stack.desk.set("AWS_CREDENTIAL_EXPIRATION", &from_now(5));
    let ran = stack.deploy("apply --yes").expect(0);
    assert!(!ran.all().contains("expire"), "{}", ran.all());
}

#[test]
fn expired_credentials_are_told_with_the_mend_and_no_call_is_made() {
    let mut stack = Stack::applied();
    let proxy = Proxy::of(&stack.bed);
    stack.desk.set("AWS_ENDPOINT_URL", &proxy.endpoint);
    stack.desk.set("AWS_CREDENTIAL_EXPIRATION", "2026-01-02T03:04:05Z");
    for command in ["plan", "apply --yes", "teardown --yes", "rotate", "status", "doctor", "logs"] {
        let ran = stack.deploy(command).expect(1).says("have expired at 2026-01-02 03:04:05 UTC");
        ran.says("AWS_CREDENTIAL_EXPIRATION").says("next: sign in again");
    }
    stack.desk.unset("AWS_CREDENTIAL_EXPIRATION");
    by_process(&mut stack, Some("2026-01-02T03:04:05Z"));
    stack.deploy("plan").expect(1).says("have expired at 2026-01-02 03:04:05 UTC");
    assert!(proxy.take().is_empty(), "no call is signed with them");
}

#[test]
fn a_provider_without_an_expiry_or_far_from_it_is_asked_once_and_no_word_is_said() {
    let mut stack = Stack::new();
    for expiration in [None, Some(from_now(86_400))] {
        by_process(&mut stack, expiration.as_deref());
        let ran = stack.deploy("apply --yes").expect(0);
        assert!(!ran.all().contains("expire") && runs(&stack) == 1, "{} runs: {}", runs(&stack), ran.all());
        stack.deploy("teardown --yes --force-delete-secret").expect(0);
    }
}

#[test]
fn a_provider_that_cannot_renew_says_why_in_its_own_words() {
    let mut stack = Stack::new();
    process(&mut stack.desk, "echo 'the SSO session has expired' >&2; exit 255");
    for command in ["plan", "apply --yes", "rotate"] {
        stack.deploy(command).expect(1).says("no usable AWS credentials").says("the SSO session has expired");
    }
}

#[test]
fn commands_that_need_no_aws_ask_for_no_credentials() {
    let mut stack = Stack::new();
    process(&mut stack.desk, "exit 1");
    for command in ["validate", "policy --for apply"] {
        stack.deploy(command).expect(0);
    }
    stack.desk.deploy("schema").expect(0);
    assert_eq!(runs(&stack), 0);
}

#[test]
fn credentials_that_expire_on_the_way_end_the_run_with_its_report() {
    for code in ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"] {
        let mut stack = Stack::new();
        let proxy = Proxy::of(&stack.bed);
        stack.desk.set("AWS_ENDPOINT_URL", &proxy.endpoint);
        proxy.refuse("lambda:CreateFunction", code);
        let ran = stack.deploy("apply --yes").expect(1).says("5 of 7 changes done").says("sign in again");
        ran.says("failed   function app-function").says("not done schedule app-schedule: the run was stopped before");
        assert_eq!(proxy.take().get("lambda:CreateFunction"), Some(&1), "{code} is not tried again");
        stack.desk.set("AWS_ENDPOINT_URL", &stack.bed.endpoint.clone());
        stack.apply();
        stack.expect_no_changes();
    }
}
