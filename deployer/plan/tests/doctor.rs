//! Why it did not rotate: each finding where it is called for, and nowhere else.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod stack;

use std::collections::BTreeMap;

use contract::{Answer, LoginCheck, Outcome};
use jiff::{SignedDuration, Timestamp};
use plan::desired::Desired;
use plan::doctor::{
    Address, Concurrency, End, Evidence, Finding, Fix, Health, Invocation, Level, Queue, SelfCheck, TIMEOUT, Version,
    examine, holds_still, invocations, log_start, with_empty,
};
use plan::live::Live;
use plan::ownership::{STACK_TAG, applied_tag};
use plan::plan::Plan;
use plan::precondition::Unmet;
use plan::render::{Palette, doctor as text};
use plan::resource::Kind;
use plan::resource_policy::ResourcePolicy;
use plan::spec::Spec;
use serde_json::json;

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:dead-letters";

/// A stack, and all that was read of it.
struct Patient {
    spec: Spec,
    live: Live,
    desired: Desired,
    plan: Plan,
    unmet: Vec<Unmet>,
    function: Health,
    stored: Option<Timestamp>,
    versions: Vec<Version>,
    invocations: Vec<Invocation>,
    queue: Queue,
    self_check: SelfCheck,
    resource_policy: ResourcePolicy,
}

fn now() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

fn version(id: &str, labels: &[&str], minutes_ago: i64) -> Version {
    let labels = labels.iter().map(|label| (*label).to_owned()).collect();
    Version { id: id.to_owned(), labels, created: Some(ago(minutes_ago)), has_value: true }
}

fn answered(logins: &[(&str, LoginCheck)]) -> SelfCheck {
    let logins: BTreeMap<String, LoginCheck> = logins.iter().map(|(who, said)| ((*who).to_owned(), *said)).collect();
    let (secret_arn, version_id) = (stack::SECRET_ARN.to_owned(), Some("v2".to_owned()));
    SelfCheck::Answered(Answer { secret_arn, version_id, outcome: Outcome::Healthy, checks: vec![], logins })
}

fn failed(class: &str, text: &str) -> End {
    End::Failed { class: class.to_owned(), text: text.to_owned() }
}

impl Patient {
    /// A stack that rotated three minutes ago.
    fn of(spec: Spec) -> Self {
        let live = stack::applied(&spec);
        let (desired, plan) = (stack::desired(&spec, &live), stack::plan(&spec, &live));
        Self {
            live,
            desired,
            plan,
            unmet: vec![],
            function: Health {
                state: Some("Active".to_owned()),
                update: Some("Successful".to_owned()),
                modified: Some(ago(9_000)),
                ..Health::default()
            },
            stored: Some(ago(9_000)),
            versions: vec![version("v2", &["AWSCURRENT"], 3), version("v1", &["AWSPREVIOUS"], 8)],
            invocations: vec![Invocation { at: ago(3), end: End::Rotated }],
            queue: Queue::Unnamed,
            self_check: answered(&[]),
            resource_policy: ResourcePolicy::None,
            spec,
        }
    }

    fn healthy() -> Self {
        Self::of(stack::spec())
    }

    fn database() -> Self {
        let spec = stack::with(
            "target: none",
            "target: {postgres: {admin_secret: MyApp/Admin, connection: {host: db, username: app}}}",
        );
        let mut patient = Self::of(spec);
        patient.self_check = answered(&[("AWSCURRENT", LoginCheck::Opens), ("admin", LoginCheck::Opens)]);
        patient
    }

    fn managed() -> Self {
        let mut patient = Self::of(stack::managed());
        patient.live(|live| {
            let rotation = live.rotation.as_mut().unwrap();
            (rotation.last, rotation.next) = (Some(ago(9_000).to_string()), Some(ago(-9_000).to_string()));
        });
        (patient.versions[0].created, patient.versions[1].created) = (Some(ago(9_000)), Some(ago(18_000)));
        patient
    }

    fn live(&mut self, change: impl FnOnce(&mut Live)) {
        change(&mut self.live);
        self.desired = stack::desired(&self.spec, &self.live);
        self.plan = stack::plan(&self.spec, &self.live);
    }

    fn evidence(&self) -> Evidence<'_> {
        Evidence {
            spec: &self.spec,
            origin: "config/myapp.yaml",
            now: now(),
            live: &self.live,
            desired: &self.desired,
            plan: &self.plan,
            unmet: &self.unmet,
            function: Ok(Some(self.function.clone())),
            schedule_stored: self.stored,
            versions: Ok(self.versions.clone()),
            invocations: Ok(self.invocations.clone()),
            queue: self.queue.clone(),
            self_check: self.self_check.clone(),
            resource_policy: self.resource_policy.clone(),
        }
    }

    fn findings(&self) -> Vec<Finding> {
        examine(&self.evidence())
    }

    /// What is not good: level, address and words.
    fn told(&self) -> Vec<String> {
        let line = |one: &Finding| format!("{:?} {}: {}", one.level, one.address, one.what);
        self.findings().iter().filter(|one| one.level != Level::Good).map(line).collect()
    }

    fn text(&self) -> String {
        text(&self.spec, &self.findings(), &Palette::plain()).to_string()
    }

    fn the(&self, words: &str) -> Finding {
        let all = self.findings();
        all.iter().find(|one| one.what.contains(words)).unwrap_or_else(|| panic!("{words}: {all:#?}")).clone()
    }
}

