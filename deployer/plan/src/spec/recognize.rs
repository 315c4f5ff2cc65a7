//! Whether a file is a spec at all. Of one that is not, nothing is shown: a link or a slip may name any file of the machine,
//! and diagnostics go to logs and pull requests.

use super::diagnostic::Diagnostic;
use super::suggest::nearest;
use super::tree::{Entry, Kind, Node};

/// What a spec must have besides its secret; of the last two one or the other.
const KEYS: [&str; 5] = ["name", "account", "region", "schedule", "trigger"];
/// By this above all: files of other tools have names, accounts, regions and passwords too.
const SECRET: &str = "secret";

/// The keys of a spec that a file does not have; all but one of them may be misspelt.
fn missing<'a>(keys: impl Iterator<Item = &'a str> + Clone) -> Vec<&'static str> {
    let has_secret = keys.clone().any(|key| key == SECRET);
    let meant: Vec<&str> = keys.filter_map(|key| nearest(key, KEYS)).collect();
    let is_there = |key: &str| meant.contains(&key) || key == "schedule" && meant.contains(&"trigger");
    let others = KEYS.into_iter().filter(|key| *key != "trigger" && !is_there(key));
    others.chain((!has_secret).then_some(SECRET)).collect()
}

/// Any one key but the secret may have been forgotten.
fn is_spec(missing: &[&str]) -> bool {
    missing.len() <= 1 && !missing.contains(&SECRET)
}

/// What is to be said in place of all else of a map that is not a spec.
pub(super) fn refusal(text: &str, root: &Node) -> Option<Diagnostic> {
    let Kind::Map(entries) = &root.kind else { return None };
    let missing = missing(entries.iter().map(|Entry { key, .. }| key.as_str()));
    if is_spec(&missing) {
        return None;
    }
    let keys: Vec<String> = missing.iter().map(|key| format!("`{key}`")).collect();
    let message = format!("this is not a spec: it has no {}", keys.join(", "));
    let fault = Diagnostic::error("not-a-spec", message, 0..0).labelled("nothing of the file is shown");
    let help = "a spec has `name`, `account`, `region`, `secret`, and `schedule` or `trigger`; `deploy schema` prints all keys";
    Some(fault.help(help).redacting(0..text.len()))
}

/// The same of a text that is not YAML, which is known by the keys that begin its lines.
pub(super) fn without_content(text: &str, fault: Diagnostic) -> Diagnostic {
    let begins = |line: &&str| line.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '"' | '\''));
    let keys = text.lines().filter(begins).filter_map(|line| Some(line.split_once(':')?.0.trim_matches(['"', '\''])));
    if is_spec(&missing(keys)) {
        return fault;
    }
    // The parser's words may quote the text; a limit's are the loader's own.
    let message = if fault.code == "yaml-limit" { fault.message } else { "this is not valid YAML".to_owned() };
    let help = fault.help.filter(|_| fault.code == "yaml-limit");
    let label = "nothing of the file is shown, for it is not known to be a spec".to_owned();
    Diagnostic { message, label, help, ..fault }.redacting(0..text.len())
}
