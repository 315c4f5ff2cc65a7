//! `deploy teardown`

use futures_util::StreamExt as _;
use plan::plan::{Plan, TeardownOptions, Verb};
use plan::render::{self, Page, Paint, Styled, escaped};
use plan::resource::Kind;
use serde::Serialize;

use super::failure::{Command, unread};
use super::planning::{Planned, concurrently, observe, to_tear_down};
use super::session::Session;
use super::stacks::Warnings;
use super::{expiry, report};
use crate::aws::{Deleted, Mutator, Observer};
use crate::engine::{self, Outcome, Report};
use crate::exit::Exit;
use crate::fault::caught;
use crate::ui::{Confirmation, Interrupt, Progress, Ui, confirm, seconds};

/// Arguments of `teardown`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: super::Common,
    #[command(flatten)]
    calls: super::Calls,
    /// Do not ask for the stack's name
    #[arg(long, short)]
    yes: bool,
    /// Delete the secret at once and for ever, whatever the spec says
    #[arg(long)]
    force_delete_secret: bool,
}

/// What `teardown --output json` writes of a stack.
#[derive(Debug, Serialize)]
struct StackJson {
    stack: String,
    resources: Vec<report::ResourceJson>,
    gone: Vec<String>,
    kept: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_recoverable_until: Option<String>,
    left_over: Vec<String>,
}

/// Shows what goes, asks, deletes, and looks again.
pub async fn run(args: Args, ui: Ui) -> Exit {
    let options = TeardownOptions { force_delete_secret: args.force_delete_secret };
    let (mut session, stacks) = Session::begin(&args.common, Warnings::Untold, ui);
    let interrupt = Interrupt::listen(ui);
    let (environment, expiry) = args.calls.environment().await;
    let mut results = Box::pin(concurrently(stacks, |stack| to_tear_down(&environment, stack, options)));
    let mut ready = Vec::new();
    while let Some(Some(result)) = interrupt.reading(results.next()).await {
        match result {
            Ok(planned) => {
                session.show(|palette| render::teardown(&planned.plan, palette));
                match planned.unmet(Command::Teardown) {
                    Some(failure) => session.failed(&planned.plan.stack, &failure),
                    None => ready.push(planned),
                }
            }
            Err((stack, failure)) => session.failed(&stack, &failure),
        }
    }
    let taken = ready.iter().map(|planned| (planned, options.on_secret(&planned.stack.spec)));
    expiry::warn(&expiry, "teardown", taken, ui);
    for planned in ready.iter().filter(|planned| !planned.plan.is_empty()) {
        if !args.yes && interrupt.reading(is_confirmed(&planned.plan.stack, ui)).await != Some(true) {
            session.worst(Exit::Error);
            return session.end(&interrupt);
        }
    }
    if interrupt.is_interrupted() {
        return session.end(&interrupt);
    }
    if ready.iter().any(|planned| !planned.plan.is_empty()) {
        interrupt.changes_begin();
    }
    let bars = Progress::display(ui);
    let several = ready.len() > 1;
    let work = ready.into_iter().map(|planned| {
        let progress = Progress::new(ui, bars.clone(), several.then(|| planned.plan.stack.clone()));
        tear_down(planned, options, &interrupt, progress)
    });
    let mut results = Box::pin(futures_util::stream::iter(work).buffered(super::planning::CONCURRENT_STACKS));
    while let Some(torn_down) = results.next().await {
        session.worst(tell(&torn_down, session.is_text(), &interrupt, ui));
        session.done(&torn_down.planned.plan.stack.clone(), torn_down.json());
    }
    session.end(&interrupt)
}

async fn is_confirmed(stack: &str, ui: Ui) -> bool {
    let question = format!("Type the stack's name, {stack}, to tear it down:");
    match confirm(&question, stack.to_owned()).await {
        Confirmation::Given => true,
        Confirmation::Declined => {
            ui.note(&Page::of("Not torn down. Nothing was changed."));
            false
        }
        Confirmation::NoTerminal => {
            ui.error("there is no terminal to ask on", &["run again with --yes; nothing was changed".to_owned()]);
            false
        }
    }
}

/// What became of one stack.
struct TornDown {
    planned: Planned,
    report: Report,
    deleted: Option<Deleted>,
    looked: Result<Vec<String>, String>,
}

impl TornDown {
    /// What was to be deleted and is, or what was to be kept.
    fn names(&self, verb: Verb) -> Vec<String> {
        let outcomes = &self.report.outcomes;
        let is_done = |kind| outcomes.iter().any(|(one, outcome)| *one == kind && matches!(outcome, Outcome::Done(_)));
        let actions = self.planned.plan.actions.iter().filter(|action| action.verb == verb);
        let actions = actions.filter(|action| !action.is_pending() || is_done(action.kind));
        actions.map(|action| format!("{} {}", action.kind, action.name)).collect()
    }

    fn json(self) -> StackJson {
        let (mut gone, mut kept) = (self.names(Verb::Delete), self.names(Verb::Keep));
        // Its deletion was scheduled already, and only who asked for that knows until when it can be recovered.
        if self.deleted == Some(Deleted::Recoverable(None)) {
            let secret = format!("{} {}", Kind::Secret, self.planned.desired.name(Kind::Secret));
            gone.retain(|name| *name != secret);
            kept.push(secret);
        }
        let until = match self.deleted {
            Some(Deleted::Recoverable(until)) => until,
            _ => None,
        };
        StackJson {
            resources: report::resources(&self.planned.plan, &self.report),
            gone,
            kept,
            left_over: self.looked.unwrap_or_else(|why| vec![why]),
            secret_recoverable_until: until,
            stack: self.planned.plan.stack,
        }
    }
}

