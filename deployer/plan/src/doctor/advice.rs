//! What to do about a failed rotation, by the class that the function gives it.

use super::Evidence;

/// What a class of failure means, and what to do next.
pub(super) fn advice(evidence: &Evidence<'_>, class: &str) -> (&'static str, String) {
    let rotate = || evidence.command("rotate");
    let apply = || if evidence.plan.is_empty() { rotate() } else { evidence.command("apply") };
    match class {
        "permission" => (
            "the role's own policies, its boundary, the key's or the secret's policy, or the target's grants deny it",
            apply(),
        ),
        "network" => ("the function did not reach AWS or the target: network, security groups, DNS or TLS", rotate()),
        "credential" => (
            "no value that the secret has opens the target",
            format!("mend what is said of the target, then {}", rotate()),
        ),
        "policy" => (
            "the target refuses the passwords that the spec's `password` makes",
            format!("correct the spec's `password`, then {}", evidence.command("apply")),
        ),
        "conflict" => ("something else changed the secret at the same time; its change was kept", rotate()),
        "throttled" => ("AWS or the target asked to slow down: a longer interval, or other times, help", rotate()),
        "value" => (
            "the secret's value is not what the spec's `secret.field` says",
            format!("correct the one or the other, then {}", rotate()),
        ),
        "config" => (
            "the function is not told what it has to know, is of another version, or its target is not fit for it",
            apply(),
        ),
        "not-found" => ("the secret, or the admin's, is not there or is being deleted", apply()),
        _ => ("a fault of the function itself: its log says where", evidence.command("logs --since 1d")),
    }
}
