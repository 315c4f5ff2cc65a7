//! One field of a cron expression: its grammar, and AWS's limits.

use super::{Fault, no_leading_zero};

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// One field: what it lists, never empty.
pub(super) type Field = Vec<Item>;

/// One of the things that a field lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// `?`
    Any,
    /// `*`, `5`, `1-5`, `*/2`, `0/15`, `8-18/2`
    Values { from: u16, to: u16, step: u16 },
    /// `L` as a day of the month
    LastDay,
    /// `LW`
    LastWorkday,
    /// `15W`
    NearestWorkday(u16),
    /// `6L`, the last Friday
    LastOf(u16),
    /// `6#3`, the third Friday
    Nth(u16, u16),
}

/// What may stand in a field.
pub(super) struct Rule {
    pub(super) name: &'static str,
    min: u16,
    pub(super) max: u16,
    words: &'static [&'static str],
    example: &'static str,
    /// AWS takes no `/` in the day of the week.
    steps: bool,
}

impl Rule {
    const fn new(
        name: &'static str,
        min: u16,
        max: u16,
        words: &'static [&'static str],
        example: &'static str,
    ) -> Self {
        Self { name, min, max, words, example, steps: true }
    }

    const fn whole(&self) -> Item {
        Item::Values { from: self.min, to: self.max, step: 1 }
    }
}

pub(super) const MINUTE: usize = 0;
pub(super) const DAY_OF_MONTH: usize = 2;
pub(super) const DAY_OF_WEEK: usize = 4;
pub(super) const YEAR: usize = 5;

pub(super) const RULES: [Rule; 6] = [
    Rule::new("minute", 0, 59, &[], "0/15"),
    Rule::new("hour", 0, 23, &[], "8-18"),
    Rule::new("day of the month", 1, 31, &[], "1"),
    Rule::new("month", 1, 12, MONTHS, "JAN"),
    Rule { steps: false, ..Rule::new("day of the week", 1, 7, DAYS, "MON-FRI") },
    Rule::new("year", 1970, 2199, &[], "*"),
];

/// Reads a field, whose first byte is byte `start` of the expression.
pub(super) fn field(position: usize, start: usize, word: &str) -> Result<Field, Fault> {
    let mut items = Vec::new();
    let mut at = start;
    for part in word.split(',') {
        items.push(item(position, at, part)?);
        at += part.len() + 1;
    }
    let alone = |item: &Item| !matches!(item, Item::Values { .. });
    if items.len() > 1 && items.iter().any(alone) {
        let message = format!("`?`, `L`, `W` and `#` stand alone in the {}", RULES[position].name);
        return Err(Fault::new(start..start + word.len(), message, "write one of them, without a comma"));
    }
    Ok(items)
}

fn item(position: usize, at: usize, part: &str) -> Result<Item, Fault> {
    let rule = &RULES[position];
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (part, None),
    };
    if let Some(special) = special(position, at, part)? {
        return Ok(special);
    }
    let (from, to) = match (range, range.split_once('-')) {
        ("*", _) => (rule.min, rule.max),
        (_, Some((from, to))) => {
            let (first, last) = (value(rule, at, from)?, value(rule, at + from.len() + 1, to)?);
            if first > last {
                let help = format!(
                    "write the lower first, or list: `{from}-{},{}-{to}`",
                    label(rule, rule.max),
                    label(rule, rule.min)
                );
                return Err(Fault::new(
                    at..at + range.len(),
                    format!("a range of the {} runs upwards", rule.name),
                    help,
                ));
            }
            (first, last)
        }
        ("", None) if step.is_some() => {
            let help = format!("write `*{part}`");
            return Err(Fault::new(at..at + part.len(), "a step needs a start", help));
        }
        (single, None) => {
            let from = value(rule, at, single)?;
            (from, if step.is_some() { rule.max } else { from })
        }
    };
    let step = step.map_or(Ok(1), |step| step_of(rule, at + range.len() + 1, step))?;
    Ok(Item::Values { from, to, step })
}

