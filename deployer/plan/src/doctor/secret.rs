//! The secret's versions and their staging labels.

use jiff::{SignedDuration, Timestamp};

use super::evidence::{shell_word, span};
use super::lockout::{Way, way_on};
use super::target::poisoned;
use super::{Evidence, Finding, Fix, Version};
use crate::resource::Kind;
use crate::resource_policy::{Access, ResourcePolicy, Whose};
use crate::spec::Trigger;

/// The label of the version that readers get.
pub const CURRENT: &str = "AWSCURRENT";
/// The label of the version that a rotation is about to make current.
pub const PENDING: &str = "AWSPENDING";
/// The label of the version that was current before.
const PREVIOUS: &str = "AWSPREVIOUS";
/// The rotator's own labels: what a pending version was made from, and for which tick.
const OWN: [&str; 2] = ["rotator-base-", "rotator-tick-"];
/// Versions of a secret, about; versions younger than a day are never pruned.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html>
const QUOTA: usize = 100;
/// From when on the quota is near.
const MANY: usize = 80;
/// Beyond the function's timeout, how long a rotation that goes well may stay pending.
const UNDER_WAY: SignedDuration = SignedDuration::from_mins(1);

pub(super) fn examine(evidence: &Evidence<'_>) -> Vec<Finding> {
    let deleted = evidence.live.secret.as_ref().is_some_and(|secret| secret.deleted.is_some());
    if !evidence.has(Kind::Secret) || deleted {
        return Vec::new();
    }
    let mut found: Vec<Finding> = resource_policy(evidence).into_iter().collect();
    let versions = match &evidence.versions {
        Ok(versions) => versions,
        Err(why) => {
            found.push(Finding::notice(Kind::Secret, "its versions can't be read").unread(why));
            return found;
        }
    };
    found.insert(0, current(evidence));
    found.extend(pending(evidence));
    found.extend(overtaken(evidence).map(|version| {
        let what = format!("a rotation to version {} lost AWSPENDING to another one, and has not ended", version.id);
        Finding::problem(Kind::Secret, what)
            .why("the target may have its password: the next rotation completes it, or discards it")
            .mend(evidence.command("rotate"))
    }));
    found.extend(stale(evidence, versions));
    if versions.len() >= MANY {
        found.push(
            Finding::notice(Kind::Secret, format!("it has {} versions, and AWS keeps about {QUOTA}", versions.len()))
                .why("versions younger than a day are never pruned: an interval of 15 minutes or more is safe")
                .mend(format!("make `schedule.expression` less frequent, then {}", evidence.command("apply"))),
        );
    }
    found
}

/// Whom the secret's resource policy lets in, those outside of the account first.
fn resource_policy(evidence: &Evidence<'_>) -> Option<Finding> {
    let policy = &evidence.resource_policy;
    let access = policy.access(&evidence.spec.account);
    let finding = match policy {
        ResourcePolicy::None => return None,
        ResourcePolicy::Unread(why) => {
            return Some(Finding::notice(Kind::Secret, "its resource policy can't be read").unread(why));
        }
        ResourcePolicy::Document(_) if access.iter().any(Access::is_exposure) => {
            let what = "its resource policy lets in principals outside of the account";
            Finding::problem(Kind::Secret, what).mend(format!(
                "where that is not meant: aws secretsmanager delete-resource-policy --region {} --secret-id {}",
                evidence.spec.region,
                shell_word(&evidence.spec.secret.name)
            ))
        }
        ResourcePolicy::Document(_) if access.iter().any(|one| one.is_denied || one.whose != Whose::ThisAccount) => {
            Finding::notice(Kind::Secret, "its resource policy denies, or lets in a service")
        }
        ResourcePolicy::Document(_) => Finding::good(Kind::Secret, "its resource policy lets this account's own in"),
    };
    Some(access.iter().fold(finding, |finding, one| finding.why(one.to_string())))
}

fn current(evidence: &Evidence<'_>) -> Finding {
    let Some(version) = evidence.holder(CURRENT) else {
        return Finding::problem(Kind::Secret, "it has no value: no version is AWSCURRENT")
            .mend(evidence.command("rotate"));
    };
    let age = version.created.map(|created| span(created.duration_until(evidence.now).as_secs()));
    let age = age.map(|age| format!(", current version made {age} ago")).unwrap_or_default();
    Finding::good(Kind::Secret, format!("{}{age}", evidence.spec.secret.name))
}

/// The pending version that is neither current nor has been.
pub(super) fn stray(versions: &[Version]) -> Option<&Version> {
    versions.iter().find(|version| version.has(PENDING) && !version.has(CURRENT) && !version.has(PREVIOUS))
}

/// Whether a pending version may belong to a rotation that is going on right now.
pub(super) fn is_under_way(evidence: &Evidence<'_>, version: &Version) -> bool {
    let is_ours = version.labels.iter().any(|label| label.starts_with(OWN[0]));
    let limit = SignedDuration::from_secs(evidence.spec.function.timeout.into()) + UNDER_WAY;
    // The label is no younger than the secret's last change.
    let changed = || evidence.live.secret.as_ref()?.changed.as_deref()?.parse().ok();
    let since: Option<Timestamp> = version.created.or_else(changed);
    let is_young = since.is_some_and(|since| since.duration_until(evidence.now) < limit);
    is_young && (is_ours || matches!(evidence.spec.trigger, Trigger::Managed(_)))
}

