//! The four steps, create, set, test and finish, as a state machine over a [`Store`] and a [`Target`].
//!
//! All state is in the store, so a tick may be cut off anywhere and delivered again, or twice at once:
//!
//! 1. *create* puts the new value under the tick's token with the labels AWSPENDING and `rotator-base-BASE-TOKEN`, in one
//!    call. The second records for good from which version the value was made: whoever resumes the tick goes on from there.
//! 2. *set* makes the target accept the new value, and *test* proves it by a login. A value that the target refuses for
//!    what it is gives way to another, under an id of its own with the label `rotator-tick-TOKEN`.
//! 3. *finish* moves AWSCURRENT from that base version, and from no other, to the new one. A manual change in between
//!    makes the move fail, and stays.
//! 4. The labels that have served are removed. What a crash leaves behind, the next tick removes.
//!
//! A pending value of another tick may be the only one that opens a target with passwords of its own. The next tick first
//! brings it to its end, or brings the target back to what is current; only then does it make its own.
//!
//! One case cannot be told from a rotation in progress, for AWS keeps no trace of it: a crash between the move and the
//! removal of the labels, then a manual change, then a manual step back to the base, all before the same tick comes again.

mod labels;
mod stray;

use std::collections::BTreeMap;

use contract::{LoginCheck, Outcome, PasswordPolicy, Template};

pub use self::labels::base_label;
pub(crate) use self::labels::base_of;
use self::labels::{is_on_its_base, is_open};
use crate::error::{Error, Kind, Step};
use crate::password;
use crate::secret::SecretText;
use crate::store::{CURRENT, Labels, PENDING, PREVIOUS, Put, Store, Version};
use crate::target::{Asked, Target, Values};
use crate::{tick, value};

/// The custom staging label on a pending version; the ids of the version from which it was made, or `none`, and of its own
/// follow.
pub const BASE_PREFIX: &str = "rotator-base-";
const NO_BASE: &str = "none";
/// The custom staging label on a version that took the place of one that the target refused; the tick's token follows.
pub const TICK_PREFIX: &str = "rotator-tick-";
/// How many values a tick tries before it gives up.
const VALUES: u32 = 4;

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
    /// The fields that are made from others.
    pub derived: &'a BTreeMap<String, Template>,
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
    id: String,
    base: Option<Version>,
    value: SecretText,
    labels: Vec<String>,
    /// Whether this very delivery has put it.
    is_new: bool,
    /// Whether it became current by being put, as a secret's first version may.
    current: bool,
}

impl Draft {
    fn of(version: Version, base: Option<Version>) -> Self {
        let Version { id, value, labels, .. } = version;
        Self { id, base, value, labels, is_new: false, current: false }
    }
}

/// How far a tick has come: to a pending version, or to its end.
enum Begun {
    Pending(Draft),
    Over(String, Outcome),
}

