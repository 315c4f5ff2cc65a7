//! A command over several stacks: loads them, and gathers what becomes of each into one document and one exit code.

use plan::render::FORMAT_VERSION;
use serde::Serialize;

use super::failure::{Failure, FailureJson};
use super::stacks::{self, Stack, Warnings};
use super::{Common, Output};
use crate::exit::Exit;
use crate::ui::Ui;

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
    document: Document<T>,
}

impl<T: Serialize> Session<T> {
    /// Loads the specs that the arguments name.
    pub fn begin(common: &Common, warnings: Warnings, ui: Ui) -> (Self, Vec<Stack>) {
        let loaded = stacks::load(&common.specs, warnings, ui);
        let exit = if loaded.failed { Exit::Error } else { Exit::Done };
        let document = Document { format_version: FORMAT_VERSION, stacks: vec![], errors: vec![] };
        (Self { ui, output: common.output, exit, document }, loaded.stacks)
    }

    /// Whether the result on stdout is text.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.output == Output::Text
    }

    /// Writes text for people: a part of the result, or beside a JSON result a note.
    pub fn show(&self, text: impl FnOnce(&plan::render::Palette) -> String) {
        match self.output {
            Output::Text => self.ui.print(&text(&self.ui.out)),
            Output::Json => self.ui.note(&text(&self.ui.err)),
        }
    }

    /// A stack came to that.
    pub fn done(&mut self, stack: T) {
        self.document.stacks.push(stack);
    }

    /// Nothing could be done to a stack; it is told why.
    pub fn failed(&mut self, stack: &str, failure: &Failure) {
        failure.tell(stack, self.ui);
        self.error(failure.json(stack), failure.exit());
    }

    /// The same where it has been told already.
    pub fn error(&mut self, error: FailureJson, exit: Exit) {
        self.document.errors.push(error);
        self.worst(exit);
    }

    /// The exit code is at least that bad.
    pub fn worst(&mut self, exit: Exit) {
        self.exit = self.exit.max(exit);
    }

    /// The end: writes the document where one is wanted.
    #[must_use]
    pub fn end(self) -> Exit {
        if self.output == Output::Json {
            self.ui.print_json(&self.document);
        }
        self.exit
    }
}
