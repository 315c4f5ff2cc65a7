//! The commands: one file each, its arguments beside its run function.

mod apply;
mod completions;
mod doctor;
mod expiry;
mod failure;
mod folder;
mod logs;
mod plan;
mod planning;
mod policy;
mod report;
mod rotate;
mod saved;
mod schema;
mod session;
mod stacks;
mod status;
mod teardown;
mod validate;
mod verify;

use std::path::PathBuf;
use std::time::Duration;

use ::plan::render::Page;
use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::aws::ATTEMPT_SECONDS;
use crate::exit::{Exit, TABLE};
use crate::ui::Ui;

/// Put a secret under automatic rotation on AWS from one YAML file, and take it away again.
#[derive(Debug, Parser)]
#[command(name = "deploy", version, after_help = TABLE, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// No progress on stderr; errors are still told
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what apply would do; reads only
    Plan(plan::Args),
    /// Create what is missing, change what differs, and check that the function can do its work
    Apply(apply::Args),
    /// Delete the stack's resources; the secret stays recoverable
    Teardown(teardown::Args),
    /// Rotate now, and prove that the version changed
    Rotate(rotate::Args),
    /// Show each resource, the current version's age, the last and the next rotations
    Status(status::Args),
    /// Say why it did not rotate, and what mends it
    Doctor(doctor::Args),
    /// Show what the function logged
    Logs(logs::Args),
    /// Check spec files; needs no AWS account
    Validate(validate::Args),
    /// Print the IAM policy of who runs a command; needs no AWS account
    Policy(policy::Args),
    /// Print the JSON Schema of spec files
    Schema(schema::Args),
    /// Print a shell's completions
    Completions(completions::Args),
    /// Print the manual page
    Man(completions::ManArgs),
}

/// Where a command's specs are.
#[derive(Debug, clap::Args)]
struct Specs {
    /// Spec files, or folders of them
    #[arg(required = true, value_name = "SPEC")]
    specs: Vec<PathBuf>,
    /// Fail on the spec's warnings
    #[arg(long, value_name = "warnings", value_parser = ["warnings"])]
    deny: Option<String>,
}

/// How AWS is called.
#[derive(Debug, Clone, Copy, clap::Args)]
struct Calls {
    /// How long one attempt of a call may take; more for a large package on a slow line
    #[arg(long, value_name = "SECONDS", default_value_t = ATTEMPT_SECONDS, value_parser = clap::value_parser!(u16).range(1..=900))]
    request_timeout: u16,
}

impl Calls {
    /// The standard AWS environment, called so.
    async fn environment(self) -> (aws_config::SdkConfig, crate::aws::LastExpiry) {
        crate::aws::environment(Duration::from_secs(self.request_timeout.into())).await
    }
}

/// What the commands have in common whose result is text or JSON.
#[derive(Debug, clap::Args)]
struct Common {
    #[command(flatten)]
    specs: Specs,
    /// Form of the result on stdout
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
}

/// Form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Output {
    /// For people
    #[default]
    Text,
    /// For programs; see docs/json.md
    Json,
}

/// Parses the arguments. Help and version go to stdout, faults to stderr; a fault is an error like any other, and not
/// clap's own 2, which means pending changes here.
///
/// # Errors
/// The code to exit with where there is nothing to run.
pub fn parse() -> Result<Cli, Exit> {
    Cli::try_parse().map_err(|error| {
        let is_fault = error.use_stderr();
        let ui = Ui::detect(false);
        if is_fault {
            let _ = error.print();
            Exit::Error
        } else {
            let is_plain = anstream::AutoStream::choice(&std::io::stdout()) == anstream::ColorChoice::Never;
            let text = error.render();
            ui.print(&Page::verbatim(if is_plain { text.to_string() } else { text.ansi().to_string() }));
            ui.end(Exit::Done)
        }
    })
}

/// The command line's own description.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs a command.
#[must_use]
pub fn run(cli: Cli) -> Exit {
    let ui = Ui::detect(cli.quiet);
    let work = async {
        match cli.command {
            Command::Plan(args) => plan::run(args, ui).await,
            Command::Apply(args) => apply::run(args, ui).await,
            Command::Teardown(args) => teardown::run(args, ui).await,
            Command::Rotate(args) => rotate::run(args, ui).await,
            Command::Status(args) => status::run(args, ui).await,
            Command::Doctor(args) => doctor::run(args, ui).await,
            Command::Logs(args) => logs::run(args, ui).await,
            Command::Validate(args) => validate::run(&args, ui),
            Command::Policy(args) => policy::run(&args, ui),
            Command::Schema(args) => schema::run(&args, ui),
            Command::Completions(args) => completions::run(&args, ui),
            Command::Man(args) => completions::man(&args, ui),
        }
    };
    // One thread does: the time goes by in waiting for answers.
    let exit = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let exit = runtime.block_on(work);
            // A question without an answer, or a name that nobody resolves, keeps no one from leaving.
            runtime.shutdown_background();
            exit
        }
        Err(error) => {
            ui.error(&format!("the process can't start its event loop: {error}"), &[]);
            Exit::Error
        }
    };
    ui.end(exit)
}
