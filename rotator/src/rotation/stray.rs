//! What other requests have left: each is brought to its end, or given up, before a new value is made.

use super::labels::is_on_its_base;
use super::{Draft, Rotation, is_open};
use crate::error::{Class, Error, Kind, Step};
use crate::secret::SecretText;
use crate::store::{CURRENT, Labels, PENDING, PREVIOUS, Store, Version};
use crate::target::Target;

impl<S: Store, T: Target> Rotation<'_, S, T> {
    /// Ends what other ticks have left: their open versions, and the labels of those that are over. Gives what is current by
    /// then.
    pub(super) async fn make_way(
        &self,
        token: &str,
        mut current: Option<Version>,
        labels: &Labels,
    ) -> Result<Option<Version>, Error> {
        let mut strays = Vec::new();
        for (id, labels) in labels.0.iter().filter(|(id, _)| *id != token) {
            if !is_open(id, labels) || !self.target.keeps_passwords() {
                self.give_up(id, labels).await;
                continue;
            }
            match self.store.version(id).await {
                // Secrets Manager's own rotation announces a version before it has a value.
                Ok(None) => self.give_up(id, labels).await,
                Ok(Some(stray)) => strays.push((id, labels, Some(stray))),
                // No rotation has made it, and none can use it.
                Err(Kind::Binary) => strays.push((id, labels, None)),
                Err(kind) => return Err(kind.at(Step::Read)),
            }
        }
        // Where several began at once, only the one that the target accepts can be completed, and the target be brought back
        // by nothing else.
        if strays.len() > 1 {
            for at in 0..strays.len() {
                if let Some(stray) = &strays[at].2
                    && !self.is_unused(&stray.value).await.map_err(|kind| kind.at(Step::Set))?
                {
                    strays.swap(0, at);
                    break;
                }
            }
        }
        for (id, labels, stray) in strays {
            match stray {
                Some(stray) if is_on_its_base(&stray, current.as_ref()) => {
                    self.bring_to_its_end(Draft::of(stray, current)).await?;
                }
                stray => {
                    self.abandon(id, labels, stray.as_ref().map(|stray| &stray.value)).await?;
                }
            }
            current = self.store.staged(CURRENT).await.map_err(|kind| kind.at(Step::Read))?;
        }
        Ok(current)
    }

    /// Completes another request's rotation. One whose value can't become current any more, that lost AWSPENDING before the
    /// target was told, or that fails for a reason that nobody knows, is discarded: it must not block those that follow.
    async fn bring_to_its_end(&self, draft: Draft) -> Result<(), Error> {
        if !self.is_outdated(&draft).await? {
            match self.prove(&draft).await {
                Ok(()) => return self.finish(draft).await.map(drop),
                Err(error) if error.kind.dooms_value() || error.class() == Class::Internal => {}
                Err(error) if error.kind == Kind::TakenOver && !draft.labels.iter().any(|label| label == PENDING) => {}
                Err(error) => return Err(error),
            }
        }
        self.abandon(&draft.id, &draft.labels, Some(&draft.value)).await
    }

    /// Discards a pending version that is not to become current, once the target is sure to accept what is.
    pub(crate) async fn abandon(&self, id: &str, labels: &[String], stray: Option<&SecretText>) -> Result<(), Error> {
        let read = |kind: Kind| kind.at(Step::Read);
        if self.target.keeps_passwords()
            && let Some(current) = self.store.staged(CURRENT).await.map_err(read)?
        {
            let previous = self.store.staged(PREVIOUS).await.map_err(read)?;
            let previous = previous.as_ref().map(|previous| &previous.value);
            let is_due = async || match self.store.labels().await?.holder(CURRENT) {
                Some(id) if id == current.id => Ok(()),
                _ => Err(Kind::Changed),
            };
            let settled = self.target.settle(&current.value, stray, previous, is_due).await;
            settled.map_err(|kind| kind.at(Step::Set))?;
        }
        self.give_up(id, labels).await;
        Ok(())
    }

    /// While another request's version was ended, which may take seconds, yet another may have begun: its labels must not be
    /// taken from it.
    pub(super) async fn check_for_rivals(&self, token: &str, before: &Labels) -> Result<(), Error> {
        let labels = self.store.labels().await.map_err(|kind| kind.at(Step::Read))?;
        let rival = labels.holder(PENDING).filter(|id| *id != token && !before.0.contains_key(*id));
        rival.map_or(Ok(()), |_| Err(Kind::TakenOver.at(Step::Create)))
    }
}
