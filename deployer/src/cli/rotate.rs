//! `deploy rotate`

use std::time::Duration;

use contract::{Answer, Event, Outcome};
use futures_util::StreamExt as _;
use plan::doctor::Version;
use plan::naming::Names;
use plan::render::{Page, escaped};
use plan::resource::Kind;
use plan::spec::Spec;
use serde::Serialize;

use super::failure::{Failure, FailureJson, explain};
use super::planning::{concurrently, observe};
use super::session::Session;
use super::stacks::{Stack, Warnings};
use crate::aws::{self, Class, Clients, Observer, Wait};
use crate::exit::Exit;
use crate::ui::{Interrupt, Ui, distinct};

/// Arguments of `rotate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: super::Common,
    #[command(flatten)]
    calls: super::Calls,
}

/// What `rotate --output json` writes of a stack.
#[derive(Debug, Serialize)]
struct Rotated {
    stack: String,
    secret: String,
    secret_arn: String,
    previous_version: Option<Seen>,
    current_version: Seen,
}

#[derive(Debug, Clone, Serialize)]
struct Seen {
    id: String,
    created: Option<jiff::Timestamp>,
}

/// Invokes each stack's function now, and looks at the versions before and after.
pub async fn run(args: Args, ui: Ui) -> Exit {
    let (mut session, stacks) = Session::begin(&args.common, Warnings::Untold, ui);
    let interrupt = Interrupt::listen(ui);
    let (environment, _) = args.calls.environment().await;
    let work = |stack: Stack| async { (stack.spec.name.clone(), rotate(&environment, stack, &interrupt, ui).await) };
    let mut results = Box::pin(concurrently(stacks, work));
    while let Some((stack, result)) = results.next().await {
        match result {
            Ok(rotated) => {
                if session.is_text() {
                    ui.print(&text(&rotated, ui));
                }
                session.done(&stack, rotated);
            }
            Err(Problem::Untouched) => {} // The session tells of it at its end.
            Err(Problem::Stack(failure)) => session.failed(&stack, &failure),
            Err(Problem::Rotation { what, details, exit }) => {
                ui.error(&format!("stack {stack}: {what}"), &details);
                session.error(&stack, FailureJson::new(&stack, what, details), exit);
            }
        }
    }
    session.end(&interrupt)
}

/// Why a secret was not rotated.
enum Problem {
    /// Interrupted before the function was invoked.
    Untouched,
    Stack(Failure),
    Rotation {
        what: String,
        details: Vec<String>,
        exit: Exit,
    },
}

impl Problem {
    fn new(what: impl Into<String>, details: Vec<String>) -> Self {
        Self::Rotation { what: what.into(), details, exit: Exit::Error }
    }
}

const SHOWN: &str = "whether the secret was rotated is shown by `deploy status`";

fn call(error: &aws::Error) -> Problem {
    let exit = if error.class == Class::Interrupted { Exit::Interrupted } else { Exit::Error };
    Problem::Rotation { what: explain(error), details: vec![SHOWN.to_owned()], exit }
}

/// Interrupted while the function was at work.
fn unknown() -> Problem {
    let what = "interrupted while the function was at work, which it goes on with by itself";
    Problem::Rotation { what: what.to_owned(), details: vec![SHOWN.to_owned()], exit: Exit::Interrupted }
}

async fn rotate(
    environment: &aws_config::SdkConfig,
    stack: Stack,
    interrupt: &Interrupt,
    ui: Ui,
) -> Result<Rotated, Problem> {
    let clients = Clients::new(environment, &stack.spec.region);
    let (before, event) = interrupt.reading(prepare(&clients, &stack)).await.ok_or(Problem::Untouched)??;
    // From here on nobody can say that nothing was changed: once invoked, the function goes on by itself.
    interrupt.changes_begin();
    let notify = distinct(|why| {
        let mut page = Page::new();
        let _ = writeln!(page, "  {}  waiting: {why}", stack.spec.name);
        ui.progress(&page);
    });
    let wait = Wait::to_invoke(&notify, &interrupt.stop.gently);
    let invoked = interrupt.changing(invoke(&clients, &stack, &event, wait)).await;
    let (answer, after) = invoked.unwrap_or_else(|| Err(unknown()))?;
    prove(&stack, &answer, before, current(&after))
}

