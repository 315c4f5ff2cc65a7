//! Runs a plan: in dependency order, as parallel as that allows, and stoppable between calls.
//!
//! Reading and changing are two traits. What plans is given the first alone, so that a dry run is one by construction.

mod graph;
#[cfg(test)]
mod tests;

pub use graph::{Event, NotStarted, Outcome, Report, Stop, run};

use plan::desired::Facts;
use plan::live::Live;
use plan::package::Package;
use plan::plan::Action;
use plan::precondition::Surroundings;
use plan::resource::Kind;
use plan::resource_policy::ResourcePolicy;
use plan::spec::Spec;

use crate::aws::{Error, Identity};

/// What was read of a stack.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Who reads.
    pub identity: Identity,
    /// The ARN of the customer-managed key that the spec names; `None` is the default key.
    pub kms_key_arn: Option<String>,
    /// The secret of the target's admin, where the spec names one and it is there.
    pub admin_secret: Option<AdminSecret>,
    /// What the stack uses and does not own.
    pub surroundings: Surroundings,
    /// The name of the schedule that an earlier spec of the stack has left, where it is another than this spec's default.
    pub left_schedule: Option<String>,
    /// The secret's resource policy, which is not the stack's to set.
    pub resource_policy: ResourcePolicy,
    /// The resources.
    pub live: Live,
}

impl Observed {
    /// Gives a spec without a schedule the name of the one that is left, so that all that follows from it is found.
    pub fn name_what_is_left(&self, spec: &mut Spec) {
        if let Some(name) = &self.left_schedule {
            spec.schedule.name.clone_from(name);
        }
    }

    /// What planning has to know besides the spec; `package` is the function's, where one is needed.
    #[must_use]
    pub fn facts(&self, package: Option<Package>) -> Facts {
        Facts {
            package,
            kms_key_arn: self.kms_key_arn.clone(),
            admin_key_arn: self.admin_secret.as_ref().and_then(|secret| secret.kms_key_arn.clone()),
            queue_key_arn: self.surroundings.queue_key_arn(&self.live),
        }
    }
}

/// What has to be known of the secret of the target's admin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminSecret {
    /// ARN of a customer-managed key; `None` is the default key.
    pub kms_key_arn: Option<String>,
}

/// A read that failed.
#[derive(Debug, Clone)]
pub struct ReadError {
    /// The resource that was read, where it was one.
    pub kind: Option<Kind>,
    /// Why.
    pub error: Error,
}

/// Reading a stack. An implementation changes nothing.
pub trait Observe {
    /// Reads all of a stack, and who the caller is.
    ///
    /// # Errors
    /// Every read that failed, and who the caller is, if that is known. A resource that is absent is no failure; one that
    /// may not be read is.
    fn observe(&self, spec: &Spec) -> impl Future<Output = Result<Observed, (Option<Identity>, Vec<ReadError>)>>;
}

/// Changing a stack.
pub trait Mutate {
    /// Brings a role to what it is before and after its action together; [`Mutate::perform`] follows once nothing uses any
    /// more what it withdraws.
    ///
    /// # Errors
    /// As [`Mutate::perform`].
    fn grant(&self, action: &Action, notify: &(dyn Fn(&str) + Sync)) -> impl Future<Output = Result<(), Error>>;

    /// Carries out one action: when it returns, the resource is as the action says.
    ///
    /// Idempotent: what is done already, by an earlier attempt or by somebody else with the same stack, is success.
    ///
    /// # Errors
    /// The call that failed; what the action's earlier calls did stays done, and the next apply goes on from there.
    fn perform(&self, action: &Action, notify: &(dyn Fn(&str) + Sync)) -> impl Future<Output = Result<(), Error>>;
}
