//! CloudWatch Logs.

use plan::attribute::Change;
use plan::ownership::Tags;
use plan::resource::log_group::{Desired, Live};

use super::client::Clients;
use super::error::{Result, failed, gone, optional};
use super::retry::{Wait, settled};
use super::tags;

/// Reads the log group. Groups are listed by prefix, so the exact name is picked out.
pub async fn observe(clients: &Clients, desired: &Desired) -> Result<Option<Live>> {
    let groups = clients.logs.describe_log_groups().log_group_name_prefix(&desired.name).send();
    let listed = clients.logs.list_tags_for_resource().resource_arn(&desired.arn).send();
    let (groups, listed) = tokio::join!(groups, listed);
    let groups = groups.map_err(failed("logs:DescribeLogGroups"))?;
    // A group's name sorts before all longer ones, so it is on the first page if it is there.
    let Some(group) = groups.log_groups().iter().find(|group| group.log_group_name() == Some(&desired.name)) else {
        return Ok(None);
    };
    let listed = optional(listed.map_err(failed("logs:ListTagsForResource")))?;
    Ok(Some(Live {
        is_protected: group.deletion_protection_enabled() == Some(true),
        retention_days: group.retention_in_days().and_then(|days| u32::try_from(days).ok()),
        retention_policy: group.retention_policy_name().map(str::to_owned),
        tags: listed.and_then(|answer| answer.tags).unwrap_or_default().into_iter().collect(),
    }))
}

/// Creates the log group.
pub async fn create(clients: &Clients, desired: &Desired, noted: &Tags, wait: Wait<'_>) -> Result<()> {
    let all: Tags = desired.tags.clone().into_iter().chain(noted.clone()).collect();
    settled(wait, false, || async {
        let create = clients.logs.create_log_group().log_group_name(&desired.name);
        let answer = create.set_tags(Some(all.clone().into_iter().collect())).send().await;
        answer.map(drop).map_err(failed("logs:CreateLogGroup"))
    })
    .await?;
    retain(clients, desired, true, wait).await
}

async fn retain(clients: &Clients, desired: &Desired, just_made: bool, wait: Wait<'_>) -> Result<()> {
    let days = i32::try_from(desired.retention_days).unwrap_or(i32::MAX);
    settled(wait, just_made, || async {
        let put = clients.logs.put_retention_policy().log_group_name(&desired.name).retention_in_days(days);
        put.send().await.map(drop).map_err(failed("logs:PutRetentionPolicy"))
    })
    .await
}

/// Changes what differs.
pub async fn update(
    clients: &Clients,
    desired: &Desired,
    noted: &Tags,
    changes: &[Change],
    wait: Wait<'_>,
) -> Result<()> {
    if changes.iter().any(|change| change.attribute.name == "retention_days") {
        retain(clients, desired, false, wait).await?;
    }
    let (mut written, taken) = tags::changed(changes);
    if !taken.is_empty() {
        settled(wait, false, || async {
            let untag = clients.logs.untag_resource().resource_arn(&desired.arn).set_tag_keys(Some(taken.clone()));
            untag.send().await.map_err(failed("logs:UntagResource"))
        })
        .await?;
    }
    written.extend(noted.clone());
    settled(wait, false, || async {
        let written = written.clone().into_iter().collect();
        let tag = clients.logs.tag_resource().resource_arn(&desired.arn).set_tags(Some(written));
        tag.send().await.map(drop).map_err(failed("logs:TagResource"))
    })
    .await
}

/// Deletes the log group and all that is in it.
pub async fn delete(clients: &Clients, name: &str, wait: Wait<'_>) -> Result<()> {
    settled(wait, false, || async {
        gone(clients.logs.delete_log_group().log_group_name(name).send().await.map_err(failed("logs:DeleteLogGroup")))
    })
    .await
}
