//! Whom the secret's resource policy lets in, and where a person sees it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod stack;

use std::collections::BTreeSet;

use plan::live::Live;
use plan::ownership::{APPLIED_TAG, STACK_TAG};
use plan::plan::{Plan, Verb};
use plan::render::{Palette, markdown, plan as text};
use plan::resource::Kind;
use plan::resource_policy::{ResourcePolicy, Whose};
use plan::saved::{Saved, SpecFile};
use serde_json::{Value as Json, json};

const ACCOUNT: &str = "123456789012";
const READ: &str = "secretsmanager:GetSecretValue";

fn allow(principal: &Json, action: &Json) -> Json {
    json!({"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"})
}

fn policy(statements: &[Json]) -> ResourcePolicy {
    ResourcePolicy::Document(json!({"Version": "2012-10-17", "Statement": statements}))
}

fn plan_with(policy: &ResourcePolicy) -> Plan {
    let spec = stack::spec();
    stack::plan(&spec, &stack::applied(&spec)).with_resource_policy(&spec, policy)
}

#[test]
fn a_principal_is_known_by_each_form_that_a_policy_has_for_it() {
    let aws = |name: &str| json!({"AWS": name});
    for (principal, whose, is_exposure) in [
        (json!("*"), Whose::Everyone, true),
        (aws("*"), Whose::Everyone, true),
        (json!({"AWS": ["*"]}), Whose::Everyone, true),
        (aws("999999999999"), Whose::AnotherAccount, true),
        (aws("arn:aws:iam::999999999999:root"), Whose::AnotherAccount, true),
        (aws("arn:aws-cn:iam::999999999999:role/x"), Whose::AnotherAccount, true),
        (aws("arn:aws:sts::999999999999:assumed-role/x/y"), Whose::AnotherAccount, true),
        (json!({"Federated": "arn:aws:iam::999999999999:saml-provider/x"}), Whose::AnotherAccount, true),
        (aws("AROAJQABLZS4A3QDU576Q"), Whose::Unknown, true),
        (json!({"CanonicalUser": "79a59df900b949e5"}), Whose::Unknown, true),
        (json!({"Federated": "cognito-identity.amazonaws.com"}), Whose::Unknown, true),
        (json!({"Service": "lambda.amazonaws.com"}), Whose::Service, false),
        (aws(ACCOUNT), Whose::ThisAccount, false),
        (aws("arn:aws:iam::123456789012:root"), Whose::ThisAccount, false),
        (aws("arn:aws:iam::123456789012:user/999999999999"), Whose::ThisAccount, false),
    ] {
        let access = policy(&[allow(&principal, &json!(READ))]).access(ACCOUNT);
        assert_eq!(access.len(), 1, "{principal}");
        assert_eq!((&access[0].whose, access[0].is_exposure()), (&whose, is_exposure), "{principal}");
    }
    let but = json!({"Effect": "Allow", "NotPrincipal": {"AWS": ACCOUNT}, "Action": READ});
    assert_eq!(policy(&[but]).access(ACCOUNT)[0].whose, Whose::Everyone);
    // One statement that is no list is a policy too.
    let alone = ResourcePolicy::Document(json!({"Statement": allow(&json!("*"), &json!(READ))}));
    assert!(alone.access(ACCOUNT)[0].is_exposure());
}

#[test]
fn whoever_may_read_the_value_or_give_himself_the_right_is_said_to() {
    let everyone = json!("*");
    for (action, reads, is_exposure) in [
        (json!("secretsmanager:GetSecretValue"), true, true),
        (json!(["SecretsManager:getsecretvalue"]), true, true),
        (json!("secretsmanager:*"), true, true),
        (json!("*"), true, true),
        (json!("secretsmanager:Get*"), true, true),
        (json!("secretsmanager:*Value"), true, true),
        (json!("secretsmanager:GetSecret?alue"), true, true),
        (json!("secretsmanager:PutResourcePolicy"), true, true),
        (json!("secretsmanager:PutSecretValue"), false, true),
        (json!(["secretsmanager:DescribeSecret", "secretsmanager:DeleteSecret"]), false, true),
        (json!(["secretsmanager:DescribeSecret", "secretsmanager:ListSecretVersionIds"]), false, false),
        (json!(format!("secretsmanager:{}x", "*".repeat(5000))), false, true),
    ] {
        let access = policy(&[allow(&everyone, &action)]).access(ACCOUNT);
        assert_eq!((access[0].reads_value, access[0].is_exposure()), (reads, is_exposure), "{action}");
    }
    for (but, reads) in [("secretsmanager:DescribeSecret", true), ("secretsmanager:*", false)] {
        let statement = json!({"Effect": "Allow", "Principal": "*", "NotAction": but});
        assert_eq!(policy(&[statement]).access(ACCOUNT)[0].reads_value, reads, "{but}");
    }
}

