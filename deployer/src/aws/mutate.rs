//! Carrying out a plan's actions: what an action says is done, and nothing else.

mod again;
mod grant;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use plan::desired::Desired;
use plan::live::Live;
use plan::ownership::Tags;
use plan::plan::{Action, Verb};
use plan::resource::function::Settings;
use plan::resource::{Kind, role};
use plan::saved::Fingerprints;
use plan::spec::OnTeardown;
use tokio_util::sync::CancellationToken;

use super::client::Clients;
use super::error::{Error, Result};
use super::retry::Wait;
use super::secret::Deleted;
use super::{function, log_group, permission, role as iam, rotation, schedule, schedule_group, secret};
use crate::engine::Mutate;
use crate::initial::InitialValue;

/// How long a change may take to settle before it is an error.
const DEADLINE: Duration = Duration::from_mins(2);
/// The same where Lambda has to make network interfaces, or to give them up.
const NETWORK_DEADLINE: Duration = Duration::from_mins(5);

/// Carries out the actions of one stack's plan.
#[derive(Debug)]
pub struct Mutator {
    clients: Clients,
    desired: Mutex<Desired>,
    live: Live,
    zip: Vec<u8>,
    initial: Option<InitialValue>,
    on_secret: OnTeardown,
    deleted: Mutex<Option<Deleted>>,
    stop: CancellationToken,
    saved: Option<Fingerprints>,
    earlier: Mutex<Vec<role::Live>>,
    granted: Mutex<BTreeMap<Kind, Granted>>,
}

/// A role that grants what is new, and still what is not needed any more.
#[derive(Debug, Clone)]
struct Granted {
    /// What it is for a while.
    for_now: role::Desired,
    /// What it is in the end.
    at_last: role::Desired,
    /// It was deleted for that, and made anew.
    is_new: bool,
}

impl Mutator {
    /// For apply. `initial` is the value of a secret that is to be created.
    #[must_use]
    pub fn to_apply(
        clients: Clients,
        desired: Desired,
        live: Live,
        zip: Vec<u8>,
        initial: Option<InitialValue>,
    ) -> Self {
        let on_secret = OnTeardown::Keep;
        Self { zip, initial, ..Self::to_tear_down(clients, desired, live, on_secret) }
    }

    /// For teardown.
    #[must_use]
    pub fn to_tear_down(clients: Clients, desired: Desired, live: Live, on_secret: OnTeardown) -> Self {
        Self {
            clients,
            desired: Mutex::new(desired),
            live,
            zip: Vec::new(),
            initial: None,
            on_secret,
            deleted: Mutex::new(None),
            stop: CancellationToken::new(),
            saved: None,
            earlier: Mutex::new(Vec::new()),
            granted: Mutex::default(),
        }
    }

    /// Waits for nothing more once `stop` is cancelled.
    #[must_use]
    pub fn stopped_by(self, stop: CancellationToken) -> Self {
        Self { stop, ..self }
    }

    /// Changes nothing that is not as a saved plan saw it.
    #[must_use]
    pub fn only_as_saved(self, saved: Option<Fingerprints>) -> Self {
        Self { saved, ..self }
    }

    /// What the secret has come to, where it was deleted.
    #[must_use]
    pub fn deleted_secret(&self) -> Option<Deleted> {
        lock(&self.deleted).clone()
    }

    fn desired(&self) -> Desired {
        lock(&self.desired).clone()
    }

    /// The secret's ARN, by which no other that was made under its name since is changed; its name where that is not known.
    fn secret_id(&self, name: &str) -> String {
        let arn = lock(&self.desired).function.secret_arn.clone().filter(|arn| !arn.is_empty());
        arn.unwrap_or_else(|| name.to_owned())
    }

    fn deadline(&self) -> Duration {
        let is_attached = |settings: &Settings| settings.vpc.is_some();
        let was_attached = self.live.function.as_ref().is_some_and(|live| is_attached(&live.settings));
        if was_attached || is_attached(&lock(&self.desired).function.settings) { NETWORK_DEADLINE } else { DEADLINE }
    }

