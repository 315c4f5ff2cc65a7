//! A plan as a person reads it.

use std::fmt;

use similar::{ChangeTag, TextDiff};

use super::page::{Page, Paint, Palette, Styled, escaped, is_plain};
use crate::attribute::{Change, Effect, Value};
use crate::package::{Origin, Package};
use crate::plan::{Action, Cause, Notice, Plan, Refusal, Verb};
use crate::policy;
use crate::renamed::Renamed;

/// Longest one-line value; what is longer is shown over several lines or cut.
const MAX_INLINE: usize = 72;

/// Sign, word and style of what is done.
fn told(verb: Verb, palette: &Palette) -> (&'static str, &'static str, Paint) {
    match verb {
        Verb::Create => ("+", "create", palette.good()),
        Verb::Update => ("~", "update", palette.attention()),
        Verb::Replace => ("±", "replace", palette.bad()),
        Verb::Restore => ("↺", "restore", palette.good()),
        Verb::Delete => ("-", "delete", palette.bad()),
        Verb::Keep => ("=", "keep", palette.faint()),
        Verb::NoOp => (" ", "no change", palette.faint()),
    }
}

/// The whole plan: header, package, one block a resource, a summary line.
#[must_use]
pub fn plan(plan: &Plan, palette: &Palette) -> Page {
    let mut out = Page::new();
    let _ = writeln!(out, "{}  {}", Styled(palette.strong(), &plan.stack), Styled(palette.faint(), place(plan)));
    if let Some(package) = &plan.package {
        let _ = writeln!(out, "{}", Styled(palette.faint(), origin(package)));
    }
    for action in plan.actions.iter().filter(|action| action.verb != Verb::NoOp || action.note.is_some()) {
        block(&mut out, action, palette);
    }
    for refusal in &plan.refusals {
        refused(&mut out, refusal, palette);
    }
    for one in &plan.renamed {
        left(&mut out, one, palette);
    }
    for Notice { kind, name, what, details } in &plan.notices {
        out.blank();
        let (sign, name) = (Styled(palette.attention(), "!"), Styled(palette.strong(), name));
        let _ = writeln!(out, "  {sign} {kind:<14}  {name}  {}", Styled(palette.attention(), what));
        for line in details {
            let _ = writeln!(out, "      {line}");
        }
    }
    out.blank();
    summary(&mut out, plan, palette);
    out
}

/// A teardown's plan: what goes, what stays.
#[must_use]
pub fn teardown(plan: &Plan, palette: &Palette) -> Page {
    let mut out = Page::new();
    let _ = writeln!(out, "{}  {}", Styled(palette.strong(), &plan.stack), Styled(palette.faint(), place(plan)));
    if !plan.actions.is_empty() {
        out.blank();
    }
    let width = plan.actions.iter().map(|action| escaped(&action.name).chars().count()).max().unwrap_or(0);
    for action in &plan.actions {
        let (symbol, word, style) = told(action.verb, palette);
        let (symbol, kind, word) = (Styled(style, symbol), action.kind, Styled(style, word));
        let name = Styled(palette.strong(), format!("{:<width$}", escaped(&action.name)));
        let _ = match &action.note {
            Some(note) => writeln!(out, "  {symbol} {kind:<14}  {name}  {word}  {}", Styled(palette.faint(), note)),
            None => writeln!(out, "  {symbol} {kind:<14}  {name}  {word}"),
        };
    }
    for refusal in &plan.refusals {
        refused(&mut out, refusal, palette);
    }
    for one in &plan.renamed {
        left(&mut out, one, palette);
    }
    out.blank();
    if plan.is_empty() && plan.refusals.is_empty() {
        let _ = writeln!(out, "{} There is nothing to tear down.", Styled(palette.good(), "No changes."));
    } else {
        summary(&mut out, plan, palette);
    }
    out
}

fn place(plan: &Plan) -> String {
    format!("account {}, {}", plan.account, plan.region)
}

/// A package in one line.
fn origin(Package { deployer, code_sha256, origin }: &Package) -> String {
    match origin {
        Origin::Embedded => format!("package {code_sha256}, carried by deploy {deployer}"),
        // Quoted: a path may have characters that would break the line, or speak to the terminal.
        Origin::File { file } => format!("package {code_sha256}, from {file:?}, by deploy {deployer}"),
    }
}

