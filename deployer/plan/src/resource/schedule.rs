//! The schedule.

use contract::{Event, PLACEHOLDER_SCHEDULE_ARN, PLACEHOLDER_SCHEDULED_TIME};
use serde_json::{Value as Json, json};

use crate::attribute::Attributes;
use crate::naming::Names;
use crate::spec::Spec;

/// What is set on a schedule, desired or live. An update sends all of it: EventBridge Scheduler resets what is left out.
/// <https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html>
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `cron(...)`, `rate(...)` or `at(...)`.
    pub expression: String,
    /// IANA time zone.
    pub timezone: String,
    /// Minutes; 0 is off.
    pub flexible_window_minutes: u32,
    /// Whether it fires.
    pub enabled: bool,
    /// Free text.
    pub description: String,
    /// ARN of what it invokes.
    pub target_arn: String,
    /// ARN of the role as which it invokes.
    pub role_arn: String,
    /// The event.
    pub input: Json,
    /// Further attempts after a failed one.
    pub retry_attempts: u32,
    /// Seconds after which an invocation is given up.
    pub retry_max_age_seconds: u32,
    /// ARN of the queue that gets failed invocations.
    pub dead_letter_arn: Option<String>,
}

/// What the schedule should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// Name.
    pub name: String,
    /// Its group.
    pub group: String,
    /// All that is set.
    pub settings: Settings,
}

/// What the schedule is.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// All that is set.
    pub settings: Settings,
    /// Before that time it does not fire, RFC 3339.
    pub start_date: Option<String>,
    /// After that time it does not fire, RFC 3339.
    pub end_date: Option<String>,
    /// What becomes of it after its last run; `None` is nothing.
    pub after_completion: Option<String>,
    /// ARN of a customer-managed key for its input.
    pub kms_key_arn: Option<String>,
}

/// The schedule that a spec asks for.
#[must_use]
pub fn desired(spec: &Spec) -> Desired {
    let names = Names::of(spec);
    let input = Event::Rotate {
        secret_arn: None,
        schedule_arn: Some(PLACEHOLDER_SCHEDULE_ARN.to_owned()),
        scheduled_time: Some(PLACEHOLDER_SCHEDULED_TIME.to_owned()),
    };
    let schedule = &spec.schedule;
    Desired {
        name: schedule.name.clone(),
        group: names.schedule_group().to_owned(),
        settings: Settings {
            expression: schedule.expression.clone(),
            timezone: schedule.timezone.clone(),
            flexible_window_minutes: schedule.flexible_window_minutes,
            enabled: schedule.enabled,
            description: names.description(),
            target_arn: names.function_arn(),
            role_arn: names.invoke_role_arn(),
            input: json!(input),
            retry_attempts: schedule.retry.attempts,
            retry_max_age_seconds: schedule.retry.max_age_minutes * 60,
            dead_letter_arn: schedule.dead_letter_queue.clone(),
        },
    }
}

impl Settings {
    fn attributes(&self) -> Attributes {
        let Self {
            expression,
            timezone,
            flexible_window_minutes,
            enabled,
            description,
            target_arn,
            role_arn,
            input,
            retry_attempts,
            retry_max_age_seconds,
            dead_letter_arn,
        } = self;
        Attributes::new()
            .with("expression", expression.as_str())
            .with("timezone", timezone.as_str())
            .with("flexible_window_minutes", *flexible_window_minutes)
            .with("enabled", *enabled)
            .with_optional("description", (!description.is_empty()).then_some(description.as_str()))
            .with("target", target_arn.as_str())
            .with("role", role_arn.as_str())
            .with("input", input.clone())
            .with("retry_attempts", *retry_attempts)
            .with("retry_max_age_seconds", *retry_max_age_seconds)
            .with_optional("dead_letter_queue", dead_letter_arn.as_deref())
    }
}

impl Desired {
    /// As attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let Self { name: _, group: _, settings } = self;
        settings.attributes()
    }
}

impl Live {
    /// As attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let Self { settings, start_date, end_date, after_completion, kms_key_arn } = self;
        settings
            .attributes()
            .with_optional("start_date", start_date.as_deref())
            .with_optional("end_date", end_date.as_deref())
            .with_optional("after_completion", after_completion.as_deref())
            .with_optional("kms_key", kms_key_arn.as_deref())
    }
}
