//! From what a source gives to the text of a first value: one rule for a variable, a file, a pipe and a prompt.
//!
//! A byte-order mark of UTF-8 before it and one line break behind it are not the value's: editors and shells put them
//! there. All else is, byte for byte, or is refused.

use std::fmt;

use zeroize::Zeroizing;

use super::Unfit;

/// Bytes around a value that are not its own, at most.
pub(super) const AROUND: usize = UTF8_MARK.len() + "\r\n".len();

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";
const UTF16_MARKS: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// Where in a value something is; of the value itself it says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Place {
    /// Of the character that begins with that byte.
    pub(super) fn of(text: &str, byte: usize) -> Self {
        let before = &text[..text.floor_char_boundary(byte)];
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self { line: before.matches('\n').count() + 1, column: before[line..].chars().count() + 1 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// The text that the bytes are.
///
/// # Errors
/// It is empty, is not UTF-8, or has a NUL, which no client of a database and no variable can hold.
pub(super) fn text(bytes: &[u8]) -> Result<Zeroizing<String>, Unfit> {
    if UTF16_MARKS.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(Unfit::Utf16);
    }
    let bytes = bytes.strip_prefix(UTF8_MARK).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        Unfit::NotUtf8(Place::of(good, good.len()))
    })?;
    if let Some(byte) = text.find('\0') {
        return Err(Unfit::Nul(Place::of(text, byte)));
    }
    let text = text.strip_suffix("\r\n").or_else(|| text.strip_suffix(['\n', '\r'])).unwrap_or(text);
    if text.is_empty() { Err(Unfit::Empty) } else { Ok(Zeroizing::new(text.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<String, Unfit> {
        text(bytes).map(|text| text.to_string())
    }

    #[test]
    fn one_line_break_at_the_end_and_a_mark_at_the_beginning_are_not_the_value_s() {
        for (given, kept) in [
            ("pw", "pw"),
            ("pw\n", "pw"),
            ("pw\r\n", "pw"),
            ("pw\r", "pw"),
            ("\u{feff}pw\r\n", "pw"),
            ("pw\n\n", "pw\n"),
            ("pw\r\n\r\n", "pw\r\n"),
            ("pw\n\r", "pw\n"),
            ("\npw", "\npw"),
            (" pw\t ", " pw\t "),
            ("\u{feff}\u{feff}pw", "\u{feff}pw"),
            ("pw\u{feff}", "pw\u{feff}"),
            ("p\u{2028}w\u{85}", "p\u{2028}w\u{85}"),
        ] {
            assert_eq!(read(given.as_bytes()).unwrap(), kept, "{given:?}");
        }
    }

    #[test]
    fn nothing_but_a_mark_and_a_line_break_is_empty() {
        for given in ["", "\n", "\r\n", "\r", "\u{feff}", "\u{feff}\r\n"] {
            assert_eq!(read(given.as_bytes()), Err(Unfit::Empty), "{given:?}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_refused_at_its_place() {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let place = |line, column| Place { line, column };
        assert_eq!(read(&utf16("\u{feff}pw")), Err(Unfit::Utf16));
        assert_eq!(read(b"\xfe\xff\0p\0w"), Err(Unfit::Utf16));
        assert_eq!(read(&utf16("pw")), Err(Unfit::Nul(place(1, 2))), "UTF-16 without a mark");
        assert_eq!(read(b"p\0w"), Err(Unfit::Nul(place(1, 2))));
        assert_eq!(read(b"pw\0"), Err(Unfit::Nul(place(1, 3))));
        assert_eq!(read("é\né\u{1}\0".as_bytes()), Err(Unfit::Nul(place(2, 3))));
        assert_eq!(read(b"\xc3\xa9\n\xc3\xa9\xff"), Err(Unfit::NotUtf8(place(2, 2))));
        assert_eq!(read(b"caf\xe9"), Err(Unfit::NotUtf8(place(1, 4))), "Latin-1");
    }
}
