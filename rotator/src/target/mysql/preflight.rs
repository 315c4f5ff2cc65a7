//! What a MariaDB or MySQL server says of itself and of a user's accounts, and whether a rotation can succeed with that.

use mysql_async::Row;

use super::error::{PLUGIN, READ_ONLY};
use super::statement::account;
use super::token::tokens;
use super::{PLUGINS, Server, Session};
use crate::error::{Kind, TargetCode};
use crate::log;
use crate::target::database::Change;
use crate::value::Unfit;

/// The longest password of `caching_sha2_password` and `sha256_password`, in bytes.
/// <https://dev.mysql.com/doc/refman/8.4/en/caching-sha2-pluggable-authentication.html>
const LONGEST_SHA2: usize = 256;
/// The longest password that fits into one block of OAEP with SHA-1 under the server's key of 2048 bits, with the zero at
/// its end: so it is sent where there is no TLS. <https://datatracker.ietf.org/doc/html/rfc8017#section-7.1.1>
pub(super) const LONGEST_RSA: usize = 256 - 42 - 1;
pub(super) const TOO_LONG: Kind = Kind::PasswordUnfit("without TLS, caching_sha2_password takes 213 bytes at most");
/// With fewer failed logins allowed, the tries by which a rotation finds its way would lock the user.
const FEWEST_ATTEMPTS: u64 = 3;
/// The longest user name, in characters.
const LONGEST_USER_MYSQL: usize = 32;
const LONGEST_USER_MARIADB: usize = 128;
const NATIVE: &str = "mysql_native_password";
const SHA2: &str = "caching_sha2_password";

/// All that is asked before a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) server: Server,
    pub(super) is_read_only: bool,
    /// A replica that may be written to: it may be one of two masters.
    pub(super) is_replica: bool,
    /// Whether the client speaks TLS.
    pub(super) tls: bool,
    /// Failed logins after which the server refuses a user; `None`: any number.
    pub(super) max_password_errors: Option<u64>,
    pub(super) accounts: Vec<Account>,
    /// The grants of whoever sets another user's password.
    pub(super) admin_grants: Option<Vec<String>>,
}

/// What an account is authenticated by, and what keeps it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    /// Of which any is enough, or with MySQL's further factors each is needed.
    plugins: Vec<String>,
    is_locked: bool,
    is_expired: bool,
    /// Failed logins after which the account is locked; `None`: any number.
    failed_logins: Option<u64>,
}

impl Account {
    /// Reads the answer to SHOW CREATE USER; `None` where it is of no known form.
    pub(super) fn parse(create: &str) -> Option<Self> {
        let tokens: Vec<&str> = tokens(create).collect();
        let ["CREATE", "USER", rest @ ..] = tokens.as_slice() else { return None };
        let follows = |words: &[&str]| {
            let mut windows = rest.windows(words.len());
            windows.position(|window| window == words).map(|at| &rest[at + words.len()..])
        };
        let attempts = follows(&["FAILED_LOGIN_ATTEMPTS"]).and_then(|rest| rest.first()?.parse().ok());
        Some(Self {
            plugins: plugins(rest)?,
            is_locked: follows(&["ACCOUNT", "LOCK"]).is_some(),
            is_expired: follows(&["PASSWORD", "EXPIRE"])
                .is_some_and(|rest| !matches!(rest.first(), Some(&("DEFAULT" | "NEVER" | "INTERVAL")))),
            failed_logins: attempts.filter(|attempts| *attempts != 0),
        })
    }
}

