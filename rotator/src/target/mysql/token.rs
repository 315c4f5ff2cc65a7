//! The server's statements in parts.

/// Words, quoted texts with their quotes, and single signs.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text.trim_start();
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = match first {
            first if is_quote(first) => quoted(rest, first),
            first if is_part_of_word(first) => rest.find(|c| !is_part_of_word(c)).unwrap_or(rest.len()),
            first => first.len_utf8(),
        };
        let (token, after) = rest.split_at(end);
        rest = after.trim_start();
        Some(token)
    })
}

/// A token without its quotes.
pub(super) fn unquoted(token: &str) -> String {
    let mut chars = token.chars();
    let Some(quote) = chars.next().filter(|first| is_quote(*first)) else { return token.to_owned() };
    let mut text = String::new();
    while let Some(c) = chars.next() {
        match c {
            c if c == quote => text.extend(chars.next()),
            '\\' if quote != '`' => text.extend(chars.next()),
            c => text.push(c),
        }
    }
    text
}

/// Tokens as a text again, with a space where two would run together.
pub(super) fn join(tokens: &[&str]) -> String {
    let runs = |token: &str| token.starts_with(|c| is_part_of_word(c) || is_quote(c));
    let mut text = String::new();
    let mut ran = false;
    for token in tokens {
        if ran && runs(token) {
            text.push(' ');
        }
        text.push_str(token);
        ran = runs(token);
    }
    text
}

fn is_part_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn is_quote(c: char) -> bool {
    matches!(c, '\'' | '"' | '`')
}

/// The length of a quoted text; a quote in it is doubled, or in a string escaped.
fn quoted(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && quote != '`' || c == quote && chars.peek().is_some_and(|(_, next)| *next == quote) {
            chars.next();
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quoted_text_is_one_token_whatever_is_in_it() {
        let text = r"A 'b''c\'d' `e``f g\`.*,(`h`)";
        let parts = ["A", r"'b''c\'d'", r"`e``f g\`", ".", "*", ",", "(", "`h`", ")"];
        assert_eq!(tokens(text).collect::<Vec<_>>(), parts);
        assert_eq!(join(&parts), r"A 'b''c\'d' `e``f g\`.*,(`h`)");
        assert_eq!(["A", r"'b''c\'d'", r"`e``f g\`"].map(unquoted), ["A", "b'c'd", r"e`f g\"]);
    }

    proptest! {
        #[test]
        fn parts_that_are_joined_have_the_same_parts(text in any::<String>()) {
            let parts: Vec<&str> = tokens(&text).collect();
            let joined = join(&parts);
            prop_assert_eq!(tokens(&joined).collect::<Vec<_>>(), parts);
        }
    }
}
