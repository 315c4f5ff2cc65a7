//! AWS's rules for the values of a structurally sound spec: all that can be known offline.

mod connection;
mod derived;
mod function;
mod host;
mod limits;
mod lint;
mod password;
mod schedule;
mod secret;
mod server;
mod stack;
mod target;
mod trigger;
mod vpc;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use jiff::Timestamp;

use super::diagnostic::Diagnostic;
use super::model::{Spec, Trigger};
use super::structure::Place;
use crate::naming::partition;

/// Checks every value that is given, and the defaults that follow from them.
///
/// `derived`: the templates as they are written, of which `spec` has the sound ones only. `now`: where the clock counts.
pub(super) fn check(
    spec: &Spec,
    derived: &BTreeMap<String, String>,
    text: &str,
    places: &BTreeMap<String, Place>,
    now: Option<Timestamp>,
) -> Vec<Diagnostic> {
    let mut cx = Context { spec, text, places, now, found: Vec::new() };
    stack::check(&mut cx);
    secret::check(&mut cx);
    derived::check(&mut cx, derived);
    password::check(&mut cx);
    function::check(&mut cx);
    vpc::check(&mut cx);
    target::check(&mut cx);
    server::check(&mut cx);
    schedule::name(&mut cx);
    let expression = match &spec.trigger {
        Trigger::Schedule => schedule::check(&mut cx),
        Trigger::Managed(managed) => {
            trigger::check(&mut cx, managed);
            None
        }
    };
    limits::check(&mut cx);
    lint::check(&mut cx, expression.as_ref());
    cx.found
}

/// What every check needs: values, their places, and where to put what it finds.
struct Context<'a> {
    spec: &'a Spec,
    text: &'a str,
    /// Only of what is structurally sound.
    places: &'a BTreeMap<String, Place>,
    now: Option<Timestamp>,
    found: Vec<Diagnostic>,
}

/// What a name may be.
struct NameRule {
    code: &'static str,
    max: usize,
    allows: fn(char) -> bool,
    /// The characters that `allows` allows, in words.
    told: &'static str,
}

/// Letters, digits, `-`, `_` and `.`: schedules and their groups.
const DOTTED: NameRule = NameRule {
    code: "stack-name",
    max: 64,
    allows: |c| c.is_ascii_alphanumeric() || "-_.".contains(c),
    told: "letters, digits, `-`, `_` and `.`",
};

/// The parts of an ARN.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
struct Arn<'a> {
    partition: &'a str,
    service: &'a str,
    region: &'a str,
    account: &'a str,
    resource: &'a str,
}

impl<'a> Arn<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        match text.splitn(6, ':').collect::<Vec<_>>()[..] {
            ["arn", partition, service, region, account, resource] => {
                Some(Self { partition, service, region, account, resource })
            }
            _ => None,
        }
    }

    /// Its partition, region and account, each with the place where it begins.
    fn places(&self) -> [(usize, &'a str); 3] {
        let partition = "arn:".len();
        let region = partition + self.partition.len() + self.service.len() + 2;
        [(partition, self.partition), (region, self.region), (region + self.region.len() + 1, self.account)]
    }
}

/// Whether it is an account id.
fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Why it is not taken for a file's path, if it is not; it is shown on terminals, which control characters would steer.
fn no_path(path: &Path) -> Option<&'static str> {
    match path.to_string_lossy() {
        text if text.is_empty() => Some("empty"),
        text if text.contains(char::is_control) => Some("has a control character"),
        _ => None,
    }
}

impl Context<'_> {
    fn place(&self, path: &str) -> Option<Range<usize>> {
        self.places.get(path).map(|place| place.value.clone())
    }

    /// The place of the first path that is given, of the whole file's begin if none is.
    fn first_place(&self, paths: &[&str]) -> Range<usize> {
        paths.iter().find_map(|path| self.place(path)).unwrap_or(0..0)
    }

    /// A part of a value, where the file has it letter by letter; else the whole value.
    fn part(&self, path: &str, value: &str, part: Range<usize>) -> Range<usize> {
        let whole = self.first_place(&[path]);
        match self.text[whole.clone()].find(value).filter(|_| !value.is_empty()) {
            Some(offset) => whole.start + offset + part.start..whole.start + offset + part.end,
            None => whole,
        }
    }

    /// The one place of a character of a value.
    fn character(&self, path: &str, value: &str, (at, c): (usize, char)) -> Range<usize> {
        self.part(path, value, at..at + c.len_utf8())
    }

    fn error(
        &mut self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        label: &str,
        help: impl Into<String>,
    ) {
        self.found.push(Diagnostic::error(code, message, span).labelled(label).help(help));
    }

    fn warn(
        &mut self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        label: &str,
        help: impl Into<String>,
    ) {
        self.found.push(Diagnostic::warning(code, message, span).labelled(label).help(help));
    }

    /// Whether an ARN is of the stack's partition: of another nothing can be used.
    fn is_of_partition(&mut self, code: &'static str, path: &str, text: &str, arn: &Arn<'_>) -> bool {
        let (region, own) = (&self.spec.region, partition(&self.spec.region));
        if self.place("region").is_none() || arn.partition == own {
            return true;
        }
        let [(start, other), ..] = arn.places();
        let span = self.part(path, text, start..start + other.len());
        let message = format!("`{path}` is in the partition `{other}`, and {region} in `{own}`");
        let key = path.rsplit('.').next().unwrap_or(path);
        let help = format!("write `{key}: arn:{own}{}`", &text[start + other.len()..]);
        self.error(code, span, message, "another partition", help);
        false
    }

    /// Length and characters of a name, given or by default; whether it is sound.
    ///
    /// A default follows from the values at `sources`, the first of which that is given is shown.
    fn name(&mut self, path: &str, sources: &[&str], value: &str, rule: &NameRule) -> bool {
        let given = self.place(path);
        let Some(whole) = given.clone().or_else(|| sources.iter().find_map(|source| self.place(source))) else {
            return true;
        };
        let is_here = |d: &Diagnostic| whole.start <= d.span.start && d.span.end <= whole.end;
        if given.is_none() && self.found.iter().any(is_here) {
            // What the default follows from is at fault, and has been told.
            return false;
        }
        let bad = value.char_indices().find(|(_, c)| !(rule.allows)(*c));
        let length = value.chars().count();
        let (fault, label, mend) = match bad {
            _ if value.is_empty() => ("must not be empty".to_owned(), "empty", "write a name".to_owned()),
            Some((_, c)) => (format!("has `{c}`"), "not allowed here", format!("it may have {}", rule.told)),
            None if length > rule.max => {
                let fault = format!("is {length} characters long, and AWS takes {}", rule.max);
                (fault, "too long", format!("at most {} characters", rule.max))
            }
            None => return true,
        };
        if given.is_some() {
            let span = bad.map_or(whole, |bad| self.character(path, value, bad));
            self.error(rule.code, span, format!("`{path}` {fault}"), label, mend);
        } else {
            let message = format!("the default of `{path}`, `{value}`, {fault}");
            self.error(rule.code, whole, message, label, format!("set `{path}`: {mend}"));
        }
        false
    }
}
