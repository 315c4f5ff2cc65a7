//! The schedule: its name, the role that invokes, its time zone and its expression.

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::{Arn, Context, DOTTED, NameRule, is_account};
use crate::naming::partition;
use crate::spec::model::{Spec, Trigger};
use crate::spec::schedule::Expression;
use crate::spec::suggest::nearest;

const NAME: NameRule = NameRule { code: "schedule-name", ..DOTTED };
/// Before the first time that AWS takes.
pub(super) const DAWN: Timestamp = Timestamp::constant(-86_400, 0);
/// How the names of FIFO queues end.
const FIFO: &str = ".fifo";
/// What the invoke role's name adds to the schedule's.
const INVOKE: &str = "-invoke";

/// Checks the schedule, and gives its expression where that is valid.
pub(super) fn check(cx: &mut Context<'_>) -> Option<Expression> {
    timezone(cx);
    dead_letter_queue(cx);
    let text = &cx.spec.schedule.expression;
    cx.place("schedule.expression")?;
    match Expression::parse(text) {
        Ok(expression) => fires(cx, &expression).then_some(expression),
        Err(fault) => {
            let span = cx.part("schedule.expression", text, fault.span);
            cx.error("schedule-expression", span, fault.message, "here", fault.help);
            None
        }
    }
}

/// Whether it fires at all, and again where it is to.
///
/// EventBridge Scheduler was seen to take a time that is past; so only the deployer tells.
fn fires(cx: &mut Context<'_>, expression: &Expression) -> bool {
    const EXAMPLE: &str = "write for example `rate(30 days)`, or `cron(0 3 L * ? *)` for the last day of each month";
    let zone = zone(cx.spec);
    let span = cx.first_place(&["schedule.expression"]);
    if expression.next(DAWN, &zone, 1).is_empty() {
        let message = "this schedule never fires: there is no such time";
        cx.error("never-fires", span, message, "no such time", EXAMPLE);
        return false;
    }
    // What is switched off is not meant to fire.
    let Some(now) = cx.now.filter(|_| cx.spec.schedule.enabled) else { return true };
    if !expression.next(now, &zone, 1).is_empty() {
        return true;
    }
    let last = expression.previous(None, now, &zone);
    let last = last.map(|time| time.strftime(" %Y-%m-%d %H:%M %Z").to_string()).unwrap_or_default();
    let message = format!("this schedule never fires again: the last time was{last}");
    let help = format!("{EXAMPLE}; `enabled: false` keeps a schedule that is over");
    cx.error("never-fires", span, message, "past", help);
    false
}

/// The schedule's time zone; UTC in the place of one that is not known, which has been told.
pub(super) fn zone(spec: &Spec) -> TimeZone {
    TimeZoneDatabase::bundled().get(&spec.schedule.timezone).unwrap_or(TimeZone::UTC)
}

/// The names that a schedule has, or that one may have left: they are asked for where Secrets Manager rotates, too.
pub(super) fn name(cx: &mut Context<'_>) {
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
        let key = if cx.spec.trigger == Trigger::Schedule { "schedule.name" } else { "name" };
        let help = format!("set `{key}`: at most {} characters", NAME.max - INVOKE.len());
        cx.error("schedule-name", span, message, "too long for its role", help);
    }
}

fn timezone(cx: &mut Context<'_>) {
    let zone = &cx.spec.schedule.timezone;
    let Some(span) = cx.place("schedule.timezone") else {
        return;
    };
    let database = TimeZoneDatabase::bundled();
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

/// EventBridge Scheduler takes standard queues of its own region, another account's too.
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html>
fn dead_letter_queue(cx: &mut Context<'_>) {
    const PATH: &str = "schedule.dead_letter_queue";
    const CODE: &str = "dead-letter-queue";
    let Some((text, span)) = cx.spec.schedule.dead_letter_queue.as_deref().zip(cx.place(PATH)) else { return };
    let (region, partition) = (&cx.spec.region, partition(&cx.spec.region));
    let is_of_queue = |arn: &Arn<'_>| arn.service == "sqs" && is_account(arn.account) && is_queue(arn.resource);
    let Some(arn) = Arn::parse(text).filter(is_of_queue) else {
        let account = Some(cx.spec.account.as_str()).filter(|account| is_account(account)).unwrap_or("ACCOUNT");
        let help = format!("write `dead_letter_queue: arn:{partition}:sqs:{region}:{account}:NAME`");
        cx.error(CODE, span, format!("`{PATH}` must be the ARN of an SQS queue"), "no queue's ARN", help);
        return;
    };
    let name = arn.resource;
    if name.ends_with(FIFO) {
        let help = "name a standard queue; EventBridge Scheduler takes no other";
        cx.error(CODE, span, format!("`{PATH}` must be a standard queue"), "a FIFO queue", help);
    } else if arn.region != region {
        let help = format!("name a queue of {region}, as in `arn:{partition}:sqs:{region}:...:{name}`");
        cx.error(CODE, span, format!("`{PATH}` must be in the stack's region"), "another region", help);
    } else {
        cx.is_of_partition(CODE, PATH, text, &arn);
    }
}

fn is_queue(name: &str) -> bool {
    let plain = name.strip_suffix(FIFO).unwrap_or(name);
    let sound = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !plain.is_empty() && name.len() <= 80 && plain.bytes().all(sound)
}