#[test]
fn a_condition_that_names_the_account_alone_lets_nobody_else_in() {
    let with = |condition: Json| {
        let mut statement = allow(&json!("*"), &json!(READ));
        statement["Condition"] = condition;
        policy(&[statement]).access(ACCOUNT).remove(0)
    };
    let own = with(json!({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}));
    assert!(!own.is_exposure() && own.is_conditional);
    for condition in [
        json!({"StringEquals": {"aws:PrincipalAccount": [ACCOUNT, "999999999999"]}}),
        json!({"StringEquals": {"aws:PrincipalOrgID": "o-0000000000"}}),
        json!({"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}}),
        json!({"StringEqualsIfExists": {"aws:PrincipalAccount": ACCOUNT}}),
        json!({"StringEquals": {"aws:PrincipalAccount": []}}),
    ] {
        let access = with(condition.clone());
        assert!(access.is_exposure() && access.is_conditional, "{condition}");
    }
}

#[test]
fn a_policy_of_any_shape_is_read_and_never_a_reason_to_fail() {
    for document in [
        json!(null),
        json!("text"),
        json!({}),
        json!({"Statement": null}),
        json!({"Statement": ["x", 1, null, {}, {"Effect": 1, "Principal": 7, "Action": {"a": []}, "Condition": []}]}),
        json!({"Statement": {"Effect": "Deny", "Principal": {"AWS": [null, {}]}, "Action": []}}),
    ] {
        let policy = ResourcePolicy::Document(document.clone());
        assert!(policy.access(ACCOUNT).iter().all(|one| !one.to_string().is_empty()), "{document}");
        let _ = text(&plan_with(&policy), &Palette::plain());
    }
}

#[test]
fn a_plan_names_who_is_outside_first_and_has_no_changes_all_the_same() {
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:DeleteSecret"});
    let plan = plan_with(&policy(&[
        deny,
        allow(&json!({"AWS": "arn:aws:iam::123456789012:role/app", "Service": "x.amazonaws.com"}), &json!(READ)),
        allow(&json!({"AWS": "arn:aws:iam::999999999999:root"}), &json!([READ, "secretsmanager:DescribeSecret"])),
    ]));
    assert!(plan.is_empty());
    insta::assert_snapshot!(text(&plan, &Palette::plain()), @"
    myapp-db-password  account 123456789012, us-east-1
    package n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=, carried by deploy 1.2.3

      ! secret          MyApp/DBPassword  its resource policy lets in principals outside of the account
          another account: arn:aws:iam::999999999999:root may read the value by secretsmanager:GetSecretValue, secretsmanager:DescribeSecret
          service: x.amazonaws.com may read the value by secretsmanager:GetSecretValue
          this account: arn:aws:iam::123456789012:role/app may read the value by secretsmanager:GetSecretValue
          everyone: * is denied secretsmanager:DeleteSecret

    No changes. The stack is as the spec says.
    ");
    assert_eq!(json!(plan)["notices"][0]["address"], "secret");
    assert!(markdown(&plan).as_str().contains("another account: arn:aws:iam::999999999999:root"));
    assert!(!text(&plan_with(&ResourcePolicy::None), &Palette::plain()).as_str().contains("policy"));
    let unread = ResourcePolicy::Unread("secretsmanager:GetResourcePolicy: denied\nnext: allow it".to_owned());
    insta::assert_snapshot!(text(&plan_with(&unread), &Palette::plain()), @"
    myapp-db-password  account 123456789012, us-east-1
    package n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=, carried by deploy 1.2.3

      ! secret          MyApp/DBPassword  its resource policy can't be read
          secretsmanager:GetResourcePolicy: denied
          next: allow it

    No changes. The stack is as the spec says.
    ");
}

#[test]
fn a_saved_plan_holds_whatever_the_resource_policy_says_by_then() {
    let file = SpecFile { path: "myapp.yaml".to_owned(), sha256: "0".to_owned() };
    let plan = plan_with(&policy(&[allow(&json!("*"), &json!(READ))]));
    let live = stack::applied(&stack::spec());
    let saved = Saved::of(&plan, &live, file, BTreeSet::new(), "1");
    assert!(saved.is(&plan) && saved.is(&plan_with(&ResourcePolicy::None)));
    assert!(saved.is(&plan_with(&ResourcePolicy::Unread("no answer in time".to_owned()))));
}

fn noted(plan: &Plan) -> Vec<Kind> {
    let is_noted = |kind: &Kind| {
        let action = plan.action(*kind);
        action.and_then(|action| action.note.as_deref()).is_some_and(|note| note.contains("is taken over"))
    };
    Kind::ALL.into_iter().filter(is_noted).collect()
}

#[test]
fn what_has_the_tag_before_the_stack_is_there_is_said_to_be_taken_over() {
    for spec in [stack::spec(), stack::managed()] {
        let all = stack::applied(&spec);
        assert_eq!(noted(&stack::plan(&spec, &all)), []);
        for kind in stack::kinds(&spec).into_iter().filter(|kind| kind.owned_through() == *kind) {
            let rest = Kind::ALL.into_iter().filter(|other| other.owned_through() != kind);
            let alone = rest.fold(all.clone(), stack::without);
            let plan = stack::plan(&spec, &alone);
            assert_eq!(noted(&plan), [kind], "{kind} alone, with every tag of ours");
            assert!(text(&plan, &Palette::plain()).as_str().contains("is taken over"));
            // One that is gone from a stack that is there is drift, and nothing is taken over.
            assert_eq!(noted(&stack::plan(&spec, &stack::without(all.clone(), kind))), [], "all but {kind}");

            let mut squatted = all.clone();
            let tags = stack::tags_mut(&mut squatted, kind);
            tags.remove(APPLIED_TAG);
            assert_eq!(noted(&stack::plan(&spec, &squatted)), [kind], "{kind} without what was applied");
            stack::tags_mut(&mut squatted, kind).remove(STACK_TAG);
            assert_eq!(noted(&stack::plan(&spec, &squatted)), [], "{kind} is foreign");
        }
        let create = stack::plan(&spec, &Live::default());
        assert!(create.actions.iter().all(|action| action.verb == Verb::Create) && noted(&create).is_empty());
    }
}
