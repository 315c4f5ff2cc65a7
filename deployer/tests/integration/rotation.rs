//! `deploy rotate` is one rotation, whatever becomes of its answer.

use std::time::Duration;

use serde_json::json;

use crate::proxy::{Extent, Fault, Proxy, When};
use crate::stack::{FILE, Stack};

const INVOKE: &str = "lambda:InvokeFunction";

fn versions(stack: &Stack) -> usize {
    let all = json!({"SecretId": "app/password", "IncludeDeprecated": true});
    stack.bed.call("secretsmanager", "list_secret_version_ids", all)["Versions"].as_array().unwrap().len()
}

fn behind_proxy(stack: &mut Stack) -> Proxy {
    let proxy = Proxy::of(&stack.bed);
    stack.desk.set("AWS_ENDPOINT_URL", &proxy.endpoint);
    proxy
}

#[test]
fn a_rotation_whose_answer_is_lost_is_asked_about_again_and_not_done_again() {
    let mut stack = Stack::applied();
    let proxy = behind_proxy(&mut stack);
    for fault in [Fault::CutAfterwards, Fault::FailedAfterwards, Fault::Truncated] {
        let (before, count) = (stack.version("AWSCURRENT"), versions(&stack));
        proxy.fault(INVOKE, 0, fault, Extent::Once);
        let ran = stack.desk.deploy(&format!("rotate {FILE} -o json")).expect(0);
        assert!(proxy.disarm(), "{fault:?}");
        assert_eq!(proxy.take()[INVOKE], 2, "{fault:?}");
        assert_eq!(versions(&stack), count + 1, "{fault:?}: it was rotated more than once");
        assert_eq!(stack.version("AWSPREVIOUS"), before, "{fault:?}");
        let told = ran.json()["stacks"][0].clone();
        assert_eq!(told["current_version"]["id"].as_str(), stack.version("AWSCURRENT").as_deref(), "{fault:?}");
        assert_eq!(told["previous_version"]["id"].as_str(), before.as_deref(), "{fault:?}");
    }
}

#[test]
fn a_rotation_may_take_as_long_as_the_function_and_longer_than_any_other_call() {
    let mut stack = Stack::applied();
    let proxy = behind_proxy(&mut stack);
    let held = proxy.hold(INVOKE, When::Answered);
    let running = stack.desk.start(&format!("rotate {FILE} --request-timeout 1"));
    held.wait();
    std::thread::sleep(Duration::from_secs(3));
    drop(held);
    running.end().expect(0);
    assert_eq!(proxy.take()[INVOKE], 1, "it was asked again while it was at work");
}
