use serde::{Deserialize, Serialize};

/// The shortest password that a policy may ask for.
pub const MIN_LENGTH: u16 = 8;
/// The longest password that a policy may ask for.
pub const MAX_LENGTH: u16 = 1024;

/// A class of characters of which a password must have at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// `a` to `z`
    Lower,
    /// `A` to `Z`
    Upper,
    /// `0` to `9`
    Digit,
    /// the policy's `symbols`
    Symbol,
}

impl Class {
    /// All classes, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Lower, Self::Upper, Self::Digit, Self::Symbol];
}

/// A named policy for a well-known system; the spec's own keys override it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Letters and digits: safe in any shell, URL or connection string.
    Alphanumeric,
    /// Unreserved characters of RFC 3986: safe in a URL without escaping.
    UrlSafe,
    /// Amazon RDS master passwords: no `/`, `'`, `"`, `@` or space.
    Rds,
}

/// What a password looks like. Alphabet: the characters of the required classes less the excluded ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordPolicy {
    /// Number of characters, from [`MIN_LENGTH`] to [`MAX_LENGTH`].
    pub length: u16,
    /// Classes of which at least one character must occur.
    pub require: Vec<Class>,
    /// The characters of [`Class::Symbol`]: printable ASCII, neither letters nor digits.
    pub symbols: String,
    /// Characters that never occur.
    pub exclude: String,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { length: 32, require: Class::ALL.to_vec(), symbols: "!@#$%^&*".to_owned(), exclude: String::new() }
    }
}

/// Why no password can follow a policy, or none safely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Infeasible {
    /// The length is outside [`MIN_LENGTH`] to [`MAX_LENGTH`].
    Length(u16),
    /// No class is required, so there is no alphabet.
    NoClass,
    /// A required class has no character left.
    EmptyClass(Class),
    /// `symbols` has a character that is no printable ASCII symbol.
    NotASymbol(char),
}

impl std::fmt::Display for Infeasible {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Length(length) => write!(f, "length {length} is outside {MIN_LENGTH} to {MAX_LENGTH}"),
            Self::NoClass => f.write_str("no character class is required, so no character is allowed"),
            Self::EmptyClass(class) => {
                write!(f, "class {} is required, but has no character left", format!("{class:?}").to_lowercase())
            }
            Self::NotASymbol(c) => write!(f, "`symbols` may only have printable ASCII symbols, not {c:?}"),
        }
    }
}

impl std::error::Error for Infeasible {}

impl PasswordPolicy {
    /// The policy that a preset stands for.
    #[must_use]
    pub fn preset(preset: Preset) -> Self {
        let without_symbols = vec![Class::Lower, Class::Upper, Class::Digit];
        match preset {
            Preset::Alphanumeric => Self { require: without_symbols, symbols: String::new(), ..Self::default() },
            Preset::UrlSafe => Self { symbols: "-._~".to_owned(), ..Self::default() },
            Preset::Rds => Self { symbols: "!#$%^&*()-_=+[]{}<>:?".to_owned(), ..Self::default() },
        }
    }

    /// The characters of one class that are left after exclusion, each once, in ASCII order.
    #[must_use]
    pub fn characters(&self, class: Class) -> Vec<u8> {
        let all: Vec<u8> = match class {
            Class::Lower => (b'a'..=b'z').collect(),
            Class::Upper => (b'A'..=b'Z').collect(),
            Class::Digit => (b'0'..=b'9').collect(),
            Class::Symbol => self.symbols.bytes().filter(u8::is_ascii_punctuation).collect(),
        };
        let mut left: Vec<u8> = all.into_iter().filter(|&b| !self.exclude.contains(char::from(b))).collect();
        left.sort_unstable();
        left.dedup();
        left
    }

    /// All characters that a password may have, each once, in ASCII order.
    #[must_use]
    pub fn alphabet(&self) -> Vec<u8> {
        let mut all: Vec<u8> = self.require.iter().flat_map(|&class| self.characters(class)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether a password can follow the policy.
    ///
    /// # Errors
    /// The first reason why none can.
    pub fn check(&self) -> Result<(), Infeasible> {
        if !(MIN_LENGTH..=MAX_LENGTH).contains(&self.length) {
            return Err(Infeasible::Length(self.length));
        }
        if self.require.is_empty() {
            return Err(Infeasible::NoClass);
        }
        if let Some(c) = self.symbols.chars().find(|c| !c.is_ascii_punctuation()) {
            return Err(Infeasible::NotASymbol(c));
        }
        match self.require.iter().find(|&&class| self.characters(class).is_empty()) {
            Some(&class) => Err(Infeasible::EmptyClass(class)),
            None => Ok(()),
        }
    }

    /// Whether a password follows the policy.
    #[must_use]
    pub fn accepts(&self, password: &[u8]) -> bool {
        let alphabet = self.alphabet();
        password.len() == usize::from(self.length)
            && password.iter().all(|b| alphabet.contains(b))
            && self.require.iter().all(|&class| {
                let class = self.characters(class);
                password.iter().any(|b| class.contains(b))
            })
    }

    /// Upper bound of a password's entropy, in bits: length times log2 of the alphabet's size.
    #[must_use]
    pub fn entropy_bits(&self) -> f64 {
        let size = u8::try_from(self.alphabet().len()).unwrap_or(u8::MAX);
        f64::from(self.length) * f64::from(size).log2()
    }
}
