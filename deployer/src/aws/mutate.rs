//! Carrying out a plan's actions: what an action says is done, and nothing else.

use std::sync::Mutex;
use std::time::Duration;

use plan::desired::Desired;
use plan::live::Live;
use plan::ownership::{Owner, Tags, owner};
use plan::plan::{Action, Verb};
use plan::render::{Palette, difference};
use plan::resource::function::Settings;
use plan::resource::{Kind, role};
use plan::saved::{Fingerprints, differences};
use plan::spec::OnTeardown;
use tokio_util::sync::CancellationToken;

use super::client::Clients;
use super::error::{Class, Error, Result};
use super::retry::Wait;
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
    recoverable_until: Mutex<Option<String>>,
    stop: CancellationToken,
    saved: Option<Fingerprints>,
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
            recoverable_until: Mutex::new(None),
            stop: CancellationToken::new(),
            saved: None,
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

    /// Until when the deleted secret can be recovered.
    #[must_use]
    pub fn recoverable_until(&self) -> Option<String> {
        lock(&self.recoverable_until).clone()
    }

    fn desired(&self) -> Desired {
        lock(&self.desired).clone()
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
                let arn = secret::create(clients, &desired.secret, &noted, initial).await?;
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
                self.note_schedule(&desired, &noted).await
            }
            Kind::Permission => permission::create(clients, &desired.permission, wait).await,
            Kind::Rotation => {
                rotation::put(clients, &desired.rotation, &desired.permission, wait).await?;
                self.note_rotation(&desired, &noted).await
            }
        }
    }

    /// The group's own creation has noted it along already; an older group's tag says what was there before.
    async fn note_schedule(&self, desired: &Desired, noted: &Tags) -> Result<()> {
        let is_noted = self.live.schedule_group.as_ref().is_none_or(|group| group.deleting);
        if is_noted || self.live.applied(Kind::Schedule) == noted.values().next().map(String::as_str) {
            return Ok(());
        }
        schedule_group::tag(&self.clients, &desired.schedule_group.arn, noted).await
    }

    /// The secret's own creation has noted it along already; an older secret's tag says what was there before.
    async fn note_rotation(&self, desired: &Desired, noted: &Tags) -> Result<()> {
        let is_noted = self.live.secret.is_none();
        if is_noted || self.live.applied(Kind::Rotation) == noted.values().next().map(String::as_str) {
            return Ok(());
        }
        secret::tag(&self.clients, &desired.secret.name, noted).await
    }

    async fn update(&self, action: &Action, wait: Wait<'_>) -> Result<()> {
        let (clients, desired, changes) = (&self.clients, self.desired(), &action.changes);
        let noted = desired.applied_tags(action.kind);
        match action.kind {
            Kind::Secret => secret::update(clients, &desired.secret, &noted, changes).await,
            Kind::ExecutionRole => iam::update(clients, &desired.execution_role, &noted, changes, wait).await,
            Kind::LogGroup => log_group::update(clients, &desired.log_group, &noted, changes, wait).await,
            Kind::Function => {
                let read = self.live.function.as_ref().filter(|live| live.state.as_deref() == Some("Active"));
                let change = function::Update {
                    desired: &desired.function,
                    role: &desired.execution_role,
                    noted: &noted,
                    changes,
                    zip: &self.zip,
                    read_revision: read.and_then(|live| live.revision_id.clone()),
                };
                function::update(clients, change, wait).await
            }
            Kind::ScheduleGroup => schedule_group::update(clients, &desired.schedule_group, &noted, changes).await,
            Kind::InvokeRole => iam::update(clients, &desired.invoke_role, &noted, changes, wait).await,
            Kind::Schedule => {
                schedule::update(clients, &desired.schedule, &desired.invoke_role, wait).await?;
                schedule_group::tag(clients, &desired.schedule_group.arn, &noted).await
            }
            Kind::Permission => permission::update(clients, &desired.permission, changes, wait).await,
            Kind::Rotation => {
                rotation::put(clients, &desired.rotation, &desired.permission, wait).await?;
                self.note_rotation(&desired, &noted).await
            }
        }
    }

    async fn delete(&self, kind: Kind, wait: Wait<'_>) -> Result<()> {
        let (clients, desired) = (&self.clients, self.desired());
        match kind {
            Kind::Secret => {
                let until = secret::delete(clients, &desired.secret.name, self.on_secret, wait).await?;
                *lock(&self.recoverable_until) = until;
                Ok(())
            }
            Kind::ExecutionRole => {
                delete_role(clients, &desired.execution_role, self.live.execution_role.as_ref(), wait).await
            }
            Kind::LogGroup => log_group::delete(clients, &desired.log_group.name, wait).await,
            Kind::Function => function::delete(clients, &desired.function.name, wait).await,
            Kind::ScheduleGroup => schedule_group::delete(clients, &desired.schedule_group, wait).await,
            Kind::InvokeRole => delete_role(clients, &desired.invoke_role, self.live.invoke_role.as_ref(), wait).await,
            Kind::Schedule => schedule::delete(clients, &desired.schedule, wait).await,
            Kind::Permission => {
                permission::delete(clients, &desired.permission.function, self.live.permission.as_ref(), wait).await
            }
            Kind::Rotation => rotation::delete(clients, &desired.rotation.secret).await,
        }
    }

    /// What was absent when the plan was made is there now. Ours: another apply, or an unanswered call of this one, has
    /// made it, and what differs is changed. Not ours: refused.
    async fn converge(&self, action: &Action, error: Error, wait: Wait<'_>) -> Result<()> {
        let kind = action.kind;
        let live = self.observe_one(kind).await?;
        let desired = self.desired();
        let Some((attributes, tags)) = live.attributes(kind).zip(live.tags(kind)) else { return Err(error) };
        if owner(desired.tags(kind), tags) != Owner::Us {
            let message = format!("{} {} was made by somebody else since the plan", kind, action.name);
            return Err(Error { message, ..error }.hint("run `deploy plan` to see whose it is"));
        }
        self.learn(&live);
        let changes = self.desired().attributes(kind).diff(&attributes);
        if changes.is_empty() {
            return Ok(());
        }
        if self.saved.is_some() {
            return Err(stale(kind, "was not there, and is now"));
        }
        self.update(&Action { changes, ..action.clone() }, wait).await
    }

    /// Looks once more at what a saved plan is about to change. What is to be created may have gone with something else.
    async fn is_as_saved(&self, action: &Action, saved: &Fingerprints) -> Result<()> {
        let kind = action.kind;
        let mut live = self.observe_one(kind).await?;
        if action.verb == Verb::Create && live.attributes(kind).is_none() {
            return Ok(());
        }
        if let Some(secret) = &mut live.secret {
            let key = self.desired().secret.kms_key_arn;
            let (found, wanted) = (secret.kms_key_arn.as_deref(), key.as_deref());
            secret.kms_key_arn = secret::comparable_key(&self.clients, found, "", wanted).await?;
        }
        let differing = differences(kind, saved.get(&kind), &live);
        if differing.is_empty() {
            return Ok(());
        }
        let told: Vec<String> = differing.iter().map(|one| difference(one, &Palette::plain())).collect();
        Err(stale(kind, &told.join("; ")))
    }

    async fn observe_one(&self, kind: Kind) -> Result<Live> {
        let (clients, desired) = (&self.clients, self.desired());
        let mut live = Live::default();
        match kind {
            Kind::Secret | Kind::Rotation => {
                (live.secret, live.rotation) = secret::observe_with_rules(clients, &desired.secret.name).await?;
            }
            Kind::ExecutionRole => live.execution_role = iam::observe(clients, &desired.execution_role).await?,
            Kind::LogGroup => live.log_group = log_group::observe(clients, &desired.log_group).await?,
            Kind::Function | Kind::Permission => {
                live.function = function::observe(clients, &desired.function.name).await?;
                live.permission = permission::observe(clients, &desired.function.name).await?;
            }
            Kind::InvokeRole => live.invoke_role = iam::observe(clients, &desired.invoke_role).await?,
            Kind::ScheduleGroup | Kind::Schedule => {
                let (schedule, group) = (&desired.schedule, &desired.schedule_group);
                live.schedule_group = schedule_group::observe(clients, group).await?;
                live.schedule = schedule::observe(clients, &schedule.name, &schedule.group).await?;
            }
        }
        Ok(live)
    }

    fn learn(&self, live: &Live) {
        let mut desired = lock(&self.desired);
        if let Some(secret) = &live.secret {
            desired.set_secret_arn(Some(secret.arn.clone()));
        }
        if let Some(role) = &live.execution_role {
            desired.function.role_id = Some(role.id.clone());
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

/// Somebody has changed a resource since the plan was saved.
fn stale(kind: Kind, what: &str) -> Error {
    let operation = match kind {
        Kind::Secret | Kind::Rotation => "secretsmanager:DescribeSecret",
        Kind::ExecutionRole | Kind::InvokeRole => "iam:GetRole",
        Kind::LogGroup => "logs:DescribeLogGroups",
        Kind::Function => "lambda:GetFunction",
        Kind::ScheduleGroup => "scheduler:GetScheduleGroup",
        Kind::Schedule => "scheduler:GetSchedule",
        Kind::Permission => "lambda:GetPolicy",
    };
    let error = Error::outcome(operation, format!("it has changed since the plan was saved: {what}"));
    Error { class: Class::Stale, ..error }.hint("run `deploy plan` to see what is left to do")
}

/// A panic while the lock was held has left plain data behind, which is still right.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Mutate for Mutator {
    async fn perform(&self, action: &Action, notify: &(dyn Fn(&str) + Sync)) -> Result<()> {
        let wait = Wait { deadline: self.deadline(), notify, stop: &self.stop };
        if let Some(saved) = &self.saved {
            self.is_as_saved(action, saved).await?;
        }
        let created = match action.verb {
            Verb::NoOp | Verb::Keep => return Ok(()),
            Verb::Delete => return self.delete(action.kind, wait).await,
            Verb::Update => return self.update(action, wait).await,
            Verb::Restore => {
                secret::restore(&self.clients, &action.name).await?;
                return if action.changes.is_empty() { Ok(()) } else { self.update(action, wait).await };
            }
            Verb::Replace => {
                self.delete(action.kind, wait).await?;
                self.create(action.kind, wait).await
            }
            Verb::Create => self.create(action.kind, wait).await,
        };
        match created {
            Err(error) if error.class == Class::AlreadyExists => self.converge(action, error, wait).await,
            other => other,
        }
    }
}