/// `IDENTIFIED WITH 'a' AS '...' AND IDENTIFIED WITH 'b'`, `IDENTIFIED VIA a USING '...' OR b`, `IDENTIFIED BY PASSWORD`.
fn plugins(tokens: &[&str]) -> Option<Vec<String>> {
    let plain = |name: &str| name.trim_matches(['\'', '`', '"']).to_owned();
    let mut found = Vec::new();
    for (at, _) in tokens.iter().enumerate().filter(|(_, word)| **word == "IDENTIFIED") {
        match tokens.get(at + 1..)? {
            ["BY", ..] => found.push(NATIVE.to_owned()),
            ["WITH" | "VIA", name, ..] => found.push(plain(name)),
            _ => return None,
        }
    }
    found.extend(tokens.windows(2).filter(|pair| pair[0] == "OR").map(|pair| plain(pair[1])));
    // MariaDB's account without a password.
    if found.is_empty() {
        found.push(NATIVE.to_owned());
    }
    Some(found)
}

impl Facts {
    /// Asks for what counts of the user whose password is changed, or whose clone user's is.
    pub(super) async fn read(session: &mut Session, change: &Change<'_>, tls: bool) -> Result<Self, Kind> {
        let number = async |session: &mut Session, variable: &str| {
            let value = session.value("a query", &format!("SELECT @@global.{variable} + 0")).await?;
            Ok::<_, Kind>(value.and_then(|value| value.parse::<u64>().ok()))
        };
        let is_read_only =
            number(session, "read_only").await? != Some(0) || number(session, "innodb_read_only").await? != Some(0);
        let (max_password_errors, replicas) = match session.server {
            Server::MariaDb => (number(session, "max_password_errors").await?, "SHOW ALL SLAVES STATUS"),
            Server::MySql { .. } => (None, "SHOW REPLICA STATUS"),
        };
        // Most may not ask, and older servers have another word.
        let replicas: Vec<Row> = session.rows("SHOW REPLICA STATUS", replicas).await.unwrap_or_default();
        let names = if change.own {
            vec!["CURRENT_USER()".to_owned()]
        } else {
            let user = change.clone_of.unwrap_or(change.user);
            let accounts = session.accounts(user).await?;
            accounts.iter().map(|existing| account(user, &existing.host)).collect()
        };
        let mut accounts = Vec::new();
        for name in names {
            let create = session.value("SHOW CREATE USER", &format!("SHOW CREATE USER {name}")).await?;
            accounts.push(Account::parse(&create.unwrap_or_default()).ok_or(Kind::TargetUnfit(PLUGIN))?);
        }
        let admin_grants = if change.own { None } else { Some(session.rows("SHOW GRANTS", "SHOW GRANTS").await?) };
        let (server, is_replica) = (session.server, !replicas.is_empty());
        Ok(Self { server, is_read_only, is_replica, tls, max_password_errors, accounts, admin_grants })
    }

    /// Whether a rotation can succeed.
    ///
    /// # Errors
    /// The first reason why not.
    pub(super) fn check(&self, change: &Change<'_>) -> Result<(), Kind> {
        let Self { server, is_read_only, is_replica, tls, max_password_errors, accounts, admin_grants } = self;
        let unfit = |why| Err(Kind::TargetUnfit(why));
        if *is_read_only {
            return unfit(READ_ONLY);
        }
        if *is_replica {
            log::warn("the server is a replica that may be written to; `host` has to be its source");
        }
        let longest = match server {
            Server::MariaDb => LONGEST_USER_MARIADB,
            Server::MySql { .. } => LONGEST_USER_MYSQL,
        };
        if change.user.chars().count() > longest {
            return Err(Unfit::LongName.into());
        }
        if accounts.is_empty() {
            return unfit("the user does not exist");
        }
        if let Some(grants) = admin_grants
            && !may_set_passwords(grants)
        {
            let code = TargetCode::new("CREATE-USER");
            return Err(Kind::TargetDenied { what: "the change: whoever sets the password needs CREATE USER", code });
        }
        accounts.iter().try_for_each(|account| account.check(*max_password_errors, *tls, change))
    }
}

