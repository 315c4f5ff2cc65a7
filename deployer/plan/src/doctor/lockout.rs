//! A server that refuses the current value: the one way on, by what logs in.

use contract::{Answer, LoginCheck};

use super::evidence::shell_word;
use super::secret::{CURRENT, PENDING, is_under_way, stray};
use super::{Evidence, SelfCheck};

/// As the function names them in its answer.
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";
pub(super) const ADMIN: &str = "admin";

/// Why it is so, and what restores access.
pub(super) struct Way {
    /// What logs in, or that nothing does.
    pub(super) why: String,
    /// The command, or what to do where a person has to.
    pub(super) next: String,
}

impl Way {
    fn new(why: &str, next: impl Into<String>) -> Self {
        Self { why: why.to_owned(), next: next.into() }
    }
}

/// The way on, where the server is known to refuse the current value.
pub(super) fn way_on(evidence: &Evidence<'_>) -> Option<Way> {
    let SelfCheck::Answered(answer) = &evidence.self_check else { return None };
    (answer.logins.get(CURRENT) == Some(&LoginCheck::Refused)).then(|| by_logins(evidence, answer))
}

fn by_logins(evidence: &Evidence<'_>, answer: &Answer) -> Way {
    let logs_in = |who: &str| answer.logins.get(who) == Some(&LoginCheck::Opens);
    let rotate = || evidence.command("rotate");
    let login = evidence.spec.target.login();
    if login.is_some_and(|login| login.elasticache_user.is_some()) {
        return Way::new("AWS's API sets the user's password: the next rotation restores access", rotate());
    }
    if logs_in(ADMIN) {
        return Way::new("the admin logs in: the next rotation sets a new password", rotate());
    }
    if let Some(way) = logs_in(PENDING).then(|| by_pending(evidence)).flatten() {
        return way;
    }
    if let Some(admin) = login.and_then(|login| login.admin_secret.as_deref()) {
        return Way::new(
            "no value that the secret has restores access, and the admin does not log in either",
            format!("put the admin's true password into {admin}, then {}", rotate()),
        );
    }
    if logs_in(PREVIOUS) {
        return Way::new("the previous value logs in: the next rotation goes on from it", rotate());
    }
    by_hand(evidence)
}

/// Readers get the pending value, which is the one that the server accepts.
fn by_pending(evidence: &Evidence<'_>) -> Option<Way> {
    let (pending, current) = (stray(evidence.versions())?, evidence.holder(CURRENT)?);
    if is_under_way(evidence, pending) {
        return Some(Way::new("the pending value logs in, and a rotation is under way", evidence.command("doctor")));
    }
    let command = format!(
        "aws secretsmanager update-secret-version-stage --region {} --secret-id {} --version-stage {CURRENT} \
         --move-to-version-id {} --remove-from-version-id {}",
        shell_word(&evidence.spec.region),
        shell_word(&evidence.spec.secret.name),
        shell_word(&pending.id),
        shell_word(&current.id),
    );
    Some(Way::new("the pending value logs in: let readers have it", command))
}

/// No rotation restores access.
pub(super) fn by_hand(evidence: &Evidence<'_>) -> Way {
    let secret = format!(
        "--region {} --secret-id {}",
        shell_word(&evidence.spec.region),
        shell_word(&evidence.spec.secret.name)
    );
    let next = format!(
        "set the user's password on the server to the secret's current value, which `aws secretsmanager get-secret-value \
         {secret} --query SecretString --output text` shows, or put the true one into the secret with `aws secretsmanager \
         put-secret-value {secret} --secret-string file://VALUE.json`; then {}",
        evidence.command("rotate")
    );
    Way::new("no value that the secret has logs in, and no rotation restores access", next)
}
