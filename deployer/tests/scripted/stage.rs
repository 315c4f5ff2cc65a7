//! A stack, the account in which it is, and the wire between them.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use deployer::aws::{Deleted, Error, Mutator};
use deployer::engine::Mutate as _;
use deployer::initial::{self, InitialValue};
use plan::live::Live;
use plan::plan::{Action, TeardownOptions};
use plan::resource::{Kind, role};
use plan::saved::Fingerprints;
use plan::spec::{OnTeardown, Spec};
use tokio::time::Instant;

use crate::stack;
use crate::wire::Wire;
use crate::world;

/// What carrying out an action came to.
#[derive(Debug)]
pub struct Performed {
    pub result: Result<(), Error>,
    /// What was said of waiting.
    pub told: Vec<String>,
    pub took: Duration,
    /// What the secret has come to.
    pub deleted: Option<Deleted>,
}

impl Performed {
    pub fn error(self) -> Error {
        self.result.expect_err("it should have failed")
    }

    /// All of the two minutes that a change may take to settle, and not much more.
    pub fn took_the_deadline(&self) {
        let deadline = Duration::from_mins(2);
        assert!((deadline..deadline + Duration::from_secs(1)).contains(&self.took), "{:?}", self.took);
    }

    pub fn succeeded(&self) {
        assert!(self.result.is_ok(), "{:?}", self.result);
    }
}

pub struct Stage {
    pub wire: Wire,
    pub spec: Spec,
    /// What the plan is made from. The wire tells the same, until it is scripted otherwise.
    pub live: Live,
}

impl Stage {
    pub fn new(spec: Spec, live: Live) -> Self {
        let wire = Wire::new();
        world::reads(&wire, &live);
        Self { wire, spec, live }
    }

    /// The walk-through's stack, applied.
    pub fn applied() -> Self {
        Self::with(|_| {})
    }

    /// The walk-through's stack, applied, then changed by someone.
    pub fn with(change: impl FnOnce(&mut Live)) -> Self {
        let spec = stack::spec();
        let mut live = stack::applied(&spec);
        change(&mut live);
        Self::new(spec, live)
    }

    /// The walk-through's stack without one resource.
    pub fn missing(kind: Kind) -> Self {
        Self::with(|live| *live = stack::without(live.clone(), kind))
    }

    /// What apply would do to a resource.
    pub fn action(&self, kind: Kind) -> Action {
        let desired = stack::desired(&self.spec, &self.live);
        let adopt = BTreeSet::from([kind]);
        plan::plan::apply(&self.spec, &desired, &self.live, &adopt).action(kind).unwrap().clone()
    }

    /// The operations called after the look that goes before a change of that resource, in order.
    pub fn after_look(&self, kind: Kind) -> Vec<String> {
        let mut called = self.wire.operations();
        let rest = called.split_off(called.len().min(self.look(kind).len()));
        called.sort();
        assert_eq!(called, self.look(kind), "{kind} is looked at before it is changed");
        rest
    }

    /// The reads by which a resource is looked at: those that tell what it is and whose.
    fn look(&self, kind: Kind) -> Vec<&'static str> {
        let of_role = |live: Option<&role::Live>| {
            let policies = live.map_or(0, |live| live.policies.len());
            let lists = ["iam:ListAttachedRolePolicies", "iam:ListRolePolicies"];
            [vec!["iam:GetRole"], vec!["iam:GetRolePolicy"; policies], lists.to_vec()].concat()
        };
        let (group, tags) = ("scheduler:GetScheduleGroup", "scheduler:ListTagsForResource");
        match kind {
            Kind::Secret | Kind::Rotation => vec!["secretsmanager:DescribeSecret"],
            Kind::ExecutionRole => of_role(self.live.execution_role.as_ref()),
            Kind::InvokeRole => of_role(self.live.invoke_role.as_ref()),
            Kind::LogGroup => vec!["logs:DescribeLogGroups", "logs:ListTagsForResource"],
            Kind::Function | Kind::Permission => {
                vec!["lambda:GetFunction", "lambda:GetFunctionEventInvokeConfig", "lambda:GetPolicy"]
            }
            Kind::ScheduleGroup => vec![group, "scheduler:ListSchedules", tags],
            Kind::Schedule => vec!["scheduler:GetSchedule", group, tags],
        }
    }

    pub fn mutator(&self) -> Mutator {
        let desired = stack::desired(&self.spec, &self.live);
        let initial = Some(first_value());
        Mutator::to_apply(self.wire.clients(), desired, self.live.clone(), b"zip".to_vec(), initial)
    }

    /// Does to a resource what apply would do.
    pub async fn apply(&self, kind: Kind) -> Performed {
        perform(&self.mutator(), &self.action(kind)).await
    }

    /// Does to resources what one apply would do, one after the other, and gives what the last came to.
    pub async fn apply_in_turn<const N: usize>(&self, kinds: [Kind; N]) -> Performed {
        let mutator = self.mutator();
        let mut last = None;
        for kind in kinds {
            if let Some(before) = last.replace(perform(&mutator, &self.action(kind)).await) {
                before.succeeded();
            }
        }
        last.unwrap()
    }

    /// Makes a resource as an apply of a saved plan would, in which nothing was there.
    pub async fn apply_saved(&self, kind: Kind) -> Performed {
        perform(&self.mutator().only_as_saved(Some(Fingerprints::new())), &self.action(kind)).await
    }

    /// Does to a resource what teardown would do.
    pub async fn tear_down(&self, kind: Kind) -> Performed {
        self.tear_down_secret(kind, OnTeardown::RecoveryWindowDays(7)).await
    }

    pub async fn tear_down_secret(&self, kind: Kind, how: OnTeardown) -> Performed {
        let desired = stack::desired(&self.spec, &self.live);
        let options = TeardownOptions { force_delete_secret: how == OnTeardown::Force };
        let plan = plan::teardown::teardown(&self.spec, &desired, &self.live, options);
        let mutator = Mutator::to_tear_down(self.wire.clients(), desired, self.live.clone(), how);
        perform(&mutator, plan.action(kind).unwrap()).await
    }
}

async fn perform(mutator: &Mutator, action: &Action) -> Performed {
    let (told, start) = (Mutex::new(Vec::new()), Instant::now());
    let result = Box::pin(mutator.perform(action, &|why| told.lock().unwrap().push(why.to_owned()))).await;
    let deleted = mutator.deleted_secret();
    Performed { result, told: told.into_inner().unwrap(), took: start.elapsed(), deleted }
}

/// The first value's password, which must be seen nowhere but in the one call.
pub const CANARY: &str = "Canary-\"5f2c\"-&<value>";

/// A first value with the canary in it.
pub fn first_value() -> InitialValue {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("first"), CANARY).unwrap();
    let spec = stack::with("initial: generate", "initial: {file: first}");
    initial::obtain(&spec, folder.path()).unwrap()
}
