//! Reading a whole stack: every call at once, none of which changes anything.

use plan::desired::{Desired, Facts};
use plan::live::Live;
use plan::precondition::{DeadLetterQueue, Key, Surroundings};
use plan::resource::Kind;
use plan::spec::{Spec, Trigger};

use super::client::{Clients, Identity};
use super::error::{Error, Result};
use super::{function, kms, log_group, permission, queue, role, schedule, schedule_group, secret};
use crate::engine::{AdminSecret, Observe, Observed, ReadError};

/// Reads stacks.
#[derive(Debug, Clone)]
pub struct Observer {
    clients: Clients,
}

impl Observer {
    /// An observer that reads with these clients.
    #[must_use]
    pub fn new(clients: Clients) -> Self {
        Self { clients }
    }
}

impl Observe for Observer {
    async fn observe(&self, spec: &Spec) -> std::result::Result<Observed, (Option<Identity>, Vec<ReadError>)> {
        let clients = &self.clients;
        let names = names(spec);
        let (
            identity,
            key,
            admin,
            queue,
            secret,
            execution_role,
            log_group,
            function,
            schedule_group,
            invoke_role,
            schedule,
            inside,
            permission,
            resource_policy,
        ) = tokio::join!(
            clients.identity(),
            kms::resolve(clients, &spec.secret.kms_key),
            admin_secret(clients, spec),
            dead_letter_queue(clients, spec),
            secret::observe_with_rules(clients, &names.secret.name),
            role::observe(clients, &names.execution_role),
            log_group::observe(clients, &names.log_group),
            function::observe(clients, &names.function.name),
            schedule_group::observe(clients, &names.schedule_group),
            role::observe(clients, &names.invoke_role),
            schedule::observe(clients, &names.schedule.name, &names.schedule.group),
            schedule_group::schedules(clients, &names.schedule_group.name),
            permission::observe(clients, &names.function.name),
            secret::resource_policy(clients, &names.secret.name),
        );
        let mut errors = Errors::default();
        let identity: Option<Identity> = errors.take(None, identity);
        let secret_key = errors.take(None, key).flatten();
        let key = secret_key.as_ref().map(|key| key.arn.clone());
        let (admin_secret, admin_key) = errors.take(None, admin).flatten().unzip();
        let queue = errors.take(None, queue).unwrap_or_default();
        let surroundings = Surroundings { secret_key, admin_key: admin_key.flatten(), queue };
        let (secret, rotation) = errors.take(Some(Kind::Secret), secret).unwrap_or_default();
        let mut live = Live {
            secret,
            execution_role: errors.take(Some(Kind::ExecutionRole), execution_role).flatten(),
            log_group: errors.take(Some(Kind::LogGroup), log_group).flatten(),
            function: errors.take(Some(Kind::Function), function).flatten(),
            schedule_group: errors.take(Some(Kind::ScheduleGroup), schedule_group).flatten(),
            invoke_role: errors.take(Some(Kind::InvokeRole), invoke_role).flatten(),
            schedule: errors.take(Some(Kind::Schedule), schedule).flatten(),
            permission: errors.take(Some(Kind::Permission), permission).flatten(),
            rotation,
            schedules_in_group: errors.take(Some(Kind::ScheduleGroup), inside).unwrap_or_default(),
        };
        if let Some(secret) = &mut live.secret {
            let live_key = secret.kms_key_arn.as_deref();
            let compared = secret::comparable_key(clients, live_key, &spec.secret.kms_key, key.as_deref()).await;
            secret.kms_key_arn = errors.take(Some(Kind::Secret), compared).flatten();
        }
        let left = left_schedule(clients, spec, &mut live).await;
        let left_schedule = errors.take(Some(Kind::Schedule), left).flatten();
        match (identity, errors.0.is_empty()) {
            (Some(identity), true) => Ok(Observed {
                identity,
                kms_key_arn: key,
                admin_secret,
                surroundings,
                left_schedule,
                resource_policy,
                live,
            }),
            (identity, _) => Err((identity, errors.0)),
        }
    }
}

/// Only names and ARNs are used of it, and these follow from the spec alone.
fn names(spec: &Spec) -> Desired {
    Desired::of(spec, &Facts { package: None, kms_key_arn: None, admin_key_arn: None, queue_key_arn: None })
}

/// The secret of the target's admin, and its key where it has one that may be described.
async fn admin_secret(clients: &Clients, spec: &Spec) -> Result<Option<(AdminSecret, Option<Key>)>> {
    let Some(name) = spec.target.login().and_then(|login| login.admin_secret.as_deref()) else { return Ok(None) };
    let Some(live) = secret::observe(clients, name).await?.filter(|live| live.deleted.is_none()) else {
        return Ok(None);
    };
    let key = secret::comparable_key(clients, live.kms_key_arn.as_deref(), "", None).await?;
    let described = match &key {
        // The key may be another account's, and the spec does not name it.
        Some(arn) => kms::describe(clients, arn).await.ok().flatten(),
        None => None,
    };
    Ok(Some((AdminSecret { kms_key_arn: key }, described)))
}

async fn dead_letter_queue(clients: &Clients, spec: &Spec) -> Result<DeadLetterQueue> {
    match &spec.schedule.dead_letter_queue {
        Some(arn) if spec.trigger == Trigger::Schedule => queue::observe(clients, arn).await,
        _ => Ok(DeadLetterQueue::Unnamed),
    }
}

/// Finds the schedule of an earlier spec, which may have had a name of its own, in the stack's group, and its role with it.
async fn left_schedule(clients: &Clients, spec: &Spec, live: &mut Live) -> Result<Option<String>> {
    let is_known = live.schedule.is_some() || Kind::Schedule.is_wanted(&spec.trigger);
    if is_known || live.schedules_in_group.is_empty() {
        return Ok(None);
    }
    let wanted = names(spec);
    for name in &live.schedules_in_group {
        let schedule = schedule::observe(clients, name, &wanted.schedule.group).await?;
        if let Some(schedule) = schedule.filter(|one| one.settings.target_arn == wanted.function.arn) {
            let mut earlier = spec.clone();
            earlier.schedule.name.clone_from(name);
            live.schedule = Some(schedule);
            live.invoke_role = role::observe(clients, &names(&earlier).invoke_role).await?;
            return Ok(Some(earlier.schedule.name));
        }
    }
    Ok(None)
}

/// The failed reads: all of them are told, not the first alone.
#[derive(Default)]
struct Errors(Vec<ReadError>);

impl Errors {
    fn take<T>(&mut self, kind: Option<Kind>, result: Result<T>) -> Option<T> {
        result.map_err(|error: Error| self.0.push(ReadError { kind, error })).ok()
    }
}