impl<S: Store, T: Target> Rotation<'_, S, T> {
    /// Makes a new version current, `token` or one in its place, or goes on where an earlier delivery of the same tick was
    /// cut off. Gives the version's id, too.
    ///
    /// # Errors
    /// Any failure. Whatever it is, AWSCURRENT has not moved, or has moved to this tick's version, and the same tick may
    /// be delivered again.
    pub async fn run(&self, token: &str) -> Result<(String, Done), Error> {
        let mut draft = match self.begin(token).await? {
            Begun::Pending(draft) => draft,
            Begun::Over(id, outcome) => return Ok((id, Done { outcome, replaced: None })),
        };
        let mut values_left = VALUES;
        if self.is_outdated(&draft).await? {
            draft = self.another(token, draft).await?;
        }
        loop {
            values_left -= 1;
            match self.prove(&draft).await {
                Ok(()) => return self.finish(draft).await,
                Err(error) if error.kind.is_password_refused() && values_left > 0 => {
                    draft = self.another(token, draft).await?;
                }
                Err(error) => return Err(self.refused(&draft, error).await),
            }
        }
    }

    /// Reads where things stand, and creates or finds the tick's pending version.
    async fn begin(&self, token: &str) -> Result<Begun, Error> {
        let (labels, current) = tokio::join!(self.store.labels(), self.store.staged(CURRENT));
        let labels = labels.map_err(|kind| kind.at(Step::Read))?;
        let current = current.map_err(|kind| kind.at(Step::Read))?;
        let tick_label = format!("{TICK_PREFIX}{token}");
        let own = labels.holder(&tick_label).or(labels.0.contains_key(token).then_some(token));
        if let Some(id) = own
            && let Some(version) = self.store.version(id).await.map_err(|kind| kind.at(Step::Read))?
        {
            self.clean_refused(token, id, &labels).await;
            return self.resume(version).await;
        }
        let current = self.make_way(token, current, &labels).await?;
        if self.target.keeps_passwords() && labels.holder(PENDING).is_some_and(|id| id != token) {
            self.check_for_rivals(token, &labels).await?;
        }
        self.create(token, current).await
    }

    /// Removes the labels of the versions of this tick whose place `own` has taken.
    async fn clean_refused(&self, token: &str, own: &str, labels: &Labels) {
        let others = (1..=2 * VALUES).map(|number| tick::another(token, number));
        for id in std::iter::once(token.to_owned()).chain(others).filter(|id| id != own) {
            if let Some(labels) = labels.0.get(&id) {
                self.drop_base(&id, labels).await;
            }
        }
    }

    /// Puts a new value, made from `base`, as the tick's pending version.
    async fn create(&self, token: &str, base: Option<Version>) -> Result<Begun, Error> {
        let value = self.new_value(base.as_ref()).map_err(|kind| kind.at(Step::Create))?;
        let base_label = base_label(base.as_ref().map(|base| base.id.as_str()), token);
        let put = self.store.put(token, &value, &[PENDING, &base_label]).await;
        match put.map_err(|kind| kind.at(Step::Create))? {
            Put::Stored { current } => {
                let labels = vec![PENDING.to_owned(), base_label];
                Ok(Begun::Pending(Draft { id: token.to_owned(), base, value, labels, is_new: true, current }))
            }
            // Another delivery of the tick was faster, or this one comes so late that no label is left on its version.
            Put::Exists => match self.store.version(token).await.map_err(|kind| kind.at(Step::Create))? {
                Some(version) => self.resume(version).await,
                None => Err(Kind::Unreadable.at(Step::Create)),
            },
        }
    }

    /// Puts another value in the place of one that the target refused. The labels go over to it in the same call.
    async fn another(&self, token: &str, refused: Draft) -> Result<Draft, Error> {
        let tick_label = format!("{TICK_PREFIX}{token}");
        let base = refused.base.as_ref().map(|base| base.id.as_str());
        let failed = |kind: Kind| kind.at(Step::Create);
        // The labels must not be taken from a later rotation.
        self.is_due(&refused.id, refused.base.as_ref()).await.map_err(failed)?;
        // Ids that an earlier delivery has used are taken.
        for number in 1..=2 * VALUES {
            let value = self.new_value(refused.base.as_ref()).map_err(failed)?;
            let id = tick::another(token, number);
            let labels = vec![PENDING.to_owned(), base_label(base, &id), tick_label.clone()];
            let stages: Vec<&str> = labels.iter().map(String::as_str).collect();
            if let Put::Stored { current } = self.store.put(&id, &value, &stages).await.map_err(failed)? {
                self.drop_base(&refused.id, &refused.labels).await;
                return Ok(Draft { id, value, labels, is_new: true, current, ..refused });
            }
        }
        Err(Kind::Unreadable.at(Step::Create))
    }

    pub(crate) fn new_value(&self, base: Option<&Version>) -> Result<SecretText, Kind> {
        if base.is_none() && self.target.keeps_passwords() {
            return Err(Kind::TargetUnfit("the secret has no value yet that would say whose password is meant"));
        }
        self.value_with(&password::generate(self.policy)?, base)
    }

    fn value_with(&self, password: &SecretText, base: Option<&Version>) -> Result<SecretText, Kind> {
        let base = base.map(|base| &base.value);
        let mut new = value::with_password(base, self.field, password)?;
        if let Some(base) = base
            && let Some((field, user)) = self.target.next_user(base)?
        {
            new = value::with_field(&new, field, &user)?;
        }
        Ok(value::with_derived(new, self.derived)?)
    }

    /// Whether the spec, as it is by now, could have made a pending value from its base.
    pub(crate) fn is_of_spec(&self, pending: &SecretText, base: Option<&Version>) -> bool {
        let password = match self.field {
            Some(field) => value::text(pending, field).ok().flatten(),
            None => Some(SecretText::concat(&[pending.expose()])),
        };
        password.is_some_and(|password| {
            self.policy.accepts(password.expose().as_bytes())
                && self.value_with(&password, base).is_ok_and(|same| same.expose() == pending.expose())
        })
    }

    /// Whether a pending value was made by an earlier spec, and the target does not have it yet: one that it has is better
    /// completed.
    async fn is_outdated(&self, draft: &Draft) -> Result<bool, Error> {
        if draft.is_new || self.is_of_spec(&draft.value, draft.base.as_ref()) {
            return Ok(false);
        }
        self.is_unused(&draft.value).await.map_err(|kind| kind.at(Step::Set))
    }

    /// Whether the target does not accept a value.
    pub(crate) async fn is_unused(&self, value: &SecretText) -> Result<bool, Kind> {
        match self.target.check(value).await {
            // That it could not be asked does not say that the target does not have it.
            Ok(Some(Asked { why: Some(kind), .. })) if !kind.dooms_value() => Err(kind),
            Ok(asked) => Ok(asked.is_none_or(|asked| asked.login != LoginCheck::Opens)),
            Err(kind) if kind.is_transient() => Err(kind),
            Err(_) => Ok(true),
        }
    }

    /// Goes on with the tick's version as an earlier delivery left it.
    async fn resume(&self, version: Version) -> Result<Begun, Error> {
        let has = |label: &str| version.labels.iter().any(|l| l == label);
        if has(CURRENT) {
            self.clean(&version.id, &version.labels).await;
            return Ok(Begun::Over(version.id, Outcome::AlreadyRotated));
        }
        // AWSPREVIOUS tells that it has been current: someone may have gone back on purpose.
        if has(PREVIOUS) {
            self.clean(&version.id, &version.labels).await;
            return Ok(Begun::Over(version.id, Outcome::Superseded));
        }
        // Without AWSPENDING it goes on only if the target has its password already.
        let is_superseded = !is_open(&version.id, &version.labels)
            || !has(PENDING) && self.is_unused(&version.value).await.map_err(|kind| kind.at(Step::Set))?;
        if is_superseded {
            return Ok(Begun::Over(version.id, Outcome::Superseded));
        }
        // Read only now, after the label that names the base: were it older, it could miss that very base.
        let current = self.store.staged(CURRENT).await.map_err(|kind| kind.at(Step::Read))?;
        if current.as_ref().is_some_and(|current| current.id == version.id) {
            self.clean(&version.id, &version.labels).await;
            return Ok(Begun::Over(version.id, Outcome::AlreadyRotated));
        }
        if is_on_its_base(&version, current.as_ref()) {
            return Ok(Begun::Pending(Draft::of(version, current)));
        }
        self.abandon(&version.id, &version.labels, Some(&version.value)).await?;
        let kind = if base_of(&version.id, &version.labels).is_some() { Kind::Changed } else { Kind::NoBase };
        Err(kind.at(Step::Finish))
    }

    /// *set* and *test*.
    async fn prove(&self, draft: &Draft) -> Result<(), Error> {
        let Some(base) = &draft.base else {
            return Ok(());
        };
        let previous = if self.target.keeps_passwords() {
            self.store.staged(PREVIOUS).await.map_err(|kind| kind.at(Step::Read))?
        } else {
            None
        };
        let previous = previous.as_ref().map(|version| &version.value);
        let values = Values { current: &base.value, pending: &draft.value, previous, is_new: draft.is_new };
        let is_due = async || self.is_due(&draft.id, draft.base.as_ref()).await;
        self.target.set(values, &is_due).await.map_err(|kind| kind.at(Step::Set))?;
        self.target.test(values, is_due).await.map_err(|kind| kind.at(Step::Test))
    }

    /// Whether a version is still pending, and what it was made from still current: if not, what the target has may be
    /// another delivery's, or a person's.
    pub(crate) async fn is_due(&self, id: &str, base: Option<&Version>) -> Result<(), Kind> {
        let labels = self.store.labels().await?;
        if labels.holder(CURRENT) != base.map(|base| base.id.as_str()) {
            return Err(Kind::Changed);
        }
        if labels.has(id, PENDING) { Ok(()) } else { Err(Kind::TakenOver) }
    }

    /// Discards a value that can't become current any more: there is no use in trying it again.
    async fn refused(&self, draft: &Draft, error: Error) -> Error {
        if error.kind.dooms_value() {
            // What keeps it from being discarded is looked into by the next request.
            let _ = self.abandon(&draft.id, &draft.labels, Some(&draft.value)).await;
        }
        error
    }

    /// Moves AWSCURRENT, and removes what has served.
    async fn finish(&self, draft: Draft) -> Result<(String, Done), Error> {
        let base = draft.base.as_ref();
        if !draft.current
            && let Err(kind) = self.store.move_current(base.map(|base| base.id.as_str()), &draft.id).await
        {
            let outcome = self.not_moved(&draft, kind).await?;
            return Ok((draft.id, Done { outcome, replaced: None }));
        }
        self.clean(&draft.id, &draft.labels).await;
        let replaced = base.and_then(|base| base.created);
        Ok((draft.id, Done { outcome: Outcome::Rotated, replaced }))
    }

    /// Finds out why AWSCURRENT did not move, and gives the version up if it never can.
    async fn not_moved(&self, draft: &Draft, kind: Kind) -> Result<Outcome, Error> {
        let failure = kind.at(Step::Finish);
        let Ok(labels) = self.store.labels().await else {
            return Err(failure);
        };
        let current = labels.holder(CURRENT);
        if current == Some(&draft.id) {
            self.clean(&draft.id, &draft.labels).await;
            return Ok(Outcome::AlreadyRotated);
        }
        if current == draft.base.as_ref().map(|base| base.id.as_str()) {
            return Err(failure);
        }
        self.abandon(&draft.id, &draft.labels, Some(&draft.value)).await?;
        Err(Kind::Changed.at(Step::Finish))
    }
}
