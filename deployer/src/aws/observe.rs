//! Reading a whole stack: every call at once, none of which changes anything.

use plan::desired::{Desired, Facts};
use plan::live::Live;
use plan::resource::Kind;
use plan::spec::Spec;

use super::client::{Clients, Identity};
use super::error::{Error, Result};
use super::{function, kms, log_group, role, schedule, schedule_group, secret};
use crate::engine::{Observe, Observed, ReadError};

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
        // Only names and ARNs are used of it, and these follow from the spec alone.
        let names = Desired::of(spec, &Facts { code_sha256: String::new(), kms_key_arn: None });
        let (identity, key, secret, execution_role, log_group, function, schedule_group, invoke_role, schedule, inside) = tokio::join!(
            clients.identity(),
            kms::resolve(clients, &spec.secret.kms_key),
            secret::observe(clients, &names.secret.name),
            role::observe(clients, &names.execution_role),
            log_group::observe(clients, &names.log_group),
            function::observe(clients, &names.function.name),
            schedule_group::observe(clients, &names.schedule_group),
            role::observe(clients, &names.invoke_role),
            schedule::observe(clients, &names.schedule.name, &names.schedule.group),
            schedule_group::schedules(clients, &names.schedule_group.name),
        );
        let mut errors = Errors::default();
        let identity: Option<Identity> = errors.take(None, identity);
        let key = errors.take(None, key).flatten();
        let mut live = Live {
            secret: errors.take(Some(Kind::Secret), secret).flatten(),
            execution_role: errors.take(Some(Kind::ExecutionRole), execution_role).flatten(),
            log_group: errors.take(Some(Kind::LogGroup), log_group).flatten(),
            function: errors.take(Some(Kind::Function), function).flatten(),
            schedule_group: errors.take(Some(Kind::ScheduleGroup), schedule_group).flatten(),
            invoke_role: errors.take(Some(Kind::InvokeRole), invoke_role).flatten(),
            schedule: errors.take(Some(Kind::Schedule), schedule).flatten(),
            schedules_in_group: errors.take(Some(Kind::ScheduleGroup), inside).unwrap_or_default(),
        };
        if let Some(secret) = &mut live.secret {
            let live_key = secret.kms_key_arn.as_deref();
            let compared = secret::comparable_key(clients, live_key, &spec.secret.kms_key, key.as_deref()).await;
            secret.kms_key_arn = errors.take(Some(Kind::Secret), compared).flatten();
        }
        match (identity, errors.0.is_empty()) {
            (Some(identity), true) => Ok(Observed { identity, kms_key_arn: key, live }),
            (identity, _) => Err((identity, errors.0)),
        }
    }
}

/// The failed reads: all of them are told, not the first alone.
#[derive(Default)]
struct Errors(Vec<ReadError>);

impl Errors {
    fn take<T>(&mut self, kind: Option<Kind>, result: Result<T>) -> Option<T> {
        result.map_err(|error: Error| self.0.push(ReadError { kind, error })).ok()
    }
}
