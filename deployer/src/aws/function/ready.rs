//! Waiting until Lambda has applied what was set.

use aws_sdk_lambda::types::{
    FunctionConfiguration, LastUpdateStatus, LastUpdateStatusReasonCode, State, StateReasonCode,
};

use super::super::client::Clients;
use super::super::code::reason as reason_of;
use super::super::error::{Class, Error, Result, failed, optional};
use super::super::retry::{Attempt, Wait, patiently};

/// What a function's states say.
#[derive(Debug, PartialEq, Eq)]
enum Readiness {
    Ready,
    InProgress(String),
    /// Why, and what to do about it.
    Failed(String, Option<&'static str>),
}

impl Readiness {
    fn because(what: &str, text: Option<&str>, code: Option<&str>) -> Self {
        let reason = text.map(|text| format!(": {text}")).unwrap_or_default();
        Self::Failed(format!("{what}{reason}"), code.and_then(reason_of).flatten())
    }
}

fn state_failure(config: &FunctionConfiguration) -> Option<Readiness> {
    let code = config.state_reason_code().map(StateReasonCode::as_str);
    let failed = || Readiness::because("the function's state is Failed", config.state_reason(), code);
    (config.state() == Some(&State::Failed)).then(failed)
}

fn readiness(config: &FunctionConfiguration) -> Readiness {
    if let Some(failed) = state_failure(config) {
        return failed;
    }
    if config.last_update_status() == Some(&LastUpdateStatus::Failed) {
        let code = config.last_update_status_reason_code().map(LastUpdateStatusReasonCode::as_str);
        let text = config.last_update_status_reason();
        return Readiness::because("the function's last update failed", text, code);
    }
    let active = matches!(config.state(), Some(State::Active | State::Inactive));
    let updated = config.last_update_status() == Some(&LastUpdateStatus::Successful);
    if active && updated {
        return Readiness::Ready;
    }
    let state = config.state().map_or("unknown", State::as_str);
    let update = config.last_update_status().map_or("unknown", LastUpdateStatus::as_str);
    Readiness::InProgress(format!("the function is {state}, its last update {update}"))
}

/// Whether its revision will be the same at the next look: it changes when an update ends, too.
pub(super) fn is_settled(config: &FunctionConfiguration) -> bool {
    config.state() == Some(&State::Active) && config.last_update_status() == Some(&LastUpdateStatus::Successful)
}

/// Waits until no change of the function is in progress; gives its revision.
///
/// `failed_is_final`: a function that failed before may be mended by the change that follows.
pub(super) async fn ready(
    clients: &Clients,
    name: &str,
    failed_is_final: bool,
    wait: Wait<'_>,
) -> Result<Option<String>> {
    patiently(wait, || async {
        let answer =
            clients.lambda.get_function().function_name(name).send().await.map_err(failed("lambda:GetFunction"));
        let Some(answer) = optional(answer)? else {
            let unseen = Error::outcome("lambda:GetFunction", "the function is not visible yet");
            return Ok(Attempt::NotYet(Error { class: Class::NotFound, ..unseen }));
        };
        let config = answer.configuration().cloned().unwrap_or_else(|| FunctionConfiguration::builder().build());
        match readiness(&config) {
            Readiness::Failed(why, fix) if failed_is_final => Err(failure(why, fix)),
            Readiness::InProgress(why) => Ok(Attempt::NotYet(Error::outcome("lambda:GetFunction", why))),
            Readiness::Ready | Readiness::Failed(..) => Ok(Attempt::Done(config.revision_id().map(str::to_owned))),
        }
    })
    .await
}

fn failure(why: String, fix: Option<&str>) -> Error {
    Error { hint: fix.map(str::to_owned), ..Error::outcome("lambda:GetFunction", why) }
}

/// Why a function can't be invoked yet, told along with `error`, with which it refused; and the refusal alone to those who
/// may not look.
///
/// A function that was idle on a network becomes Pending when it is invoked, then Active, or Inactive again.
/// <https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html>
///
/// # Errors
/// Its state is Failed, which no waiting changes.
pub async fn why_not_yet(clients: &Clients, name: &str, error: Error) -> Result<Error> {
    let Ok(answer) = clients.lambda.get_function().function_name(name).send().await else { return Ok(error) };
    let Some(config) = answer.configuration() else { return Ok(error) };
    if let Some(Readiness::Failed(why, fix)) = state_failure(config) {
        return Err(failure(why, fix));
    }
    let state = config.state().filter(|state| **state != State::Active).map(State::as_str);
    let Some(state) = state else { return Ok(error) };
    let reason = config.state_reason().map(|text| format!(" ({text})")).unwrap_or_default();
    let fix = config.state_reason_code().and_then(|code| reason_of(code.as_str())).flatten();
    let message = format!("the function is {state}{reason}: {}", error.message);
    Ok(Error { message, hint: fix.map(str::to_owned).or(error.hint), ..error })
}

/// Waits until no change of the function is in progress, somebody else's included.
pub async fn settle(clients: &Clients, name: &str, wait: Wait<'_>) -> Result<()> {
    ready(clients, name, true, wait).await.map(drop)
}

/// The same, where there is a function.
pub async fn settle_if_there(clients: &Clients, name: &str, wait: Wait<'_>) -> Result<()> {
    let answer = clients.lambda.get_function().function_name(name).send().await.map_err(failed("lambda:GetFunction"));
    match optional(answer)?.and_then(|function| function.configuration) {
        Some(config) if readiness(&config) != Readiness::Ready => settle(clients, name, wait).await,
        _ => Ok(()),
    }
}
