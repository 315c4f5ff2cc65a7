//! What makes accounts clones of others: pure, of facts.

use serde_json::{Map, Value, json};
use sha1::{Digest as _, Sha1};

use super::error::PLUGIN;
use super::facts::{Facts, Login, MARK};
use super::statement::{self, account, literal};
use crate::secret::SecretText;

pub(super) const NO_USER: &str = "the user does not exist";
pub(super) const NOT_EQUAL: &str = "the server does not let the clone user have what the user has, and no more";
pub(super) const SURPLUS: &str = "an account of the clone user's, from where the user may no longer log in, could not be \
                                  dropped; it is locked";
const LOCKED: &str = "the user is locked, or its password has expired, so it has no clone that is not";
const OTHERS: &str = "the user logs in by more than one plugin or factor, which a clone can't be given";
const OTHER_PLUGIN: &str = "an account of the clone user's logs in by another plugin than mysql_native_password, and SET \
                            PASSWORD would not end that";
const GRANT: &str = "the user has a grant of a kind that can't be copied";
const UNKNOWN: &str = "this server's accounts have an attribute that this function does not know, so it makes no clone";
const FOREIGN: &str = "an account of the clone user's name exists, which no version of the secret names: drop it, or adopt \
                       it by ALTER USER CLONE ATTRIBUTE '{\"rotator\": {\"clone_of\": \"USER\"}}'";
const FOREIGN_MARIADB: &str = "an account of the clone user's name exists, which no version of the secret names: drop it, or \
                               adopt it by UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '$.rotator', \
                               JSON_OBJECT('clone_of', 'USER')) WHERE User = 'CLONE'";
pub(super) const UNMARKED: &str = "the admin may not update mysql.global_priv, so only the secret's versions tell whose the \
                                   clone user is";

const NATIVE: &str = "mysql_native_password";
const SHA2: &str = "caching_sha2_password";

/// A statement and its kind.
pub(super) type Step = (&'static str, String);

/// What is to be done, besides what [`round`] finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The accounts that are new, with what makes them: locked, and with a password that nobody knows.
    pub(super) create: Vec<(String, String)>,
    /// The accounts from where the user may no longer log in.
    pub(super) surplus: Vec<String>,
    /// What marks the accounts of MariaDB's that are not marked yet.
    pub(super) mark: Vec<String>,
    /// The accounts that are given the password and unlocked at last, with their plugins.
    pub(super) finish: Vec<(String, String)>,
}

/// The user and its clone.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) user: &'a str,
    pub(super) clone: &'a str,
}

