//! What each service takes of what a spec can put into its requests: one table, by the services' published models.
//!
//! The table is compared with the models by a test, and every request that follows from a spec with the table: by
//! `validate`, which so knows the strictest of all services that a value goes to.

mod letters;
mod pattern;
mod requests;
mod table;

pub(crate) use pattern::is_region;
pub use requests::{Field, Value, fields};
pub use table::TABLE;

/// What bounds some members of requests.
#[derive(Debug)]
pub struct Limit {
    /// The members, by the models' names: `lambda:CreateFunction.Description`.
    pub members: &'static [&'static str],
    /// What they take.
    pub bounds: Bounds,
    /// The page by which a service takes less than its model says; `None`: just that.
    pub narrower: Option<&'static str>,
}

/// What a member takes.
#[derive(Debug)]
pub enum Bounds {
    /// So many characters, which follow a pattern.
    Text {
        /// At least.
        min: usize,
        /// At most.
        max: usize,
        /// What they are.
        pattern: Option<Pattern>,
    },
    /// So many entries of a list or a map.
    Items {
        /// At least.
        min: usize,
        /// At most.
        max: usize,
    },
    /// A whole number.
    Number {
        /// At least.
        min: u32,
        /// At most.
        max: u32,
    },
    /// One of these.
    Words(&'static [&'static str]),
}

/// A pattern of a model, and the same as a function.
#[derive(Debug, Clone, Copy)]
pub struct Pattern {
    /// As the model has it.
    pub text: &'static str,
    /// The byte at which a text leaves the pattern.
    pub leaves: fn(&str) -> Option<usize>,
    /// What it may have, in words.
    pub told: &'static str,
}

/// How a value is beyond its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// By its length or its size, which is this.
    Size {
        /// What it is.
        actual: usize,
        /// What it may be at least.
        min: usize,
        /// And at most.
        max: usize,
    },
    /// By the character at this byte.
    Character(usize),
    /// It is none of the words.
    Word,
}

impl Limit {
    /// Whether a value is within.
    ///
    /// # Errors
    /// How it is beyond.
    pub fn check(&self, value: &Value) -> Result<(), Excess> {
        match (&self.bounds, value) {
            (Bounds::Text { min, max, pattern }, Value::Text(text)) => {
                let size = within(text.chars().count(), *min, *max);
                let leaves = pattern.as_ref().and_then(|pattern| (pattern.leaves)(text));
                size.and(leaves.map_or(Ok(()), |at| Err(Excess::Character(at))))
            }
            (Bounds::Items { min, max }, Value::Items(count)) => within(*count, *min, *max),
            (Bounds::Number { min, max }, Value::Number(number)) => {
                let [number, min, max] = [*number, *min, *max].map(|n| usize::try_from(n).unwrap_or(usize::MAX));
                within(number, min, max)
            }
            (Bounds::Words(words), Value::Text(text)) if words.contains(&text.as_str()) => Ok(()),
            (Bounds::Words(_), Value::Text(_) | Value::Items(_) | Value::Number(_))
            | (Bounds::Text { .. }, Value::Items(_) | Value::Number(_))
            | (Bounds::Items { .. }, Value::Text(_) | Value::Number(_))
            | (Bounds::Number { .. }, Value::Text(_) | Value::Items(_)) => Err(Excess::Word),
        }
    }

    /// The service that asks for it, as people call it.
    #[must_use]
    pub fn service(&self) -> &'static str {
        let member = self.members.first().copied().unwrap_or_default();
        match member.split(':').next().unwrap_or_default() {
            "iam" => "IAM",
            "lambda" => "Lambda",
            "scheduler" => "EventBridge Scheduler",
            "secretsmanager" => "Secrets Manager",
            "logs" => "CloudWatch Logs",
            "kms" => "KMS",
            "elasticache" => "ElastiCache",
            _ => "AWS",
        }
    }
}

fn within(actual: usize, min: usize, max: usize) -> Result<(), Excess> {
    if (min..=max).contains(&actual) { Ok(()) } else { Err(Excess::Size { actual, min, max }) }
}
