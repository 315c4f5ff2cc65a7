//! Progress of a run: one line for each resource, alive on a terminal, plain elsewhere.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use plan::plan::{Action, Verb};
use plan::render::{Page, escaped};

use super::Ui;
use crate::engine::{Event, NotStarted, Outcome};

/// How often a spinner turns.
const TICK: Duration = Duration::from_millis(100);

/// Tells what happens to one stack. Several tell on the same terminal without disturbing each other.
#[derive(Debug)]
pub struct Progress {
    ui: Ui,
    bars: MultiProgress,
    stack: Option<String>,
    running: Mutex<HashMap<&'static str, ProgressBar>>,
}

impl Progress {
    /// A display that several stacks share.
    #[must_use]
    pub fn display(ui: Ui) -> MultiProgress {
        let target = if ui.animated { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        MultiProgress::with_draw_target(target)
    }

    /// Progress of one stack; `stack` is its name where several run at once.
    #[must_use]
    pub fn new(ui: Ui, bars: MultiProgress, stack: Option<String>) -> Self {
        Self { ui, bars, stack, running: Mutex::new(HashMap::new()) }
    }

    /// Tells one event.
    pub fn tell(&self, event: &Event<'_>) {
        match event {
            Event::Started(action) => self.started(action),
            Event::Waiting(action, why) => self.waiting(action, why),
            Event::Ended(action, outcome) => self.ended(action, outcome),
        }
    }

    /// Tells what is waited for where no resource changes any more.
    pub fn note(&self, text: &str) {
        let stack = self.stack.as_ref().map(|stack| format!("{stack}  ")).unwrap_or_default();
        let mut page = Page::new();
        let _ = writeln!(page, "  {stack}waiting: {text}");
        self.print(&page);
    }

    fn label(&self, action: &Action) -> String {
        let stack = self.stack.as_ref().map(|stack| format!("{stack}  ")).unwrap_or_default();
        format!("{stack}{:<14}  {}", action.kind, action.name)
    }

    fn print(&self, page: &Page) {
        if self.ui.animated {
            let _ = self.bars.println(page.as_str().trim_end());
        } else {
            self.ui.progress(page);
        }
    }

    fn message(&self, action: &Action, what: &str) -> String {
        escaped(&format!("{}  {what}", self.label(action)))
    }

    fn started(&self, action: &Action) {
        let (doing, _) = words(action.verb);
        if !self.ui.animated {
            return;
        }
        let bar = self.bars.add(ProgressBar::new_spinner());
        let template = ProgressStyle::with_template("  {spinner} {msg} {elapsed:.dim}");
        bar.set_style(template.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message(self.message(action, doing));
        bar.enable_steady_tick(TICK);
        self.running().insert(action.kind.address(), bar);
    }

    fn waiting(&self, action: &Action, why: &str) {
        if let Some(bar) = self.running().get(action.kind.address()) {
            bar.set_message(self.message(action, why));
        }
    }

    fn ended(&self, action: &Action, outcome: &Outcome) {
        if let Some(bar) = self.running().remove(action.kind.address()) {
            bar.finish_and_clear();
        }
        let (good, bad) = (self.ui.err.good(), self.ui.err.bad());
        let (_, done) = words(action.verb);
        let (label, mut page) = (self.label(action), Page::new());
        let _ = match outcome {
            Outcome::Done(elapsed) => {
                writeln!(page, "  {good}✓{good:#} {label}  {done} in {}", seconds(*elapsed))
            }
            Outcome::Failed(error) => writeln!(page, "  {bad}✗{bad:#} {label}  {error}"),
            Outcome::Granted(why) => writeln!(page, "  {bad}✗{bad:#} {label}  {}", granted(why)),
            Outcome::NotStarted(_) | Outcome::Unknown(_) => return,
        };
        self.print(&page);
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<&'static str, ProgressBar>> {
        self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// What is being done, and what has been done.
fn words(verb: Verb) -> (&'static str, &'static str) {
    match verb {
        Verb::Create => ("creating", "created"),
        Verb::Update => ("updating", "updated"),
        Verb::Replace => ("replacing", "replaced"),
        Verb::Restore => ("restoring", "restored"),
        Verb::Delete => ("deleting", "deleted"),
        Verb::Keep | Verb::NoOp => ("keeping", "kept"),
    }
}

/// A duration as a person reads it.
#[must_use]
pub fn seconds(elapsed: Duration) -> String {
    format!("{:.1} s", elapsed.as_secs_f64())
}

/// Why a role still grants what is not needed any more, as a person reads it.
#[must_use]
pub fn granted(why: &NotStarted) -> String {
    format!("grants what is new, and still what is not needed any more: {}", not_started(why))
}

/// Why an action was not begun, as a person reads it.
#[must_use]
pub fn not_started(why: &NotStarted) -> String {
    match why {
        NotStarted::Needs(kind) => format!("needs {kind}"),
        NotStarted::Interrupted => "the run was stopped before".to_owned(),
    }
}
