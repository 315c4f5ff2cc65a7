//! The IAM actions of all calls that the deployer makes: what each command needs, and on what.
//!
//! Who is calling is told without a permission: `sts:GetCallerIdentity` is in no policy.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>

mod scope;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

pub use self::scope::Scope;

use self::scope::Grant;
use crate::spec::{Spec, Trigger};

/// IAM's limit for a managed policy, in characters without white space.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub const MAX_MANAGED_CHARACTERS: usize = 6_144;

/// A command that calls AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// `plan`
    Plan,
    /// `apply`, which plans first and looks again at the end.
    Apply,
    /// `teardown`, which does so too.
    Teardown,
    /// `doctor`; `--fix`, `rotate`, `status` and `logs` need no more.
    Doctor,
}

/// What an action is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// All commands: they read the stack.
    Read,
    Apply,
    /// Apply, where a schedule starts the rotation.
    Scheduled,
    /// Apply, where Secrets Manager starts it.
    Managed,
    /// Apply, where a boundary bounds the roles.
    Bounded,
    /// Apply, where none does, and one that is there is drift.
    Unbounded,
    Teardown,
    /// Teardown, where the function is taken off its network first.
    Detached,
    Doctor,
}

impl Need {
    fn is_of(self, command: Command, spec: &Spec) -> bool {
        match self {
            Self::Read => true,
            Self::Apply => command == Command::Apply,
            Self::Scheduled => command == Command::Apply && spec.trigger == Trigger::Schedule,
            Self::Managed => command == Command::Apply && spec.trigger.managed().is_some(),
            Self::Bounded => command == Command::Apply && spec.role.permissions_boundary.is_some(),
            Self::Unbounded => command == Command::Apply && spec.role.permissions_boundary.is_none(),
            Self::Teardown => command == Command::Teardown,
            Self::Detached => command == Command::Teardown && spec.function.vpc.is_some(),
            Self::Doctor => command == Command::Doctor,
        }
    }
}

/// An IAM action of the deployer's.
#[derive(Debug, Clone, Copy)]
pub struct Action {
    /// As policies spell it: `iam:CreateRole`.
    pub name: &'static str,
    /// What it is allowed on.
    pub scope: Scope,
    needs: &'static [Need],
}

impl Action {
    /// Whether a command needs it for a stack.
    #[must_use]
    pub fn is_needed(&self, command: Command, spec: &Spec) -> bool {
        self.needs.iter().any(|need| need.is_of(command, spec)) && self.scope.of(spec).grant(spec).is_some()
    }
}

const fn action(name: &'static str, scope: Scope, needs: &'static [Need]) -> Action {
    Action { name, scope, needs }
}

const READ: &[Need] = &[Need::Read];
const APPLY: &[Need] = &[Need::Apply];
const SCHEDULED: &[Need] = &[Need::Scheduled];
const MANAGED: &[Need] = &[Need::Managed];
const TEARDOWN: &[Need] = &[Need::Teardown];
const DOCTOR: &[Need] = &[Need::Doctor];
/// A change of the path makes the roles anew, another role the function.
const APPLY_AND_TEARDOWN: &[Need] = &[Need::Apply, Need::Teardown];
/// What Secrets Manager rotates gives way to a schedule.
const UNMANAGED: &[Need] = &[Need::Scheduled, Need::Teardown];
/// What a schedule rotates gives way to Secrets Manager.
const UNSCHEDULED: &[Need] = &[Need::Managed, Need::Teardown];