fn step_of(rule: &Rule, at: usize, step: &str) -> Result<u16, Fault> {
    let span = at - 1..at + step.len();
    if !rule.steps {
        return Err(Fault::new(span, format!("the {} takes no `/`", rule.name), "list the days: `MON,WED,FRI`"));
    }
    let number = digits(step).filter(|step| (1..=rule.max).contains(step));
    if number.is_some() {
        no_leading_zero(step, at)?;
    }
    number.ok_or_else(|| {
        let message = format!("a step of the {} is 1 to {}", rule.name, rule.max);
        Fault::new(span, message, format!("write for example `{}/5`", label(rule, rule.min)))
    })
}

/// `?` and the forms of `L`, `W` and `#`.
fn special(position: usize, at: usize, part: &str) -> Result<Option<Item>, Fault> {
    let rule = &RULES[position];
    let refused =
        |help: &str| Err(Fault::new(at..at + part.len(), format!("the {} takes no `{part}`", rule.name), help));
    match (position, part) {
        (DAY_OF_MONTH | DAY_OF_WEEK, "?") => return Ok(Some(Item::Any)),
        (_, "?") => return refused("write `*`: `?` belongs into a day field"),
        (DAY_OF_MONTH, "L") => return Ok(Some(Item::LastDay)),
        (DAY_OF_MONTH, "LW") => return Ok(Some(Item::LastWorkday)),
        // The week's last day.
        (DAY_OF_WEEK, "L") => {
            return Ok(Some(Item::Values { from: rule.max, to: rule.max, step: 1 }));
        }
        _ => {}
    }
    if let Some(day) = part.strip_suffix('W').filter(|_| position == DAY_OF_MONTH) {
        return value(rule, at, day).map(|day| Some(Item::NearestWorkday(day)));
    }
    if position != DAY_OF_WEEK {
        return Ok(None);
    }
    if let Some((day, nth)) = part.split_once('#') {
        let day_of_week = value(rule, at, day)?;
        no_leading_zero(nth, at + day.len() + 1)?;
        return match digits(nth).filter(|nth| (1..=5).contains(nth)) {
            Some(nth) => Ok(Some(Item::Nth(day_of_week, nth))),
            None => refused("write `6#3` for the third Friday: the number after `#` is 1 to 5"),
        };
    }
    match part.strip_suffix('L') {
        Some(day) => value(rule, at, day).map(|day| Some(Item::LastOf(day))),
        None => Ok(None),
    }
}

fn value(rule: &Rule, at: usize, text: &str) -> Result<u16, Fault> {
    let span = at..at + text.len();
    if let Some(value) = digits(text) {
        return if (rule.min..=rule.max).contains(&value) {
            no_leading_zero(text, at).map(|()| value)
        } else {
            let message = format!("the {} is {} to {}", rule.name, rule.min, rule.max);
            let sunday = value == 0 && rule.words == DAYS;
            let help =
                if sunday { "write `SUN`: AWS counts from Sunday, which is 1".to_owned() } else { written(rule) };
            Err(Fault::new(span, message, help))
        };
    }
    let word = |word: &&&str| word.eq_ignore_ascii_case(text);
    match rule.words.iter().zip(rule.min..).find(|(known, _)| word(known)) {
        Some((known, value)) if *known == text => Ok(value),
        Some((known, _)) => Err(Fault::new(span, "names are in upper case", format!("write `{known}`"))),
        None => {
            let message = if text.is_empty() {
                format!("a value of the {} is missing", rule.name)
            } else {
                format!("the {} takes no `{text}`", rule.name)
            };
            Err(Fault::new(span, message, written(rule)))
        }
    }
}

fn written(rule: &Rule) -> String {
    format!("write for example `{}`", rule.example)
}

/// A value as one would write it.
fn label(rule: &Rule, value: u16) -> String {
    let word = rule.words.get(usize::from(value.saturating_sub(rule.min)));
    word.map_or_else(|| value.to_string(), |word| (*word).to_owned())
}

fn digits(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// Whether a field is `*`, or comes to the same.
pub(super) fn is_every(position: usize, field: &Field) -> bool {
    field[..] == [RULES[position].whole()]
}
