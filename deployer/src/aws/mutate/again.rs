//! Looking once more, right before a change and where one fails: somebody else may have come since the plan.

use std::sync::Mutex;

use plan::again::{Obstacle, Still, is_begun, is_to_be_seen, still};
use plan::live::Live;
use plan::ownership::Owner;
use plan::plan::{Action, Verb};
use plan::render::difference;
use plan::resource::Kind;
use plan::saved::{Fingerprints, differences};

use super::super::error::{Class, Error, Remedy, Result};
use super::super::preflight::other_cases;
use super::super::retry::{Attempt, Wait, until};
use super::super::{function, log_group, permission, role as iam, schedule, schedule_group, secret};
use super::{Granted, Mutator, lock};

impl Mutator {
    /// Looks at what an action is about to change: whether it is still this stack's, and as it was planned. `None` where
    /// there is nothing left to do.
    ///
    /// Between this look and the change lie a few milliseconds, and no service has a call that closes that gap but two: a
    /// secret is changed by its ARN, and a function by its revision.
    pub(super) async fn look_again(&self, action: &Action, wait: Wait<'_>) -> Result<Option<Live>> {
        if self.saved.is_none() && !is_to_be_seen(action, &self.live) {
            return Ok(Some(Live::default()));
        }
        let now = self.observe_one(action.kind).await?;
        let granted = lock(&self.granted).get(&action.kind).cloned();
        if let Some(saved) = &self.saved {
            is_as_saved(action, saved, &now, granted.as_ref())?;
        }
        if !is_to_be_seen(action, &self.live) {
            return Ok(Some(now));
        }
        // What this run has made of it is not in the plan.
        let planned = if granted.is_some() { &Live::default() } else { &self.live };
        match still(action, &self.desired(), planned, &now) {
            Ok(Still::Due) => Ok(Some(now)),
            Ok(Still::Done) => {
                self.found(action, &now, wait).await?;
                Ok(None)
            }
            Err(obstacle) => Err(self.stopped_by_obstacle(action, obstacle)),
        }
    }

    /// Somebody else with the same stack has done it: what came of it is learnt, and a function is waited for as after a
    /// change of one's own.
    async fn found(&self, action: &Action, now: &Live, wait: Wait<'_>) -> Result<()> {
        self.learn(now);
        match (action.kind, action.verb) {
            (_, Verb::Delete) => Ok(()),
            (Kind::Function, _) => function::settle(&self.clients, &action.name, wait).await,
            _ => Ok(()),
        }
    }

    /// Creates a resource. What was absent when the plan was made may be there now. Ours: another apply, or an unanswered
    /// call of this one, has made it, and what differs is changed. Not ours: refused. Gone again: once more.
    pub(super) async fn create_or_converge(&self, action: &Action, wait: Wait<'_>) -> Result<()> {
        until(wait, || async {
            match self.create(action.kind, wait).await {
                Err(error) if error.class == Class::AlreadyExists => self.converge(action, error, wait).await,
                other => other.map(Attempt::Done),
            }
        })
        .await
    }

    async fn converge(&self, action: &Action, error: Error, wait: Wait<'_>) -> Result<Attempt<()>> {
        let kind = action.kind;
        let now = self.observe_one(kind).await?;
        let Some(changes) = self.desired().changes(kind, &now) else {
            return self.neither_there_nor_absent(kind, error).await.map(Attempt::NotYet);
        };
        // Seen from no plan at all, all but a foreign one may be taken on.
        match still(action, &self.desired(), &Live::default(), &now) {
            Ok(_) => {}
            Err(obstacle) => return Err(self.stopped_by_obstacle(action, obstacle)),
        }
        self.learn(&now);
        if changes.is_empty() {
            return self.found(action, &now, wait).await.map(Attempt::Done);
        }
        // An unanswered call of this very creation leaves the rest of it to be done.
        if self.saved.is_some() && !is_begun(kind, &self.desired(), &now) {
            return Err(stale(kind, "was not there, and is now"));
        }
        self.update(&Action { changes, ..action.clone() }, wait).await?;
        self.found(action, &now, wait).await.map(Attempt::Done)
    }

