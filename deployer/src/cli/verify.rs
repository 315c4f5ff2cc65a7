//! After an apply: is everything as planned, and can the function do its work?

use std::time::Duration;

use contract::{Answer, Event, LoginCheck, Outcome, Target};
use plan::desired::Desired;
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
        let facts = observed.facts(planned.desired.function.package.clone());
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

/// What a self-check's answer means for the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The present value opens the target, or there is none to open.
    Works,
    /// The present value does not open it, and a rotation will mend that.
    AfterRotation,
}

/// Whether the function can rotate what the password opens.
///
/// # Errors
/// Why it can't.
pub fn judge(answer: &Answer, target: &Target) -> Result<Verdict, String> {
    let said = |who: &str| answer.logins.get(who).copied();
    let found = |name: &str| answer.checks.iter().find(|check| check.name == name).map(|check| check.finding.clone());
    if said("AWSCURRENT") == Some(LoginCheck::Unreachable) {
        return Err(found("target").unwrap_or_else(|| "the target was not reached".to_owned()));
    }
    if said("admin").is_some_and(|admin| admin != LoginCheck::Opens) {
        return Err("the target does not let the admin in: look at the value of `admin_secret`".to_owned());
    }
    let sets_by_others =
        said("admin").is_some() || target.login().is_some_and(|login| login.elasticache_user.is_some());
    match said("AWSCURRENT") {
        None | Some(LoginCheck::Opens | LoginCheck::Unreachable) => Ok(Verdict::Works),
        Some(LoginCheck::Refused) => {
            let heals = |label| said(label) == Some(LoginCheck::Opens);
            if sets_by_others || heals("AWSPENDING") || heals("AWSPREVIOUS") {
                Ok(Verdict::AfterRotation)
            } else {
                Err("the target does not accept the secret's value: put the true password into it".to_owned())
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(logins: &[(&str, LoginCheck)]) -> Result<Verdict, String> {
        let logins = logins.iter().map(|&(who, login)| (who.to_owned(), login)).collect();
        let (secret_arn, version_id, outcome) = (String::new(), None, Outcome::Healthy);
        let why = contract::Check { name: "target".to_owned(), finding: "no connection".to_owned() };
        judge(&Answer { secret_arn, version_id, outcome, checks: vec![why], logins }, &Target::None)
    }

    #[test]
    fn an_apply_is_only_well_when_the_next_rotation_will_be() {
        use LoginCheck::{Opens, Refused, Unreachable};
        assert_eq!(judged(&[]), Ok(Verdict::Works));
        assert_eq!(judged(&[("AWSCURRENT", Opens), ("admin", Opens)]), Ok(Verdict::Works));
        for mends in ["admin", "AWSPENDING", "AWSPREVIOUS"] {
            assert_eq!(judged(&[("AWSCURRENT", Refused), (mends, Opens)]), Ok(Verdict::AfterRotation), "{mends}");
        }
        assert!(judged(&[("AWSCURRENT", Refused)]).is_err());
        assert!(judged(&[("AWSCURRENT", Opens), ("admin", Refused)]).is_err());
        let unreached = judged(&[("AWSCURRENT", Unreachable), ("admin", Unreachable)]);
        assert_eq!(unreached, Err("no connection".to_owned()));
    }
}
