use std::fmt;

use serde::{Deserialize, Serialize};

/// A field that is made from others, as it is written: `postgres://{username}:{password|percent}@{host}:{port}/{dbname}`.
///
/// `{name}` stands for the field of that name, `{name|percent}` for its percent-encoding; `{{` and `}}` are braces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// As it is.
    Text(String),
    /// The value of a field.
    Field {
        /// Its name.
        name: String,
        /// Whether all but RFC 3986's unreserved characters are percent-encoded.
        percent: bool,
    },
}

/// Why a text is no template, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoTemplate {
    /// Byte at which the fault stands.
    pub at: usize,
    /// What it is.
    pub what: &'static str,
}

impl fmt::Display for NoTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at character {})", self.what, self.at + 1)
    }
}

impl std::error::Error for NoTemplate {}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// The first fault, with its place.
    pub fn parse(text: &str) -> Result<Self, NoTemplate> {
        let (mut parts, mut plain) = (Vec::new(), String::new());
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let from_brace = &rest[at..];
            let place = text.len() - from_brace.len();
            if let Some(brace) = ["{{", "}}"].into_iter().find(|brace| from_brace.starts_with(brace)) {
                plain.push_str(&brace[1..]);
                rest = &from_brace[2..];
                continue;
            }
            let fault = |what| NoTemplate { at: place, what };
            let inner = from_brace.strip_prefix('{').ok_or_else(|| fault("a `}` without its `{`; write `}}`"))?;
            let (inner, after) = inner.split_once('}').ok_or_else(|| fault("a `{` without its `}`; write `{{`"))?;
            let (name, percent) = match inner.split_once('|') {
                None => (inner, false),
                Some((name, "percent")) => (name, true),
                Some(_) => return Err(fault("the only filter is `|percent`")),
            };
            if name.is_empty() || name.contains('{') {
                return Err(fault("a field's name must stand between the braces"));
            }
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Field { name: name.to_owned(), percent });
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The template as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its parts, in their order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The names of the fields that it needs.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Field { name, .. } => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }
}

impl TryFrom<String> for Template {
    type Error = NoTemplate;

    fn try_from(text: String) -> Result<Self, NoTemplate> {
        Self::parse(&text)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_taken_apart() {
        let template = Template::parse("a{{b}}://{user}:{password|percent}@h").unwrap();
        let field = |name: &str, percent| Part::Field { name: name.to_owned(), percent };
        let text = |text: &str| Part::Text(text.to_owned());
        let parts = [text("a{b}://"), field("user", false), text(":"), field("password", true), text("@h")];
        assert_eq!(template.parts(), parts);
        assert_eq!(template.fields().collect::<Vec<_>>(), ["user", "password"]);
        assert_eq!(String::from(template), "a{{b}}://{user}:{password|percent}@h");
    }

    #[test]
    fn a_faulty_template_says_where() {
        for (text, at) in [("a}", 1), ("ab{", 2), ("{}", 0), ("x{a|b}", 1), ("é{a|}", 2), ("{{}", 2), ("{a{b}", 0)] {
            assert_eq!(Template::parse(text).map(drop).map_err(|fault| fault.at), Err(at), "{text}");
        }
    }
}
