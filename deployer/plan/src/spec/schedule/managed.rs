//! What Secrets Manager takes of the expressions: rates in hours and days, cron on the hour, in UTC.
//! <https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html>

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::cron::{self, Cron};
use super::field::{DAY_OF_WEEK, Item, MINUTE, YEAR, is_every};
use super::{Expression, Fault, Kind, SAMPLE, Unit};

/// Shortest time between two rotations.
const MIN_INTERVAL: SignedDuration = SignedDuration::from_hours(4);
/// Longest rate.
const MAX_DAYS: u32 = 999;

/// Checks an expression by Secrets Manager's rules.
///
/// # Errors
/// The first fault, with its place.
pub fn check(text: &str) -> Result<(), Fault> {
    let expression = Expression::parse(text)?;
    let whole = 0..text.len();
    match &expression.0 {
        Kind::At(_) => {
            return Err(Fault::new(whole, "Secrets Manager rotates again and again", "write `rate(30 days)`"));
        }
        Kind::Rate { unit: Unit::Minute, .. } => {
            return Err(Fault::new(whole, "Secrets Manager takes rates in hours and days", "write `rate(4 hours)`"));
        }
        Kind::Rate { every, unit } if unit.times(*every) > Unit::Day.times(MAX_DAYS) => {
            let help = format!("write `rate({MAX_DAYS} days)` or less");
            return Err(Fault::new(whole, format!("Secrets Manager takes {MAX_DAYS} days at most"), help));
        }
        Kind::Rate { every, unit } if *every > 1 && text.ends_with(&format!(" {})", unit.name())) => {
            let help = format!("write `rate({every} {})`", unit.plural());
            return Err(Fault::new(whole, "Secrets Manager isn't known to take more than one of a singular", help));
        }
        Kind::Rate { .. } => {}
        Kind::Cron(cron) => fields(cron, text)?,
    }
    if expression.next(Timestamp::UNIX_EPOCH, &TimeZone::UTC, 1).is_empty() {
        let help = "write `L` for the last day of each month";
        return Err(Fault::new(whole, "Secrets Manager would never rotate: there is no such time", help));
    }
    if expression.interval().is_some_and(|interval| interval < MIN_INTERVAL) {
        let help = "write `rate(4 hours)`, or use `trigger: schedule`";
        return Err(Fault::new(whole, "Secrets Manager rotates every 4 hours at most", help));
    }
    Ok(())
}

fn fields(cron: &Cron, text: &str) -> Result<(), Fault> {
    let on_the_hour = [Item::Values { from: 0, to: 0, step: 1 }];
    if cron.fields[MINUTE] != on_the_hour {
        return Err(word(text, MINUTE, "Secrets Manager's windows open on the hour", "write `0` for the minutes"));
    }
    if !is_every(YEAR, &cron.fields[YEAR]) {
        return Err(word(text, YEAR, "Secrets Manager takes no years", "write `*` for the year"));
    }
    let workday = |item: &Item| matches!(item, Item::NearestWorkday(_) | Item::LastWorkday);
    if let Some(position) = (0..=DAY_OF_WEEK).find(|position| cron.fields[*position].iter().any(workday)) {
        return Err(word(text, position, "Secrets Manager takes no `W`", "write a day, or `L` for the last"));
    }
    Ok(())
}

/// A fault of one field.
fn word(text: &str, position: usize, message: &str, help: &str) -> Fault {
    let open = text.find('(').map_or(0, |at| at + 1);
    let span = cron::words(text[open..].trim_end_matches(')')).nth(position);
    let span = span.map_or(0..text.len(), |(start, word)| open + start..open + start + word.len());
    Fault::new(span, message, help)
}

/// Whether a window of that many hours ends before the next one begins, and on its own day.
///
/// # Errors
/// Why it does not.
pub fn window_fits(text: &str, hours: u8) -> Result<(), String> {
    let Ok(expression) = Expression::parse(text) else { return Ok(()) };
    let window = SignedDuration::from_hours(hours.into());
    if expression.interval().is_some_and(|interval| interval < window) {
        return Err(format!("a window of {hours} h is still open when the next one opens"));
    }
    let Kind::Cron(cron) = &expression.0 else { return Ok(()) };
    let latest = cron.times_after(cron::FIRST).take(SAMPLE).map(DateTime::hour).max().unwrap_or_default();
    if i64::from(latest) + i64::from(hours) > 24 {
        return Err(format!("a window of {hours} h from {latest}:00 on does not end on its own day, in UTC"));
    }
    Ok(())
}
