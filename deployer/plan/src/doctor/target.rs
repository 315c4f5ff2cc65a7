//! What the function reports of itself, and of the logins by the secret's values.

use contract::{Answer, LoginCheck};

use super::advice::advice;
use super::lockout::{ADMIN, Way, way_on};
use super::secret::{CURRENT, PENDING, drop_pending, is_under_way, stray};
use super::{Address, Evidence, Finding, SelfCheck};
use crate::resource::Kind;

pub(super) fn examine(evidence: &Evidence<'_>) -> Vec<Finding> {
    match &evidence.self_check {
        SelfCheck::Pointless => Vec::new(),
        SelfCheck::Unasked(why) => {
            let what = "the function could not be asked whether it can rotate";
            vec![Finding::notice(Kind::Function, what).unread(why)]
        }
        SelfCheck::Failed { class, text } => {
            let (meaning, next) = advice(evidence, class);
            let finding = Finding::problem(Kind::Function, "its self-check failed");
            vec![finding.why(format!("{class}: {text}")).why(meaning).mend(next)]
        }
        SelfCheck::Answered(answer) => {
            let ready = Finding::good(Kind::Function, "self-check passed");
            std::iter::once(ready).chain(logins(evidence, answer)).collect()
        }
    }
}

fn logins(evidence: &Evidence<'_>, answer: &Answer) -> Vec<Finding> {
    let said = |who: &str| answer.logins.get(who).copied();
    let mut found = Vec::new();
    match said(CURRENT) {
        None => {}
        Some(LoginCheck::Opens) => {
            found.push(Finding::good(Address::Target, "the current value logs in"));
            found.extend(poisoned(evidence));
        }
        Some(LoginCheck::Unreachable) => found.push(unreachable(evidence)),
        Some(LoginCheck::Refused) => {
            let finding = Finding::problem(Address::Target, "it refuses the current value: readers are locked out");
            found.push(match way_on(evidence) {
                Some(Way { why, next }) => finding.why(why).mend(next),
                None => finding.mend(evidence.command("doctor")),
            });
        }
    }
    if said(ADMIN) == Some(LoginCheck::Refused) {
        found.push(
            Finding::problem(Address::Target, "it refuses the admin's secret")
                .why(evidence.spec.target.login().and_then(|login| login.admin_secret.clone()).unwrap_or_default())
                .mend(format!("put the admin's true password there; then {}", evidence.command("doctor"))),
        );
    }
    if said(ADMIN) == Some(LoginCheck::Unreachable) && said(CURRENT) != Some(LoginCheck::Unreachable) {
        found.push(unreachable(evidence));
    }
    found
}

/// A pending value that the target refuses, while the current one logs in: nobody needs it.
pub(super) fn poisoned(evidence: &Evidence<'_>) -> Option<Finding> {
    let SelfCheck::Answered(answer) = &evidence.self_check else { return None };
    let is = |label: &str, login: LoginCheck| answer.logins.get(label) == Some(&login);
    let is_meant = is(PENDING, LoginCheck::Refused) && is(CURRENT, LoginCheck::Opens) && evidence.has(Kind::Secret);
    let version = stray(evidence.versions()).filter(|_| is_meant)?;
    let current = evidence.holder(CURRENT).filter(|_| !is_under_way(evidence, version))?;
    Some(
        Finding::problem(Address::Target, "it refuses the pending value, and the current one logs in")
            .why(format!("nothing needs version {}: the next rotation makes another", version.id))
            .mend(evidence.command("doctor --fix"))
            .fixed_by(drop_pending(version, current)),
    )
}

fn unreachable(evidence: &Evidence<'_>) -> Finding {
    let finding = Finding::problem(Address::Target, "the function does not reach it, or not safely");
    let finding = match &evidence.spec.function.vpc {
        None => finding.why("the function is in no VPC: a private target wants the spec's `function.vpc`"),
        Some(_) => finding
            .why("the target's security group must let the function's in, on the target's port")
            .why("the function's subnets need a route to it"),
    };
    finding
        .why("the spec's `connection`, or else the secret's `host` and `port`, must be the target's")
        .why("TLS: the server's certificate must bear that host's name, and lead to Amazon's roots or the spec's `ca`")
        .mend(evidence.command("doctor"))
}
