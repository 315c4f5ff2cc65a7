//! Text that must not leave the process but in a request to its store or target.

use zeroize::Zeroizing;

/// A secret's value or a password. It has no `Debug`, `Display`, `Serialize` or `Clone`, and is overwritten when dropped.
///
/// Limit: the AWS SDK keeps copies of its own (request and response bodies), which nobody can overwrite; they live as
/// long as one call.
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// An empty text with room for `bytes` bytes, so that filling it leaves no copy behind.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Zeroizing::new(String::with_capacity(bytes)))
    }

    /// The text joined from its parts, without a copy left behind.
    #[must_use]
    pub fn concat(parts: &[&str]) -> Self {
        let mut text = Self::with_capacity(parts.iter().map(|part| part.len()).sum());
        for part in parts {
            text.0.push_str(part);
        }
        text
    }

    /// Appends one character; the caller has reserved the room.
    pub fn push(&mut self, character: char) {
        self.0.push(character);
    }

    /// The text itself. Every use of this is a place where a secret could leak.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretText {
    /// Takes the text over, so that it is overwritten when dropped.
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}
