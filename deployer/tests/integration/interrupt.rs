//! Ctrl-C is ordinary, and nothing is changed that nobody has confirmed.

use crate::desk::Ran;
use crate::proxy::{Held, Proxy, When};
use crate::stack::{FILE, Stack};

fn watched() -> (Stack, Proxy) {
    let mut stack = Stack::new();
    let proxy = Proxy::of(&stack.bed);
    stack.desk.set("AWS_ENDPOINT_URL", &proxy.endpoint);
    (stack, proxy)
}

/// Runs a command, and presses Ctrl-C while a call is held up; the call goes on after it.
fn interrupted(stack: &Stack, held: Held, command: &str) -> Ran {
    let running = stack.desk.start(command);
    held.wait();
    running.signal("INT");
    // The signal is heard between two looks at the sockets: an answer must not come first.
    std::thread::sleep(std::time::Duration::from_millis(200));
    drop(held);
    running.end()
}

#[test]
fn ctrl_c_in_a_plan_changes_nothing() {
    for command in ["plan", "apply --yes", "teardown --yes"] {
        let (stack, proxy) = watched();
        let held = proxy.hold("secretsmanager:DescribeSecret", When::Asked);
        let (verb, options) = command.split_once(' ').unwrap_or((command, ""));
        interrupted(&stack, held, &format!("{verb} {FILE} {options}")).expect(130).says("Nothing was changed.");
        assert_eq!(stack.bed.names(), Vec::<String>::new());
    }
}

#[test]
fn ctrl_c_in_an_apply_finishes_what_is_in_flight_and_reports_the_rest() {
    let (stack, proxy) = watched();
    let held = proxy.hold("logs:CreateLogGroup", When::Asked);
    let ran = interrupted(&stack, held, &format!("apply {FILE} --yes")).expect(130).says("5 of 7 changes done");
    let ran = ran.says("done     log-group /aws/lambda/app-function");
    ran.says("not done function app-function").says("not done schedule app-schedule");
    assert_eq!(stack.plan().actions(), ["function: create", "schedule: create"]);
    stack.apply();
    stack.expect_no_changes();
}

#[test]
fn ctrl_c_does_not_wait_for_a_function_to_settle() {
    let (stack, proxy) = watched();
    let held = proxy.hold("lambda:CreateFunction", When::Asked);
    let ran = interrupted(&stack, held, &format!("apply {FILE} --yes")).expect(130);
    ran.says("unknown  function app-function").says("not done schedule app-schedule");
    assert!(stack.bed.names().contains(&"functions app-function".to_owned()));
    assert!(stack.plan().actions().contains(&"schedule: create".to_owned()));
    stack.apply();
    stack.expect_no_changes();
}

#[test]
fn ctrl_c_in_a_teardown_finishes_what_is_in_flight_and_the_next_one_goes_on() {
    let (stack, proxy) = watched();
    stack.apply();
    let held = proxy.hold("lambda:DeleteFunction", When::Asked);
    let ran = interrupted(&stack, held, &format!("teardown {FILE} --yes")).expect(130);
    ran.says("done     function app-function").says("not done secret app/password");
    assert!(stack.bed.names().contains(&"secrets app/password".to_owned()));
    stack.deploy("teardown --yes --force-delete-secret").expect(0);
    assert_eq!(stack.bed.names(), Vec::<String>::new());
}

#[test]
fn a_second_ctrl_c_waits_for_nothing_and_calls_it_unknown() {
    let (stack, proxy) = watched();
    let held = proxy.hold("lambda:CreateFunction", When::Asked);
    let running = stack.desk.start(&format!("apply {FILE} --yes"));
    held.wait();
    for _ in 0..2 {
        running.signal("INT");
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    running.end().expect(130).says("unknown  function app-function").says("not done schedule app-schedule");
    drop(held);
    stack.apply();
    stack.expect_no_changes();
}

#[test]
fn nothing_is_changed_unless_somebody_says_yes() {
    let stack = Stack::new();
    stack.deploy("apply").expect(1).says("--yes");
    assert_eq!(stack.bed.names(), Vec::<String>::new());
    stack.apply();
    let before = stack.bed.inventory();
    stack.deploy("teardown").expect(1).says("--yes");
    assert_eq!(stack.bed.inventory(), before);
}
