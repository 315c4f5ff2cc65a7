//! The secret's first value: read or made once, right before the secret is created.

use std::path::Path;

use plan::naming::Names;
use plan::spec::{Initial, Spec};
use serde_json::Value as Json;
use zeroize::Zeroizing;

use self::document::document;

mod document;

/// Secrets Manager's limit for a value, in bytes.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html>
const MAX_VALUE: usize = 65_536;

/// Characters in a row by which a quotation is known.
const QUOTED: usize = 8;

/// A value that no one can print; it is wiped when it goes.
pub struct InitialValue {
    value: Zeroizing<String>,
    token: String,
}

impl std::fmt::Debug for InitialValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InitialValue(***)")
    }
}

impl InitialValue {
    /// The value, for the one call that stores it.
    pub(crate) fn expose(&self) -> &str {
        &self.value
    }

    /// Whether a text has any part of the value that could be told from other words: a service's error may quote what it
    /// was sent, whole or cut, as it was or escaped.
    pub(crate) fn is_quoted_in(&self, text: &str) -> bool {
        let document = serde_json::from_str(&self.value).unwrap_or(Json::Null);
        let mut parts = Vec::new();
        leaves(&document, &mut parts);
        // The keys of a document are words like any other, but its beginning is not.
        let beginning: String = self.value.chars().take(QUOTED).collect();
        let parts = if parts.is_empty() { vec![self.value.as_str()] } else { [parts, vec![&beginning]].concat() };
        let escaped = |part: &str| Json::from(part).to_string().trim_matches('"').to_owned();
        parts.iter().any(|part| quotes(text, part) || quotes(text, &escaped(part)))
    }

    /// The id of the version that it becomes: derived from the secret's own name, so that a repeated call makes no other.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }
}

/// Why there is no first value. The value itself is never told.
#[derive(Debug, thiserror::Error)]
pub enum InitialError {
    /// The variable is not set.
    #[error("the environment variable {0} is not set, or is empty; `secret.initial` takes the first value from it")]
    NoVariable(String),
    /// The file can't be read.
    #[error("the file {path} can't be read: {source}; `secret.initial` takes the first value from it")]
    NoFile {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Nobody can be asked.
    #[error("`secret.initial: {{prompt: true}}` asks for the first value, but there is no terminal to ask on")]
    NoTerminal(#[source] std::io::Error),
    /// It is empty.
    #[error("the secret's first value is empty")]
    Empty,
    /// It is too long.
    #[error("the secret's first value has {0} bytes; Secrets Manager takes {MAX_VALUE} at most")]
    TooLong(usize),
    /// It is a document without the field that rotates.
    #[error("the secret's first value is a JSON object without the field {0:?}, which `secret.field` names")]
    NoField(String),
    /// It lacks what a derived field is made from.
    #[error(
        "`secret.derived` makes {field:?} from the field {source_field:?}, \
         which the secret's first value does not have as text or number"
    )]
    NotDerivable {
        /// The derived field.
        field: String,
        /// The field that it is made from.
        source_field: String,
    },
    /// None could be generated.
    #[error(transparent)]
    Generate(#[from] contract::NoPassword<getrandom::Error>),
}

/// Reads or makes the first value. `folder` is the spec's.
///
/// What is read may be the password alone, or a whole JSON document that has it in the rotating field. To the password of
/// a database's user is added where it logs in, and to both what `secret.derived` makes of them.
///
/// # Errors
/// There is no value, or it can't be stored.
pub fn obtain(spec: &Spec, folder: &Path) -> Result<InitialValue, InitialError> {
    let given = match &spec.secret.initial {
        Initial::Generate => Zeroizing::new(contract::generate(&spec.password, getrandom::fill)?),
        Initial::Env(name) => Zeroizing::new(std::env::var(name).map_err(|_| InitialError::NoVariable(name.clone()))?),
        Initial::File(path) => {
            let path = folder.join(path);
            let text = std::fs::read_to_string(&path);
            let text = text.map_err(|source| InitialError::NoFile { path: path.display().to_string(), source })?;
            without_line_end(text)
        }
        Initial::Prompt => {
            let prompt = format!("First value of the secret {}: ", spec.secret.name);
            without_line_end(rpassword::prompt_password(prompt).map_err(InitialError::NoTerminal)?)
        }
    };
    let value = document(given, spec)?;
    if value.len() > MAX_VALUE {
        return Err(InitialError::TooLong(value.len()));
    }
    let name = Names::of(spec).secret_arn_pattern();
    let token = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, name.as_bytes()).to_string();
    Ok(InitialValue { value, token })
}

fn leaves<'a>(document: &'a Json, found: &mut Vec<&'a str>) {
    match document {
        Json::String(text) => found.push(text),
        Json::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Json::Object(entries) => entries.values().for_each(|entry| leaves(entry, found)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

/// Whether `text` has eight characters in a row of `part`, or all of a shorter one.
fn quotes(text: &str, part: &str) -> bool {
    let starts: Vec<usize> = part.char_indices().map(|(at, _)| at).chain([part.len()]).collect();
    match starts.len().saturating_sub(1) {
        0 => false,
        length if length < QUOTED => text.contains(part),
        length => (0..=length - QUOTED).any(|at| text.contains(&part[starts[at]..starts[at + QUOTED]])),
    }
}

fn without_line_end(text: String) -> Zeroizing<String> {
    let text = Zeroizing::new(text);
    Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_is_known_whole_cut_and_escaped_and_other_words_are_none() {
        let whole = r#"{"password":"p\"w-Canary-0123456789","username":"app","port":5432}"#.to_owned();
        let value = InitialValue { value: Zeroizing::new(whole.clone()), token: String::new() };
        let cut = &whole[..24];
        for quotation in [&whole, cut, &serde_json::json!(whole).to_string(), "for user app", r#"'p\"w-Canar"#] {
            assert!(value.is_quoted_in(quotation), "{quotation}");
        }
        for words in ["the password policy", "port 5432", "Member must have length less than 65536", ""] {
            assert!(!value.is_quoted_in(words), "{words}");
        }
        let plain = InitialValue { value: Zeroizing::new("plain-value".to_owned()), token: String::new() };
        assert!(plain.is_quoted_in("Value 'plain-va...' at") && !plain.is_quoted_in("plain words"));
    }
}
