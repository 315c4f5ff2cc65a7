//! Asking the function, and reading what it wrote.

use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvocationType, LogType};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contract::{Answer, Event};
use plan::doctor::Version;
use plan::render::escaped;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::client::Clients;
use super::error::{Class, Result, failed, optional};
use super::function::why_not_yet;
use super::pages;
use super::retry::{Attempt, Wait, patiently};

/// How long a function may take until it can be invoked: on a network of its owner's a minute and more.
const UNREADY: Duration = Duration::from_mins(5);

impl<'a> Wait<'a> {
    /// For a function that can't be invoked yet.
    #[must_use]
    pub fn to_invoke(notify: &'a (dyn Fn(&str) + Sync), stop: &'a CancellationToken) -> Self {
        Self { deadline: UNREADY, notify, stop, earlier: &[] }
    }
}

/// What an invocation came to.
#[derive(Debug)]
pub struct Invocation {
    /// The function's answer, or its error.
    pub outcome: std::result::Result<Answer, FunctionError>,
    /// The last 4 KB that it logged.
    pub log_tail: Vec<String>,
}

/// What the function says went wrong; never a value.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionError {
    /// Its class.
    #[serde(default)]
    pub error_type: String,
    /// What went wrong.
    #[serde(default)]
    pub error_message: String,
}

impl FunctionError {
    /// What the answer of a failed invocation of that kind says.
    fn of(kind: &str, payload: &[u8]) -> Self {
        let told: Self = serde_json::from_slice(payload).unwrap_or_default();
        if told.error_message.is_empty() {
            let error_type = if told.error_type.is_empty() { kind.to_owned() } else { told.error_type };
            return Self { error_type, error_message: "the function failed and said nothing more".to_owned() };
        }
        told
    }

    /// Whether it took longer than its timeout. Older answers of Lambda have no type, only the words.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.error_type == "Sandbox.Timedout" || self.error_message.contains("Task timed out after")
    }

    /// Whether a permission was missing, or not in force yet.
    #[must_use]
    pub fn is_permission(&self) -> bool {
        self.error_type.contains("Permission")
    }

    /// Whether a service or the target asked it to slow down.
    #[must_use]
    pub fn is_throttled(&self) -> bool {
        self.error_type.contains("Throttled")
    }

    /// Whether its process ended before it answered, as it may when its code or settings are changed meanwhile.
    #[must_use]
    pub fn is_crash(&self) -> bool {
        self.error_type.starts_with("Runtime.")
    }
}

impl std::fmt::Display for FunctionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.error_type.as_str() {
            "" => write!(f, "{}", escaped(&self.error_message)),
            error_type => write!(f, "{} ({})", escaped(&self.error_message), escaped(error_type)),
        }
    }
}

/// One line of the function's log.
#[derive(Debug, Clone)]
pub struct LogLine {
    /// When it was written.
    pub time: Option<jiff::Timestamp>,
    /// What was written.
    pub text: String,
    /// Its id, unique in the group.
    pub id: String,
}

impl Clients {
    /// Invokes the function, which works for up to `work`, and waits for its answer; and for the function before that,
    /// where it is being made, changed, or woken: <https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html>.
    /// What is waited for is told with the function's state.
    ///
    /// # Errors
    /// The call itself; the function's own error is in the [`Invocation`].
    pub async fn invoke(&self, function: &str, event: &Event, work: Duration, wait: Wait<'_>) -> Result<Invocation> {
        let payload = serde_json::json!(event).to_string();
        let timeouts = self.lambda.config().timeout_config().cloned().unwrap_or_else(TimeoutConfig::disabled);
        let attempt = timeouts.operation_attempt_timeout().map(|attempt| attempt + work);
        let mut longer = timeouts.to_builder();
        longer.set_operation_attempt_timeout(attempt);
        let patient = aws_sdk_lambda::config::Builder::new().timeout_config(longer.build());
        let answer = patiently(wait, || async {
            let invoke = self.lambda.invoke().function_name(function).payload(Blob::new(payload.clone()));
            let invoke = invoke.invocation_type(InvocationType::RequestResponse).log_type(LogType::Tail);
            let sent = invoke.customize().config_override(patient.clone()).send().await;
            match sent.map_err(failed("lambda:InvokeFunction")) {
                Err(error) if matches!(error.class, Class::Conflict | Class::NotReady) => {
                    why_not_yet(self, function, error).await.map(Attempt::NotYet)
                }
                other => other.map(Attempt::Done),
            }
        })
        .await?;
        let log = answer.log_result().and_then(|log| STANDARD.decode(log).ok()).unwrap_or_default();
        let log_tail = String::from_utf8_lossy(&log).lines().map(str::to_owned).collect();
        let payload = answer.payload().map(|blob| blob.as_ref().to_vec()).unwrap_or_default();
        let outcome = match answer.function_error() {
            None => serde_json::from_slice(&payload).map_err(|_| FunctionError {
                error_type: "UnknownAnswer".to_owned(),
                error_message: "the function's answer is not a rotator's: is it this project's function?".to_owned(),
            }),
            Some(kind) => Err(FunctionError::of(kind, &payload)),
        };
        Ok(Invocation { outcome, log_tail })
    }

    /// Asks the function whether it could rotate; it changes nothing.
    ///
    /// # Errors
    /// As [`Clients::invoke`].
    pub async fn self_check(&self, function: &str, wait: Wait<'_>) -> Result<Invocation> {
        self.invoke(function, &Event::SelfCheck { secret_arn: None }, Duration::ZERO, wait).await
    }

    /// What the function logged from `since` on, oldest first. An absent group has logged nothing.
    ///
    /// # Errors
    /// The call.
    pub async fn logs(&self, group: &str, since: jiff::Timestamp) -> Result<Vec<LogLine>> {
        let lines = pages::all("logs:FilterLogEvents", |token| async move {
            let filter = self.logs.filter_log_events().log_group_name(group).start_time(since.as_millisecond());
            let page = optional(filter.set_next_token(token).send().await.map_err(failed("logs:FilterLogEvents")))?;
            let line = |event: FilteredLogEvent| LogLine {
                time: event.timestamp.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()),
                text: event.message.unwrap_or_default().trim_end().to_owned(),
                id: event.event_id.unwrap_or_default(),
            };
            let events = |events: Vec<FilteredLogEvent>| events.into_iter().map(line).collect();
            Ok(page.map(|page| (events(page.events.unwrap_or_default()), page.next_token)))
        });
        Ok(lines.await?.unwrap_or_default())
    }

    /// The secret's versions that have a label and a value, newest first.
    ///
    /// # Errors
    /// The call.
    pub async fn versions(&self, secret: &str) -> Result<Vec<Version>> {
        super::secret::versions(self, secret, false).await
    }
}
