//! Who may do what: a plan takes read rights alone, and the rotator exactly what its policies say.

use contract::SECRET_ACTIONS;
use serde_json::{Value, json};

use crate::bed::Keys;
use crate::stack::Stack;

/// All that a plan takes. Who is calling needs no right, and a managed key is not looked up.
pub const READS: [&str; 16] = [
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetResourcePolicy",
    "iam:GetRole",
    "iam:ListRolePolicies",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "logs:DescribeLogGroups",
    "logs:ListTagsForResource",
    "lambda:GetFunction",
    "lambda:GetFunctionEventInvokeConfig",
    "lambda:GetPolicy",
    // Without it AWS's GetFunction gives no tags.
    "lambda:ListTags",
    "scheduler:GetScheduleGroup",
    "scheduler:ListTagsForResource",
    "scheduler:GetSchedule",
    "scheduler:ListSchedules",
];

fn reader(stack: &Stack) -> Keys {
    stack.bed.user("reader", &json!([{"Effect": "Allow", "Action": READS, "Resource": "*"}]))
}

#[test]
fn a_plan_takes_read_rights_alone() {
    let mut stack = Stack::new();
    let (deployer, reader) = (stack.bed.deployer.clone(), reader(&stack));
    stack.desk.sign_in(&reader);
    assert_eq!(stack.plan().actions().len(), 7);
    let ran = stack.deploy("apply --yes").expect(1);
    for denied in
        ["iam:CreateRole", "secretsmanager:CreateSecret", "logs:CreateLogGroup", "scheduler:CreateScheduleGroup"]
    {
        assert!(ran.err.contains(denied), "{denied} is not named:\n{}", ran.err);
    }
    let told = |word: &str| ran.err.lines().filter(|line| line.contains(&format!("│ {word}"))).count();
    assert_eq!((told("failed"), told("not done"), told("done")), (5, 2, 0), "{}", ran.err);
    assert_eq!(stack.bed.names(), Vec::<String>::new());

    stack.desk.sign_in(&deployer);
    stack.apply();
    stack.desk.sign_in(&reader);
    stack.expect_no_changes();
    stack.apply().says("No changes.");
    let before = stack.bed.inventory();
    stack.deploy("teardown --yes").expect(1).says("scheduler:DeleteSchedule");
    assert_eq!(stack.bed.inventory()["functions"], before["functions"]);
}

#[test]
fn the_rotator_needs_each_of_its_actions_and_no_others() {
    let stack = Stack::applied();
    stack.deploy("rotate").expect(0);
    let names = json!({"RoleName": "app-role", "PolicyName": "SecretsManagerRotation"});
    let document = stack.bed.call("iam", "get_role_policy", names.clone())["PolicyDocument"].clone();
    for action in SECRET_ACTIONS {
        let mut less = document.clone();
        less["Statement"][0]["Action"].as_array_mut().unwrap().retain(|one| one != action);
        let mut put = names.clone();
        put["PolicyDocument"] = json!(less.to_string());
        stack.bed.call("iam", "put_role_policy", put);
        let before = (stack.version("AWSCURRENT"), stack.value());
        stack.deploy("rotate").expect(1).says(action);
        assert_eq!((stack.version("AWSCURRENT"), stack.value()), before, "{action} denied, and AWSCURRENT moved");
        assert_eq!(stack.plan().told(), [r#"execution-role policy["SecretsManagerRotation"] (update, drift)"#]);
        stack.apply();
        stack.deploy("rotate").expect(0);
        assert_ne!(stack.version("AWSCURRENT"), before.0);
    }
}

fn allows(document: &Value) -> Value {
    assert_eq!(document["Version"], "2012-10-17");
    assert_eq!(document["Statement"].as_array().unwrap().len(), 1, "{document}");
    document["Statement"][0].clone()
}

/// No emulator enforces KMS behind Secrets Manager, iam:PassRole, the source conditions of a trust policy, or a
/// schedule's right to invoke. So these documents are read back and compared word for word.
#[test]
fn the_documents_that_no_emulator_enforces_say_exactly_this() {
    let stack = Stack::complete();
    let roles = &stack.bed.inventory()["roles"];
    let (execution, invoke) = (&roles["app-role"], &roles["app-schedule-invoke"]);
    let key = stack.bed.call("kms", "describe_key", json!({"KeyId": "alias/app"}))["KeyMetadata"]["Arn"].clone();
    let secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:app/password-??????";
    let logs = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/app-function";
    assert_eq!(
        allows(&execution["Policies"]["KMSDecryptForRotation"]),
        json!({
            "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": key,
            "Condition": {
                "StringEquals": {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"},
                "StringLike": {"kms:EncryptionContext:SecretARN": secret},
            },
        })
    );
    assert_eq!(
        allows(&execution["Policies"]["SecretsManagerRotation"]),
        json!({"Effect": "Allow", "Action": SECRET_ACTIONS, "Resource": secret})
    );
    assert_eq!(
        allows(&execution["Policies"]["WriteLogs"]),
        json!({
            "Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [logs, format!("{logs}:*")],
        })
    );
    assert_eq!(
        allows(&invoke["Policies"]["InvokeFunction"]),
        json!({
            "Effect": "Allow", "Action": "lambda:InvokeFunction",
            "Resource": "arn:aws:lambda:us-east-1:123456789012:function:app-function",
        })
    );
    assert_eq!(
        allows(&execution["AssumeRolePolicyDocument"]),
        json!({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
    );
    assert_eq!(
        allows(&invoke["AssumeRolePolicyDocument"]),
        json!({
            "Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {
                "aws:SourceAccount": "123456789012",
                "aws:SourceArn": "arn:aws:scheduler:us-east-1:123456789012:schedule-group/app",
            }},
        })
    );
    // Word for word in triggers.rs of the crate plan.
    let network = execution["Policies"]["ManageNetworkInterfaces"]["Statement"].as_array().unwrap();
    let denied = network.iter().filter(|statement| statement["Effect"] == "Deny").count();
    assert_eq!((network.len(), denied), (2, 1));
    assert_eq!(execution["Policies"].as_object().unwrap().len(), 4);
    assert_eq!(invoke["Policies"].as_object().unwrap().len(), 1);
    assert_eq!((&execution["Attached"], &invoke["Attached"]), (&json!([]), &json!([])));
}
