//! The order of calls between every two settings: at each call that changes what uses a role, the role grants what the old
//! side uses and what the new one will.

use std::collections::BTreeSet;

use deployer::aws::{Class, Mutator};
use deployer::engine::{self, Outcome, Stop};
use plan::desired::{Desired, Facts};
use plan::live::Live;
use plan::policy;
use plan::resource::{Kind, role};
use plan::saved::{Saved, SpecFile};
use plan::spec::Spec;
use serde_json::{Value as Json, json};

use crate::stack;
use crate::stage::first_value;
use crate::wire::{Call, Wire, done, ok};
use crate::world;

const KEYS: [&str; 2] = [
    "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555",
    "arn:aws:kms:us-east-1:123456789012:key/99999999-2222-3333-4444-555555555555",
];

type Rights = BTreeSet<String>;

/// A spec, and what the account adds to it.
struct Setting {
    name: &'static str,
    spec: Spec,
    key: Option<&'static str>,
}

impl Setting {
    fn of(name: &'static str, edits: &[(&str, &str)]) -> Self {
        let edit = |text: String| {
            edits.iter().fold(text, |text, (from, to)| {
                assert!(text.contains(from), "{name}: {from:?}");
                text.replacen(from, to, 1)
            })
        };
        Self { name, spec: stack::edited(edit), key: None }
    }

    fn desired(&self, live: &Live) -> Desired {
        let facts = Facts { kms_key_arn: self.key.map(str::to_owned), ..stack::facts() };
        Desired::of(&self.spec, &facts).resolved(live)
    }

    /// An account in which all is so.
    fn applied(&self) -> Live {
        let mut live = stack::applied(&self.spec);
        let desired = self.desired(&live);
        let role = live.execution_role.as_mut().unwrap();
        role.policies.clone_from(&desired.execution_role.policies);
        role.tags.extend(desired.applied_tags(Kind::ExecutionRole));
        let secret = live.secret.as_mut().unwrap();
        secret.kms_key_arn = self.key.map(str::to_owned);
        secret.tags.extend(desired.applied_tags(Kind::Secret));
        live
    }

    /// That account, as the names of another setting show it.
    fn seen_by(&self, other: &Self) -> Live {
        let (own, theirs) = (&self.spec, &other.spec);
        let mut live = self.applied();
        if own.function.name != theirs.function.name {
            (live.function, live.log_group) = (None, None);
        }
        if own.secret.name != theirs.secret.name {
            live.secret = None;
        }
        live
    }
}

/// Every setting on which a right hangs.
fn settings() -> Vec<Setting> {
    let network =
        |id: &str| format!("memory: 128\n  vpc: {{subnets: [subnet-0000000{id}], security_groups: [sg-0000000a]}}");
    let admin = |name: &str| {
        let server = "connection: {host: db.internal, port: 5432, username: app, dbname: app}";
        format!("target: {{postgres: {{admin_secret: {name}, {server}}}}}")
    };
    let queue = |name: &str| format!("dead_letter_queue: arn:aws:sqs:us-east-1:123456789012:{name}\n  retry: {{");
    let cache = "target: {redis: {elasticache_user: shop-cache-1}}";
    let given = ("initial: generate", "initial: {env: PRESENT_PASSWORD}");
    let path = "name: RotatePasswordFunction-role\n  path: /moved/";
    let keyed = |name, key| Setting { name, spec: stack::spec(), key: Some(key) };
    vec![
        Setting::of("plain", &[]),
        Setting::of("network", &[("memory: 128", &network("a"))]),
        Setting::of("another network", &[("memory: 128", &network("b"))]),
        Setting::of("admin", &[("target: none", &admin("orders/db-admin"))]),
        Setting::of("another admin", &[("target: none", &admin("orders/root"))]),
        Setting::of("cache user", &[("target: none", cache), given]),
        Setting::of("queue", &[("retry: {", &queue("dead"))]),
        Setting::of("another queue", &[("retry: {", &queue("gone"))]),
        Setting::of("another function", &[("name: RotatePasswordFunction\n", "name: Renamed\n")]),
        Setting::of("another secret", &[("name: MyApp/DBPassword", "name: MyApp/Renamed")]),
        Setting::of("another path", &[("name: RotatePasswordFunction-role", path)]),
        Setting::of("network and queue", &[("memory: 128", &network("a")), ("retry: {", &queue("third"))]),
        keyed("key", KEYS[0]),
        keyed("another key", KEYS[1]),
    ]
}