    /// Somebody may be deleting it. Of a role there may be one of another case as well, which never goes by itself.
    async fn neither_there_nor_absent(&self, kind: Kind, error: Error) -> Result<Error> {
        let message = format!("it is there and is not, as if somebody deleted it: {}", error.message);
        if !matches!(kind, Kind::ExecutionRole | Kind::InvokeRole) {
            return Ok(Error { class: Class::Conflict, message, ..error });
        }
        let wanted = self.desired().name(kind).to_owned();
        let found = other_cases(&self.clients, std::slice::from_ref(&wanted)).await.unwrap_or_default();
        if let Some(other) = found.first() {
            let message = format!("there is a role {other}, and to IAM both are one name: {}", error.message);
            let hint = format!("choose another name than {wanted} in the spec, or delete the role {other}");
            return Err(Error { class: Class::Foreign, message, ..error }.hint(hint));
        }
        // Not known for as long as a name is that was just given up.
        Ok(Error { class: Class::NotFound, message, ..error }
            .hint("there may be a role whose name differs in case alone: `aws iam list-roles`"))
    }

    /// Changes a resource. Where somebody else has changed it in the meantime, it may be as it should be.
    pub(super) async fn update_or_find_done(&self, action: &Action, wait: Wait<'_>) -> Result<()> {
        match self.update(action, wait).await {
            Err(error) if error.class == Class::Stale && self.saved.is_none() => {
                let now = self.observe_one(action.kind).await?;
                match still(action, &self.desired(), &self.live, &now) {
                    Ok(Still::Done) => self.found(action, &now, wait).await,
                    Ok(Still::Due) => Err(error),
                    Err(obstacle) => Err(self.stopped_by_obstacle(action, obstacle)),
                }
            }
            other => other,
        }
    }

    /// Deletes a resource, which was `seen` right before. While another change of it is in progress it is tried again, and
    /// looked at again before that: it may have become another one.
    pub(super) async fn delete_once_settled(&self, action: &Action, seen: Live, wait: Wait<'_>) -> Result<()> {
        let seen = Mutex::new(Some(seen));
        until(wait, || async {
            let known = lock(&seen).take();
            let now = match known {
                None => self.look_again(action, wait).await?,
                known => known,
            };
            let Some(now) = now else { return Ok(Attempt::Done(())) };
            match self.delete(action.kind, &now, wait).await {
                Err(error) if error.class.remedy() == Remedy::Wait => Ok(Attempt::NotYet(error)),
                other => other.map(Attempt::Done),
            }
        })
        .await
    }

