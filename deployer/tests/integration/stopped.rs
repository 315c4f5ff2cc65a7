//! A signal at every time of a run: what is told is true, nothing is lost from the report, and the exit code is 130.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::bed::Bed;
use crate::desk::{Desk, Ran, Running};
use crate::proxy::{Held, Proxy, When};
use crate::stack::{FILE, Stack, spec};

/// Longer than anything takes that is not waited for.
const SOON: Duration = Duration::from_secs(5);

fn behind_proxy(stack: &mut Stack) -> Proxy {
    let proxy = Proxy::of(&stack.bed);
    stack.desk.set("AWS_ENDPOINT_URL", &proxy.endpoint);
    proxy
}

/// Sends signals while a call is held up; the call goes on after them.
fn stopped(running: Running, held: Held, signals: &[&str]) -> Ran {
    held.wait();
    for name in signals {
        running.signal(name);
        // Each is heard before the next, and before any answer.
        std::thread::sleep(Duration::from_millis(300));
    }
    drop(held);
    running.end()
}

/// The signals that wait for no call; the end must come while it is still held up.
fn stopped_at_once(mut running: Running, held: &Held, signals: &[&str]) -> Ran {
    held.wait();
    for name in signals {
        running.signal(name);
        std::thread::sleep(Duration::from_millis(300));
    }
    let start = Instant::now();
    while running.is_running() {
        assert!(start.elapsed() < SOON, "it waits for the call");
        std::thread::sleep(Duration::from_millis(20));
    }
    running.end()
}

