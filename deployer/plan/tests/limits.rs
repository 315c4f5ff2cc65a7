//! Every request that follows from a spec that loads is within what its service takes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod edge;
mod stack;

use contract::env;
use plan::desired::Desired;
use plan::limits::{Bounds, Field, TABLE, Value, fields};
use plan::naming::Names;
use plan::spec::{self, Severity, Spec};
use proptest::prelude::*;
use serde_json::json;

/// All values of the requests, once it is known what only AWS can tell.
fn requests(spec: &Spec) -> Vec<Field> {
    let mut facts = stack::facts();
    facts.kms_key_arn = Some(Names::of(spec).key_arn("mrk-1234567890abcdef1234567890abcdef"));
    facts.admin_key_arn.clone_from(&facts.kms_key_arn);
    let mut desired = Desired::of(spec, &facts);
    desired.set_secret_arn(Some(Names::of(spec).secret_arn_pattern().replace("??????", "AbCdEf")));
    fields(spec, &desired)
}

/// The size of the environment as Lambda measures it.
fn environment(spec: &Spec) -> usize {
    let mut variables = Desired::of(spec, &stack::facts()).function.environment;
    variables.insert(env::SECRET_ARN.to_owned(), Names::of(spec).secret_arn_pattern());
    json!(variables).to_string().len()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 100, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn what_loads_obeys_every_service_and_what_is_beyond_is_refused_in_its_place(edge in edge::edges()) {
        let text = edge.text();
        match spec::load("edge.yaml", &text) {
            Ok(loaded) => {
                prop_assert!(!edge.is_over, "{}", text);
                for field in requests(&loaded.spec) {
                    prop_assert!(field.check().is_ok(), "{} of {}: {:?}", field.what, field.limit.members[0], field.value);
                }
                prop_assert!(environment(&loaded.spec) <= 4096);
            }
            Err(found) => {
                let errors: Vec<_> = found.iter().filter(|one| one.severity == Severity::Error).collect();
                let is_environment = errors.iter().all(|one| one.code == "configuration-too-large");
                prop_assert!(edge.is_over || is_environment, "{:#?}\n{}", errors, text);
                prop_assert!(errors.iter().all(|one| one.span.start > 0 && one.help.is_some()), "{:#?}", errors);
            }
        }
    }
}

#[test]
fn each_limit_is_met_by_some_request() {
    let everything = include_str!("specs/valid/everything.yaml");
    let vpc = "function:\n  vpc: {subnets: [subnet-01234567], security_groups: [sg-01234567]}";
    let all = [
        everything.replace("on_teardown: keep", "on_teardown: {recovery_window_days: 30}"),
        everything.replace("flexible_window_minutes: 0", "flexible_window_minutes: 1").replace("function:", vpc),
        include_str!("specs/valid/elasticache.yaml").to_owned(),
        include_str!("specs/valid/redis-managed.yaml").to_owned(),
        include_str!("specs/valid/single-user.yaml").to_owned(),
    ];
    let specs = all.iter().map(|text| spec::load("all.yaml", text).unwrap_or_else(|found| panic!("{found:#?}")).spec);
    let met: Vec<&str> = specs.flat_map(|spec| requests(&spec)).map(|field| field.limit.members[0]).collect();
    let never: Vec<_> = TABLE.iter().map(|limit| limit.members[0]).filter(|member| !met.contains(member)).collect();
    assert!(never.is_empty(), "nothing is checked against {never:?}");
}

#[test]
fn no_member_is_bounded_twice_and_each_limit_can_be_met() {
    let mut members: Vec<&str> = TABLE.iter().flat_map(|limit| limit.members).copied().collect();
    let count = members.len();
    members.sort_unstable();
    members.dedup();
    assert_eq!(members.len(), count);
    for limit in TABLE {
        let is_open = match limit.bounds {
            Bounds::Text { min, max, .. } | Bounds::Items { min, max } => min <= max && max > 0,
            Bounds::Number { min, max } => min < max,
            Bounds::Words(words) => !words.is_empty(),
        };
        assert!(is_open && limit.service() != "AWS", "{limit:?}");
    }
}

#[test]
fn a_value_of_another_kind_is_never_within() {
    for limit in TABLE {
        for value in [Value::Text("x y".to_owned()), Value::Items(1_000_000), Value::Number(1_000_000)] {
            let is_kind = matches!(
                (&limit.bounds, &value),
                (Bounds::Text { .. } | Bounds::Words(_), Value::Text(_))
                    | (Bounds::Items { .. }, Value::Items(_))
                    | (Bounds::Number { .. }, Value::Number(_))
            );
            assert!(is_kind || limit.check(&value).is_err(), "{limit:?} takes {value:?}");
        }
    }
}

#[test]
fn long_names_are_cut_in_descriptions() {
    for (length, cut) in [(1, false), (237, false), (238, true), (512, true)] {
        let mut spec = stack::spec();
        spec.secret.name = "n".repeat(length);
        let description = Names::of(&spec).description();
        assert_eq!(description.len(), (length + 19).min(256));
        assert_eq!(description.ends_with("n..."), cut, "{description}");
        let desired = Desired::of(&spec, &stack::facts());
        assert_eq!(desired.function.settings.description, description);
        assert_eq!(desired.schedule.settings.description, description);
        assert_eq!(desired.execution_role.description, description);
    }
}
