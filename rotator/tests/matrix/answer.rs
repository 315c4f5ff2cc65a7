//! What a server's answers look like on the wire, as far as the proxy has to know it.

use crate::bench::Engine;

/// A server's error: SQLSTATE, number or name.
pub type Code = &'static str;

/// What the server says besides; nobody may quote it.
pub const TEXT: &str = "what the server says of canary";

/// A message of the client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// Whether it is part of a login.
    pub is_login: bool,
    /// Whether it changes something, or makes a change last.
    pub is_change: bool,
    /// Whether the server answers it; a farewell it does not.
    pub is_answered: bool,
}

/// Errors that servers give by documentation. None says that a password is wrong.
pub fn codes(engine: Engine) -> &'static [Code] {
    match engine {
        Engine::Postgres => &["42501", "53300", "57014", "XX000", "25006", "22023"],
        Engine::Mysql => &["1699", "1290", "1227", "1819", "1205", "1045"],
        Engine::Redis => &["NOPERM", "READONLY", "ERR", "OOM", "MISCONF"],
    }
}

/// Whether the rotation takes it for a refusal of the password itself, and tries another.
pub fn is_password_refused(code: Code) -> bool {
    ["22023", "1819"].contains(&code)
}

impl Message {
    /// `is_served`: whether the server has let the client in before.
    pub fn read(engine: Engine, bytes: &[u8], is_served: bool) -> Self {
        let has = |words: &[u8]| bytes.windows(words.len()).any(|part| part == words);
        let words: [&[u8]; 6] = [b"ALTER ", b"SET PASSWORD", b"SETUSER", b"COMMIT", b"CREATE ", b"GRANT "];
        let (is_login, is_answered) = match engine {
            Engine::Postgres => (!is_served, bytes[0] != b'X'),
            // Commands begin a sequence of their own; the first is the farewell.
            Engine::Mysql => (bytes[3] != 0, bytes[3] != 0 || bytes.get(4) != Some(&1)),
            Engine::Redis => (has(b"AUTH"), true),
        };
        Self { is_login, is_change: words.iter().any(|words| has(words)), is_answered }
    }
}

/// PostgreSQL's state after an answer, `I`, `T` or `E`: with it each answer ends but those of a login.
pub fn state(engine: Engine, bytes: &[u8]) -> Option<u8> {
    match (engine, bytes) {
        (Engine::Postgres, [.., b'Z', 0, 0, 0, 5, state]) => Some(*state),
        _ => None,
    }
}

/// A message that the server refuses in place of this one, and that leaves it in the same state.
pub fn refused_instead(engine: Engine, bytes: &[u8]) -> Option<Vec<u8>> {
    match engine {
        // A commit that fails is a rollback.
        Engine::Postgres if bytes.windows(6).any(|part| part == b"COMMIT") => Some(query("ROLLBACK")),
        Engine::Postgres => Some(query("never understood")),
        Engine::Mysql | Engine::Redis => None,
    }
}

fn query(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len() + 5).unwrap().to_be_bytes();
    [b"Q", &length[..], text.as_bytes(), b"\0"].concat()
}

/// The error that answers a message; `state` is PostgreSQL's after the true answer.
pub fn error(engine: Engine, code: Code, message: &[u8], state: Option<u8>) -> Vec<u8> {
    match engine {
        Engine::Postgres => {
            let severity = if state.is_some() { "ERROR" } else { "FATAL" };
            let content = format!("S{severity}\0V{severity}\0C{code}\0M{TEXT}\0\0");
            let length = u32::try_from(content.len() + 4).unwrap().to_be_bytes();
            let error = [b"E", &length[..], content.as_bytes()].concat();
            let state = state.map(|state| if state == b'T' { b'E' } else { state });
            let ready = state.map(|state| [b'Z', 0, 0, 0, 5, state]);
            error.into_iter().chain(ready.into_iter().flatten()).collect()
        }
        Engine::Mysql => {
            let [low, high] = code.parse::<u16>().unwrap().to_le_bytes();
            let content = [&[0xff, low, high], b"#HY000".as_slice(), TEXT.as_bytes()].concat();
            let [length, ..] = u32::try_from(content.len()).unwrap().to_le_bytes();
            [&[length, 0, 0, message[3] + 1], content.as_slice()].concat()
        }
        Engine::Redis => format!("-{code} {TEXT}\r\n").into_bytes(),
    }
}
