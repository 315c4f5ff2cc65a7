//! `deploy policy`: with exactly what it prints each command does all of its work, and without any one action of it the
//! command says which.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use plan::actions::ACTIONS;
use serde_json::{Value, json};

use crate::bed::{Bed, Keys};
use crate::desk::{Desk, Ran};
use crate::stack::{FILE, managed, policy, spec};

/// Denied to a plan.
const READS: [&str; 14] = [
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "kms:DescribeKey",
    "lambda:GetFunction",
    "lambda:GetPolicy",
    "logs:DescribeLogGroups",
    "logs:ListTagsForResource",
    "scheduler:GetSchedule",
    "scheduler:GetScheduleGroup",
    "scheduler:ListSchedules",
    "scheduler:ListTagsForResource",
    "secretsmanager:DescribeSecret",
];

/// Denied to the apply of a stack that is not there yet.
const CREATIONS: [&str; 9] = [
    "iam:CreateRole",
    "iam:PutRolePolicy",
    "lambda:CreateFunction",
    "lambda:InvokeFunction",
    "logs:CreateLogGroup",
    "logs:PutRetentionPolicy",
    "scheduler:CreateSchedule",
    "scheduler:CreateScheduleGroup",
    "secretsmanager:CreateSecret",
];

/// Denied to the apply of a stack that has drifted, or has another spec by now; see [`unsettle`].
const UPDATES: [&str; 22] = [
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRoleDescription",
    "lambda:DeleteFunctionConcurrency",
    "lambda:TagResource",
    "lambda:UntagResource",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "logs:TagResource",
    "logs:UntagResource",
    "scheduler:TagResource",
    "scheduler:UntagResource",
    "scheduler:UpdateSchedule",
    "secretsmanager:RestoreSecret",
    "secretsmanager:TagResource",
    "secretsmanager:UntagResource",
    "secretsmanager:UpdateSecret",
];

/// Denied to a teardown.
const DELETIONS: [&str; 6] = [
    "iam:DeleteRole",
    "lambda:DeleteFunction",
    "logs:DeleteLogGroup",
    "scheduler:DeleteSchedule",
    "scheduler:DeleteScheduleGroup",
    "secretsmanager:DeleteSecret",
];

/// Denied to a doctor, who says so and goes on.
const EXAMINATIONS: [&str; 6] = [
    "lambda:GetFunctionConfiguration",
    "logs:FilterLogEvents",
    "secretsmanager:GetResourcePolicy",
    "secretsmanager:ListSecretVersionIds",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
];

/// Denied where Secrets Manager starts the rotation: to the first apply twice, to the next, and to the teardown.
const MANAGED: [&str; 4] = [
    "lambda:AddPermission",
    "secretsmanager:RotateSecret",
    "lambda:RemovePermission",
    "secretsmanager:CancelRotateSecret",
];

/// What MiniStack does not ask for, and why.
const UNENFORCED: [(&str, &str); 15] = [
    ("ec2:DescribeSecurityGroups", "Lambda asks no network"),
    ("ec2:DescribeSubnets", "Lambda asks no network"),
    ("ec2:DescribeVpcs", "Lambda asks no network"),
    ("iam:GetPolicy", "where it is denied, the creation of the role finds out"),
    ("iam:ListRoles", "where it is denied, the creation of the role finds out"),
    ("iam:PassRole", "no service asks who gives it a role"),
    ("kms:Decrypt", "Secrets Manager asks no key"),
    ("kms:Encrypt", "Secrets Manager asks no key"),
    ("kms:GenerateDataKey", "Secrets Manager asks no key"),
    ("lambda:GetAccountSettings", "where it is denied, the upload finds out"),
    ("lambda:GetFunctionConcurrency", "taken for PutFunctionConcurrency"),
    ("lambda:GetFunctionEventInvokeConfig", "taken for GetFunction"),
    ("lambda:ListTags", "GetFunction gives the tags to everybody"),
    ("lambda:PutFunctionEventInvokeConfig", "taken for UpdateFunctionCode"),
    ("secretsmanager:UpdateSecretVersionStage", "called by --fix alone: see the scripted tests"),
];

