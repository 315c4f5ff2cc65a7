//! What AWS would refuse is told before the first change, with its place in the spec.

use serde_json::json;

use crate::stack::Stack;

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:dead";

#[test]
fn what_the_stack_uses_and_can_not_is_told_before_the_first_change() {
    let mut stack = Stack::new();
    let key = stack.bed.call("kms", "create_key", json!({}))["KeyMetadata"]["KeyId"].clone();
    stack.bed.call("kms", "disable_key", json!({"KeyId": key}));
    stack.edit(|spec| {
        spec["secret"]["kms_key"] = key.clone();
        spec["schedule"]["dead_letter_queue"] = json!(QUEUE);
        spec["role"]["permissions_boundary"] = json!("arn:aws:iam::123456789012:policy/none");
    });
    for command in ["plan", "apply --yes"] {
        let ran = stack.deploy(command).expect(1).says("nothing was changed").says("7 to create");
        let ran =
            ran.says("is disabled\n    next: aws kms enable-key --key-id arn:aws:kms:us-east-1:123456789012:key/");
        let ran = ran.says(&format!("the dead-letter queue {QUEUE} is not there\n    next: aws sqs create-queue"));
        let ran = ran.says("the permissions boundary arn:aws:iam::123456789012:policy/none is not there");
        let placed = ran.err.lines().filter(|line| line.contains("│ stack.yaml:1:")).count();
        assert_eq!(placed, 3, "{}", ran.err);
    }
    assert_eq!(stack.bed.names(), Vec::<String>::new());
    let failed = stack.deploy("plan -o json").expect(1).json();
    assert_eq!(failed["errors"][0]["details"].as_array().unwrap().len(), 3, "{failed}");
    assert_eq!(failed["stacks"].as_array().unwrap().len(), 1, "what would be done is shown all the same");
    stack.deploy("doctor").expect(1).says("is disabled").says("the queue is not there");
    stack.deploy("plan --out saved").expect(1);
    assert!(!stack.desk.folder().join("saved").exists(), "a plan that can't be carried out is not saved");

    stack.bed.call("kms", "enable_key", json!({"KeyId": key}));
    stack.bed.call("sqs", "create_queue", json!({"QueueName": "dead", "Attributes": {"KmsMasterKeyId": key}}));
    stack.edit(|spec| drop(spec["role"].as_object_mut().unwrap().remove("permissions_boundary")));
    stack.apply();
    let role = json!({"RoleName": "app-schedule-invoke", "PolicyName": "UseDeadLetterQueueKey"});
    let document = stack.bed.call("iam", "get_role_policy", role)["PolicyDocument"].clone();
    assert_eq!(document["Statement"][0]["Action"], json!(["kms:Decrypt", "kms:GenerateDataKey"]));
    assert!(document["Statement"][0]["Resource"].as_str().unwrap().ends_with(key.as_str().unwrap()), "{document}");
    stack.expect_no_changes();

    // The key is about to go: a stack that is as its spec says is no healthy one.
    stack.bed.call("kms", "schedule_key_deletion", json!({"KeyId": key}));
    stack.deploy("plan").expect(1).says("is to be deleted").says("aws kms cancel-key-deletion");
    stack.deploy("teardown --yes").expect(0);
}