impl Names<'_> {
    /// What is to be done, or why it can't be. `known`: a version of the secret has named the clone; `hash` is the
    /// native one of the clone's new password.
    pub(super) fn plan(
        self,
        of_user: &[Facts],
        of_clone: &[Facts],
        known: bool,
        hash: &SecretText,
    ) -> Result<Plan, &'static str> {
        if of_user.is_empty() {
            return Err(NO_USER);
        }
        for facts in of_user {
            facts.refusal().map_or(Ok(()), Err)?;
        }
        if !of_user.iter().any(Facts::can_login) {
            return Err(LOCKED);
        }
        if !known && !of_clone.iter().all(|facts| self.is_ours(facts, hash)) {
            return Err(if of_user.iter().any(Facts::is_mariadb) { FOREIGN_MARIADB } else { FOREIGN });
        }
        if of_clone.iter().filter(|facts| facts.is_mariadb()).any(|facts| facts.refusal_to_log_in().is_some()) {
            return Err(OTHER_PLUGIN);
        }
        let has = |accounts: &[Facts], host: &str| accounts.iter().any(|facts| facts.host == host);
        let name = |facts: &Facts| account(self.clone, &facts.host);
        let new = of_user.iter().filter(|facts| !has(of_clone, &facts.host));
        let surplus = of_clone.iter().filter(|facts| !has(of_user, &facts.host));
        let marked = of_clone.iter().filter(|facts| self.is_marked(facts)).map(|facts| &facts.host);
        let marked: Vec<&String> = marked.collect();
        let unmarked = of_user.iter().filter(|facts| facts.is_mariadb() && !marked.contains(&&facts.host));
        let finish = of_user.iter().filter(|facts| facts.can_login());
        Ok(Plan {
            create: new.map(|facts| (name(facts), self.create(facts))).collect(),
            surplus: surplus.map(name).collect(),
            mark: unmarked.map(|facts| self.mark_mariadb(&facts.host)).collect(),
            finish: finish.map(|facts| (name(facts), facts.login.plugin.clone())).collect(),
        })
    }

    /// What brings the clone's accounts nearer to the user's. After a round, another one tells whether they are there:
    /// servers have ways of their own with privileges that include each other.
    pub(super) fn round(self, of_user: &[Facts], of_clone: &[Facts]) -> Vec<Step> {
        let mut steps = Vec::new();
        for wanted in of_user {
            let Some(present) = of_clone.iter().find(|present| present.host == wanted.host) else { continue };
            let account = account(self.clone, &wanted.host);
            if !wanted.can_login() && !present.locked {
                steps.push(("ALTER USER", format!("ALTER USER {account} ACCOUNT LOCK")));
            }
            let mut options = wanted.options.clone();
            if let Some(attribute) = &mut options.attribute {
                attribute.extend(self.mark());
            }
            steps.extend(options.statement(&present.options, &account).map(|step| ("ALTER USER", step)));
            if let (Some(wanted), Some(present)) = (&wanted.grants, &present.grants) {
                let grants = wanted.statements(present, &account).into_iter();
                steps.extend(grants.map(|statement| ("GRANT or REVOKE", statement)));
            }
            let roles = options.default_roles(&present.options, &account);
            steps.extend(roles.map(|step| ("SET DEFAULT ROLE", step)));
        }
        steps
    }

    /// What takes a change of existing accounts back, as far as the server lets it.
    pub(super) fn back(self, before: &[Facts], now: &[Facts]) -> Vec<Step> {
        let mut steps = self.round(before, now);
        let locked = |facts: &&Facts| !facts.locked && now.iter().any(|now| now.host == facts.host && now.locked);
        let unlock = |facts: &Facts| format!("ALTER USER {} ACCOUNT UNLOCK", account(self.clone, &facts.host));
        steps.extend(before.iter().filter(locked).map(|facts| ("ALTER USER", unlock(facts))));
        steps
    }

    /// Whether a rotation has made the account for the clone, and perhaps not to its end.
    fn is_ours(self, facts: &Facts, hash: &SecretText) -> bool {
        let name = account(self.clone, &facts.host);
        let unusable = unusable(&facts.login.plugin, &name);
        // The new password is nobody else's.
        let pending = hash.expose().trim_matches('\'') == facts.login.proof;
        pending || self.is_marked(facts) || facts.locked && facts.login.proof == unusable
    }

    fn is_marked(self, facts: &Facts) -> bool {
        facts.mark.is_some() && facts.mark.as_ref() == self.mark().get(MARK)
    }

    fn mark_mariadb(self, host: &str) -> String {
        let (user, clone, host) = (literal(self.user), literal(self.clone), literal(host));
        format!(
            "UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '$.{MARK}', JSON_OBJECT('clone_of', {user})) \
             WHERE User = {clone} AND Host = {host}"
        )
    }

    fn mark(self) -> Map<String, Value> {
        Map::from_iter([(MARK.to_owned(), json!({"clone_of": self.user}))])
    }

    fn create(self, facts: &Facts) -> String {
        let Facts { host, login, locked: _, expired: _, options, grants: _, mark: _, unknown: _ } = facts;
        let account = account(self.clone, host);
        let proof = literal(&unusable(&login.plugin, &account));
        if facts.is_mariadb() {
            return format!("CREATE USER {account} IDENTIFIED VIA {NATIVE} USING {proof} ACCOUNT LOCK");
        }
        let create =
            format!("CREATE USER {account} IDENTIFIED WITH {} AS {proof} ACCOUNT LOCK", literal(&login.plugin));
        match options.attribute {
            Some(_) => format!("{create} ATTRIBUTE {}", literal(&Value::Object(self.mark()).to_string())),
            None => create,
        }
    }
}

impl Facts {
    /// Why an account can have no clone.
    fn refusal(&self) -> Option<&'static str> {
        let Self { host: _, login: _, locked: _, expired: _, options: _, grants, mark: _, unknown } = self;
        let refusals = [(*unknown, UNKNOWN), (grants.is_none(), GRANT)];
        let refusal = refusals.into_iter().find_map(|(refused, reason)| refused.then_some(reason));
        refusal.or_else(|| self.refusal_to_log_in())
    }

    fn is_mariadb(&self) -> bool {
        self.options.statement_time.is_some()
    }

    /// Why nobody can log in by the account with a password alone.
    fn refusal_to_log_in(&self) -> Option<&'static str> {
        let Login { plugin, proof: _, others } = &self.login;
        // MariaDB has an empty name for its first.
        let plugins = if self.is_mariadb() { ["", NATIVE] } else { [NATIVE, SHA2] };
        let takes_password = plugins.contains(&plugin.as_str());
        let refusals = [(*others, OTHERS), (!takes_password, PLUGIN)];
        refusals.into_iter().find_map(|(refused, reason)| refused.then_some(reason))
    }
}

