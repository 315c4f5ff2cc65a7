//! What to do about a failed rotation, by the class that the function gives it.

use contract::LoginCheck;

use super::lockout::{by_hand, way_on};
use super::secret::CURRENT;
use super::{Evidence, SelfCheck};

/// The class of an invocation that Lambda ended, which the function could not name itself.
pub const TIMEOUT: &str = "timeout";

/// What a class of failure means, and what to do next.
pub(super) fn advice(evidence: &Evidence<'_>, class: &str) -> (&'static str, String) {
    let rotate = || evidence.command("rotate");
    let or_apply = |next: String| if evidence.plan.is_empty() { next } else { evidence.command("apply") };
    match class {
        "permission" => (
            "the role's own policies, its boundary, the key's or the secret's policy, or the target's grants deny it",
            or_apply(format!("grant what it names, then {}", rotate())),
        ),
        "network" => ("the function did not reach AWS or the target: network, security groups, DNS or TLS", rotate()),
        "credential" => {
            ("no value that the secret has logs in", format!("fix what is reported of the target, then {}", rotate()))
        }
        "lockout" => (
            "the server accepts neither the pending nor the current value, and it could not be restored",
            locked_out(evidence),
        ),
        "policy" => (
            "the target refuses the passwords that the spec's `password` makes",
            format!("correct the spec's `password`, then {}", evidence.command("apply")),
        ),
        "conflict" => (
            "something else changed the secret at the same time, or its value names another server or user than the spec",
            or_apply(format!("compare the secret's value with the spec's `connection`, then {}", rotate())),
        ),
        TIMEOUT => (
            "Lambda ended it at its timeout, or its start took too long",
            format!("raise the spec's `function.timeout`, then {}", evidence.command("apply")),
        ),
        "throttled" => ("AWS or the target asked to slow down: a longer interval, or other times, help", rotate()),
        "value" => (
            "the secret's value is not what the spec's `secret.field` and `target` ask for",
            format!("correct the one or the other, then {}", rotate()),
        ),
        "config" => (
            "the function lacks a setting, is of another version, or the target cannot be rotated as the spec says",
            or_apply(format!("change what it names, on the server or in the spec, then {}", evidence.command("apply"))),
        ),
        "not-found" => (
            "the secret, or the admin's, is not there or is being deleted",
            or_apply(format!("restore it, or correct the spec's `admin_secret`, then {}", rotate())),
        ),
        _ => ("an internal error of the function: its log says where", evidence.command("logs --since 1d")),
    }
}

/// Nothing that does not restore access is named.
fn locked_out(evidence: &Evidence<'_>) -> String {
    let sets_by_others = evidence
        .spec
        .target
        .login()
        .is_some_and(|login| login.admin_secret.is_some() || login.elasticache_user.is_some());
    match (way_on(evidence), &evidence.self_check) {
        (Some(way), _) => way.next,
        // The server accepts the current value by now.
        (None, SelfCheck::Answered(answer)) if answer.logins.get(CURRENT) == Some(&LoginCheck::Opens) => {
            evidence.command("rotate")
        }
        (None, _) if sets_by_others => evidence.command("rotate"),
        (None, _) => by_hand(evidence).next,
    }
}
