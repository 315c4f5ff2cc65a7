//! What a person sees: colours, questions, progress. The result goes to stdout, all else to stderr.

mod confirm;
mod interrupt;
mod progress;
mod stdout;
mod terminal;

use std::io::{IsTerminal as _, Write as _};

use plan::render::{Page, Palette};

use crate::exit::Exit;

pub use confirm::{Confirmation, confirm};
pub use interrupt::Interrupt;
pub use progress::{Progress, granted, not_started, seconds};
pub use terminal::Terminal;

/// Where output goes, and how it looks there.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    /// Styles of stdout.
    pub out: Palette,
    /// Styles of stderr.
    pub err: Palette,
    /// Whether stderr has colours.
    pub err_colored: bool,
    /// Whether progress is animated.
    pub animated: bool,
    /// Less of it.
    pub quiet: bool,
}

impl Ui {
    /// As the environment says: `NO_COLOR`, `CLICOLOR_FORCE`, `TERM`, `CI`, and whether there is a terminal.
    #[must_use]
    pub fn detect(quiet: bool) -> Self {
        let is_colored = |choice| choice != anstream::ColorChoice::Never;
        let palette = |choice| if is_colored(choice) { Palette::colored() } else { Palette::plain() };
        let err = anstream::AutoStream::choice(&std::io::stderr());
        let is_terminal = std::io::stderr().is_terminal();
        let is_dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        Self {
            out: palette(anstream::AutoStream::choice(&std::io::stdout())),
            err: palette(err),
            err_colored: is_colored(err),
            animated: is_terminal && !is_dumb && !quiet && std::env::var_os("CI").is_none(),
            quiet,
        }
    }

    /// Writes a part of the result. A reader that has gone away (`| head`) ends the output, not the work.
    pub fn print(&self, page: &Page) {
        stdout::write(page.as_str().as_bytes());
    }

    /// Whether nobody gets any more of the result.
    #[must_use]
    pub fn is_result_lost(&self) -> bool {
        stdout::is_lost()
    }

    /// The exit code of a run that came to `exit`: a result that could not be written is an error.
    #[must_use]
    pub fn end(&self, exit: Exit) -> Exit {
        let Some(error) = stdout::failure() else { return exit };
        self.error(&format!("the result can't be written to stdout: {error}"), &[]);
        exit.max(Exit::Error)
    }

    /// Writes the result as JSON.
    pub fn print_json(&self, document: &impl serde::Serialize) {
        self.print(&Page::json(document));
    }

    /// Writes a diagnostic or a note.
    pub fn note(&self, page: &Page) {
        let _ = std::io::stderr().lock().write_all(page.as_str().as_bytes());
    }

    /// Writes progress, unless the run is quiet.
    pub fn progress(&self, page: &Page) {
        if !self.quiet {
            self.note(page);
        }
    }

    /// Writes an error: what failed, then the details. None of their line ends begins a line that looks like the deployer's own.
    pub fn error(&self, what: &str, details: &[String]) {
        let (bad, faint) = (self.err.bad(), self.err.faint());
        let mut page = Page::new();
        let (what, more) = what.split_once('\n').map_or((what, None), |(what, more)| (what, Some(more)));
        let _ = writeln!(page, "{bad}error{bad:#}: {what}");
        for detail in more.into_iter().chain(details.iter().map(String::as_str)) {
            let mut lines = detail.split('\n');
            let _ = writeln!(page, "  {faint}│{faint:#} {}", lines.next().unwrap_or_default());
            for line in lines {
                let _ = writeln!(page, "    {line}");
            }
        }
        self.note(&page);
    }
}

/// Tells what is new: what was told last is not told again.
pub fn distinct(tell: impl Fn(&str) + Sync) -> impl Fn(&str) + Sync {
    let last = std::sync::Mutex::new(String::new());
    move |text| {
        let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if *last != text {
            text.clone_into(&mut last);
            tell(text);
        }
    }
}
