//! A plan as a person reads it.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

use crate::attribute::{Change, Effect, Value};
use crate::package::{Origin, Package};
use crate::plan::{Action, Cause, Plan, Refusal, Verb};
use crate::policy;
use crate::renamed::Renamed;

/// Longest one-line value; what is longer is shown over several lines or cut.
const MAX_INLINE: usize = 72;

/// The styles of a plan's parts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Palette {
    create: Style,
    update: Style,
    delete: Style,
    strong: Style,
    faint: Style,
}

impl Palette {
    /// No styles at all.
    #[must_use]
    pub fn plain() -> Self {
        Self::default()
    }

    /// The terminal's own colours.
    #[must_use]
    pub fn colored() -> Self {
        let color = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
        Self {
            create: color(AnsiColor::Green),
            update: color(AnsiColor::Yellow),
            delete: color(AnsiColor::Red),
            strong: Style::new().bold(),
            faint: Style::new().dimmed(),
        }
    }

    /// The style of what is made or went well.
    #[must_use]
    pub fn good(&self) -> Style {
        self.create
    }

    /// The style of what is changed or wants attention.
    #[must_use]
    pub fn attention(&self) -> Style {
        self.update
    }

    /// The style of what goes or went wrong.
    #[must_use]
    pub fn bad(&self) -> Style {
        self.delete
    }

    /// The style of names.
    #[must_use]
    pub fn strong(&self) -> Style {
        self.strong
    }

    /// The style of what stands back.
    #[must_use]
    pub fn faint(&self) -> Style {
        self.faint
    }

    fn verb(&self, verb: Verb) -> (&'static str, &'static str, Style) {
        match verb {
            Verb::Create => ("+", "create", self.create),
            Verb::Update => ("~", "update", self.update),
            Verb::Replace => ("±", "replace", self.delete),
            Verb::Restore => ("↺", "restore", self.create),
            Verb::Delete => ("-", "delete", self.delete),
            Verb::Keep => ("=", "keep", self.faint),
            Verb::NoOp => (" ", "no change", self.faint),
        }
    }
}

/// A text with a style around it.
fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// The whole plan: header, package, one block a resource, a summary line.
#[must_use]
pub fn plan(plan: &Plan, palette: &Palette) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}  {}", styled(palette.strong, &plan.stack), styled(palette.faint, place(plan)));
    if let Some(package) = &plan.package {
        let _ = writeln!(out, "{}", styled(palette.faint, origin(package)));
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
    let _ = writeln!(out, "\n{}", summary(plan, palette));
    out
}

/// A teardown's plan: what goes, what stays.
#[must_use]
pub fn teardown(plan: &Plan, palette: &Palette) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}  {}", styled(palette.strong, &plan.stack), styled(palette.faint, place(plan)));
    if !plan.actions.is_empty() {
        out.push('\n');
    }
    let width = plan.actions.iter().map(|action| action.name.chars().count()).max().unwrap_or(0);
    for action in &plan.actions {
        let (symbol, word, style) = palette.verb(action.verb);
        let (symbol, word) = (styled(style, symbol), styled(style, word));
        let name = styled(palette.strong, format!("{:<width$}", action.name));
        let note = action.note.as_deref().unwrap_or_default();
        let line = format!("  {symbol} {:<14}  {name}  {word}  {}", action.kind, styled(palette.faint, note));
        let _ = writeln!(out, "{}", line.trim_end());
    }
    for refusal in &plan.refusals {
        refused(&mut out, refusal, palette);
    }
    for one in &plan.renamed {
        left(&mut out, one, palette);
    }
    if plan.is_empty() && plan.refusals.is_empty() {
        let _ = writeln!(out, "\n{} There is nothing to tear down.", styled(palette.create, "No changes."));
    } else {
        let _ = writeln!(out, "\n{}", summary(plan, palette));
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

fn block(out: &mut String, action: &Action, palette: &Palette) {
    let (symbol, word, style) = palette.verb(action.verb);
    let cause = match (action.adopted, action.cause) {
        (true, _) => "  (adopted)",
        (false, Some(Cause::Drift)) => "  (drift: changed outside of the spec)",
        (false, _) => "",
    };
    let _ = writeln!(
        out,
        "\n  {} {:<14}  {}  {}{}",
        styled(style, symbol),
        action.kind,
        styled(palette.strong, &action.name),
        styled(style, word),
        styled(palette.update, cause),
    );
    if let Some(note) = &action.note {
        let _ = writeln!(out, "      {}", styled(palette.faint, note));
    }
    out.push_str(&changes(&action.changes, action.verb, palette));
}

fn refused(out: &mut String, refusal: &Refusal, palette: &Palette) {
    let owner = match &refusal.owner {
        Some(owner) => format!("belongs to stack {owner}"),
        None => "exists already, and is not this stack's".to_owned(),
    };
    let _ = writeln!(
        out,
        "\n  {} {:<14}  {}  {}",
        styled(palette.delete, "!"),
        refusal.kind,
        styled(palette.strong, &refusal.name),
        styled(palette.delete, owner),
    );
    if !refusal.changes.is_empty() {
        let _ = writeln!(out, "      {}", styled(palette.faint, "adopting it would change:"));
        out.push_str(&changes(&refusal.changes, Verb::Update, palette));
    }
}

/// Whether it is this stack's is not read, so that a person has to know it.
fn left(out: &mut String, renamed: &Renamed, palette: &Palette) {
    let _ = writeln!(
        out,
        "\n  {} {:<14}  {}  {}",
        styled(palette.update, "?"),
        renamed.kind,
        styled(palette.strong, &renamed.name),
        styled(palette.update, "not a name of the spec"),
    );
    let _ = writeln!(out, "      {}", styled(palette.faint, &renamed.seen));
    let _ = writeln!(out, "      if it was this stack's, and nothing else needs it, remove it:");
    for command in &renamed.remove {
        let _ = writeln!(out, "        {command}");
    }
}

/// One line for each changed attribute, or several for an IAM document.
#[must_use]
pub fn changes(changes: &[Change], verb: Verb, palette: &Palette) -> String {
    let width = changes.iter().map(|change| change.attribute.to_string().chars().count()).max().unwrap_or(0).min(40);
    let mut out = String::new();
    for change in changes {
        let label = change.attribute.to_string();
        if let (Some(Value::Policy(before)), Some(Value::Policy(after))) = (&change.before, &change.after) {
            let _ = writeln!(out, "      {label}");
            document_diff(&mut out, before, after, palette);
            continue;
        }
        if let Some((before, after)) = long_texts(change) {
            let _ = writeln!(out, "      {label}");
            line_diff(&mut out, &before, &after, palette);
            continue;
        }
        let replaces = match change.effect {
            Effect::Replaces if verb == Verb::Replace => styled(palette.delete, "  (forces replacement)"),
            _ => String::new(),
        };
        let _ = writeln!(
            out,
            "      {label:<width$}  {}{replaces}",
            values(change.before.as_ref(), change.after.as_ref(), verb, palette)
        );
    }
    out
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
        _ => text.to_owned(),
    };
    Some((spread(&before), spread(&after)))
}

