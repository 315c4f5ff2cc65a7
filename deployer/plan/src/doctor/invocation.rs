//! What the function's log tells of its invocations.

use jiff::Timestamp;
use serde::Deserialize;

/// One invocation that rotated, or should have; what only asked the function is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub end: End,
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// A new version became current, now or by an earlier attempt.
    Rotated,
    /// A later change has replaced it, or it was one step of several.
    Done,
    /// It failed.
    Failed {
        /// The failure's class.
        class: String,
        /// The failure in words, its step first.
        text: String,
    },
    /// The function's timeout was too short.
    TimedOut,
    /// The function's process ended.
    Crashed,
}

impl End {
    /// Whether nothing was rotated that should have been.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        !matches!(self, Self::Rotated | Self::Done)
    }
}

/// The function's own line.
#[derive(Debug, Deserialize)]
struct Line {
    message: String,
    outcome: Option<String>,
    step: Option<String>,
    class: Option<String>,
    error: Option<String>,
}

/// The function's words for the end of Lambda's time, which it sees coming.
const LATE: &str = "timeout was too short";
/// Longest text of a failure, and longest class.
const MAX_TEXT: usize = 400;
const MAX_CLASS: usize = 32;

/// The invocations in the lines of a log.
#[must_use]
pub fn invocations<'a>(lines: impl IntoIterator<Item = (Timestamp, &'a str)>) -> Vec<Invocation> {
    lines.into_iter().filter_map(|(at, text)| end(text).map(|end| Invocation { at, end })).collect()
}

fn end(text: &str) -> Option<End> {
    let Ok(line) = serde_json::from_str::<Line>(text) else { return lambdas_own(text) };
    match (line.message.as_str(), line.outcome.as_deref()) {
        ("done", Some("rotated" | "already-rotated")) => Some(End::Rotated),
        // A self-check is no rotation.
        ("done", Some("healthy")) => None,
        ("done", _) => Some(End::Done),
        ("failed", _) if line.step.as_deref() == Some("check") => None,
        ("failed", _) => Some(failure(line)),
        _ => None,
    }
}

fn failure(line: Line) -> End {
    let text = line.error.unwrap_or_default();
    if text.contains(LATE) {
        return End::TimedOut;
    }
    let text = text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect();
    let class = line.class.unwrap_or_default();
    let class = class.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(MAX_CLASS).collect();
    End::Failed { class, text }
}

/// What Lambda itself writes of an invocation that the function did not end.
fn lambdas_own(text: &str) -> Option<End> {
    match () {
        () if text.contains("Task timed out after") => Some(End::TimedOut),
        () if text.contains("Runtime exited") || text.contains("Runtime.ExitError") => Some(End::Crashed),
        () => None,
    }
}