impl Account {
    fn check(&self, max_password_errors: Option<u64>, tls: bool, change: &Change<'_>) -> Result<(), Kind> {
        let Self { plugins, is_locked, is_expired, failed_logins } = self;
        let unfit = |why| Err(Kind::TargetUnfit(why));
        let [plugin] = plugins.as_slice() else {
            return unfit("the user authenticates by more than one plugin, of which only one has the password");
        };
        if !PLUGINS.contains(&plugin.as_str()) {
            return unfit(PLUGIN);
        }
        if *is_locked {
            return unfit("the user is locked, whatever its password is: ALTER USER NAME ACCOUNT UNLOCK");
        }
        if *is_expired && change.own {
            return unfit("the user's password has expired: set it once by another user");
        }
        if failed_logins.iter().chain(&max_password_errors).any(|attempts| *attempts < FEWEST_ATTEMPTS) {
            return unfit(
                "so few failed logins lock the user that a rotation's own tries could; allow at least 3 \
                 (FAILED_LOGIN_ATTEMPTS, max_password_errors)",
            );
        }
        let bytes = change.password.expose().len();
        if plugin == SHA2 && bytes > LONGEST_SHA2 {
            return Err(Kind::PasswordUnfit("caching_sha2_password takes 256 bytes at most"));
        }
        if plugin == SHA2 && !tls && bytes > LONGEST_RSA {
            return Err(TOO_LONG);
        }
        Ok(())
    }
}