/// All actions.
pub const ACTIONS: &[Action] = &[
    action("secretsmanager:DescribeSecret", Scope::Secret, READ),
    action("secretsmanager:GetResourcePolicy", Scope::Secret, READ),
    action("secretsmanager:CreateSecret", Scope::Secret, APPLY),
    action("secretsmanager:RestoreSecret", Scope::Secret, APPLY),
    action("secretsmanager:UpdateSecret", Scope::Secret, APPLY),
    action("secretsmanager:TagResource", Scope::Secret, APPLY),
    action("secretsmanager:UntagResource", Scope::Secret, APPLY),
    action("secretsmanager:RotateSecret", Scope::Secret, MANAGED),
    action("secretsmanager:CancelRotateSecret", Scope::Secret, UNMANAGED),
    action("secretsmanager:DeleteSecret", Scope::Secret, TEARDOWN),
    action("secretsmanager:ListSecretVersionIds", Scope::Secret, DOCTOR),
    action("secretsmanager:UpdateSecretVersionStage", Scope::Secret, DOCTOR),
    action("secretsmanager:DescribeSecret", Scope::AdminSecret, READ),
    action("kms:DescribeKey", Scope::Key, READ),
    action("kms:DescribeKey", Scope::AdminKey, READ),
    action("kms:DescribeKey", Scope::QueueKey, READ),
    // Who writes a secret's value or changes its key is asked for these.
    // <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html>
    action("kms:Decrypt", Scope::KeyThroughSecretsManager, APPLY),
    action("kms:Encrypt", Scope::KeyThroughSecretsManager, APPLY),
    action("kms:GenerateDataKey", Scope::KeyThroughSecretsManager, APPLY),
    action("iam:GetRole", Scope::Roles, READ),
    action("iam:GetRolePolicy", Scope::Roles, READ),
    action("iam:ListRolePolicies", Scope::Roles, READ),
    action("iam:ListAttachedRolePolicies", Scope::Roles, READ),
    action("iam:ListRoles", Scope::Account, READ),
    action("iam:GetPolicy", Scope::Boundary, READ),
    action("iam:CreateRole", Scope::BoundedRoles, APPLY),
    action("iam:PutRolePolicy", Scope::BoundedRoles, APPLY),
    action("iam:UpdateRoleDescription", Scope::Roles, APPLY),
    action("iam:UpdateAssumeRolePolicy", Scope::Roles, APPLY),
    action("iam:PutRolePermissionsBoundary", Scope::BoundedRoles, &[Need::Bounded]),
    action("iam:DeleteRolePermissionsBoundary", Scope::Roles, &[Need::Unbounded]),
    action("iam:TagRole", Scope::Roles, APPLY),
    action("iam:UntagRole", Scope::Roles, APPLY),
    action("iam:DeleteRolePolicy", Scope::Roles, APPLY_AND_TEARDOWN),
    action("iam:DetachRolePolicy", Scope::Roles, APPLY_AND_TEARDOWN),
    action("iam:DeleteRole", Scope::Roles, APPLY_AND_TEARDOWN),
    // Who gives a role to a service is asked for this.
    // <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>
    action("iam:PassRole", Scope::PassedToLambda, APPLY),
    action("iam:PassRole", Scope::PassedToScheduler, SCHEDULED),
    action("lambda:GetFunction", Scope::Function, READ),
    action("lambda:GetFunctionEventInvokeConfig", Scope::Function, READ),
    action("lambda:GetPolicy", Scope::Function, READ),
    action("lambda:ListTags", Scope::Function, READ),
    action("lambda:GetAccountSettings", Scope::Account, READ),
    action("lambda:CreateFunction", Scope::Function, APPLY),
    action("lambda:UpdateFunctionCode", Scope::Function, APPLY),
    action("lambda:UpdateFunctionConfiguration", Scope::Function, &[Need::Apply, Need::Detached]),
    action("lambda:PutFunctionEventInvokeConfig", Scope::Function, APPLY),
    action("lambda:DeleteFunctionConcurrency", Scope::Function, APPLY),
    action("lambda:TagResource", Scope::Function, APPLY),
    action("lambda:UntagResource", Scope::Function, APPLY),
    action("lambda:AddPermission", Scope::Function, MANAGED),
    action("lambda:RemovePermission", Scope::Function, APPLY_AND_TEARDOWN),
    action("lambda:DeleteFunction", Scope::Function, APPLY_AND_TEARDOWN),
    // For the self-check; and who sets a secret's rotation rules is asked for it too.
    // <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html>
    action("lambda:InvokeFunction", Scope::Function, &[Need::Apply, Need::Doctor]),
    action("lambda:GetFunctionConfiguration", Scope::Function, DOCTOR),
    action("lambda:GetFunctionConcurrency", Scope::Function, DOCTOR),
    // Who attaches a function to a VPC is asked for these.
    // <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions>
    action("ec2:DescribeSecurityGroups", Scope::Networks, APPLY),
    action("ec2:DescribeSubnets", Scope::Networks, APPLY),
    action("ec2:DescribeVpcs", Scope::Networks, APPLY),
    action("logs:DescribeLogGroups", Scope::AllLogGroups, READ),
    action("logs:ListTagsForResource", Scope::LogGroup, READ),
    action("logs:CreateLogGroup", Scope::LogGroup, APPLY),
    action("logs:PutRetentionPolicy", Scope::LogGroup, APPLY),
    action("logs:TagResource", Scope::LogGroup, APPLY),
    action("logs:UntagResource", Scope::LogGroup, APPLY),
    action("logs:DeleteLogGroup", Scope::LogGroup, TEARDOWN),
    action("logs:FilterLogEvents", Scope::LogGroup, DOCTOR),
    action("scheduler:GetScheduleGroup", Scope::ScheduleGroup, READ),
    action("scheduler:ListTagsForResource", Scope::ScheduleGroup, READ),
    action("scheduler:CreateScheduleGroup", Scope::ScheduleGroup, SCHEDULED),
    action("scheduler:TagResource", Scope::ScheduleGroup, SCHEDULED),
    action("scheduler:UntagResource", Scope::ScheduleGroup, SCHEDULED),
    action("scheduler:DeleteScheduleGroup", Scope::ScheduleGroup, UNSCHEDULED),
    action("scheduler:ListSchedules", Scope::AllSchedules, READ),
    action("scheduler:GetSchedule", Scope::Schedules, READ),
    action("scheduler:CreateSchedule", Scope::Schedules, SCHEDULED),
    action("scheduler:UpdateSchedule", Scope::Schedules, SCHEDULED),
    action("scheduler:DeleteSchedule", Scope::Schedules, UNSCHEDULED),
    action("sqs:GetQueueUrl", Scope::Queue, READ),
    action("sqs:GetQueueAttributes", Scope::Queue, READ),
];

