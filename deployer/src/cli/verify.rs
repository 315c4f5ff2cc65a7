//! After an apply: is everything as planned, and can the function do its work?

use std::time::Duration;

use contract::{Answer, Event, Outcome};
use plan::desired::{Desired, Facts};
use plan::plan::Plan;
use tokio::time::Instant;

use super::failure::{explain, unread};
use super::planning::{Planned, observe};
use crate::aws::{Clients, Observer};

/// How long what was written may take to be read back: IAM and Lambda are eventually consistent.
const DEADLINE: Duration = Duration::from_mins(1);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// Reads the stack back until it is as planned.
///
/// # Errors
/// What still differs when the deadline has passed, or what can't be read.
pub async fn read_back(planned: &Planned) -> Result<Plan, String> {
    let start = Instant::now();
    let observer = Observer::new(planned.clients.clone());
    let spec = &planned.stack.spec;
    loop {
        let observed = observe(&observer, &planned.stack).await.map_err(|failure| unread(&failure))?;
        let code_sha256 = planned.desired.function.settings.code_sha256.clone();
        let facts = Facts { code_sha256, kms_key_arn: observed.kms_key_arn };
        let desired = Desired::of(spec, &facts).resolved(&observed.live);
        let plan = plan::plan::apply(spec, &desired, &observed.live, &std::collections::BTreeSet::new());
        if plan.is_empty() && plan.refusals.is_empty() {
            return Ok(plan);
        }
        if start.elapsed() > DEADLINE {
            let differing =
                plan.actions.iter().filter(|action| action.is_pending()).map(|action| action.kind.address());
            let differing = differing.collect::<Vec<_>>().join(", ");
            return Err(format!("still different when read back: {differing}; `deploy plan` shows how"));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Asks the function whether it could rotate. It reads what a rotation reads, and changes nothing.
///
/// A permission that was just granted takes some seconds to be in force, so that refusals are tried again for a while.
///
/// # Errors
/// Why it can't do its work.
pub async fn self_check(clients: &Clients, function: &str) -> Result<Answer, String> {
    let start = Instant::now();
    loop {
        let invocation =
            clients.invoke(function, &Event::SelfCheck { secret_arn: None }).await.map_err(|e| explain(&e))?;
        match invocation.outcome {
            Ok(answer) if answer.outcome == Outcome::Healthy => return Ok(answer),
            Ok(_) => return Err("the function gave no self-check's answer".to_owned()),
            Err(error) if error.is_permission() && start.elapsed() < DEADLINE => tokio::time::sleep(PAUSE).await,
            Err(error) => return Err(error.to_string()),
        }
    }
}
