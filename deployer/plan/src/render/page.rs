//! The one gate before whatever a person reads, on a terminal, in a CI log or in a comment.
//!
//! What others wrote is in the same string as what the deployer says of it, so a [`Page`] is written by `writeln!` alone:
//! one call is one line, and only styles of ours have an effect in it. All else that is not plain text is shown escaped.

use std::fmt::{self, Write as _};

/// The styles, and what ends one. Each is known by its place in memory, which no text that was read shares.
static GREEN: &str = "\u{1b}[32m";
static YELLOW: &str = "\u{1b}[33m";
static RED: &str = "\u{1b}[31m";
static BOLD: &str = "\u{1b}[1m";
static FAINT: &str = "\u{1b}[2m";
static RESET: &str = "\u{1b}[0m";

fn styles() -> [&'static str; 6] {
    [GREEN, YELLOW, RED, BOLD, FAINT, RESET]
}

/// A style of ours: `{paint}` begins it, `{paint:#}` ends it. It has an effect in a [`Page`] that it is written to directly.
#[derive(Debug, Clone, Copy, Default)]
pub struct Paint(Option<&'static str>);

impl fmt::Display for Paint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some(_) if f.alternate() => f.write_str(RESET),
            Some(begin) => f.write_str(begin),
        }
    }
}

/// A text with a style around it.
#[derive(Debug, Clone, Copy)]
pub struct Styled<T>(pub Paint, pub T);

impl<T: fmt::Display> fmt::Display for Styled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(paint, text) = self;
        write!(f, "{paint}{text}{paint:#}")
    }
}

/// The styles of a page's parts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Palette {
    good: Paint,
    attention: Paint,
    bad: Paint,
    strong: Paint,
    faint: Paint,
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
        let paint = |begin| Paint(Some(begin));
        Self { good: paint(GREEN), attention: paint(YELLOW), bad: paint(RED), strong: paint(BOLD), faint: paint(FAINT) }
    }

    /// The style of what is made or went well.
    #[must_use]
    pub fn good(&self) -> Paint {
        self.good
    }

    /// The style of what is changed or wants attention.
    #[must_use]
    pub fn attention(&self) -> Paint {
        self.attention
    }

    /// The style of what goes or went wrong.
    #[must_use]
    pub fn bad(&self) -> Paint {
        self.bad
    }

    /// The style of names.
    #[must_use]
    pub fn strong(&self) -> Paint {
        self.strong
    }

    /// The style of what stands back.
    #[must_use]
    pub fn faint(&self) -> Paint {
        self.faint
    }
}

/// Lines that show what they are made of, and do nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page(String);

impl Page {
    /// No lines.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One line, for `writeln!` and `write!` alike. A line end in the midst of it is no part of the layout, and is escaped.
    ///
    /// # Errors
    /// What a value's own `Display` fails with.
    pub fn write_fmt(&mut self, line: fmt::Arguments<'_>) -> fmt::Result {
        let mut gate = Gate { line: String::new(), ends: false };
        fmt::write(&mut gate, line)?;
        self.0.push_str(&without_commands(gate.line));
        self.0.push('\n');
        Ok(())
    }

    /// A text of which each line is one here too: for texts whose line ends are ours.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut page = Self::new();
        for line in text.lines() {
            let _ = writeln!(page, "{line}");
        }
        page
    }

    /// A text that has nothing of others in it, such as the manual, or that is escaped already.
    #[must_use]
    pub fn verbatim(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A document for programs. What is not plain text is written as JSON's own escapes, which mean the same.
    #[must_use]
    pub fn json(document: &impl serde::Serialize) -> Self {
        let text = serde_json::to_string_pretty(document).unwrap_or_default();
        let mut out = String::with_capacity(text.len() + 1);
        for c in text.chars() {
            // Beyond ASCII, and for what ASCII has of these, a JSON text has them in strings alone.
            if is_plain(c) || c == '\n' {
                out.push(c);
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
        Self(out.replace(OLD_COMMAND, "\\u0023#[") + "\n")
    }

    /// A line without anything in it.
    pub fn blank(&mut self) {
        self.0.push('\n');
    }

    /// Adds another page's lines.
    pub fn extend(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    /// All of it, as it is to be written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What GitHub's runner takes for a command wherever it is in a line, and at a line's beginning.
/// <https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs>
const OLD_COMMAND: &str = "##[";
const COMMAND: &str = "::";

/// A line that no runner takes for a command.
fn without_commands(mut line: String) -> String {
    let mut rest = line.trim_start();
    // A style is no part of the text, and a log may leave it out.
    while let Some(after) = styles().iter().find_map(|style| rest.strip_prefix(style)) {
        rest = after.trim_start();
    }
    if rest.starts_with(COMMAND) {
        let start = line.len() - rest.len();
        line.replace_range(start..=start, "\\u{3a}");
    }
    if line.contains(OLD_COMMAND) { line.replace(OLD_COMMAND, "\\u{23}#[") } else { line }
}

/// Takes the pieces of one line.
struct Gate {
    line: String,
    /// Whether the last piece ended the line; it is a line end of somebody's where another follows.
    ends: bool,
}

impl fmt::Write for Gate {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        if styles().iter().any(|style| std::ptr::eq(*style, piece)) {
            self.line.push_str(piece);
            return Ok(());
        }
        if !piece.is_empty() && std::mem::take(&mut self.ends) {
            self.line.push_str("\\n");
        }
        let text = piece.strip_suffix('\n').inspect(|_| self.ends = true).unwrap_or(piece);
        self.line.push_str(&escaped(text));
        Ok(())
    }
}

/// A text in one line, with escapes for what is not plain text, as Rust writes them.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_plain(c) {
            out.push(c);
        } else {
            out.extend(c.escape_default());
        }
    }
    out
}