fn pending(evidence: &Evidence<'_>) -> Option<Finding> {
    let version = stray(evidence.versions()).filter(|_| poisoned(evidence).is_none())?;
    let age = version.created.map(|created| span(created.duration_until(evidence.now).as_secs()));
    let age = age.map(|age| format!(" for {age}")).unwrap_or_default();
    if is_under_way(evidence, version) {
        let what = format!("version {} is AWSPENDING{age}: a rotation is under way", version.id);
        return Some(Finding::notice(Kind::Secret, what).mend(evidence.command("doctor")));
    }
    if !version.has_value {
        return Some(empty(evidence, version));
    }
    let what = format!("version {} is AWSPENDING{age}: a rotation has not ended", version.id);
    let why = if version.labels.iter().any(|label| label.starts_with(OWN[0])) {
        "the next rotation completes it, or discards it"
    } else {
        "it does not say from which version it was made: the next rotation discards it"
    };
    let finding = Finding::problem(Kind::Secret, what);
    // Where readers are locked out, there is one way on for both.
    Some(match way_on(evidence) {
        Some(Way { why, next }) => finding.why(why).mend(next),
        None => finding.why(why).mend(evidence.command("rotate")),
    })
}

/// While it is there `RotateSecret` fails, and it is in no list of versions.
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html>
fn empty(evidence: &Evidence<'_>, version: &Version) -> Finding {
    let what = format!("version {} is AWSPENDING and has no value: a rotation ended before it made one", version.id);
    let why = match evidence.spec.trigger {
        Trigger::Managed(_) => "Secrets Manager takes it for a rotation under way, and refuses to begin another",
        Trigger::Schedule => "a rotation of Secrets Manager's own left it; the next one takes its label",
    };
    let fix = Fix::DropEmptyPending { version: version.id.clone() };
    Finding::problem(Kind::Secret, what).why(why).mend(evidence.command("doctor --fix")).fixed_by([fix])
}

/// A version that was made from what is current, and that another one took AWSPENDING from: two rotations that began at
/// once. By its label the function's own rotation finds it, and Secrets Manager's does not.
fn overtaken<'e>(evidence: &'e Evidence<'_>) -> Option<&'e Version> {
    let current = evidence.holder(CURRENT).filter(|_| evidence.spec.trigger.managed().is_none())?;
    let is_overtaken = |version: &&Version| {
        let base = format!("{}{}-{}", OWN[0], current.id, version.id);
        version.has(&base) && ![PENDING, CURRENT, PREVIOUS].iter().any(|label| version.has(label))
    };
    evidence.versions().iter().find(is_overtaken)
}

fn stale(evidence: &Evidence<'_>, versions: &[Version]) -> Option<Finding> {
    let mut fixes = stale_labels(evidence.spec.trigger.managed().is_some(), versions);
    let of_use = overtaken(evidence).map(|version| &version.id);
    fixes.retain(|fix| Some(fix.removal().0) != of_use.map(String::as_str));
    if fixes.is_empty() {
        return None;
    }
    let line = |fix: &Fix| {
        let (version, label) = fix.removal();
        format!("{label} on version {version}")
    };
    let finding = Finding::notice(Kind::Secret, "labels that have served were left behind");
    let finding = fixes.iter().fold(finding, |finding, fix| finding.why(line(fix)));
    Some(finding.mend(evidence.command("doctor --fix")).fixed_by(fixes))
}

/// The labels that a rotation leaves behind where it is cut off. After Secrets Manager's own rotation AWSPENDING may stay
/// where AWSCURRENT is.
fn stale_labels(is_managed: bool, versions: &[Version]) -> Vec<Fix> {
    let mut fixes = Vec::new();
    for version in versions {
        let is_over = version.has(CURRENT) || version.has(PREVIOUS);
        let is_own = |label: &str| OWN.iter().any(|prefix| label.starts_with(prefix));
        let is_stale = |label: &&String| match label.as_str() {
            PENDING => is_over && !(is_managed && version.has(CURRENT)),
            label => is_own(label) && (is_over || !version.has(PENDING)),
        };
        let fix = |label: &String| Fix::RemoveLabel { version: version.id.clone(), label: label.clone() };
        fixes.extend(version.labels.iter().filter(is_stale).map(fix));
    }
    fixes
}

/// What dropping a pending version takes, its base's label last: without AWSPENDING it has served.
pub(super) fn drop_pending(version: &Version, current: &Version) -> Vec<Fix> {
    let own = version.labels.iter().filter(|label| OWN.iter().any(|prefix| label.starts_with(prefix)));
    let own = own.map(|label| Fix::RemoveLabel { version: version.id.clone(), label: label.clone() });
    let (version, current) = (version.id.clone(), current.id.clone());
    std::iter::once(Fix::DropPending { version, current }).chain(own).collect()
}

/// Whether a fix is still called for by the labels as they are now.
#[must_use]
pub fn holds_still(fix: &Fix, is_managed: bool, versions: &[Version]) -> bool {
    match fix {
        Fix::DropPending { version, current } => {
            let holds = |label: &str, id: &str| versions.iter().any(|one| one.id == *id && one.has(label));
            holds(PENDING, version) && holds(CURRENT, current) && version != current
        }
        Fix::DropEmptyPending { version } => {
            versions.iter().any(|one| one.id == *version && one.has(PENDING) && !one.has_value)
        }
        Fix::RemoveLabel { .. } => stale_labels(is_managed, versions).contains(fix),
    }
}
