//! `deploy policy`

use clap::ValueEnum;
use plan::actions::{self, MAX_MANAGED_CHARACTERS};
use plan::render::Page;

use super::Specs;
use super::stacks::{self, Warnings};
use crate::exit::Exit;
use crate::ui::Ui;

/// Arguments of `policy`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    specs: Specs,
    /// The command that is to be run
    #[arg(long = "for", value_enum, value_name = "COMMAND")]
    command: Command,
}

/// The commands that call AWS.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Command {
    /// Reads alone
    Plan,
    /// What plan needs, and to create and change
    Apply,
    /// What plan needs, and to delete
    Teardown,
    /// What plan needs, and to examine and mend; enough for rotate, status and logs too
    Doctor,
}

/// Prints the policy of who runs the command on all the stacks; none where a spec can't be used, for it would lack a part.
pub fn run(args: &Args, ui: Ui) -> Exit {
    let loaded = stacks::load(&args.specs, Warnings::Untold, ui);
    if loaded.failed {
        return Exit::Error;
    }
    let command = match args.command {
        Command::Plan => actions::Command::Plan,
        Command::Apply => actions::Command::Apply,
        Command::Teardown => actions::Command::Teardown,
        Command::Doctor => actions::Command::Doctor,
    };
    let policy = actions::policy(loaded.stacks.iter().map(|stack| &stack.spec), command);
    ui.print_json(&policy);
    let size = policy.to_string().chars().count();
    let told = format!("{size} of the {MAX_MANAGED_CHARACTERS} characters that IAM allows in a managed policy");
    if size > MAX_MANAGED_CHARACTERS {
        ui.note(&Page::of(&format!("warning: {told}; name fewer specs, and attach several policies")));
    } else {
        ui.progress(&Page::of(&told));
    }
    Exit::Done
}
