//! What holds for any two IAM documents: the bytes are a JSON document, or choose a likely one and another spelling of it.

use arbitrary::{Result, Unstructured};
use plan::policy::{equivalent, tidy};
use serde_json::{Map, Value, json};

const ACTIONS: [&str; 5] = ["sts:AssumeRole", "kms:Decrypt", "kms:decrypt", "s3:Get*", "*"];
const ARNS: [&str; 4] = ["arn:aws:s3:::a", "arn:aws:s3:::A", "arn:aws:s3:::a/*", "*"];
const PRINCIPALS: [&str; 3] = ["AWS", "Service", "Federated"];
const OPERATORS: [&str; 4] = ["StringEquals", "stringequals", "ArnLike", "Bool"];
const KEYS: [&str; 4] = ["aws:SourceArn", "AWS:sourceARN", "kms:ViaService", "aws:SecureTransport"];
const VALUES: [&str; 4] = ["true", "false", "arn:aws:s3:::a", "1"];

pub fn hold(data: &[u8]) {
    if let Ok(document) = serde_json::from_slice(data) {
        return is_sound(&document);
    }
    let mut u = Unstructured::new(data);
    let Ok(document) = any_document(&mut u) else { return };
    is_sound(&document);
    if let Ok(other) = respelled(&mut u, &document) {
        is_sound(&other);
        assert!(equivalent(&document, &other) && equivalent(&other, &document), "{document:#}\n{other:#}");
    }
    for changed in [with_another_action(&document), without_a_condition(&document)].into_iter().flatten() {
        assert!(!equivalent(&document, &changed) && !equivalent(&changed, &document), "{document:#}\n{changed:#}");
    }
}

fn is_sound(document: &Value) {
    let tidied = tidy(document);
    assert!(equivalent(document, document));
    assert!(equivalent(document, &tidied) && equivalent(&tidied, document), "{document:#}\n{tidied:#}");
    assert_eq!(tidy(&tidied), tidied);
}

fn any_document(u: &mut Unstructured<'_>) -> Result<Value> {
    let statements: Vec<Value> = (0..u.int_in_range(1..=3)?).map(|_| any_statement(u)).collect::<Result<_>>()?;
    Ok(json!({"Version": "2012-10-17", "Statement": statements}))
}

fn any_statement(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut statement = Map::from_iter([("Effect".to_owned(), json!(u.choose(&["Allow", "Deny"])?))]);
    statement.insert((*u.choose(&["Action", "NotAction"])?).to_owned(), some_of(u, &ACTIONS)?);
    if u.arbitrary()? {
        statement.insert((*u.choose(&["Resource", "NotResource"])?).to_owned(), some_of(u, &ARNS)?);
    }
    if u.arbitrary()? {
        let key = *u.choose(&["Principal", "NotPrincipal"])?;
        let who = if u.arbitrary()? { json!("*") } else { any_map(u, &PRINCIPALS, |u| some_of(u, &ARNS))? };
        statement.insert(key.to_owned(), who);
    }
    if u.arbitrary()? {
        let keys = |u: &mut Unstructured<'_>| any_map(u, &KEYS, |u| some_of(u, &VALUES));
        statement.insert("Condition".to_owned(), any_map(u, &OPERATORS, keys)?);
    }
    Ok(statement.into())
}

fn some_of(u: &mut Unstructured<'_>, words: &[&str]) -> Result<Value> {
    (0..u.int_in_range(1..=3)?).map(|_| Ok(json!(u.choose(words)?))).collect()
}