#[test]
fn a_healthy_stack_has_a_good_word_for_each_resource() {
    for patient in [Patient::healthy(), Patient::database(), Patient::managed()] {
        assert_eq!(patient.told(), Vec::<String>::new());
        for kind in stack::kinds(&patient.spec) {
            assert!(patient.findings().iter().any(|one| one.address == kind.into()), "{kind}");
        }
    }
}

type Case = (fn() -> Patient, fn(&mut Patient), &'static [&'static str]);

/// What was changed, and all that is told of it.
const CASES: &[Case] = &[
    (
        Patient::healthy,
        |p| p.live(|live| live.schedule.as_mut().unwrap().settings.enabled = false),
        &["Problem schedule: it is disabled"],
    ),
    (
        Patient::healthy,
        |p| p.live(|live| live.schedule.as_mut().unwrap().start_date = Some(ago(-60).to_string())),
        &["Problem schedule: it does not fire before 2026-11-23 11:00 UTC"],
    ),
    (
        Patient::healthy,
        |p| p.live(|live| live.schedule.as_mut().unwrap().end_date = Some(ago(60).to_string())),
        &["Problem schedule: it fires no more since 2026-11-23 09:00 UTC"],
    ),
    (
        Patient::healthy,
        |p| p.live(|live| live.schedule.as_mut().unwrap().end_date = Some(ago(-60).to_string())),
        &["Notice schedule: it fires until 2026-11-23 11:00 UTC only"],
    ),
    (
        || Patient::of(stack::with("cron(0/5 * * * ? *)", "cron(0 0 1 1 ? 2026)")),
        |p| p.versions[0].created = Some(ago(400_000)),
        &["Problem schedule: it fires never again: cron(0 0 1 1 ? 2026) UTC"],
    ),
    (
        || Patient::of(stack::with("cron(0/5 * * * ? *)", "at(2026-11-23T09:57:00)")),
        |_| {},
        &["Notice schedule: it fires never again: at(2026-11-23T09:57:00) UTC"],
    ),
    (
        Patient::healthy,
        |p| p.live(|live| live.invoke_role.as_mut().unwrap().trust = serde_json::json!({})),
        &["Problem invoke-role: the schedule may not assume its invoke role"],
    ),
    (
        Patient::healthy,
        |p| p.live(|live| live.execution_role.as_mut().unwrap().policies.clear()),
        &["Problem execution-role: the function's role lacks its policy KMSDecryptForRotation"],
    ),
    (
        Patient::healthy,
        |p| p.live(|live| live.function.as_mut().unwrap().settings.memory = 256),
        &["Notice function: RotatePasswordFunction was changed, in what no rotation hangs on"],
    ),
    (
        Patient::healthy,
        |p| p.live(|live| live.invoke_role = None),
        &["Problem invoke-role: RotatePasswordSchedule-invoke is not there: the schedule can't invoke the function"],
    ),
    (
        Patient::healthy,
        |p| p.live(|live| drop(stack::tags_mut(live, Kind::Secret).insert(STACK_TAG.into(), "other".into()))),
        &["Problem secret: MyApp/DBPassword is not this stack's"],
    ),
    (
        Patient::healthy,
        |p| p.live(|live| live.secret.as_mut().unwrap().deleted = Some(ago(60).to_string())),
        &["Problem secret: MyApp/DBPassword is scheduled for deletion since 2026-11-23T09:00:00Z"],
    ),
    (
        Patient::healthy,
        |p| {
            let rules = stack::applied(&stack::managed()).rotation;
            p.live(|live| live.rotation = rules);
        },
        &["Problem rotation: Secrets Manager starts rotations as well"],
    ),
    (
        Patient::managed,
        |p| p.live(|live| live.rotation = None),
        &["Problem rotation: the secret's rotation is off: Secrets Manager starts none"],
    ),
    (
        Patient::managed,
        |p| p.live(|live| live.permission = None),
        &["Problem permission: Secrets Manager may not invoke the function"],
    ),
    (
        Patient::managed,
        |p| p.live(|live| live.rotation.as_mut().unwrap().settings.function_arn = "arn:other".into()),
        &["Problem rotation: Secrets Manager invokes another function"],
    ),
    (
        Patient::managed,
        |p| p.live(|live| live.rotation.as_mut().unwrap().next = Some(ago(120).to_string())),
        &["Problem rotations: due at 2026-11-23 08:00 UTC, did not rotate"],
    ),
    (
        Patient::healthy,
        |p| p.function.state = Some("Failed".into()),
        &["Problem function: its state is Failed: it can't be invoked"],
    ),
    (Patient::healthy, |p| p.function.state = Some("Pending".into()), &["Problem function: it is Pending for 6 days"]),
    (
        Patient::healthy,
        |p| (p.function.state, p.function.modified) = (Some("Pending".into()), Some(ago(1))),
        &["Notice function: it is being made ready"],
    ),
    (
        Patient::healthy,
        |p| p.function.state = Some("Inactive".into()),
        &[
            "Notice function: Lambda has put it to rest after a long idle time: the next invocation wakes it, and may fail",
        ],
    ),
    (
        Patient::healthy,
        |p| p.function.update = Some("Failed".into()),
        &["Problem function: its last update failed: it runs as it was before"],
    ),
    (
        Patient::healthy,
        |p| p.function.concurrency = Concurrency::Reserved(0),
        &["Problem function: its reserved concurrency is 0: nothing can run"],
    ),
    (Patient::healthy, |p| p.function.concurrency = Concurrency::Reserved(1), &[]),
    (Patient::healthy, |p| p.versions = vec![], &["Problem secret: it has no value: no version is AWSCURRENT"]),
    (
        Patient::healthy,
        |p| p.versions.push(version("v3", &["AWSPENDING", "rotator-base-v2-v3"], 1)),
        &["Notice secret: version v3 is AWSPENDING for 60 s: a rotation is under way"],
    ),
    (
        Patient::healthy,
        |p| p.versions.push(version("v3", &["AWSPENDING", "rotator-base-v2-v3"], 5)),
        &["Problem secret: version v3 is AWSPENDING for 5 min: a rotation has not ended"],
    ),
    (
        Patient::healthy,
        |p| p.versions.push(version("v3", &["rotator-base-v2-v3"], 1)),
        &["Problem secret: a rotation to version v3 lost AWSPENDING to another one, and has not ended"],
    ),
    (
        Patient::healthy,
        |p| p.versions.push(version("v3", &["rotator-base-v1-v3"], 1)),
        &["Notice secret: labels that have served were left behind"],
    ),
    (
        Patient::healthy,
        |p| p.versions.push(version("v3", &["AWSPENDING"], 0)),
        &["Problem secret: version v3 is AWSPENDING for 0 s: a rotation has not ended"],
    ),
    (
        Patient::healthy,
        |p| p.versions[0].labels.push("AWSPENDING".into()),
        &["Notice secret: labels that have served were left behind"],
    ),
    (Patient::managed, |p| p.versions[0].labels.push("AWSPENDING".into()), &[]),
    (
        Patient::healthy,
        |p| p.versions.extend((0..78).map(|n| version(&n.to_string(), &[], 60))),
        &["Notice secret: it has 80 versions, and AWS keeps about 100"],
    ),
    (
        Patient::healthy,
        |p| (p.versions, p.invocations) = (vec![version("v1", &["AWSCURRENT"], 600)], vec![]),
        &["Problem rotations: due at 2026-11-23 08:50 UTC, did not rotate"],
    ),
    // Its window and its retries are not over.
    (Patient::healthy, |p| (p.versions, p.invocations) = (vec![version("v1", &["AWSCURRENT"], 69)], vec![]), &[]),
    // The schedule was not there yet.
    (
        Patient::healthy,
        |p| {
            (p.versions, p.invocations) = (vec![version("v1", &["AWSCURRENT"], 600)], vec![]);
            p.stored = Some(ago(30));
        },
        &[],
    ),
    (
        Patient::healthy,
        |p| p.invocations.push(Invocation { at: ago(1), end: End::TimedOut }),
        &["Problem rotations: the last one failed 60 s ago"],
    ),
    (Patient::healthy, |p| p.invocations.insert(0, Invocation { at: ago(9), end: failed("network", "read: x") }), &[]),
    (
        Patient::healthy,
        |p| p.queue = Queue::Absent,
        &["Problem dead-letter-queue: the queue is not there: what can't be delivered is lost"],
    ),
    (Patient::healthy, |p| p.queue = Queue::Holds(0), &[]),
    (
        Patient::healthy,
        |p| p.queue = Queue::Holds(2),
        &["Notice dead-letter-queue: it holds 2 of what could not be delivered"],
    ),
    (
        Patient::healthy,
        |p| p.self_check = SelfCheck::Unasked("denied".into()),
        &["Notice function: the function could not be asked whether it can rotate"],
    ),
    (
        Patient::healthy,
        |p| p.self_check = SelfCheck::Failed { class: "permission".into(), text: "check: denied".into() },
        &["Problem function: its self-check failed"],
    ),
    (
        Patient::database,
        |p| p.self_check = answered(&[("AWSCURRENT", LoginCheck::Unreachable)]),
        &["Problem target: the function does not reach it, or not safely"],
    ),
    (
        Patient::database,
        |p| p.self_check = answered(&[("AWSCURRENT", LoginCheck::Opens), ("admin", LoginCheck::Refused)]),
        &["Problem target: it refuses the admin's secret"],
    ),
    (
        Patient::database,
        |p| p.self_check = answered(&[("AWSCURRENT", LoginCheck::Refused)]),
        &["Problem target: it refuses the current value: readers are locked out"],
    ),
];