/// What changes something and needs no answer of its own.
const CHANGES: [&str; 18] = [
    "lambda:DeleteFunction",
    "iam:PutRolePolicy",
    "iam:DeleteRolePolicy",
    "iam:DeleteRole",
    "iam:TagRole",
    "iam:UpdateRoleDescription",
    "lambda:UpdateFunctionConfiguration",
    "lambda:UpdateFunctionCode",
    "lambda:PutFunctionEventInvokeConfig",
    "lambda:TagResource",
    "logs:CreateLogGroup",
    "logs:PutRetentionPolicy",
    "logs:TagResource",
    "scheduler:UpdateSchedule",
    "scheduler:TagResource",
    "secretsmanager:UpdateSecret",
    "secretsmanager:TagResource",
    "scheduler:CreateSchedule",
];

async fn calls(before: &Setting, after: &Setting) -> Vec<Call> {
    let (live, wire, end) = (before.seen_by(after), Wire::new(), after.applied());
    world::reads(&wire, &live);
    for change in CHANGES {
        wire.always(change, done());
    }
    wire.always("iam:CreateRole", ok(world::role_body(end.execution_role.as_ref().unwrap())));
    wire.always("secretsmanager:CreateSecret", ok(json!({"ARN": stack::SECRET_ARN})));
    let (made, function) = (wire.clone(), end.function.clone());
    wire.always("lambda:CreateFunction", done().after(move || world::function(&made, function.as_ref())));
    let desired = after.desired(&live);
    let plan = plan::plan::apply(&after.spec, &desired, &live, &BTreeSet::new());
    let mutator = Mutator::to_apply(wire.clients(), desired, live, b"zip".to_vec(), Some(first_value()));
    let report = Box::pin(engine::run(&plan, &mutator, &Stop::default(), &|_| {})).await;
    assert!(report.is_done(), "{} to {}: {report:#?}", before.name, after.name);
    wire.all()
}

