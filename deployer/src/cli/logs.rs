//! `deploy logs`

use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use plan::naming::Names;
use plan::render::{Page, Styled};

use super::failure::explain;
use super::planning::concurrently;
use super::stacks::{self, Stack};
use crate::aws::{Clients, Error, LogLine};
use crate::exit::Exit;
use crate::ui::{Interrupt, Ui};

/// Pause between two looks with `--follow`.
const PAUSE: Duration = Duration::from_secs(2);

/// Arguments of `logs`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    specs: super::Specs,
    #[command(flatten)]
    calls: super::Calls,
    /// How far to look back, for example `30m`, `12h`, `2d`
    #[arg(long, default_value = "1h", value_name = "TIME")]
    since: jiff::Span,
    /// Go on until Ctrl-C
    #[arg(long, short)]
    follow: bool,
}

/// Prints what the functions logged: one stack after the other, or all as it comes with `--follow`.
pub async fn run(args: Args, ui: Ui) -> Exit {
    let loaded = stacks::load(&args.specs, stacks::Warnings::Untold, ui);
    let interrupt = Interrupt::listen(ui);
    let mut exit = if loaded.failed { Exit::Error } else { Exit::Done };
    let now = jiff::Timestamp::now();
    let Ok(since) = now.to_zoned(jiff::tz::TimeZone::UTC).checked_sub(args.since) else {
        ui.error("--since goes back too far", &[]);
        return Exit::Error;
    };
    let (environment, _) = args.calls.environment().await;
    let several = loaded.stacks.len() > 1;
    let mut seen = HashSet::new();
    loop {
        let (environment, since) = (&environment, since.timestamp());
        let read = |stack: Stack| async move {
            let lines = read(environment, &stack, since).await;
            (stack.spec.name, lines)
        };
        let mut results = Box::pin(concurrently(loaded.stacks.clone(), read));
        while let Some(Some((stack, result))) = interrupt.reading(results.next()).await {
            match result {
                Ok(lines) => lines.iter().filter(|line| seen.insert(line.id.clone())).for_each(|line| {
                    ui.print(&text(several.then_some(&stack), line, ui));
                }),
                Err(error) => {
                    ui.error(&format!("stack {stack}: {}", explain(&error)), &[]);
                    exit = exit.max(Exit::Error);
                }
            }
        }
        // Nobody is to wait for more of what nobody reads.
        let is_over = !args.follow || exit == Exit::Error || ui.is_result_lost();
        if !is_over {
            interrupt.reading(tokio::time::sleep(PAUSE)).await;
        }
        if interrupt.is_interrupted() {
            return Exit::Interrupted;
        }
        if is_over {
            return exit;
        }
    }
}

async fn read(
    environment: &aws_config::SdkConfig,
    stack: &Stack,
    since: jiff::Timestamp,
) -> Result<Vec<LogLine>, Error> {
    let clients = Clients::new(environment, &stack.spec.region);
    clients.logs(&Names::of(&stack.spec).log_group(), since).await
}

/// One event is one line, whatever it has in it. Lambda's own lines have tabs.
fn text(stack: Option<&String>, line: &LogLine, ui: Ui) -> Page {
    let stack = stack.map(|stack| format!("{stack} ")).unwrap_or_default();
    let time = line.time.map(|time| format!("{time:.3} ")).unwrap_or_default();
    let (stack, time) = (Styled(ui.out.strong(), stack), Styled(ui.out.faint(), time));
    let mut page = Page::new();
    let _ = writeln!(page, "{stack}{time}{}", line.text.replace('\t', "  "));
    page
}