/// What MiniStack asks for where AWS asks for less: actions of a policy, and what of them it wants to see besides.
fn quirks(name: &str) -> Vec<(&'static str, &'static str, String)> {
    let arn = |service: &str, resource: &str| format!("arn:aws:{service}:us-east-1:123456789012:{resource}");
    let mut quirks = vec![
        // It takes the one for the other.
        (
            "lambda:GetFunctionConcurrency",
            "lambda:PutFunctionConcurrency",
            arn("lambda", &format!("function:{name}-*")),
        ),
        // It looks for the name in the path alone.
        ("lambda:CreateFunction", "lambda:CreateFunction", "*".to_owned()),
    ];
    // It takes the ARN in their path for nothing.
    for action in ["scheduler:ListTagsForResource", "scheduler:TagResource", "scheduler:UntagResource"] {
        quirks.push((action, action, "*".to_owned()));
    }
    // It takes every schedule for one of the default group.
    let schedules =
        ["scheduler:GetSchedule", "scheduler:CreateSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule"];
    for action in schedules {
        quirks.push((action, action, arn("scheduler", "schedule/default/*")));
    }
    // A secret that is not there has no six characters yet; AWS makes some up.
    for action in [
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetResourcePolicy",
        "secretsmanager:CreateSecret",
        "secretsmanager:ListSecretVersionIds",
    ] {
        quirks.push((action, action, arn("secretsmanager", &format!("secret:{name}/password"))));
    }
    quirks
}

/// A stack in an account with others, under a name of its own.
struct Place<'a> {
    bed: &'a Bed,
    desk: Desk,
    name: String,
    spec: Value,
}

impl<'a> Place<'a> {
    fn new(bed: &'a Bed, name: &str) -> Self {
        let mut spec = spec(name);
        spec["secret"]["kms_key"] = bed.call("kms", "create_key", json!({}))["KeyMetadata"]["KeyId"].clone();
        let queue = bed.call("sqs", "create_queue", json!({"QueueName": name}))["QueueUrl"].clone();
        let depth = json!({"QueueUrl": queue, "AttributeNames": ["QueueArn"]});
        let queue = bed.call("sqs", "get_queue_attributes", depth)["Attributes"]["QueueArn"].clone();
        spec["schedule"]["dead_letter_queue"] = queue;
        Self::with(bed, name, spec)
    }

    fn with(bed: &'a Bed, name: &str, spec: Value) -> Self {
        let desk = Desk::new(bed);
        desk.write(FILE, spec.to_string());
        Self { bed, desk, name: name.to_owned(), spec }
    }

    fn applied(bed: &'a Bed, name: &str) -> Self {
        let place = Self::new(bed, name);
        place.desk.deploy("apply stack.yaml --yes").expect(0);
        place
    }

    fn edit(&mut self, edit: impl FnOnce(&mut Value)) {
        edit(&mut self.spec);
        self.desk.write(FILE, self.spec.to_string());
    }

    /// Runs a command as somebody who may do what its policy says, but for one action.
    fn run(&mut self, policy_for: &str, less: &str, command: &str) -> Ran {
        let printed = self.desk.deploy(&format!("policy --for {policy_for} {FILE}")).expect(0).json();
        let printed = printed["Statement"].as_array().unwrap().clone();
        let has = |action: &str| printed.iter().any(|one| one["Action"].as_array().unwrap().contains(&json!(action)));
        assert!(less.is_empty() || has(less), "{less} is not in the policy for {policy_for}");
        let quirks = quirks(&self.name).into_iter().filter(|(action, ..)| has(action) && *action != less);
        let quirks = quirks.map(|(_, action, on)| json!({"Effect": "Allow", "Action": [action], "Resource": [on]}));
        let mut statements: Vec<Value> = printed.iter().cloned().chain(quirks).collect();
        for statement in &mut statements {
            statement["Action"].as_array_mut().unwrap().retain(|action| action != less);
        }
        statements.retain(|statement| statement["Action"] != json!([]));
        let user = format!("{}-{policy_for}-{}", self.name, less.replace(':', "-"));
        let keys = self.bed.user(&user, &json!(statements));
        self.sign_in(&keys);
        self.desk.deploy(command)
    }

