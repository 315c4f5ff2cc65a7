//! `deploy doctor`

mod fix;
mod gather;

use futures_util::StreamExt as _;
use plan::doctor::{Finding, Level, examine};
use plan::render::{self, Page};
use plan::resource::Kind;
use serde::Serialize;

use self::fix::Fixed;
use self::gather::{Gathered, gather};
use super::failure::Failure;
use super::planning::concurrently;
use super::session::Session;
use super::stacks::Warnings;
use crate::exit::Exit;
use crate::ui::{Confirmation, Interrupt, Ui, confirm};

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: super::Common,
    #[command(flatten)]
    calls: super::Calls,
    /// Take away staging labels that have served, and a pending value that the target refuses
    #[arg(long)]
    fix: bool,
    /// Do not ask before fixing
    #[arg(long, short, requires = "fix")]
    yes: bool,
}

/// What `doctor --output json` writes of a stack.
#[derive(Debug, Serialize)]
struct StackJson {
    stack: String,
    healthy: bool,
    findings: Vec<Finding>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixed: Vec<Fixed>,
}

/// A stack with what was found.
struct Examined {
    gathered: Gathered,
    findings: Vec<Finding>,
}

impl Examined {
    fn is_fixable(&self) -> bool {
        self.findings.iter().any(|finding| !finding.fixes.is_empty())
    }
}

/// Examines each stack, and mends what is safe to mend where that is asked for.
pub async fn run(args: Args, ui: Ui) -> Exit {
    let (mut session, stacks) = Session::begin(&args.common, Warnings::Untold, ui);
    let interrupt = Interrupt::listen(ui);
    let (environment, _) = args.calls.environment().await;
    let mut results = Box::pin(concurrently(stacks, |stack| gather(&environment, stack)));
    let mut examined = Vec::new();
    while let Some(Some(result)) = interrupt.reading(results.next()).await {
        match result {
            Ok(gathered) => {
                let findings = examine(&gathered.evidence());
                session.show(|palette| render::doctor(&gathered.planned.stack.spec, &findings, palette));
                examined.push(Examined { gathered, findings });
            }
            Err((stack, failure)) => session.failed(&stack, &failure),
        }
    }
    let goes_ahead = args.fix
        && !interrupt.is_interrupted()
        && interrupt.reading(may_fix(&mut session, &examined, args.yes, ui)).await == Some(true);
    if goes_ahead {
        interrupt.changes_begin();
    }
    for Examined { gathered, findings } in examined {
        let fixed = if goes_ahead && !has_foreign(&gathered) {
            fix::all(&gathered, &findings, &interrupt, ui).await
        } else {
            Vec::new()
        };
        let healthy = findings.iter().all(|finding| finding.level != Level::Problem || fix::is_done(finding, &fixed));
        if !healthy || fixed.iter().any(Fixed::is_failure) {
            session.worst(Exit::Error);
        }
        let stack = gathered.planned.plan.stack;
        session.done(&stack.clone(), StackJson { stack, healthy, findings, fixed });
    }
    session.end(&interrupt)
}

fn has_foreign(gathered: &Gathered) -> bool {
    gathered.planned.plan.refusals.iter().any(|refusal| matches!(refusal.kind, Kind::Secret | Kind::Function))
}

/// Whether there is something to fix, and somebody wants it.
async fn may_fix(session: &mut Session<StackJson>, examined: &[Examined], yes: bool, ui: Ui) -> bool {
    for one in examined.iter().filter(|one| has_foreign(&one.gathered)) {
        let plan = &one.gathered.planned.plan;
        session.failed(&plan.stack, &Failure::Foreign(plan.refusals.clone()));
    }
    let fixable = examined.iter().filter(|one| one.is_fixable() && !has_foreign(&one.gathered));
    let names: Vec<&str> = fixable.map(|one| one.gathered.planned.plan.stack.as_str()).collect();
    if names.is_empty() {
        ui.note(&Page::of("There is nothing that --fix could mend."));
        return false;
    }
    if yes {
        return true;
    }
    let question = format!("Take these labels away in {}? Only `yes` is taken for a yes:", names.join(", "));
    match confirm(&question, "yes".to_owned()).await {
        Confirmation::Given => return true,
        Confirmation::Declined => ui.note(&Page::of("Not fixed. Nothing was changed.")),
        Confirmation::NoTerminal => {
            let next = "read the findings, then run again with --yes; nothing was changed";
            ui.error("there is no terminal to ask on", &[next.to_owned()]);
        }
    }
    session.worst(Exit::Error);
    false
}