    /// Reads a resource, with what it is owned through, and all that would go with it.
    async fn observe_one(&self, kind: Kind) -> Result<Live> {
        let (clients, desired) = (&self.clients, self.desired());
        let mut live = Live::default();
        match kind {
            Kind::Secret | Kind::Rotation => {
                (live.secret, live.rotation) = secret::observe_with_rules(clients, &desired.secret.name).await?;
                if let Some(secret) = &mut live.secret {
                    let (found, wanted) = (secret.kms_key_arn.as_deref(), desired.secret.kms_key_arn.as_deref());
                    secret.kms_key_arn = secret::comparable_key(clients, found, "", wanted).await?;
                }
            }
            Kind::ExecutionRole => live.execution_role = iam::observe(clients, &desired.execution_role).await?,
            Kind::LogGroup => live.log_group = log_group::observe(clients, &desired.log_group).await?,
            Kind::Function | Kind::Permission => {
                let name = &desired.function.name;
                (live.function, live.permission) =
                    tokio::try_join!(function::observe(clients, name), permission::observe(clients, name))?;
            }
            Kind::InvokeRole => live.invoke_role = iam::observe(clients, &desired.invoke_role).await?,
            Kind::ScheduleGroup => {
                let group = &desired.schedule_group;
                (live.schedule_group, live.schedules_in_group) = tokio::try_join!(
                    schedule_group::observe(clients, group),
                    schedule_group::schedules(clients, &group.name)
                )?;
            }
            Kind::Schedule => {
                let (schedule, group) = (&desired.schedule, &desired.schedule_group);
                (live.schedule_group, live.schedule) = tokio::try_join!(
                    schedule_group::observe(clients, group),
                    schedule::observe(clients, &schedule.name, &schedule.group)
                )?;
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

    fn stopped_by_obstacle(&self, action: &Action, obstacle: Obstacle) -> Error {
        let (kind, name) = (action.kind, &action.name);
        let failed = |class, why: String| {
            let error = Error::outcome(read_by(kind), format!("{kind} {name} {why}"));
            Error { class, ..error }.hint("run `deploy plan` to see what is left to do")
        };
        let again = |command: &str, error: Error| error.hint(format!("run `deploy {command}` again"));
        match obstacle {
            Obstacle::Foreign { whole, owner } => {
                let whose = whose(&owner);
                let whole_name = self.desired().name(whole).to_owned();
                let what = match action.verb {
                    _ if whole != kind => format!("is somebody else's by now, as is {whole} {whole_name}"),
                    Verb::Create => "was made by somebody else since the plan".to_owned(),
                    _ => "is somebody else's by now".to_owned(),
                };
                failed(Class::Foreign, format!("{what}: {whose}"))
            }
            Obstacle::Gone(whole) if whole == kind => {
                again("apply", failed(Class::Stale, "was deleted by somebody since the plan".to_owned()))
            }
            Obstacle::Gone(whole) => again(
                "apply",
                failed(Class::Stale, format!("was deleted by somebody since the plan, and its {whole} with it")),
            ),
            Obstacle::MadeAnew => {
                again("apply", failed(Class::Stale, "was deleted and made anew by somebody since the plan".to_owned()))
            }
            Obstacle::ScheduledForDeletion(since) => again(
                "apply",
                failed(Class::Stale, format!("was scheduled for deletion by somebody since the plan ({since})")),
            ),
            Obstacle::Holds(what) => {
                let held = if kind == Kind::ScheduleGroup { "schedules" } else { "policies" };
                failed(Class::Foreign, format!("holds {held} of somebody else's since the plan: {}", what.join(", ")))
            }
        }
    }
}

/// Whether a resource is as a saved plan saw it, or as this run has left it. What is to be created may have gone with
/// something else.
fn is_as_saved(action: &Action, saved: &Fingerprints, now: &Live, granted: Option<&Granted>) -> Result<()> {
    let kind = action.kind;
    if action.verb == Verb::Create && now.attributes(kind).is_none() {
        return Ok(());
    }
    let mut differing = differences(kind, saved.get(&kind), now);
    differing.retain(|one| !granted.is_some_and(|granted| granted.explains(one)));
    if differing.is_empty() {
        return Ok(());
    }
    let told: Vec<String> = differing.iter().map(difference).collect();
    Err(stale(kind, &told.join("; ")))
}

fn whose(owner: &Owner) -> String {
    owner.stack().map_or_else(|| "it carries no stack's tag".to_owned(), |stack| format!("it belongs to stack {stack}"))
}

/// Somebody has changed a resource since the plan was saved.
fn stale(kind: Kind, what: &str) -> Error {
    let error = Error::outcome(read_by(kind), format!("it has changed since the plan was saved: {what}"));
    Error { class: Class::Stale, ..error }.hint("run `deploy plan` to see what is left to do")
}

/// The call by which a resource is read.
fn read_by(kind: Kind) -> &'static str {
    match kind {
        Kind::Secret | Kind::Rotation => "secretsmanager:DescribeSecret",
        Kind::ExecutionRole | Kind::InvokeRole => "iam:GetRole",
        Kind::LogGroup => "logs:DescribeLogGroups",
        Kind::Function => "lambda:GetFunction",
        Kind::ScheduleGroup => "scheduler:GetScheduleGroup",
        Kind::Schedule => "scheduler:GetSchedule",
        Kind::Permission => "lambda:GetPolicy",
    }
}
