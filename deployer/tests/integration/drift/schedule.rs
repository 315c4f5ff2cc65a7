use serde_json::{Value, json};

use super::{Row, row, rows as several};
use crate::bed::Bed;

/// What an update takes: all of it, for what is left out is reset.
const FIELDS: [&str; 9] = [
    "Name",
    "GroupName",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "FlexibleTimeWindow",
    "State",
    "Description",
    "Target",
    "ActionAfterCompletion",
];

fn live(bed: &Bed) -> Value {
    bed.call("scheduler", "get_schedule", json!({"Name": "app-schedule", "GroupName": "app"}))
}

/// Sets one field.
fn set(field: &'static str, value: impl Into<Value>) -> impl Fn(&Bed) {
    let value = value.into();
    move |bed| {
        let mut schedule = live(bed);
        schedule.as_object_mut().unwrap().retain(|name, _| FIELDS.contains(&name.as_str()));
        schedule[field] = value.clone();
        bed.call("scheduler", "update_schedule", schedule);
    }
}

/// Sets one field of the target; a null removes it.
fn target(field: &'static str, value: impl Into<Value>) -> impl Fn(&Bed) {
    let value = value.into();
    move |bed| {
        let mut target = live(bed)["Target"].clone();
        target[field] = value.clone();
        target.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        set("Target", target)(bed);
    }
}

pub fn rows() -> Vec<Row> {
    vec![
        row("expression", set("ScheduleExpression", "rate(30 days)")),
        row("timezone", set("ScheduleExpressionTimezone", "Asia/Tokyo")),
        row(
            "flexible_window_minutes",
            set("FlexibleTimeWindow", json!({"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 60})),
        ),
        row("flexible_window_minutes", set("FlexibleTimeWindow", json!({"Mode": "OFF"}))),
        row("enabled", set("State", "DISABLED")),
        row("description", set("Description", "other")),
        row("target", target("Arn", "arn:aws:lambda:us-east-1:123456789012:function:other")),
        row("role", target("RoleArn", "arn:aws:iam::123456789012:role/other")),
        row("input", target("Input", r#"{"action": "self-check"}"#)),
        row("input", target("Input", Value::Null)),
        row(
            "retry_attempts",
            target("RetryPolicy", json!({"MaximumRetryAttempts": 5, "MaximumEventAgeInSeconds": 3600})),
        ),
        row(
            "retry_max_age_seconds",
            target("RetryPolicy", json!({"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 60})),
        ),
        // They are one setting in AWS.
        several(["retry_attempts", "retry_max_age_seconds"], target("RetryPolicy", Value::Null)),
        row(
            "dead_letter_queue",
            target("DeadLetterConfig", json!({"Arn": "arn:aws:sqs:us-east-1:123456789012:queue"})),
        ),
        row("start_date", set("StartDate", "2099-01-01T00:00:00Z")),
        row("end_date", set("EndDate", "2099-01-01T00:00:00Z")),
        row("after_completion", set("ActionAfterCompletion", "DELETE")),
    ]
}
