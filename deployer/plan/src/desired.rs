//! What a spec says the stack should be.

use crate::attribute::{Attribute, Attributes, Change, Effect, Value};
use crate::live::Live;
use crate::ownership::{Tags, applied_tag};
use crate::package::Package;
use crate::resource::{Kind, function, log_group, permission, role, rotation, schedule, schedule_group, secret};
use crate::spec::Spec;

/// What planning has to know besides the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The function's package; `None` where none is needed.
    pub package: Option<Package>,
    /// ARN of the customer-managed key that the spec names; `None` is the default key.
    pub kms_key_arn: Option<String>,
    /// ARN of the customer-managed key of the admin's secret; `None` is the default key, or no such secret.
    pub admin_key_arn: Option<String>,
    /// ARN of the customer-managed key of the dead-letter queue; `None` where there is none.
    pub queue_key_arn: Option<String>,
}

/// All resources of a stack, as they should be. Of those that its trigger has no use for, only the names count.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// The secret.
    pub secret: secret::Desired,
    /// The execution role.
    pub execution_role: role::Desired,
    /// The log group.
    pub log_group: log_group::Desired,
    /// The function.
    pub function: function::Desired,
    /// The schedule group.
    pub schedule_group: schedule_group::Desired,
    /// The invoke role.
    pub invoke_role: role::Desired,
    /// The schedule.
    pub schedule: schedule::Desired,
    /// Secrets Manager's right to invoke the function.
    pub permission: permission::Desired,
    /// The secret's own rotation rules.
    pub rotation: rotation::Desired,
}

impl Desired {
    /// What `spec` asks for.
    #[must_use]
    pub fn of(spec: &Spec, facts: &Facts) -> Self {
        let key = facts.kms_key_arn.as_deref();
        Self {
            secret: secret::desired(spec, key),
            execution_role: role::execution(spec, key, facts.admin_key_arn.as_deref()),
            log_group: log_group::desired(spec),
            function: function::desired(spec, facts.package.as_ref()),
            schedule_group: schedule_group::desired(spec),
            invoke_role: role::invoke(spec).sends_with(facts.queue_key_arn.as_deref(), spec),
            schedule: schedule::desired(spec),
            permission: permission::desired(spec),
            rotation: rotation::desired(spec),
        }
    }

    /// Fills in what only AWS can tell: the secret's ARN and the execution role's id.
    #[must_use]
    pub fn resolved(mut self, live: &Live) -> Self {
        self.set_secret_arn(live.secret.as_ref().map(|secret| secret.arn.clone()));
        // A role under another path is replaced, and the new one has another id.
        let kept = live.execution_role.as_ref().filter(|role| role.path == self.execution_role.path);
        self.function.role_id = kept.map(|role| role.id.clone());
        self
    }

    /// What all that needs the secret's ARN takes from it.
    pub fn set_secret_arn(&mut self, arn: Option<String>) {
        self.permission.secret_arn.clone_from(&arn);
        self.function.secret_arn = arn;
    }

    /// The name of a resource.
    #[must_use]
    pub fn name(&self, kind: Kind) -> &str {
        match kind {
            Kind::Secret => &self.secret.name,
            Kind::ExecutionRole => &self.execution_role.name,
            Kind::LogGroup => &self.log_group.name,
            Kind::Function => &self.function.name,
            Kind::ScheduleGroup => &self.schedule_group.name,
            Kind::InvokeRole => &self.invoke_role.name,
            Kind::Schedule => &self.schedule.name,
            Kind::Permission => &self.permission.function,
            Kind::Rotation => &self.rotation.secret,
        }
    }

    /// The attributes of a resource.
    #[must_use]
    pub fn attributes(&self, kind: Kind) -> Attributes {
        match kind {
            Kind::Secret => self.secret.attributes(),
            Kind::ExecutionRole => self.execution_role.attributes(),
            Kind::LogGroup => self.log_group.attributes(),
            Kind::Function => self.function.attributes(),
            Kind::ScheduleGroup => self.schedule_group.attributes(),
            Kind::InvokeRole => self.invoke_role.attributes(),
            Kind::Schedule => self.schedule.attributes(),
            Kind::Permission => self.permission.attributes(),
            Kind::Rotation => self.rotation.attributes(),
        }
    }

    /// The tags of a resource, or those through which it is owned.
    #[must_use]
    pub fn tags(&self, kind: Kind) -> &Tags {
        match kind {
            Kind::Secret | Kind::Rotation => &self.secret.tags,
            Kind::ExecutionRole => &self.execution_role.tags,
            Kind::LogGroup => &self.log_group.tags,
            Kind::Function | Kind::Permission => &self.function.tags,
            Kind::ScheduleGroup | Kind::Schedule => &self.schedule_group.tags,
            Kind::InvokeRole => &self.invoke_role.tags,
        }
    }

    /// What differs between this and what is there of a resource; `None` where it is not there.
    ///
    /// The note of what was applied is written after all else. Where it alone is missing, a run was cut off right before
    /// it, and later drift would be taken for a change of the spec: so it is written then.
    #[must_use]
    pub fn changes(&self, kind: Kind, live: &Live) -> Option<Vec<Change>> {
        let mut changes = self.attributes(kind).diff(&live.attributes(kind)?);
        changes.retain(|change| !live.is_for_the_account(kind, change.attribute.name));
        // Of a permission the function's note is the function's.
        let is_noted = kind == Kind::Permission || live.applied(kind) == Some(&self.fingerprint(kind));
        Some(if changes.is_empty() && !is_noted { vec![self.note(kind, live)] } else { changes })
    }

    fn note(&self, kind: Kind, live: &Live) -> Change {
        Change {
            attribute: Attribute { name: "tags", key: Some(applied_tag(kind).to_owned()) },
            before: live.applied(kind).map(|note| Value::Known(note.into())),
            after: Some(Value::Known(self.fingerprint(kind).into())),
            effect: Effect::InPlace,
        }
    }

    /// A fingerprint of what the spec says of a resource, for [`crate::ownership::applied_tag`].
    ///
    /// What only AWS can tell is left out: it is not the spec's.
    #[must_use]
    pub fn fingerprint(&self, kind: Kind) -> String {
        let mut plain = self.clone();
        plain.set_secret_arn(None);
        plain.function.role_id = None;
        let known: Vec<String> = plain
            .attributes(kind)
            .iter()
            .filter(|(_, value)| !matches!(value, Value::AfterApply))
            .map(|(attribute, value)| format!("{attribute}={}", serde_json::json!(value)))
            .collect();
        fnv(&known.join("\n"))
    }
}

impl Desired {
    /// The fingerprints as tags, to be written along with a resource's own; a group's carries its schedule's too, and a
    /// secret's its rules'.
    #[must_use]
    pub fn applied_tags(&self, kind: Kind) -> Tags {
        let tag = |kind| (applied_tag(kind).to_owned(), self.fingerprint(kind));
        match kind {
            Kind::ScheduleGroup => [tag(Kind::ScheduleGroup), tag(Kind::Schedule)].into(),
            Kind::Secret if self.rotation.settings.is_some() => [tag(Kind::Secret), tag(Kind::Rotation)].into(),
            other => [tag(other)].into(),
        }
    }
}

/// 64-bit FNV-1a: short, stable across builds; nothing rests on it but a word in a plan.
pub(crate) fn fnv(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}
