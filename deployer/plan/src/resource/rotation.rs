//! The secret's own rotation rules: by them Secrets Manager starts the rotation.

use crate::attribute::Attributes;
use crate::naming::Names;
use crate::spec::{Every, Managed, Spec};

/// What is set, desired or live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// ARN of the function that rotates.
    pub function_arn: String,
    /// How often; `None` is a rule that no one can have set.
    pub every: Option<Every>,
    /// Length of the window within which it rotates, as AWS spells it: `3h`. `None` is AWS's default.
    pub duration: Option<String>,
}

/// What the rules should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// The secret's name.
    pub secret: String,
    /// All that is set; `None` where Secrets Manager is not to start anything.
    pub settings: Option<Settings>,
}

/// What the rules are, where rotation is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// All that is set.
    pub settings: Settings,
    /// When Secrets Manager has rotated, RFC 3339.
    pub last: Option<String>,
    /// When it will at the latest, RFC 3339.
    pub next: Option<String>,
}

/// The rules that a spec asks for.
#[must_use]
pub fn desired(spec: &Spec) -> Desired {
    let settings = |managed: &Managed| Settings {
        function_arn: Names::of(spec).function_arn(),
        every: Some(managed.every.clone()),
        duration: managed.duration_hours.map(|hours| format!("{hours}h")),
    };
    Desired { secret: spec.secret.name.clone(), settings: spec.trigger.managed().map(settings) }
}

impl Settings {
    fn attributes(&self) -> Attributes {
        let Self { function_arn, every, duration } = self;
        let attributes = Attributes::new().with("function", function_arn.as_str());
        let attributes = match every {
            Some(Every::Days(days)) => attributes.with("every_days", *days),
            Some(Every::Expression(expression)) => attributes.with("expression", expression.as_str()),
            None => attributes,
        };
        attributes.with_optional("duration", duration.as_deref())
    }
}

impl Desired {
    /// As attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let Self { secret: _, settings } = self;
        settings.as_ref().map(Settings::attributes).unwrap_or_default()
    }
}

impl Live {
    /// As attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let Self { settings, last: _, next: _ } = self;
        settings.attributes()
    }
}