fn outcomes(document: &Value) -> Vec<String> {
    let stacks = document["stacks"].as_array().unwrap().iter();
    let resources = stacks.flat_map(|stack| stack["resources"].as_array().unwrap());
    resources.map(|one| one["outcome"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn sigterm_and_a_terminal_that_goes_away_stop_an_apply_as_ctrl_c_does() {
    // That the terminal is gone may be told twice, and is no second wish.
    for signals in [&["TERM"][..], &["HUP"], &["HUP", "HUP"]] {
        let mut stack = Stack::new();
        let proxy = behind_proxy(&mut stack);
        let held = proxy.hold("logs:CreateLogGroup", When::Asked);
        let ran = stopped(stack.desk.start(&format!("apply {FILE} --yes")), held, signals).expect(130);
        ran.says("done     log-group /aws/lambda/app-function").says("not done function app-function");
        stack.apply();
        stack.expect_no_changes();
    }
}

#[test]
fn what_was_started_with_nohup_outlives_its_terminal() {
    let mut stack = Stack::new();
    let proxy = behind_proxy(&mut stack);
    let held = proxy.hold("logs:CreateLogGroup", When::Asked);
    let running = stack.desk.shell(&format!("trap '' HUP; exec $DEPLOY apply {FILE} --yes"));
    stopped(running, held, &["HUP"]).expect(0).says("Applied.");
}

#[test]
fn sigterm_before_anything_is_changed_tells_of_every_stack() {
    for (command, signal) in [("plan", "TERM"), ("plan", "HUP"), ("apply --yes", "TERM"), ("status", "TERM")] {
        let mut stack = Stack::new();
        stack.desk.write("specs/one.yaml", spec("one").to_string());
        stack.desk.write("specs/two.yaml", spec("two").to_string());
        let proxy = behind_proxy(&mut stack);
        let held = proxy.hold("secretsmanager:DescribeSecret", When::Asked);
        let (verb, options) = command.split_once(' ').unwrap_or((command, ""));
        let running = stack.desk.start(&format!("{verb} specs -o json {options}"));
        let ran = stopped_at_once(running, &held, &[signal]).expect(130).says("Nothing was changed.");
        let document = ran.json();
        let errors = document["errors"].as_array().unwrap();
        let stacks = document["stacks"].as_array().unwrap();
        assert_eq!(errors.len() + stacks.len(), 2, "{command}: {document}");
        assert!(errors.iter().all(|error| error["message"] == "interrupted; nothing was changed"), "{document}");
        assert_eq!(stack.bed.names(), Vec::<String>::new());
    }
}

fn many(count: usize) -> (Bed, Desk, Proxy) {
    let bed = Bed::ministack();
    let mut desk = Desk::new(&bed);
    for number in 1..=count {
        desk.write(&format!("specs/s{number:02}.yaml"), spec(&format!("s{number:02}")).to_string());
    }
    let proxy = Proxy::of(&bed);
    desk.set("AWS_ENDPOINT_URL", &proxy.endpoint);
    (bed, desk, proxy)
}

/// Nine stacks, of which eight are worked on at the same time: the last is told of all the same.
#[test]
fn of_several_stacks_each_is_reported_and_none_is_lost() {
    for signals in [&["INT"][..], &["INT", "TERM"]] {
        let (bed, desk, proxy) = many(9);
        let held = proxy.hold("logs:CreateLogGroup", When::Asked);
        let running = desk.start("apply specs --yes -o json");
        let ran = stopped(running, held, signals).expect(130);
        let document = ran.json();
        assert_eq!((document["stacks"].as_array().unwrap().len(), &document["errors"]), (9, &json!([])));
        let outcomes = outcomes(&document);
        assert_eq!(outcomes.len(), 9 * 7, "each resource of each stack");
        assert_eq!(outcomes.contains(&"unknown".to_owned()), signals.len() == 2, "{outcomes:?}");
        for number in 1..=9 {
            assert!(ran.err.contains(&format!("error: stack s{number:02}: ")), "{number}: {}", ran.err);
        }
        let last = document["stacks"][8]["resources"].as_array().unwrap();
        assert!(last.iter().all(|one| one["outcome"] == "not-started"), "{last:?}");
        // A report is worth what it agrees with.
        let done = outcomes.iter().filter(|outcome| *outcome == "done").count();
        assert!(signals.len() == 2 || bed.names().len() == done, "{done} are done, and there are {:?}", bed.names());
    }
}

#[test]
fn an_action_of_several_calls_is_done_when_it_is_told_so() {
    let mut stack = Stack::new();
    let proxy = behind_proxy(&mut stack);
    let held = proxy.hold("iam:CreateRole", When::Answered);
    let running = stack.desk.start(&format!("apply {FILE} --yes"));
    let ran = stopped(running, held, &["INT"]).expect(130);
    ran.says("done     execution-role app-role").says("done     invoke-role app-schedule-invoke");
    for role in ["app-role", "app-schedule-invoke"] {
        let policies = stack.bed.call("iam", "list_role_policies", json!({"RoleName": role}))["PolicyNames"].clone();
        assert!(!policies.as_array().unwrap().is_empty(), "{role} has no policy");
    }
    stack.desk.set("AWS_ENDPOINT_URL", &stack.bed.endpoint.clone());
    assert_eq!(stack.plan().actions(), ["function: create", "schedule: create"]);
}

#[test]
fn a_signal_in_the_read_back_says_that_everything_was_applied() {
    let mut stack = Stack::new();
    let proxy = behind_proxy(&mut stack);
    let held = proxy.hold("lambda:InvokeFunction", When::Asked);
    let running = stack.desk.start(&format!("apply {FILE} --yes -o json"));
    let ran = stopped_at_once(running, &held, &["TERM"]).expect(130).says("everything was applied");
    let document = ran.json();
    assert_eq!(outcomes(&document), ["done"; 7]);
    assert_eq!(document["stacks"][0]["error"], "interrupted before all of it was read back");
    assert!(!ran.all().contains("Nothing was changed") && !ran.all().contains("Applied."), "{}", ran.all());
    drop(held);
    stack.expect_no_changes();
}

#[test]
fn a_rotation_that_is_under_way_is_never_said_to_have_changed_nothing() {
    for at_once in [false, true] {
        let mut stack = Stack::applied();
        let proxy = behind_proxy(&mut stack);
        let before = stack.version("AWSCURRENT");
        let held = proxy.hold("lambda:InvokeFunction", When::Answered);
        let running = stack.desk.start(&format!("rotate {FILE} -o json"));
        let ran = if at_once {
            stopped_at_once(running, &held, &["TERM", "TERM"]).expect(130).says("deploy status")
        } else {
            stopped(running, held, &["TERM"]).expect(130)
        };
        let after = stack.version("AWSCURRENT");
        assert_ne!(before, after, "the function has rotated");
        let document = ran.json();
        let (told, errors) = (document["stacks"].as_array().unwrap(), document["errors"].as_array().unwrap());
        assert_eq!((told.len(), errors.len()), if at_once { (0, 1) } else { (1, 0) }, "{document}");
        assert!(at_once || document["stacks"][0]["current_version"]["id"].as_str() == after.as_deref());
        assert!(!ran.all().to_lowercase().contains("nothing was changed"), "{}", ran.all());
    }
}

#[test]
fn a_rotation_that_was_not_begun_changed_nothing() {
    let mut stack = Stack::applied();
    let proxy = behind_proxy(&mut stack);
    let before = stack.version("AWSCURRENT");
    let held = proxy.hold("secretsmanager:ListSecretVersionIds", When::Asked);
    let running = stack.desk.start(&format!("rotate {FILE} -o json"));
    let ran = stopped_at_once(running, &held, &["INT"]).expect(130).says("Nothing was changed.");
    assert_eq!(ran.json()["errors"][0]["stack"], "app");
    assert!(!proxy.take().contains_key("lambda:InvokeFunction"));
    assert_eq!(stack.version("AWSCURRENT"), before);
}

fn leave_labels(stack: &Stack) {
    let version = stack.version("AWSCURRENT").unwrap();
    for label in ["11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"] {
        let label = format!("rotator-base-{label}");
        let params = json!({"SecretId": "app/password", "VersionStage": label, "MoveToVersionId": version});
        stack.bed.call("secretsmanager", "update_secret_version_stage", params);
    }
}

#[test]
fn a_stopped_fix_tells_of_each_label_what_became_of_it() {
    for (signals, first) in [(&["INT"][..], "done"), (&["INT", "INT"], "unknown")] {
        let mut stack = Stack::applied();
        stack.deploy("rotate").expect(0);
        leave_labels(&stack);
        let proxy = behind_proxy(&mut stack);
        let held = proxy.hold("secretsmanager:UpdateSecretVersionStage", When::Answered);
        let running = stack.desk.start(&format!("doctor {FILE} --fix --yes -o json"));
        let ran = stopped(running, held, signals).expect(130);
        let document = ran.json();
        let fixed = document["stacks"][0]["fixed"].as_array().unwrap();
        let outcomes: Vec<&str> = fixed.iter().map(|one| one["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, [first, "not-started"], "{document}");
        assert!(!ran.all().contains("Nothing was changed"), "{}", ran.all());
    }
}

#[test]
fn a_teardown_that_is_stopped_at_its_last_look_says_what_is_gone_and_that_it_did_not_look() {
    let mut stack = Stack::applied();
    let proxy = behind_proxy(&mut stack);
    let last = proxy.hold("logs:DeleteLogGroup", When::Asked);
    let running = stack.desk.start(&format!("teardown {FILE} --yes -o json"));
    last.wait();
    let look = proxy.hold("sts:GetCallerIdentity", When::Asked);
    drop(last);
    let ran = stopped_at_once(running, &look, &["INT"]).expect(130).says("torn down, but it was not looked at again");
    let document = ran.json();
    assert_eq!(outcomes(&document), ["done"; 7]);
    assert_eq!(document["stacks"][0]["gone"].as_array().unwrap().len(), 7);
    drop(look);
    stack.deploy("teardown --yes --force-delete-secret").expect(0);
    assert_eq!(stack.bed.names(), Vec::<String>::new());
}

#[test]
fn a_stopped_teardown_calls_gone_only_what_is_gone() {
    for (signals, is_gone) in [(&["INT"][..], true), (&["INT", "INT"], false)] {
        let mut stack = Stack::applied();
        let proxy = behind_proxy(&mut stack);
        let held = proxy.hold("lambda:DeleteFunction", When::Asked);
        let running = stack.desk.start(&format!("teardown {FILE} --yes --force-delete-secret -o json"));
        // After two it has ended while the call is still under way.
        let (ran, _held) = if is_gone {
            (stopped(running, held, signals), None)
        } else {
            (stopped_at_once(running, &held, signals), Some(held))
        };
        let ran = ran.expect(130);
        let document = ran.json();
        let gone: Vec<&str> =
            document["stacks"][0]["gone"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        assert_eq!((gone.contains(&"function app-function"), gone.contains(&"secret app/password")), (is_gone, false));
        assert_eq!(gone.len(), 7 - stack.bed.names().len(), "{gone:?} are gone, and there are {:?}", stack.bed.names());
        let outcomes = outcomes(&document);
        assert_eq!(outcomes.contains(&"unknown".to_owned()), !is_gone, "{outcomes:?}");
    }
}

#[test]
fn a_second_signal_does_not_wait_for_the_pauses_between_attempts() {
    let mut stack = Stack::new();
    let proxy = behind_proxy(&mut stack);
    proxy.refuse("lambda:CreateFunction", "ThrottlingException");
    let mut running = stack.desk.start(&format!("apply {FILE} --yes -o json"));
    proxy.wait_for("lambda:CreateFunction", 3);
    for _ in 0..2 {
        running.signal("INT");
        std::thread::sleep(Duration::from_millis(200));
    }
    let start = Instant::now();
    while running.is_running() {
        assert!(start.elapsed() < Duration::from_secs(1), "it waits for the next attempt");
        std::thread::sleep(Duration::from_millis(20));
    }
    let document = running.end().expect(130).json();
    let function =
        document["stacks"][0]["resources"].as_array().unwrap().iter().find(|one| one["address"] == "function");
    assert_eq!(function.unwrap()["outcome"], "unknown");
}

#[test]
fn a_question_can_be_left_by_a_signal() {
    let stack = Stack::new();
    for then in ["\\x03", "TERM", "HUP", "INT"] {
        let ran = stack.desk.at_terminal(&format!("apply {FILE} -o json"), "is taken for a yes:", then).expect(130);
        assert_eq!(ran.json()["errors"][0]["message"], "interrupted; nothing was changed", "{then}");
        ran.says("Nothing was changed.");
    }
    assert_eq!(stack.bed.names(), Vec::<String>::new());
    stack.desk.at_terminal(&format!("apply {FILE}"), "is taken for a yes:", "yes\\n").expect(0).says("Applied.");
    let before = stack.bed.inventory();
    for then in ["\\x03", "TERM"] {
        stack.desk.at_terminal(&format!("teardown {FILE}"), "to tear it down:", then).expect(130);
    }
    assert_eq!(stack.bed.inventory(), before);
}

#[test]
fn the_prompt_for_the_first_value_can_be_left_and_the_terminal_echoes_again() {
    let mut stack = Stack::new();
    stack.edit(|spec| spec["secret"]["initial"] = json!({"prompt": true}));
    for then in ["\\x03", "TERM", "HUP"] {
        let ran = stack.desk.at_terminal(&format!("apply {FILE} --yes -o json"), "First value of", then).expect(130);
        let ran = ran.says("Nothing was changed.").says("the terminal echoes: True");
        assert_eq!(ran.json()["errors"][0]["message"], "interrupted; nothing was changed", "{then}");
    }
    assert_eq!(stack.bed.names(), Vec::<String>::new());
    let typed = "typed-by-hand-0815";
    let ran =
        stack.desk.at_terminal(&format!("apply {FILE} --yes"), "First value of", &format!("{typed}\\n")).expect(0);
    assert!(!ran.all().contains(typed) && stack.value().contains(typed), "{}", ran.all());
}
