//! EventBridge Scheduler: the group.

use aws_sdk_scheduler::types::ScheduleGroupState;
use plan::attribute::Change;
use plan::ownership::Tags;
use plan::resource::schedule_group::{Desired, Live};

use super::client::Clients;
use super::error::{Class, Error, Result, failed, gone, optional};
use super::retry::{Attempt, Wait, patiently, settled, until};
use super::{pages, tags};

/// Reads the schedule group.
pub async fn observe(clients: &Clients, desired: &Desired) -> Result<Option<Live>> {
    let group = clients.scheduler.get_schedule_group().name(&desired.name).send();
    let listed = clients.scheduler.list_tags_for_resource().resource_arn(&desired.arn).send();
    let (group, listed) = tokio::join!(group, listed);
    let Some(group) = optional(group.map_err(failed("scheduler:GetScheduleGroup")))? else { return Ok(None) };
    let listed = optional(listed.map_err(failed("scheduler:ListTagsForResource")))?;
    let listed = listed.map(|answer| answer.tags().to_vec()).unwrap_or_default();
    Ok(Some(Live {
        deleting: group.state() == Some(&ScheduleGroupState::Deleting),
        tags: listed.iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect(),
    }))
}

/// The names of the schedules in a group.
pub async fn schedules(clients: &Clients, name: &str) -> Result<Vec<String>> {
    let listed = pages::all("scheduler:ListSchedules", |token| async move {
        let list = clients.scheduler.list_schedules().group_name(name).set_next_token(token);
        let page = optional(list.send().await.map_err(failed("scheduler:ListSchedules")))?;
        Ok(page.map(|page| (page.schedules, page.next_token)))
    });
    Ok(listed.await?.into_iter().flatten().filter_map(|schedule| schedule.name).collect())
}

/// Creates the schedule group, once an old one of that name is gone.
pub async fn create(clients: &Clients, desired: &Desired, noted: &Tags, wait: Wait<'_>) -> Result<()> {
    let all: Tags = desired.tags.clone().into_iter().chain(noted.clone()).collect();
    let all = tags::scheduler(&all)?;
    patiently(wait, || async {
        let create = clients.scheduler.create_schedule_group().name(&desired.name).set_tags(Some(all.clone()));
        match create.send().await.map_err(failed("scheduler:CreateScheduleGroup")) {
            Ok(_) => Ok(Attempt::Done(())),
            // The same code stands for a group that is there and for one that is going.
            Err(error) if error.class == Class::Conflict => match observe(clients, desired).await? {
                Some(live) if !live.deleting => Err(Error { class: Class::AlreadyExists, ..error }),
                _ => Ok(Attempt::NotYet(error)),
            },
            Err(error) => Err(error),
        }
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
    let (mut written, taken) = tags::changed(changes);
    // One call a key: an emulator takes the first of several only.
    for key in taken {
        settled(wait, false, || async {
            let untag = clients.scheduler.untag_resource().resource_arn(&desired.arn).tag_keys(&key);
            untag.send().await.map_err(failed("scheduler:UntagResource"))
        })
        .await?;
    }
    written.extend(noted.clone());
    tag(clients, &desired.arn, &written, wait).await
}

/// Writes tags of the group.
pub async fn tag(clients: &Clients, arn: &str, written: &Tags, wait: Wait<'_>) -> Result<()> {
    let written = tags::scheduler(written)?;
    settled(wait, false, || async {
        let tag = clients.scheduler.tag_resource().resource_arn(arn).set_tags(Some(written.clone()));
        tag.send().await.map(drop).map_err(failed("scheduler:TagResource"))
    })
    .await
}

/// Deletes the group, and waits until it is gone: until then its name is taken, and what is in it may still fire.
///
/// # Errors
/// [`Class::Conflict`] where another change of it is in progress, and nothing was done.
pub async fn delete(clients: &Clients, desired: &Desired, wait: Wait<'_>) -> Result<()> {
    let answer = clients.scheduler.delete_schedule_group().name(&desired.name).send().await;
    match gone(answer.map_err(failed("scheduler:DeleteScheduleGroup"))) {
        // The same code stands for a group that is being deleted already.
        Err(error) if error.class == Class::Conflict => {
            if observe(clients, desired).await?.is_some_and(|live| !live.deleting) {
                return Err(error);
            }
        }
        other => other?,
    }
    until(wait, || async {
        Ok(match observe(clients, desired).await? {
            None => Attempt::Done(()),
            Some(_) => {
                Attempt::NotYet(Error::outcome("scheduler:DeleteScheduleGroup", "the group is still being deleted"))
            }
        })
    })
    .await
}
