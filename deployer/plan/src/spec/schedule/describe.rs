//! Cron in plain English.

use super::cron::{Cron, day_name, month_name};
use super::field::{DAY_OF_MONTH, Field, Item, is_every};

const HOURS: usize = 1;
const MONTHS: usize = 3;
const YEARS: usize = 5;
/// More times of day than these are told as minutes and hours.
const MAX_TIMES: usize = 6;

/// What a cron expression says.
pub(super) fn cron(cron: &Cron) -> String {
    let [minutes, hours, days, months, weekdays, years] = &cron.fields;
    let number = |value: u16| value.to_string();
    let mut parts = vec![time(minutes, hours)];
    let day = if days[..] == [Item::Any] { day_of_week(weekdays) } else { day_of_month(days) };
    let hourly = is_every(HOURS, hours);
    match day {
        Some(day) => parts.push(day),
        None if hourly => {}
        None => parts.push("every day".to_owned()),
    }
    if !is_every(MONTHS, months) {
        parts.push(format!("in {}", list(months, 12, |month| month_name(month).to_owned())));
    }
    if !is_every(YEARS, years) {
        parts.push(format!("in {}", list(years, 2199, number)));
    }
    parts.join(" ")
}

fn time(minutes: &Field, hours: &Field) -> String {
    let number = |value: u16| value.to_string();
    if is_every(HOURS, hours) {
        return match minutes[..] {
            [Item::Values { from: 0, to: 59, step: 1 }] => "every minute".to_owned(),
            // Only a divisor of the hour keeps the same distance over the hour's end.
            [Item::Values { from, to: 59, step }] if from < step && 60 % step == 0 => {
                let from = if from == 0 { String::new() } else { format!(", from minute {from} on") };
                format!("every {step} minutes{from}")
            }
            _ => format!("every hour at minute {}", list(minutes, 59, number)),
        };
    }
    let (minutes_listed, hours_listed) = (values(minutes), values(hours));
    if minutes_listed.len() * hours_listed.len() <= MAX_TIMES {
        let times =
            hours_listed.iter().flat_map(|hour| minutes_listed.iter().map(move |m| format!("{hour:02}:{m:02}")));
        return format!("at {}", join(times.collect()));
    }
    let hours = list(hours, 23, number);
    match minutes[..] {
        [Item::Values { from: 0, to: 59, step: 1 }] => format!("every minute of hour {hours}"),
        _ => format!("at minute {} of hour {hours}", list(minutes, 59, number)),
    }
}

fn day_of_month(days: &Field) -> Option<String> {
    match days[..] {
        _ if is_every(DAY_OF_MONTH, days) => None,
        [Item::LastDay] => Some("on the last day of the month".to_owned()),
        [Item::LastWorkday] => Some("on the last weekday of the month".to_owned()),
        [Item::NearestWorkday(day)] => Some(format!("on the weekday nearest to day {day} of the month")),
        _ => Some(format!("on day {} of the month", list(days, 31, |day| day.to_string()))),
    }
}

fn day_of_week(days: &Field) -> Option<String> {
    const NTH: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
    match days[..] {
        [Item::Values { from: 1, to: 7, .. }] => None,
        [Item::LastOf(day)] => Some(format!("on the last {} of the month", day_name(day))),
        [Item::Nth(day, nth)] => {
            let nth = NTH[usize::from(nth.saturating_sub(1)) % NTH.len()];
            Some(format!("on the {nth} {} of the month", day_name(day)))
        }
        _ => Some(format!("on {}", list(days, 7, |day| day_name(day).to_owned()))),
    }
}

fn values(field: &Field) -> Vec<u16> {
    let mut values: Vec<u16> = field
        .iter()
        .filter_map(|item| match *item {
            Item::Values { from, to, step } => Some((from..=to).step_by(step.into())),
            _ => None,
        })
        .flatten()
        .collect();
    values.sort_unstable();
    values.dedup();
    values
}

fn list(field: &Field, max: u16, name: impl Fn(u16) -> String) -> String {
    let items = field.iter().filter_map(|item| match *item {
        Item::Values { from, to, .. } if from == to => Some(name(from)),
        Item::Values { from, to, step: 1 } => Some(format!("{} to {}", name(from), name(to))),
        Item::Values { from, to, step } if to == max => Some(format!("every {step} from {}", name(from))),
        Item::Values { from, to, step } => Some(format!("every {step} from {} to {}", name(from), name(to))),
        _ => None,
    });
    join(items.collect())
}

fn join(mut items: Vec<String>) -> String {
    match items.pop() {
        Some(last) if items.is_empty() => last,
        Some(last) => format!("{} and {last}", items.join(", ")),
        None => String::new(),
    }
}
