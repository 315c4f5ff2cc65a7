//! AWS's cron dialect: six fields, `?` in exactly one of the two day fields, Sunday is 1.

use jiff::civil::{DateTime, date};

use super::field::{DAY_OF_MONTH, DAY_OF_WEEK, Field, Item, RULES, YEAR, field, is_every};
use super::{Fault, single_blanks};

/// The first minute of the first year that AWS takes, less one second.
pub(super) const FIRST: DateTime = date(1969, 12, 31).at(23, 59, 59, 0);

/// A valid cron expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cron {
    /// In AWS's order.
    pub(super) fields: [Field; 6],
    engine: croner::Cron,
}

/// The `cron(...)` that was meant by fields alone, of which Unix has five.
pub(super) fn wrapped(fields: &str) -> String {
    let fields: Vec<&str> = fields.split_whitespace().collect();
    match fields[..] {
        [minute, hour, day, month, "*"] => format!("write `cron({minute} {hour} {day} {month} ? *)`"),
        [minute, hour, "*", month, week] if week.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            format!("write `cron({minute} {hour} ? {month} {week} *)`")
        }
        [_, _, _, _, _, _] => format!("write `cron({})`", fields.join(" ")),
        _ => "the fields are minutes, hours, day of the month, month, day of the week, year: \
              write `cron(0 3 * * ? *)` for each day at 03:00"
            .to_owned(),
    }
}

impl Cron {
    /// Reads what stands between the parentheses, whose first byte is byte `at` of the expression.
    pub(super) fn parse(body: &str, at: usize) -> Result<Self, Fault> {
        let words: Vec<(usize, &str)> = words(body).map(|(start, word)| (at + start, word)).collect();
        let Ok(words) = <[(usize, &str); 6]>::try_from(words.as_slice()) else {
            let message = format!("cron takes 6 fields, and here are {}", words.len());
            return Err(Fault::new(at..at + body.len(), message, wrapped(body)));
        };
        let mut fields: [Field; 6] = Default::default();
        for (position, (start, word)) in words.into_iter().enumerate() {
            fields[position] = field(position, start, word)?;
        }
        one_question_mark(&words, &fields)?;
        single_blanks(body, at, "cron")?;
        let pattern: Vec<String> = (0..).zip(&fields).map(|(position, field)| pattern(position, field)).collect();
        let parser = croner::parser::CronParser::builder()
            .seconds(croner::parser::Seconds::Required)
            .year(croner::parser::Year::Required)
            .alternative_weekdays(true)
            .build();
        let engine = parser.parse(&format!("0 {}", pattern.join(" "))).map_err(|error| {
            Fault::new(at..at + body.len(), error.to_string(), "write `cron(0 3 * * ? *)` for each day at 03:00")
        })?;
        Ok(Self { fields, engine })
    }

    /// The local times at which it fires, after one.
    ///
    /// Local, for croner moves a time that the clocks skip to an hour later, and AWS drops it.
    pub(super) fn times_after(&self, start: DateTime) -> impl Iterator<Item = DateTime> {
        let next = |time: &DateTime| self.engine.find_next_occurrence(time, false).ok();
        let last = i16::try_from(RULES[YEAR].max).unwrap_or(i16::MAX);
        std::iter::successors(next(&start), next).take_while(move |time| time.year() <= last)
    }

    /// The local times at which it fires, backwards from before one.
    pub(super) fn times_before(&self, end: DateTime) -> impl Iterator<Item = DateTime> {
        let previous = |time: &DateTime| self.engine.find_previous_occurrence(time, false).ok();
        std::iter::successors(previous(&end), previous)
    }
}

/// The words of a text, each with the byte where it begins.
pub(super) fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_whitespace().map(move |word| (word.as_ptr().addr() - text.as_ptr().addr(), word))
}

fn one_question_mark(words: &[(usize, &str); 6], fields: &[Field; 6]) -> Result<(), Fault> {
    let any = |position: usize| fields[position] == [Item::Any];
    let mended = |position: usize, with: &str| {
        let mut words = words.map(|(_, word)| word);
        words[position] = with;
        format!("write `cron({})`", words.join(" "))
    };
    let (culprit, message, help) = match (any(DAY_OF_MONTH), any(DAY_OF_WEEK)) {
        (true, false) | (false, true) => return Ok(()),
        (true, true) => (DAY_OF_WEEK, "`?` may stand in only one of the two day fields", mended(DAY_OF_MONTH, "*")),
        (false, false) => {
            let culprit =
                if words[DAY_OF_MONTH].1 == "*" && words[DAY_OF_WEEK].1 != "*" { DAY_OF_MONTH } else { DAY_OF_WEEK };
            (culprit, "one of the two day fields must be `?`", mended(culprit, "?"))
        }
    };
    let (start, word) = words[culprit];
    Err(Fault::new(start..start + word.len(), message, help))
}

/// The field in croner's dialect, which takes a step only behind a range.
fn pattern(position: usize, field: &Field) -> String {
    // Of each year croner would look at all until 5000, where a date such as 31 February never comes.
    if is_every(position, field) && position != YEAR {
        return "*".to_owned();
    }
    let items: Vec<String> = field
        .iter()
        .map(|item| match *item {
            Item::Any => "*".to_owned(),
            Item::Values { from, to, step: 1 } if from == to => from.to_string(),
            Item::Values { from, to, step } => format!("{from}-{to}/{step}"),
            Item::LastDay => "L".to_owned(),
            Item::LastWorkday => "LW".to_owned(),
            Item::NearestWorkday(day) => format!("{day}W"),
            Item::LastOf(day) => format!("{day}L"),
            Item::Nth(day, nth) => format!("{day}#{nth}"),
        })
        .collect();
    items.join(",")
}

/// The name of a day of the week, from 1 for Sunday.
pub(super) fn day_name(day: u16) -> &'static str {
    const NAMES: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
    NAMES[usize::from(day.saturating_sub(1)) % NAMES.len()]
}

/// The name of a month, from 1 for January.
pub(super) fn month_name(month: u16) -> &'static str {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    NAMES[usize::from(month.saturating_sub(1)) % NAMES.len()]
}
