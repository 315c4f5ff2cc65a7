//! IAM documents: exactly what is granted, and what counts as the same grant.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod stack;

use plan::policy::{self, MAX_INLINE_CHARACTERS, equivalent, tidy};
use plan::resource::role;
use plan::spec::Spec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555";

fn pretty(documents: &std::collections::BTreeMap<String, Json>) -> String {
    documents.iter().map(|(name, document)| format!("{name} {document:#}")).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_function_may_do_its_work_on_its_own_secret_key_and_log_group() {
    insta::assert_snapshot!(pretty(&role::execution(&stack::spec(), None, None).policies), @r#"
    KMSDecryptForRotation {
      "Statement": [
        {
          "Action": [
            "kms:Decrypt",
            "kms:GenerateDataKey"
          ],
          "Condition": {
            "StringEquals": {
              "kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"
            },
            "StringLike": {
              "kms:EncryptionContext:SecretARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:MyApp/DBPassword-??????"
            }
          },
          "Effect": "Allow",
          "Resource": "arn:aws:kms:us-east-1:123456789012:key/*"
        }
      ],
      "Version": "2012-10-17"
    }
    SecretsManagerRotation {
      "Statement": [
        {
          "Action": [
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecretVersionStage"
          ],
          "Effect": "Allow",
          "Resource": "arn:aws:secretsmanager:us-east-1:123456789012:secret:MyApp/DBPassword-??????"
        }
      ],
      "Version": "2012-10-17"
    }
    WriteLogs {
      "Statement": [
        {
          "Action": [
            "logs:CreateLogStream",
            "logs:PutLogEvents"
          ],
          "Effect": "Allow",
          "Resource": [
            "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/RotatePasswordFunction",
            "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/RotatePasswordFunction:*"
          ]
        }
      ],
      "Version": "2012-10-17"
    }
    "#);
}

#[test]
fn a_customer_managed_key_is_named_and_nothing_else_differs() {
    let spec = stack::spec();
    let (default, own) = (policy::use_key(&spec, None), policy::use_key(&spec, Some(KEY)));
    assert_eq!(own["Statement"][0]["Resource"], KEY);
    let mut renamed = default.clone();
    renamed["Statement"][0]["Resource"] = json!(KEY);
    assert_eq!(own, renamed);
    assert_eq!(role::execution(&spec, Some(KEY), None).policies["KMSDecryptForRotation"], own);
}

#[test]
fn a_dead_letter_queue_may_be_sent_to_and_only_where_the_spec_names_it() {
    let queue = "arn:aws:sqs:us-east-1:123456789012:dead-letters";
    let spec = stack::with("retry: {", &format!("dead_letter_queue: {queue}\n  retry: {{"));
    let policies = role::invoke(&spec).policies;
    let send = json!({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue});
    assert_eq!(policies["SendToDeadLetterQueue"]["Statement"], json!([send]));
    assert_eq!(policies.len(), 2);
    assert_eq!(role::invoke(&stack::spec()).policies.len(), 1);
}

#[test]
fn the_schedule_may_invoke_the_function_and_only_its_own_group_may_be_it() {
    let role = role::invoke(&stack::spec());
    insta::assert_snapshot!(format!("trust {:#}\n{}", role.trust, pretty(&role.policies)), @r#"
    trust {
      "Statement": [
        {
          "Action": "sts:AssumeRole",
          "Condition": {
            "StringEquals": {
              "aws:SourceAccount": "123456789012",
              "aws:SourceArn": "arn:aws:scheduler:us-east-1:123456789012:schedule-group/myapp-db-password"
            }
          },
          "Effect": "Allow",
          "Principal": {
            "Service": "scheduler.amazonaws.com"
          }
        }
      ],
      "Version": "2012-10-17"
    }
    InvokeFunction {
      "Statement": [
        {
          "Action": "lambda:InvokeFunction",
          "Effect": "Allow",
          "Resource": "arn:aws:lambda:us-east-1:123456789012:function:RotatePasswordFunction"
        }
      ],
      "Version": "2012-10-17"
    }
    "#);
}

#[test]
fn only_lambda_may_be_the_function() {
    insta::assert_snapshot!(format!("{:#}", policy::lambda_trust()), @r#"
    {
      "Statement": [
        {
          "Action": "sts:AssumeRole",
          "Effect": "Allow",
          "Principal": {
            "Service": "lambda.amazonaws.com"
          }
        }
      ],
      "Version": "2012-10-17"
    }
    "#);
}

#[test]
fn nothing_is_granted_on_everything_or_on_another_name() {
    let spec = stack::spec();
    for role in [role::execution(&spec, None, None), role::invoke(&spec)] {
        for (name, document) in &role.policies {
            let text = document.to_string();
            assert!(!text.contains("\"*\"") && !text.contains(":*\","), "{name}: {text}");
            assert!(!text.contains("secret:MyApp/DBPassword-*") && !text.contains("CreateLogGroup"), "{name}: {text}");
            let statements = document["Statement"].as_array().unwrap();
            assert!(statements.iter().all(|statement| statement["Effect"] == "Allow" && statement["Sid"].is_null()));
        }
    }
}

#[test]
fn the_pattern_of_a_name_that_ends_like_an_arn_is_that_secrets_own_alone() {
    for (name, others) in [
        ("orders-secret", ["orders-AbCdEf", "orders-secret-2-AbCdEf", "orders-secrets-AbCdEf"]),
        ("orders", ["orders-secret-AbCdEf", "orders-2-AbCdEf", "order-AbCdEf"]),
    ] {
        let mut spec = stack::spec();
        name.clone_into(&mut spec.secret.name);
        let document = policy::use_secret(&spec);
        let pattern = document["Statement"][0]["Resource"].as_str().unwrap();
        let pattern = pattern.strip_prefix("arn:aws:secretsmanager:us-east-1:123456789012:secret:").unwrap();
        let fits = |arn: &str| {
            arn.len() == pattern.len() && arn.chars().zip(pattern.chars()).all(|(c, one)| one == '?' || one == c)
        };
        assert!(!pattern.contains('*') && fits(&format!("{name}-AbCdEf")), "{pattern}");
        assert!(others.into_iter().all(|other| !fits(other)), "{pattern}");
    }
}

/// The longest names that AWS takes.
fn longest() -> Spec {
    let mut spec = stack::spec();
    spec.secret.name = "s".repeat(512);
    spec.function.name = "f".repeat(64);
    spec.name = "n".repeat(64);
    spec.role.path = format!("/{}/", "p".repeat(510));
    "ap-southeast-1".clone_into(&mut spec.region);
    spec
}

#[test]
fn the_longest_names_stay_below_iams_limit_for_inline_policies() {
    let spec = longest();
    for role in [role::execution(&spec, Some(KEY), None), role::execution(&spec, None, None), role::invoke(&spec)] {
        let size: usize = role.policies.values().map(|document| document.to_string().chars().count()).sum();
        assert!(size < MAX_INLINE_CHARACTERS, "{} has {size} characters", role.name);
        assert!(role.trust.to_string().len() < 2048, "IAM's limit for a trust policy");
    }
}

#[test]
fn documents_are_shown_in_their_own_spelling_and_in_one_order() {
    let document = json!({"Version": "2012-10-17", "Id": "x", "Statement": {
        "Sid": "y", "Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": "*",
    }});
    insta::assert_snapshot!(format!("{:#}", tidy(&document)), @r#"
    {
      "Statement": [
        {
          "Action": [
            "s3:GetObject",
            "s3:PutObject"
          ],
          "Effect": "Allow",
          "Resource": [
            "*"
          ]
        }
      ],
      "Version": "2012-10-17"
    }
    "#);
}

#[test]
fn what_is_no_document_equals_only_itself() {
    assert!(equivalent(&json!("text"), &json!("text")));
    assert!(!equivalent(&json!("text"), &policy::lambda_trust()));
    assert!(!equivalent(&json!({}), &policy::lambda_trust()));
}

fn words(of: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    let some = proptest::sample::subsequence(of.to_vec(), 1..=of.len());
    some.prop_map(|words| words.into_iter().map(str::to_owned).collect())
}

fn statement() -> impl Strategy<Value = Json> {
    let actions = words(&["s3:GetObject", "s3:PutObject", "kms:Decrypt", "lambda:InvokeFunction"]);
    let resources = words(&["arn:aws:s3:::a/*", "arn:aws:s3:::b", "arn:aws:s3:::B", "*"]);
    let accounts = words(&["123456789012", "210987654321"]);
    let effect = proptest::sample::select(vec!["Allow", "Deny"]);
    (effect, actions, resources, proptest::option::of(accounts)).prop_map(|(effect, actions, resources, accounts)| {
        let mut statement = json!({"Effect": effect, "Action": actions, "Resource": resources});
        if let Some(accounts) = accounts {
            statement["Condition"] = json!({"StringEquals": {"aws:SourceAccount": accounts}});
        }
        statement
    })
}

fn document() -> impl Strategy<Value = Json> {
    proptest::collection::vec(statement(), 1..4)
        .prop_map(|statements| json!({"Version": "2012-10-17", "Statement": statements}))
}

/// The same grant, written otherwise, as the bits say.
fn respelled(document: &Json, bits: u64) -> Json {
    let bit = |n: u32| bits >> (n % 64) & 1 == 1;
    let list = |value: &Json, n: u32| {
        let mut items = value.as_array().unwrap().clone();
        if bit(n) {
            items.reverse();
        }
        if bit(n + 1) {
            items.push(items[0].clone());
        }
        if items.len() == 1 && bit(n + 2) { items[0].clone() } else { Json::Array(items) }
    };
    let statement = |(n, statement): (usize, &Json)| {
        let n = u32::try_from(n).unwrap() * 16;
        let mut new = statement.clone();
        new["Action"] = list(&statement["Action"], n);
        new["Resource"] = list(&statement["Resource"], n + 3);
        if bit(n + 6) {
            new["Action"] = serde_json::from_str(&new["Action"].to_string().to_uppercase()).unwrap();
        }
        if bit(n + 7) {
            new["Sid"] = json!("Sid1");
        }
        if let Some(accounts) = statement.pointer("/Condition/StringEquals/aws:SourceAccount") {
            let accounts = list(accounts, n + 8);
            let key = if bit(n + 11) { "AWS:sourceaccount" } else { "aws:SourceAccount" };
            let operator = if bit(n + 12) { "stringequals" } else { "StringEquals" };
            new["Condition"] = json!({operator: {key: accounts}});
        }
        new
    };
    let mut statements: Vec<Json> =
        document["Statement"].as_array().unwrap().iter().enumerate().map(statement).collect();
    if bit(61) {
        statements.reverse();
    }
    let statements = if statements.len() == 1 && bit(62) { statements.remove(0) } else { Json::Array(statements) };
    json!({"Version": "2012-10-17", "Id": "x", "Statement": statements})
}

/// Every document that grants or denies something else by one word.
fn neighbours(document: &Json) -> Vec<Json> {
    let mut all = Vec::new();
    for index in 0..document["Statement"].as_array().unwrap().len() {
        let mut change = |edit: &dyn Fn(&mut Json)| {
            let mut new = document.clone();
            edit(&mut new["Statement"][index]);
            all.push(new);
        };
        for list in ["Action", "Resource"] {
            change(&|statement| statement[list].as_array_mut().unwrap().push(json!("sts:TagSession")));
            change(&|statement| {
                let items = statement[list].as_array_mut().unwrap();
                items[0] = json!(format!("{}x", items[0].as_str().unwrap()));
            });
            change(&|statement| drop(statement[list].as_array_mut().unwrap().remove(0)));
        }
        change(&|statement| {
            let allows = statement["Effect"] == "Allow";
            statement["Effect"] = json!(if allows { "Deny" } else { "Allow" });
        });
        change(&|statement| match statement.get("Condition") {
            Some(_) => drop(statement.as_object_mut().unwrap().remove("Condition")),
            None => statement["Condition"] = json!({"StringEquals": {"aws:SourceAccount": "1"}}),
        });
        change(&|statement| statement["Condition"]["Bool"] = json!({"aws:SecureTransport": true}));
        change(&|statement| {
            let action = statement.as_object_mut().unwrap().remove("Action").unwrap();
            statement["NotAction"] = action;
        });
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn order_lists_case_and_sids_make_no_difference(document in document(), bits in any::<u64>()) {
        let other = respelled(&document, bits);
        prop_assert!(equivalent(&document, &other), "{document:#}\n{other:#}");
        prop_assert!(equivalent(&other, &document));
    }

    #[test]
    fn one_word_more_less_or_other_makes_a_difference(statement in statement(), bits in any::<u64>()) {
        let document = json!({"Version": "2012-10-17", "Statement": [statement]});
        for other in neighbours(&document) {
            prop_assert!(!equivalent(&document, &other), "{document:#}\n{other:#}");
            if other["Statement"][0].get("NotAction").is_none() && bits & 1 == 1 && other["Statement"][0]["Condition"].get("Bool").is_none() {
                prop_assert!(!equivalent(&respelled(&document, bits), &other));
            }
        }
    }

    #[test]
    fn a_tidy_document_is_tidy_and_grants_the_same(document in document()) {
        prop_assert!(equivalent(&document, &tidy(&document)));
        prop_assert_eq!(tidy(&tidy(&document)), tidy(&document));
    }
}

#[test]
fn resources_and_values_are_compared_with_their_case() {
    let of = |resource: &str, account: &str| {
        json!({"Statement": [{
            "Effect": "Allow", "Action": "s3:GetObject", "Resource": resource,
            "Condition": {"StringEquals": {"aws:SourceArn": account}},
        }]})
    };
    assert!(!equivalent(&of("arn:aws:s3:::a", "x"), &of("arn:aws:s3:::A", "x")));
    assert!(!equivalent(&of("arn:aws:s3:::a", "x"), &of("arn:aws:s3:::a", "X")));
}

#[test]
fn a_principal_that_was_deleted_is_a_difference() {
    let trust = |principal: &str| json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": principal}}});
    assert!(!equivalent(&trust("arn:aws:iam::123456789012:role/x"), &trust("AROAEXAMPLE")));
    assert!(equivalent(
        &trust("arn:aws:iam::123456789012:role/x"),
        &json!({"Statement": [{
            "Principal": {"AWS": ["arn:aws:iam::123456789012:role/x"]}, "Action": ["STS:assumerole"], "Effect": "Allow",
        }]})
    ));
}

#[test]
fn a_condition_is_never_hidden_by_one_that_differs_in_case_alone() {
    let document = |condition| json!({"Statement": [{"Effect": "Allow", "Action": "a:B", "Condition": condition}]});
    let both = document(json!({"StringEquals": {"aws:SourceArn": "x"}, "stringequals": {"aws:SourceArn": "y"}}));
    let last = document(json!({"stringequals": {"aws:SourceArn": "y"}}));
    assert!(!equivalent(&both, &last) && equivalent(&both, &both));
    let keys = document(json!({"StringEquals": {"AWS:SourceArn": "x", "aws:sourcearn": "y"}}));
    assert!(!equivalent(&keys, &document(json!({"StringEquals": {"aws:sourcearn": "y"}}))));
}

/// What a document allows, and what it denies, one action and resource at a time: an oracle that knows of no statements.
fn effects(document: &Json) -> [std::collections::BTreeSet<(String, String, String)>; 2] {
    let tidy = tidy(document);
    let of = |effect: &str| {
        let statements = tidy["Statement"].as_array().unwrap().iter().filter(|one| one["Effect"] == effect);
        let texts = |list: &Json| list.as_array().unwrap().iter().map(ToString::to_string).collect::<Vec<_>>();
        let each = statements.flat_map(|one| {
            let condition = one["Condition"].to_string();
            let pairs = texts(&one["Action"]).into_iter().flat_map(move |action| {
                texts(&one["Resource"]).into_iter().map(move |resource| (action.clone(), resource))
            });
            pairs.map(move |(action, resource)| (action, resource, condition.clone()))
        });
        each.collect()
    };
    [of("Allow"), of("Deny")]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn a_union_allows_what_either_does_and_denies_what_the_second_does(held in document(), wanted in document(), bits in any::<u64>()) {
        let ([held_allows, _], [wanted_allows, wanted_denies]) = (effects(&held), effects(&wanted));
        let union = policy::union(&held, Some(&wanted)).unwrap();
        let [allows, denies] = effects(&union);
        prop_assert_eq!(allows, held_allows.union(&wanted_allows).cloned().collect());
        prop_assert_eq!(denies, wanted_denies);
        prop_assert!(equivalent(&policy::union(&union, Some(&wanted)).unwrap(), &union), "it is its own union");
        prop_assert!(equivalent(&policy::union(&respelled(&wanted, bits), Some(&wanted)).unwrap(), &wanted));
        // Of what is not wanted any more what allows is left, or nothing.
        let left = policy::union(&held, None);
        prop_assert_eq!(left.is_none(), held_allows.is_empty());
        prop_assert!(left.is_none_or(|left| effects(&left) == [held_allows, std::collections::BTreeSet::default()]));
    }
}

#[test]
fn a_union_keeps_from_the_functions_own_code_what_it_still_grants_to_lambda() {
    let network = "memory: 128\n  vpc: {subnets: [subnet-0000000b], security_groups: [sg-0000000a]}";
    let held = policy::manage_network_interfaces(&stack::with("memory: 128", network));
    assert!(equivalent(&policy::union(&held, None).unwrap(), &held));
    assert_eq!(policy::union(&json!("no document"), None), None);
    let wanted = policy::lambda_trust();
    assert!(equivalent(&policy::union(&json!("no document"), Some(&wanted)).unwrap(), &wanted));
}

#[test]
fn what_a_role_grants_while_its_users_change_stays_below_iams_limit() {
    let (mut before, mut after) = (longest(), longest());
    before.secret.name = "b".repeat(512);
    before.function.name = "g".repeat(64);
    let network = "memory: 128\n  vpc: {subnets: [subnet-0000000b], security_groups: [sg-0000000a]}";
    for spec in [&mut before, &mut after] {
        spec.function.vpc.clone_from(&stack::with("memory: 128", network).function.vpc);
    }
    let live = stack::applied(&before).execution_role.unwrap();
    let widened = role::execution(&after, Some(KEY), None).widened(&live);
    let size: usize = widened.policies.values().map(|document| document.to_string().chars().count()).sum();
    assert!(size < MAX_INLINE_CHARACTERS, "{size} characters");
}
