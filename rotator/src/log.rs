//! The function's log: one JSON object a line on stdout, and metrics that `CloudWatch` takes out of it.
//!
//! Nothing can be logged but the fields of [`Line`], none of which can hold an event or a value.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use contract::Outcome;
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::{Class, Error, Step};

/// The metrics' namespace in `CloudWatch`.
pub const NAMESPACE: &str = "SecretRotation";

/// How grave a line is.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// All is well.
    Info,
    /// Done, but something was left behind.
    Warn,
    /// Not done.
    Error,
}

/// All that a line can say. The message is fixed text, and an [`Error`]'s own text holds no value by its construction.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line<'a> {
    /// How grave it is.
    pub level: Level,
    /// What happened.
    pub message: &'static str,
    /// Lambda's id of the invocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a str>,
    /// The version that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<&'a str>,
    /// What became of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// What sort of failure it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// The failure in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a Error>,
    /// How long the invocation took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// The source line of a fault of the function's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The source file of a fault of the function's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<&'a str>,
}

impl<'a> Line<'a> {
    /// A line with no more than a message.
    #[must_use]
    pub fn new(level: Level, message: &'static str) -> Self {
        Self {
            level,
            message,
            request_id: None,
            version_id: None,
            outcome: None,
            step: None,
            class: None,
            error: None,
            duration_ms: None,
            line: None,
            file: None,
        }
    }

    /// The line with a failure.
    #[must_use]
    pub fn with_error(self, error: &'a Error) -> Self {
        Self { step: Some(error.step), class: Some(error.class()), error: Some(error), ..self }
    }

    /// Writes the line to stdout.
    pub fn write(&self) {
        write(self);
    }
}

/// Warns, in fixed words.
pub fn warn(message: &'static str) {
    Line::new(Level::Warn, message).write();
}

/// Warns of a label that could not be removed.
pub fn left_behind(error: &Error, version_id: &str) {
    let message = "a staging label was left behind; the next rotation removes it";
    Line { version_id: Some(version_id), ..Line::new(Level::Warn, message).with_error(error) }.write();
}

/// Replaces the message of a panic, which may quote what was being worked on, by the place in the source.
pub fn hide_panic_messages() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location();
        let line = place.map(std::panic::Location::line);
        Line { line, file: place.map(std::panic::Location::file), ..Line::new(Level::Error, "a fault") }.write();
    }));
}

/// What is measured of a rotation, in `CloudWatch`'s embedded metric format.
pub enum Metrics {
    /// A new version became current.
    Succeeded {
        /// How long it took, in milliseconds.
        duration_ms: u64,
        /// How old the version was that it replaced, in seconds.
        age_seconds: Option<u64>,
    },
    /// None did.
    Failed {
        /// How long it took, in milliseconds.
        duration_ms: u64,
        /// Where it failed.
        step: Step,
        /// What sort of failure it was.
        class: Class,
        /// Whether the secret's readers are locked out until a person acts.
        is_locked_out: bool,
    },
}

impl Metrics {
    /// Writes the metrics of one function to stdout.
    pub fn write(&self, function_name: &str) {
        write(&self.document(function_name, since_1970().as_millis()));
    }

    fn document(&self, function_name: &str, timestamp: u128) -> Value {
        let metric = |name: &str, unit: &str| json!({"Name": name, "Unit": unit});
        let mut document = json!({"FunctionName": function_name});
        let (mut metrics, mut dimensions) = (vec![metric("DurationMs", "Milliseconds")], vec![json!(["FunctionName"])]);
        match *self {
            Self::Succeeded { duration_ms, age_seconds } => {
                metrics.push(metric("RotationSucceeded", "Count"));
                document["RotationSucceeded"] = json!(1);
                document["DurationMs"] = json!(duration_ms);
                if let Some(age) = age_seconds {
                    metrics.push(metric("AgeSeconds", "Seconds"));
                    document["AgeSeconds"] = json!(age);
                }
            }
            Self::Failed { duration_ms, step, class, is_locked_out } => {
                if is_locked_out {
                    metrics.push(metric("RotationLockedOut", "Count"));
                    document["RotationLockedOut"] = json!(1);
                }
                metrics.push(metric("RotationFailed", "Count"));
                dimensions.push(json!(["FunctionName", "Step", "Class"]));
                document["RotationFailed"] = json!(1);
                document["DurationMs"] = json!(duration_ms);
                document["Step"] = json!(step.name());
                document["Class"] = json!(class.name());
            }
        }
        let directive = json!({"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": metrics});
        document["_aws"] =
            json!({"Timestamp": u64::try_from(timestamp).unwrap_or(u64::MAX), "CloudWatchMetrics": [directive]});
        document
    }
}

/// The time since 1970 by the machine's clock.
#[must_use]
pub fn since_1970() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn write(document: &impl Serialize) {
    // A log that cannot be written must not keep the secret from being rotated.
    if let Ok(mut line) = serde_json::to_vec(document) {
        line.push(b'\n');
        let _ = std::io::stdout().lock().write_all(&line);
    }
}
