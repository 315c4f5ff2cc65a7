//! A command over several stacks: loads them, and gathers what becomes of each into one document and one exit code.

use plan::render::{FORMAT_VERSION, Page, Palette};
use serde::Serialize;

use super::failure::{Failure, FailureJson};
use super::stacks::{self, Stack, Warnings};
use super::{Common, Output};
use crate::exit::Exit;
use crate::ui::{Interrupt, Ui};

/// What a command writes as JSON.
#[derive(Debug, Serialize)]
struct Document<T> {
    format_version: u32,
    stacks: Vec<T>,
    errors: Vec<FailureJson>,
}

/// What has become of a command so far; `T` is what it tells of a stack.
#[derive(Debug)]
pub struct Session<T> {
    ui: Ui,
    output: Output,
    exit: Exit,
    pending: Pending,
    document: Document<T>,
}

/// The stacks of which nothing has been told yet.
#[derive(Debug)]
pub struct Pending {
    stacks: Vec<String>,
    is_one: bool,
}

impl Pending {
    /// All of them.
    #[must_use]
    pub fn of(stacks: &[Stack]) -> Self {
        Self { stacks: stacks.iter().map(|stack| stack.spec.name.clone()).collect(), is_one: stacks.len() == 1 }
    }

    /// Something is told of that one.
    pub fn told(&mut self, stack: &str) {
        self.stacks.retain(|name| name != stack);
    }

    /// Tells of the rest that an interrupted run did not come to them.
    #[must_use]
    pub fn interrupted(self, ui: Ui) -> Vec<FailureJson> {
        // Of one it was told when the signal came.
        if !self.is_one && !self.stacks.is_empty() {
            ui.error("interrupted; nothing was changed in", &self.stacks);
        }
        let failure = |stack: &String| FailureJson::new(stack, "interrupted; nothing was changed".to_owned(), vec![]);
        self.stacks.iter().map(failure).collect()
    }
}

impl<T: Serialize> Session<T> {
    /// Loads the specs that the arguments name.
    pub fn begin(common: &Common, warnings: Warnings, ui: Ui) -> (Self, Vec<Stack>) {
        let loaded = stacks::load(&common.specs, warnings, ui);
        let exit = if loaded.failed { Exit::Error } else { Exit::Done };
        let document = Document { format_version: FORMAT_VERSION, stacks: vec![], errors: vec![] };
        let pending = Pending::of(&loaded.stacks);
        (Self { ui, output: common.output, exit, pending, document }, loaded.stacks)
    }

    /// Whether the result on stdout is text.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.output == Output::Text
    }

    /// Writes text for people: a part of the result, or beside a JSON result a note.
    pub fn show(&self, text: impl FnOnce(&Palette) -> Page) {
        match self.output {
            Output::Text => self.ui.print(&text(&self.ui.out)),
            Output::Json => self.ui.note(&text(&self.ui.err)),
        }
    }

    /// A stack came to that.
    pub fn done(&mut self, stack: &str, told: T) {
        self.pending.told(stack);
        self.document.stacks.push(told);
    }

    /// Nothing could be done to a stack; it is told why.
    pub fn failed(&mut self, stack: &str, failure: &Failure) {
        failure.tell(stack, self.ui);
        self.error(stack, failure.json(stack), failure.exit());
    }

    /// The same where it has been told already.
    pub fn error(&mut self, stack: &str, error: FailureJson, exit: Exit) {
        self.pending.told(stack);
        self.document.errors.push(error);
        self.worst(exit);
    }

    /// The exit code is at least that bad.
    pub fn worst(&mut self, exit: Exit) {
        self.exit = self.exit.max(exit);
    }

    /// The end: writes the document where one is wanted. A run that was interrupted tells of every stack all the same.
    #[must_use]
    pub fn end(mut self, interrupt: &Interrupt) -> Exit {
        if interrupt.is_interrupted() {
            self.document.errors.extend(self.pending.interrupted(self.ui));
            self.exit = Exit::Interrupted;
        }
        if self.output == Output::Json {
            self.ui.print_json(&self.document);
        }
        self.exit
    }
}
