//! The secret's first value: read or made once, right before the secret is created.

use std::fmt;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use plan::naming::Names;
use plan::spec::{Initial, Spec};
use zeroize::Zeroizing;

use self::document::{document, of_password};
use self::text::{AROUND, Place, text};
use crate::file;

mod document;
mod quotation;
#[cfg(test)]
mod tests;
mod text;

/// Secrets Manager's limit for a value, in bytes.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html>
const MAX_VALUE: usize = 65_536;

/// A value that no one can print; it is wiped when it goes.
pub struct InitialValue {
    value: Zeroizing<String>,
    token: String,
}

impl fmt::Debug for InitialValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

/// Where a first value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It is generated.
    Policy,
    /// An environment variable.
    Variable(String),
    /// A file or a pipe.
    File(PathBuf),
    /// Somebody who was asked.
    Prompt,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy => f.write_str("the password policy"),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Prompt => f.write_str("the prompt"),
        }
    }
}

/// Why there is no first value. The value itself is never told.
#[derive(Debug, thiserror::Error)]
pub enum InitialError {
    /// The variable is not set.
    #[error("the environment variable {0} is not set; `secret.initial` takes the first value from it")]
    NoVariable(String),
    /// The file can't be read.
    #[error("the file {path} can't be read: {source}; `secret.initial` takes the first value from it", path = .path.display())]
    NoFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Nobody can be asked.
    #[error("`secret.initial: {{prompt: true}}` asks for the first value, but there is no terminal to ask on")]
    NoTerminal(#[source] std::io::Error),
    /// What there is can't be stored.
    #[error("the secret's first value, from {origin}, {unfit}")]
    Unfit {
        /// Where it comes from.
        origin: Origin,
        /// Why.
        unfit: Unfit,
    },
    /// None could be generated.
    #[error(transparent)]
    Generate(#[from] contract::NoPassword<getrandom::Error>),
}

/// Why a value is not stored; never a part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// There is nothing.
    #[error("is empty")]
    Empty,
    /// It is too long.
    #[error("has more than the {MAX_VALUE} bytes that Secrets Manager takes")]
    TooLong,
    /// It begins with UTF-16's mark.
    #[error("is UTF-16: save it as UTF-8")]
    Utf16,
    /// It is some other encoding, or none.
    #[error("is not UTF-8 at {0}: save it as UTF-8")]
    NotUtf8(Place),
    /// It has a NUL.
    #[error("has a NUL at {0}, which no password can have; if it is UTF-16, save it as UTF-8")]
    Nul(Place),
    /// The password alone has more than one line, or the like.
    #[error(
        "has a line break or another control character at {0}, and a password has none; one line break at the end is left \
         out by itself"
    )]
    Control(Place),
    /// It looks like JSON.
    #[error(
        "begins like JSON, and is not valid JSON at {place}: correct it; a password that begins with `{{`, `[` or `\"` is \
         given inside of a document, as `{{{field:?}: \"...\"}}`"
    )]
    NotJson {
        /// Where it stops being JSON.
        place: Place,
        /// The field that rotates.
        field: String,
    },
    /// It is JSON of another kind.
    #[error("is JSON and not an object: give the password without quotes, or a document, as `{{{0:?}: \"...\"}}`")]
    NotObject(String),
    /// Readers disagree about which one counts.
    #[error("is a JSON object that has a field twice; the second one's value is at {0}")]
    FieldTwice(Place),
    /// It is a document without the field that rotates.
    #[error("is a JSON object without the field {0:?}, which `secret.field` names")]
    NoField(String),
    /// The field that rotates is a number, a list, an object or a boolean.
    #[error("is a JSON object whose field {0:?}, which `secret.field` names, is not text: put it in quotes")]
    NotText(String),
    /// There is no password in the document.
    #[error("is a JSON object whose field {0:?}, which `secret.field` names, is empty: put the present password there")]
    NoPassword(String),
    /// The password in the document has a line break or the like.
    #[error(
        "is a JSON object whose field {0:?}, which `secret.field` names, has a line break or another control character, and \
         a password has none"
    )]
    ControlInField(String),
    /// It lacks what a derived field is made from.
    #[error("has no {source_field:?} as text or number, of which `secret.derived` makes {field:?}")]
    NotDerivable {
        /// The derived field.
        field: String,
        /// The field that it is made from.
        source_field: String,
    },
}

/// Reads or makes the first value. `folder` is the spec's.
///
/// What is read may be the password alone, or a whole JSON document that has it in the rotating field. To the password of
/// a database's user is added where it logs in, and to both what `secret.derived` makes of them.
///
/// # Errors
/// There is no value, or it can't be stored.
pub fn obtain(spec: &Spec, folder: &Path) -> Result<InitialValue, InitialError> {
    let (origin, value) = match &spec.secret.initial {
        Initial::Generate => {
            let password = Zeroizing::new(contract::generate(&spec.password, getrandom::fill)?);
            // It is the password, whatever it begins with.
            (Origin::Policy, of_password(password, spec))
        }
        Initial::Env(name) => {
            let bytes = std::env::var_os(name).ok_or_else(|| InitialError::NoVariable(name.clone()))?;
            (Origin::Variable(name.clone()), read(&Zeroizing::new(bytes.into_vec()), spec))
        }
        Initial::File(path) => {
            let path = folder.join(path);
            let bytes = file::read(&path, MAX_VALUE + AROUND)
                .map_err(|source| InitialError::NoFile { path: path.clone(), source })?;
            (Origin::File(path), bytes.map_or(Err(Unfit::TooLong), |bytes| read(&bytes, spec)))
        }
        Initial::Prompt => {
            let prompt = format!("First value of the secret {}: ", spec.secret.name);
            let line = Zeroizing::new(rpassword::prompt_password(prompt).map_err(InitialError::NoTerminal)?);
            (Origin::Prompt, read(line.as_bytes(), spec))
        }
    };
    let fitting = value.and_then(|value| if value.len() > MAX_VALUE { Err(Unfit::TooLong) } else { Ok(value) });
    let value = fitting.map_err(|unfit| InitialError::Unfit { origin, unfit })?;
    let name = Names::of(spec).secret_arn_pattern();
    let token = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, name.as_bytes()).to_string();
    Ok(InitialValue { value, token })
}

/// What is stored for what a source gave.
fn read(bytes: &[u8], spec: &Spec) -> Result<Zeroizing<String>, Unfit> {
    document(text(bytes)?, spec)
}