#[test]
fn each_fault_gives_its_finding_and_no_other() {
    for (number, (patient, change, expected)) in CASES.iter().enumerate() {
        let mut patient = patient();
        change(&mut patient);
        assert_eq!(patient.told(), *expected, "case {number}");
    }
}

#[test]
fn every_problem_says_what_to_do_next() {
    for (patient, change, _) in CASES {
        let mut patient = patient();
        change(&mut patient);
        for finding in patient.findings() {
            assert!(finding.level != Level::Problem || finding.mend.is_some(), "{finding:#?}");
        }
    }
}

fn poisoned() -> Patient {
    let mut patient = Patient::database();
    patient.versions.push(version("v3", &["AWSPENDING", "rotator-base-v2-v3"], 20));
    patient.self_check = answered(&[
        ("AWSCURRENT", LoginCheck::Opens),
        ("AWSPENDING", LoginCheck::Refused),
        ("admin", LoginCheck::Opens),
    ]);
    patient
}

#[test]
fn a_poisoned_pending_value_is_dropped_only_where_the_current_one_opens() {
    use LoginCheck::{Opens, Refused, Unreachable};
    let fixes = vec![
        Fix::DropPending { version: "v3".into(), current: "v2".into() },
        Fix::RemoveLabel { version: "v3".into(), label: "rotator-base-v2-v3".into() },
    ];
    assert_eq!(poisoned().the("refuses the pending").fixes, fixes);
    for (current, pending) in
        [(Refused, Refused), (Unreachable, Refused), (Opens, Opens), (Opens, Unreachable), (Refused, Opens)]
    {
        let mut patient = poisoned();
        patient.self_check = answered(&[("AWSCURRENT", current), ("AWSPENDING", pending)]);
        assert!(patient.findings().iter().all(|one| one.fixes.is_empty()), "{current:?} {pending:?}");
        assert_eq!(patient.the("a rotation has not ended").level, Level::Problem, "{current:?} {pending:?}");
    }
    let mut under_way = poisoned();
    under_way.versions[2].created = Some(ago(1));
    assert!(under_way.findings().iter().all(|one| one.fixes.is_empty()));
}

