//! Secrets Manager. There is no call here, nor anywhere in the deployer, that reads a secret's value.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::{SecretVersionsListEntry, Tag};
use aws_smithy_types::DateTime;
use jiff::{SignedDuration, Timestamp};
use plan::attribute::Change;
use plan::doctor::Version;
use plan::ownership::Tags;
use plan::resource::rotation;
use plan::resource::secret::{DEFAULT_KEY, Desired, Live};
use plan::resource_policy::ResourcePolicy;
use plan::spec::OnTeardown;

use super::client::Clients;
use super::error::{Class, Error, Result, failed, optional};
use super::retry::{Attempt, Wait, patiently, settled};
use super::rotation::live as rules_of;
use super::{kms, pages, tags};
use crate::initial::InitialValue;

/// What Secrets Manager says of a name whose secret can still be restored.
const SCHEDULED: &str = "already scheduled for deletion";

/// Reads the secret, but for its value.
pub async fn observe(clients: &Clients, name: &str) -> Result<Option<Live>> {
    observe_with_rules(clients, name).await.map(|(live, _)| live)
}

/// Reads the secret along with its rotation rules, where they are in force.
pub async fn observe_with_rules(clients: &Clients, name: &str) -> Result<(Option<Live>, Option<rotation::Live>)> {
    let answer = clients.secrets.describe_secret().secret_id(name).send().await;
    let secret = optional(answer.map_err(failed("secretsmanager:DescribeSecret")))?;
    let rules = secret.as_ref().and_then(rules_of);
    Ok((secret.as_ref().map(live), rules))
}

/// Reads the secret's resource policy. Nothing is planned by it, so where it can't be read that is said, and no more.
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetResourcePolicy.html>
pub async fn resource_policy(clients: &Clients, name: &str) -> ResourcePolicy {
    let answer = clients.secrets.get_resource_policy().secret_id(name).send().await;
    match optional(answer.map_err(failed("secretsmanager:GetResourcePolicy"))) {
        Ok(answer) => match answer.and_then(|answer| answer.resource_policy).map(|text| serde_json::from_str(&text)) {
            None => ResourcePolicy::None,
            Some(Ok(document)) => ResourcePolicy::Document(document),
            Some(Err(_)) => ResourcePolicy::Unread("secretsmanager:GetResourcePolicy gave no JSON".to_owned()),
        },
        Err(error) => ResourcePolicy::Unread(error.explained()),
    }
}

fn live(secret: &DescribeSecretOutput) -> Live {
    let versions: BTreeMap<String, Vec<String>> =
        secret.version_ids_to_stages().cloned().unwrap_or_default().into_iter().collect();
    Live {
        arn: secret.arn().unwrap_or_default().to_owned(),
        description: secret.description().unwrap_or_default().to_owned(),
        kms_key_arn: secret.kms_key_id().filter(|key| !is_default_key(key)).map(str::to_owned),
        tags: tags_of(secret.tags()),
        deleted: secret.deleted_date().map(date),
        changed: secret.last_changed_date().map(date),
        replicas: replicas(secret),
        primary_region: secret.primary_region().map(str::to_owned),
        owning_service: secret.owning_service().filter(|service| !service.is_empty()).map(str::to_owned),
        versions,
    }
}

fn replicas(secret: &DescribeSecretOutput) -> Vec<String> {
    secret.replication_status().iter().filter_map(|replica| replica.region().map(str::to_owned)).collect()
}

fn is_default_key(key: &str) -> bool {
    key.is_empty() || key == DEFAULT_KEY || key.ends_with(&format!(":{DEFAULT_KEY}"))
}

fn tags_of(tags: &[Tag]) -> Tags {
    tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))).collect()
}

/// A date as RFC 3339.
pub fn date(date: &DateTime) -> String {
    timestamp(date).map_or_else(|| date.to_string(), |time| time.to_string())
}

/// A date as an instant.
pub fn timestamp(date: &DateTime) -> Option<Timestamp> {
    Timestamp::from_second(date.secs()).ok()
}

/// The key as which a live secret's key is compared: the desired ARN where both are one key.
pub async fn comparable_key(
    clients: &Clients,
    live: Option<&str>,
    spelled: &str,
    desired: Option<&str>,
) -> Result<Option<String>> {
    match (live, desired) {
        (Some(live), Some(desired)) if live == desired || live == spelled || desired.ends_with(&format!("/{live}")) => {
            Ok(Some(desired.to_owned()))
        }
        (Some(live), _) if !live.contains(":key/") => {
            kms::resolve(clients, live).await.map(|key| key.map(|key| key.arn))
        }
        (live, _) => Ok(live.map(str::to_owned)),
    }
}

