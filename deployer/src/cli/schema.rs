//! `deploy schema`

use crate::exit::Exit;
use crate::ui::Ui;

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints the JSON Schema of spec files.
pub fn run(_: &Args, ui: Ui) -> Exit {
    ui.print_json(&plan::spec::schema());
    Exit::Done
}