    async fn create(&self, kind: Kind, wait: Wait<'_>) -> Result<()> {
        let (clients, desired) = (&self.clients, self.desired());
        let noted = desired.applied_tags(kind);
        match kind {
            Kind::Secret => {
                let Some(initial) = &self.initial else {
                    return Err(Error::outcome("secretsmanager:CreateSecret", "there is no first value"));
                };
                let arn = secret::create(clients, &desired.secret, &noted, initial, wait).await?;
                lock(&self.desired).set_secret_arn(Some(arn));
                Ok(())
            }
            Kind::ExecutionRole => {
                let id = iam::create(clients, &desired.execution_role, &noted, wait).await?;
                lock(&self.desired).function.role_id = Some(id);
                Ok(())
            }
            Kind::LogGroup => log_group::create(clients, &desired.log_group, &noted, wait).await,
            Kind::Function => {
                let role = &desired.execution_role;
                function::create(clients, &desired.function, role, &noted, &self.zip, wait).await
            }
            Kind::ScheduleGroup => schedule_group::create(clients, &desired.schedule_group, &noted, wait).await,
            Kind::InvokeRole => iam::create(clients, &desired.invoke_role, &noted, wait).await.map(drop),
            Kind::Schedule => {
                schedule::create(clients, &desired.schedule, &desired.invoke_role, wait).await?;
                self.note_schedule(&desired, &noted, wait).await
            }
            Kind::Permission => permission::create(clients, &desired.permission, wait).await,
            Kind::Rotation => {
                let id = self.secret_id(&desired.rotation.secret);
                rotation::put(clients, &id, &desired.rotation, &desired.permission, wait).await?;
                self.note_rotation(&desired, &noted, wait).await
            }
        }
    }

    /// The group's own creation has noted it along already; an older group's tag says what was there before.
    async fn note_schedule(&self, desired: &Desired, noted: &Tags, wait: Wait<'_>) -> Result<()> {
        let is_noted = self.live.schedule_group.as_ref().is_none_or(|group| group.deleting);
        if is_noted || self.live.applied(Kind::Schedule) == noted.values().next().map(String::as_str) {
            return Ok(());
        }
        schedule_group::tag(&self.clients, &desired.schedule_group.arn, noted, wait).await
    }

    /// The secret's own creation has noted it along already; an older secret's tag says what was there before.
    async fn note_rotation(&self, desired: &Desired, noted: &Tags, wait: Wait<'_>) -> Result<()> {
        let is_noted = self.live.secret.is_none();
        if is_noted || self.live.applied(Kind::Rotation) == noted.values().next().map(String::as_str) {
            return Ok(());
        }
        secret::tag(&self.clients, &self.secret_id(&desired.secret.name), noted, wait).await
    }

    async fn update(&self, action: &Action, wait: Wait<'_>) -> Result<()> {
        let (clients, desired, changes) = (&self.clients, self.desired(), &action.changes);
        let noted = desired.applied_tags(action.kind);
        match action.kind {
            Kind::Secret => {
                let id = self.secret_id(&desired.secret.name);
                secret::update(clients, &id, &desired.secret, &noted, changes, wait).await
            }
            Kind::ExecutionRole => iam::update(clients, &desired.execution_role, &noted, changes, wait).await,
            Kind::LogGroup => log_group::update(clients, &desired.log_group, &noted, changes, wait).await,
            Kind::Function => {
                let change = function::Update {
                    desired: &desired.function,
                    role: &desired.execution_role,
                    noted: &noted,
                    changes,
                    zip: &self.zip,
                    read_revision: self.live.function.as_ref().and_then(|live| live.revision_id.clone()),
                };
                function::update(clients, change, wait).await
            }
            Kind::ScheduleGroup => {
                schedule_group::update(clients, &desired.schedule_group, &noted, changes, wait).await
            }
            Kind::InvokeRole => iam::update(clients, &desired.invoke_role, &noted, changes, wait).await,
            Kind::Schedule => {
                schedule::update(clients, &desired.schedule, &desired.invoke_role, wait).await?;
                schedule_group::tag(clients, &desired.schedule_group.arn, &noted, wait).await
            }
            Kind::Permission => permission::update(clients, &desired.permission, changes, wait).await,
            Kind::Rotation => {
                let id = self.secret_id(&desired.rotation.secret);
                rotation::put(clients, &id, &desired.rotation, &desired.permission, wait).await?;
                self.note_rotation(&desired, &noted, wait).await
            }
        }
    }

