//! Statements as texts, for account management takes no parameters.

use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use crate::secret::SecretText;

/// A text as a literal, under the session's `sql_mode`, which lets a backslash escape.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// An account's name.
pub(super) fn account(user: &str, host: &str) -> String {
    format!("{}@{}", literal(user), literal(host))
}

/// The name of the lock that only one rotation of a user can have; a name has 64 characters at most.
pub(super) fn lock(user: &str) -> String {
    format!("rotator-{}", hex(&Sha1::digest(user)))
}

/// What `mysql_native_password` keeps of a password, as a literal.
/// <https://mariadb.com/kb/en/authentication-plugin-mysql_native_password/>
pub(super) fn hash(password: &SecretText) -> SecretText {
    let once = Zeroizing::new(<[u8; 20]>::from(Sha1::digest(password.expose())));
    SecretText::concat(&["'*", &hex(&Sha1::digest(*once)).to_ascii_uppercase(), "'"])
}

/// A password that the server itself is to hash.
pub(super) fn plain(password: &SecretText) -> SecretText {
    SecretText::concat(&["PASSWORD(", quoted(password).expose(), ")"])
}

/// MariaDB's change of the password of several accounts, by [`hash`] or [`plain`]; it stops at the first that fails.
pub(super) fn set_password(accounts: &[String], proof: &str) -> SecretText {
    let mut parts = Vec::new();
    for account in accounts {
        parts.extend(["SET PASSWORD FOR ", account, " = ", proof, "; "]);
    }
    if let [_] = accounts {
        parts.pop();
    } else {
        parts.insert(0, "BEGIN NOT ATOMIC ");
        parts.push("END");
    }
    SecretText::concat(&parts)
}

/// MySQL's change of the password of several accounts, all or none. Without `WITH` it keeps each account's plugin.
/// `proof` is the present password of the only account, where it has to state it.
pub(super) fn alter_user(
    accounts: &[String],
    password: &SecretText,
    proof: Option<&SecretText>,
    retain: bool,
) -> SecretText {
    let (password, retain) = (quoted(password), if retain { " RETAIN CURRENT PASSWORD" } else { "" });
    let replace = proof.map(|proof| SecretText::concat(&[" REPLACE ", quoted(proof).expose()]));
    let replace = replace.as_ref().map_or("", SecretText::expose);
    let mut parts = Vec::new();
    for account in accounts {
        parts.push(if parts.is_empty() { "ALTER USER " } else { ", " });
        parts.extend([account, " IDENTIFIED BY ", password.expose(), replace, retain]);
    }
    SecretText::concat(&parts)
}

/// A new account of MariaDB's, by [`hash`] or [`plain`], by which nobody can log in.
pub(super) fn create_user_mariadb(account: &str, proof: &str) -> SecretText {
    SecretText::concat(&[
        "CREATE USER ",
        account,
        " IDENTIFIED VIA mysql_native_password USING ",
        proof,
        " ACCOUNT LOCK",
    ])
}

/// Gives MySQL's accounts their password, each by its plugin, and unlocks them: all or none.
pub(super) fn finish_mysql(accounts: &[(String, String)], password: &SecretText) -> SecretText {
    let password = quoted(password);
    let plugins: Vec<String> = accounts.iter().map(|(_, plugin)| literal(plugin)).collect();
    let mut parts = Vec::new();
    for ((account, _), plugin) in accounts.iter().zip(&plugins) {
        parts.push(if parts.is_empty() { "ALTER USER " } else { ", " });
        parts.extend([account, " IDENTIFIED WITH ", plugin, " BY ", password.expose()]);
    }
    parts.push(" ACCOUNT UNLOCK");
    SecretText::concat(&parts)
}

fn quoted(password: &SecretText) -> SecretText {
    let mut quoted = SecretText::with_capacity(2 * password.expose().len() + 2);
    quoted.push('\'');
    for character in password.expose().chars() {
        if matches!(character, '\'' | '\\') {
            quoted.push(character);
        }
        quoted.push(character);
    }
    quoted.push('\'');
    quoted
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|half| char::from_digit(half.into(), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretText {
        text.to_owned().into()
    }

    #[test]
    fn a_hash_is_the_server_s_own() {
        // SELECT PASSWORD('mypass') says so.
        assert_eq!(hash(&secret("mypass")).expose(), "'*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4'");
    }

    #[test]
    fn no_text_gets_out_of_its_quotes() {
        assert_eq!(literal(r"a'b\c"), r"'a''b\\c'");
        assert_eq!(quoted(&secret(r"a'b\c")).expose(), literal(r"a'b\c"));
        assert_eq!(account("o'r", "%"), "'o''r'@'%'");
    }

    #[test]
    fn several_accounts_are_changed_by_one_statement() {
        let accounts = ["a".to_owned(), "b".to_owned()];
        assert_eq!(set_password(&accounts[..1], "P").expose(), "SET PASSWORD FOR a = P");
        let both = "BEGIN NOT ATOMIC SET PASSWORD FOR a = P; SET PASSWORD FOR b = P; END";
        assert_eq!(set_password(&accounts, "P").expose(), both);
        assert_eq!(
            alter_user(&accounts, &secret("p'"), None, true).expose(),
            "ALTER USER a IDENTIFIED BY 'p''' RETAIN CURRENT PASSWORD, b IDENTIFIED BY 'p''' RETAIN CURRENT PASSWORD",
        );
        assert_eq!(alter_user(&accounts[..1], &secret("p"), None, false).expose(), "ALTER USER a IDENTIFIED BY 'p'");
        let proven = alter_user(&accounts[..1], &secret("p"), Some(&secret("o'")), true);
        let expected = "ALTER USER a IDENTIFIED BY 'p' REPLACE 'o''' RETAIN CURRENT PASSWORD";
        assert_eq!(proven.expose(), expected);
    }

    #[test]
    fn a_lock_s_name_is_never_too_long() {
        assert!(lock(&"é".repeat(80)).len() <= 64);
        assert_ne!(lock("a"), lock("b"));
    }
}
