//! The password policy: whether any password can follow it, and whether the function can carry it.

use contract::{Class, Config, Infeasible};

use super::Context;
use crate::naming::Names;
use crate::spec::model::Secret;

/// What Lambda takes as environment, names and values together.
const MAX_ENVIRONMENT: usize = 4096;
/// What the secret's ARN takes of it at most, its name and the other parts of the ARN together.
const ARN: usize = 512 + 96;

pub(super) fn check(cx: &mut Context<'_>) {
    let password = &cx.spec.password;
    // Where the structure is at fault, what is left of it says nothing.
    let whole = cx.place("password").is_some();
    if let Some(fault) = password.check().err().filter(|_| whole) {
        let (span, help) = match fault {
            Infeasible::Length(_) => (cx.first_place(&["password.length"]), "write for example `length: 32`"),
            Infeasible::NoClass => {
                (cx.first_place(&["password.require"]), "write for example `require: [lower, upper, digit]`")
            }
            Infeasible::EmptyClass(class) => {
                let paths: &[&str] = if class == Class::Symbol && password.symbols.is_empty() {
                    &["password.symbols", "password.require", "password.preset"]
                } else {
                    &["password.exclude", "password.symbols", "password.require"]
                };
                (cx.first_place(paths), "exclude less, or require less")
            }
            Infeasible::NotASymbol(c) => {
                let at = password.symbols.find(c).unwrap_or_default();
                (cx.character("password.symbols", &password.symbols, (at, c)), "remove it")
            }
        };
        cx.error("password-infeasible", span, format!("no password can follow this policy: {fault}"), "here", help);
    }
    let schedule = Names::of(cx.spec).schedule_arn();
    let Secret { field, derived, .. } = &cx.spec.secret;
    let environment = Config::static_env(field.as_deref(), password, &cx.spec.target, schedule.as_deref(), derived);
    let size: usize = environment.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size + ARN > MAX_ENVIRONMENT {
        let longest = ["secret.field", "secret.derived", "password.symbols", "password.exclude"].into_iter();
        let span = longest.filter_map(|path| cx.place(path)).max_by_key(ExactSizeIterator::len).unwrap_or(0..0);
        let message =
            format!("the function's configuration would be {} bytes, and Lambda takes {MAX_ENVIRONMENT}", size + ARN);
        cx.error("configuration-too-large", span, message, "the longest part", "shorten it");
    }
}