/// Whether a character shows itself, and changes nothing of how others are shown: not a control character, one that separates
/// lines, one that turns the direction of text, or one that is ignored where it is not supported.
/// <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>
/// <https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt> (`Default_Ignorable_Code_Point`)
#[must_use]
pub fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn page(line: fmt::Arguments<'_>) -> String {
        let mut page = Page::new();
        page.write_fmt(line).unwrap();
        page.to_string()
    }

    #[test]
    fn one_call_is_one_line_whatever_is_in_it() {
        let text = "a\r\nb\n\t\u{85}\u{2028}\u{2029}\u{b}\u{c}\0c\n";
        let shown = "a\\r\\nb\\n\\t\\u{85}\\u{2028}\\u{2029}\\u{b}\\u{c}\\u{0}c";
        assert_eq!(page(format_args!("{text}")), format!("{shown}\n"));
        assert_eq!(page(format_args!("{text}{text}\n")), format!("{shown}\\n{shown}\\n\n"));
        assert_eq!(page(format_args!("\n{text}.\n")), format!("\\n{shown}\\n.\n"));
    }

    #[test]
    fn a_style_of_ours_has_an_effect_and_the_same_from_elsewhere_has_none() {
        let green = Palette::colored().good();
        for theirs in ["\u{1b}[32m", "\u{1b}[0m", "\u{1b}[2J", "\u{9b}32m"].map(str::to_owned) {
            let told = page(format_args!("{green}{theirs}{green:#}{}", Styled(green, &theirs)));
            let shown = escaped(&theirs);
            assert_eq!(told, format!("{GREEN}{shown}{RESET}{GREEN}{shown}{RESET}\n"));
            assert!(!shown.contains(char::is_control));
            let (nested, plain) = (format!("{green}{theirs}"), Palette::plain().good());
            assert_eq!(page(format_args!("{plain}{nested}{plain:#}")), format!("\\u{{1b}}[32m{shown}\n"));
        }
    }

    #[test]
    fn no_line_is_a_command_of_a_runner() {
        for (text, shown) in [
            ("::error::x", "\\u{3a}:error::x"),
            ("  ::add-mask::x", "  \\u{3a}:add-mask::x"),
            ("\u{3000}::x::", "\u{3000}\\u{3a}:x::"),
            ("a ##[set-env name=x]y", "a \\u{23}#[set-env name=x]y"),
            ("####[[", "##\\u{23}#[["),
            ("a::b #[c] ##d", "a::b #[c] ##d"),
        ] {
            assert_eq!(page(format_args!("{text}")), format!("{shown}\n"));
            let (first, second) = text.split_at(text.len() - 2);
            assert_eq!(page(format_args!("{first}{second}")), format!("{shown}\n"), "in two pieces");
        }
    }

    #[test]
    fn no_styled_line_is_a_command_of_a_runner_either() {
        let Palette { good, faint, .. } = Palette::colored();
        let told = page(format_args!("  {good}{faint} ::error::x{faint:#}"));
        assert_eq!(told, format!("  {GREEN}{FAINT} \\u{{3a}}:error::x{RESET}\n"));
    }

    #[test]
    fn a_text_of_any_language_is_left_as_it_is() {
        for text in ["Größe", "पासवर्ड", "密码 パスワード", "كلمة السر", "🔑 e\u{301}", "\"quoted\" \\ 'x' `y` | <z>"]
        {
            assert_eq!(escaped(text), text);
        }
    }

    #[test]
    fn what_rust_s_own_escapes_leave_is_plain_and_what_is_not_plain_they_escape() {
        let is_escaped = |c: char| !c.escape_debug().eq([c]);
        let not_plain: Vec<char> = (char::MIN..=char::MAX).filter(|c| !is_plain(*c)).collect();
        // Letters that fill a syllable are printable, and are not seen.
        let fillers = ['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}'];
        let left: Vec<char> = not_plain.iter().copied().filter(|c| !is_escaped(*c)).collect();
        assert_eq!(left, fillers);
        // All that has a direction or is an end of a line is among them.
        for c in
            "\u{7}\u{8}\u{1b}\u{7f}\u{85}\u{9b}\u{61c}\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}\u{2028}\u{2029}"
                .chars()
        {
            assert!(!is_plain(c), "{c:?}");
        }
    }

    #[test]
    fn a_program_reads_what_was_written_and_a_terminal_gets_none_of_it() {
        let text = "a\n\u{1b}[2J\u{7f}\u{85}\u{9b}\u{2028}\u{202e}\u{e0041}\\##[x]\"ß";
        let document = serde_json::json!({text: [text, 1.5, null, true, {}]});
        let page = Page::json(&document);
        assert_eq!(serde_json::from_str::<serde_json::Value>(page.as_str()).unwrap(), document);
        assert!(page.as_str().chars().all(|c| is_plain(c) || c == '\n'), "{page}");
        assert!(!page.as_str().contains("##["), "{page}");
    }
}
