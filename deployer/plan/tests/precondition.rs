//! What AWS would refuse or what could not work: known before the first change, with its place and what to do.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod stack;

use plan::desired::{Desired, Facts};
use plan::doctor::Address;
use plan::live::Live;
use plan::plan::TeardownOptions;
use plan::policy::{QUEUE_KEY_POLICY, use_queue_key};
use plan::precondition::{
    Answers, DeadLetterQueue, Key, Questions, QueueKey, Surroundings, Unmet, questions, to_apply, to_tear_down,
};
use plan::resource::Kind;
use plan::spec::Spec;

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:dead";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555";

fn key(state: &str) -> Key {
    let (usage, spec) = ("ENCRYPT_DECRYPT".to_owned(), "SYMMETRIC_DEFAULT".to_owned());
    Key { arn: KEY.to_owned(), state: state.to_owned(), usage, spec, deletion: None, is_aws_own: false }
}

fn with_queue() -> Spec {
    let mut spec = stack::spec();
    spec.schedule.dead_letter_queue = Some(QUEUE.to_owned());
    spec
}

/// What keeps it from being applied where its surroundings are so.
fn unmet(spec: &Spec, surroundings: &Surroundings) -> Vec<Unmet> {
    to_apply(spec, &Live::default(), surroundings, (&Questions::default(), &Answers::default()))
}

fn of_key(key: Key) -> Option<Unmet> {
    unmet(&stack::spec(), &Surroundings { secret_key: Some(key), ..Surroundings::default() }).pop()
}

#[test]
fn a_key_that_can_not_be_used_says_its_state_and_the_way_out() {
    // All states that KMS has.
    for (state, what, fix) in [
        ("Disabled", "is disabled", "aws kms enable-key --key-id"),
        ("PendingDeletion", "is to be deleted", "aws kms cancel-key-deletion --key-id"),
        ("PendingReplicaDeletion", "is to be deleted", "then aws kms enable-key --key-id"),
        ("PendingImport", "has no key material", "import"),
        ("Creating", "is still being created", "wait until it is enabled"),
        ("Unavailable", "key store is not connected", "connect the key store"),
        ("Dreaming", "is in the state Dreaming", "describe-key"),
    ] {
        let unmet = of_key(key(state)).unwrap_or_else(|| panic!("{state}"));
        assert_eq!((unmet.address, unmet.key), (Kind::Secret.into(), Some("secret.kms_key")), "{state}");
        assert!(unmet.what.contains(KEY) && unmet.what.contains(what) && unmet.fix.contains(fix), "{unmet:?}");
    }
    for state in ["Enabled", "Updating", ""] {
        assert_eq!(of_key(key(state)), None, "{state}");
    }
    let dated = Key { deletion: Some("2026-12-01T00:00:00Z".to_owned()), ..key("PendingDeletion") };
    assert!(of_key(dated).unwrap().what.ends_with("is to be deleted on 2026-12-01T00:00:00Z"));
}

#[test]
fn a_key_for_signing_or_of_two_halves_is_none_for_a_secret() {
    let signing = Key { usage: "SIGN_VERIFY".to_owned(), spec: "RSA_2048".to_owned(), ..key("Enabled") };
    let halves = Key { spec: "RSA_4096".to_owned(), ..key("Enabled") };
    for (key, what) in [(signing, "RSA_2048 for SIGN_VERIFY"), (halves, "RSA_4096 for ENCRYPT_DECRYPT")] {
        let unmet = of_key(key).unwrap();
        assert!(unmet.what.contains(what) && unmet.fix.contains("symmetric"), "{unmet:?}");
    }
}

#[test]
fn the_keys_of_the_admin_s_secret_and_of_the_queue_are_looked_at_as_well() {
    let queue = DeadLetterQueue::Present(QueueKey::Customer(key("Disabled")));
    let surroundings = Surroundings { secret_key: None, admin_key: Some(key("PendingDeletion")), queue };
    let places: Vec<_> = unmet(&with_queue(), &surroundings).iter().map(|one| (one.address, one.key)).collect();
    let queue = (Address::DeadLetterQueue, Some("schedule.dead_letter_queue"));
    assert_eq!(places, [(Address::Target, Some("target")), queue]);
}

