//! What the doctor reads besides the stack, states, ages and depths, and the one thing that it may change: a label.

use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_sqs::types::QueueAttributeName;
use plan::doctor::{Concurrency, Fix, Health, Queue, Version, holds_still, with_empty};

use super::client::Clients;
use super::error::{Result, failed, optional};
use super::queue;
use super::secret::{self, timestamp};

impl Clients {
    /// The function's states; `None` is an absent function.
    ///
    /// # Errors
    /// The call. Where only the reserved concurrency can't be read, the answer says so.
    pub async fn function_health(&self, function: &str) -> Result<Option<Health>> {
        let config = self.lambda.get_function_configuration().function_name(function).send();
        let concurrency = self.lambda.get_function_concurrency().function_name(function).send();
        let (config, concurrency) = tokio::join!(config, concurrency);
        let Some(config) = optional(config.map_err(failed("lambda:GetFunctionConfiguration")))? else {
            return Ok(None);
        };
        let concurrency = match optional(concurrency.map_err(failed("lambda:GetFunctionConcurrency"))) {
            Ok(answer) => answer
                .and_then(|answer| u32::try_from(answer.reserved_concurrent_executions()?).ok())
                .map_or(Concurrency::Unreserved, Concurrency::Reserved),
            Err(error) => Concurrency::Unread(error.to_string()),
        };
        Ok(Some(health(&config, concurrency)))
    }

    /// When the schedule was last stored; `None` is an absent schedule.
    ///
    /// # Errors
    /// The call.
    pub async fn schedule_stored(&self, name: &str, group: &str) -> Result<Option<jiff::Timestamp>> {
        let answer = self.scheduler.get_schedule().name(name).group_name(group).send().await;
        let schedule = optional(answer.map_err(failed("scheduler:GetSchedule")))?;
        Ok(schedule.as_ref().and_then(|it| it.last_modification_date().or(it.creation_date())).and_then(timestamp))
    }

    /// All of the secret's versions that have a value, those without a label too, newest first. An absent secret has none.
    ///
    /// # Errors
    /// The call.
    pub async fn all_versions(&self, name: &str) -> Result<Vec<Version>> {
        secret::versions(self, name, true).await
    }

    /// How many messages a queue holds, about.
    ///
    /// # Errors
    /// The calls.
    pub async fn queue(&self, arn: &str) -> Result<Queue> {
        let Some(url) = queue::url(self, arn).await? else { return Ok(Queue::Absent) };
        let depth = QueueAttributeName::ApproximateNumberOfMessages;
        let read = self.sqs.get_queue_attributes().queue_url(url).attribute_names(depth.clone()).send().await;
        let Some(answer) = optional(read.map_err(failed("sqs:GetQueueAttributes")))? else { return Ok(Queue::Absent) };
        let count = answer.attributes().and_then(|all| all.get(&depth)).and_then(|count| count.parse().ok());
        Ok(count.map_or_else(|| Queue::Unread("sqs:GetQueueAttributes gave no count".to_owned()), Queue::Holds))
    }

    /// Takes a staging label from one version, unless the labels have moved since it was called for: they are read right
    /// before. No value goes, and no other version gets the label. Whether it was still called for.
    ///
    /// # Errors
    /// The calls.
    pub async fn carry_out(&self, secret: &str, fix: &Fix, is_managed: bool) -> Result<bool> {
        let (listed, live) = tokio::try_join!(self.all_versions(secret), secret::observe(self, secret))?;
        let labels = live.map(|live| live.versions).unwrap_or_default();
        if !holds_still(fix, is_managed, &with_empty(listed, &labels)) {
            return Ok(false);
        }
        let (version, label) = fix.removal();
        let update = self.secrets.update_secret_version_stage().secret_id(secret).version_stage(label);
        let answer = update.remove_from_version_id(version).send().await;
        answer.map_err(failed("secretsmanager:UpdateSecretVersionStage"))?;
        Ok(true)
    }
}

fn health(config: &GetFunctionConfigurationOutput, concurrency: Concurrency) -> Health {
    Health {
        state: config.state().map(|state| state.as_str().to_owned()),
        state_reason: config.state_reason().map(str::to_owned),
        update: config.last_update_status().map(|status| status.as_str().to_owned()),
        update_reason: config.last_update_status_reason().map(str::to_owned),
        modified: config.last_modified().and_then(|time| time.parse().ok()),
        concurrency,
    }
}
