//! The expressions of `EventBridge` Scheduler: `cron(...)`, `rate(...)` and `at(...)`, checked as AWS does, offline.

mod cron;
mod describe;
mod field;
pub mod managed;

use std::ops::Range;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};

use self::cron::Cron;

/// What to write where it isn't clear what was meant.
const FORMS: &str = "write `cron(0 3 * * ? *)`, `rate(30 days)` or `at(2030-01-31T03:00:00)`";
/// Characters of an expression at most.
/// <https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html>
const MAX_LENGTH: usize = 256;
/// Firings looked at for the shortest gap: a year of daily ones.
const SAMPLE: usize = 366;
/// By how much clocks are put back at most.
const FOLD: SignedDuration = SignedDuration::from_hours(24);

/// A valid schedule expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression(Kind);

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Cron(Box<Cron>),
    Rate { every: u32, unit: Unit },
    At(DateTime),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Minute,
    Hour,
    Day,
}

impl Unit {
    const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    const fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    const fn plural(self) -> &'static str {
        match self {
            Self::Minute => "minutes",
            Self::Hour => "hours",
            Self::Day => "days",
        }
    }

    fn times(self, every: u32) -> SignedDuration {
        let every = i64::from(every);
        match self {
            Self::Minute => SignedDuration::from_mins(every),
            Self::Hour => SignedDuration::from_hours(every),
            Self::Day => SignedDuration::from_hours(24 * every),
        }
    }
}

/// Why an expression is refused, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// The bytes of the expression at fault.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: String,
}

impl Fault {
    fn new(span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: help.into() }
    }
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// The first fault, with its place.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let all = 0..text.len();
        if text.len() > MAX_LENGTH {
            let message = format!("the expression has {} characters, and AWS takes {MAX_LENGTH}", text.len());
            return Err(Fault::new(all, message, "write ranges (`1-5`) and steps (`0/5`) in place of lists"));
        }
        let Some((name, rest)) = text.split_once('(') else {
            let fields = text.split_whitespace().count();
            let looks_like_cron = fields >= 5 && text.starts_with(|c: char| c.is_ascii_digit() || c == '*');
            let help = if looks_like_cron { cron::wrapped(text) } else { FORMS.to_owned() };
            return Err(Fault::new(all, "this is no schedule expression", help));
        };
        let Some(body) = rest.strip_suffix(')') else {
            let (end, help) = match rest.find(')') {
                Some(close) => (name.len() + 1 + close + 1, "end it after the `)`".to_owned()),
                None => (text.len(), format!("write `{})`", text.trim_end())),
            };
            return Err(Fault::new(end.min(text.len())..text.len(), "the expression must end in one `)`", help));
        };
        let at = name.len() + 1;
        match name {
            "cron" => Cron::parse(body, at).map(|cron| Self(Kind::Cron(Box::new(cron)))),
            "rate" => rate(body, at).map(Self),
            "at" => at_time(body, at).map(Self),
            _ => {
                let trimmed = name.trim().to_ascii_lowercase();
                let known = ["cron", "rate", "at"].contains(&trimmed.as_str());
                let help = if known { format!("write `{trimmed}({body})`") } else { FORMS.to_owned() };
                Err(Fault::new(0..name.len(), "an expression begins with `cron(`, `rate(` or `at(`", help))
            }
        }
    }

    /// The next firings after an instant, `n` at most.
    ///
    /// A rate counts from when AWS stored the schedule; not knowing that, it counts from `after`.
    #[must_use]
    pub fn next(&self, after: Timestamp, zone: &TimeZone, n: usize) -> Vec<Zoned> {
        self.next_anchored(None, after, zone, n)
    }

    /// The next firings after an instant, `n` at most, where a rate counts from `anchor`.
    #[must_use]
    pub fn next_anchored(&self, anchor: Option<Timestamp>, after: Timestamp, zone: &TimeZone, n: usize) -> Vec<Zoned> {
        match &self.0 {
            Kind::Cron(cron) => {
                let start = after.to_zoned(zone.clone()).datetime();
                let times = cron.times_after(start).filter_map(|time| first_instant(time, zone));
                times.filter(|time| time.timestamp() > after).take(n).collect()
            }
            Kind::Rate { every, unit } => {
                let step = unit.times(*every);
                let start = last_tick(anchor.unwrap_or(after), step, after);
                let ticks = std::iter::successors(start.checked_add(step).ok(), |tick| tick.checked_add(step).ok());
                ticks.take(n).map(|tick| tick.to_zoned(zone.clone())).collect()
            }
            Kind::At(time) => {
                let instant = first_instant(*time, zone).filter(|time| time.timestamp() > after);
                instant.into_iter().take(n).collect()
            }
        }
    }

    /// The last firing that is not after an instant, where a rate counts from `anchor`. Not knowing that, a rate has fired
    /// once since the time that is given.
    #[must_use]
    pub fn previous(&self, anchor: Option<Timestamp>, latest: Timestamp, zone: &TimeZone) -> Option<Zoned> {
        match &self.0 {
            Kind::Cron(cron) => {
                // Clocks that were put back may have shown a later time before.
                let end = latest.to_zoned(zone.clone()).datetime().checked_add(FOLD).ok()?;
                let mut times = cron.times_before(end).filter_map(|time| first_instant(time, zone));
                times.find(|time| time.timestamp() <= latest)
            }
            Kind::Rate { every, unit } => {
                let step = unit.times(*every);
                let tick = match anchor {
                    Some(anchor) => last_tick(anchor, step, latest),
                    None => latest.checked_sub(step).ok()?,
                };
                Some(tick.to_zoned(zone.clone()))
            }
            Kind::At(time) => first_instant(*time, zone).filter(|time| time.timestamp() <= latest),
        }
    }

    /// The shortest time between two firings, over a sample; none where there are no two.
    #[must_use]
    pub fn interval(&self) -> Option<SignedDuration> {
        match &self.0 {
            Kind::Cron(cron) => {
                let times: Vec<DateTime> = cron.times_after(cron::FIRST).take(SAMPLE).collect();
                times.windows(2).map(|pair| pair[0].duration_until(pair[1])).min()
            }
            Kind::Rate { every, unit } => Some(unit.times(*every)),
            Kind::At(_) => None,
        }
    }

    /// Whether it fires only once.
    #[must_use]
    pub const fn is_one_time(&self) -> bool {
        matches!(self.0, Kind::At(_))
    }

    /// The expression in plain English.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.0 {
            Kind::Cron(cron) => describe::cron(cron),
            Kind::Rate { every: 1, unit } => format!("every {}", unit.name()),
            Kind::Rate { every, unit } => format!("every {every} {}", unit.plural()),
            Kind::At(time) => format!("once, on {} at {}", time.date(), time.time().strftime("%H:%M:%S")),
        }
    }
}

