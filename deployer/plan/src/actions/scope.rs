//! What in AWS a stack's actions are allowed on.

use serde_json::{Value, json};

use crate::naming::{Names, dns_suffix};
use crate::spec::{Spec, Trigger};

/// Keys of that prefix are AWS's own, for which nobody needs a right.
const AWS_OWN: &str = "alias/aws/";

/// What an action is allowed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The stack's secret.
    Secret,
    /// The secret of the target's admin.
    AdminSecret,
    /// The secret's customer-managed key.
    Key,
    /// The same key, through Secrets Manager alone.
    KeyThroughSecretsManager,
    /// The customer-managed key of the admin's secret: only AWS knows which, and whether there is one.
    AdminKey,
    /// Both roles of the stack.
    Roles,
    /// Both roles, as long as the spec's boundary bounds them: of what is created or gets it by this call, and of a role that
    /// is there, so that whoever has the right can neither do without it nor take it away. Without a boundary in the spec they
    /// are [`Scope::Roles`].
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate>
    BoundedRoles,
    /// The execution role, given to Lambda alone.
    PassedToLambda,
    /// The invoke role, given to EventBridge Scheduler alone.
    PassedToScheduler,
    /// The function.
    Function,
    /// The function's log group, with its streams and without.
    LogGroup,
    /// Every log group: AWS asks for the right to list them all, whatever prefix is asked for.
    /// <https://github.com/hashicorp/terraform-provider-aws/issues/8804>
    AllLogGroups,
    /// The stack's schedule group.
    ScheduleGroup,
    /// What is in the stack's schedule group: an earlier spec's schedule may have another name.
    Schedules,
    /// All schedules: there is no narrower right to list them.
    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html>
    AllSchedules,
    /// All of EC2's networks, where the function is attached to one: there is no narrower right to describe them.
    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html>
    Networks,
    /// The schedule's dead-letter queue.
    Queue,
    /// The customer-managed key of that queue: only AWS knows which, and whether there is one.
    QueueKey,
    /// The policy that bounds the roles.
    Boundary,
    /// The account as a whole: there is no narrower right to list its roles or its settings.
    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>
    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html>
    Account,
}

/// What a statement says besides its actions.
pub(super) struct Grant {
    pub resources: Vec<String>,
    pub condition: Option<Value>,
}

impl Grant {
    fn on(resources: impl Into<Vec<String>>) -> Self {
        Self { resources: resources.into(), condition: None }
    }

    fn only(self, condition: Value) -> Self {
        Self { condition: Some(condition), ..self }
    }
}

impl Scope {
    /// The scope that it comes to in a stack.
    pub(super) fn of(self, spec: &Spec) -> Self {
        match self {
            Self::BoundedRoles if spec.role.permissions_boundary.is_none() => Self::Roles,
            other => other,
        }
    }

    /// What it comes to in a stack; `None` where the stack has no such thing.
    pub(super) fn grant(self, spec: &Spec) -> Option<Grant> {
        let names = Names::of(spec);
        let queue = || spec.schedule.dead_letter_queue.as_deref().filter(|_| spec.trigger == Trigger::Schedule);
        let admin = || spec.target.login()?.admin_secret.as_deref();
        Some(match self {
            Self::Secret => Grant::on([names.secret_arn_pattern()]),
            Self::AdminSecret => Grant::on([names.any_secret_arn_pattern(admin()?)]),
            Self::Key => key(spec)?,
            Self::KeyThroughSecretsManager => through_secrets_manager(key(spec)?, spec),
            Self::AdminKey => admin().map(|_| Grant::on([names.any_key_arn()]))?,
            Self::Roles => roles(names),
            Self::BoundedRoles => {
                let boundary = spec.role.permissions_boundary.as_ref()?;
                roles(names).only(json!({"StringEquals": {"iam:PermissionsBoundary": boundary}}))
            }
            Self::PassedToLambda => passed(names.execution_role_arn(), "lambda.amazonaws.com"),
            Self::PassedToScheduler => passed(names.invoke_role_arn(), "scheduler.amazonaws.com"),
            Self::Function => Grant::on([names.function_arn()]),
            Self::LogGroup => Grant::on([names.log_group_arn(), format!("{}:*", names.log_group_arn())]),
            Self::ScheduleGroup => Grant::on([names.schedule_group_arn()]),
            Self::Schedules => Grant::on([names.any_schedule_arn()]),
            Self::AllSchedules | Self::AllLogGroups | Self::Account => everything(),
            Self::Networks => spec.function.vpc.as_ref().map(|_| everything())?,
            Self::Queue => Grant::on([queue()?.to_owned()]),
            Self::QueueKey => Grant::on([any_key_beside(queue()?)?]),
            Self::Boundary => Grant::on([spec.role.permissions_boundary.clone()?]),
        })
    }
}

fn roles(names: Names<'_>) -> Grant {
    Grant::on([names.execution_role_arn(), names.invoke_role_arn()])
}

/// The pattern of the keys in a queue's account and region.
fn any_key_beside(queue: &str) -> Option<String> {
    let mut parts = queue.split(':').skip(1);
    let (partition, _, region, account) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(format!("arn:{partition}:kms:{region}:{account}:key/*"))
}

fn everything() -> Grant {
    Grant::on(["*".to_owned()])
}

/// The key's own ARN; of an alias it is not known before AWS is asked, and a right on the alias allows nothing.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html>
fn key(spec: &Spec) -> Option<Grant> {
    let (names, key) = (Names::of(spec), &spec.secret.kms_key);
    if key.contains(AWS_OWN) {
        return None;
    }
    let aliased = |arn: String, alias: &str| {
        let condition = json!({"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}});
        Grant::on([arn]).only(condition)
    };
    Some(match key.split_once("alias/") {
        Some(("", _)) => aliased(names.any_key_arn(), key),
        Some((arn, alias)) => aliased(format!("{arn}key/*"), &format!("alias/{alias}")),
        None if key.starts_with("arn:") => Grant::on([key.clone()]),
        None => Grant::on([names.key_arn(key)]),
    })
}

fn through_secrets_manager(grant: Grant, spec: &Spec) -> Grant {
    let mut condition = grant.condition.clone().unwrap_or_else(|| json!({}));
    let service = format!("secretsmanager.{}.{}", spec.region, dns_suffix(&spec.region));
    condition["StringEquals"] = json!({"kms:ViaService": service});
    grant.only(condition)
}

fn passed(role: String, service: &str) -> Grant {
    Grant::on([role]).only(json!({"StringEquals": {"iam:PassedToService": service}}))
}
