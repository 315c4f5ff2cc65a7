use std::collections::BTreeMap;

use contract::{Check, LoginCheck};

use crate::error::{Error, Kind, Step};
use crate::password::NoPassword;
use crate::rotation::Rotation;
use crate::secret::SecretText;
use crate::store::{CURRENT, PENDING, PREVIOUS, Store, Version};
use crate::target::{Asked, Target, Values};
use crate::value;

/// The key of the admin's answer in [`Findings::logins`].
pub const ADMIN: &str = "admin";

/// What a self-check found.
#[derive(Debug, Default)]
pub struct Findings {
    /// The current version's id; `None` where the secret has no value yet.
    pub version_id: Option<String>,
    /// In words.
    pub checks: Vec<Check>,
    /// What the target says, by staging label, and to the admin.
    pub logins: BTreeMap<String, LoginCheck>,
}

impl<S: Store, T: Target> Rotation<'_, S, T> {
    /// Reads all that a rotation reads, logs in where it logs in, changes nothing, and says what was found.
    ///
    /// # Errors
    /// The first thing that would keep a rotation from being done. A target that can't be reached or opened is no error
    /// but a finding: it may come back, and an admin may mend it.
    pub async fn check(&self) -> Result<Findings, Error> {
        let found = |name: &str, finding: String| Check { name: name.to_owned(), finding };
        let fail = |kind: Kind| kind.at(Step::Check);
        self.policy.check().map_err(|why| fail(NoPassword::Policy(why).into()))?;
        let (labels, current) = tokio::join!(self.store.labels(), self.store.staged(CURRENT));
        let labels = labels.map_err(fail)?;
        let current = current.map_err(fail)?;
        let mut unreached = None;
        if let Some(current) = &current {
            // All but the password's own text is as in a rotation.
            let sample = self.new_value(Some(current)).map_err(fail)?;
            value::check(&current.value, self.field).map_err(|unfit| fail(unfit.into()))?;
            unreached = self.preflight(current, &sample).await?;
        }

        let value = match (&current, self.field) {
            (None, _) => "none yet; the first rotation makes it",
            (Some(_), Some(_)) => "a JSON object with the field that rotates",
            (Some(_), None) => "text, all of which rotates",
        };
        let pending = match labels.holder(PENDING) {
            None => "no rotation is pending",
            Some(id) if labels.has(id, CURRENT) => "a label was left behind; the next rotation removes it",
            Some(_) => "a rotation is pending; its own next delivery finishes it, or the next tick does or drops it",
        };
        let password = format!("{} characters out of {}", self.policy.length, self.policy.alphabet().len());
        let mut checks = vec![
            found("secret", format!("readable, {} labelled versions", labels.0.len())),
            found("value", value.to_owned()),
            found("pending", pending.to_owned()),
            found("password", password),
        ];
        let mut logins = BTreeMap::new();
        if let Some(why) = unreached {
            // Who does not answer is not asked again, for the time is Lambda's.
            checks.push(found("target", why.to_string()));
            logins.insert(CURRENT.to_owned(), LoginCheck::Unreachable);
        } else if let Some(current) = &current {
            let asked = self.target.check(&current.value).await.map_err(fail)?;
            checks.extend(asked.as_ref().map(|asked| found("target", said(asked))));
            logins.extend(asked.map(|asked| (CURRENT.to_owned(), asked.login)));
            let asked = self.target.check_admin().await.map_err(fail)?;
            logins.extend(asked.map(|asked| (ADMIN.to_owned(), asked.login)));
            logins.extend(self.other_logins(current, &logins).await?);
        }
        Ok(Findings { version_id: current.map(|current| current.id), checks, logins })
    }
}

impl<S: Store, T: Target> Rotation<'_, S, T> {
    /// What the target says to the pending value and, where it refuses the current one, to the previous one. Refused logins
    /// are few, and a good one follows, since they may count towards a lock of the user.
    async fn other_logins(
        &self,
        current: &Version,
        logins: &BTreeMap<String, LoginCheck>,
    ) -> Result<BTreeMap<String, LoginCheck>, Error> {
        let mut others = BTreeMap::new();
        if !self.target.keeps_passwords() {
            return Ok(others);
        }
        let opens = logins.get(CURRENT) == Some(&LoginCheck::Opens);
        let labels = if opens { vec![PENDING] } else { vec![PENDING, PREVIOUS] };
        for label in labels {
            let Some(version) = self.store.staged(label).await.map_err(|kind| kind.at(Step::Check))? else { continue };
            // It may be of any shape; only the current value must be a login.
            let asked = self.target.check(&version.value).await.ok().flatten();
            others.extend(asked.map(|asked| (label.to_owned(), asked.login)));
        }
        if opens && others.values().any(|login| *login == LoginCheck::Refused) {
            let _ = self.target.check(&current.value).await;
        }
        Ok(others)
    }

    /// A rotation that can't succeed is refused when it is deployed, and not at night. That nobody is let in, or that the
    /// target is busy, may pass, and is among the findings; so is that it is not reached, which this gives.
    async fn preflight(&self, current: &Version, sample: &SecretText) -> Result<Option<Kind>, Error> {
        if !self.target.keeps_passwords() {
            return Ok(None);
        }
        let fail = |kind: Kind| kind.at(Step::Check);
        let previous = self.store.staged(PREVIOUS).await.ok().flatten();
        let previous = previous.as_ref().map(|version| &version.value);
        let values = Values { current: &current.value, pending: sample, previous, is_new: true };
        match self.target.preflight(values).await {
            Err(kind @ Kind::TargetUnreachable(_)) => Ok(Some(kind)),
            Err(kind) if kind.is_transient() || matches!(kind, Kind::NoLogin | Kind::AdminRefused) => Ok(None),
            result => result.map(|()| None).map_err(fail),
        }
    }
}

fn said(asked: &Asked) -> String {
    match (asked.login, &asked.why) {
        (LoginCheck::Opens, _) => "the current value opens it".to_owned(),
        (LoginCheck::Refused, _) => "it refuses the current value".to_owned(),
        (LoginCheck::Unreachable, Some(why)) => why.to_string(),
        (LoginCheck::Unreachable, None) => "it could not be asked".to_owned(),
    }
}
