//! From YAML to a validated [`Spec`]: every fault of a file in one run, each with its place and its mend.
//!
//! 1. `tree`: YAML to a tree whose keys and values know their places.
//! 2. `structure`: the tree against the JSON Schema that `raw`, the serde model, gives: keys, types, ranges, words.
//! 3. `raw`: what is sound to the model, defaults filled in.
//! 4. `check`: AWS's rules, and lint.

mod check;
mod diagnostic;
mod model;
mod privacy;
mod raw;
mod recognize;
pub mod schedule;
mod schema;
mod structure;
mod suggest;
mod tree;

pub use diagnostic::{Diagnostic, Located, Severity, render};
pub use model::*;
pub use schema::schema;

use std::collections::BTreeMap;

use jiff::Timestamp;
use raw::RawSpec;

/// The largest spec file, in bytes: 64 KiB.
pub const MAX_FILE_SIZE: usize = 64 * 1024;

/// A spec that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The spec, every default filled in.
    pub spec: Spec,
    /// What should be known about it, in the file's order.
    pub warnings: Vec<Diagnostic>,
    /// Line and column, from 1, of each key that the file sets.
    pub places: BTreeMap<String, (usize, usize)>,
}

/// Reads a spec file; `origin` is its name for people.
///
/// # Errors
/// Every fault of the file, warnings among them, in the file's order.
pub fn load(origin: &str, text: &str) -> Result<Loaded, Vec<Diagnostic>> {
    read(origin, text, None)
}

/// Reads a spec file that is about to be put into effect.
///
/// # Errors
/// As [`load`], and a schedule that is over.
pub fn load_at(origin: &str, text: &str, now: Timestamp) -> Result<Loaded, Vec<Diagnostic>> {
    read(origin, text, Some(now))
}

fn read(origin: &str, text: &str, now: Option<Timestamp>) -> Result<Loaded, Vec<Diagnostic>> {
    if text.len() > MAX_FILE_SIZE {
        let message = format!("{origin} has {} bytes, and a spec has {} KiB at most", text.len(), MAX_FILE_SIZE / 1024);
        let fault = Diagnostic::error("file-too-large", message, 0..0);
        // Nothing of it is known to be no secret.
        return Err(vec![fault.help("one file is one stack").redacting(0..text.len())]);
    }
    let root = tree::parse(text).map_err(|fault| diagnostic::finish(vec![recognize::without_content(text, *fault)]))?;
    if let Some(refusal) = recognize::refusal(text, &root) {
        return Err(diagnostic::finish(vec![refusal]));
    }
    let structure = structure::check(&schema(), text, &root);
    let mut found = structure.faults;
    let Ok(raw) = serde_json::from_value::<RawSpec>(structure.value) else {
        // The schema and the model are one, so this is a mistake of this crate; serde's words could quote a value.
        let fault = Diagnostic::error("schema", "the schema and the loader disagree about this file", 0..0);
        found.push(fault.labelled("somewhere in here").help("please report it, with the file's keys"));
        return Err(diagnostic::finish(found));
    };
    let derived = raw.derived();
    let spec = raw.resolve();
    found.extend(check::check(&spec, &derived, text, &structure.places, now));
    let found = diagnostic::finish(found);
    if found.iter().any(|d| d.severity == Severity::Error) {
        return Err(found);
    }
    let place = |place: &structure::Place| diagnostic::line_column(text, place.value.start);
    let places = structure.places.iter().map(|(key, found)| (key.clone(), place(found))).collect();
    Ok(Loaded { spec, warnings: found, places })
}