/// The IAM policy of somebody who runs a command on these stacks, and does nothing else.
///
/// Offline: what only the account knows is not in it, such as a key or a role path that an earlier spec had. Its size in
/// IAM's count is that of its compact text.
pub fn policy<'a>(specs: impl IntoIterator<Item = &'a Spec>, command: Command) -> Value {
    let mut grants: BTreeMap<(Scope, BTreeSet<&str>, String), Grant> = BTreeMap::new();
    for spec in specs {
        let mut scopes: BTreeMap<Scope, BTreeSet<&str>> = BTreeMap::new();
        for action in ACTIONS.iter().filter(|action| action.is_needed(command, spec)) {
            scopes.entry(action.scope.of(spec)).or_default().insert(action.name);
        }
        for (scope, actions) in scopes {
            let Some(Grant { resources, condition }) = scope.grant(spec) else { continue };
            let told = condition.as_ref().map(Value::to_string).unwrap_or_default();
            // Stacks of which the same is asked share a statement.
            let shared = grants.entry((scope, actions, told)).or_insert(Grant { resources: Vec::new(), condition });
            shared.resources.extend(resources);
        }
    }
    let statements: Vec<Value> =
        grants.into_iter().map(|((_, actions, _), grant)| statement(&actions, grant)).collect();
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn statement(actions: &BTreeSet<&str>, grant: Grant) -> Value {
    let resources: BTreeSet<String> = grant.resources.into_iter().collect();
    let mut statement = json!({"Effect": "Allow", "Action": actions, "Resource": resources});
    if let Some(condition) = grant.condition {
        statement["Condition"] = condition;
    }
    statement
}
