//! What AWS says the stack is.

use crate::attribute::Attributes;
use crate::ownership::{Tags, applied_tag};
use crate::resource::{Kind, function, log_group, permission, role, rotation, schedule, schedule_group, secret};

/// All resources of a stack, as they are; `None` is absent, and never forbidden or unknown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Live {
    /// The secret.
    pub secret: Option<secret::Live>,
    /// The execution role.
    pub execution_role: Option<role::Live>,
    /// The log group.
    pub log_group: Option<log_group::Live>,
    /// The function.
    pub function: Option<function::Live>,
    /// The schedule group.
    pub schedule_group: Option<schedule_group::Live>,
    /// The invoke role.
    pub invoke_role: Option<role::Live>,
    /// The schedule.
    pub schedule: Option<schedule::Live>,
    /// Secrets Manager's right to invoke the function.
    pub permission: Option<permission::Live>,
    /// The secret's own rotation rules, where they are in force.
    pub rotation: Option<rotation::Live>,
    /// Names of all schedules in the stack's group, its own included.
    pub schedules_in_group: Vec<String>,
}

impl Live {
    /// The attributes of a resource, where it is there.
    #[must_use]
    pub fn attributes(&self, kind: Kind) -> Option<Attributes> {
        match kind {
            Kind::Secret => self.secret.as_ref().map(secret::Live::attributes),
            Kind::ExecutionRole => self.execution_role.as_ref().map(role::Live::attributes),
            Kind::LogGroup => self.log_group.as_ref().map(log_group::Live::attributes),
            Kind::Function => self.function.as_ref().map(function::Live::attributes),
            Kind::ScheduleGroup => self.schedule_group.as_ref().map(schedule_group::Live::attributes),
            Kind::InvokeRole => self.invoke_role.as_ref().map(role::Live::attributes),
            Kind::Schedule => self.schedule.as_ref().map(schedule::Live::attributes),
            Kind::Permission => self.permission.as_ref().map(permission::Live::attributes),
            Kind::Rotation => self.rotation.as_ref().map(rotation::Live::attributes),
        }
    }

    /// Whether the account decides of an attribute, so that no change of the resource would be seen.
    /// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogGroup.html>
    #[must_use]
    pub fn is_for_the_account(&self, kind: Kind, attribute: &str) -> bool {
        let is_decided = self.log_group.as_ref().is_some_and(|group| group.retention_policy.is_some());
        kind == Kind::LogGroup && attribute == "retention_days" && is_decided
    }

    /// The tags by which a resource is owned, where it is there: its own, or those of what it is owned through.
    #[must_use]
    pub fn tags(&self, kind: Kind) -> Option<&Tags> {
        match kind {
            Kind::Secret | Kind::Rotation => self.secret.as_ref().map(|live| &live.tags),
            Kind::ExecutionRole => self.execution_role.as_ref().map(|live| &live.tags),
            Kind::LogGroup => self.log_group.as_ref().map(|live| &live.tags),
            Kind::Function | Kind::Permission => self.function.as_ref().map(|live| &live.tags),
            Kind::ScheduleGroup | Kind::Schedule => self.schedule_group.as_ref().map(|live| &live.tags),
            Kind::InvokeRole => self.invoke_role.as_ref().map(|live| &live.tags),
        }
    }

    /// The fingerprint of the desired state as last applied to a resource.
    #[must_use]
    pub fn applied(&self, kind: Kind) -> Option<&str> {
        self.tags(kind).and_then(|tags| tags.get(applied_tag(kind))).map(String::as_str)
    }
}
