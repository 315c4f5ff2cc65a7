//! Names and ARNs: deterministic, so that every ARN but the secret's is known before anything exists.

use crate::spec::{Spec, Trigger};

/// The AWS partition of a region, as its prefix tells.
#[must_use]
pub fn partition(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        Some("eusc") => "aws-eusc",
        _ => "aws",
    }
}

/// The domain under which a region's services stand.
#[must_use]
pub fn dns_suffix(region: &str) -> &'static str {
    match partition(region) {
        "aws-cn" => "amazonaws.com.cn",
        "aws-eusc" => "amazonaws.eu",
        _ => "amazonaws.com",
    }
}

/// Names and ARNs of one stack.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a>(&'a Spec);

impl<'a> Names<'a> {
    /// The names that follow from a spec.
    #[must_use]
    pub fn of(spec: &'a Spec) -> Self {
        Self(spec)
    }

    fn arn(self, service: &str, resource: &str) -> String {
        let Spec { account, region, .. } = self.0;
        format!("arn:{}:{service}:{region}:{account}:{resource}", partition(region))
    }

    /// The secret's ARN with `?` for each of the six characters that Secrets Manager adds: it matches no other name.
    #[must_use]
    pub fn secret_arn_pattern(self) -> String {
        self.any_secret_arn_pattern(&self.0.secret.name)
    }

    /// The same of another secret in the stack's account and region.
    #[must_use]
    pub fn any_secret_arn_pattern(self, name: &str) -> String {
        self.arn("secretsmanager", &format!("secret:{name}-??????"))
    }

    /// The pattern of the ARNs of all that EC2 has in the stack's account and region.
    #[must_use]
    pub fn any_ec2_arn(self) -> String {
        self.arn("ec2", "*/*")
    }

    /// The ARN of a user of ElastiCache in the stack's account and region.
    #[must_use]
    pub fn elasticache_user_arn(self, id: &str) -> String {
        self.arn("elasticache", &format!("user:{id}"))
    }

    /// The log group that Lambda writes to.
    #[must_use]
    pub fn log_group(self) -> String {
        format!("/aws/lambda/{}", self.0.function.name)
    }

    /// The log group's ARN, without the `:*` that stands for its streams.
    #[must_use]
    pub fn log_group_arn(self) -> String {
        self.arn("logs", &format!("log-group:{}", self.log_group()))
    }

    /// The pattern of the ARNs of all log groups in the stack's account and region.
    #[must_use]
    pub fn any_log_group_arn(self) -> String {
        self.arn("logs", "log-group:*")
    }

    /// The function's ARN.
    #[must_use]
    pub fn function_arn(self) -> String {
        self.arn("lambda", &format!("function:{}", self.0.function.name))
    }

    /// The schedule group: the stack's own name.
    #[must_use]
    pub fn schedule_group(self) -> &'a str {
        &self.0.name
    }

    /// The schedule group's ARN.
    #[must_use]
    pub fn schedule_group_arn(self) -> String {
        self.arn("scheduler", &format!("schedule-group/{}", self.0.name))
    }

    /// The schedule's ARN; `None` where Secrets Manager starts rotations.
    #[must_use]
    pub fn schedule_arn(self) -> Option<String> {
        let Spec { name, schedule, trigger, .. } = self.0;
        match trigger {
            Trigger::Schedule => Some(self.arn("scheduler", &format!("schedule/{name}/{}", schedule.name))),
            Trigger::Managed(_) => None,
        }
    }

    /// The pattern of the ARNs of all schedules in the schedule group.
    #[must_use]
    pub fn any_schedule_arn(self) -> String {
        self.arn("scheduler", &format!("schedule/{}/*", self.0.name))
    }

    /// The role as which EventBridge Scheduler invokes the function.
    #[must_use]
    pub fn invoke_role(self) -> String {
        format!("{}-invoke", self.0.schedule.name)
    }

    fn role_arn(self, name: &str) -> String {
        let Spec { account, region, role, .. } = self.0;
        format!("arn:{}:iam::{account}:role{}{name}", partition(region), role.path)
    }

    /// The execution role's ARN.
    #[must_use]
    pub fn execution_role_arn(self) -> String {
        self.role_arn(&self.0.role.name)
    }

    /// The invoke role's ARN.
    #[must_use]
    pub fn invoke_role_arn(self) -> String {
        self.role_arn(&self.invoke_role())
    }

    /// The ARN of a key in the stack's account and region.
    #[must_use]
    pub fn key_arn(self, id: &str) -> String {
        self.arn("kms", &format!("key/{id}"))
    }

    /// The pattern of the ARNs of all keys in the stack's account and region.
    #[must_use]
    pub fn any_key_arn(self) -> String {
        self.key_arn("*")
    }
}
