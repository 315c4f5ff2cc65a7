//! `deploy validate`

use plan::render::{FORMAT_VERSION, Page};
use plan::spec::schedule::Expression;
use plan::spec::{Every, Managed, Trigger};
use serde::Serialize;

use super::Output;
use super::stacks::{self, Checked, Stack};
use crate::exit::Exit;
use crate::ui::Ui;

/// How many of a schedule's next times are shown.
const NEXT_TIMES: usize = 3;

/// Arguments of `validate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: super::Common,
}

/// What `validate --output json` writes.
#[derive(Debug, Serialize)]
struct Document {
    format_version: u32,
    specs: Vec<Checked>,
}

/// Checks spec files, offline.
pub fn run(args: &Args, ui: Ui) -> Exit {
    let loaded = stacks::load(&args.common.specs, stacks::Warnings::InFull, ui);
    match args.common.output {
        Output::Json => ui.print_json(&Document { format_version: FORMAT_VERSION, specs: loaded.checked }),
        Output::Text => loaded.stacks.iter().for_each(|stack| ui.print(&valid(stack, ui))),
    }
    if loaded.failed { Exit::Error } else { Exit::Done }
}

fn valid(stack: &Stack, ui: Ui) -> Page {
    let (good, faint) = (ui.out.good(), ui.out.faint());
    let mut text = Page::new();
    let _ = writeln!(text, "{good}✓{good:#} {}  {faint}stack {}{faint:#}", stack.origin, stack.spec.name);
    let described = |expression: &str| Expression::parse(expression).map(|e| e.describe()).unwrap_or_default();
    let _ = match &stack.spec.trigger {
        Trigger::Schedule => {
            let expression = &stack.spec.schedule.expression;
            writeln!(text, "  {expression}  {}", described(expression))
        }
        Trigger::Managed(Managed { every: Every::Days(days), .. }) => {
            writeln!(text, "  every {days} days, by Secrets Manager")
        }
        Trigger::Managed(Managed { every: Every::Expression(expression), .. }) => {
            writeln!(text, "  {expression}  {}, by Secrets Manager", described(expression))
        }
    };
    for time in next_times(stack, jiff::Timestamp::now(), NEXT_TIMES) {
        let _ = writeln!(text, "  next  {}", time.strftime("%a %Y-%m-%d %H:%M %Z"));
    }
    text
}

/// When the stack's schedule fires next, in its time zone; never where it is disabled. When Secrets Manager rotates is
/// Secrets Manager's to say.
pub fn next_times(stack: &Stack, now: jiff::Timestamp, count: usize) -> Vec<jiff::Zoned> {
    let schedule = &stack.spec.schedule;
    let zone = jiff::tz::TimeZoneDatabase::bundled().get(&schedule.timezone);
    match (Expression::parse(&schedule.expression), zone) {
        (Ok(expression), Ok(zone)) if schedule.enabled && stack.spec.trigger == Trigger::Schedule => {
            expression.next(now, &zone, count)
        }
        _ => Vec::new(),
    }
}
