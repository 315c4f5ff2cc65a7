//! The two roles: the one as which the function runs, and the one as which the schedule invokes it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::attribute::{Attributes, Value};
use crate::naming::Names;
use crate::ownership::{Tags, comparable, tags};
use crate::policy;
use crate::spec::Spec;

/// What a role should be. It has inline policies only, but for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// IAM path; part of the ARN, so it can't be changed in place.
    pub path: String,
    /// Free text.
    pub description: String,
    /// Who may assume it.
    pub trust: Json,
    /// ARN of the managed policy that bounds it.
    pub boundary: Option<String>,
    /// Inline policies by name.
    pub policies: BTreeMap<String, Json>,
    /// ARNs of attached managed policies: none, but those that stay until nothing uses them any more.
    pub attached: BTreeSet<String>,
    /// Tags.
    pub tags: Tags,
}

/// What a role is.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// ARN.
    pub arn: String,
    /// `AROA...`: another one after the role was deleted and made anew under its name.
    pub id: String,
    /// IAM path.
    pub path: String,
    /// Free text.
    pub description: String,
    /// Who may assume it.
    pub trust: Json,
    /// ARN of the managed policy that bounds it.
    pub boundary: Option<String>,
    /// Inline policies by name.
    pub policies: BTreeMap<String, Json>,
    /// ARNs of attached managed policies.
    pub attached: BTreeSet<String>,
    /// Tags.
    pub tags: Tags,
}

/// The execution role that a spec asks for.
///
/// Keys as in [`policy::use_key`]: the stack's own secret's and that of the target's admin.
#[must_use]
pub fn execution(spec: &Spec, kms_key_arn: Option<&str>, admin_key_arn: Option<&str>) -> Desired {
    let mut policies = BTreeMap::from([
        (policy::SECRET_POLICY.to_owned(), policy::use_secret(spec)),
        (policy::KMS_POLICY.to_owned(), policy::use_key(spec, kms_key_arn)),
        (policy::LOGS_POLICY.to_owned(), policy::write_logs(spec)),
    ]);
    if let Some(admin) = spec.target.login().and_then(|login| login.admin_secret.as_deref()) {
        policies.insert(policy::ADMIN_POLICY.to_owned(), policy::read_admin_secret(spec, admin, admin_key_arn));
    }
    if let Some(id) = spec.target.login().and_then(|login| login.elasticache_user.as_deref()) {
        policies.insert(policy::ELASTICACHE_POLICY.to_owned(), policy::modify_elasticache_user(spec, id));
    }
    if spec.function.vpc.is_some() {
        policies.insert(policy::NETWORK_POLICY.to_owned(), policy::manage_network_interfaces(spec));
    }
    Desired {
        name: spec.role.name.clone(),
        arn: Names::of(spec).execution_role_arn(),
        path: spec.role.path.clone(),
        description: Names::of(spec).description(),
        trust: policy::lambda_trust(),
        boundary: spec.role.permissions_boundary.clone(),
        policies,
        attached: BTreeSet::new(),
        tags: tags(spec),
    }
}

/// The invoke role that a spec asks for.
#[must_use]
pub fn invoke(spec: &Spec) -> Desired {
    let names = Names::of(spec);
    let mut policies = BTreeMap::from([(policy::INVOKE_POLICY.to_owned(), policy::invoke_function(spec))]);
    if let Some(queue) = &spec.schedule.dead_letter_queue {
        policies.insert(policy::DEAD_LETTER_POLICY.to_owned(), policy::send_to_queue(queue));
    }
    Desired {
        name: names.invoke_role(),
        arn: names.invoke_role_arn(),
        path: spec.role.path.clone(),
        description: format!("Invokes {} on schedule", spec.function.name),
        trust: policy::scheduler_trust(spec),
        boundary: spec.role.permissions_boundary.clone(),
        policies,
        attached: BTreeSet::new(),
        tags: tags(spec),
    }
}

fn common(
    path: &str,
    description: &str,
    trust: &Json,
    boundary: Option<&str>,
    policies: &BTreeMap<String, Json>,
    attached: &BTreeSet<String>,
    tags: &Tags,
) -> Attributes {
    let start = Attributes::new()
        .with_fixed("path", path)
        .with_optional("description", (!description.is_empty()).then_some(description))
        .with_optional("permissions_boundary", boundary)
        .with_policy("trust", trust);
    let with_policies = policies
        .iter()
        .fold(start, |all, (name, document)| all.with_entry("policy", name, Value::Policy(document.clone())))
        .with_map("tags", &comparable(tags));
    attached.iter().fold(with_policies, |all, arn| all.with_entry("attached_policy", arn, Value::Known(true.into())))
}

impl Desired {
    /// The invoke role where the dead-letter queue has a customer-managed key.
    #[must_use]
    pub fn sends_with(mut self, queue_key_arn: Option<&str>, spec: &Spec) -> Self {
        if let Some(key) = queue_key_arn.filter(|_| spec.schedule.dead_letter_queue.is_some()) {
            self.policies.insert(policy::QUEUE_KEY_POLICY.to_owned(), policy::use_queue_key(spec, key));
        }
        self
    }

    /// As attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let Self { name: _, arn: _, path, description, trust, boundary, policies, attached, tags } = self;
        common(path, description, trust, boundary.as_deref(), policies, attached, tags)
    }

    /// The same with all that the role grants now: what it is while what uses it changes.
    #[must_use]
    pub fn widened(&self, live: &Live) -> Self {
        let mut policies = self.policies.clone();
        for (name, held) in &live.policies {
            if let Some(document) = policy::union(held, self.policies.get(name)) {
                policies.insert(name.clone(), document);
            }
        }
        // One under another path is made anew, and nothing is attached to that.
        let attached = if live.path == self.path { live.attached.clone() } else { BTreeSet::new() };
        Self { policies, attached, ..self.clone() }
    }
}

impl Live {
    /// As attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let Self { arn: _, id: _, path, description, trust, boundary, policies, attached, tags } = self;
        common(path, description, trust, boundary.as_deref(), policies, attached, tags)
    }
}