fn block(out: &mut Page, action: &Action, palette: &Palette) {
    let (symbol, word, style) = told(action.verb, palette);
    let cause = match (action.adopted, action.cause) {
        (true, _) => "  (adopted)",
        (false, Some(Cause::Drift)) => "  (drift: changed outside of the spec)",
        (false, _) => "",
    };
    out.blank();
    let _ = writeln!(
        out,
        "  {} {:<14}  {}  {}{}",
        Styled(style, symbol),
        action.kind,
        Styled(palette.strong(), &action.name),
        Styled(style, word),
        Styled(palette.attention(), cause),
    );
    if let Some(note) = &action.note {
        let _ = writeln!(out, "      {}", Styled(palette.faint(), note));
    }
    changes(out, &action.changes, action.verb, palette);
}

fn refused(out: &mut Page, refusal: &Refusal, palette: &Palette) {
    let owner = match &refusal.owner {
        Some(owner) => format!("belongs to stack {owner}"),
        None => "exists already, and is not this stack's".to_owned(),
    };
    out.blank();
    let _ = writeln!(
        out,
        "  {} {:<14}  {}  {}",
        Styled(palette.bad(), "!"),
        refusal.kind,
        Styled(palette.strong(), &refusal.name),
        Styled(palette.bad(), owner),
    );
    if !refusal.changes.is_empty() {
        let _ = writeln!(out, "      {}", Styled(palette.faint(), "adopting it would change:"));
        changes(out, &refusal.changes, Verb::Update, palette);
    }
}

/// Whether it is this stack's is not read, so that a person has to know it.
fn left(out: &mut Page, renamed: &Renamed, palette: &Palette) {
    out.blank();
    let (sign, name) = (Styled(palette.attention(), "?"), Styled(palette.strong(), &renamed.name));
    let what = Styled(palette.attention(), "not a name of the spec");
    let _ = writeln!(out, "  {sign} {:<14}  {name}  {what}", renamed.kind);
    let _ = writeln!(out, "      {}", Styled(palette.faint(), &renamed.seen));
    let _ = writeln!(out, "      if it was this stack's, and nothing else needs it, remove it:");
    for command in &renamed.remove {
        let _ = writeln!(out, "        {command}");
    }
}

/// One line for each changed attribute, or several for an IAM document.
fn changes(out: &mut Page, changes: &[Change], verb: Verb, palette: &Palette) {
    let label = |change: &Change| escaped(&change.attribute.to_string());
    let width = changes.iter().map(|change| label(change).chars().count()).max().unwrap_or(0).min(40);
    for change in changes {
        let label = label(change);
        if let (Some(Value::Policy(before)), Some(Value::Policy(after))) = (&change.before, &change.after) {
            let _ = writeln!(out, "      {label}");
            document_diff(out, before, after, palette);
            continue;
        }
        if let Some((before, after)) = long_texts(change) {
            let _ = writeln!(out, "      {label}");
            line_diff(out, &before, &after, palette);
            continue;
        }
        let values = Values { before: change.before.as_ref(), after: change.after.as_ref(), verb, palette };
        let _ = match change.effect {
            Effect::Replaces if verb == Verb::Replace => {
                writeln!(out, "      {label:<width$}  {values}{}", Styled(palette.bad(), "  (forces replacement)"))
            }
            Effect::Replaces | Effect::InPlace => writeln!(out, "      {label:<width$}  {values}"),
        };
    }
}

/// Two texts that would be cut off in one line, where what differs may be behind the cut: a function's target, for example,
/// says where an admin's password goes. JSON is spread over lines.
fn long_texts(change: &Change) -> Option<(String, String)> {
    let text = |value: &Option<Value>| match value {
        Some(Value::Known(serde_json::Value::String(text))) => Some(text.clone()),
        _ => None,
    };
    let (before, after) = (text(&change.before)?, text(&change.after)?);
    if before.chars().count().max(after.chars().count()) <= MAX_INLINE {
        return None;
    }
    let spread = |text: &str| match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value @ serde_json::Value::Object(_)) => format!("{value:#}"),
        // A line end in it is somebody's.
        _ => escaped(text),
    };
    Some((spread(&before), spread(&after)))
}

/// Two values of an attribute in one line; `None` is absent.
pub(super) struct Values<'a> {
    pub before: Option<&'a Value>,
    pub after: Option<&'a Value>,
    pub verb: Verb,
    pub palette: &'a Palette,
}