#[test]
fn a_fix_that_the_labels_no_longer_call_for_is_none() {
    let before = poisoned().versions;
    let [drop, base] = &poisoned().the("refuses the pending").fixes[..] else { panic!() };
    assert!(holds_still(drop, false, &before));
    // Its base is of use as long as it is pending.
    assert!(!holds_still(base, false, &before));
    let mut dropped = before.clone();
    dropped[2].labels.remove(0);
    assert!(holds_still(base, false, &dropped) && !holds_still(drop, false, &dropped));
    let mut moved = before;
    (moved[0].labels, moved[2].labels) = (vec!["AWSPREVIOUS".into()], vec!["AWSPENDING".into(), "AWSCURRENT".into()]);
    assert!(!holds_still(drop, false, &moved));
}

#[test]
fn what_a_crash_left_behind_is_told_label_by_label() {
    let mut patient = Patient::healthy();
    patient.versions = vec![
        version("v3", &["AWSCURRENT", "AWSPENDING", "rotator-base-v2-v3"], 3),
        version("v2", &["AWSPREVIOUS", "rotator-tick-t"], 8),
        version("v1", &["rotator-base-v0-v1"], 13),
        version("v0", &["of-somebody"], 18),
    ];
    let removals: Vec<_> = patient.the("left behind").fixes.iter().map(|fix| fix.removal().1.to_owned()).collect();
    assert_eq!(removals, ["AWSPENDING", "rotator-base-v2-v3", "rotator-tick-t", "rotator-base-v0-v1"]);
}

const MOVE: &str = "aws secretsmanager update-secret-version-stage --region us-east-1 --secret-id MyApp/DBPassword \
                    --version-stage AWSCURRENT --move-to-version-id v3 --remove-from-version-id v2";
const ROTATE: &str = "deploy rotate config/myapp.yaml";

