//! After an apply: is everything as planned, and can the function do its work?

use std::time::Duration;

use contract::{Answer, LoginCheck, Outcome, Target};
use plan::desired::Desired;
use plan::plan::Plan;
use tokio::time::Instant;

use super::failure::{explain, unread};
use super::planning::{Planned, observe};
use crate::aws::{self, Class, Clients, FunctionError, Observer, Wait};

/// How long what was written may take to be read back: IAM and Lambda are eventually consistent.
const DEADLINE: Duration = Duration::from_mins(1);
/// How often a function is asked whose process ends before it answers: another apply may be changing it.
const CRASHES: usize = 3;
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
    /// The current value logs in, or there is nothing to log in to.
    Works,
    /// The current value does not log in, and a rotation restores that.
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
            let logs_in = |label| said(label) == Some(LoginCheck::Opens);
            if sets_by_others || (logs_in("AWSPREVIOUS") && !logs_in("AWSPENDING")) {
                Ok(Verdict::AfterRotation)
            } else if logs_in("AWSPENDING") {
                Err("the target accepts the pending value and not the current one: readers are locked out".to_owned())
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
pub async fn self_check(clients: &Clients, function: &str, wait: Wait<'_>) -> Result<Answer, String> {
    let ask = async || clients.self_check(function, wait).await.map(|invocation| invocation.outcome);
    answered(ask, wait.notify).await
}

async fn answered(
    mut ask: impl AsyncFnMut() -> aws::Result<Result<Answer, FunctionError>>,
    notify: &(dyn Fn(&str) + Sync),
) -> Result<Answer, String> {
    let (start, mut crashes) = (Instant::now(), 0);
    loop {
        let (may_pass, why) = match ask().await {
            Ok(Ok(answer)) if answer.outcome == Outcome::Healthy => return Ok(answer),
            Ok(Ok(_)) => return Err("the function gave no self-check's answer".to_owned()),
            Ok(Err(error)) => {
                crashes += usize::from(error.is_crash());
                let crashed = error.is_crash() && crashes < CRASHES;
                (error.is_permission() || error.is_throttled() || crashed, error.to_string())
            }
            // Its role was just given the right.
            Err(error) => (error.class == Class::RoleDenied, explain(&error)),
        };
        if !may_pass || start.elapsed() >= DEADLINE {
            return Err(why);
        }
        notify(&why);
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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
        for restores in ["admin", "AWSPREVIOUS"] {
            assert_eq!(judged(&[("AWSCURRENT", Refused), (restores, Opens)]), Ok(Verdict::AfterRotation), "{restores}");
        }
        let locked_out = judged(&[("AWSCURRENT", Refused), ("AWSPENDING", Opens), ("AWSPREVIOUS", Opens)]);
        assert!(locked_out.is_err_and(|why| why.contains("locked out")));
        assert!(judged(&[("AWSCURRENT", Refused)]).is_err());
        assert!(judged(&[("AWSCURRENT", Opens), ("admin", Refused)]).is_err());
        let unreached = judged(&[("AWSCURRENT", Unreachable), ("admin", Unreachable)]);
        assert_eq!(unreached, Err("no connection".to_owned()));
    }

    fn error(error_type: &str) -> FunctionError {
        FunctionError { error_type: error_type.to_owned(), error_message: "why".to_owned() }
    }

    fn healthy() -> Answer {
        let (secret_arn, version_id, outcome) = (String::new(), None, Outcome::Healthy);
        Answer { secret_arn, version_id, outcome, checks: Vec::new(), logins: BTreeMap::new() }
    }

    /// Asks a function that fails so often and is healthy then; and how often it was asked.
    async fn asked(error_type: &str, failures: usize) -> (Result<Answer, String>, usize) {
        let mut asked = 0;
        let ask = async || {
            asked += 1;
            Ok(if asked > failures { Ok(healthy()) } else { Err(error(error_type)) })
        };
        let said = answered(ask, &|_| {}).await;
        (said, asked)
    }

    /// The same where Lambda itself refuses so often.
    async fn refused(class: Class, failures: usize) -> (Result<Answer, String>, usize) {
        let mut asked = 0;
        let refusal = aws::Error { class, ..aws::Error::outcome("lambda:InvokeFunction", "why") };
        let ask = async || {
            asked += 1;
            if asked > failures { Ok(Ok(healthy())) } else { Err(refusal.clone()) }
        };
        let said = answered(ask, &|_| {}).await;
        (said, asked)
    }

    #[tokio::test(start_paused = true)]
    async fn a_permission_that_is_not_in_force_yet_is_waited_for_but_not_for_ever() {
        assert_eq!(asked("Rotator.Permission", 50).await, (Ok(healthy()), 51));
        let (said, count) = asked("Rotator.Permission", usize::MAX).await;
        assert_eq!((said, count), (Err("why (Rotator.Permission)".to_owned()), 121));
    }

    #[tokio::test(start_paused = true)]
    async fn a_role_that_may_not_do_its_part_yet_is_waited_for_and_the_caller_s_own_rights_are_not() {
        assert_eq!(refused(Class::RoleDenied, 50).await, (Ok(healthy()), 51));
        let (said, count) = refused(Class::RoleDenied, usize::MAX).await;
        assert_eq!((said, count), (Err("lambda:InvokeFunction: why".to_owned()), 121));
        let (said, count) = refused(Class::Denied, 1).await;
        assert_eq!((said, count), (Err("lambda:InvokeFunction: why".to_owned()), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_asks_the_function_to_slow_down_is_waited_for() {
        assert_eq!(asked("Rotator.Throttled", 50).await, (Ok(healthy()), 51));
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_ends_in_another_s_change_is_asked_again_and_one_that_crashes_is_told() {
        assert_eq!(asked("Runtime.ExitError", 2).await, (Ok(healthy()), 3));
        assert_eq!(asked("Runtime.ExitError", 3).await, (Err("why (Runtime.ExitError)".to_owned()), 3));
    }

    #[tokio::test(start_paused = true)]
    async fn what_no_other_attempt_can_mend_is_told_at_once() {
        assert_eq!(asked("Rotator.Target", 1).await, (Err("why (Rotator.Target)".to_owned()), 1));
    }
}
