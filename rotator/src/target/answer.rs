//! What a server's error means: a table for each kind of server, from its documentation.

use crate::error::{Kind, TargetCode};

/// One error of a server's.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The server's own code: an SQLSTATE or the class of some, an error number, or the first word of an answer; empty: any.
    pub code: &'static str,
    /// Words of the server's that tell errors of one code apart; empty: all of them.
    pub says: &'static str,
    /// What it means.
    pub means: Means,
    /// The same for whoever reads it; where the code and [`Row::means`] say it all, empty.
    pub words: &'static str,
}

/// What an error means to a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// A wrong password, or no such user. Nothing else.
    Refused,
    /// The user can't log in, whatever its password.
    User,
    /// The user can't log in from here, or not over such a connection.
    Connection,
    /// The server is not set up as the rotation needs it.
    Setup,
    /// A right is missing.
    Denied,
    /// Too much is going on.
    Busy,
    /// The server can't be worked with at the moment.
    Away,
    /// The server's rules refuse the new password.
    Password,
}

impl Row {
    /// A row for every error of a code.
    pub(super) const fn of(code: &'static str, means: Means, words: &'static str) -> Self {
        Self { code, says: "", means, words }
    }

    /// A row for the errors of a code that have these words.
    pub(super) const fn says(code: &'static str, says: &'static str, means: Means, words: &'static str) -> Self {
        Self { code, says, means, words }
    }

    /// The failure, where this answered `what`.
    #[must_use]
    pub fn kind(&self, what: &'static str, code: &str) -> Kind {
        let code = TargetCode::of(code, self.words);
        match self.means {
            Means::Refused | Means::User => Kind::UserBarred(code),
            Means::Connection => Kind::ConnectionBarred(code),
            Means::Setup => Kind::TargetSetup(code),
            Means::Denied => Kind::TargetDenied { what, code },
            Means::Busy => Kind::TargetBusy(code),
            Means::Away => Kind::TargetUnreachable(self.words),
            Means::Password => Kind::PasswordRefused(code),
        }
    }
}

/// The first row for an error; `says` is asked whether the error has certain words.
pub(super) fn find(rows: &'static [Row], code: &str, says: impl Fn(&str) -> bool) -> Option<&'static Row> {
    let is_of = |row: &Row| match row.code.len() {
        0 => true,
        // A class of SQLSTATEs; no error number has so few digits.
        2 => code.len() == 5 && code.starts_with(row.code),
        _ => row.code == code,
    };
    rows.iter().find(|row| is_of(row) && (row.says.is_empty() || says(row.says)))
}

/// The failure for an error that may be in the table.
pub(super) fn kind(row: Option<&Row>, what: &'static str, code: &str) -> Kind {
    row.map_or_else(|| Kind::TargetFailed { what, code: TargetCode::new(code) }, |row| row.kind(what, code))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::error::{Class, Step};

    /// Checks that each row is found, and gives its class and its words.
    pub fn hold(rows: &'static [Row]) {
        for row in rows {
            let code = match row.code.len() {
                0 => "00000".to_owned(),
                2 => format!("{}X0X", row.code),
                _ => row.code.to_owned(),
            };
            let found = find(rows, &code, |words| words == row.says).unwrap();
            assert_eq!((found.code, found.says), (row.code, row.says), "an earlier row hides this one");
            let error = row.kind("the login", &code).at(Step::Set);
            let class = match row.means {
                Means::Refused | Means::User => Class::Credential,
                Means::Connection | Means::Denied => Class::Permission,
                Means::Setup => Class::Config,
                Means::Busy => Class::Throttled,
                Means::Away => Class::Network,
                Means::Password => Class::Policy,
            };
            assert_eq!(error.class(), class, "{row:?}");
            assert!(error.to_string().contains(row.words), "{error}");
            assert!(row.words.is_empty() || !row.words.ends_with('.') && row.words.len() < 160, "{row:?}");
        }
    }
}