fn any_map(
    u: &mut Unstructured<'_>,
    keys: &[&str],
    value: impl Fn(&mut Unstructured<'_>) -> Result<Value>,
) -> Result<Value> {
    (0..u.int_in_range(1..=3)?).map(|_| Ok(((*u.choose(keys)?).to_owned(), value(u)?))).collect()
}

/// The same meaning, as IAM or a person may write it.
fn respelled(u: &mut Unstructured<'_>, document: &Value) -> Result<Value> {
    let mut other = Map::new();
    for (key, value) in document.as_object().into_iter().flatten() {
        let value = match key.as_str() {
            "Statement" => reordered(u, value, respelled_statement)?,
            _ => value.clone(),
        };
        other.insert(key.clone(), value);
    }
    if u.arbitrary()? {
        other.insert("Id".to_owned(), json!("some-id"));
    }
    Ok(other.into())
}

fn respelled_statement(u: &mut Unstructured<'_>, statement: &Value) -> Result<Value> {
    let mut other = Map::new();
    for (key, value) in statement.as_object().into_iter().flatten() {
        let value = match key.as_str() {
            "Action" | "NotAction" => {
                reordered(u, value, |u, v| Ok(json!(recased(u, v.as_str().unwrap_or_default())?)))?
            }
            "Resource" | "NotResource" => reordered(u, value, |_, v| Ok(v.clone()))?,
            "Principal" | "NotPrincipal" => each(u, value, false, |u, v| reordered(u, v, |_, v| Ok(v.clone())))?,
            "Condition" => each(u, value, true, |u, keys| each(u, keys, true, |u, v| reordered(u, v, plain)))?,
            _ => value.clone(),
        };
        other.insert(key.clone(), value);
    }
    if u.arbitrary()? {
        other.insert("Sid".to_owned(), json!("Sid1"));
    }
    Ok(other.into())
}

/// A list in another order, with repetitions; or its only item alone.
fn reordered(
    u: &mut Unstructured<'_>,
    list: &Value,
    item: impl Fn(&mut Unstructured<'_>, &Value) -> Result<Value>,
) -> Result<Value> {
    let mut items = list.as_array().cloned().unwrap_or_else(|| vec![list.clone()]);
    for at in 1..items.len() {
        items.swap(at, u.int_in_range(0..=at)?);
    }
    if u.arbitrary()? {
        items.push(items[0].clone());
    }
    let mut items: Vec<Value> = items.iter().map(|one| item(u, one)).collect::<Result<_>>()?;
    let is_one = items.iter().all(|one| *one == items[0]);
    Ok(if is_one && u.arbitrary()? { items.swap_remove(0) } else { items.into() })
}

fn each(
    u: &mut Unstructured<'_>,
    map: &Value,
    cases: bool,
    f: impl Fn(&mut Unstructured<'_>, &Value) -> Result<Value>,
) -> Result<Value> {
    let Some(map) = map.as_object() else { return Ok(map.clone()) };
    // Keys that differ in case alone are kept apart, so none of them may change its case.
    let is_apart = map.keys().enumerate().all(|(at, a)| map.keys().skip(at + 1).all(|b| !a.eq_ignore_ascii_case(b)));
    let key =
        |u: &mut Unstructured<'_>, key: &str| if cases && is_apart { recased(u, key) } else { Ok(key.to_owned()) };
    map.iter().map(|(name, value)| Ok((key(u, name)?, f(u, value)?))).collect()
}

fn recased(u: &mut Unstructured<'_>, text: &str) -> Result<String> {
    Ok(match u.int_in_range(0..=2)? {
        0 => text.to_owned(),
        1 => text.to_ascii_lowercase(),
        _ => text.to_ascii_uppercase(),
    })
}

/// `true` for `"true"`, `1` for `"1"`.
fn plain(u: &mut Unstructured<'_>, value: &Value) -> Result<Value> {
    let read = value.as_str().and_then(|text| serde_json::from_str(text).ok());
    Ok(if u.arbitrary()? { read.unwrap_or_else(|| value.clone()) } else { value.clone() })
}

/// It allows or denies one thing more, which nothing else in it does.
fn with_another_action(document: &Value) -> Option<Value> {
    let mut changed = document.clone();
    let actions = changed["Statement"][0].as_object_mut()?.iter_mut().find(|(key, _)| key.ends_with("Action"))?.1;
    actions.as_array_mut()?.push(json!("iam:CreateUser"));
    Some(changed)
}

/// A condition that is gone.
fn without_a_condition(document: &Value) -> Option<Value> {
    let mut changed = document.clone();
    let condition = changed["Statement"][0].get_mut("Condition")?.as_object_mut()?;
    let keys = condition.values_mut().next()?.as_object_mut()?;
    let first = keys.keys().next()?.clone();
    keys.remove(&first);
    // Another statement may be the changed one already, and say the same twice.
    let is_twice = document["Statement"].as_array()?.len() > 1;
    (!is_twice).then_some(changed)
}
