//! The staging labels by which a rotation knows its versions, and how they go.

use super::{BASE_PREFIX, NO_BASE, Rotation, TICK_PREFIX};
use crate::error::Step;
use crate::log;
use crate::store::{CURRENT, PENDING, PREVIOUS, Store, Version};
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

    /// Removes the label that says from which version another one was made.
    pub(super) async fn drop_base(&self, id: &str, labels: &[String]) {
        for label in labels.iter().filter(|label| label.starts_with(BASE_PREFIX)) {
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

/// The staging label that says from which version `id` was made, if from any. It names both, so that it is one version's
/// alone: of two rotations that begin at once, none takes it from the other.
#[must_use]
pub fn base_label(base: Option<&str>, id: &str) -> String {
    format!("{BASE_PREFIX}{}-{id}", base.unwrap_or(NO_BASE))
}

/// From which version `id` was made, by its labels.
pub(crate) fn base_of<'a>(id: &str, labels: &'a [String]) -> Option<&'a str> {
    let named = labels.iter().find_map(|label| label.strip_prefix(BASE_PREFIX))?;
    // Functions before this one named only the base.
    Some(named.strip_suffix(id).and_then(|base| base.strip_suffix('-')).unwrap_or(named))
}

/// Whether what is current is still what a pending version was made from.
pub(super) fn is_on_its_base(version: &Version, current: Option<&Version>) -> bool {
    let current = current.map_or(NO_BASE, |current| &current.id);
    base_of(&version.id, &version.labels) == Some(current)
}

/// Whether a rotation to a version has not ended. It may have lost AWSPENDING to a later one, and the target its password
/// all the same.
pub(super) fn is_open(id: &str, labels: &[String]) -> bool {
    let has = |label: &str| labels.iter().any(|l| l == label);
    let is_its_own = |label: &String| label.starts_with(BASE_PREFIX) && label.ends_with(&format!("-{id}"));
    !has(CURRENT) && !has(PREVIOUS) && (has(PENDING) || labels.iter().any(is_its_own))
}