/// What a server keeps of a password that nobody knows, and by which an account is known for one that is being made.
fn unusable(plugin: &str, account: &str) -> String {
    // Long enough that it is no digest itself: by that one could log in.
    let digest = |what: &str| statement::hex(&Sha1::digest(format!("rotator: {what} is being made, {account}")));
    match plugin {
        SHA2 => format!("$A$005${}{}", digest("an account"), &digest("a clone")[..23]),
        _ => format!("*{}", digest("an account").to_ascii_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::grants::Grants;
    use super::*;

    const NAMES: Names<'_> = Names { user: "app", clone: "app_clone" };

    fn grants(user: &str, lines: &[&str]) -> Grants {
        let lines: Vec<String> = lines.iter().map(|line| format!("GRANT {line} TO `{user}`@`%`")).collect();
        Grants::parse(&lines, user, "%").unwrap()
    }

    fn mysql(user: &str, changes: &[(&str, &str)], grants: Grants) -> Facts {
        let mut row = BTreeMap::new();
        for (column, value) in [
            ("host", "%"),
            ("user", user),
            ("select_priv", "N"),
            ("plugin", SHA2),
            ("authentication_string", "x"),
            ("max_questions", "0"),
            ("max_updates", "0"),
            ("max_connections", "0"),
            ("max_user_connections", "0"),
        ]
        .iter()
        .chain(changes)
        {
            row.insert((*column).to_owned(), Some((*value).to_owned()));
        }
        Facts::of_mysql(&row, BTreeSet::new(), Some(grants), true)
    }

    fn mariadb(json: &str) -> Facts {
        let json = format!(r#"{{"access":0,"plugin":"{NATIVE}","authentication_string":"x"{json}}}"#);
        Facts::of_mariadb("%".to_owned(), &json, Some(Grants::default()))
    }

    fn plan(of_user: Facts, of_clone: &[Facts], known: bool) -> Result<Plan, &'static str> {
        NAMES.plan(&[of_user], of_clone, known, &"'*0'".to_owned().into())
    }

    #[test]
    fn a_new_clone_is_locked_marked_and_without_a_password_that_anybody_knows() {
        let made = plan(mysql("app", &[], Grants::default()), &[], false).unwrap();
        let [(account, create)] = made.create.as_slice() else { panic!("{made:?}") };
        assert_eq!(account, "'app_clone'@'%'");
        assert!(create.starts_with("CREATE USER 'app_clone'@'%' IDENTIFIED WITH 'caching_sha2_password' AS '$A$005$"));
        assert!(create.ends_with(r#"' ACCOUNT LOCK ATTRIBUTE '{"rotator":{"clone_of":"app"}}'"#), "{create}");
        assert_eq!(made.finish, [("'app_clone'@'%'".to_owned(), SHA2.to_owned())]);
        let made = plan(mariadb(""), &[], false).unwrap();
        let create = format!(
            "CREATE USER 'app_clone'@'%' IDENTIFIED VIA mysql_native_password USING '{}' ACCOUNT LOCK",
            unusable(NATIVE, "'app_clone'@'%'")
        );
        assert_eq!(made.create, [("'app_clone'@'%'".to_owned(), create)]);
        assert_eq!(unusable(SHA2, "x").len(), 70);
        assert_eq!(unusable(NATIVE, "x").len(), 41);
    }

    #[test]
    fn every_option_is_copied() {
        let user = mysql(
            "app",
            &[
                ("ssl_type", "SPECIFIED"),
                ("x509_subject", r"/CN=a'b\c"),
                ("x509_issuer", "/CN=i"),
                ("max_questions", "5"),
                ("password_lifetime", "0"),
                ("password_reuse_history", "4"),
                ("password_reuse_time", "3"),
                ("password_require_current", "Y"),
                (
                    "user_attributes",
                    r#"{"metadata":{"a":{"b":"it's"}},"Password_locking":{"failed_login_attempts":3,"password_lock_time_days":-1}}"#,
                ),
            ],
            grants("app", &["SELECT ON *.*", "`r`@`%`"]),
        );
        let clone = mysql("app_clone", &[("user_attributes", r#"{"metadata":{"a":{"c":1}}}"#)], Grants::default());
        let statements: Vec<String> = NAMES.round(&[user], &[clone]).into_iter().map(|(_, step)| step).collect();
        let expected = [
            r#"ALTER USER 'app_clone'@'%' REQUIRE ISSUER '/CN=i' AND SUBJECT '/CN=a''b\\c' WITH MAX_QUERIES_PER_HOUR 5 MAX_UPDATES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0 MAX_USER_CONNECTIONS 0 PASSWORD EXPIRE NEVER PASSWORD HISTORY 4 PASSWORD REUSE INTERVAL 3 DAY PASSWORD REQUIRE CURRENT FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME UNBOUNDED ATTRIBUTE '{"a":{"b":"it''s","c":null},"rotator":{"clone_of":"app"}}'"#,
            "GRANT `r`@`%` TO 'app_clone'@'%'",
            "GRANT SELECT ON *.* TO 'app_clone'@'%'",
        ];
        assert_eq!(statements, expected);
        let user =
            mariadb(r#","ssl_type":1,"max_user_connections":-1,"max_statement_time":1.500000,"password_lifetime":7"#);
        let statements: Vec<String> = NAMES.round(&[user], &[mariadb("")]).into_iter().map(|(_, step)| step).collect();
        let expected = "ALTER USER 'app_clone'@'%' REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 0 MAX_UPDATES_PER_HOUR 0 \
                        MAX_CONNECTIONS_PER_HOUR 0 MAX_USER_CONNECTIONS -1 MAX_STATEMENT_TIME 1.5 PASSWORD EXPIRE \
                        INTERVAL 7 DAY";
        assert_eq!(statements, [expected]);
    }

    #[test]
    fn what_can_t_be_copied_is_refused_by_name() {
        let none = Grants::default;
        for (user, reason) in [
            (mysql("app", &[("account_locked", "Y")], none()), LOCKED),
            (mysql("app", &[("password_expired", "Y")], none()), LOCKED),
            (mysql("app", &[("user_attributes", r#"{"multi_factor_authentication":[]}"#)], none()), OTHERS),
            (mysql("app", &[("user_attributes", r#"{"new":1}"#)], none()), UNKNOWN),
            (mysql("app", &[("new", "1")], none()), UNKNOWN),
            (mysql("app", &[("plugin", "auth_socket")], none()), PLUGIN),
            (Facts { grants: None, ..mysql("app", &[], none()) }, GRANT),
            (mariadb(r#","auth_or":[{},{"plugin":"unix_socket"}]"#), OTHERS),
            (mariadb(r#","account_locked":true"#), LOCKED),
            (mariadb(r#","password_last_changed":0"#), LOCKED),
            (mariadb(r#","new":0"#), UNKNOWN),
            (Facts::of_mariadb("%".to_owned(), "{", Some(none())), UNKNOWN),
        ] {
            assert_eq!(plan(user, &[], true), Err(reason));
        }
    }

    #[test]
    fn a_clone_of_somebody_else_s_is_refused_until_it_is_marked_or_known() {
        let user = || mysql("app", &[], Grants::default());
        let clone = |changes: &[(&str, &str)]| vec![mysql("app_clone", changes, Grants::default())];
        assert_eq!(plan(user(), &clone(&[]), false), Err(FOREIGN));
        assert!(plan(user(), &clone(&[]), true).is_ok());
        for (attributes, ours) in [
            (r#"{"metadata":{"rotator":{"clone_of":"app"}}}"#, true),
            (r#"{"metadata":{"rotator":{"clone_of":"b"}}}"#, false),
        ] {
            assert_eq!(plan(user(), &clone(&[("user_attributes", attributes)]), false).is_ok(), ours);
        }
        let marked = mariadb(r#","rotator":{"clone_of":"app"}"#);
        assert!(plan(mariadb(""), &[marked], false).is_ok_and(|plan| plan.mark.is_empty()));
        assert_eq!(plan(mariadb(""), &[mariadb("")], false), Err(FOREIGN_MARIADB));
        assert_eq!(plan(mariadb(""), &[mariadb("")], true).unwrap().mark.len(), 1);
        let unfinished = unusable(SHA2, "'app_clone'@'%'");
        let unfinished = |locked| clone(&[("authentication_string", &unfinished), ("account_locked", locked)]);
        assert!(plan(user(), &unfinished("Y"), false).is_ok());
        assert_eq!(plan(user(), &unfinished("N"), false), Err(FOREIGN));
    }

    #[test]
    fn an_account_that_is_locked_has_a_locked_clone_and_one_that_is_gone_has_none() {
        let at = |host: &str, changes: &[(&str, &str)]| Facts {
            host: host.to_owned(),
            ..mysql("x", changes, Grants::default())
        };
        let of_user = [at("%", &[]), at("a", &[("account_locked", "Y")])];
        let of_clone = [at("%", &[]), at("a", &[]), at("b", &[])];
        let plan = NAMES.plan(&of_user, &of_clone, true, &String::new().into()).unwrap();
        assert_eq!(plan.finish, [("'app_clone'@'%'".to_owned(), SHA2.to_owned())]);
        assert_eq!(plan.surplus, ["'app_clone'@'b'"]);
        let steps = NAMES.round(&of_user, &of_clone);
        assert!(steps.contains(&("ALTER USER", "ALTER USER 'app_clone'@'a' ACCOUNT LOCK".to_owned())), "{steps:?}");
    }
}