/// Two values of an attribute in one line; `None` is absent.
pub(super) fn values(before: Option<&Value>, after: Option<&Value>, verb: Verb, palette: &Palette) -> String {
    let new = |value| styled(palette.create, inline(value));
    match (before, after) {
        (None, Some(value)) if verb == Verb::Create => inline(value),
        (None, Some(value)) => format!("{} → {}", styled(palette.faint, "absent"), new(value)),
        (Some(value), None) => {
            format!("{} → {}", styled(palette.delete, inline(value)), styled(palette.faint, "absent"))
        }
        (Some(before), Some(value)) => format!("{} → {}", styled(palette.delete, inline(before)), new(value)),
        (None, None) => String::new(),
    }
}

fn inline(value: &Value) -> String {
    let text = match value {
        Value::AfterApply => return "known after apply".to_owned(),
        // Quotes inside of quotes are hard to read; a text that has some shows where it begins and ends by itself.
        // Not one that would break the line, or speak to the terminal.
        Value::Known(serde_json::Value::String(text)) if text.contains('"') && !text.contains(char::is_control) => {
            text.clone()
        }
        Value::Known(value) => value.to_string(),
        Value::Policy(document) => grants(document),
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
pub(super) fn document_diff(
    out: &mut String,
    before: &serde_json::Value,
    after: &serde_json::Value,
    palette: &Palette,
) {
    let (before, after) = (format!("{:#}", policy::tidy(before)), format!("{:#}", policy::tidy(after)));
    line_diff(out, &before, &after, palette);
}

fn line_diff(out: &mut String, before: &str, after: &str, palette: &Palette) {
    let diff = TextDiff::from_lines(before, after);
    for group in diff.grouped_ops(1) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ("-", palette.delete),
                ChangeTag::Insert => ("+", palette.create),
                ChangeTag::Equal => (" ", palette.faint),
            };
            let line = change.value().trim_end().replace(char::is_control, "\u{fffd}");
            let _ = writeln!(out, "        {}", styled(style, format!("{sign} {line}")));
        }
    }
}

fn summary(plan: &Plan, palette: &Palette) -> String {
    let left = match plan.renamed.len() {
        0 => String::new(),
        count => styled(
            palette.update,
            format!(" {count} under {} not the spec's.", if count == 1 { "a name that is" } else { "names that are" }),
        ),
    };
    if plan.is_empty() && plan.refusals.is_empty() {
        return styled(palette.create, "No changes. ") + "The stack is as the spec says." + &left;
    }
    let told = [Verb::Create, Verb::Restore, Verb::Update, Verb::Replace, Verb::Delete, Verb::Keep].map(|verb| {
        let (_, word, style) = palette.verb(verb);
        match plan.count(verb) {
            0 if matches!(verb, Verb::Create | Verb::Update | Verb::Delete) => Some(format!("0 to {word}")),
            0 => None,
            count => Some(styled(style, format!("{count} to {word}"))),
        }
    });
    let counts = told.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let refused = match plan.refusals.len() {
        0 => String::new(),
        count => styled(palette.delete, format!(", {count} refused")),
    };
    format!("{} {counts}{refused}.{left}", styled(palette.strong, "Plan:"))
}