/// The instant of a local time: none where the clocks skip it, the first where they repeat it, as AWS does.
fn first_instant(time: DateTime, zone: &TimeZone) -> Option<Zoned> {
    let ambiguous = zone.to_ambiguous_zoned(time);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => None,
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
    }
}

/// The latest of the ticks from an anchor on that is not after an instant.
fn last_tick(anchor: Timestamp, step: SignedDuration, after: Timestamp) -> Timestamp {
    let passed = anchor.duration_until(after).as_secs();
    let beyond = passed.rem_euclid(step.as_secs().max(1));
    Timestamp::from_second(anchor.as_second() + passed - beyond).unwrap_or(after)
}

/// Refuses all white space but one blank between two words; `expression` is what the words make.
///
/// EventBridge Scheduler was seen to refuse blanks before and behind a rate; of others nothing is known.
fn single_blanks(body: &str, at: usize, expression: &str) -> Result<(), Fault> {
    let words = body.split_whitespace().collect::<Vec<_>>().join(" ");
    if words == body {
        return Ok(());
    }
    let start = words.bytes().zip(body.bytes()).take_while(|(word, own)| word == own).count();
    let blanks = body[start..].len() - body[start..].trim_start().len();
    let span = at + start..at + start + blanks;
    let message = "AWS takes one blank between two words, and no other white space";
    Err(Fault::new(span, message, format!("write `{expression}({words})`")))
}

/// AWS isn't known to take them.
fn no_leading_zero(digits: &str, at: usize) -> Result<(), Fault> {
    let plain = digits.trim_start_matches('0');
    if plain.len() == digits.len() || digits == "0" {
        return Ok(());
    }
    let help = format!("write `{}`", if plain.is_empty() { "0" } else { plain });
    Err(Fault::new(at..at + digits.len(), "a number has no leading zeros", help))
}

fn rate(body: &str, at: usize) -> Result<Kind, Fault> {
    let all = at..at + body.len();
    let mut words = body.split_whitespace();
    let (Some(value), Some(unit), None) = (words.next(), words.next(), words.next()) else {
        return Err(Fault::new(all, "a rate is a number and a unit", "write `rate(30 days)`"));
    };
    single_blanks(body, at, "rate")?;
    let Some(every) = value.parse().ok().filter(|&every: &u32| every > 0 && !value.starts_with('+')) else {
        let span = at..at + value.len();
        return Err(Fault::new(span, "the number of a rate is whole and at least 1", "write `rate(30 days)`"));
    };
    no_leading_zero(value, at)?;
    let span = all.end - unit.len()..all.end;
    let singular = unit.to_ascii_lowercase();
    let singular = singular.strip_suffix('s').unwrap_or(&singular);
    let Some(known) = Unit::ALL.into_iter().find(|known| known.name() == singular) else {
        return Err(Fault::new(span, "the units are minutes, hours and days", format!("write `rate({every} days)`")));
    };
    // EventBridge Scheduler was seen to take `rate(2 minute)`, and names both forms of each unit.
    if unit != known.name() && (every == 1 || unit != known.plural()) {
        let right = if every == 1 { known.name() } else { known.plural() };
        let rule = if every == 1 { "1 takes the singular" } else { "more than 1 takes the plural" };
        let message = format!("the unit must be `{right}`: {rule}, in lower case");
        return Err(Fault::new(span, message, format!("write `rate({every} {right})`")));
    }
    Ok(Kind::Rate { every, unit: known })
}

fn at_time(body: &str, at: usize) -> Result<Kind, Fault> {
    let fault = |message: &str, help: String| Err(Fault::new(at..at + body.len(), message, help));
    let shape: String = body.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    if shape != "0000-00-00T00:00:00" {
        let help = match body.strip_suffix('Z') {
            Some(local) => format!("write `at({local})`, with `timezone: UTC` beside it"),
            None => "write `at(2030-01-31T03:00:00)`".to_owned(),
        };
        return fault("a time is yyyy-mm-ddThh:mm:ss, without fraction or zone", help);
    }
    // A leap second would be read as the one before it.
    match body.parse() {
        Ok(time) if !body.ends_with(":60") => Ok(Kind::At(time)),
        _ => fault("there is no such date or time", "write `at(2030-01-31T03:00:00)`".to_owned()),
    }
}

#[cfg(test)]
mod tests;
