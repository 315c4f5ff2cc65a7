//! Every call that is made, recorded on the wire: each is in the policy that `deploy policy` prints for its command, and
//! the table has no action that is never called.

use std::collections::BTreeSet;

use plan::actions::ACTIONS;
use serde_json::{Value, json};

use crate::bed::Bed;
use crate::chaos::state;
use crate::proxy::Proxy;
use crate::stack::{FILE, Stack, managed, policy, spec};

/// What AWS asks for along with a call of another name, so that no call has it.
const ASKED_ALONG: [&str; 8] = [
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "iam:PassRole",
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "lambda:ListTags",
];

/// A stack in front of which every call is written down.
struct Recorder {
    stack: Stack,
    proxy: Proxy,
    called: BTreeSet<String>,
}

impl Recorder {
    /// With a key, a boundary and a queue, so that nothing is left out that a schedule's stack can have.
    fn new() -> Self {
        let bed = Bed::ministack();
        let mut spec = spec("app");
        spec["secret"]["kms_key"] = bed.call("kms", "create_key", json!({}))["KeyMetadata"]["KeyId"].clone();
        bed.call("sqs", "create_queue", json!({"QueueName": "app"}));
        spec["schedule"]["dead_letter_queue"] = json!("arn:aws:sqs:us-east-1:123456789012:app");
        spec["role"]["permissions_boundary"] = json!(policy(&bed, "boundary"));
        let mut stack = Stack::in_bed(bed, spec);
        let proxy = Proxy::of(&stack.bed);
        stack.desk.set("AWS_ENDPOINT_URL", &proxy.endpoint);
        Self { stack, proxy, called: BTreeSet::new() }
    }

    fn allowed(&self, policy_for: &str) -> BTreeSet<String> {
        let printed = self.stack.desk.deploy(&format!("policy --for {policy_for} {FILE}")).expect(0).json();
        let actions = printed["Statement"].as_array().unwrap().iter().flat_map(|one| one["Action"].as_array().unwrap());
        actions.map(|action| action.as_str().unwrap().to_owned()).collect()
    }

    /// Runs a command, whatever becomes of it: all that it calls must be in that policy.
    fn record(&mut self, policy_for: &str, command: &str) {
        let allowed = self.allowed(policy_for);
        self.proxy.take();
        let ran = self.stack.deploy(command);
        let mut called: BTreeSet<String> = self.proxy.take().into_keys().collect();
        assert!(!called.is_empty(), "{command}:\n{}", ran.all());
        called.remove("sts:GetCallerIdentity");
        let missing: Vec<&String> = called.difference(&allowed).collect();
        assert!(missing.is_empty(), "{command} calls what the policy for {policy_for} has not: {missing:?}");
        self.called.extend(called);
    }

    fn call(&self, service: &str, method: &str, params: Value) {
        self.stack.bed.call(service, method, params);
    }
}

#[test]
fn every_call_on_the_wire_is_in_its_commands_policy_and_the_table_has_none_too_many() {
    let mut recorder = Recorder::new();
    recorder.record("plan", "plan");
    recorder.record("apply", "apply --yes");
    for command in ["doctor", "status", "rotate", "logs"] {
        recorder.record("doctor", command);
    }
    let stale = json!({
        "SecretId": "app/password", "VersionStage": "rotator-base-00000000-0000-4000-8000-000000000000",
        "MoveToVersionId": recorder.stack.version("AWSCURRENT"),
    });
    recorder.call("secretsmanager", "update_secret_version_stage", stale);
    recorder.record("doctor", "doctor --fix --yes");

    // Everything has drifted, the boundary is to go, and the secret is about to.
    state::drift(&recorder.stack.bed);
    let stopped = json!({"FunctionName": "app-function", "ReservedConcurrentExecutions": 0});
    recorder.call("lambda", "put_function_concurrency", stopped);
    recorder.stack.edit(|spec| drop(spec["role"].as_object_mut().unwrap().remove("permissions_boundary")));
    recorder.record("apply", "apply --yes");
    recorder.record("teardown", "teardown --yes");
    let boundary = policy(&recorder.stack.bed, "other");
    recorder.record("apply", "apply --yes");
    recorder.stack.edit(|spec| spec["role"]["permissions_boundary"] = json!(boundary));
    recorder.record("apply", "apply --yes");

    // Secrets Manager takes over from the schedule, and gives back what MiniStack can't take.
    let scheduled = recorder.stack.spec.clone();
    recorder.stack.edit(|spec| *spec = managed(spec.clone(), &json!({"every_days": 30})));
    recorder.record("apply", "apply --yes");
    let left = json!({
        "FunctionName": "app-function", "StatementId": "deployer-rotation-left", "Action": "lambda:InvokeFunction",
        "Principal": "secretsmanager.amazonaws.com",
    });
    recorder.call("lambda", "add_permission", left);
    recorder.record("apply", "apply --yes");
    recorder.stack.edit(|spec| *spec = scheduled);
    recorder.record("apply", "apply --yes");

    let mut expected: BTreeSet<String> = ACTIONS.iter().map(|action| action.name.to_owned()).collect();
    expected.retain(|action| !ASKED_ALONG.contains(&action.as_str()));
    let never: Vec<&String> = expected.difference(&recorder.called).collect();
    assert!(never.is_empty(), "the table has what is never called: {never:?}");
    println!("{} different calls were made, each in the policy of its command", recorder.called.len());
}