#[test]
fn a_queue_that_is_not_there_is_told_with_the_command_that_makes_it() {
    let absent = Surroundings { queue: DeadLetterQueue::Absent, ..Surroundings::default() };
    let unmet = unmet(&with_queue(), &absent).pop().unwrap();
    assert_eq!(unmet.key, Some("schedule.dead_letter_queue"));
    assert!(
        unmet.what.contains(QUEUE)
            && unmet.fix.starts_with("aws sqs create-queue --region us-east-1 --queue-name dead")
    );
    for queue in [
        DeadLetterQueue::Unnamed,
        DeadLetterQueue::Present(QueueKey::Free),
        DeadLetterQueue::Present(QueueKey::Unknown),
    ] {
        assert_eq!(self::unmet(&with_queue(), &Surroundings { queue, ..Surroundings::default() }), []);
    }
}

#[test]
fn a_secret_that_another_service_or_region_owns_is_not_taken_under_rotation() {
    for (change, what) in [
        (
            (|live: &mut Live| live.secret.as_mut().unwrap().owning_service = Some("rds".to_owned())) as fn(&mut Live),
            "managed by rds",
        ),
        (
            |live| live.secret.as_mut().unwrap().primary_region = Some("eu-west-1".to_owned()),
            "a replica of the one in eu-west-1",
        ),
    ] {
        let spec = stack::spec();
        let mut live = stack::applied(&spec);
        change(&mut live);
        let none = (&Questions::default(), &Answers::default());
        let unmet = to_apply(&spec, &live, &Surroundings::default(), none).pop().unwrap();
        assert_eq!((unmet.address, unmet.key), (Kind::Secret.into(), Some("secret.name")));
        assert!(unmet.what.contains(what), "{unmet:?}");
    }
    let spec = stack::spec();
    let mut live = stack::applied(&spec);
    live.secret.as_mut().unwrap().primary_region = Some("us-east-1".to_owned());
    assert_eq!(to_apply(&spec, &live, &Surroundings::default(), (&Questions::default(), &Answers::default())), []);
}

#[test]
fn only_what_a_plan_hangs_on_is_asked_for() {
    let mut spec = stack::spec();
    spec.role.permissions_boundary = Some("arn:aws:iam::123456789012:policy/bound".to_owned());
    let asked = |live: &Live| questions(&spec, &stack::desired(&spec, live), &stack::plan(&spec, live), 7);
    let all = asked(&Live::default());
    assert_eq!(all.roles, ["RotatePasswordFunction-role", "RotatePasswordSchedule-invoke"]);
    assert_eq!((all.boundary.as_deref(), all.code), (Some("arn:aws:iam::123456789012:policy/bound"), Some(7)));
    let applied = stack::applied(&spec);
    assert_eq!(asked(&applied), Questions::default());
    let mut unbounded = applied.clone();
    unbounded.invoke_role.as_mut().unwrap().boundary = None;
    assert_eq!(asked(&unbounded), Questions { boundary: all.boundary.clone(), ..Questions::default() });
    let one = stack::without(applied.clone(), Kind::ExecutionRole);
    assert_eq!(asked(&one).roles, ["RotatePasswordFunction-role"]);
    let mut other_code = applied;
    other_code.function.as_mut().unwrap().settings.code_sha256 = "other".to_owned();
    assert_eq!(asked(&other_code), Questions { code: Some(7), ..Questions::default() });
}

#[test]
fn each_answer_that_stands_in_the_way_is_told() {
    let spec = stack::spec();
    let asked = Questions { roles: vec![], boundary: Some("arn:bound".to_owned()), code: Some(1_000) };
    let told = |answers: Answers| to_apply(&spec, &Live::default(), &Surroundings::default(), (&asked, &answers));
    assert_eq!(told(Answers { room: Some(1_000), ..Answers::default() }), []);
    let other_cases = vec!["rotatepasswordfunction-ROLE".to_owned(), "RotatePasswordSchedule-INVOKE".to_owned()];
    let roles = told(Answers { other_cases, ..Answers::default() });
    let places: Vec<_> = roles.iter().map(|one| (one.address, one.key.unwrap())).collect();
    assert_eq!(places, [(Kind::ExecutionRole.into(), "role.name"), (Kind::InvokeRole.into(), "schedule.name")]);
    assert!(
        roles[0].what.contains("RotatePasswordFunction-role") && roles[0].what.contains("rotatepasswordfunction-ROLE")
    );
    let boundary = told(Answers { is_boundary_absent: true, ..Answers::default() });
    assert_eq!((boundary.len(), boundary[0].key), (1, Some("role.permissions_boundary")));
    let full = told(Answers { room: Some(999), ..Answers::default() });
    assert!(full[0].what.contains("room for 999 bytes") && full[0].what.contains("takes 1000"), "{full:?}");
    let crowded = told(Answers { is_concurrency_used_up: true, ..Answers::default() });
    assert!(crowded[0].what.contains("concurrency"), "{crowded:?}");
}

