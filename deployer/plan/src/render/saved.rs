//! How a saved plan differs from what is live, as a person reads it.

use super::Palette;
use super::text::{document_diff, values};
use crate::attribute::Value;
use crate::plan::Verb;
use crate::saved::{Difference, What};

/// One entry for each difference; an IAM document's has several lines.
#[must_use]
pub fn differences(differences: &[Difference], palette: &Palette) -> Vec<String> {
    differences.iter().map(|one| format!("{} {}", one.kind, difference(one, palette))).collect()
}

/// One difference, without its resource.
#[must_use]
pub fn difference(difference: &Difference, palette: &Palette) -> String {
    match &difference.what {
        What::Appeared => "was not there, and is now".to_owned(),
        What::Gone => "was there, and is gone".to_owned(),
        What::Field { name, before: Some(Value::Policy(before)), after: Some(Value::Policy(after)) } => {
            let mut diff = String::new();
            document_diff(&mut diff, before, after, palette);
            format!("{name}\n{}", diff.trim_end())
        }
        What::Field { name, before, after } => {
            format!("{name}: {}", values(before.as_ref(), after.as_ref(), Verb::Update, palette))
        }
    }
}