/// A database whose server refuses the current value, with a pending one that is 20 minutes old; and what logs in.
fn locked_out(target: &str, logs_in: &[&str]) -> Patient {
    let mut patient = Patient::of(stack::edited(|text| {
        text.replace("initial: generate", "initial: {env: APP_PASSWORD}").replace("target: none", target)
    }));
    patient.versions.push(version("v3", &["AWSPENDING", "rotator-base-v2-v3"], 20));
    let has_admin = target.contains("admin_secret");
    let asked = ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS", "admin"].into_iter();
    let said = |who| (who, if logs_in.contains(&who) { LoginCheck::Opens } else { LoginCheck::Refused });
    let logins: Vec<_> = asked.filter(|who| *who != "admin" || has_admin).map(said).collect();
    patient.self_check = answered(&logins);
    let text = "test: the server accepts neither the pending nor the current value";
    patient.invocations.push(Invocation { at: ago(1), end: failed("lockout", text) });
    patient
}

#[test]
fn a_lock_out_has_one_command_that_restores_access_by_what_logs_in() {
    let admin = "target: {postgres: {admin_secret: MyApp/Admin, connection: {host: db, username: app}}}";
    let own = "target: {postgres: {connection: {host: db, username: app}}}";
    let cache = "target: {redis: {elasticache_user: app}}";
    for (target, logs_in, next) in [
        (admin, &["admin"][..], ROTATE),
        (admin, &["admin", "AWSPENDING", "AWSPREVIOUS"], ROTATE),
        (admin, &["AWSPENDING"], MOVE),
        (own, &["AWSPENDING"], MOVE),
        (own, &["AWSPENDING", "AWSPREVIOUS"], MOVE),
        (own, &["AWSPREVIOUS"], ROTATE),
        (cache, &[], ROTATE),
    ] {
        let patient = locked_out(target, logs_in);
        for words in ["readers are locked out", "the last one failed", "a rotation has not ended"] {
            assert_eq!(patient.the(words).mend.as_deref(), Some(next), "{target} {logs_in:?} {words}");
        }
    }
}

#[test]
fn where_no_rotation_restores_access_none_is_said_to() {
    let admin = "target: {postgres: {admin_secret: MyApp/Admin, connection: {host: db, username: app}}}";
    // The previous value is the other user's, whose password does not help this one.
    for logs_in in [&[][..], &["AWSPREVIOUS"]] {
        let finding = locked_out(admin, logs_in).the("readers are locked out");
        assert_eq!(finding.mend.unwrap(), format!("put the admin's true password into MyApp/Admin, then {ROTATE}"));
    }
    let patient = locked_out("target: {postgres: {connection: {host: db, username: app}}}", &[]);
    let by_hand = patient.the("readers are locked out").mend.unwrap();
    assert!(by_hand.starts_with("set the user's password on the server"), "{by_hand}");
    assert!(by_hand.contains("put-secret-value") && by_hand.ends_with(&format!("then {ROTATE}")), "{by_hand}");
    assert!(patient.findings().iter().all(|one| !one.why.iter().any(|why| why.contains("the next rotation restores"))));
    // Nothing is known of the logins.
    let mut unasked = patient;
    unasked.self_check = SelfCheck::Unasked("denied".into());
    assert_eq!(unasked.the("the last one failed").mend, Some(by_hand));
}

#[test]
fn a_rotation_that_is_under_way_locks_nobody_out() {
    let mut patient = locked_out("target: {postgres: {connection: {host: db, username: app}}}", &["AWSPENDING"]);
    patient.versions[2].created = Some(ago(0));
    let finding = patient.the("readers are locked out");
    assert_eq!(finding.mend.as_deref(), Some("deploy doctor config/myapp.yaml"));
}

#[test]
fn a_version_s_id_is_one_word_of_the_command_whoever_chose_it() {
    let mut patient = locked_out("target: {postgres: {connection: {host: db, username: app}}}", &["AWSPENDING"]);
    patient.versions[2].id = "$(touch x); it's".to_owned();
    let next = patient.the("readers are locked out").mend.unwrap();
    assert!(next.contains(r"--move-to-version-id '$(touch x); it'\''s' --remove"), "{next}");
}

#[test]
fn locked_out_for_good() {
    let patient = locked_out("target: {mysql: {connection: {host: db, username: app}}}", &["AWSPENDING"]);
    insta::assert_snapshot!(patient.text());
}

#[test]
fn each_class_of_failure_has_its_own_advice() {
    let advice = |class: &str| {
        let mut patient = Patient::healthy();
        patient.invocations.push(Invocation { at: ago(1), end: failed(class, "set: it failed") });
        let finding = patient.the("the last one failed");
        (finding.why[1].clone(), finding.mend.unwrap())
    };
    let classes = "permission network credential lockout policy conflict throttled value config not-found internal";
    let all: std::collections::BTreeSet<_> = classes.split(' ').map(|class| advice(class).0).collect();
    assert_eq!(all.len(), 11);
    assert_eq!(advice("policy").1, "correct the spec's `password`, then deploy apply config/myapp.yaml");
    assert_eq!(advice("network").1, "deploy rotate config/myapp.yaml");
    assert_eq!(advice("something new").1, "deploy logs config/myapp.yaml --since 1d");
}