impl fmt::Display for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { before, after, verb, palette } = self;
        let absent = Styled(palette.faint(), "absent");
        let (old, new) = (|value| Styled(palette.bad(), inline(value)), |value| Styled(palette.good(), inline(value)));
        match (before, after) {
            (None, Some(value)) if *verb == Verb::Create => f.write_str(&inline(value)),
            (None, Some(value)) => write!(f, "{absent} → {}", new(value)),
            (Some(value), None) => write!(f, "{} → {absent}", old(value)),
            (Some(before), Some(value)) => write!(f, "{} → {}", old(before), new(value)),
            (None, None) => Ok(()),
        }
    }
}

/// A value in a line, of which what is not plain text is escaped before it is cut.
fn inline(value: &Value) -> String {
    let text = match value {
        Value::AfterApply => return "known after apply".to_owned(),
        // Quotes inside of quotes are hard to read; a text that has some shows where it begins and ends by itself.
        Value::Known(serde_json::Value::String(text)) if text.contains('"') && text.chars().all(is_plain) => {
            text.clone()
        }
        Value::Known(value) => escaped(&value.to_string()),
        Value::Policy(document) => escaped(&grants(document)),
    };
    if text.chars().count() <= MAX_INLINE {
        return text;
    }
    text.chars().take(MAX_INLINE - 1).chain(['…']).collect()
}

/// An IAM document in a few words: its effects, actions and principals.
fn grants(document: &serde_json::Value) -> String {
    let tidy = policy::tidy(document);
    let statements = tidy["Statement"].as_array().cloned().unwrap_or_default();
    let words = |value: &serde_json::Value| {
        value.as_array().map(|items| items.iter().filter_map(serde_json::Value::as_str).collect::<Vec<_>>().join(", "))
    };
    let told = statements.iter().map(|statement| {
        let effect = statement["Effect"].as_str().unwrap_or("?").to_lowercase();
        let actions = words(&statement["Action"]).unwrap_or_else(|| "everything but NotAction".to_owned());
        let principals = words(&statement["Principal"]["Service"]).map(|p| format!(" to {p}")).unwrap_or_default();
        format!("{effect} {actions}{principals}")
    });
    told.collect::<Vec<_>>().join("; ")
}

/// The lines in which two IAM documents differ.
pub(super) fn document_diff(out: &mut Page, before: &serde_json::Value, after: &serde_json::Value, palette: &Palette) {
    let (before, after) = (format!("{:#}", policy::tidy(before)), format!("{:#}", policy::tidy(after)));
    line_diff(out, &before, &after, palette);
}

fn line_diff(out: &mut Page, before: &str, after: &str, palette: &Palette) {
    let diff = TextDiff::from_lines(before, after);
    for group in diff.grouped_ops(1) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ("-", palette.bad()),
                ChangeTag::Insert => ("+", palette.good()),
                ChangeTag::Equal => (" ", palette.faint()),
            };
            let _ = writeln!(out, "        {style}{sign} {}{style:#}", change.value().trim_end());
        }
    }
}

fn summary(out: &mut Page, plan: &Plan, palette: &Palette) {
    let left = fmt::from_fn(|f| match plan.renamed.len() {
        0 => Ok(()),
        count => {
            let names = if count == 1 { "a name that is" } else { "names that are" };
            write!(f, "{}", Styled(palette.attention(), format!(" {count} under {names} not the spec's.")))
        }
    });
    if plan.is_empty() && plan.refusals.is_empty() {
        let _ = writeln!(out, "{}The stack is as the spec says.{left}", Styled(palette.good(), "No changes. "));
        return;
    }
    let verbs = [Verb::Create, Verb::Restore, Verb::Update, Verb::Replace, Verb::Delete, Verb::Keep];
    let counts = fmt::from_fn(|f| {
        let shown = verbs
            .into_iter()
            .map(|verb| (verb, plan.count(verb)))
            .filter(|(verb, count)| *count > 0 || matches!(verb, Verb::Create | Verb::Update | Verb::Delete));
        for (at, (verb, count)) in shown.enumerate() {
            let (_, word, style) = told(verb, palette);
            let style = if count > 0 { style } else { Paint::default() };
            write!(f, "{}{style}{count} to {word}{style:#}", if at > 0 { ", " } else { "" })?;
        }
        match plan.refusals.len() {
            0 => Ok(()),
            count => write!(f, "{}", Styled(palette.bad(), format!(", {count} refused"))),
        }
    });
    let _ = writeln!(out, "{} {counts}.{left}", Styled(palette.strong(), "Plan:"));
}
