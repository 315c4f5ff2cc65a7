//! `deploy completions` and `deploy man`

use clap_complete::Shell;
use plan::render::Page;

use crate::exit::Exit;
use crate::ui::Ui;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct ManArgs {}

/// Prints a shell's completions.
pub fn run(args: &Args, ui: Ui) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "deploy", &mut text);
    ui.print(&Page::verbatim(String::from_utf8_lossy(&text)));
    Exit::Done
}

/// Prints the manual page.
pub fn man(_: &ManArgs, ui: Ui) -> Exit {
    let mut text = Vec::new();
    if clap_mangen::Man::new(super::command()).render(&mut text).is_err() {
        return Exit::Error;
    }
    ui.print(&Page::verbatim(String::from_utf8_lossy(&text)));
    Exit::Done
}
