//! The password policy: whether any password can follow it, and whether the function can carry it.

use contract::{Class, Config, Infeasible, env};
use serde_json::json;

use super::Context;
use crate::naming::Names;
use crate::spec::model::Secret;

/// What Lambda takes as environment: of 4097 bytes it was seen to refuse one.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MAX_ENVIRONMENT: usize = 4096;

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
    environment(cx);
}

/// Lambda measures the environment as JSON, where each quote in a value takes two bytes.
fn environment(cx: &mut Context<'_>) {
    let names = Names::of(cx.spec);
    let (Secret { field, derived, .. }, schedule) = (&cx.spec.secret, names.schedule_arn());
    let (password, target) = (&cx.spec.password, &cx.spec.target);
    let mut environment = Config::static_env(field.as_deref(), password, target, schedule.as_deref(), derived);
    environment.insert(env::SECRET_ARN.to_owned(), names.secret_arn_pattern());
    let size = json!(environment).to_string().len();
    if size > MAX_ENVIRONMENT {
        let longest = ["secret.field", "secret.derived", "password.symbols", "password.exclude", "secret.name"];
        let span = longest.into_iter().filter_map(|path| cx.place(path)).max_by_key(ExactSizeIterator::len);
        let message = format!("the function's configuration would be {size} bytes, and Lambda takes {MAX_ENVIRONMENT}");
        cx.error("configuration-too-large", span.unwrap_or(0..0), message, "the longest part", "shorten it");
    }
}
