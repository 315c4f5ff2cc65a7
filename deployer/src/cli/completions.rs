//! `deploy completions` and `deploy man`

use std::io::Write as _;

use clap_complete::Shell;

use crate::exit::Exit;

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
pub fn run(args: &Args) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "deploy", &mut text);
    write(&text)
}

/// Prints the manual page.
pub fn man(_: &ManArgs) -> Exit {
    let mut text = Vec::new();
    match clap_mangen::Man::new(super::command()).render(&mut text) {
        Ok(()) => write(&text),
        Err(_) => Exit::Error,
    }
}

fn write(text: &[u8]) -> Exit {
    match std::io::stdout().lock().write_all(text) {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Error,
    }
}
