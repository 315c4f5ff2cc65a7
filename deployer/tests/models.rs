//! The table of limits against AWS's own models, which come with boto3: what validate takes, the models take.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test may panic")]

#[path = "../plan/tests/edge/mod.rs"]
mod edge;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use plan::desired::{Desired, Facts};
use plan::limits::{Bounds, Limit, TABLE, Value, fields};
use plan::naming::PARTITIONS;
use plan::spec;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};

/// Specs at and beyond the limits from which requests are made.
const SPECS: usize = 400;

fn row(limit: &Limit) -> Json {
    let max = |max: usize| (max < usize::MAX).then_some(max);
    let bounds = match &limit.bounds {
        Bounds::Text { min, max: most, pattern } => {
            json!({"min": min, "max": max(*most), "pattern": pattern.map(|pattern| pattern.text)})
        }
        Bounds::Items { min, max } => json!({"min": min, "max": max}),
        Bounds::Number { min, max } => json!({"min": min, "max": max}),
        Bounds::Words(words) => json!({"words": words}),
    };
    json!({"members": limit.members, "bounds": bounds, "narrower": limit.narrower})
}

fn plain(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Items(count) => json!(count),
        Value::Number(number) => json!(number),
    }
}

/// The values of all requests of specs that load, by their first member.
fn requests() -> BTreeMap<&'static str, (&'static Limit, BTreeSet<String>, Vec<Value>)> {
    let mut runner = TestRunner::deterministic();
    let mut found: BTreeMap<_, (&Limit, BTreeSet<String>, Vec<Value>)> = BTreeMap::new();
    let facts = Facts { package: None, kms_key_arn: None, admin_key_arn: None, queue_key_arn: None };
    for _ in 0..SPECS {
        let edge = edge::edges().new_tree(&mut runner).unwrap().current();
        let Ok(loaded) = spec::load("edge.yaml", &edge.text()) else { continue };
        for field in fields(&loaded.spec, &Desired::of(&loaded.spec, &facts)) {
            let entry = found.entry(field.limit.members[0]).or_insert((field.limit, BTreeSet::new(), Vec::new()));
            if entry.1.insert(plain(&field.value).to_string()) {
                entry.2.push(field.value);
            }
        }
    }
    found
}

/// What is near a value that is taken: with each character of ASCII put in, some others, and of each length at a limit.
fn neighbours(limit: &Limit, value: &Value) -> Vec<Value> {
    match (&limit.bounds, value) {
        (Bounds::Text { min, max, .. }, Value::Text(text)) => {
            let strange =
                ['\u{80}', '\u{a0}', '\u{e9}', '\u{ff}', '\u{100}', '\u{24b6}', '\u{93f}', '\u{2028}', '\u{65e5}'];
            let middle = text.floor_char_boundary(text.len() / 2);
            let inserted = (0..=127_u8)
                .map(char::from)
                .chain(strange)
                .flat_map(|c| [0, middle, text.len()].map(|at| format!("{}{c}{}", &text[..at], &text[at..])));
            let last = text.chars().last().unwrap_or('a');
            let long = |length: usize| text.chars().chain(std::iter::repeat(last)).take(length).collect::<String>();
            let lengths = [0, min.saturating_sub(1), *min, min + 1, max.saturating_sub(1), *max, max.saturating_add(1)];
            let lengths = lengths.into_iter().filter(|length| *length <= 200_000).map(long);
            inserted.chain(lengths).map(Value::Text).collect()
        }
        (Bounds::Items { min, max }, _) => [*min, *max, max + 1].map(Value::Items).into(),
        (Bounds::Number { min, max }, _) => [min.saturating_sub(1), *min, *max, max + 1].map(Value::Number).into(),
        (Bounds::Words(words), _) => words.iter().map(|word| Value::Text((*word).to_owned())).collect(),
        (Bounds::Text { .. }, Value::Items(_) | Value::Number(_)) => Vec::new(),
    }
}

/// The code points that a pattern takes by themselves, as ranges.
fn characters(limit: &Limit) -> Option<Json> {
    let Bounds::Text { pattern: Some(pattern), .. } = &limit.bounds else { return None };
    let mut ranges: Vec<[u32; 2]> = Vec::new();
    for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
        if (pattern.leaves)(c.encode_utf8(&mut [0; 4])).is_some() {
            continue;
        }
        match ranges.last_mut() {
            Some([_, last]) if *last + 1 == u32::from(c) => *last += 1,
            _ => ranges.push([u32::from(c); 2]),
        }
    }
    Some(json!([limit.members[0], ranges]))
}

fn python(input: &Json) -> Json {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let python = std::env::var_os("TESTBED_PYTHON").map_or_else(|| root.join("target/venv/bin/python"), PathBuf::from);
    let mut command = Command::new(&python);
    command.arg(root.join("deployer/tests/models.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let told = |why| panic!("{}: {why}; `make test` sets it up", python.display());
    let mut child = command.spawn().unwrap_or_else(told);
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn what_the_table_takes_the_services_models_take() {
    let mut samples = Vec::new();
    let requests = requests();
    for (limit, _, values) in requests.values() {
        let mut sample = |value: &Value| {
            let is_taken = limit.check(value).is_ok();
            samples.extend(limit.members.iter().map(|member| json!([member, plain(value), is_taken])));
        };
        values.iter().for_each(&mut sample);
        values.iter().take(1).flat_map(|value| neighbours(limit, value)).for_each(|value| sample(&value));
    }
    let tags = TABLE.iter().filter(|limit| limit.members[0].to_lowercase().ends_with("key"));
    let partition =
        |one: &plan::naming::Partition| json!({"id": one.id, "dns_suffix": one.dns_suffix, "regions": one.regions});
    let answer = python(&json!({
        "table": TABLE.iter().map(|limit| row(limit)).collect::<Vec<_>>(),
        "partitions": PARTITIONS.iter().map(partition).collect::<Vec<_>>(),
        "samples": samples,
        "characters": tags.filter_map(|limit| characters(limit)).collect::<Vec<_>>(),
    }));
    assert_eq!(answer["differences"], json!([]), "{:#}", answer["differences"]);
    println!("{}", answer["counts"]);
}
