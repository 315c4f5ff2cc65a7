//! The models' patterns as functions, each with the text of the pattern that it stands for.

use super::Pattern;
use super::letters::is_letter_or_number;

const fn of(text: &'static str, leaves: fn(&str) -> Option<usize>, told: &'static str) -> Pattern {
    Pattern { text, leaves, told }
}

/// The first character that is not allowed.
fn outside(text: &str, allows: impl Fn(char) -> bool) -> Option<usize> {
    text.char_indices().find(|(_, c)| !allows(*c)).map(|(at, _)| at)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn is_name(c: char) -> bool {
    is_word(c) || c == '-'
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

pub(super) const IAM_NAME: Pattern =
    of(r"[\w+=,.@-]+", |text| outside(text, is_iam_name), "letters, digits and `_ + = , . @ -`");

fn is_iam_name(c: char) -> bool {
    is_word(c) || "+=,.@-".contains(c)
}

pub(super) const IAM_PATH: Pattern =
    of(r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)", iam_path, "printable ASCII between two `/`");

fn iam_path(text: &str) -> Option<usize> {
    match text {
        "/" => None,
        _ if text.len() < 3 || !text.starts_with('/') => Some(0),
        _ if !text.ends_with('/') => Some(text.char_indices().next_back().map_or(0, |(at, _)| at)),
        _ => outside(text, |c| c.is_ascii_graphic()),
    }
}

pub(super) const IAM_DESCRIPTION: Pattern = of(
    r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*",
    |text| outside(text, |c| is_blank(c) || matches!(c, ' '..='~' | '\u{a1}'..='\u{ff}')),
    "characters of Latin-1",
);
pub(super) const IAM_DOCUMENT: Pattern = of(
    r"[\u0009\u000A\u000D\u0020-\u00FF]+",
    |text| outside(text, |c| is_blank(c) || matches!(c, ' '..='\u{ff}')),
    "characters of Latin-1",
);

fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r')
}

const TAG_TOLD: &str = "letters, digits, spaces and `_ . : / = + - @`";
pub(super) const IAM_TAG_KEY: Pattern = of(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", tag, TAG_TOLD);
pub(super) const IAM_TAG_VALUE: Pattern = of(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", tag, TAG_TOLD);
pub(super) const LAMBDA_TAG: Pattern = of(r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)", tag, TAG_TOLD);
pub(super) const LOGS_TAG_KEY: Pattern = of(r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$", tag, TAG_TOLD);
pub(super) const LOGS_TAG_VALUE: Pattern = of(r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$", tag, TAG_TOLD);

fn tag(text: &str) -> Option<usize> {
    outside(text, |c| is_letter_or_number(c) || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c))
}

pub(super) const FUNCTION_NAME: Pattern =
    of("[a-zA-Z0-9-_]+", |text| outside(text, is_name), "letters, digits, `-` and `_`");
pub(super) const STATEMENT_ID: Pattern =
    of("([a-zA-Z0-9-_]+)", |text| outside(text, is_name), "letters, digits, `-` and `_`");
pub(super) const NO_BLANKS: Pattern = of(r"[^\s]+", no_blanks, "no white space");
pub(super) const VARIABLE: Pattern =
    of("[a-zA-Z]([a-zA-Z0-9_])+", variable, "letters, digits and `_`, a letter first, two at least");
pub(super) const SUBNET: Pattern = of("subnet-[0-9a-z]*", |text| id(text, "subnet-"), "digits and letters");
pub(super) const SECURITY_GROUP: Pattern = of("sg-[0-9a-zA-Z]*", |text| id(text, "sg-"), "digits and letters");

fn no_blanks(text: &str) -> Option<usize> {
    if text.is_empty() { Some(0) } else { outside(text, |c| !matches!(c, ' ' | '\t'..='\r')) }
}

fn variable(text: &str) -> Option<usize> {
    let begins = text.len() > 1 && text.starts_with(|c: char| c.is_ascii_alphabetic());
    if begins { outside(text, is_word) } else { Some(0) }
}

/// The models differ in capitals, which no id has.
fn id(text: &str, prefix: &str) -> Option<usize> {
    let Some(rest) = text.strip_prefix(prefix) else { return Some(0) };
    outside(rest, |c| c.is_ascii_digit() || c.is_ascii_lowercase()).map(|at| prefix.len() + at)
}

pub(super) const ACTION: Pattern = of(
    "(lambda:[*]|lambda:[a-zA-Z]+|[*])",
    |text| match text.strip_prefix("lambda:") {
        Some(action) => outside(action, |c| c.is_ascii_alphabetic()),
        None => Some(0),
    },
    "an action of Lambda's",
);
pub(super) const ACCOUNT: Pattern =
    of(r"\d{12}", |text| (!is_account(text)).then_some(0), "the 12 digits of an account");
pub(super) const LOG_GROUP: Pattern = of(
    r"[\.\-_/#A-Za-z0-9]+",
    |text| outside(text, |c| is_word(c) || ".-/#".contains(c)),
    "letters, digits and `. - _ / #`",
);
pub(super) const LOG_ARN: Pattern = of(
    r"[\w+=/:,.@-]*",
    |text| outside(text, |c| is_word(c) || "+=/:,.@-".contains(c)),
    "letters, digits and `_ + = / : , . @ -`",
);
pub(super) const SCHEDULE_NAME: Pattern =
    of("^[0-9a-zA-Z-_.]+$", |text| outside(text, is_dotted), "letters, digits, `-`, `_` and `.`");

fn is_dotted(c: char) -> bool {
    is_name(c) || c == '.'
}

/// The model has none; AWS names the characters where it refuses one.
pub(super) const SECRET_NAME: Pattern = of(
    "[a-zA-Z0-9/_+=.@!-]+",
    |text| outside(text, |c| is_word(c) || "/+=.@!-".contains(c)),
    "letters, digits and `/ _ + = . @ -`",
);
pub(super) const DURATION: Pattern = of(
    "[0-9]+h",
    |text| match text.strip_suffix('h') {
        Some(hours) if !hours.is_empty() => outside(hours, |c| c.is_ascii_digit()),
        _ => Some(0),
    },
    "hours, as in `3h`",
);
pub(super) const ROTATION_EXPRESSION: Pattern = of(
    r"[0-9A-Za-z\(\)#\?\*\-\/, ]+",
    |text| outside(text, |c| c.is_ascii_alphanumeric() || "()#?*-/, ".contains(c)),
    "letters, digits, blanks and `( ) # ? * - / ,`",
);
pub(super) const USER_ID: Pattern = of(
    r"[a-zA-Z][a-zA-Z0-9\-]*",
    |text| {
        let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
        if begins { outside(text, |c| c.is_ascii_alphanumeric() || c == '-') } else { Some(0) }
    },
    "letters, digits and `-`, a letter first",
);

const ARN_TOLD: &str = "the parts of an ARN";
pub(super) const FUNCTION_ROLE: Pattern =
    of(r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+", role_arn, ROLE_TOLD);
/// The model's partition has no second hyphen, which `GovCloud`'s has; so that part is no rule.
pub(super) const SCHEDULE_ROLE: Pattern =
    of(r"^arn:aws(-[a-z]+)?:iam::\d{12}:role\/[\w+=,.@\/-]+$", role_arn, ROLE_TOLD);
const ROLE_TOLD: &str = "letters, digits and `_ + = , . @ - /`";

fn role_arn(text: &str) -> Option<usize> {
    let (partition, rest) = arn(text);
    let rest = rest.strip_prefix("iam::").and_then(|rest| rest.split_once(":role/"));
    match rest {
        Some((account, path)) if is_partition(partition) && is_account(account) && !path.is_empty() => {
            outside(path, |c| is_iam_name(c) || c == '/').map(|at| text.len() - path.len() + at)
        }
        _ => Some(0),
    }
}

/// The partition of an ARN, and what follows. What is no ARN has neither, and is found at its beginning.
fn arn(text: &str) -> (&str, &str) {
    text.strip_prefix("arn:").and_then(|rest| rest.split_once(':')).unwrap_or_default()
}

fn is_partition(text: &str) -> bool {
    let mut words = text.split('-');
    words.next() == Some("aws") && words.all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
}

/// The models' regions: a word of two letters, perhaps one for a partition, a word, and a digit.
pub(crate) fn is_region(text: &str) -> bool {
    let words: Vec<&str> = text.strip_prefix("eusc-").unwrap_or(text).split('-').collect();
    let is_lower = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    let is_kind =
        |word: &str| word == "gov" || word == "iso" || (word.len() == 4 && word.starts_with("iso") && is_lower(word));
    match words[..] {
        [country, .., place, digit] if country.len() == 2 && is_lower(country) && is_lower(place) => {
            let middle = &words[1..words.len() - 2];
            digit.len() == 1
                && digit.bytes().all(|b| b.is_ascii_digit())
                && (middle.is_empty() || (middle.len() == 1 && is_kind(middle[0])))
        }
        _ => false,
    }
}

/// An ARN of that service, with a region and an account; what it names is taken apart by `resource`.
fn regional(text: &str, service: &str, resource: impl Fn(&str) -> Option<usize>) -> Option<usize> {
    let (partition, rest) = arn(text);
    match rest.splitn(4, ':').collect::<Vec<_>>()[..] {
        [own, region, account, named]
            if own == service && is_partition(partition) && is_region(region) && is_account(account) =>
        {
            resource(named).map(|at| text.len() - named.len() + at)
        }
        _ => Some(0),
    }
}

fn named(text: &str, prefix: &str, allows: fn(char) -> bool) -> Option<usize> {
    match text.strip_prefix(prefix) {
        Some(name) if !name.is_empty() => outside(name, allows).map(|at| prefix.len() + at),
        _ => Some(0),
    }
}

pub(super) const FUNCTION_ARN: Pattern = of(
    r"arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|(capacity-provider|network-connector):[a-zA-Z0-9-_]{1,64})",
    |text| regional(text, "lambda", |named_by| named(named_by, "function:", is_name)),
    ARN_TOLD,
);
pub(super) const SOURCE_ARN: Pattern = of(
    r"arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)",
    |text| regional(text, "secretsmanager", |named| outside(named, |c| c != '\n')),
    ARN_TOLD,
);
/// As [`SCHEDULE_ROLE`].
pub(super) const GROUP_ARN: Pattern = of(
    r"^arn:aws(-[a-z]+)?:scheduler:[a-z0-9\-]+:\d{12}:schedule-group\/[0-9a-zA-Z-_.]+$",
    |text| regional(text, "scheduler", |group| named(group, "schedule-group/", is_dotted)),
    ARN_TOLD,
);
/// As [`SCHEDULE_ROLE`].
pub(super) const QUEUE_ARN: Pattern = of(
    r"^arn:aws(-[a-z]+)?:sqs:[a-z0-9\-]+:\d{12}:[a-zA-Z0-9\-_]+$",
    |text| regional(text, "sqs", |queue| named(queue, "", is_name)),
    ARN_TOLD,
);
