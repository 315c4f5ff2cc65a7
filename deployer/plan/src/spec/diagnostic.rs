//! What is wrong with a spec, where, and how to mend it.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use crate::render::{Page, escaped, is_plain};

/// What stands in the place of a value that may be a secret.
const MASK: &str = "***";

/// Diagnostics that are told of one file: rendering takes time, and nobody reads more.
const MAX_TOLD: usize = 50;
/// Characters of a message, which may quote a word of the file.
const MAX_TEXT: usize = 400;

/// Whether a spec can be used in spite of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but it should be known.
    Warning,
}

/// One fault or one warning, at its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the spec can be used in spite of it.
    pub severity: Severity,
    /// Stable name of its kind, in kebab case.
    pub code: &'static str,
    /// What is wrong; never with a value that may be a secret.
    pub message: String,
    /// The bytes of the file that it is about.
    pub span: Range<usize>,
    /// What to know about just these bytes.
    pub label: String,
    /// How to mend it.
    pub help: Option<String>,
    /// Bytes of the file, not only of this diagnostic's line, that may hold a secret: no rendering shows them.
    pub(super) redacted: Vec<Range<usize>>,
}

/// A diagnostic for programs: its place as line and column, and nothing of the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Located<'a> {
    /// Whether the spec can be used in spite of it.
    pub severity: Severity,
    /// Stable name of its kind, in kebab case.
    pub code: &'static str,
    /// The file, as it was named.
    pub file: &'a str,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: &'a str,
    /// What to know about just this place.
    pub label: &'a str,
    /// How to mend it.
    pub help: Option<&'a str>,
}

impl Diagnostic {
    pub(super) fn error(code: &'static str, message: impl Into<String>, span: Range<usize>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            span,
            label: String::new(),
            help: None,
            redacted: Vec::new(),
        }
    }

    pub(super) fn warning(code: &'static str, message: impl Into<String>, span: Range<usize>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message, span) }
    }

    pub(super) fn labelled(self, label: impl Into<String>) -> Self {
        Self { label: label.into(), ..self }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    pub(super) fn redacting(mut self, span: Range<usize>) -> Self {
        self.redacted.push(span);
        self
    }

    /// The diagnostic with its place as line and column.
    #[must_use]
    pub fn locate<'a>(&'a self, file: &'a str, text: &str) -> Located<'a> {
        let (line, column) = line_column(text, self.span.start);
        let Self { severity, code, message, label, help, .. } = self;
        Located { severity: *severity, code, file, line, column, message, label, help: help.as_deref() }
    }
}

/// Line and column, in characters and both from 1, of a byte.
pub(super) fn line_column(text: &str, position: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(position)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// In the file's order, printable, and each knowing of every secret: rendering one alone must not show another's.
pub(super) fn finish(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let redacted: Vec<Range<usize>> = diagnostics.iter().flat_map(|d| d.redacted.clone()).collect();
    for diagnostic in &mut diagnostics {
        diagnostic.redacted.clone_from(&redacted);
        let texts = [&mut diagnostic.message, &mut diagnostic.label].into_iter().chain(&mut diagnostic.help);
        // A value may carry a terminal's control sequences.
        for text in texts {
            *text = escaped(text);
        }
    }
    for text in diagnostics.iter_mut().flat_map(|d| [&mut d.message, &mut d.label].into_iter().chain(&mut d.help)) {
        if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
            text.replace_range(end.., "…");
        }
    }
    diagnostics.sort_by_key(|d| (d.span.start, d.severity, d.span.end));
    if diagnostics.len() > MAX_TOLD {
        let more = diagnostics.split_off(MAX_TOLD);
        // What is not told counts all the same.
        let severity = more.iter().map(|d| d.severity).min().unwrap_or(Severity::Error);
        let rest = Diagnostic::error("too-many", format!("there are {} more", more.len()), more[0].span.clone());
        let rest = rest.labelled("the first of them").help("mend these, and look again");
        diagnostics.push(Diagnostic { severity, redacted, ..rest });
    }
    diagnostics
}

/// The diagnostics for people: file, line and column, the source line with a caret, and the mend.
#[must_use]
pub fn render(origin: &str, text: &str, diagnostics: &[Diagnostic], color: bool) -> Page {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut page = Page::new();
    for diagnostic in diagnostics {
        // Of its parts all that is of the file is escaped or signs, and the styles are the renderer's.
        page.extend(&Page::verbatim(render_one(&renderer, &escaped(origin), text, diagnostic) + "\n\n"));
    }
    page
}

fn render_one(renderer: &Renderer, origin: &str, text: &str, diagnostic: &Diagnostic) -> String {
    let source = Masked::new(text, &diagnostic.redacted);
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let annotation = AnnotationKind::Primary.span(source.map(&diagnostic.span)).label(diagnostic.label.as_str());
    let snippet = Snippet::source(source.text.as_str()).path(origin).annotation(annotation);
    let group: Group<'_> = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code).element(snippet);
    let group = match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(help.as_str())),
        None => group,
    };
    renderer.render(&[group])
}

/// A text without its secrets, and the way from the text's bytes to its own.
struct Masked {
    text: String,
    /// In order and apart, none over a line's end, so that line numbers stay.
    cuts: Vec<Range<usize>>,
}

impl Masked {
    fn new(text: &str, redacted: &[Range<usize>]) -> Self {
        let mut cuts: Vec<Range<usize>> = Vec::new();
        let mut spans: Vec<&Range<usize>> = redacted.iter().collect();
        spans.sort_by_key(|span| (span.start, span.end));
        for span in spans {
            let mut start = span.start.max(cuts.last().map_or(0, |cut| cut.end));
            for line in text.get(start..span.end).unwrap_or_default().split_inclusive('\n') {
                let shown = line.len() - line.trim_start().len();
                let hidden = line.trim().len();
                if hidden > 0 {
                    cuts.push(start + shown..start + shown + hidden);
                }
                start += line.len();
            }
        }
        let mut masked = String::with_capacity(text.len());
        let mut done = 0;
        for cut in &cuts {
            masked.push_str(&text[done..cut.start]);
            masked.push_str(MASK);
            done = cut.end;
        }
        masked.push_str(&text[done..]);
        // The renderer shows those of ASCII as signs of their own. The others' signs have as many bytes, so that places stay.
        let sign = |c: char| match c.len_utf8() {
            _ if c.is_ascii() || is_plain(c) => String::from(c),
            2 => "·".to_owned(),
            3 => char::REPLACEMENT_CHARACTER.to_string(),
            _ => "··".to_owned(),
        };
        let text = masked.chars().map(sign).collect();
        Self { text, cuts }
    }

    fn map(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.position(span.start, 0);
        start..self.position(span.end, MASK.len()).max(start)
    }

    /// Where a byte went; one inside of a cut goes `inside` bytes into the mask.
    fn position(&self, position: usize, inside: usize) -> usize {
        let before = self.cuts.iter().take_while(|cut| cut.end <= position);
        let (removed, added) = before.fold((0, 0), |(r, a), cut| (r + cut.len(), a + MASK.len()));
        match self.cuts.iter().find(|cut| cut.start < position && position < cut.end) {
            Some(cut) => cut.start + added - removed + inside,
            None => position + added - removed,
        }
    }
}
