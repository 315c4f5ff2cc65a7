//! What a difference is.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use plan::attribute::{Attributes, Change, Effect, Value};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

const NAMES: [&str; 4] = ["memory", "description", "environment", "tags"];

type Plain = BTreeMap<(usize, Option<String>), Json>;

fn plain() -> impl Strategy<Value = Plain> {
    let key = (0..NAMES.len(), proptest::option::of("[a-c]"));
    let value = prop_oneof![
        (0..3_i32).prop_map(Json::from),
        "[a-c]?".prop_map(Json::from),
        any::<bool>().prop_map(Json::from),
        Just(json!({"a": [1, null]})),
    ];
    proptest::collection::btree_map(key, value, 0..8)
}

fn attributes(plain: &Plain) -> Attributes {
    plain.iter().fold(Attributes::new(), |all, ((name, key), value)| match key {
        Some(key) => all.with_entry(NAMES[*name], key, Value::Known(value.clone())),
        None => all.with(NAMES[*name], value.clone()),
    })
}

fn applied(live: &Plain, changes: &[Change]) -> Plain {
    let mut result = live.clone();
    for change in changes {
        let name = NAMES.iter().position(|name| *name == change.attribute.name).unwrap();
        let key = (name, change.attribute.key.clone());
        match &change.after {
            Some(Value::Known(value)) => drop(result.insert(key, value.clone())),
            Some(other) => panic!("{other:?}"),
            None => drop(result.remove(&key).unwrap()),
        }
    }
    result
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn nothing_differs_from_itself(all in plain()) {
        prop_assert!(attributes(&all).diff(&attributes(&all)).is_empty());
    }

    #[test]
    fn the_differences_turn_what_is_live_into_what_is_desired(desired in plain(), live in plain()) {
        let changes = attributes(&desired).diff(&attributes(&live));
        prop_assert_eq!(applied(&live, &changes), desired.clone());
        for change in &changes {
            prop_assert!(change.before != change.after, "{change:?}");
        }
        let keys: std::collections::BTreeSet<_> = changes.iter().map(|change| change.attribute.to_string()).collect();
        prop_assert_eq!(keys.len(), changes.len(), "each attribute once");
        prop_assert_eq!(changes.is_empty(), desired == live);
    }

    #[test]
    fn a_creation_is_every_attribute(desired in plain()) {
        let changes = attributes(&desired).as_creation();
        prop_assert_eq!(changes.len(), desired.len());
        prop_assert_eq!(applied(&Plain::new(), &changes), desired);
    }
}

#[test]
fn what_is_known_after_apply_differs_from_everything() {
    let late = Attributes::new().with_late("role_id", None::<String>);
    for live in [Attributes::new(), Attributes::new().with("role_id", "x"), late.clone()] {
        assert_eq!(late.diff(&live).len(), 1);
    }
}

#[test]
fn documents_are_compared_by_meaning() {
    let (a, b) = (json!({"Statement": {"Action": "a:B"}}), json!({"Statement": [{"Action": ["A:b"]}]}));
    let of = |document| Attributes::new().with_policy("trust", document);
    assert!(of(&a).diff(&of(&b)).is_empty());
    // A document is nothing else that looks the same.
    assert_eq!(of(&a).diff(&Attributes::new().with("trust", a.clone())).len(), 1);
}

#[test]
fn what_is_fixed_on_either_side_replaces() {
    let (fixed, free) = (|v: &str| Attributes::new().with_fixed("x", v), |v: &str| Attributes::new().with("x", v));
    let effect = |desired: Attributes, live: Attributes| desired.diff(&live)[0].effect;
    assert_eq!(effect(fixed("a"), fixed("b")), Effect::Replaces);
    assert_eq!(effect(free("a"), fixed("b")), Effect::Replaces);
    assert_eq!(effect(fixed("a"), free("b")), Effect::Replaces);
    assert_eq!(effect(free("a"), free("b")), Effect::InPlace);
    assert_eq!(effect(free("a"), Attributes::new()), Effect::InPlace);
    assert_eq!(effect(Attributes::new(), fixed("b")), Effect::Replaces);
}
