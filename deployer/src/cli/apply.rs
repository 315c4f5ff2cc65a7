//! `deploy apply`

use std::io::ErrorKind;

use contract::Answer;
use futures_util::StreamExt as _;
use plan::plan::{Action, Verb};
use plan::render::{self, Page};
use plan::resource::Kind;
use plan::saved::Saved;
use plan::spec::{Initial, OnTeardown};
use serde::Serialize;

use super::failure::{Command, Failure};
use super::planning::{Adopt, CONCURRENT_STACKS, Planned, concurrently, to_apply};
use super::session::Session;
use super::stacks::{Stack, Warnings};
use super::verify::Verdict;
use super::{expiry, report, saved, verify};
use crate::aws::{Mutator, Wait};
use crate::engine::{self, Report};
use crate::exit::Exit;
use crate::fault::caught;
use crate::initial::{self, InitialError, InitialValue};
use crate::ui::{Confirmation, Interrupt, Progress, Terminal, Ui, confirm, distinct, seconds};

/// Arguments of `apply`.
#[derive(Debug, clap::Args)]
#[command(after_help = SAVED)]
pub struct Args {
    #[command(flatten)]
    common: super::Common,
    #[command(flatten)]
    calls: super::Calls,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Take over a resource that is not the stack's, for example `secret`; with several stacks STACK/secret
    #[arg(long, value_name = "ADDRESS")]
    adopt: Vec<Adopt>,
    /// Do not invoke the function to see whether it can do its work
    #[arg(long)]
    skip_self_check: bool,
}

const SAVED: &str = "\
A plan that `deploy plan --out FILE` saved is given in place of the specs: `deploy apply FILE`. It is carried out exactly as \
it was saved, without a question. Where its spec or a resource has changed since, nothing is changed, and the exit code is 4.";