#[test]
fn a_self_check_that_finds_that_no_rotation_can_succeed_has_its_cause_and_its_fix() {
    for (class, fix) in [
        ("config", "change what it names, on the server or in the spec, then deploy apply config/myapp.yaml"),
        ("permission", "grant what it names, then deploy rotate config/myapp.yaml"),
        ("conflict", "compare the secret's value with the spec's `connection`, then deploy rotate config/myapp.yaml"),
        ("value", "correct the one or the other, then deploy rotate config/myapp.yaml"),
    ] {
        let mut patient = Patient::database();
        patient.self_check = SelfCheck::Failed { class: class.into(), text: "check: the server is read-only".into() };
        let finding = patient.the("its self-check failed");
        assert_eq!(finding.level, Level::Problem);
        assert_eq!(finding.why[0], format!("{class}: check: the server is read-only"));
        assert_eq!(finding.mend.as_deref(), Some(fix), "{class}");
        // What a person has changed meanwhile comes first.
        patient.live(|live| live.execution_role.as_mut().unwrap().policies.clear());
        let next = patient.the("its self-check failed").mend.unwrap();
        assert!(class == "value" || next == "deploy apply config/myapp.yaml", "{class}: {next}");
    }
}

#[test]
fn the_log_is_understood_and_questions_are_no_rotations() {
    let lines = [
        r#"{"level":"INFO","message":"done","requestId":"r","versionId":"v","outcome":"rotated","durationMs":9}"#,
        r#"{"level":"INFO","message":"done","outcome":"healthy"}"#,
        r#"{"level":"INFO","message":"done","outcome":"already-rotated"}"#,
        r#"{"level":"INFO","message":"done","outcome":"step-done"}"#,
        r#"{"level":"ERROR","message":"failed","step":"set","class":"network","error":"set: no\u001b[2J way"}"#,
        r#"{"level":"ERROR","message":"failed","step":"check","class":"value","error":"check: x"}"#,
        r#"{"level":"ERROR","message":"failed","step":"invoke","class":"network","error":"invoke: the function's timeout was too short; it goes on"}"#,
        r#"{"_aws":{},"RotationSucceeded":1}"#,
        "START RequestId: r Version: $LATEST",
        "2026-11-23T10:00:00Z r Task timed out after 3.00 seconds",
        "RequestId: r Error: Runtime exited with error: exit status 1",
    ];
    let ends: Vec<End> = invocations(lines.map(|line| (now(), line))).into_iter().map(|one| one.end).collect();
    let expected = [
        End::Rotated,
        End::Rotated,
        End::Done,
        failed("network", "set: no[2J way"),
        End::TimedOut,
        End::TimedOut,
        End::Crashed,
    ];
    assert_eq!(ends, expected);
}

#[test]
fn the_log_is_looked_through_for_two_intervals_and_a_day_at_least() {
    let back = |spec: &Spec| log_start(spec, now()).duration_until(now()).as_hours();
    assert_eq!(back(&stack::spec()), 24);
    assert_eq!(back(&stack::with("cron(0/5 * * * ? *)", "rate(7 days)")), 14 * 24);
    assert_eq!(back(&stack::managed()), 60 * 24);
    assert_eq!(back(&stack::managed_by("{every_days: 1000}")), 90 * 24);
}

#[test]
fn a_rate_is_due_from_when_it_was_stored() {
    let mut patient = Patient::of(stack::with("cron(0/5 * * * ? *)", "rate(2 days)"));
    (patient.versions, patient.invocations) = (vec![version("v1", &["AWSCURRENT"], 9_000)], vec![]);
    patient.stored = Some("2026-11-20T09:00:00Z".parse().unwrap());
    assert_eq!(patient.told(), ["Problem rotations: due at 2026-11-22 09:00 UTC, did not rotate"]);
    patient.stored = Some("2026-11-21T10:00:00Z".parse().unwrap());
    assert_eq!(patient.told(), Vec::<String>::new());
}

#[test]
fn what_the_spec_changed_is_a_notice_until_it_is_applied_but_for_who_may_assume_and_invoke() {
    let forget = |live: &mut Live, kind| drop(stack::tags_mut(live, kind).remove(applied_tag(kind)));
    let mut patient = Patient::healthy();
    patient.live(|live| {
        stack::tags_mut(live, Kind::ScheduleGroup).remove(applied_tag(Kind::Schedule));
        live.schedule.as_mut().unwrap().settings.retry_attempts = 3;
        forget(live, Kind::InvokeRole);
        live.invoke_role.as_mut().unwrap().trust = serde_json::json!({});
    });
    let lines = [
        "Problem invoke-role: the schedule may not assume its invoke role",
        "Notice schedule: RotatePasswordSchedule is not yet as the spec says",
    ];
    assert_eq!(patient.told(), lines);
}