/// The role as a plan that is carried out leaves it between its two steps is no reason to call a saved plan stale; one that
/// somebody changed is.
#[tokio::test(start_paused = true)]
async fn a_saved_plan_knows_the_role_that_it_has_widened_itself_and_no_other() {
    let settings = settings();
    let the = |name: &str| settings.iter().find(|setting| setting.name == name).unwrap();
    for (before, after) in [("admin", "another admin"), ("network", "cache user"), ("key", "another key")] {
        for meddles in [false, true] {
            let (before, after) = (the(before), the(after));
            let (live, wire) = (before.seen_by(after), Wire::new());
            world::reads(&wire, &live);
            for change in CHANGES {
                wire.always(change, done());
            }
            let desired = after.desired(&live);
            let plan = plan::plan::apply(&after.spec, &desired, &live, &BTreeSet::new());
            let mut widened = live.clone();
            let role = widened.execution_role.as_mut().unwrap();
            role.policies = desired.execution_role.widened(live.execution_role.as_ref().unwrap()).policies;
            if meddles {
                role.policies.insert("Theirs".to_owned(), json!({"Statement": []}));
            }
            let seen = wire.clone();
            wire.always("iam:TagRole", done().after(move || world::reads(&seen, &widened)));
            let spec = SpecFile { path: String::new(), sha256: String::new() };
            let saved = Saved::of(&plan, &live, spec, BTreeSet::new(), stack::VERSION).live;
            let mutator = Mutator::to_apply(wire.clients(), desired, live, b"zip".to_vec(), Some(first_value()));
            let mutator = mutator.only_as_saved(Some(saved));
            let report = Box::pin(engine::run(&plan, &mutator, &Stop::default(), &|_| {})).await;
            let (_, outcome) = report.outcomes.iter().find(|(kind, _)| *kind == Kind::ExecutionRole).unwrap();
            match outcome {
                Outcome::Done(_) => assert!(!meddles),
                Outcome::Failed(error) => assert!(meddles && error.class == Class::Stale, "{error}"),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// What documents allow, statement by statement.
fn rights<'a>(documents: impl IntoIterator<Item = &'a Json>) -> Rights {
    let of = |document: &Json| policy::tidy(document)["Statement"].as_array().unwrap().clone();
    let all = documents.into_iter().flat_map(of);
    all.filter(|statement| statement["Effect"] == "Allow").map(|statement| statement.to_string()).collect()
}

/// Goes through the calls with a role, from what it was; gives what it is in the end, and whether it was ever narrowed.
fn follow(calls: &[Call], name: &str, role: &role::Live, after: &role::Desired, users: &[&str]) -> Option<usize> {
    let needed: Rights = rights(role.policies.values()).union(&rights(after.policies.values())).cloned().collect();
    let (mut policies, mut withdrawn) = (role.policies.clone(), None);
    for (at, call) in calls.iter().enumerate() {
        let text = |key: &str| call.body[key].as_str().unwrap_or_default().to_owned();
        match call.operation.as_str() {
            user if users.contains(&user) => {
                let missing: Vec<String> = needed.difference(&rights(policies.values())).cloned().collect();
                assert!(missing.is_empty(), "{user} without {missing:#?}");
            }
            _ if text("RoleName") != name => {}
            "iam:DeleteRole" => policies.clear(),
            "iam:PutRolePolicy" => {
                let before = rights(policies.values());
                policies.insert(text("PolicyName"), serde_json::from_str(&text("PolicyDocument")).unwrap());
                let is_narrower = !before.is_subset(&rights(policies.values()));
                withdrawn = withdrawn.or(is_narrower.then_some(at));
            }
            "iam:DeleteRolePolicy" => {
                policies.remove(&text("PolicyName"));
                withdrawn = withdrawn.or(Some(at));
            }
            _ => {}
        }
    }
    assert_eq!(policies.len(), after.policies.len());
    for (name, document) in &after.policies {
        assert!(policy::equivalent(&policies[name], document), "{name}: {:#}", policies[name]);
    }
    withdrawn
}

#[tokio::test(start_paused = true)]
async fn between_every_two_settings_rights_come_before_their_first_use_and_go_after_their_last() {
    let function = ["lambda:CreateFunction", "lambda:UpdateFunctionConfiguration", "lambda:UpdateFunctionCode"];
    let schedule = ["scheduler:UpdateSchedule", "scheduler:CreateSchedule"];
    let of_execution = [function.as_slice(), &schedule, &["secretsmanager:UpdateSecret"]].concat();
    let settings = settings();
    let (mut pairs, mut withdrawals) = (0, 0);
    for before in &settings {
        for after in settings.iter().filter(|after| after.name != before.name) {
            let calls = calls(before, after).await;
            let (live, desired) = (before.applied(), after.desired(&before.seen_by(after)));
            let (role, wanted) = (live.execution_role.unwrap(), &desired.execution_role);
            let is_moved = role.path != wanted.path;
            let withdrawn = follow(&calls, &wanted.name, &role, wanted, &of_execution);
            let invoked =
                follow(&calls, &desired.invoke_role.name, &live.invoke_role.unwrap(), &desired.invoke_role, &schedule);
            let last = calls.iter().rposition(|call| function.contains(&call.operation.as_str()));
            if let (Some(at), Some(last), false) = (withdrawn, last, is_moved) {
                let settled = calls[last..at].iter().any(|call| call.operation == "lambda:GetFunction");
                assert!(settled, "{} to {}: the function is not waited for", before.name, after.name);
            }
            pairs += 1;
            withdrawals += usize::from(withdrawn.is_some()) + usize::from(invoked.is_some());
        }
    }
    assert_eq!((pairs, withdrawals > 100), (14 * 13, true), "{withdrawals} withdrawals");
    println!("{pairs} pairs, {withdrawals} roles narrowed");
}