/// What `apply --output json` writes of a stack.
#[derive(Debug, Serialize)]
struct StackJson {
    stack: String,
    changed: bool,
    resources: Vec<report::ResourceJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    self_check: Option<Answer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// A plan that may be carried out, with the first value of a secret that it creates.
struct Ready {
    planned: Planned,
    initial: Option<InitialValue>,
    saved: Option<Saved>,
}

/// Plans all stacks, asks once, and applies them at the same time.
pub async fn run(mut args: Args, ui: Ui) -> Exit {
    let taken = saved::take(&mut args.common.specs, &args.adopt);
    let (mut session, stacks) = Session::begin(&args.common, Warnings::InShort, ui);
    let interrupt = Interrupt::listen(ui);
    let saved = match taken {
        Ok(saved) => saved,
        Err((named, failure)) => {
            session.failed(&named, &failure);
            return session.end(&interrupt);
        }
    };
    if let Some(saved) = &saved {
        args.adopt = saved.adopt.iter().map(|&kind| kind.into()).collect();
    }
    let (environment, expiry) = args.calls.environment().await;
    let mut results = Box::pin(concurrently(stacks, |stack| to_apply(&environment, stack, &args.adopt)));
    let mut ready = Vec::new();
    while let Some(Some(result)) = interrupt.reading(results.next()).await {
        let checked = match result {
            Ok(planned) => {
                session.show(|palette| render::plan(&planned.plan, palette));
                let Some(checked) = interrupt.reading(prepare(planned, saved.clone())).await else { break };
                checked
            }
            Err(failed) => Err(failed),
        };
        match checked {
            Ok(one) if one.planned.plan.is_empty() => session.done(&one.planned.plan.stack, unchanged(&one)),
            Ok(one) => ready.push(one),
            Err((stack, failure)) => session.failed(&stack, &failure),
        }
    }
    if ready.is_empty() || interrupt.is_interrupted() {
        return session.end(&interrupt);
    }
    expiry::warn(&expiry, "apply", ready.iter().map(|one| (&one.planned, OnTeardown::Keep)), ui);
    if saved.is_none() && interrupt.reading(is_confirmed(&ready, &args, ui)).await != Some(true) {
        session.worst(Exit::Error);
        return session.end(&interrupt);
    }
    interrupt.changes_begin();
    apply_all(ready, &args, &interrupt, &mut session, ui).await;
    session.end(&interrupt)
}

/// Refuses what may not be applied, and gets the first value before anything is changed.
async fn prepare(planned: Planned, saved: Option<Saved>) -> super::planning::Result<Ready> {
    if let Some(saved) = &saved {
        saved::check(saved, &planned)?;
    }
    let named = |failure| (planned.plan.stack.clone(), failure);
    if !planned.plan.refusals.is_empty() {
        return Err(named(Failure::Foreign(planned.plan.refusals.clone())));
    }
    if let Some(failure) = planned.unmet(Command::Apply) {
        return Err(named(failure));
    }
    let creates = planned.plan.action(Kind::Secret).is_some_and(|action| action.verb == Verb::Create);
    let initial = if creates {
        Some(first_value(&planned.stack).await.map_err(|error| named(Failure::Initial(error)))?)
    } else {
        None
    };
    Ok(Ready { planned, initial, saved })
}

/// Asking for it, or reading it from a pipe, blocks, and signals have to be heard meanwhile.
async fn first_value(stack: &Stack) -> Result<InitialValue, InitialError> {
    let _terminal = (stack.spec.secret.initial == Initial::Prompt).then(Terminal::remembered);
    let (spec, folder) = (stack.spec.clone(), stack.folder.clone());
    match tokio::task::spawn_blocking(move || initial::obtain(&spec, &folder)).await {
        // Ctrl-C at the prompt is a signal like any other, which is about to be heard.
        Ok(Err(InitialError::NoTerminal(why))) if why.kind() == ErrorKind::Interrupted => std::future::pending().await,
        Ok(obtained) => obtained,
        Err(fault) => std::panic::resume_unwind(fault.into_panic()),
    }
}

fn unchanged(ready: &Ready) -> StackJson {
    let stack = ready.planned.plan.stack.clone();
    StackJson { stack, changed: false, resources: vec![], self_check: None, error: None }
}

async fn is_confirmed(ready: &[Ready], args: &Args, ui: Ui) -> bool {
    if args.yes {
        return true;
    }
    let names: Vec<&str> = ready.iter().map(|one| one.planned.plan.stack.as_str()).collect();
    let question = format!("Apply these changes to {}? Only `yes` is taken for a yes:", names.join(", "));
    match confirm(&question, "yes".to_owned()).await {
        Confirmation::Given => true,
        Confirmation::Declined => {
            ui.note(&Page::of("Not applied. Nothing was changed."));
            false
        }
        Confirmation::NoTerminal => {
            let next = "review the plan, then run again with --yes; nothing was changed";
            ui.error("there is no terminal to ask on", &[next.to_owned()]);
            false
        }
    }
}

async fn apply_all(ready: Vec<Ready>, args: &Args, interrupt: &Interrupt, session: &mut Session<StackJson>, ui: Ui) {
    let several = ready.len() > 1;
    let bars = Progress::display(ui);
    ui.progress(&Page::of("\n"));
    let work = ready.into_iter().map(|one| {
        let progress = Progress::new(ui, bars.clone(), several.then(|| one.planned.plan.stack.clone()));
        apply_one(one, args, interrupt, progress)
    });
    let mut results = Box::pin(futures_util::stream::iter(work).buffered(CONCURRENT_STACKS));
    while let Some(applied) = results.next().await {
        session.worst(tell(&applied, session.is_text(), interrupt, ui));
        session.done(&applied.planned.plan.stack.clone(), applied.json());
    }
}

/// What became of one stack.
struct Applied {
    planned: Planned,
    report: Report,
    verified: Result<Option<(Answer, Verdict)>, String>,
    is_saved: bool,
}

impl Applied {
    fn json(self) -> StackJson {
        let resources = report::resources(&self.planned.plan, &self.report);
        let (self_check, error) = match self.verified {
            Ok(checked) => (checked.map(|(answer, _)| answer), None),
            Err(why) => (None, Some(why)),
        };
        StackJson { stack: self.planned.plan.stack, changed: true, resources, self_check, error }
    }
}

async fn apply_one(ready: Ready, args: &Args, interrupt: &Interrupt, progress: Progress) -> Applied {
    let Ready { planned, initial, saved } = ready;
    let is_saved = saved.is_some();
    let (desired, live) = (planned.desired.clone(), planned.live.clone());
    let zip = planned.package.as_ref().map(|package| package.bytes.to_vec()).unwrap_or_default();
    let mutator = Mutator::to_apply(planned.clients.clone(), desired, live, zip, initial)
        .stopped_by(interrupt.stop.gently.clone())
        .only_as_saved(saved.map(|saved| saved.live));
    let report = engine::run(&planned.plan, &mutator, &interrupt.stop, &|event| progress.tell(event)).await;
    let notify = distinct(|why| progress.note(&format!("self-check  {why}")));
    let wait = Wait::to_invoke(&notify, &interrupt.stop.gently);
    let verified = match report.is_done().then(|| caught(verified(&planned, args, wait))) {
        Some(verified) => match interrupt.reading(verified).await {
            Some(verified) => verified.unwrap_or_else(|fault| Err(fault.to_string())),
            None => Err("interrupted before all of it was read back".to_owned()),
        },
        None => Ok(None),
    };
    Applied { planned, report, verified, is_saved }
}

async fn verified(planned: &Planned, args: &Args, wait: Wait<'_>) -> Result<Option<(Answer, Verdict)>, String> {
    let function = &planned.desired.function.name;
    if args.skip_self_check {
        return verify::read_back(planned).await.map(|_| None);
    }
    let (read, check) = tokio::join!(verify::read_back(planned), verify::self_check(&planned.clients, function, wait));
    read?;
    let judged = check.and_then(|answer| {
        let verdict = verify::judge(&answer, &planned.stack.spec.target)?;
        Ok(Some((answer, verdict)))
    });
    judged.map_err(|why| format!("the function can't do its work: {why}"))
}

fn tell(applied: &Applied, is_text: bool, interrupt: &Interrupt, ui: Ui) -> Exit {
    let Applied { planned, report, verified, is_saved } = applied;
    let stack = &planned.plan.stack;
    if !report.is_done() {
        report::unfinished(&planned.plan, report, &format!("apply {}", planned.stack.origin), ui);
        let exit = report::exit(report, interrupt.is_interrupted());
        let is_stale = *is_saved && exit == Exit::Error && report::is_stale(report);
        return if is_stale { Exit::Stale } else { exit };
    }
    match verified {
        Ok(checked) => {
            if is_text {
                let (good, counts) = (ui.out.good(), counts(&planned.plan.actions));
                let took = seconds(report.elapsed);
                let mut page = Page::new();
                page.blank();
                let _ = writeln!(page, "{good}Applied.{good:#} {stack}: {counts} in {took}.");
                page.extend(&Page::of(&healthy(checked.as_ref().map(|(_, verdict)| *verdict), planned)));
                ui.print(&page);
            }
            Exit::Done
        }
        Err(why) => {
            let applied = format!("everything was applied: {}; nothing was rotated", counts(&planned.plan.actions));
            let next = format!("next: `deploy doctor {}`, which shows the cause and the fix", planned.stack.origin);
            ui.error(&format!("stack {stack}: {why}"), &[applied, next]);
            Exit::Error
        }
    }
}

fn counts(actions: &[Action]) -> String {
    let count = |verb| actions.iter().filter(|action| action.verb == verb).count();
    let told = [
        (Verb::Create, "created"),
        (Verb::Restore, "restored"),
        (Verb::Update, "updated"),
        (Verb::Replace, "replaced"),
        (Verb::Delete, "deleted"),
    ];
    let told = told.map(|(verb, word)| (count(verb), word));
    told.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect::<Vec<_>>().join(", ")
}

fn healthy(verdict: Option<Verdict>, planned: &Planned) -> String {
    let read_back = "Everything reads back as planned";
    match verdict {
        Some(Verdict::Works) => {
            format!("{read_back}, and the function's self-check passed: it can rotate the secret.")
        }
        Some(Verdict::AfterRotation) => format!(
            "{read_back}, and the function can rotate the secret. The target does not accept the present value, as it has \
             not been told a first one:\nnext: `deploy rotate {}`",
            planned.stack.origin
        ),
        None => format!("{read_back}."),
    }
}
