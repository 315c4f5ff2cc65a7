//! The permission by which Secrets Manager may invoke the function: a statement of the function's own policy. What others
//! have put in that policy is theirs, and stays.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::attribute::{Attributes, Value};
use crate::desired::fnv;
use crate::naming::Names;
use crate::policy;
use crate::spec::Spec;

/// Prefix of the ids of the deployer's own statements; what follows is made from the statement, so that two statements of
/// one id are one.
pub const ID_PREFIX: &str = "deployer-rotation-";

/// What the permission should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// The function's name.
    pub function: String,
    /// The function's ARN.
    pub function_arn: String,
    /// The account whose secret it is.
    pub account: String,
    /// The secret's ARN; `None` until the secret exists.
    pub secret_arn: Option<String>,
}

/// What the permission is.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// The deployer's own statements by id, each without it; never empty.
    pub statements: BTreeMap<String, Json>,
}

/// The permission that a spec asks for.
#[must_use]
pub fn desired(spec: &Spec) -> Desired {
    Desired {
        function: spec.function.name.clone(),
        function_arn: Names::of(spec).function_arn(),
        account: spec.account.clone(),
        secret_arn: None,
    }
}

impl Desired {
    /// The statement and its id, once the secret's ARN is known.
    #[must_use]
    pub fn statement(&self) -> Option<(String, Json)> {
        let statement =
            policy::let_secrets_manager_invoke(&self.function_arn, &self.account, self.secret_arn.as_deref()?);
        Some((format!("{ID_PREFIX}{}", fnv(&statement.to_string())), statement))
    }

    /// As attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let Self { function: _, function_arn: _, account: _, secret_arn: _ } = self;
        match self.statement() {
            Some((id, statement)) => with_statement(Attributes::new(), id, &statement),
            None => Attributes::new().with_late("statement", None::<String>),
        }
    }
}

fn with_statement(attributes: Attributes, id: impl Into<String>, statement: &Json) -> Attributes {
    attributes.with_entry("statement", id, Value::Policy(json!({"Statement": [statement]})))
}

impl Live {
    /// As attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let Self { statements } = self;
        statements.iter().fold(Attributes::new(), |all, (id, statement)| with_statement(all, id, statement))
    }
}
