//! The four steps as Secrets Manager's own rotation asks for them, one invocation each.
//!
//! The state machine is that of [`crate::rotation`], but the version's id is Secrets Manager's, which also announces it as
//! AWSPENDING before it has a value, takes that label away, and tries a failed rotation again.
//! <https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html>

use contract::{ManagedStep, Outcome};

use crate::error::{Class, Error, Kind, Step};
use crate::rotation::{Done, Rotation, base_label, base_of};
use crate::store::{CURRENT, Labels, PENDING, PREVIOUS, Put, Store, Version};
use crate::target::{Target, Values};

impl<S: Store, T: Target> Rotation<'_, S, T> {
    /// Does one step for the version `token`. A step that comes again changes nothing.
    ///
    /// # Errors
    /// The version is not pending, or the step failed; AWSCURRENT has not moved, or has moved to this very version.
    pub async fn managed_step(&self, step: ManagedStep, token: &str) -> Result<Done, Error> {
        let done = |outcome| Ok(Done { outcome, replaced: None });
        let read = |kind: Kind| kind.at(Step::Read);
        let labels = self.store.labels().await.map_err(read)?;
        if step == ManagedStep::CreateSecret || labels.has(token, CURRENT) {
            self.clean_stale(&labels).await;
        }
        if labels.has(token, CURRENT) {
            return done(Outcome::AlreadyRotated);
        }
        if !labels.has(token, PENDING) {
            return Err(Kind::NotPending.at(Step::Read));
        }
        let (version, current) = tokio::join!(self.store.version(token), self.store.staged(CURRENT));
        // No rotation has made it, and none can use it: without the label, Secrets Manager begins another.
        if version.as_ref().is_err_and(|kind| *kind == Kind::Binary) {
            self.abandon(token, labels.0.get(token).map_or(&[], Vec::as_slice), None).await?;
        }
        let (version, current) = (version.map_err(read)?, current.map_err(read)?);
        match (step, version) {
            (ManagedStep::CreateSecret, Some(version)) => self.managed_created(&version, current.as_ref()).await,
            (ManagedStep::CreateSecret, None) => self.managed_create(token, current).await,
            (ManagedStep::SetSecret, Some(version)) => self.managed_set(&version, current).await,
            (ManagedStep::TestSecret, version) => self.managed_test(version, current).await,
            (ManagedStep::FinishSecret, Some(version)) => self.managed_finish(&version, current).await,
            (ManagedStep::SetSecret | ManagedStep::FinishSecret, None) => Err(Kind::Unreadable.at(Step::Read)),
        }
    }

    /// Removes what a crash right after a move has left on versions that are or have been current.
    async fn clean_stale(&self, labels: &Labels) {
        for (id, labels) in &labels.0 {
            if labels.iter().any(|label| label == CURRENT || label == PREVIOUS) {
                self.drop_own(id, labels).await;
            }
        }
    }

    async fn managed_create(&self, token: &str, base: Option<Version>) -> Result<Done, Error> {
        let failed = |kind: Kind| kind.at(Step::Create);
        let value = self.new_value(base.as_ref()).map_err(failed)?;
        let base_label = base.as_ref().map(|base| base_label(Some(&base.id), token));
        let labels: Vec<&str> = std::iter::once(PENDING).chain(base_label.as_deref()).collect();
        match self.store.put(token, &value, &labels).await.map_err(failed)? {
            // Another delivery of this very step was faster.
            Put::Stored { .. } | Put::Exists => Ok(Done { outcome: Outcome::StepDone, replaced: None }),
        }
    }

    /// A value that an earlier spec has made blocks its rotation: without the label, Secrets Manager begins another.
    async fn managed_created(&self, version: &Version, current: Option<&Version>) -> Result<Done, Error> {
        let failed = |kind: Kind| kind.at(Step::Create);
        if !self.is_of_spec(&version.value, current) && self.is_unused(&version.value).await.map_err(failed)? {
            self.abandon(&version.id, &version.labels, Some(&version.value)).await?;
            return Err(failed(Kind::Outdated));
        }
        Ok(Done { outcome: Outcome::StepDone, replaced: None })
    }

    /// Discards a value that can't become current any more; then, without the label, Secrets Manager makes another.
    async fn managed_failure(&self, version: &Version, error: Error) -> Error {
        if error.kind.dooms_value() || error.class() == Class::Internal {
            // What keeps it from being discarded is looked into by the next attempt.
            let _ = self.abandon(&version.id, &version.labels, Some(&version.value)).await;
        }
        error
    }

    async fn managed_set(&self, version: &Version, current: Option<Version>) -> Result<Done, Error> {
        let failed = |kind: Kind| kind.at(Step::Set);
        if let Some(current) = &current {
            self.check_base(version, current).await?;
            let previous = self.store.staged(PREVIOUS).await.map_err(failed)?;
            let previous = previous.as_ref().map(|previous| &previous.value);
            let values = Values { current: &current.value, pending: &version.value, previous, is_new: false };
            let set = self.target.set(values, async || self.is_due(&version.id, Some(current)).await).await;
            if let Err(kind) = set {
                return Err(self.managed_failure(version, failed(kind)).await);
            }
        }
        Ok(Done { outcome: Outcome::StepDone, replaced: None })
    }

    /// Secrets Manager also sends this step alone, to try a new configuration; there is nothing new to try then.
    async fn managed_test(&self, version: Option<Version>, current: Option<Version>) -> Result<Done, Error> {
        if let Some(current) = &current {
            let values = |pending| Values { current: &current.value, pending, previous: None, is_new: false };
            let failed = |kind: Kind| kind.at(Step::Test);
            match version {
                None => self.target.test(values(&current.value), async || Ok(())).await.map_err(failed)?,
                Some(version) => self.managed_try(&version, current).await?,
            }
        }
        Ok(Done { outcome: Outcome::StepDone, replaced: None })
    }

    async fn managed_try(&self, version: &Version, current: &Version) -> Result<(), Error> {
        let values = Values { current: &current.value, pending: &version.value, previous: None, is_new: false };
        match self.target.test(values, async || self.is_due(&version.id, Some(current)).await).await {
            Ok(()) => Ok(()),
            Err(kind) => Err(self.managed_failure(version, kind.at(Step::Test)).await),
        }
    }

    async fn managed_finish(&self, version: &Version, current: Option<Version>) -> Result<Done, Error> {
        let failed = |kind: Kind| kind.at(Step::Finish);
        if let Some(current) = &current {
            self.check_base(version, current).await?;
            // A move is only ever made to what has been tried.
            self.managed_try(version, current).await?;
        }
        let base = current.as_ref().map(|current| current.id.as_str());
        self.store.move_current(base, &version.id).await.map_err(failed)?;
        self.drop_own(&version.id, &version.labels).await;
        Ok(Done { outcome: Outcome::Rotated, replaced: current.and_then(|current| current.created) })
    }

    /// What is current must be what the version was made from, where that is known. If it is not, the target is brought back
    /// to what is current, and the version given up.
    async fn check_base(&self, version: &Version, current: &Version) -> Result<(), Error> {
        let base = base_of(&version.id, &version.labels);
        if base.is_none_or(|base| base == current.id) {
            return Ok(());
        }
        self.abandon(&version.id, &version.labels, Some(&version.value)).await?;
        Err(Kind::Changed.at(Step::Set))
    }
}
