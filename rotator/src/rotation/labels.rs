//! The staging labels by which a rotation knows its versions, and how they go.

use super::{BASE_PREFIX, NO_BASE, Rotation, TICK_PREFIX};
use crate::error::Step;
use crate::log;
use crate::store::{PENDING, Store, Version};
use crate::target::Target;

impl<S: Store, T: Target> Rotation<'_, S, T> {
    /// Removes AWSPENDING and the rotation's own labels from a version that is or has been current; order does not matter.
    pub(super) async fn clean(&self, id: &str, labels: &[String]) {
        tokio::join!(self.drop_pending(id, labels), self.drop_own(id, labels));
    }

    /// The same for a version that is not to become current: AWSPENDING first, so that a crash in between leaves no
    /// pending version without its base.
    pub(crate) async fn give_up(&self, id: &str, labels: &[String]) {
        self.drop_pending(id, labels).await;
        self.drop_own(id, labels).await;
    }

    async fn drop_pending(&self, id: &str, labels: &[String]) {
        if labels.iter().any(|label| label == PENDING) {
            self.drop_label(id, PENDING).await;
        }
    }

    /// Removes the labels that only the rotation knows.
    pub(crate) async fn drop_own(&self, id: &str, labels: &[String]) {
        for label in labels.iter().filter(|label| label.starts_with(BASE_PREFIX) || label.starts_with(TICK_PREFIX)) {
            self.drop_label(id, label).await;
        }
    }

    /// Removes a label as well as it can be done: the rotation's outcome does not hang on it, the next tick tries again.
    async fn drop_label(&self, id: &str, label: &str) {
        let mut tries_left = 2;
        while let Err(kind) = self.store.remove_label(label, id).await {
            // The answer does not tell a label that is gone already from one that could not be removed.
            if self.store.labels().await.is_ok_and(|labels| !labels.has(id, label)) {
                return;
            }
            tries_left -= 1;
            if tries_left == 0 {
                log::left_behind(&kind.at(Step::Clean), id);
                return;
            }
        }
    }
}

pub(super) fn base_label(labels: &[String]) -> Option<&String> {
    labels.iter().find(|label| label.starts_with(BASE_PREFIX))
}

/// Whether what is current is still what a pending version was made from.
pub(super) fn is_on_its_base(version: &Version, current: Option<&Version>) -> bool {
    let current = current.map_or(NO_BASE, |current| &current.id);
    base_label(&version.labels).is_some_and(|label| label[BASE_PREFIX.len()..] == *current)
}
