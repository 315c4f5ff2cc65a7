//! A plan as a comment on a pull request.

use super::page::{Page, Palette, escaped};
use super::text::plan as text;
use crate::plan::{Plan, Verb};

/// The plan in a fold, under a headline that says what it comes to.
#[must_use]
pub fn markdown(plan: &Plan) -> Page {
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
    // Neither a code span nor a fence that is longer than any run of backticks inside can be closed from inside, and in
    // both nothing is markup, a link or a mention. <https://spec.commonmark.org/0.31.2/#code-spans>
    let fence = longer_than_any(body.as_str(), 3);
    let name = escaped(&plan.stack);
    let ticks = longer_than_any(&name, 1);
    let mut out = Page::new();
    let _ = writeln!(out, "### {ticks}{name}{ticks}: {headline}");
    out.blank();
    let _ = writeln!(out, "<details><summary>Plan</summary>");
    out.blank();
    let _ = writeln!(out, "{fence}text");
    out.extend(&body);
    let _ = writeln!(out, "{fence}");
    out.blank();
    let _ = writeln!(out, "</details>");
    out.blank();
    out
}

/// Backticks, `least` or one more than follow each other anywhere in the text.
fn longer_than_any(text: &str, least: usize) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(least.max(longest + 1))
}