#[test]
fn a_log_that_does_not_reach_back_accuses_nobody() {
    let mut patient = Patient::of(stack::with("cron(0/5 * * * ? *)", "cron(0 8 1 * ? *)"));
    patient.stored = Some(ago(200_000));
    (patient.versions, patient.invocations) = (vec![version("v1", &["AWSCURRENT"], 90_000)], vec![]);
    assert_eq!(
        patient.the("due at 2026-11-01 08:00 UTC").why[0],
        "no invocation since then: the schedule did not reach the function"
    );
    patient.live(|live| live.log_group.as_mut().unwrap().retention_days = Some(14));
    assert_eq!(patient.the("due at 2026-11-01 08:00 UTC").why, ["the log does not reach back to then"]);
}

#[test]
fn a_path_with_blanks_is_quoted_in_commands() {
    let mut patient = Patient::healthy();
    patient.live(|live| live.invoke_role = None);
    let mut evidence = patient.evidence();
    evidence.origin = "my specs/it's.yaml";
    let mends: Vec<_> = examine(&evidence).into_iter().filter_map(|one| one.mend).collect();
    assert_eq!(mends, [r"deploy apply 'my specs/it'\''s.yaml'"]);
}

#[test]
fn healthy() {
    let mut patient = Patient::of(stack::with("retry: {", &format!("dead_letter_queue: {QUEUE}\n  retry: {{")));
    patient.queue = Queue::Holds(0);
    insta::assert_snapshot!(patient.text());
}

#[test]
fn poisoned_pending() {
    insta::assert_snapshot!(poisoned().text());
}

#[test]
fn permission_drift() {
    let mut patient = Patient::healthy();
    patient.live(|live| {
        live.execution_role.as_mut().unwrap().policies.remove("SecretsManagerRotation");
        live.invoke_role.as_mut().unwrap().trust = serde_json::json!({});
    });
    let text = "check: secretsmanager:DescribeSecret was denied to the function's role on this secret";
    patient.self_check = SelfCheck::Failed { class: "permission".into(), text: text.into() };
    insta::assert_snapshot!(patient.text());
}

#[test]
fn never_invoked() {
    let mut patient = Patient::healthy();
    (patient.versions, patient.invocations) = (vec![version("v1", &["AWSCURRENT"], 600)], vec![]);
    insta::assert_snapshot!(patient.text());
}

#[test]
fn none_opens() {
    let mut patient = Patient::of(stack::edited(|text| {
        text.replace("initial: generate", "initial: {env: APP_PASSWORD}")
            .replace("target: none", "target: {postgres: {connection: {host: db, username: app}}}")
    }));
    patient.self_check = answered(&[("AWSCURRENT", LoginCheck::Refused), ("AWSPREVIOUS", LoginCheck::Refused)]);
    let text = "set: the target accepts neither the pending, nor the current, nor the previous value";
    patient.invocations.push(Invocation { at: ago(1), end: failed("credential", text) });
    insta::assert_snapshot!(patient.text());
}

fn empty(id: &str) -> Version {
    let labels = [(id.to_owned(), vec!["AWSPENDING".to_owned()])].into();
    let mut made = with_empty(Vec::new(), &labels);
    assert_eq!(made.len(), 1);
    made.remove(0)
}

#[test]
fn versions_that_no_list_has_are_added_from_the_labels_and_have_no_value() {
    let listed = vec![version("v1", &["AWSCURRENT"], 3)];
    let labels = |id: &str, label: &str| (id.to_owned(), vec![label.to_owned()]);
    let all = with_empty(listed.clone(), &[labels("v1", "AWSCURRENT"), labels("v2", "AWSPENDING")].into());
    assert_eq!(all, [listed[0].clone(), empty("v2")]);
    assert_eq!(with_empty(listed.clone(), &BTreeMap::new()), listed);
}

#[test]
fn an_empty_pending_version_is_a_problem_that_a_fix_takes_away() {
    for (mut patient, why) in [
        (Patient::managed(), "Secrets Manager takes it for a rotation under way, and refuses to begin another"),
        (Patient::healthy(), "a rotation of Secrets Manager's own left it; the next one takes its label"),
    ] {
        patient.versions.push(empty("v3"));
        patient.live(|live| live.secret.as_mut().unwrap().changed = Some(ago(60).to_string()));
        let what = "Problem secret: version v3 is AWSPENDING and has no value: a rotation ended before it made one";
        assert_eq!(patient.told(), [what]);
        let finding = patient.findings().into_iter().find(|one| one.level == Level::Problem).unwrap();
        let fix = Fix::DropEmptyPending { version: "v3".to_owned() };
        assert_eq!((finding.why, &finding.fixes), (vec![why.to_owned()], &vec![fix.clone()]));
        assert_eq!(finding.mend.unwrap(), "deploy doctor config/myapp.yaml --fix");
        assert!(holds_still(&fix, true, &patient.versions));
        patient.versions.last_mut().unwrap().has_value = true;
        assert!(!holds_still(&fix, true, &patient.versions), "it has got a value since");
    }
}

