//! One stack in an account of its own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::bed::{ACCOUNT, Bed, architecture};
use crate::desk::{Desk, Ran};

/// The spec's file.
pub const FILE: &str = "stack.yaml";

/// A spec whose schedule never fires in a test's lifetime. It is written as JSON, which is YAML.
pub fn spec(name: &str) -> Value {
    json!({
        "name": name,
        "account": ACCOUNT,
        "region": "us-east-1",
        "tags": {"team": "payments"},
        "secret": {"name": format!("{name}/password"), "description": "What the database wants to hear"},
        "role": {"name": format!("{name}-role")},
        "function": {"name": format!("{name}-function"), "architecture": architecture()},
        "schedule": {"name": format!("{name}-schedule"), "expression": "rate(7 days)", "flexible_window_minutes": 5},
    })
}

/// An emulator, a desk, and a spec on it.
pub struct Stack {
    pub bed: Bed,
    pub desk: Desk,
    pub spec: Value,
}

impl Stack {
    /// A spec, and nothing in the account.
    pub fn new() -> Self {
        Self::in_bed(Bed::ministack(), spec("app"))
    }

    pub fn in_bed(bed: Bed, spec: Value) -> Self {
        let desk = Desk::new(&bed);
        desk.write(FILE, spec.to_string());
        Self { bed, desk, spec }
    }

    /// The same, deployed.
    pub fn applied() -> Self {
        let stack = Self::new();
        stack.apply();
        stack
    }

    /// A spec that leaves out nothing that can be set on a resource, deployed: a key, a boundary and a network of the
    /// account's own.
    pub fn complete() -> Self {
        let bed = Bed::ministack();
        let key = bed.call("kms", "create_key", json!({}))["KeyMetadata"]["KeyId"].clone();
        bed.call("kms", "create_alias", json!({"AliasName": "alias/app", "TargetKeyId": key}));
        let mut spec = spec("app");
        spec["secret"]["kms_key"] = json!("alias/app");
        spec["role"]["permissions_boundary"] = json!(policy(&bed, "boundary"));
        spec["function"]["vpc"] = network(&["subnet-0000000a", "subnet-0000000b"], &["sg-0000000a"]);
        let stack = Self::in_bed(bed, spec);
        stack.apply();
        stack
    }

    /// Edits the spec.
    pub fn edit(&mut self, edit: impl FnOnce(&mut Value)) {
        edit(&mut self.spec);
        self.desk.write(FILE, self.spec.to_string());
    }

    /// Runs a command on the spec: `stack.deploy("apply --yes")`.
    pub fn deploy(&self, command: &str) -> Ran {
        let (command, options) = command.split_once(' ').unwrap_or((command, ""));
        self.desk.deploy(&format!("{command} {FILE} {options}"))
    }

    #[track_caller]
    pub fn apply(&self) -> Ran {
        self.deploy("apply --yes").expect(0)
    }

    /// What is planned; the exit code must say whether that is anything.
    #[track_caller]
    pub fn plan(&self) -> Plan {
        let ran = self.deploy("plan -o json --detailed-exitcode");
        assert_eq!(ran.json()["errors"], json!([]));
        let plan = Plan::of(&ran.json()["stacks"][0]);
        ran.expect(if plan.0.is_empty() { 0 } else { 2 });
        plan
    }

    /// Nothing may be planned.
    #[track_caller]
    pub fn expect_no_changes(&self) {
        assert_eq!(self.plan().told(), Vec::<String>::new());
    }

    /// The ids of the secret's versions by label.
    pub fn version(&self, label: &str) -> Option<String> {
        let secret = self.bed.call("secretsmanager", "describe_secret", self.secret());
        let stages = secret["VersionIdsToStages"].as_object().unwrap();
        let holds = |labels: &Value| labels.as_array().unwrap().contains(&json!(label));
        stages.iter().find(|(_, labels)| holds(labels)).map(|(id, _)| id.clone())
    }

    /// What an application reads.
    pub fn value(&self) -> String {
        let answer = self.bed.call("secretsmanager", "get_secret_value", self.secret());
        answer["SecretString"].as_str().unwrap().to_owned()
    }

    pub fn secret(&self) -> Value {
        json!({"SecretId": self.spec["secret"]["name"]})
    }
}

/// As a spec has it.
pub fn network(subnets: &[&str], groups: &[&str]) -> Value {
    json!({"subnets": subnets, "security_groups": groups})
}

/// The same spec with Secrets Manager to start the rotation.
pub fn managed(mut spec: Value, rules: &Value) -> Value {
    spec.as_object_mut().unwrap().remove("schedule");
    spec["trigger"] = json!({"managed": rules});
    spec
}

/// A managed policy that allows everything.
pub fn policy(bed: &Bed, name: &str) -> String {
    let document = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let policy = json!({"PolicyName": name, "PolicyDocument": document.to_string()});
    bed.call("iam", "create_policy", policy)["Policy"]["Arn"].as_str().unwrap().to_owned()
}

/// The resources that a plan changes, by address, as its JSON has them.
#[derive(Debug)]
pub struct Plan(pub BTreeMap<String, Value>);

impl Plan {
    /// A stack in a plan's JSON.
    pub fn of(stack: &Value) -> Self {
        let resources = stack["resources"].as_array().unwrap().iter();
        let pending = resources.filter(|one| one["action"] != "no-op" && one["action"] != "keep");
        Self(pending.map(|one| (one["address"].as_str().unwrap().to_owned(), one.clone())).collect())
    }

    /// One line a change: `function memory (update, drift)`; a resource without changes has one line of its own.
    pub fn told(&self) -> Vec<String> {
        let told = self.0.iter().flat_map(|(address, one)| {
            let verb = one["action"].as_str().unwrap();
            let cause = one["cause"].as_str().map(|cause| format!(", {cause}")).unwrap_or_default();
            let attributes = attributes(one);
            let attributes = if attributes.is_empty() { vec![String::new()] } else { attributes };
            attributes.into_iter().map(move |name| format!("{address} {name} ({verb}{cause})").replace("  ", " "))
        });
        told.collect()
    }

    /// What is done to each resource: `function: update`.
    pub fn actions(&self) -> Vec<String> {
        self.0.iter().map(|(address, one)| format!("{address}: {}", one["action"].as_str().unwrap())).collect()
    }
}

/// The attributes that change.
pub fn attributes(resource: &Value) -> Vec<String> {
    let changes = resource["changes"].as_array().unwrap().iter();
    changes.map(|change| change["attribute"].as_str().unwrap().to_owned()).collect()
}
