//! How a saved plan differs from what is live, as a person reads it.

use super::page::{Page, Palette, escaped};
use super::text::{Values, document_diff};
use crate::attribute::Value;
use crate::plan::Verb;
use crate::saved::{Difference, What};

/// One entry for each difference; an IAM document's has several lines.
#[must_use]
pub fn differences(differences: &[Difference]) -> Vec<String> {
    differences.iter().map(|one| format!("{} {}", one.kind, difference(one))).collect()
}

/// One difference, without its resource; what is not plain text in it is escaped.
#[must_use]
pub fn difference(difference: &Difference) -> String {
    let palette = &Palette::plain();
    match &difference.what {
        What::Appeared => "was not there, and is now".to_owned(),
        What::Gone => "was there, and is gone".to_owned(),
        What::Field { name, before: Some(Value::Policy(before)), after: Some(Value::Policy(after)) } => {
            let mut diff = Page::new();
            document_diff(&mut diff, before, after, palette);
            format!("{}\n{}", escaped(name), diff.as_str().trim_end())
        }
        What::Field { name, before, after } => {
            let values = Values { before: before.as_ref(), after: after.as_ref(), verb: Verb::Update, palette };
            format!("{}: {values}", escaped(name))
        }
    }
}