    /// Without an action the command must fail, and say which.
    fn fails(&mut self, policy_for: &str, less: &str) {
        let command = format!("{policy_for} {FILE}{}", if policy_for == "plan" { "" } else { " --yes" });
        let ran = self.run(policy_for, less, &command);
        assert_eq!(ran.code(), Some(1), "{policy_for} without {less}:\n{}", ran.all());
        assert!(ran.err.contains(&format!("allow {less} to")), "{policy_for} without {less}:\n{}", ran.err);
    }

    fn sign_in(&mut self, keys: &Keys) {
        self.desk.sign_in(keys);
    }
}

/// Makes a change behind the deployer's back, or in the spec, that takes the action to mend or to apply.
fn unsettle(place: &mut Place<'_>, action: &str) {
    let (bed, name) = (place.bed, place.name.clone());
    let role = |method: &str, mut params: Value| {
        params["RoleName"] = json!(format!("{name}-role"));
        bed.call("iam", method, params);
    };
    let tag = |service: &str, params: Value| drop(bed.call(service, "tag_resource", params));
    let function = format!("{name}-function");
    let arn = |service: &str, what: &str| format!("arn:aws:{service}:us-east-1:123456789012:{what}");
    let rights = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"});
    let trust = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}});
    let document = |one: Value| json!({"Version": "2012-10-17", "Statement": [one]}).to_string();
    let secret = format!("{name}/password");
    match action {
        "iam:DeleteRolePermissionsBoundary" => {
            let other = policy(bed, &format!("{name}-other"));
            role("put_role_permissions_boundary", json!({"PermissionsBoundary": other}));
        }
        "iam:DeleteRolePolicy" => {
            role("put_role_policy", json!({"PolicyName": "Added", "PolicyDocument": document(rights)}));
        }
        "iam:DetachRolePolicy" => {
            role("attach_role_policy", json!({"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}));
        }
        "iam:PutRolePermissionsBoundary" => {
            let boundary = policy(bed, &format!("{name}-boundary"));
            place.edit(|spec| spec["role"]["permissions_boundary"] = json!(boundary));
        }
        "iam:TagRole" | "iam:UntagRole" => role("tag_role", json!({"Tags": [{"Key": "added", "Value": "by hand"}]})),
        "iam:UpdateAssumeRolePolicy" => role("update_assume_role_policy", json!({"PolicyDocument": document(trust)})),
        "iam:UpdateRoleDescription" => role("update_role_description", json!({"Description": "other"})),
        "lambda:DeleteFunctionConcurrency" => {
            let none = json!({"FunctionName": function, "ReservedConcurrentExecutions": 0});
            bed.call("lambda", "put_function_concurrency", none);
        }
        "lambda:TagResource" | "lambda:UntagResource" => {
            let resource = arn("lambda", &format!("function:{function}"));
            tag("lambda", json!({"Resource": resource, "Tags": {"added": "by hand"}}));
        }
        "lambda:UpdateFunctionCode" => {
            let code = json!({"FunctionName": function, "ZipFile": {"$zip": "#!/bin/sh\n"}});
            bed.call("lambda", "update_function_code", code);
        }
        "lambda:UpdateFunctionConfiguration" => place.edit(|spec| spec["function"]["memory"] = json!(256)),
        "logs:TagResource" | "logs:UntagResource" => {
            let group = arn("logs", &format!("log-group:/aws/lambda/{function}"));
            tag("logs", json!({"resourceArn": group, "tags": {"added": "by hand"}}));
        }
        "scheduler:TagResource" | "scheduler:UntagResource" => {
            let group = arn("scheduler", &format!("schedule-group/{name}"));
            tag("scheduler", json!({"ResourceArn": group, "Tags": [{"Key": "added", "Value": "by hand"}]}));
        }
        "scheduler:UpdateSchedule" => place.edit(|spec| spec["schedule"]["expression"] = json!("rate(8 days)")),
        "secretsmanager:RestoreSecret" => {
            drop(bed.call("secretsmanager", "delete_secret", json!({"SecretId": secret})));
        }
        "secretsmanager:TagResource" | "secretsmanager:UntagResource" => {
            tag("secretsmanager", json!({"SecretId": secret, "Tags": [{"Key": "added", "Value": "by hand"}]}));
        }
        "secretsmanager:UpdateSecret" => place.edit(|spec| spec["secret"]["description"] = json!("other")),
        other => panic!("nothing takes {other}"),
    }
}

/// Works on the cases, four at a time: most of a case's time is spent waiting.
fn each(cases: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(case) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|case| *case < cases) {
                    work(case);
                }
            });
        }
    });
}