/// The current version, and what the function is to be told.
async fn prepare(clients: &Clients, stack: &Stack) -> Result<(Option<Seen>, Event), Problem> {
    let (observer, secret) = (Observer::new(clients.clone()), &stack.spec.secret.name);
    let (observed, before) = tokio::join!(observe(&observer, stack), clients.versions(secret));
    let live = observed.map_err(Problem::Stack)?.live;
    let before = current(&before.map_err(|error| call(&error))?);
    let Some(secret_live) = live.secret.as_ref().filter(|_| live.function.is_some()) else {
        return Err(Problem::new("there is nothing to rotate yet", vec!["next: `deploy apply`".to_owned()]));
    };
    let ours = plan::ownership::tags(&stack.spec);
    for kind in [Kind::Secret, Kind::Function] {
        let tags = live.tags(kind).cloned().unwrap_or_default();
        if plan::ownership::owner(&ours, &tags) != plan::ownership::Owner::Us {
            let what = format!("refused: the {kind} is not this stack's");
            return Err(Problem::Rotation {
                what,
                details: vec!["nothing was changed".to_owned()],
                exit: Exit::Refused,
            });
        }
    }
    Ok((before, event(&stack.spec, &secret_live.arn)))
}

/// One tick of this run's own: an attempt whose answer is lost is made again, and must not rotate a second time.
fn event(spec: &Spec, secret_arn: &str) -> Event {
    let function = Names::of(spec).function_arn();
    Event::Rotate {
        secret_arn: Some(secret_arn.to_owned()),
        schedule_arn: Some(format!("{function}:by-hand-{}", std::process::id())),
        scheduled_time: Some(jiff::Timestamp::now().to_string()),
    }
}

/// The function's answer, and the versions after it.
async fn invoke(
    clients: &Clients,
    stack: &Stack,
    event: &Event,
    wait: Wait<'_>,
) -> Result<(Answer, Vec<Version>), Problem> {
    let (secret, function) = (&stack.spec.secret.name, &stack.spec.function.name);
    let work = Duration::from_secs(stack.spec.function.timeout.into());
    let invocation = clients.invoke(function, event, work, wait).await.map_err(|error| call(&error))?;
    let answer = invocation.outcome.map_err(|error| {
        let log = invocation.log_tail.iter().map(|line| format!("log: {}", escaped(line)));
        Problem::new(format!("the function failed: {error}"), log.collect())
    })?;
    let after = clients.versions(secret).await.map_err(|error| call(&error))?;
    Ok((answer, after))
}

fn current(versions: &[Version]) -> Option<Seen> {
    let holds = |version: &&Version| version.labels.iter().any(|label| label == "AWSCURRENT");
    versions.iter().find(holds).map(|version| Seen { id: version.id.clone(), created: version.created })
}

/// The function's word is not enough: the current version must be another one, and the one that it names.
fn prove(stack: &Stack, answer: &Answer, before: Option<Seen>, after: Option<Seen>) -> Result<Rotated, Problem> {
    let before_id = before.as_ref().map(|seen| seen.id.clone());
    match after {
        Some(after) if Some(&after.id) != before_id.as_ref() => Ok(Rotated {
            stack: stack.spec.name.clone(),
            secret: stack.spec.secret.name.clone(),
            secret_arn: answer.secret_arn.clone(),
            previous_version: before,
            current_version: after,
        }),
        _ => {
            let told = match answer.outcome {
                Outcome::Rotated => "says that it rotated",
                Outcome::AlreadyRotated => "says that this was done already",
                Outcome::Superseded => "says that a later change has replaced it",
                Outcome::Healthy | Outcome::StepDone => "gave the answer to another question",
            };
            let details = vec![format!("the function {told}, but AWSCURRENT did not move")];
            Err(Problem::new("the secret was not rotated", details))
        }
    }
}

fn text(rotated: &Rotated, ui: Ui) -> Page {
    let (good, faint, strong) = (ui.out.good(), ui.out.faint(), ui.out.strong());
    let mut page = Page::new();
    let _ = writeln!(page, "{good}Rotated.{good:#} {strong}{}{strong:#}", rotated.secret);
    let previous = rotated.previous_version.as_ref().map(|previous| ("previous", previous));
    for (word, Seen { id, created }) in previous.into_iter().chain([("current", &rotated.current_version)]) {
        let _ = match created {
            Some(time) => writeln!(page, "  {word:<8}  {id}  {faint}made {time:.0}{faint:#}"),
            None => writeln!(page, "  {word:<8}  {id}"),
        };
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_by_hand_is_never_the_schedule_s_own_and_each_has_a_time() {
        let spec = plan::spec::load("myapp.yaml", include_str!("../../../config/myapp.yaml")).unwrap().spec;
        let of = || match event(&spec, "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-AbCdEf") {
            Event::Rotate { schedule_arn, scheduled_time, .. } => (schedule_arn.unwrap(), scheduled_time.unwrap()),
            Event::SelfCheck { .. } => panic!("no rotation"),
        };
        let (arn, time) = of();
        assert!(
            arn.starts_with("arn:aws:lambda:us-east-1:123456789012:function:RotatePasswordFunction:by-hand-"),
            "{arn}"
        );
        assert_ne!(Some(arn), Names::of(&spec).schedule_arn());
        assert!(time.parse::<jiff::Timestamp>().is_ok() && time.ends_with('Z'), "{time}");
        assert_ne!(of().1, time, "two runs are two requests");
    }
}
