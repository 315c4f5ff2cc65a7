//! The four steps, create, set, test and finish, as a state machine over a [`Store`] and a [`Target`].
//!
//! All state is in the store, so a tick may be cut off anywhere and delivered again, or twice at once:
//!
//! 1. *create* puts the new value under the tick's token with the labels AWSPENDING and `rotator-base-ID`, in one call.
//!    The second records for good from which version the value was made: whoever resumes the tick goes on from there.
//! 2. *set* and *test* bring the target along.
//! 3. *finish* moves AWSCURRENT from that base version, and from no other, to the new one. A manual change in between
//!    makes the move fail, and stays.
//! 4. The labels that have served are removed. What a crash leaves behind, the next tick removes.
//!
//! One case cannot be told from a rotation in progress, for AWS keeps no trace of it: a crash between the move and the
//! removal of the labels, then a manual change, then a manual step back to the base, all before the same tick comes again.

use contract::{Outcome, PasswordPolicy};

use crate::error::{Error, Kind, Step};
use crate::log;
use crate::password;
use crate::secret::SecretText;
use crate::store::{CURRENT, Labels, PENDING, PREVIOUS, Put, Store, Version};
use crate::target::Target;
use crate::value;

/// The custom staging label on a pending version; the id of the version from which it was made follows, or `none`.
pub const BASE_PREFIX: &str = "rotator-base-";
const NO_BASE: &str = "none";

/// What one secret's rotation needs.
pub struct Rotation<'a, S, T> {
    /// Where the secret is kept.
    pub store: &'a S,
    /// What the password opens.
    pub target: &'a T,
    /// The JSON field that rotates; `None` is the whole value.
    pub field: Option<&'a str>,
    /// What a new password looks like.
    pub policy: &'a PasswordPolicy,
}

/// What became of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// The outcome.
    pub outcome: Outcome,
    /// When the version was made that this tick replaced, in seconds since 1970; only where it did replace one.
    pub replaced: Option<i64>,
}

/// A version that is pending, and the one from which it was made.
struct Draft {
    base: Option<Version>,
    value: SecretText,
    labels: Vec<String>,
    /// Whether it became current by being put, as a secret's first version may.
    current: bool,
}

/// How far a tick has come: to a pending version, or to its end.
enum Begun {
    Pending(Draft),
    Over(Outcome),
}