#[test]
fn each_command_does_all_of_its_work_with_exactly_its_own_policy() {
    let bed = Bed::ministack();
    let mut place = Place::new(&bed, "app");
    place.run("plan", "", "plan stack.yaml").expect(0).says("7 to create");
    place.run("apply", "", "apply stack.yaml --yes").expect(0).says("self-check passed");
    place.run("doctor", "", "doctor stack.yaml").expect(0).says("dead-letter-queue  empty");
    for command in ["rotate", "status", "logs"] {
        place.desk.deploy(&format!("{command} {FILE}")).expect(0);
    }
    place.run("teardown", "", "teardown stack.yaml --yes").expect(0).says("recoverable until");
    assert_eq!(bed.names(), ["secrets app/password"]);

    let mut place = Place::with(&bed, "other", managed(spec("other"), &json!({"every_days": 30})));
    place.run("apply", "", "apply stack.yaml --yes").expect(0).says("6 created").says("self-check passed");
    place.run("doctor", "", "doctor stack.yaml").expect(0);
    // MiniStack can't turn the rules off; moto can, and enforces nothing.
}

#[test]
fn without_any_one_action_the_command_fails_and_says_which() {
    let bed = Bed::ministack();
    let mut place = Place::applied(&bed, "read");
    for action in READS {
        place.fails("plan", action);
    }

    each(CREATIONS.len(), |case| Place::new(&bed, &format!("new-{case}")).fails("apply", CREATIONS[case]));
    each(UPDATES.len(), |case| {
        let mut place = Place::applied(&bed, &format!("stack-{case}"));
        if let Some(action) = EXAMINATIONS.get(case) {
            place.run("doctor", action, "doctor stack.yaml").says(&format!("allow {action} to"));
        }
        unsettle(&mut place, UPDATES[case]);
        place.fails("apply", UPDATES[case]);
        if let Some(action) = DELETIONS.get(case) {
            place.fails("teardown", action);
        }
    });

    let mut place = Place::with(&bed, "managed", managed(spec("managed"), &json!({"every_days": 30})));
    let [adds, sets, removes, cancels] = MANAGED;
    place.fails("apply", adds);
    place.fails("apply", sets);
    place.run("apply", "", "apply stack.yaml --yes").expect(0);
    let left = json!({
        "FunctionName": "managed-function", "StatementId": "deployer-rotation-left", "Action": "lambda:InvokeFunction",
        "Principal": "secretsmanager.amazonaws.com",
    });
    bed.call("lambda", "add_permission", left);
    place.fails("apply", removes);
    place.fails("teardown", cancels);
}

#[test]
fn each_action_of_the_table_is_taken_away_once_or_told_to_be_unenforced() {
    let tried = [&READS[..], &CREATIONS, &UPDATES, &DELETIONS, &EXAMINATIONS].concat();
    let tried = tried.into_iter().chain(MANAGED).chain(UNENFORCED.map(|(action, _)| action));
    let tried: Vec<&str> = tried.collect();
    let table: BTreeSet<&str> = ACTIONS.iter().map(|action| action.name).collect();
    assert_eq!(tried.iter().copied().collect::<BTreeSet<_>>(), table);
    assert_eq!(tried.len(), table.len());
}
