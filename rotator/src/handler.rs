//! What Lambda invokes: an event in, an answer or a typed error out, one log line each.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::time::{Duration, Instant};

use contract::{Answer, Config, Event, Outcome, Target as Opens};
use lambda_runtime::Context;
use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Kind, Step};
use crate::log::{Level, Line, Metrics, since_1970};
use crate::rotation::{Done, Rotation};
use crate::store::SecretsManager;
use crate::target::Nothing;
use crate::{client, self_check, tick};

/// How long before Lambda would end the invocation it ends itself, to say so in the log and the metrics.
const MARGIN: Duration = Duration::from_secs(1);

/// The function, as its environment configures it.
pub struct Function {
    name: String,
    /// A faulty environment is kept to be told to each caller; failing at start would only say that the process ended.
    ready: Result<Ready, Error>,
}

struct Ready {
    config: Config,
    store: SecretsManager,
}

/// An answer, and what only the log tells.
struct Report {
    answer: Answer,
    replaced: Option<i64>,
}

impl Function {
    /// The function that the environment variables describe; see [`contract::env`] and [`client::from_env`].
    ///
    /// The client is built here, at start, because Lambda gives a starting function a whole processor and a small one
    /// little of it later.
    #[must_use]
    pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Self {
        let ready = Config::from_env(&get)
            .and_then(|config| {
                let store = SecretsManager::new(client::from_env(&get)?, config.secret_arn.clone());
                Ok(Ready { config, store })
            })
            .map_err(|error| Kind::Config(error).at(Step::Invoke));
        Self { name: get("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default(), ready }
    }

    /// Answers one invocation, and logs what became of it.
    ///
    /// # Errors
    /// Whatever kept the event from being done, the end of Lambda's time and a panic included.
    pub async fn answer(&self, event: Value, context: Context) -> Result<Answer, Error> {
        let start = Instant::now();
        let work = Box::pin(async {
            let ready = self.ready.as_ref().map_err(Clone::clone)?;
            let event = parse(event).map_err(|kind| kind.at(Step::Invoke))?;
            ready.handle(event, &context.request_id).await
        });
        let time_left = context.deadline().duration_since(std::time::SystemTime::now()).unwrap_or_default();
        let result = match tokio::time::timeout(time_left.saturating_sub(MARGIN), without_panic(work)).await {
            Ok(result) => result,
            Err(_) => Err(Kind::Late.at(Step::Invoke)),
        };
        let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.log(&result, &context.request_id, duration_ms);
        result.map(|report| report.answer)
    }

    fn log(&self, result: &Result<Report, Error>, request_id: &str, duration_ms: u64) {
        let line = |level, message| Line {
            request_id: Some(request_id),
            duration_ms: Some(duration_ms),
            ..Line::new(level, message)
        };
        match result {
            Ok(Report { answer, replaced }) => {
                let version_id = answer.version_id.as_deref();
                Line { outcome: Some(answer.outcome), version_id, ..line(Level::Info, "done") }.write();
                if answer.outcome == Outcome::Rotated {
                    let age =
                        replaced.and_then(|created| since_1970().as_secs().checked_sub(u64::try_from(created).ok()?));
                    Metrics::Succeeded { duration_ms, age_seconds: age }.write(&self.name);
                }
            }
            Err(error) => {
                line(Level::Error, "failed").with_error(error).write();
                // A failed self-check is its caller's to tell; only ticks count.
                if error.step != Step::Check {
                    Metrics::Failed { duration_ms, step: error.step, class: error.class() }.write(&self.name);
                }
            }
        }
    }
}

impl Ready {
    async fn handle(&self, event: Event, request_id: &str) -> Result<Report, Error> {
        let own = &self.config.secret_arn;
        let (Event::Rotate { secret_arn, .. } | Event::SelfCheck { secret_arn }) = &event;
        if secret_arn.as_ref().is_some_and(|named| named != own) {
            return Err(Kind::ForeignSecret.at(Step::Invoke));
        }
        match event {
            Event::Rotate { schedule_arn, scheduled_time, .. } => {
                let token = tick::token(own, schedule_arn.as_deref(), scheduled_time.as_deref(), request_id);
                self.rotate(token).await
            }
            Event::SelfCheck { .. } => {
                let (version_id, checks) =
                    self_check(&self.store, self.config.field.as_deref(), &self.config.password).await?;
                let answer = Answer { secret_arn: own.clone(), version_id, outcome: Outcome::Healthy, checks };
                Ok(Report { answer, replaced: None })
            }
        }
    }

    async fn rotate(&self, token: String) -> Result<Report, Error> {
        let Config { secret_arn, field, password, target } = &self.config;
        let target = match target {
            Opens::None => Nothing,
        };
        let rotation = Rotation { store: &self.store, target: &target, field: field.as_deref(), policy: password };
        let Done { outcome, replaced } = rotation.run(&token).await?;
        let answer = Answer { secret_arn: secret_arn.clone(), version_id: Some(token), outcome, checks: Vec::new() };
        Ok(Report { answer, replaced })
    }
}

/// The event, or why it is none; what it holds is never quoted.
fn parse(event: Value) -> Result<Event, Kind> {
    if ["Step", "SecretId", "ClientRequestToken"].iter().all(|key| event.get(key).is_some()) {
        return Err(Kind::ManagedRotation);
    }
    Event::deserialize(event).map_err(|_| Kind::UnknownEvent)
}

/// Boxed and nameless, because the SDK's futures are nested deeper than the compiler likes to follow.
type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + 'a>>;

/// Turns a panic into an error here, because the runtime would put the panic's message into the answer.
async fn without_panic<T>(mut work: Work<'_, T>) -> Result<T, Error> {
    std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(poll) => poll,
        Err(_) => std::task::Poll::Ready(Err(Kind::Panicked.at(Step::Invoke))),
    })
    .await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_scheduler_s_and_a_person_s_events_are_understood() {
        assert!(matches!(parse(json!({"action": "rotate"})), Ok(Event::Rotate { .. })));
        assert!(matches!(parse(json!({"action": "self-check"})), Ok(Event::SelfCheck { secret_arn: None })));
        let full = json!({"action": "rotate", "secretArn": "a", "scheduleArn": "b", "scheduledTime": "c"});
        assert!(matches!(
            parse(full),
            Ok(Event::Rotate { secret_arn: Some(_), schedule_arn: Some(_), scheduled_time: Some(_) })
        ));
    }

    #[test]
    fn an_event_that_is_not_understood_is_never_quoted() {
        for event in [
            json!({}),
            json!(null),
            json!("canary"),
            json!({"action": "canary"}),
            json!({"action": "rotate", "secretArn": 7}),
        ] {
            let error = parse(event).unwrap_err();
            assert_eq!(error, Kind::UnknownEvent);
            assert!(!error.to_string().contains("canary"));
        }
        let managed = json!({"Step": "createSecret", "SecretId": "canary", "ClientRequestToken": "x"});
        assert_eq!(parse(managed), Err(Kind::ManagedRotation));
    }

    #[tokio::test]
    async fn a_panic_is_an_error_without_its_message() {
        let error = without_panic::<()>(Box::pin(async { panic!("canary") })).await.unwrap_err();
        assert_eq!(error.kind, Kind::Panicked);
        assert!(!error.to_string().contains("canary"));
    }
}
