//! A plan as a comment on a pull request.

use std::fmt::Write as _;

use super::text::{Palette, plan as text};
use crate::plan::{Plan, Verb};

/// The plan in a fold, under a headline that says what it comes to.
#[must_use]
pub fn markdown(plan: &Plan) -> String {
    let count = |verb: Verb| plan.count(verb);
    let headline = if plan.is_empty() && plan.refusals.is_empty() && plan.renamed.is_empty() {
        "no changes".to_owned()
    } else {
        let told = [
            (count(Verb::Create), "to create"),
            (count(Verb::Restore), "to restore"),
            (count(Verb::Update), "to update"),
            (count(Verb::Replace), "to replace"),
            (count(Verb::Delete), "to delete"),
            (plan.refusals.len(), "refused"),
            (plan.renamed.len(), "under other names"),
        ];
        told.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect::<Vec<_>>().join(", ")
    };
    let body = text(plan, &Palette::plain());
    // A fence longer than any run of backticks inside can't be closed from inside.
    let longest = body.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let mut out = String::new();
    let _ = writeln!(out, "### `{}`: {headline}\n", plan.stack);
    let _ = writeln!(out, "<details><summary>Plan</summary>\n\n{fence}text\n{body}{fence}\n\n</details>\n");
    out
}
