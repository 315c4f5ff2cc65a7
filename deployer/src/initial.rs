//! The secret's first value: read or made once, right before the secret is created.

use std::io;
use std::path::Path;

use plan::naming::Names;
use plan::spec::{Initial, Spec};
use zeroize::Zeroizing;

use self::document::document;
use crate::file;

mod document;
mod quotation;

/// Secrets Manager's limit for a value, in bytes.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html>
const MAX_VALUE: usize = 65_536;
/// Bytes of the line's end that an editor puts behind it.
const LINE_END: usize = "\r\n".len();

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

    /// Whether a text has any part of the value, as it was or encoded.
    pub(crate) fn is_quoted_in(&self, text: &str) -> bool {
        quotation::is_quoted(&self.value, text)
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
    #[error("the secret's first value has more than the {MAX_VALUE} bytes that Secrets Manager takes")]
    TooLong,
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
        Initial::File(path) => without_line_end(&from_file(&folder.join(path))?),
        Initial::Prompt => {
            let prompt = format!("First value of the secret {}: ", spec.secret.name);
            without_line_end(&Zeroizing::new(rpassword::prompt_password(prompt).map_err(InitialError::NoTerminal)?))
        }
    };
    let value = document(given, spec)?;
    if value.len() > MAX_VALUE {
        return Err(InitialError::TooLong);
    }
    let name = Names::of(spec).secret_arn_pattern();
    let token = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, name.as_bytes()).to_string();
    Ok(InitialValue { value, token })
}

fn from_file(path: &Path) -> Result<Zeroizing<String>, InitialError> {
    let failed = |source| InitialError::NoFile { path: path.display().to_string(), source };
    let bytes = file::read(path, MAX_VALUE + LINE_END).map_err(failed)?.ok_or(InitialError::TooLong)?;
    let text =
        std::str::from_utf8(&bytes).map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn without_line_end(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())
}
