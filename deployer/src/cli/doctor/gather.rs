//! All that the examination goes by: every read at once, then the function's own word.

use std::time::Duration;

use aws_config::SdkConfig;
use contract::Outcome;
use jiff::Timestamp;
use plan::doctor::{
    Concurrency, Evidence, Health, Invocation, Queue, Read, SelfCheck, TIMEOUT, Version, invocations, log_start,
    with_empty,
};
use plan::naming::Names;
use plan::resource::Kind;
use plan::spec::Trigger;
use tokio_util::sync::CancellationToken;

use crate::aws::{self, Class, Clients, FunctionError, Wait};
use crate::cli::failure::explain;
use crate::cli::planning::{Planned, Result, to_apply};
use crate::cli::stacks::Stack;

/// A function that takes longer until it can be asked is told of as it is.
const UNREADY: Duration = Duration::from_secs(30);

/// What was read of a stack.
pub struct Gathered {
    pub planned: Planned,
    now: Timestamp,
    function: Read<Option<Health>>,
    schedule_stored: Option<Timestamp>,
    versions: Read<Vec<Version>>,
    invocations: Read<Vec<Invocation>>,
    queue: Queue,
    self_check: SelfCheck,
}

impl Gathered {
    /// As the examination takes it.
    pub fn evidence(&self) -> Evidence<'_> {
        let Planned { stack, live, desired, plan, unmet, resource_policy, .. } = &self.planned;
        Evidence {
            spec: &stack.spec,
            origin: &stack.origin,
            now: self.now,
            live,
            desired,
            plan,
            unmet,
            function: self.function.clone(),
            schedule_stored: self.schedule_stored,
            versions: self.versions.clone(),
            invocations: self.invocations.clone(),
            queue: self.queue.clone(),
            self_check: self.self_check.clone(),
            resource_policy: resource_policy.clone(),
        }
    }
}

/// Reads everything, and asks the function.
///
/// # Errors
/// The stack's name, and why it can't be planned. What only the examination wants is told where it can't be read.
pub async fn gather(environment: &SdkConfig, stack: Stack) -> Result<Gathered> {
    let clients = Clients::new(environment, &stack.spec.region);
    let (spec, now) = (stack.spec.clone(), Timestamp::now());
    let names = Names::of(&spec);
    let (log_group, since) = (names.log_group(), log_start(&spec, now));
    let (planned, function, stored, versions, log, queue) = tokio::join!(
        to_apply(environment, stack, &[]),
        clients.function_health(&spec.function.name),
        clients.schedule_stored(&spec.schedule.name, names.schedule_group()),
        clients.all_versions(&spec.secret.name),
        clients.logs(&log_group, since),
        queue(&clients, &spec),
    );
    let lines = log.map_err(|error| explain(&error));
    let planned = planned?;
    let labels = planned.live.secret.as_ref().map(|secret| secret.versions.clone()).unwrap_or_default();
    let mut gathered = Gathered {
        planned,
        now,
        function: function.map_err(|error| explain(&error)),
        schedule_stored: stored.ok().flatten(),
        versions: versions.map(|listed| with_empty(listed, &labels)).map_err(|error| explain(&error)),
        invocations: lines
            .map(|lines| invocations(lines.iter().filter_map(|line| Some((line.time?, line.text.as_str()))))),
        queue,
        self_check: SelfCheck::Pointless,
    };
    if can_be_asked(&gathered) {
        gathered.self_check = self_check(&clients, &spec.function.name).await;
    }
    Ok(gathered)
}

async fn queue(clients: &Clients, spec: &plan::spec::Spec) -> Queue {
    match &spec.schedule.dead_letter_queue {
        Some(arn) if spec.trigger == Trigger::Schedule => {
            clients.queue(arn).await.unwrap_or_else(|error| Queue::Unread(explain(&error)))
        }
        _ => Queue::Unnamed,
    }
}

/// Whether an answer would tell more than the function's state does. Nobody else's function is invoked.
fn can_be_asked(gathered: &Gathered) -> bool {
    let evidence = gathered.evidence();
    let runs = match &evidence.function {
        Ok(Some(health)) => {
            health.concurrency != Concurrency::Reserved(0)
                && !matches!(health.state.as_deref(), Some("Failed" | "Inactive" | "Pending"))
        }
        Ok(None) => false,
        Err(_) => true,
    };
    runs && evidence.has(Kind::Function) && evidence.has(Kind::Secret)
}

async fn self_check(clients: &Clients, function: &str) -> SelfCheck {
    let (quietly, never) = (|_: &str| {}, CancellationToken::new());
    let wait = Wait { deadline: UNREADY, ..Wait::to_invoke(&quietly, &never) };
    match clients.self_check(function, wait).await {
        Ok(invocation) => match invocation.outcome {
            Ok(answer) if answer.outcome == Outcome::Healthy => SelfCheck::Answered(answer),
            Ok(_) => SelfCheck::Unasked("it gave no self-check's answer".to_owned()),
            Err(error) => failed(&error),
        },
        Err(error) if error.class == Class::Denied => SelfCheck::Unasked(denied(&error)),
        Err(error) => SelfCheck::Unasked(explain(&error)),
    }
}

fn denied(error: &aws::Error) -> String {
    format!("{} is denied to you: what the target says to the secret's values is not known", error.operation)
}

/// The class as logs have it: `Rotator.NotFound` is `not-found`.
fn failed(error: &FunctionError) -> SelfCheck {
    if error.is_timeout() {
        return SelfCheck::Failed { class: TIMEOUT.to_owned(), text: error.error_message.clone() };
    }
    let name = error.error_type.strip_prefix("Rotator.").unwrap_or("Internal");
    let class = name.char_indices().fold(String::new(), |mut class, (at, c)| {
        if c.is_ascii_uppercase() && at > 0 {
            class.push('-');
        }
        class.push(c.to_ascii_lowercase());
        class
    });
    SelfCheck::Failed { class, text: error.error_message.clone() }
}
