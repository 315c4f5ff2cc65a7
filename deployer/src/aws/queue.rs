//! SQS: the schedule's dead-letter queue.

use aws_sdk_sqs::types::QueueAttributeName;
use plan::precondition::{DeadLetterQueue, QueueKey};

use super::client::Clients;
use super::error::{Class, Result, failed, optional};
use super::kms;

/// The URL of the queue with that ARN; `None` where there is none.
pub async fn url(clients: &Clients, arn: &str) -> Result<Option<String>> {
    let mut parts = arn.rsplit(':');
    let (name, account) = (parts.next().unwrap_or_default(), parts.next());
    let url = clients.sqs.get_queue_url().queue_name(name).set_queue_owner_aws_account_id(account.map(str::to_owned));
    let answer = optional(url.send().await.map_err(failed("sqs:GetQueueUrl")))?;
    Ok(answer.and_then(|answer| answer.queue_url))
}

/// Whether the queue is there, and what key it has. What the caller may not see is unknown, and no failure: the queue may be
/// another account's.
pub async fn observe(clients: &Clients, arn: &str) -> Result<DeadLetterQueue> {
    match look(clients, arn).await {
        Err(error) if error.class == Class::Denied => Ok(DeadLetterQueue::Present(QueueKey::Unknown)),
        other => other,
    }
}

async fn look(clients: &Clients, arn: &str) -> Result<DeadLetterQueue> {
    let Some(url) = url(clients, arn).await? else { return Ok(DeadLetterQueue::Absent) };
    let name = QueueAttributeName::KmsMasterKeyId;
    let read = clients.sqs.get_queue_attributes().queue_url(url).attribute_names(name.clone()).send().await;
    let Some(answer) = optional(read.map_err(failed("sqs:GetQueueAttributes")))? else {
        return Ok(DeadLetterQueue::Absent);
    };
    let key = answer.attributes().and_then(|all| all.get(&name)).filter(|key| !key.is_empty());
    let Some(key) = key else { return Ok(DeadLetterQueue::Present(QueueKey::Free)) };
    let key = match kms::describe(clients, &of_account(arn, key)).await {
        Ok(Some(key)) if !key.is_aws_own => QueueKey::Customer(key),
        Ok(_) => QueueKey::Free,
        Err(error) if matches!(error.class, Class::Denied | Class::NotFound) => QueueKey::Unknown,
        Err(error) => return Err(error),
    };
    Ok(DeadLetterQueue::Present(key))
}

/// A key's id or alias is one of the queue's own account.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>
fn of_account(queue: &str, key: &str) -> String {
    let parts: Vec<&str> = queue.split(':').collect();
    let [_, partition, _, region, account, ..] = parts[..] else { return key.to_owned() };
    match key {
        arn if arn.starts_with("arn:") => arn.to_owned(),
        alias if alias.starts_with("alias/") => format!("arn:{partition}:kms:{region}:{account}:{alias}"),
        id => format!("arn:{partition}:kms:{region}:{account}:key/{id}"),
    }
}