/// Creates the secret with its first value.
///
/// The token is derived, so that no further attempt of an unanswered call makes a second version.
pub async fn create(
    clients: &Clients,
    desired: &Desired,
    noted: &Tags,
    value: &InitialValue,
    wait: Wait<'_>,
) -> Result<String> {
    let all: Tags = desired.tags.clone().into_iter().chain(noted.clone()).collect();
    let answer = settled(wait, false, || async {
        let create = clients
            .secrets
            .create_secret()
            .name(&desired.name)
            .set_description((!desired.description.is_empty()).then(|| desired.description.clone()))
            .set_kms_key_id(desired.kms_key_arn.clone())
            .set_tags(Some(tags::secrets(&all)))
            .client_request_token(value.token())
            .secret_string(value.expose());
        let answer = create.send().await.map_err(failed("secretsmanager:CreateSecret"));
        answer.map_err(|error| error.unless(|text| value.is_quoted_in(text)))
    });
    let answer = answer.await.map_err(|error| match error.class {
        // It is there, made and deleted by somebody else since the plan.
        Class::Invalid if error.message.contains(SCHEDULED) => Error { class: Class::AlreadyExists, ..error },
        _ => error,
    })?;
    Ok(answer.arn().unwrap_or_default().to_owned())
}

/// Brings back a secret that is scheduled for deletion, value and all; `id` is its ARN or name.
pub async fn restore(clients: &Clients, id: &str, wait: Wait<'_>) -> Result<()> {
    let restored = settled(wait, false, || async {
        let answer = clients.secrets.restore_secret().secret_id(id).send().await;
        answer.map(drop).map_err(failed("secretsmanager:RestoreSecret"))
    });
    match restored.await {
        // Somebody else has brought it back.
        Err(error) if error.class == Class::Invalid && deleted_date(clients, id).await?.is_none() => Ok(()),
        other => other,
    }
}

/// Changes what differs of the secret with that ARN or name.
pub async fn update(
    clients: &Clients,
    id: &str,
    desired: &Desired,
    noted: &Tags,
    changes: &[Change],
    wait: Wait<'_>,
) -> Result<()> {
    if changes.iter().any(|change| ["description", "kms_key"].contains(&change.attribute.name)) {
        let rekeyed = changes.iter().any(|change| change.attribute.name == "kms_key");
        let key = rekeyed.then(|| desired.kms_key_arn.clone().unwrap_or_else(|| DEFAULT_KEY.to_owned()));
        settled(wait, false, || async {
            let update = clients.secrets.update_secret().secret_id(id).description(&desired.description);
            let answer = update.set_kms_key_id(key.clone()).send().await;
            answer.map(drop).map_err(failed("secretsmanager:UpdateSecret"))
        })
        .await?;
    }
    let (mut written, taken) = tags::changed(changes);
    if !taken.is_empty() {
        settled(wait, false, || async {
            let untag = clients.secrets.untag_resource().secret_id(id).set_tag_keys(Some(taken.clone()));
            untag.send().await.map(drop).map_err(failed("secretsmanager:UntagResource"))
        })
        .await?;
    }
    written.extend(noted.clone());
    tag(clients, id, &written, wait).await
}

/// Writes tags of the secret with that ARN or name.
pub async fn tag(clients: &Clients, id: &str, written: &Tags, wait: Wait<'_>) -> Result<()> {
    settled(wait, false, || async {
        let tag = clients.secrets.tag_resource().secret_id(id).set_tags(Some(tags::secrets(written)));
        tag.send().await.map(drop).map_err(failed("secretsmanager:TagResource"))
    })
    .await
}

/// What a deleted secret has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deleted {
    /// It is not there any more.
    Gone,
    /// It can be recovered until that time; `None` where its deletion was scheduled already, for only who asked for it was
    /// told.
    Recoverable(Option<String>),
}

