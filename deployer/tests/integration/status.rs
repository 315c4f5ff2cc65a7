//! Status tells which build of the function is live, and who put it there.

use serde_json::{Value, json};

use crate::bed::Bed;
use crate::saved::package;
use crate::stack::Stack;

const NAME: &str = "app-function";
const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:app-function";
const NOTES: [&str; 2] = ["deployer:code-sha256", "deployer:version"];

/// What Lambda itself says is live.
fn live_hash(bed: &Bed) -> Value {
    bed.call("lambda", "get_function_configuration", json!({"FunctionName": NAME}))["CodeSha256"].clone()
}

fn notes(bed: &Bed) -> Vec<Value> {
    let tags = bed.inventory()["functions"][NAME]["Tags"].clone();
    NOTES.iter().map(|note| tags[note].clone()).collect()
}

fn code(stack: &Stack) -> Value {
    stack.deploy("status -o json").expect(0).json()["stacks"][0]["code"].clone()
}

fn put_other_code(bed: &Bed) {
    let zip = json!({"$zip": "#!/bin/sh\n"});
    bed.call("lambda", "update_function_code", json!({"FunctionName": NAME, "ZipFile": zip}));
}

#[test]
fn a_build_is_noted_when_it_is_put_there_and_told_as_lambda_has_it() {
    let mut stack = Stack::new();
    assert_eq!(code(&stack), Value::Null, "there is no function yet");
    let planned = stack.deploy("plan -o json").expect(0).json()["stacks"][0]["package"].clone();
    stack.apply();
    let (hash, version) = (live_hash(&stack.bed), json!(env!("CARGO_PKG_VERSION")));
    assert_eq!(planned, json!({"deploy": version, "code_sha256": hash, "origin": "embedded"}));
    assert_eq!(notes(&stack.bed), [hash.clone(), version.clone()]);
    let noted = json!({"deploy": version, "code_sha256": hash});
    let all = json!({"code_sha256": hash, "noted": noted, "carried": planned, "outdated": false, "altered": false});
    assert_eq!(code(&stack), all);
    let short = &hash.as_str().unwrap()[..12];
    let line = format!("function's code  {short}…  put there by deploy {}", env!("CARGO_PKG_VERSION"));
    stack.deploy("status").expect(0).says(&line);

    stack.desk.write("function.zip", package("one"));
    stack.edit(|spec| spec["function"]["package"] = json!("function.zip"));
    let ran = stack.deploy("status").expect(0);
    ran.says(&line).says("the next apply would change it to");
    stack.deploy("plan").expect(0).says("from \"function.zip\"");
    stack.apply();
    assert_ne!(live_hash(&stack.bed), hash);
    assert_eq!(notes(&stack.bed), [live_hash(&stack.bed), version]);

    std::fs::remove_file(stack.desk.folder().join("function.zip")).unwrap();
    stack.deploy("status").expect(0).says("put there by deploy").says("is not known: function.zip");
}

#[test]
fn a_function_without_notes_is_no_difference_and_gets_none_until_its_code_changes() {
    let mut stack = Stack::applied();
    stack.bed.call("lambda", "untag_resource", json!({"Resource": ARN, "TagKeys": NOTES}));
    stack.expect_no_changes();
    assert_eq!(code(&stack)["noted"], Value::Null);
    let hash = live_hash(&stack.bed);
    let ran = stack.deploy("status").expect(0).says(&hash.as_str().unwrap()[..12]);
    assert!(!ran.out.contains("put there by"), "{}", ran.out);

    stack.edit(|spec| spec["function"]["memory"] = json!(256));
    stack.apply();
    assert_eq!(notes(&stack.bed), [Value::Null, Value::Null], "other code was not put there");
    stack.desk.write("function.zip", package("two"));
    stack.edit(|spec| spec["function"]["package"] = json!("function.zip"));
    stack.apply();
    assert_eq!(notes(&stack.bed)[0], live_hash(&stack.bed));
}

#[test]
fn code_that_somebody_else_has_put_there_is_told_and_mended() {
    let stack = Stack::applied();
    let hash = live_hash(&stack.bed);
    put_other_code(&stack.bed);
    assert_ne!(live_hash(&stack.bed), hash);
    let told = code(&stack);
    assert_eq!((&told["altered"], &told["outdated"]), (&json!(true), &json!(true)));
    stack.deploy("status").expect(0).says("somebody else has put other code there since");
    stack.apply();
    assert_eq!((&notes(&stack.bed)[0], live_hash(&stack.bed)), (&hash, hash.clone()));
    stack.deploy("status").expect(0).says("put there by deploy");
}
