//! A saved plan is carried out as it was reviewed, or not at all.

use std::io::{Cursor, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::bed::{Bed, rotator};
use crate::desk::Ran;
use crate::proxy::{Proxy, When};
use crate::stack::{FILE, Stack, managed};

/// The saved plan. Its name says nothing.
const PLAN: &str = "reviewed";

/// A stack that is deployed, and a saved plan that gives its function more memory and its log more time.
fn planned() -> Stack {
    let mut stack = Stack::applied();
    stack.edit(|spec| {
        spec["function"]["memory"] = json!(256);
        spec["function"]["log_retention_days"] = json!(90);
    });
    save(&stack, "");
    stack
}

#[track_caller]
fn save(stack: &Stack, options: &str) {
    stack.deploy(&format!("plan --out {PLAN} {options}")).expect(0).says(&format!("deploy apply {PLAN}"));
}

fn apply(stack: &Stack) -> Ran {
    stack.desk.deploy(&format!("apply {PLAN}"))
}

fn set_timeout(bed: &Bed) {
    bed.call("lambda", "update_function_configuration", json!({"FunctionName": "app-function", "Timeout": 60}));
}

fn function(bed: &Bed) -> (Value, Value) {
    let function = bed.call("lambda", "get_function_configuration", json!({"FunctionName": "app-function"}));
    (function["MemorySize"].clone(), function["Timeout"].clone())
}

/// The rotator in a zip with a note beside it.
pub fn package(note: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    for (name, content) in [("bootstrap", rotator()), ("note", note.as_bytes().to_vec())] {
        zip.start_file(name, options).unwrap();
        zip.write_all(&content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_saved_plan_is_applied_without_a_question_and_only_once() {
    let stack = Stack::new();
    save(&stack, "");
    assert_eq!(stack.bed.names(), Vec::<String>::new(), "saving a plan made something");
    let mode = std::fs::metadata(stack.desk.folder().join(PLAN)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    apply(&stack).expect(0).says("7 created").says("self-check passed");
    stack.expect_no_changes();

    let before = stack.bed.inventory();
    apply(&stack).expect(4).says("function was not there, and is now");
    assert_eq!(stack.bed.inventory(), before);

    save(&stack, "");
    apply(&stack).expect(0).says("No changes.");
}

#[test]
fn a_rotation_between_plan_and_apply_is_no_change() {
    let stack = planned();
    stack.deploy("rotate").expect(0);
    apply(&stack).expect(0).says("2 updated");
    stack.expect_no_changes();
}

#[test]
fn a_key_by_its_alias_a_boundary_and_a_network_are_known_again() {
    let mut stack = Stack::complete();
    // From then on the service tells the key as it was spelled here.
    let spelled = json!({"SecretId": "app/password", "KmsKeyId": "alias/app"});
    stack.bed.call("secretsmanager", "update_secret", spelled);
    stack.edit(|spec| {
        spec["secret"]["description"] = json!("another");
        spec["tags"]["team"] = json!("billing");
    });
    save(&stack, "");
    apply(&stack).expect(0).says("6 updated");
    stack.expect_no_changes();
}

#[test]
fn what_changed_between_plan_and_apply_is_named_and_nothing_is_changed() {
    let stack = planned();
    set_timeout(&stack.bed);
    let tag = json!({"RoleName": "app-schedule-invoke", "Tags": [{"Key": "team", "Value": "other"}]});
    stack.bed.call("iam", "tag_role", tag);
    let before = stack.bed.inventory();
    let ran = apply(&stack).expect(4).says("function timeout: 30 → 60").says("nothing was changed");
    ran.says(r#"invoke-role tags["team"]: "payments" → "other""#);
    assert_eq!(stack.bed.inventory(), before);
    let json = stack.desk.deploy(&format!("apply {PLAN} -o json")).expect(4).json();
    assert!(json["errors"][0]["details"][0].as_str().unwrap().contains("timeout: 30 → 60"));
}

#[test]
fn what_changes_while_a_saved_plan_is_applied_is_left_as_it_is_and_the_rest_goes_on() {
    let mut stack = planned();
    stack.edit(|spec| spec["schedule"]["flexible_window_minutes"] = json!(10));
    save(&stack, "");
    let proxy = Proxy::of(&stack.bed);
    stack.desk.set("AWS_ENDPOINT_URL", &proxy.endpoint);
    let held = proxy.hold("logs:PutRetentionPolicy", When::Asked);
    let running = stack.desk.start(&format!("apply {PLAN}"));
    held.wait();
    set_timeout(&stack.bed);
    drop(held);
    let ran = running.end().expect(4).says("1 of 3 changes done").says("done     log-group");
    ran.says("timeout: 30 → 60").says("not done schedule app-schedule");
    assert_eq!(function(&stack.bed), (json!(128), json!(60)), "the function was touched");
    stack.apply();
    assert_eq!(function(&stack.bed), (json!(256), json!(30)));
}

#[test]
fn what_appears_while_a_saved_plan_is_applied_is_not_taken_for_its_own() {
    let mut stack = Stack::new();
    save(&stack, "");
    let proxy = Proxy::of(&stack.bed);
    stack.desk.set("AWS_ENDPOINT_URL", &proxy.endpoint);
    let held = proxy.hold("logs:CreateLogGroup", When::Asked);
    let running = stack.desk.start(&format!("apply {PLAN}"));
    held.wait();
    let tags = json!({"deployer:stack": "app", "deployer:region": "us-east-1"});
    let group = json!({"logGroupName": "/aws/lambda/app-function", "tags": tags});
    stack.bed.call("logs", "create_log_group", group);
    drop(held);
    running.end().expect(4).says("failed   log-group").says("was not there, and is now");
    stack.apply();
    stack.expect_no_changes();
}

#[test]
fn what_a_saved_plan_has_made_without_being_told_is_its_own() {
    for call in ["iam:CreateRole", "logs:CreateLogGroup", "lambda:CreateFunction"] {
        let mut stack = Stack::new();
        save(&stack, "");
        let proxy = Proxy::of(&stack.bed);
        stack.desk.set("AWS_ENDPOINT_URL", &proxy.endpoint);
        let held = proxy.hold(call, When::Answered);
        let running = stack.desk.start(&format!("apply {PLAN} --request-timeout 2"));
        held.wait();
        running.end().expect(0).says("7 created");
        drop(held);
        stack.expect_no_changes();
    }
}

#[test]
fn an_edited_spec_makes_its_saved_plan_stale() {
    let mut stack = planned();
    let before = stack.bed.inventory();
    stack.edit(|spec| spec["secret"]["on_teardown"] = json!("keep"));
    apply(&stack).expect(4).says("the spec stack.yaml has changed since the plan");
    std::fs::remove_file(stack.desk.folder().join(FILE)).unwrap();
    apply(&stack).expect(4).says("the spec stack.yaml can't be read");
    assert_eq!(stack.bed.inventory(), before);
}

#[test]
fn another_package_makes_a_saved_plan_stale_though_no_resource_has_changed() {
    let mut stack = Stack::new();
    stack.desk.write("function.zip", package("one"));
    stack.edit(|spec| spec["function"]["package"] = json!("function.zip"));
    save(&stack, "");
    stack.desk.write("function.zip", package("two"));
    let ran = apply(&stack).expect(4).says("what is to be done has changed since the plan");
    ran.says("function: create, but not to the same values");
    assert_eq!(stack.bed.names(), Vec::<String>::new());

    stack.apply();
    save(&stack, "");
    stack.desk.write("function.zip", package("three"));
    let before = stack.bed.inventory();
    apply(&stack).expect(4).says("was planned, and now it would be").says("function: no-op was planned");
    assert_eq!(stack.bed.inventory(), before, "a plan without changes put another package there");
}

#[test]
fn an_altered_or_cut_off_file_is_refused() {
    let stack = planned();
    let before = stack.bed.inventory();
    let text = std::fs::read_to_string(stack.desk.folder().join(PLAN)).unwrap();
    let memory = "\"after\": 256";
    assert!(text.contains(memory));
    for bad in [&text.replace(memory, "\"after\": 512"), &text[..text.len() / 2], &text[..12]] {
        stack.desk.write(PLAN, bad);
        apply(&stack).expect(1).says("altered or cut off").says("nothing was changed");
    }
    assert_eq!(stack.bed.inventory(), before);
}

#[test]
fn what_is_taken_over_is_in_the_file_and_cannot_be_added_at_apply() {
    let stack = Stack::new();
    stack.bed.call("logs", "create_log_group", json!({"logGroupName": "/aws/lambda/app-function"}));
    stack.deploy(&format!("plan --out {PLAN}")).expect(3).says("--adopt app/log-group");
    assert!(!stack.desk.folder().join(PLAN).exists(), "a plan that may not be applied was saved");
    save(&stack, "--adopt log-group");
    stack.desk.deploy(&format!("apply {PLAN} --adopt log-group")).expect(1).says("belong to `deploy plan --out`");
    stack.desk.deploy(&format!("apply {PLAN} {FILE}")).expect(1).says("by itself");
    apply(&stack).expect(0).says("1 updated");
    stack.expect_no_changes();
}

#[test]
fn a_plan_is_saved_over_nothing_but_a_saved_plan_and_of_one_stack() {
    let stack = planned();
    stack.deploy(&format!("plan --out {FILE}")).expect(1).says("is no saved plan");
    assert_eq!(std::fs::read_to_string(stack.desk.folder().join(FILE)).unwrap(), stack.spec.to_string());
    save(&stack, "");
    stack.desk.write("other.yaml", stack.spec.to_string().replace("app", "other"));
    stack.deploy("plan other.yaml --out both").expect(1).says("of one stack");
    assert!(!stack.desk.folder().join("both").exists());
}

#[test]
fn what_goes_with_a_replaced_function_is_not_missed_by_a_saved_plan() {
    let mut stack = Stack::new();
    stack.edit(|spec| *spec = managed(spec.take(), &json!({"every_days": 30})));
    stack.apply();
    stack.edit(|spec| spec["role"]["path"] = json!("/elsewhere/"));
    assert!(stack.plan().actions().contains(&"permission: create".to_owned()));
    save(&stack, "");
    apply(&stack).expect(0).says("2 replaced");
    stack.expect_no_changes();
}

#[test]
fn a_saved_plan_that_others_may_write_or_replace_is_refused_with_the_mend_and_an_artifact_s_is_not() {
    let stack = planned();
    let folder = stack.desk.folder();
    let mode = |name: &str, mode| {
        std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let before = stack.bed.inventory();
    for of_file in [0o666, 0o664, 0o622] {
        mode(PLAN, of_file);
        let ran = apply(&stack).expect(1).says("the saved plan reviewed: other users may write it");
        ran.says("chmod go-w reviewed").says("nothing was changed");
    }
    mode(PLAN, 0o644);
    mode("", 0o777);
    apply(&stack).expect(1).says("other users may put another file in its place: `chmod go-w .`");
    mode("", 0o755);
    std::os::unix::fs::symlink(PLAN, folder.join("link")).unwrap();
    stack.desk.deploy("apply link").expect(1).says("it is a symbolic link");
    assert_eq!(stack.bed.inventory(), before);
    // As an artifact is unpacked: read by all, written by the runner alone, in a folder of its own.
    std::fs::create_dir(folder.join("artifact")).unwrap();
    mode("artifact", 0o755);
    std::fs::copy(folder.join(PLAN), folder.join("artifact/reviewed")).unwrap();
    mode("artifact/reviewed", 0o644);
    stack.desk.deploy("apply artifact/reviewed").expect(0).says("2 updated");
    stack.expect_no_changes();
}