/// Deletes the secret with that ARN or name. `was_scheduled`: right before, its deletion was scheduled already.
pub async fn delete(
    clients: &Clients,
    id: &str,
    how: OnTeardown,
    was_scheduled: bool,
    wait: Wait<'_>,
) -> Result<Deleted> {
    let delete = clients.secrets.delete_secret().secret_id(id);
    let delete = match how {
        OnTeardown::Keep => return Err(Error::outcome("secretsmanager:DeleteSecret", "the spec says to keep it")),
        OnTeardown::RecoveryWindowDays(days) => delete.recovery_window_in_days(i64::from(days)),
        OnTeardown::Force => delete.force_delete_without_recovery(true),
    };
    let deleted =
        settled(wait, false, || async { delete.clone().send().await.map_err(failed("secretsmanager:DeleteSecret")) });
    match optional(deleted.await) {
        Ok(_) if how == OnTeardown::Force => until_gone(clients, id, wait).await.map(|()| Deleted::Gone),
        Ok(None) => Ok(Deleted::Gone),
        Ok(Some(answer)) => Ok(Deleted::Recoverable(answer.deletion_date().map(date))),
        Err(error) if error.class == Class::Invalid => match deleted_date(clients, id).await? {
            None => Err(with_replicas(error)),
            // An unanswered call of this deletion has scheduled it, or somebody else at the same moment.
            Some(date) if !was_scheduled => Ok(Deleted::Recoverable(recoverable_until(date, Timestamp::now(), how))),
            Some(_) => Ok(Deleted::Recoverable(None)),
        },
        Err(error) => Err(with_replicas(error)),
    }
}

async fn deleted_date(clients: &Clients, id: &str) -> Result<Option<Timestamp>> {
    let answer = clients.secrets.describe_secret().secret_id(id).send().await;
    let secret = optional(answer.map_err(failed("secretsmanager:DescribeSecret")))?;
    Ok(secret.and_then(|secret| secret.deleted_date().and_then(timestamp)))
}

/// Until when a secret can be recovered whose deletion was just scheduled `how` it should.
///
/// AWS describes `DeletedDate` as the day for which the deletion is scheduled, and of the same field in a list as the day on
/// which it was asked for. No window is shorter than a week, so that a date tells itself which of both it is.
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html>
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_SecretListEntry.html>
fn recoverable_until(date: Timestamp, now: Timestamp, how: OnTeardown) -> Option<String> {
    let day = SignedDuration::from_hours(24);
    let until = match how {
        _ if date.duration_since(now) > day => date,
        OnTeardown::RecoveryWindowDays(days) => date.checked_add(day * i32::from(days)).ok()?,
        OnTeardown::Keep | OnTeardown::Force => return None,
    };
    Some(until.to_string())
}

/// A secret with replicas in other regions is not deleted, and they are not ours to remove.
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html>
fn with_replicas(error: Error) -> Error {
    if error.message.to_lowercase().contains("replica") {
        let hint = "somebody replicated the secret: `aws secretsmanager remove-regions-from-replication` takes the \
                    replicas away, then run teardown again";
        return error.hint(hint);
    }
    error
}

/// Deletion without recovery is asynchronous.
async fn until_gone(clients: &Clients, id: &str, wait: Wait<'_>) -> Result<()> {
    patiently(wait, || async {
        Ok(match observe(clients, id).await? {
            None => Attempt::Done(()),
            Some(_) => {
                Attempt::NotYet(Error::outcome("secretsmanager:DeleteSecret", "the secret is still being deleted"))
            }
        })
    })
    .await
}

/// The versions of a secret that have a value, newest first: those with a label, and where `all` is set the others too. An
/// absent secret has none.
pub async fn versions(clients: &Clients, name: &str, all: bool) -> Result<Vec<Version>> {
    let listed = pages::all("secretsmanager:ListSecretVersionIds", |token| async move {
        let list =
            clients.secrets.list_secret_version_ids().secret_id(name).set_include_deprecated(all.then_some(true));
        let page =
            optional(list.set_next_token(token).send().await.map_err(failed("secretsmanager:ListSecretVersionIds")))?;
        Ok(page.map(|page| (page.versions.unwrap_or_default(), page.next_token)))
    });
    let version = |entry: SecretVersionsListEntry| Version {
        id: entry.version_id.unwrap_or_default(),
        labels: entry.version_stages.unwrap_or_default(),
        created: entry.created_date.as_ref().and_then(timestamp),
        has_value: true,
    };
    let mut versions: Vec<Version> = listed.await?.into_iter().flatten().map(version).collect();
    versions.sort_by_key(|version| std::cmp::Reverse(version.created));
    Ok(versions)
}
