//! Asking before anything is changed.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use plan::render::Page;

/// What was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// The expected word.
    Given,
    /// Anything else.
    Declined,
    /// There is no one to ask.
    NoTerminal,
}

/// Asks on the terminal for exactly `expected`.
pub async fn confirm(question: &str, expected: String) -> Confirmation {
    if !std::io::stdin().is_terminal() {
        return Confirmation::NoTerminal;
    }
    let mut page = Page::new();
    page.blank();
    let _ = writeln!(page, "{question}");
    // Reading blocks, and Ctrl-C has to be heard meanwhile.
    let asked = tokio::task::spawn_blocking(move || {
        // Not locked: while this thread waits for an answer, another may have to say that it was interrupted.
        let _ = write!(std::io::stderr(), "{} ", page.as_str().trim_end());
        let _ = std::io::stderr().flush();
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).map(|_| answer.trim() == expected)
    });
    match asked.await {
        Ok(Ok(true)) => Confirmation::Given,
        _ => Confirmation::Declined,
    }
}