#[test]
fn a_teardown_that_could_not_end_does_not_begin() {
    let spec = stack::spec();
    let mut live = stack::applied(&spec);
    live.secret.as_mut().unwrap().replicas = vec!["eu-west-1".to_owned(), "eu-west-3".to_owned()];
    live.log_group.as_mut().unwrap().is_protected = true;
    let told = |spec: &Spec, live: &Live| {
        let plan = plan::teardown::teardown(spec, &stack::desired(spec, live), live, TeardownOptions::default());
        to_tear_down(spec, live, &plan)
    };
    let unmet = told(&spec, &live);
    let whole: Vec<String> = unmet.iter().map(|one| format!("{}: {}\n{}", one.address, one.what, one.fix)).collect();
    insta::assert_snapshot!(whole.join("\n"), @"
    secret: the secret MyApp/DBPassword has replicas in eu-west-1, eu-west-3, and is not deleted before them
    aws secretsmanager remove-regions-from-replication --region us-east-1 --secret-id MyApp/DBPassword --remove-replica-regions eu-west-1 eu-west-3
    log-group: the log group /aws/lambda/RotatePasswordFunction is protected from deletion
    aws logs put-log-group-deletion-protection --region us-east-1 --log-group-identifier /aws/lambda/RotatePasswordFunction --no-deletion-protection-enabled
    ");
    // What stays is in nobody's way.
    let kept = stack::with("on_teardown: {recovery_window_days: 7}", "on_teardown: keep");
    assert_eq!(told(&kept, &live).len(), 1);
    live.log_group = None;
    assert_eq!(told(&kept, &live), []);
    assert_eq!(told(&spec, &stack::applied(&spec)), []);
}

#[test]
fn the_invoke_role_may_use_the_key_of_an_encrypted_queue_through_sqs_alone() {
    let spec = with_queue();
    let of = |queue_key_arn: Option<&str>| {
        let facts = Facts { queue_key_arn: queue_key_arn.map(str::to_owned), ..stack::facts() };
        Desired::of(&spec, &facts).invoke_role.policies
    };
    assert!(!of(None).contains_key(QUEUE_KEY_POLICY));
    insta::assert_snapshot!(format!("{:#}", of(Some(KEY))[QUEUE_KEY_POLICY]), @r#"
    {
      "Statement": [
        {
          "Action": [
            "kms:Decrypt",
            "kms:GenerateDataKey"
          ],
          "Condition": {
            "StringEquals": {
              "kms:ViaService": "sqs.us-east-1.amazonaws.com"
            }
          },
          "Effect": "Allow",
          "Resource": "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
        }
      ],
      "Version": "2012-10-17"
    }
    "#);
    let facts = Facts { queue_key_arn: Some(KEY.to_owned()), ..stack::facts() };
    assert!(!Desired::of(&stack::spec(), &facts).invoke_role.policies.contains_key(QUEUE_KEY_POLICY));
}

#[test]
fn a_queue_that_may_not_be_read_takes_no_right_away() {
    let spec = with_queue();
    let mut live = stack::applied(&spec);
    let unknown = Surroundings { queue: DeadLetterQueue::Present(QueueKey::Unknown), ..Surroundings::default() };
    assert_eq!(unknown.queue_key_arn(&live), None);
    let policies = &mut live.invoke_role.as_mut().unwrap().policies;
    policies.insert(QUEUE_KEY_POLICY.to_owned(), use_queue_key(&spec, KEY));
    assert_eq!(unknown.queue_key_arn(&live).as_deref(), Some(KEY));
    let free = Surroundings { queue: DeadLetterQueue::Present(QueueKey::Free), ..Surroundings::default() };
    assert_eq!(free.queue_key_arn(&live), None);
    let other = DeadLetterQueue::Present(QueueKey::Customer(Key { arn: "arn:other".to_owned(), ..Key::default() }));
    assert_eq!(Surroundings { queue: other, ..free }.queue_key_arn(&live).as_deref(), Some("arn:other"));
}
