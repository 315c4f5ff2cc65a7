//! From stacks to plans: what `plan`, `apply` and `teardown` have in common.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use futures_util::{Stream, StreamExt as _};
use plan::desired::Desired;
use plan::live::Live;
use plan::plan::{Plan, TeardownOptions};
use plan::precondition::{self, Unmet};
use plan::resource::Kind;
use plan::resource_policy::ResourcePolicy;
use plan::spec::Spec;

use super::failure::{Command, Failure};
use super::stacks::Stack;
use crate::artifact::{self, Package};
use crate::aws::{self, Clients, Observer};
use crate::engine::{Observe, Observed, ReadError};

/// How many stacks are worked on at the same time.
pub const CONCURRENT_STACKS: usize = 8;

/// A stack with its plan.
#[derive(Debug)]
pub struct Planned {
    /// The stack.
    pub stack: Stack,
    /// What talks to its region.
    pub clients: Clients,
    /// The function's package; teardown has none.
    pub package: Option<Package>,
    /// What it should be.
    pub desired: Desired,
    /// What it is.
    pub live: Live,
    /// The secret's resource policy.
    pub resource_policy: ResourcePolicy,
    /// The difference.
    pub plan: Plan,
    /// What keeps the plan from being carried out.
    pub unmet: Vec<Unmet>,
}

impl Planned {
    /// What keeps the plan from being carried out, where anything does.
    #[must_use]
    pub fn unmet(&self, command: Command) -> Option<Failure> {
        let Stack { origin, places, .. } = &self.stack;
        let place = |key: &str| places.get(key).map(|(line, column)| format!("{origin}:{line}:{column}"));
        let placed = |unmet: &Unmet| (unmet.key.and_then(place), unmet.clone());
        let unmet: Vec<_> = self.unmet.iter().map(placed).collect();
        (!unmet.is_empty()).then_some(Failure::Unmet { command, unmet })
    }
}

/// A resource, in one stack or in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopt {
    stack: Option<String>,
    kind: Kind,
}

impl std::str::FromStr for Adopt {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (stack, address) =
            text.rsplit_once('/').map_or((None, text), |(stack, kind)| (Some(stack.to_owned()), kind));
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| kind.address() == address)
            .ok_or_else(|| format!("the resources of a stack are {}", Kind::ALL.map(Kind::address).join(", ")))?;
        Ok(Self { stack, kind })
    }
}

impl From<Kind> for Adopt {
    fn from(kind: Kind) -> Self {
        Self { stack: None, kind }
    }
}

/// The kinds that may be taken over in a stack.
#[must_use]
pub fn adopted(adopt: &[Adopt], stack: &str) -> BTreeSet<Kind> {
    let fits = |adopt: &&Adopt| adopt.stack.as_deref().is_none_or(|name| name == stack);
    adopt.iter().filter(fits).map(|adopt| adopt.kind).collect()
}

/// The key of each stack's result: its name.
pub type Result<T> = std::result::Result<T, (String, Failure)>;

/// Works on several stacks at the same time; results come in the stacks' order.
pub fn concurrently<'a, T: 'a, F: Future<Output = T> + 'a>(
    stacks: Vec<Stack>,
    work: impl FnMut(Stack) -> F + 'a,
) -> impl Stream<Item = T> + 'a {
    futures_util::stream::iter(stacks.into_iter().map(work)).buffered(CONCURRENT_STACKS)
}

/// Plans what apply would do.
///
/// # Errors
/// The stack's name, and why it can't be planned.
pub async fn to_apply(environment: &SdkConfig, mut stack: Stack, adopt: &[Adopt]) -> Result<Planned> {
    let name = stack.spec.name.clone();
    let named = |failure| (name.clone(), failure);
    let package = artifact::for_spec(&stack.spec, &stack.folder).map_err(|e| named(Failure::Package(e)))?;
    let clients = Clients::new(environment, &stack.spec.region);
    let observed = observe(&Observer::new(clients.clone()), &stack).await.map_err(named)?;
    if let Some(error) = absent_admin(&stack.spec, &observed) {
        return Err(named(Failure::Read(vec![ReadError { kind: None, error }])));
    }
    observed.name_what_is_left(&mut stack.spec);
    let desired = Desired::of(&stack.spec, &observed.facts(Some(package.planned()))).resolved(&observed.live);
    let plan = plan::plan::apply(&stack.spec, &desired, &observed.live, &adopted(adopt, &name));
    let plan = plan.with_resource_policy(&stack.spec, &observed.resource_policy);
    let questions = precondition::questions(&stack.spec, &desired, &plan, package.bytes.len());
    let answers = aws::preflight(&clients, &questions).await;
    let unmet = precondition::to_apply(&stack.spec, &observed.live, &observed.surroundings, (&questions, &answers));
    let Observed { live, resource_policy, .. } = observed;
    Ok(Planned { stack, clients, package: Some(package), desired, live, resource_policy, plan, unmet })
}

/// Plans what teardown would do.
///
/// # Errors
/// As [`to_apply`]; a package is not needed.
pub async fn to_tear_down(environment: &SdkConfig, mut stack: Stack, options: TeardownOptions) -> Result<Planned> {
    let name = stack.spec.name.clone();
    let clients = Clients::new(environment, &stack.spec.region);
    let observed = observe(&Observer::new(clients.clone()), &stack).await.map_err(|failure| (name, failure))?;
    observed.name_what_is_left(&mut stack.spec);
    let desired = Desired::of(&stack.spec, &observed.facts(None)).resolved(&observed.live);
    let plan = plan::teardown::teardown(&stack.spec, &desired, &observed.live, options);
    let unmet = precondition::to_tear_down(&stack.spec, &observed.live, &plan);
    let Observed { live, resource_policy, .. } = observed;
    Ok(Planned { stack, clients, package: None, desired, live, resource_policy, plan, unmet })
}

/// A function that can't read its admin's secret would only fail later.
fn absent_admin(spec: &Spec, observed: &Observed) -> Option<aws::Error> {
    let name = spec.target.login()?.admin_secret.as_deref().filter(|_| observed.admin_secret.is_none())?;
    let message = format!("the admin's secret {name} is not there, or is scheduled for deletion");
    let hint = format!("create it in {}, or correct the target's `admin_secret`", spec.region);
    Some(aws::Error::outcome("secretsmanager:DescribeSecret", message).hint(hint))
}

/// Reads a stack, and refuses another account than the spec's.
///
/// # Errors
/// What can't be read, or the wrong account.
pub async fn observe(observer: &impl Observe, stack: &Stack) -> std::result::Result<Observed, Failure> {
    let spec = &stack.spec;
    let observed = observer.observe(spec).await;
    let observed = observed.map_err(|(identity, errors)| match identity {
        // In another account reads fail for all kinds of reasons; that it is the wrong one is the reason of them all.
        Some(identity) if identity.account != spec.account => wrong_account(&spec.account, identity),
        _ => Failure::Read(errors),
    })?;
    if observed.identity.account == spec.account {
        Ok(observed)
    } else {
        Err(wrong_account(&spec.account, observed.identity))
    }
}

fn wrong_account(expected: &str, identity: crate::aws::Identity) -> Failure {
    Failure::WrongAccount { expected: expected.to_owned(), actual: identity.account, caller: identity.arn }
}
