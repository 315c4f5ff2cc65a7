//! Whom the secret's resource policy lets in. It is not the stack's to set, and no plan changes it; but whoever it names has
//! rights on the value that no policy of the stack shows.

use serde::Serialize;
use serde_json::Value as Json;

use crate::policy::{list, text};

/// A secret's resource policy, as it was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum ResourcePolicy {
    /// It has none, or there is no secret.
    #[default]
    None,
    /// This.
    Document(Json),
    /// It could not be read; why.
    Unread(String),
}

/// Whose a principal is, from the farthest to the nearest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// Everybody's, in any account.
    Everyone,
    /// Another account's.
    AnotherAccount,
    /// Not to be told: a principal that was deleted since, or of a kind without an account.
    Unknown,
    /// An AWS service's.
    Service,
    /// The account's own.
    ThisAccount,
}

impl Whose {
    /// Whether it is outside of the account. A service acts for somebody, whom the policy's conditions name.
    #[must_use]
    pub fn is_outside(&self) -> bool {
        matches!(self, Self::Everyone | Self::AnotherAccount | Self::Unknown)
    }
}

/// What the policy says of one principal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Access {
    /// Whether this is denied, and not allowed. What is allowed comes first.
    #[serde(rename = "denied")]
    pub is_denied: bool,
    /// Whose it is.
    pub whose: Whose,
    /// The principal, as the policy names it.
    pub principal: String,
    /// The actions.
    pub actions: Vec<String>,
    /// Whether the value may be read by them, or the policy changed to that end.
    pub reads_value: bool,
    /// Whether the policy has conditions for it.
    #[serde(rename = "conditional")]
    pub is_conditional: bool,
}

/// Actions that neither tell nor touch the value.
const METADATA: [&str; 3] =
    ["secretsmanager:describesecret", "secretsmanager:listsecretversionids", "secretsmanager:getresourcepolicy"];
/// Who may write the policy may give himself the right to read the value.
const OPENS: &str = "secretsmanager:putresourcepolicy";

/// Whether an action that leads to the value is covered by one of the patterns, or with `but` by none.
fn reads(patterns: &[String], but: bool) -> bool {
    let leads = contract::ADMIN_SECRET_ACTIONS.iter().copied().chain([OPENS]);
    leads.into_iter().any(|action| patterns.iter().any(|pattern| matches(pattern, &action.to_lowercase())) != but)
}

impl Access {
    /// Whether somebody outside of the account is let at more than what the secret is called and when it was rotated.
    #[must_use]
    pub fn is_exposure(&self) -> bool {
        let is_more = |action: &String| !METADATA.contains(&action.to_lowercase().as_str());
        !self.is_denied && self.whose.is_outside() && self.actions.iter().any(is_more)
    }
}

impl std::fmt::Display for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whose = match self.whose {
            Whose::Everyone => "everyone",
            Whose::AnotherAccount => "another account",
            Whose::Unknown => "unknown",
            Whose::Service => "service",
            Whose::ThisAccount => "this account",
        };
        let may = match (self.is_denied, self.reads_value) {
            (true, _) => "is denied",
            (false, true) => "may read the value by",
            (false, false) => "may call",
        };
        let conditions = if self.is_conditional { ", under conditions" } else { "" };
        write!(f, "{whose}: {} {may} {}{conditions}", self.principal, self.actions.join(", "))
    }
}

impl ResourcePolicy {
    /// What it says of each principal, those outside of `account` first.
    #[must_use]
    pub fn access(&self, account: &str) -> Vec<Access> {
        let Self::Document(document) = self else { return Vec::new() };
        let mut all: Vec<Access> =
            list(&document["Statement"]).iter().flat_map(|statement| of_statement(statement, account)).collect();
        all.sort();
        all.dedup();
        all
    }
}

fn of_statement(statement: &Json, account: &str) -> Vec<Access> {
    let (actions, reads_value) = match (&statement["Action"], &statement["NotAction"]) {
        (Json::Null, Json::Null) => (vec!["nothing that is known".to_owned()], false),
        (Json::Null, but) => {
            let but: Vec<String> = list(but).iter().map(text).collect();
            let reads = reads(&but, true);
            (vec![format!("all but {}", but.join(", "))], reads)
        }
        (actions, _) => {
            let actions: Vec<String> = list(actions).iter().map(text).collect();
            let reads = reads(&actions, false);
            (actions, reads)
        }
    };
    let is_denied = statement["Effect"].as_str() == Some("Deny");
    let is_conditional = statement["Condition"].as_object().is_some_and(|all| !all.is_empty());
    let is_bound = is_bound_to(&statement["Condition"], account);
    let access = |(whose, principal): (Whose, String)| Access {
        whose: if is_bound && whose.is_outside() { Whose::ThisAccount } else { whose },
        principal,
        is_denied,
        actions: actions.clone(),
        reads_value: reads_value && !is_denied,
        is_conditional,
    };
    principals(statement, account).into_iter().map(access).collect()
}

/// The forms that a principal has.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
fn principals(statement: &Json, account: &str) -> Vec<(Whose, String)> {
    match (&statement["Principal"], &statement["NotPrincipal"]) {
        (Json::Object(kinds), _) => kinds
            .iter()
            .flat_map(|(kind, names)| list(names).into_iter().map(move |name| (kind, text(&name))))
            .map(|(kind, name)| (whose(kind, &name, account), name))
            .collect(),
        (Json::Null, Json::Null) => vec![(Whose::Unknown, "no principal".to_owned())],
        (Json::Null, but) => vec![(Whose::Everyone, format!("all but {but}"))],
        (name, _) => vec![(whose("AWS", &text(name), account), text(name))],
    }
}

fn whose(kind: &str, name: &str, account: &str) -> Whose {
    let owner = if name.starts_with("arn:") { name.split(':').nth(4).unwrap_or_default() } else { name };
    match kind {
        "Service" => Whose::Service,
        _ if name == "*" => Whose::Everyone,
        _ if owner == account => Whose::ThisAccount,
        _ if owner.len() == 12 && owner.bytes().all(|c| c.is_ascii_digit()) => Whose::AnotherAccount,
        _ => Whose::Unknown,
    }
}

/// Whether a condition lets principals of that account alone in, whoever is named.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalaccount>
fn is_bound_to(condition: &Json, account: &str) -> bool {
    let operators = condition.as_object().into_iter().flatten();
    let mut keys = operators
        .filter(|(operator, _)| operator.eq_ignore_ascii_case("StringEquals"))
        .flat_map(|(_, keys)| keys.as_object().into_iter().flatten());
    keys.any(|(key, values)| {
        let values = list(values);
        let is_own = !values.is_empty() && values.iter().all(|value| text(value) == account);
        is_own && key.eq_ignore_ascii_case("aws:PrincipalAccount")
    })
}

/// Whether a pattern of a policy covers an action, given in lower case. Of several stars the last alone is tried again, so that
/// no pattern takes long.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_lowercase().into_bytes(), action.as_bytes());
    let (mut at, mut seen, mut star) = (0, 0, None);
    while seen < action.len() {
        match (pattern.get(at), star) {
            (Some(b'*'), _) => {
                star = Some((at + 1, seen));
                at += 1;
            }
            (Some(c), _) if *c == b'?' || *c == action[seen] => (at, seen) = (at + 1, seen + 1),
            (_, Some((after, from))) => {
                star = Some((after, from + 1));
                (at, seen) = (after, from + 1);
            }
            (_, None) => return false,
        }
    }
    pattern[at..].iter().all(|c| *c == b'*')
}
