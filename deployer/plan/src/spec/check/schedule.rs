//! The schedule: its name, the role that invokes, its time zone and its expression.

use super::{Context, DOTTED, NameRule, is_account};
use crate::naming::partition;
use crate::spec::schedule::Expression;
use crate::spec::suggest::nearest;

const NAME: NameRule = NameRule { code: "schedule-name", ..DOTTED };
/// How the names of FIFO queues end.
const FIFO: &str = ".fifo";
/// What the invoke role's name adds to the schedule's.
const INVOKE: &str = "-invoke";

/// Checks the schedule, and gives its expression where that is valid.
pub(super) fn check(cx: &mut Context<'_>) -> Option<Expression> {
    name(cx);
    timezone(cx);
    dead_letter_queue(cx);
    let text = &cx.spec.schedule.expression;
    cx.place("schedule.expression")?;
    match Expression::parse(text) {
        Ok(expression) => Some(expression),
        Err(fault) => {
            let span = cx.part("schedule.expression", text, fault.span);
            cx.error("schedule-expression", span, fault.message, "here", fault.help);
            None
        }
    }
}

fn name(cx: &mut Context<'_>) {
    let name = &cx.spec.schedule.name;
    let length = name.len() + INVOKE.len();
    // The stack's own check has told what is wrong with a default.
    let given = cx.place("schedule.name").is_some();
    if given && !cx.name("schedule.name", &[], name, &NAME) {
        return;
    }
    if length > NAME.max && name.len() <= NAME.max {
        let span = cx.first_place(&["schedule.name", "name"]);
        let message = format!(
            "the invoke role `{name}{INVOKE}` would be {length} characters long, and IAM takes {max}",
            max = NAME.max
        );
        let help = format!("set `schedule.name`: at most {} characters", NAME.max - INVOKE.len());
        cx.error("schedule-name", span, message, "too long for its role", help);
    }
}

fn timezone(cx: &mut Context<'_>) {
    let zone = &cx.spec.schedule.timezone;
    let Some(span) = cx.place("schedule.timezone") else {
        return;
    };
    let database = jiff::tz::TimeZoneDatabase::bundled();
    // The database looks names up in any case; AWS takes them as they are written.
    let known = database.get(zone).ok().and_then(|found| found.iana_name().map(str::to_owned));
    if known.as_deref() == Some(zone) {
        return;
    }
    let names: Vec<String> = database.available().map(|name| name.to_string()).collect();
    let near = known.or_else(|| nearest(zone, names.iter().map(String::as_str)).map(str::to_owned));
    let help = near.map_or_else(
        || "write for example `timezone: Europe/Berlin`".to_owned(),
        |near| format!("did you mean `timezone: {near}`?"),
    );
    cx.error("timezone", span, format!("`{zone}` is no IANA time zone"), "not known", help);
}

/// EventBridge Scheduler takes standard queues of its own region.
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html>
fn dead_letter_queue(cx: &mut Context<'_>) {
    const PATH: &str = "schedule.dead_letter_queue";
    let Some((arn, span)) = cx.spec.schedule.dead_letter_queue.as_deref().zip(cx.place(PATH)) else { return };
    let region = &cx.spec.region;
    let parts: Vec<&str> = arn.split(':').collect();
    let sound = match parts[..] {
        ["arn", part, "sqs", place, account, name] if is_account(account) && is_queue(name) => {
            Some((part == partition(region) && place == region, name))
        }
        _ => None,
    };
    let (message, label, help) = match sound {
        Some((_, name)) if name.ends_with(FIFO) => {
            let help = "name a standard queue; EventBridge Scheduler takes no other";
            (format!("`{PATH}` must be a standard queue"), "a FIFO queue", help.to_owned())
        }
        Some((true, _)) => return,
        Some((false, name)) => {
            let help = format!("name a queue of {region}, as in `arn:{}:sqs:{region}:...:{name}`", partition(region));
            (format!("`{PATH}` must be in the stack's region"), "another region", help)
        }
        None => {
            let account = Some(cx.spec.account.as_str()).filter(|account| is_account(account)).unwrap_or("ACCOUNT");
            let help = format!("write `dead_letter_queue: arn:{}:sqs:{region}:{account}:NAME`", partition(region));
            (format!("`{PATH}` must be the ARN of an SQS queue"), "no queue's ARN", help)
        }
    };
    cx.error("dead-letter-queue", span, message, label, help);
}

fn is_queue(name: &str) -> bool {
    let plain = name.strip_suffix(FIFO).unwrap_or(name);
    let sound = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !plain.is_empty() && name.len() <= 80 && plain.bytes().all(sound)
}