    /// Deletes what was `seen` right before.
    async fn delete(&self, kind: Kind, seen: &Live, wait: Wait<'_>) -> Result<()> {
        let (clients, desired) = (&self.clients, self.desired());
        // By its ARN: under its name there may be another one by now.
        let secret = seen.secret.as_ref().map_or(desired.secret.name.as_str(), |secret| secret.arn.as_str());
        match kind {
            Kind::Secret => {
                let was_scheduled = seen.secret.as_ref().is_some_and(|secret| secret.deleted.is_some());
                let deleted = secret::delete(clients, secret, self.on_secret, was_scheduled, wait).await?;
                *lock(&self.deleted) = Some(deleted);
                Ok(())
            }
            Kind::ExecutionRole => {
                delete_role(clients, &desired.execution_role, seen.execution_role.as_ref(), wait).await
            }
            Kind::LogGroup => log_group::delete(clients, &desired.log_group.name, wait).await,
            Kind::Function => function::delete(clients, &desired.function.name, wait).await,
            Kind::ScheduleGroup => schedule_group::delete(clients, &desired.schedule_group, wait).await,
            Kind::InvokeRole => delete_role(clients, &desired.invoke_role, seen.invoke_role.as_ref(), wait).await,
            Kind::Schedule => schedule::delete(clients, &desired.schedule, wait).await,
            Kind::Permission => {
                permission::delete(clients, &desired.permission.function, seen.permission.as_ref(), wait).await
            }
            Kind::Rotation => rotation::delete(clients, secret, wait).await,
        }
    }
}

async fn delete_role(
    clients: &Clients,
    desired: &role::Desired,
    live: Option<&role::Live>,
    wait: Wait<'_>,
) -> Result<()> {
    match live {
        Some(live) => iam::delete(clients, &desired.name, live, wait).await,
        None => Ok(()),
    }
}

/// A panic while the lock was held has left plain data behind, which is still right.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Mutator {
    fn wait<'a>(&'a self, notify: &'a (dyn Fn(&str) + Sync), earlier: &'a [role::Live]) -> Wait<'a> {
        Wait { deadline: self.deadline(), notify, stop: &self.stop, earlier }
    }

    async fn carry_out(&self, action: &Action, notify: &(dyn Fn(&str) + Sync)) -> Result<()> {
        let earlier = lock(&self.earlier).clone();
        let wait = self.wait(notify, &earlier);
        let Some(seen) = self.look_again(action, wait).await? else { return Ok(()) };
        if action.verb == Verb::Update {
            lock(&self.earlier).extend(seen.execution_role.iter().chain(&seen.invoke_role).cloned());
        }
        match action.verb {
            Verb::NoOp | Verb::Keep => Ok(()),
            Verb::Delete if action.kind == Kind::ScheduleGroup => self.delete_once_settled(action, seen, wait).await,
            Verb::Delete => {
                let attached = seen.function.as_ref().filter(|live| live.settings.vpc.is_some());
                if action.kind == Kind::Function && attached.is_some_and(|live| live.state.as_deref() != Some("Failed"))
                {
                    function::detach(&self.clients, &action.name, wait).await?;
                }
                self.delete(action.kind, &seen, wait).await
            }
            Verb::Update => self.update_or_find_done(action, wait).await,
            Verb::Restore => {
                secret::restore(&self.clients, &self.secret_id(&action.name), wait).await?;
                if action.changes.is_empty() { Ok(()) } else { self.update(action, wait).await }
            }
            Verb::Replace => {
                self.delete(action.kind, &seen, wait).await?;
                self.create_or_converge(action, wait).await
            }
            Verb::Create => self.create_or_converge(action, wait).await,
        }
    }
}

impl Mutate for Mutator {
    async fn grant(&self, action: &Action, notify: &(dyn Fn(&str) + Sync)) -> Result<()> {
        let (for_now, granted) = self.widen(action);
        Box::pin(self.carry_out(&for_now, notify)).await?;
        lock(&self.granted).extend(granted.map(|granted| (action.kind, granted)));
        Ok(())
    }

    async fn perform(&self, action: &Action, notify: &(dyn Fn(&str) + Sync)) -> Result<()> {
        if !action.is_pending() {
            return Ok(());
        }
        let rest = self.narrow(action);
        self.until_unused(&rest, notify).await?;
        Box::pin(self.carry_out(&rest, notify)).await
    }
}
