//! `deploy plan`

use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;
use plan::plan::Plan;
use plan::render::{self, FORMAT_VERSION, Page};
use serde::Serialize;

use super::failure::{Command, FailureJson};
use super::planning::{Adopt, Planned, concurrently, to_apply};
use super::session::Pending;
use super::{saved, stacks};
use crate::exit::Exit;
use crate::ui::{Interrupt, Ui};

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    specs: super::Specs,
    #[command(flatten)]
    calls: super::Calls,
    /// Form of the result on stdout
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
    /// Exit with 2 where there are changes
    #[arg(long)]
    detailed_exitcode: bool,
    /// As apply would, take over a resource that is not the stack's, for example `secret`; with several stacks STACK/secret
    #[arg(long, value_name = "ADDRESS")]
    adopt: Vec<Adopt>,
    /// Save the plan of one stack, so that `deploy apply FILE` carries out exactly it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Form of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Output {
    /// For people
    #[default]
    Text,
    /// For programs; see docs/json.md
    Json,
    /// For a comment on a pull request
    Markdown,
}

/// What `plan --output json` writes.
#[derive(Debug, Serialize)]
struct Document<'a> {
    format_version: u32,
    changes: bool,
    stacks: Vec<&'a Plan>,
    errors: Vec<FailureJson>,
}

/// Shows each stack's plan.
pub async fn run(args: Args, ui: Ui) -> Exit {
    let loaded = stacks::load(&args.specs, stacks::Warnings::InShort, ui);
    let interrupt = Interrupt::listen(ui);
    let mut pending = Pending::of(&loaded.stacks);
    let mut exit = if loaded.failed { Exit::Error } else { Exit::Done };
    if args.out.is_some() && (loaded.failed || loaded.stacks.len() != 1) {
        ui.error(&format!("`--out` saves the plan of one stack, and {} can be planned", loaded.stacks.len()), &[]);
        return Exit::Error;
    }
    let (environment, _) = args.calls.environment().await;
    let mut results = Box::pin(concurrently(loaded.stacks, |stack| to_apply(&environment, stack, &args.adopt)));
    let (mut plans, mut failures) = (Vec::new(), Vec::new());
    while let Some(Some(result)) = interrupt.reading(results.next()).await {
        pending.told(result.as_ref().map_or_else(|(stack, _)| stack, |planned| &planned.plan.stack));
        match result {
            Ok(planned) => {
                match args.output {
                    Output::Text => ui.print(&render::plan(&planned.plan, &ui.out)),
                    Output::Markdown => ui.print(&render::markdown(&planned.plan)),
                    Output::Json => {}
                }
                if !planned.plan.refusals.is_empty() {
                    let failure = super::failure::Failure::Foreign(planned.plan.refusals.clone());
                    failure.tell(&planned.plan.stack, ui);
                    exit = exit.max(failure.exit());
                } else if let Some(failure) = planned.unmet(Command::Apply) {
                    failure.tell(&planned.plan.stack, ui);
                    exit = exit.max(failure.exit());
                    failures.push(failure.json(&planned.plan.stack));
                } else if let Some(file) = &args.out {
                    exit = exit.max(save(file, &planned, &args.adopt, ui));
                }
                plans.push(planned.plan);
            }
            Err((stack, failure)) => {
                failure.tell(&stack, ui);
                exit = exit.max(failure.exit());
                failures.push(failure.json(&stack));
            }
        }
    }
    if interrupt.is_interrupted() {
        failures.extend(pending.interrupted(ui));
        exit = Exit::Interrupted;
    }
    let changes = plans.iter().any(|plan| !plan.is_empty());
    if args.output == Output::Json {
        let stacks = plans.iter().collect();
        ui.print_json(&Document { format_version: FORMAT_VERSION, changes, stacks, errors: failures });
    }
    if changes && args.detailed_exitcode { exit.max(Exit::Changes) } else { exit }
}

fn save(file: &Path, planned: &Planned, adopt: &[Adopt], ui: Ui) -> Exit {
    match saved::write(file, planned, adopt) {
        Ok(()) => {
            let next = format!("Saved. To carry out exactly this: `deploy apply {}`", file.display());
            ui.progress(&Page::of(&next));
            Exit::Done
        }
        Err(why) => {
            ui.error(&why, &[]);
            Exit::Error
        }
    }
}
