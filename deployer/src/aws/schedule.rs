//! EventBridge Scheduler: the schedule.

use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, ScheduleState,
    Target,
};
use plan::resource::role;
use plan::resource::schedule::{Desired, Live, Settings};
use serde_json::Value as Json;

use super::client::Clients;
use super::error::{Class, Error, Result, failed, gone, optional};
use super::retry::{Wait, settled};
use super::role::propagated;

/// What EventBridge Scheduler says of a role that it can't assume (yet).
const ROLE_NOT_READY: &[&str] = &["must allow AWS EventBridge Scheduler to assume the role"];

/// Reads the schedule.
pub async fn observe(clients: &Clients, name: &str, group: &str) -> Result<Option<Live>> {
    let answer = clients.scheduler.get_schedule().name(name).group_name(group).send().await;
    let Some(schedule) = optional(answer.map_err(failed("scheduler:GetSchedule")))? else { return Ok(None) };
    let target = schedule.target();
    let retry = target.and_then(Target::retry_policy);
    let count = |value: Option<i32>, default: u32| value.and_then(|v| u32::try_from(v).ok()).unwrap_or(default);
    let window = schedule.flexible_time_window().and_then(FlexibleTimeWindow::maximum_window_in_minutes);
    let input = target.and_then(Target::input).unwrap_or_default();
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    Ok(Some(Live {
        settings: Settings {
            expression: text(schedule.schedule_expression()),
            timezone: schedule.schedule_expression_timezone().unwrap_or("UTC").to_owned(),
            flexible_window_minutes: count(window, 0),
            enabled: schedule.state() == Some(&ScheduleState::Enabled),
            description: text(schedule.description()),
            target_arn: text(target.map(Target::arn)),
            role_arn: text(target.map(Target::role_arn)),
            input: serde_json::from_str(input).unwrap_or_else(|_| Json::String(input.to_owned())),
            retry_attempts: count(retry.and_then(RetryPolicy::maximum_retry_attempts), DEFAULT_RETRY_ATTEMPTS),
            retry_max_age_seconds: count(retry.and_then(RetryPolicy::maximum_event_age_in_seconds), DEFAULT_MAX_AGE),
            dead_letter_arn: target.and_then(Target::dead_letter_config).and_then(|it| it.arn()).map(str::to_owned),
        },
        start_date: schedule.start_date().map(ToString::to_string),
        end_date: schedule.end_date().map(ToString::to_string),
        after_completion: schedule
            .action_after_completion()
            .filter(|action| **action != ActionAfterCompletion::None)
            .map(|action| action.as_str().to_owned()),
        kms_key_arn: schedule.kms_key_arn().map(str::to_owned),
    }))
}

/// What AWS uses where no retry policy is set.
/// <https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html>
const DEFAULT_RETRY_ATTEMPTS: u32 = 185;
/// The same, in seconds.
const DEFAULT_MAX_AGE: u32 = 86_400;

fn window(minutes: u32) -> Result<FlexibleTimeWindow> {
    let window = FlexibleTimeWindow::builder();
    let window = match minutes {
        0 => window.mode(FlexibleTimeWindowMode::Off),
        _ => window.mode(FlexibleTimeWindowMode::Flexible).maximum_window_in_minutes(number(minutes)),
    };
    window.build().map_err(|e| Error::outcome("scheduler:CreateSchedule", e.to_string()))
}

fn target(settings: &Settings) -> Result<Target> {
    let retry = RetryPolicy::builder()
        .maximum_retry_attempts(number(settings.retry_attempts))
        .maximum_event_age_in_seconds(number(settings.retry_max_age_seconds))
        .build();
    let queue = settings.dead_letter_arn.as_ref().map(|arn| DeadLetterConfig::builder().arn(arn).build());
    Target::builder()
        .arn(&settings.target_arn)
        .role_arn(&settings.role_arn)
        .input(settings.input.to_string())
        .retry_policy(retry)
        .set_dead_letter_config(queue)
        .build()
        .map_err(|e| Error::outcome("scheduler:CreateSchedule", e.to_string()))
}

fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// Fills in all of a schedule: the SDK's two requests have the same setters, but no type in common.
macro_rules! whole {
    ($request:expr, $desired:expr) => {{
        let settings = &$desired.settings;
        let description = (!settings.description.is_empty()).then(|| settings.description.clone());
        Ok::<_, Error>(
            $request
                .name(&$desired.name)
                .group_name(&$desired.group)
                .schedule_expression(&settings.expression)
                .schedule_expression_timezone(&settings.timezone)
                .flexible_time_window(window(settings.flexible_window_minutes)?)
                .state(if settings.enabled { ScheduleState::Enabled } else { ScheduleState::Disabled })
                .set_description(description)
                .target(target(settings)?),
        )
    }};
}

/// Creates the schedule, once its role has propagated.
pub async fn create(clients: &Clients, desired: &Desired, role: &role::Desired, wait: Wait<'_>) -> Result<()> {
    // The group was made a moment ago, and may not be seen everywhere yet.
    propagated(clients, role, ROLE_NOT_READY, true, wait, || async {
        let create = whole!(clients.scheduler.create_schedule(), desired)?;
        create.send().await.map(drop).map_err(failed("scheduler:CreateSchedule")).map_err(|error| match error.class {
            Class::Conflict => Error { class: Class::AlreadyExists, ..error },
            _ => error,
        })
    })
    .await
}

/// Updates the schedule: always the whole of it, for what is left out is reset.
pub async fn update(clients: &Clients, desired: &Desired, role: &role::Desired, wait: Wait<'_>) -> Result<()> {
    propagated(clients, role, ROLE_NOT_READY, false, wait, || async {
        let update = whole!(clients.scheduler.update_schedule(), desired)?;
        update.send().await.map(drop).map_err(failed("scheduler:UpdateSchedule"))
    })
    .await
}

/// Deletes the schedule.
pub async fn delete(clients: &Clients, desired: &Desired, wait: Wait<'_>) -> Result<()> {
    settled(wait, false, || async {
        let delete = clients.scheduler.delete_schedule().name(&desired.name).group_name(&desired.group);
        gone(delete.send().await.map_err(failed("scheduler:DeleteSchedule")))
    })
    .await
}