#[test]
fn an_empty_pending_version_of_a_secret_that_has_just_changed_may_be_a_rotation_under_way() {
    let mut patient = Patient::managed();
    patient.versions.push(empty("v3"));
    patient.live(|live| live.secret.as_mut().unwrap().changed = Some(ago(1).to_string()));
    assert_eq!(patient.told(), ["Notice secret: version v3 is AWSPENDING: a rotation is under way"]);
    assert!(patient.findings().iter().all(|finding| finding.fixes.is_empty()));
}

#[test]
fn a_self_check_that_takes_too_long_wants_a_longer_timeout() {
    let mut patient = Patient::healthy();
    let text = "Task timed out after 30.00 seconds".to_owned();
    patient.self_check = SelfCheck::Failed { class: TIMEOUT.to_owned(), text };
    let finding = patient.findings().into_iter().find(|one| one.level == Level::Problem).unwrap();
    assert_eq!(finding.mend.unwrap(), "raise the spec's `function.timeout`, then deploy apply config/myapp.yaml");
}

#[test]
fn a_schedule_under_an_old_name_is_a_notice_with_the_command_that_removes_it() {
    let mut patient = Patient::healthy();
    patient.live(|live| live.schedules_in_group.push("Old".to_owned()));
    let (desired, plan) = (stack::desired(&patient.spec, &patient.live), stack::plan(&patient.spec, &patient.live));
    (patient.desired, patient.plan) = (desired, plan);
    let findings = patient.findings();
    let found: Vec<_> = findings.iter().filter(|finding| finding.what.contains("not a name of the spec")).collect();
    assert_eq!((found.len(), found[0].level), (1, Level::Notice));
    let next = found[0].mend.as_deref().unwrap();
    assert!(
        next.starts_with("aws scheduler delete-schedule --region us-east-1") && next.contains("--name Old"),
        "{next}"
    );
}

#[test]
fn a_resource_policy_that_lets_another_account_in_is_a_problem_and_named_first() {
    let allow =
        |principal: &str| json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "secretsmanager:*"});
    let (theirs, ours) = (allow("arn:aws:iam::999999999999:root"), allow("arn:aws:iam::123456789012:role/app"));
    let patient = |statements: &[&serde_json::Value]| {
        let mut patient = Patient::healthy();
        patient.resource_policy = ResourcePolicy::Document(json!({"Statement": statements}));
        patient
    };
    let finding = patient(&[&ours, &theirs]).the("its resource policy");
    assert_eq!(finding.level, Level::Problem);
    assert!(finding.why[0].starts_with("another account: arn:aws:iam::999999999999:root may read"), "{finding:#?}");
    assert!(finding.why[1].starts_with("this account: "), "{finding:#?}");
    assert_eq!(patient(&[&ours]).the("its resource policy").level, Level::Good);
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:GetSecretValue"});
    assert_eq!(patient(&[&ours, &deny]).the("its resource policy").level, Level::Notice);
    assert!(Patient::healthy().findings().iter().all(|one| !one.what.contains("resource policy")));
    let mut denied = Patient::healthy();
    denied.resource_policy = ResourcePolicy::Unread("denied\nnext: allow it".to_owned());
    let finding = denied.the("its resource policy can't be read");
    assert_eq!((finding.level, finding.why), (Level::Notice, vec!["denied".to_owned(), "next: allow it".to_owned()]));
}

#[test]
fn what_keeps_an_apply_from_being_done_is_a_problem_with_its_way_out() {
    let mut patient = Patient::healthy();
    let unmet = |address: Address| Unmet {
        address,
        key: None,
        what: "the key is disabled".to_owned(),
        fix: "aws kms enable-key".to_owned(),
    };
    patient.unmet = vec![unmet(Kind::Secret.into()), unmet(Address::DeadLetterQueue)];
    let told = |patient: &Patient| {
        let found = examine(&patient.evidence());
        let found = found.into_iter().filter(|one| one.what == "the key is disabled");
        found.map(|one| (one.level, one.address, one.mend.unwrap())).collect::<Vec<_>>()
    };
    let problem = |address| (Level::Problem, address, "aws kms enable-key".to_owned());
    assert_eq!(told(&patient), [problem(Kind::Secret.into()), problem(Address::DeadLetterQueue)]);
    // That a queue is absent has a finding of its own.
    patient.queue = Queue::Absent;
    assert_eq!(told(&patient), [problem(Kind::Secret.into())]);
}