/// Whether grants have what sets another user's password. A role may have it, which is not looked into.
fn may_set_passwords(grants: &[String]) -> bool {
    grants.iter().any(|grant| {
        let (what, on) = grant.split_once(" ON ").unwrap_or((grant, ""));
        let is_global = on.starts_with("*.*");
        on.is_empty()
            || is_global && (what.contains("CREATE USER") || what.contains("ALL PRIVILEGES"))
            || on.starts_with("`mysql`.*") && what.contains("UPDATE")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretText;

    const MYSQL: Server = Server::MySql { two_passwords: true };

    fn account(create: &str) -> Account {
        Account::parse(&format!("CREATE USER `app`@`%` {create}")).unwrap()
    }

    fn facts(server: Server, create: &str) -> Facts {
        Facts {
            server,
            is_read_only: false,
            is_replica: false,
            tls: true,
            max_password_errors: None,
            accounts: vec![account(create)],
            admin_grants: None,
        }
    }

    fn check(facts: &Facts, user: &str, length: usize, own: bool) -> Result<(), Kind> {
        let password = SecretText::from("x".repeat(length));
        let change =
            Change { user, password: &password, present: None, own, proofs: Vec::new(), clone_of: None, known: false };
        facts.check(&change)
    }

    #[test]
    fn an_account_is_read_from_each_server_s_own_words() {
        let usual =
            Account { plugins: vec![SHA2.to_owned()], is_locked: false, is_expired: false, failed_logins: None };
        let tail = "REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK PASSWORD HISTORY DEFAULT PASSWORD REUSE \
                    INTERVAL DEFAULT PASSWORD REQUIRE CURRENT DEFAULT";
        assert_eq!(account(&format!("IDENTIFIED WITH 'caching_sha2_password' AS '$A$ ACCOUNT LOCK' {tail}")), usual);
        let strict = "IDENTIFIED WITH 'caching_sha2_password' REQUIRE NONE PASSWORD EXPIRE ACCOUNT LOCK PASSWORD \
                      HISTORY 5 PASSWORD REQUIRE CURRENT FAILED_LOGIN_ATTEMPTS 2 PASSWORD_LOCK_TIME UNBOUNDED";
        let expected = Account { is_locked: true, is_expired: true, failed_logins: Some(2), ..usual };
        assert_eq!(account(strict), expected);
        for (create, plugins) in [
            ("IDENTIFIED BY PASSWORD '*0' REQUIRE SSL", vec![NATIVE]),
            ("IDENTIFIED VIA unix_socket OR mysql_native_password USING '*0 OR b'", vec!["unix_socket", NATIVE]),
            ("IDENTIFIED VIA ed25519 USING 'a' PASSWORD EXPIRE NEVER", vec!["ed25519"]),
            ("IDENTIFIED WITH 'caching_sha2_password' AS '' AND IDENTIFIED WITH 'webauthn'", vec![SHA2, "webauthn"]),
            ("", vec![NATIVE]),
            ("ACCOUNT LOCK", vec![NATIVE]),
        ] {
            assert_eq!(account(create).plugins, plugins, "{create}");
        }
        for create in ["", "CREATE ROLE a", "GRANT USAGE", "CREATE USER `a`@`%` IDENTIFIED"] {
            assert_eq!(Account::parse(create), None, "{create}");
        }
    }

    #[test]
    fn what_a_rotation_can_t_succeed_with_is_named() {
        let sha2 = || facts(MYSQL, "IDENTIFIED WITH 'caching_sha2_password' AS ''");
        assert_eq!(check(&sha2(), "app", 32, true), Ok(()));
        let of = |create: &str| facts(Server::MariaDb, create);
        let grants = |grant: &str| Facts { admin_grants: Some(vec![grant.to_owned()]), ..sha2() };
        for (facts, own, word) in [
            (Facts { is_read_only: true, ..sha2() }, true, "read-only"),
            (Facts { accounts: Vec::new(), ..sha2() }, false, "does not exist"),
            (of("IDENTIFIED VIA unix_socket OR mysql_native_password"), true, "more than one plugin"),
            (of("IDENTIFIED VIA ed25519 USING 'a'"), true, "plugin other than"),
            (of("ACCOUNT LOCK"), false, "locked"),
            (of("PASSWORD EXPIRE"), true, "expired"),
            (facts(MYSQL, "IDENTIFIED WITH 'caching_sha2_password' FAILED_LOGIN_ATTEMPTS 2"), true, "at least 3"),
            (Facts { max_password_errors: Some(1), ..of("") }, true, "at least 3"),
            (grants("GRANT SELECT ON *.* TO `dba`@`%`"), false, "CREATE USER"),
            (grants("GRANT CREATE USER ON `d`.* TO `dba`@`%`"), false, "CREATE USER"),
        ] {
            let refused = check(&facts, "app", 32, own).unwrap_err().to_string();
            assert!(refused.contains(word), "{facts:?}: {refused}");
        }
        for grant in [
            "GRANT SELECT, CREATE USER ON *.* TO `dba`@`%`",
            "GRANT ALL PRIVILEGES ON *.* TO `dba`@`%`",
            "GRANT SELECT, UPDATE ON `mysql`.* TO `dba`@`%`",
            "GRANT `role`@`%` TO `dba`@`%`",
        ] {
            assert_eq!(check(&grants(grant), "app", 32, false), Ok(()), "{grant}");
        }
    }

    #[test]
    fn a_password_or_name_that_server_or_client_can_t_take_is_never_set() {
        let sha2 = |tls| Facts { tls, ..facts(MYSQL, "IDENTIFIED WITH 'caching_sha2_password' AS ''") };
        let native = |tls| Facts { tls, ..facts(Server::MariaDb, "IDENTIFIED BY PASSWORD '*0'") };
        for (facts, length, fits) in [
            (sha2(true), 256, true),
            (sha2(true), 257, false),
            (sha2(false), 213, true),
            (sha2(false), 214, false),
            (native(false), 1024, true),
        ] {
            let checked = check(&facts, "app", length, true);
            assert_eq!(matches!(checked, Err(Kind::PasswordUnfit(_))), !fits, "{length}: {checked:?}");
        }
        for (facts, length, fits) in
            [(sha2(true), 32, true), (sha2(true), 33, false), (native(true), 128, true), (native(true), 129, false)]
        {
            let checked = check(&facts, &"é".repeat(length), 32, true);
            assert_eq!(checked == Err(Unfit::LongName.into()), !fits, "{length}: {checked:?}");
        }
    }
}
