//! What Lambda invokes: an event in, an answer or a typed error out, one log line each.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use contract::{Answer, Asked, Config, Event, ManagedEvent, Outcome, UnknownEvent};
use lambda_runtime::Context;
use serde_json::Value;

use crate::check::Findings;
use crate::error::{Error, Kind, Step};
use crate::log::{Level, Line, Metrics, since_1970};
use crate::rotation::{Done, Rotation};
use crate::store::SecretsManager;
use crate::target::AnyTarget;
use crate::unwind::caught;
use crate::{client, tick};

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
    /// Only for a target that is a user of that service.
    elasticache: Option<aws_sdk_elasticache::Client>,
    /// Where the function's package is.
    folder: PathBuf,
}

/// An answer, and what only the log tells.
struct Report {
    answer: Answer,
    replaced: Option<i64>,
}

impl Function {
    /// The function that the environment variables describe; see [`contract::env`] and [`client`].
    ///
    /// The client is built here, at start, because Lambda gives a starting function a whole processor and a small one
    /// little of it later.
    #[must_use]
    pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Self {
        let ready = Config::from_env(&get)
            .and_then(|config| {
                let store = SecretsManager::new(client::secrets_manager(&get)?, config.secret_arn.clone());
                let user = config.target.login().and_then(|login| login.elasticache_user.as_ref());
                let elasticache = user.map(|_| client::elasticache(&get)).transpose()?;
                let folder = get("LAMBDA_TASK_ROOT").unwrap_or_default().into();
                Ok(Ready { config, store, elasticache, folder })
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
            let event = Asked::parse(event).map_err(|UnknownEvent| Kind::UnknownEvent.at(Step::Invoke))?;
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
                    let is_locked_out = error.kind.is_locked_out();
                    Metrics::Failed { duration_ms, step: error.step, class: error.class(), is_locked_out }
                        .write(&self.name);
                }
            }
        }
    }
}

impl Ready {
    async fn handle(&self, asked: Asked, request_id: &str) -> Result<Report, Error> {
        let own = &self.config.secret_arn;
        let named = match &asked {
            Asked::Own(Event::Rotate { secret_arn, .. } | Event::SelfCheck { secret_arn }) => secret_arn.as_ref(),
            Asked::Managed(event) => Some(&event.secret_id),
        };
        if named.is_some_and(|named| named != own) {
            return Err(Kind::ForeignSecret.at(Step::Invoke));
        }
        let target = self.target().await.map_err(|kind| kind.at(Step::Invoke))?;
        let store = match &asked {
            Asked::Managed(event) => self.store.in_rotation(event.rotation_token.clone()),
            Asked::Own(_) => self.store.in_rotation(None),
        };
        let Config { field, password, derived, .. } = &self.config;
        let rotation = Rotation { store: &store, target: &target, field: field.as_deref(), policy: password, derived };
        let answer = |version_id, outcome| Answer {
            secret_arn: own.clone(),
            version_id,
            outcome,
            checks: Vec::new(),
            logins: BTreeMap::new(),
        };
        match asked {
            Asked::Own(Event::Rotate { schedule_arn, scheduled_time, .. }) => {
                let request = tick::Request {
                    schedule_arn: schedule_arn.as_deref(),
                    scheduled_time: scheduled_time.as_deref(),
                    request_id,
                };
                let now = i64::try_from(since_1970().as_secs()).unwrap_or(i64::MAX);
                let token = tick::token(own, self.config.schedule_arn.as_deref(), &request, now);
                let (id, Done { outcome, replaced }) = rotation.run(&token).await?;
                Ok(Report { answer: answer(Some(id), outcome), replaced })
            }
            Asked::Managed(ManagedEvent { step, client_request_token: token, .. }) => {
                let Done { outcome, replaced } = rotation.managed_step(step, &token).await?;
                Ok(Report { answer: answer(Some(token), outcome), replaced })
            }
            Asked::Own(Event::SelfCheck { .. }) => {
                let Findings { version_id, checks, logins } = rotation.check().await?;
                let answer = Answer { checks, logins, ..answer(version_id, Outcome::Healthy) };
                Ok(Report { answer, replaced: None })
            }
        }
    }

    /// What the password opens, with the secret of its admin.
    async fn target(&self) -> Result<AnyTarget, Kind> {
        let Config { target, field, .. } = &self.config;
        let admin = match target.login().and_then(|login| login.admin_secret.as_ref()) {
            Some(name) => Some(self.store.value_of(name).await.map_err(|kind| Kind::Admin(Box::new(kind)))?),
            None => None,
        };
        let file = |name: &str| std::fs::read(self.folder.join(name));
        AnyTarget::new(target, field.as_deref(), admin, file, self.elasticache.clone())
    }
}

/// Turns a panic into an error here, because the runtime would put the panic's message into the answer.
async fn without_panic<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    caught(work).await.unwrap_or(Err(Kind::Panicked.at(Step::Invoke)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_without_its_message() {
        let error = without_panic::<()>(async { panic!("canary") }).await.unwrap_err();
        assert_eq!(error.kind, Kind::Panicked);
        assert!(!error.to_string().contains("canary"));
    }
}