async fn tear_down(planned: Planned, options: TeardownOptions, interrupt: &Interrupt, progress: Progress) -> TornDown {
    let (desired, live) = (planned.desired.clone(), planned.live.clone());
    let how = options.on_secret(&planned.stack.spec);
    let mutator =
        Mutator::to_tear_down(planned.clients.clone(), desired, live, how).stopped_by(interrupt.stop.gently.clone());
    let report = engine::run(&planned.plan, &mutator, &interrupt.stop, &|event| progress.tell(event)).await;
    let changed = !planned.plan.is_empty() && report.is_done();
    let looked = match changed.then(|| caught(left_over(&planned, options))) {
        Some(looked) => match interrupt.reading(looked).await {
            Some(looked) => looked.unwrap_or_else(|fault| Err(fault.to_string())),
            None => Err("interrupted".to_owned()),
        },
        None => Ok(Vec::new()),
    };
    TornDown { deleted: mutator.deleted_secret(), planned, report, looked }
}

/// Looks again: what should be gone, and is there.
async fn left_over(planned: &Planned, options: TeardownOptions) -> Result<Vec<String>, String> {
    let observed = observe(&Observer::new(planned.clients.clone()), &planned.stack).await;
    let observed = observed.map_err(|failure| unread(&failure))?;
    let again = plan::teardown::teardown(&planned.stack.spec, &planned.desired, &observed.live, options);
    let pending = again.actions.iter().filter(|action| action.is_pending());
    Ok(pending.map(|action| format!("{} {}", action.kind, action.name)).collect())
}

fn tell(torn_down: &TornDown, is_text: bool, interrupt: &Interrupt, ui: Ui) -> Exit {
    let TornDown { planned, report, deleted, looked } = torn_down;
    let plan = &planned.plan;
    if !report.is_done() {
        report::unfinished(plan, report, &format!("teardown {}", planned.stack.origin), ui);
        return report::exit(report, interrupt.is_interrupted());
    }
    if is_text && !plan.is_empty() {
        ui.print(&ending(plan, report, deleted.as_ref(), ui));
    }
    // A group with somebody else's schedules in it stays as a foreign resource does, and is no success either.
    let shared = plan.actions.iter().filter(|action| action.verb == Verb::Keep && action.kind == Kind::ScheduleGroup);
    let foreign = plan.refusals.iter().map(|refusal| format!("{} {}", refusal.kind, refusal.name));
    let foreign: Vec<String> = foreign.chain(shared.map(|group| format!("{} {}", group.kind, group.name))).collect();
    if !foreign.is_empty() {
        ui.error(&format!("stack {}: left alone what is not this stack's", plan.stack), &foreign);
    }
    let renamed: Vec<String> = plan.renamed.iter().map(|one| format!("{} {}", one.kind, one.name)).collect();
    if !renamed.is_empty() {
        let what = "left under names that are not the spec's; the commands are above";
        ui.error(&format!("stack {}: {what}", plan.stack), &renamed);
    }
    match looked {
        Ok(left) if left.is_empty() && foreign.is_empty() && renamed.is_empty() => Exit::Done,
        Ok(left) if left.is_empty() => Exit::Refused,
        Ok(left) => {
            ui.error(&format!("stack {}: still there after the teardown; run it again", plan.stack), left);
            Exit::Error
        }
        Err(why) => {
            ui.error(
                &format!("stack {}: torn down, but it was not looked at again", plan.stack),
                &[why.clone(), "next: run it again, to see that nothing is left".to_owned()],
            );
            Exit::Error
        }
    }
}

fn ending(plan: &Plan, report: &Report, deleted: Option<&Deleted>, ui: Ui) -> Page {
    let (good, attention, faint) = (ui.out.good(), ui.out.attention(), ui.out.faint());
    let mut page = Page::new();
    page.blank();
    let _ = writeln!(page, "{good}Torn down.{good:#} {} in {}:", plan.stack, seconds(report.elapsed));
    let width = plan.actions.iter().map(|action| escaped(&action.name).chars().count()).max().unwrap_or(0);
    for action in &plan.actions {
        let (style, fate, note) = match (action.verb, action.kind, deleted) {
            (Verb::Delete, Kind::Secret, Some(Deleted::Recoverable(Some(date)))) => {
                (attention, format!("recoverable until {date}"), None)
            }
            (Verb::Delete, Kind::Secret, Some(Deleted::Recoverable(None))) => {
                (attention, "recoverable; its deletion was scheduled already".to_owned(), None)
            }
            (Verb::Keep | Verb::NoOp, ..) => (attention, "kept".to_owned(), action.note.as_deref()),
            (Verb::Delete, Kind::Function, _) => (Paint::default(), "gone".to_owned(), action.note.as_deref()),
            _ => (Paint::default(), "gone".to_owned(), None),
        };
        let (name, fate) = (escaped(&action.name), Styled(style, fate));
        let _ = match note {
            Some(note) => writeln!(page, "  {:<14}  {name:<width$}  {fate}  {faint}{note}{faint:#}", action.kind),
            None => writeln!(page, "  {:<14}  {name:<width$}  {fate}", action.kind),
        };
    }
    if matches!(deleted, Some(Deleted::Recoverable(_))) {
        let _ = writeln!(page, "The next `deploy apply` restores the secret, value and all.");
    }
    page
}
