//! YAML as a tree in which every key and every value knows its place.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::budget::BudgetBreach;
use serde_yaml::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};
use serde_yaml::{Location, Spanned};

use super::diagnostic::Diagnostic;
use super::privacy;

/// Nesting that no spec needs.
const MAX_DEPTH: usize = 16;
/// Nodes that no spec needs.
const MAX_NODES: usize = 4096;
/// A spec may say a thing once and use it again, but not build a bomb of it.
const MAX_ALIASES: usize = 32;

/// One value and the bytes where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Integer(i64),
    /// A number that is no 64-bit integer; no key of the spec takes one.
    Number,
    Text(String),
    List(Vec<Node>),
    /// In the file's order, equal keys included.
    Map(Vec<Entry>),
}

/// One key of a map.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    pub(super) node: Node,
}

/// Reads the one YAML document of a file.
///
/// # Errors
/// The first place where it is no YAML, or more of it than a spec can need.
pub(super) fn parse(text: &str) -> Result<Node, Box<Diagnostic>> {
    let options = serde_yaml::options! {
        strict_booleans: true,
        // The structure check reports every one of them, with both places.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Error,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        reject_unsupported_tags: true,
        with_snippet: false,
        emit_comments: false,
        alias_limits: serde_yaml::alias_limits! {
            max_total_replayed_events: MAX_NODES,
            max_replay_stack_depth: MAX_DEPTH,
            max_alias_expansions_per_anchor: MAX_ALIASES,
        },
        budget: serde_yaml::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_events: 4 * MAX_NODES,
            max_aliases: MAX_ALIASES,
            max_anchors: MAX_ALIASES,
            max_documents: 1,
        },
    };
    let root: Spanned<Raw> = serde_yaml::from_str_with_options(text, options)
        .map_err(|e| Box::new(without_secret(text, syntax_fault(text, &e))))?;
    Ok(Node::locate(text, root))
}

fn syntax_fault(text: &str, error: &serde_yaml::Error) -> Diagnostic {
    use serde_yaml::Error as E;

    let span = error.location().map_or(0..0, |location| bytes(text, location));
    let end = text[span.start..].find('\n').map_or(text.len(), |length| span.start + length);
    let span = span.start..span.end.clamp(span.start, end);
    let fault = |message: &str| Diagnostic::error("yaml-syntax", message, span.clone()).labelled("here");
    let limit = |message: &str, help: &str| Diagnostic { code: "yaml-limit", ..fault(message) }.help(help);
    let cause = if let E::AliasError { error, .. } = error { error } else { error };
    match cause {
        E::MultipleDocuments { .. } | E::Budget { breach: BudgetBreach::Documents { .. }, .. } => {
            limit("there is a second YAML document in this file", "give each stack a file of its own")
        }
        // Only keys are read as strings.
        E::Unexpected { .. } | E::NullIntoString { .. } => fault("a key must be text").help("put it in quotes"),
        E::MergeKeyNotAllowed { .. } => limit("a spec takes no YAML merge key (`<<`)", "write the keys out"),
        E::Budget { .. } | E::AliasReplayLimitExceeded { .. } | E::AliasExpansionLimitExceeded { .. } => {
            limit("there is more YAML in here than a spec can need", "write less, or with fewer aliases")
        }
        _ => {
            let told = error.render();
            // The first line, without its place.
            let told = told.lines().next().unwrap_or_default().split(" at line ").next().unwrap_or_default();
            let told = told.strip_prefix("error: ").unwrap_or(told);
            fault(&format!("this is no valid YAML: {told}"))
        }
    }
}

/// The parser's words may quote the text.
fn without_secret(text: &str, fault: Diagnostic) -> Diagnostic {
    match privacy::secret_in_line(text, fault.span.start) {
        Some(secret) => Diagnostic { message: "this is no valid YAML".to_owned(), ..fault }
            .help("put a value with special characters in quotes, and close them")
            .redacting(secret),
        None => fault,
    }
}

/// The bytes of a place, without blank space at its end.
fn bytes(text: &str, location: Location) -> Range<usize> {
    let span = location.span();
    let (start, length) = match (span.byte_offset(), span.byte_len()) {
        (Some(start), Some(length)) => (usize::try_from(start).ok(), usize::try_from(length).unwrap_or_default()),
        // The scanner's own faults come with line and column only.
        _ => (line_start(text, location).map(|(start, column)| start + column), 0),
    };
    let start = text.floor_char_boundary(start.unwrap_or(text.len()).min(text.len()));
    let end = text.floor_char_boundary((start + length).min(text.len()));
    start..start + text[start..end].trim_end().len()
}

/// Where a place's line begins, and how many bytes into it the place is.
fn line_start(text: &str, location: Location) -> Option<(usize, usize)> {
    let before = usize::try_from(location.line()).ok()?.checked_sub(1)?;
    let start: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
    let column = usize::try_from(location.column()).ok()?.saturating_sub(1);
    let line = text[start..].lines().next().unwrap_or_default();
    Some((start, line.chars().take(column).map(char::len_utf8).sum()))
}

impl Node {
    fn locate(text: &str, raw: Spanned<Raw>) -> Self {
        let kind = match raw.value {
            Raw::Null => Kind::Null,
            Raw::Bool(value) => Kind::Bool(value),
            Raw::Integer(value) => Kind::Integer(value),
            Raw::Number => Kind::Number,
            Raw::Text(value) => Kind::Text(value),
            Raw::List(items) => Kind::List(items.into_iter().map(|item| Self::locate(text, item)).collect()),
            Raw::Map(entries) => Kind::Map(entries.into_iter().map(|entry| Entry::locate(text, entry)).collect()),
        };
        let own = bytes(text, raw.referenced);
        let span = match &kind {
            Kind::List(items) => items.iter().fold(own, |span, item| enclose(span, &item.span)),
            Kind::Map(entries) => entries.iter().fold(own, |span, entry| enclose(span, &entry.node.span)),
            _ => own,
        };
        Self { kind, span }
    }
}

impl Entry {
    fn locate(text: &str, (key, value): (Spanned<String>, Spanned<Raw>)) -> Self {
        let key_span = bytes(text, key.referenced);
        let mut node = Node::locate(text, value);
        if matches!(node.kind, Kind::Null) && node.span.is_empty() {
            // A value that is not written has no place of its own.
            node.span = key_span.clone();
        }
        Self { key: key.value, key_span, node }
    }
}

fn enclose(span: Range<usize>, inner: &Range<usize>) -> Range<usize> {
    span.start.min(inner.start)..span.end.max(inner.end)
}

/// A value as serde hands it over.
enum Raw {
    Null,
    Bool(bool),
    Integer(i64),
    Number,
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(i64::try_from(value).map_or(Raw::Number, Raw::Integer))
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}