impl<S: Store, T: Target> Rotation<'_, S, T> {
    /// Makes the version `token` current, or goes on where an earlier delivery of the same tick was cut off.
    ///
    /// # Errors
    /// Any failure. Whatever it is, AWSCURRENT has not moved, or has moved to this very version, and the same tick may
    /// be delivered again.
    pub async fn run(&self, token: &str) -> Result<Done, Error> {
        let over = |outcome| Ok(Done { outcome, replaced: None });
        let draft = match self.begin(token).await? {
            Begun::Pending(draft) => draft,
            Begun::Over(outcome) => return over(outcome),
        };
        let base = draft.base.as_ref();
        self.target.set(base.map(|base| &base.value), &draft.value).await.map_err(|kind| kind.at(Step::Set))?;
        self.target.test(&draft.value).await.map_err(|kind| kind.at(Step::Test))?;

        if !draft.current
            && let Err(kind) = self.store.move_current(base.map(|base| base.id.as_str()), token).await
        {
            return self.not_moved(token, &draft, kind).await.and_then(over);
        }
        self.clean(token, &draft.labels).await;
        Ok(Done { outcome: Outcome::Rotated, replaced: base.and_then(|base| base.created) })
    }

    /// Reads where things stand, and creates or finds the tick's pending version.
    async fn begin(&self, token: &str) -> Result<Begun, Error> {
        let (labels, current) = tokio::join!(self.store.labels(), self.store.current());
        let labels = labels.map_err(|kind| kind.at(Step::Read))?;
        let current = current.map_err(|kind| kind.at(Step::Read))?;
        if labels.0.contains_key(token)
            && let Some(version) = self.store.version(token).await.map_err(|kind| kind.at(Step::Read))?
        {
            return self.resume(version).await;
        }
        self.create(token, current, &labels).await
    }

    /// Puts a new value, made from `base`, as the tick's pending version.
    async fn create(&self, token: &str, base: Option<Version>, labels: &Labels) -> Result<Begun, Error> {
        let value = self.new_value(base.as_ref()).map_err(|kind| kind.at(Step::Create))?;
        self.make_way(token, labels).await?;
        let base_label = format!("{BASE_PREFIX}{}", base.as_ref().map_or(NO_BASE, |base| &base.id));
        let put = self.store.put(token, &value, &[PENDING, &base_label]).await;
        match put.map_err(|kind| kind.at(Step::Create))? {
            Put::Stored { current } => {
                Ok(Begun::Pending(Draft { base, value, labels: vec![PENDING.to_owned(), base_label], current }))
            }
            // Another delivery of the tick was faster, or this one comes so late that no label is left on its version.
            Put::Exists => match self.store.version(token).await.map_err(|kind| kind.at(Step::Create))? {
                Some(version) => self.resume(version).await,
                None => Err(Kind::Unreadable.at(Step::Create)),
            },
        }
    }

    fn new_value(&self, base: Option<&Version>) -> Result<SecretText, Kind> {
        let password = password::generate(self.policy)?;
        Ok(value::with_password(base.map(|base| &base.value), self.field, &password)?)
    }

    /// Goes on with the tick's version as an earlier delivery left it.
    async fn resume(&self, version: Version) -> Result<Begun, Error> {
        let has = |label: &str| version.labels.iter().any(|l| l == label);
        if has(CURRENT) {
            self.clean(&version.id, &version.labels).await;
            return Ok(Begun::Over(Outcome::AlreadyRotated));
        }
        // AWSPREVIOUS tells that it has been current: someone may have gone back on purpose.
        if has(PREVIOUS) {
            self.clean(&version.id, &version.labels).await;
            return Ok(Begun::Over(Outcome::Superseded));
        }
        if !has(PENDING) {
            return Ok(Begun::Over(Outcome::Superseded));
        }
        // Read only now, after the label that names the base: were it older, it could miss that very base.
        let current = self.store.current().await.map_err(|kind| kind.at(Step::Read))?;
        let current_id = current.as_ref().map(|current| current.id.as_str());
        if current_id == Some(&version.id) {
            self.clean(&version.id, &version.labels).await;
            return Ok(Begun::Over(Outcome::AlreadyRotated));
        }
        let failure = match base_label(&version.labels) {
            Some(label) if label[BASE_PREFIX.len()..] == *current_id.unwrap_or(NO_BASE) => {
                let Version { value, labels, .. } = version;
                return Ok(Begun::Pending(Draft { base: current, value, labels, current: false }));
            }
            Some(_) => Kind::Changed,
            None => Kind::NoBase,
        };
        self.give_up(&version.id, &version.labels).await;
        Err(failure.at(Step::Finish))
    }

    /// Removes what other ticks left behind: AWSPENDING, and the labels that name their bases.
    async fn make_way(&self, token: &str, labels: &Labels) -> Result<(), Error> {
        for (id, labels) in labels.0.iter().filter(|(id, _)| *id != token) {
            let settled = labels.iter().any(|label| label == CURRENT || label == PREVIOUS);
            if !settled && labels.iter().any(|label| label == PENDING) && !self.target.may_drop_pending() {
                return Err(Kind::PendingElsewhere.at(Step::Create));
            }
            self.give_up(id, labels).await;
        }
        Ok(())
    }

    /// Finds out why AWSCURRENT did not move, and gives the tick up if it never can.
    async fn not_moved(&self, token: &str, draft: &Draft, kind: Kind) -> Result<Outcome, Error> {
        let failure = kind.at(Step::Finish);
        let Ok(labels) = self.store.labels().await else {
            return Err(failure);
        };
        let current = labels.holder(CURRENT);
        if current == Some(token) {
            self.clean(token, &draft.labels).await;
            return Ok(Outcome::AlreadyRotated);
        }
        if current == draft.base.as_ref().map(|base| base.id.as_str()) {
            return Err(failure);
        }
        self.give_up(token, &draft.labels).await;
        Err(Kind::Changed.at(Step::Finish))
    }

    /// Removes AWSPENDING and the base's label from a version that is or has been current; order does not matter.
    async fn clean(&self, id: &str, labels: &[String]) {
        tokio::join!(self.drop_pending(id, labels), self.drop_base(id, labels));
    }

    /// The same for a version that is not to become current: AWSPENDING first, so that a crash in between leaves no
    /// pending version without its base.
    async fn give_up(&self, id: &str, labels: &[String]) {
        self.drop_pending(id, labels).await;
        self.drop_base(id, labels).await;
    }

    async fn drop_pending(&self, id: &str, labels: &[String]) {
        if labels.iter().any(|label| label == PENDING) {
            self.drop_label(id, PENDING).await;
        }
    }

    async fn drop_base(&self, id: &str, labels: &[String]) {
        if let Some(label) = base_label(labels) {
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

fn base_label(labels: &[String]) -> Option<&String> {
    labels.iter().find(|label| label.starts_with(BASE_PREFIX))
}
