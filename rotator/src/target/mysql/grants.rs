//! What an account may do, as SHOW GRANTS tells it, and how to give a twin the same.

use std::collections::{BTreeMap, BTreeSet};

use super::token::{join, tokens, unquoted};

const GRANT_OPTION: &str = "GRANT OPTION";
/// The privilege that is none.
const NOTHING: &str = "USAGE";

/// An account's grants: privileges or roles, by where they hold.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Grants {
    by_scope: BTreeMap<Scope, BTreeSet<String>>,
    /// MariaDB's; MySQL tells its own in SHOW CREATE USER.
    default_role: Option<String>,
}

/// Where grants hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    /// Roles, which may be handed on or not.
    Roles { admin: bool },
    /// MySQL's dynamic privileges, each of which may be handed on or not.
    Dynamic { option: bool },
    /// What stands after ON: a database, a table, a routine, or all. That its privileges may be handed on is among them.
    On(String),
    /// A database of MySQL's in which privileges on all do not hold.
    /// <https://dev.mysql.com/doc/refman/8.4/en/partial-revokes.html>
    Except(String),
}

impl Grants {
    /// Reads the answer to SHOW GRANTS FOR an account; `None` where a line is of no known form.
    pub(super) fn parse(lines: &[String], user: &str, host: &str) -> Option<Self> {
        let mut grants = Self::default();
        for line in lines {
            let tokens: Vec<&str> = tokens(line).collect();
            let to = tokens.iter().rposition(|token| matches!(*token, "TO" | "FROM" | "FOR"))?;
            match tokens.get(to + 1..)? {
                // MariaDB's role of everybody.
                ["PUBLIC", ..] => continue,
                [name, "@", at, ..] if unquoted(name) == user && unquoted(at).eq_ignore_ascii_case(host) => {}
                _ => return None,
            }
            grants.add(line)?;
        }
        Some(grants)
    }

    fn add(&mut self, line: &str) -> Option<()> {
        let tokens: Vec<&str> = tokens(line).collect();
        let at = |word: &str| tokens.iter().position(|token| *token == word);
        if let ["SET", "DEFAULT", "ROLE", role, "FOR", ..] = tokens.as_slice() {
            self.default_role = Some((*role).to_owned());
            return Some(());
        }
        if let ["REVOKE", ..] = tokens.as_slice() {
            let (on, from) = (at("ON")?, at("FROM")?);
            let scope = Scope::Except(join(tokens.get(on + 1..from)?));
            self.by_scope.entry(scope).or_default().extend(items(tokens.get(1..on)?)?);
            return Some(());
        }
        let to = at("TO").filter(|_| at("GRANT") == Some(0))?;
        let with = |option: [&str; 2]| tokens[to..].windows(2).any(|pair| pair == option);
        match at("ON").filter(|on| *on < to) {
            None => {
                let scope = Scope::Roles { admin: with(["ADMIN", "OPTION"]) };
                self.by_scope.entry(scope).or_default().extend(items(&tokens[1..to])?);
            }
            Some(on) => {
                let place = join(tokens.get(on + 1..to)?);
                self.add_privileges(items(&tokens[1..on])?, &place, with(["GRANT", "OPTION"]));
            }
        }
        Some(())
    }

    fn add_privileges(&mut self, privileges: BTreeSet<String>, place: &str, option: bool) {
        let is_dynamic = |privilege: &String| place == "*.*" && !privilege.contains('(') && privilege.contains('_');
        let (dynamic, mut others): (BTreeSet<_>, BTreeSet<_>) = privileges.into_iter().partition(is_dynamic);
        // MySQL lists its dynamic privileges on lines of their own.
        if !dynamic.is_empty() {
            self.by_scope.entry(Scope::Dynamic { option }).or_default().extend(dynamic);
        } else if option {
            others.insert(GRANT_OPTION.to_owned());
        }
        others.remove(NOTHING);
        self.by_scope.entry(Scope::On(place.to_owned())).or_default().extend(others);
    }

    /// What makes a twin, which has `present`, have these grants and no other. Where a scope differs, all that it is to
    /// have is granted, because taking away the wider of two privileges may take the narrower along.
    pub(super) fn statements(&self, present: &Self, twin: &str) -> Vec<String> {
        let none = BTreeSet::new();
        let of = |grants: &Self, scope: &Scope| grants.by_scope.get(scope).unwrap_or(&none).clone();
        let scopes: BTreeSet<&Scope> = self.by_scope.keys().chain(present.by_scope.keys()).collect();
        let everywhere = of(self, &Scope::On("*.*".to_owned()));
        let (mut revoke, mut grant, mut except) = (Vec::new(), Vec::new(), Vec::new());
        for scope in scopes {
            let (wanted, present) = (of(self, scope), of(present, scope));
            if wanted == present {
                continue;
            }
            if let Scope::Except(place) = scope {
                // An exception ends by a grant; without the privilege there is none.
                let ends = present.difference(&wanted).filter(|privilege| everywhere.contains(*privilege));
                grant.extend(ends.map(|privilege| format!("GRANT {privilege} ON {place} TO {twin}")));
                let new = wanted.difference(&present);
                except.extend(new.map(|privilege| format!("REVOKE {privilege} ON {place} FROM {twin}")));
                continue;
            }
            for surplus in present.difference(&wanted) {
                revoke.push(format!("REVOKE {surplus}{} FROM {twin}", scope.on()));
            }
            grant.extend(scope.grants(&wanted, twin));
        }
        revoke.append(&mut grant);
        revoke.append(&mut except);
        if self.default_role != present.default_role {
            let role = self.default_role.as_deref().unwrap_or("NONE");
            revoke.push(format!("SET DEFAULT ROLE {role} FOR {twin}"));
        }
        revoke
    }
}

impl Scope {
    fn on(&self) -> String {
        match self {
            Self::Roles { .. } => String::new(),
            Self::Dynamic { .. } => " ON *.*".to_owned(),
            Self::On(place) | Self::Except(place) => format!(" ON {place}"),
        }
    }

    fn grants(&self, what: &BTreeSet<String>, twin: &str) -> Vec<String> {
        let mut list: Vec<&str> = what.iter().map(String::as_str).filter(|what| *what != GRANT_OPTION).collect();
        let (on, option) = (self.on(), if self.hands_on(what) { " WITH GRANT OPTION" } else { "" });
        match self {
            // MariaDB takes one at a time.
            Self::Roles { admin } => {
                let option = if *admin { " WITH ADMIN OPTION" } else { "" };
                list.iter().map(|role| format!("GRANT {role} TO {twin}{option}")).collect()
            }
            Self::Dynamic { .. } | Self::On(_) | Self::Except(_) if what.is_empty() => Vec::new(),
            Self::Dynamic { .. } | Self::On(_) | Self::Except(_) => {
                if list.is_empty() {
                    list.push(NOTHING);
                }
                vec![format!("GRANT {}{on} TO {twin}{option}", list.join(", "))]
            }
        }
    }

    fn hands_on(&self, what: &BTreeSet<String>) -> bool {
        matches!(self, Self::Dynamic { option: true }) || what.contains(GRANT_OPTION)
    }
}

/// The items of a list; a privilege on columns is one for each column.
fn items(tokens: &[&str]) -> Option<BTreeSet<String>> {
    let mut items = BTreeSet::new();
    let mut rest = tokens;
    while !rest.is_empty() {
        let end = rest.iter().position(|token| matches!(*token, "," | "(")).unwrap_or(rest.len());
        let name = join(&rest[..end]);
        rest = &rest[end..];
        if let ["(", columns @ ..] = rest {
            let close = columns.iter().position(|token| *token == ")")?;
            items.extend(columns[..close].iter().filter(|c| **c != ",").map(|column| format!("{name} ({column})")));
            rest = &columns[close + 1..];
        } else {
            items.insert(name);
        }
        rest = match rest {
            [] => rest,
            [",", after @ ..] => after,
            _ => return None,
        };
    }
    Some(items)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grants(lines: &[&str]) -> Grants {
        let mut grants = Grants::default();
        for line in lines {
            grants.add(line).unwrap();
        }
        grants
    }

    const MARIADB: [&str; 10] = [
        "GRANT `r1` TO `app`@`%`",
        "GRANT `r2` TO `app`@`%` WITH ADMIN OPTION",
        "GRANT PROCESS, REPLICATION SLAVE, BINLOG ADMIN ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD '*B6 WITH GRANT OPTION' \
         REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 100 MAX_USER_CONNECTIONS 5",
        "GRANT SELECT, INSERT ON `d1`.* TO `app`@`%` WITH GRANT OPTION",
        r"GRANT ALL PRIVILEGES ON `d\_x`.* TO `app`@`%`",
        "GRANT SELECT (`b`), UPDATE (`a`, `b`) ON `d1`.`t TO ``u` TO `app`@`%`",
        "GRANT EXECUTE ON PROCEDURE `d1`.`p` TO `app`@`%`",
        "GRANT EXECUTE ON PACKAGE BODY `d1`.`f` TO `app`@`%`",
        "GRANT PROXY ON `r`@`%` TO `app`@`%`",
        "SET DEFAULT ROLE `r1` FOR `app`@`%`",
    ];
    const MYSQL: [&str; 6] = [
        "GRANT SELECT, CREATE USER ON *.* TO `app`@`%`",
        "GRANT BACKUP_ADMIN,XA_RECOVER_ADMIN ON *.* TO `app`@`%` WITH GRANT OPTION",
        "GRANT CONNECTION_ADMIN ON *.* TO `app`@`%`",
        "GRANT USAGE ON `d2`.* TO `app`@`%` WITH GRANT OPTION",
        "GRANT SELECT ON `d1`.`t` TO `app`@`%`",
        "GRANT `r1`@`%`,`r2`@`%` TO `app`@`%`",
    ];

    #[test]
    fn a_new_twin_is_granted_what_mariadb_lists() {
        let statements =
            grants(&MARIADB).statements(&grants(&["GRANT USAGE ON *.* TO `t`@`%` IDENTIFIED BY PASSWORD '*0'"]), "t");
        let expected = [
            "GRANT `r1` TO t",
            "GRANT `r2` TO t WITH ADMIN OPTION",
            "GRANT BINLOG ADMIN, PROCESS, REPLICATION SLAVE ON *.* TO t",
            r"GRANT ALL PRIVILEGES ON `d\_x`.* TO t",
            "GRANT INSERT, SELECT ON `d1`.* TO t WITH GRANT OPTION",
            "GRANT SELECT (`b`), UPDATE (`a`), UPDATE (`b`) ON `d1`.`t TO ``u` TO t",
            "GRANT PROXY ON `r`@`%` TO t",
            "GRANT EXECUTE ON PACKAGE BODY `d1`.`f` TO t",
            "GRANT EXECUTE ON PROCEDURE `d1`.`p` TO t",
            "SET DEFAULT ROLE `r1` FOR t",
        ];
        let sorted = |mut all: Vec<String>| {
            all.sort();
            all
        };
        assert_eq!(sorted(statements), sorted(expected.map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_new_twin_is_granted_what_mysql_lists() {
        let statements = grants(&MYSQL).statements(&grants(&["GRANT USAGE ON *.* TO `t`@`%`"]), "t");
        let expected = [
            "GRANT `r1`@`%` TO t",
            "GRANT `r2`@`%` TO t",
            "GRANT CONNECTION_ADMIN ON *.* TO t",
            "GRANT BACKUP_ADMIN, XA_RECOVER_ADMIN ON *.* TO t WITH GRANT OPTION",
            "GRANT CREATE USER, SELECT ON *.* TO t",
            "GRANT SELECT ON `d1`.`t` TO t",
            "GRANT USAGE ON `d2`.* TO t WITH GRANT OPTION",
        ];
        assert_eq!(statements, expected);
    }

    #[test]
    fn what_the_user_no_longer_may_is_revoked_before_anything_is_granted() {
        let user = grants(&["GRANT SELECT, INSERT ON `d`.* TO `u`@`%`", "GRANT SELECT (`a`) ON `d`.`t` TO `u`@`%`"]);
        let twin = grants(&[
            "GRANT SELECT, DELETE ON `d`.* TO `t`@`%` WITH GRANT OPTION",
            "GRANT SELECT, SELECT (`a`) ON `d`.`t` TO `t`@`%`",
            "GRANT ALL PRIVILEGES ON `e`.* TO `t`@`%`",
            "GRANT `r`@`%` TO `t`@`%`",
            "SET DEFAULT ROLE `r` FOR `t`@`%`",
        ]);
        let expected = [
            "REVOKE `r`@`%` FROM t",
            "REVOKE DELETE ON `d`.* FROM t",
            "REVOKE GRANT OPTION ON `d`.* FROM t",
            "REVOKE SELECT ON `d`.`t` FROM t",
            "REVOKE ALL PRIVILEGES ON `e`.* FROM t",
            "GRANT INSERT, SELECT ON `d`.* TO t",
            "GRANT SELECT (`a`) ON `d`.`t` TO t",
            "SET DEFAULT ROLE NONE FOR t",
        ];
        assert_eq!(user.statements(&twin, "t"), expected);
    }

    #[test]
    fn a_grant_of_no_known_form_is_not_guessed_at() {
        for line in [
            "REVOKE INSERT FROM `u`@`%`",
            "GRANT SELECT ON `d`.* TO `v`@`%`",
            "GRANT SELECT ON",
            "GRANT SELECT (`a` ON `d`.`t` TO `u`@`%`",
            "",
        ] {
            assert_eq!(Grants::parse(&[line.to_owned()], "u", "%"), None, "{line}");
        }
    }

    #[test]
    fn an_exception_to_what_holds_everywhere_is_made_last_and_ends_by_a_grant() {
        let user = grants(&["GRANT SELECT, INSERT ON *.* TO `u`@`%`", "REVOKE INSERT ON `a`.* FROM `u`@`%`"]);
        let twin = grants(&["GRANT SELECT, DELETE ON *.* TO `t`@`%`", "REVOKE DELETE, SELECT ON `b`.* FROM `t`@`%`"]);
        let expected = [
            "REVOKE DELETE ON *.* FROM t",
            "GRANT INSERT, SELECT ON *.* TO t",
            "GRANT SELECT ON `b`.* TO t",
            "REVOKE INSERT ON `a`.* FROM t",
        ];
        assert_eq!(user.statements(&twin, "t"), expected);
    }

    #[test]
    fn a_grant_to_everybody_is_nobody_s_own() {
        let lines =
            ["GRANT SELECT ON `d`.* TO `o'``r`@`LOCALHOST`", "GRANT DELETE ON `d`.* TO PUBLIC"].map(str::to_owned);
        assert_eq!(Grants::parse(&lines, "o'`r", "localhost").unwrap(), grants(&[&lines[0]]));
    }

    fn name() -> impl Strategy<Value = String> {
        "[a-z `'\"\\\\,()._@-]{1,8}".prop_map(|name| format!("`{}`", name.replace('`', "``")))
    }

    fn lines() -> impl Strategy<Value = Vec<String>> {
        let privilege = prop_oneof![
            proptest::sample::select(vec!["SELECT", "INSERT", "CREATE TEMPORARY TABLES"]).prop_map(str::to_owned),
            ("UPDATE|SELECT", proptest::collection::btree_set(name(), 1..3)).prop_map(|(privilege, columns)| {
                format!("{privilege} ({})", columns.into_iter().collect::<Vec<_>>().join(", "))
            }),
        ];
        let place = prop_oneof![Just("*.*".to_owned()), (name(), name()).prop_map(|(d, t)| format!("{d}.{t}"))];
        let line = (proptest::collection::vec(privilege, 1..4), place, any::<bool>()).prop_map(
            |(privileges, place, option)| {
                let option = if option { " WITH GRANT OPTION" } else { "" };
                format!("GRANT {} ON {place} TO `u`@`%`{option}", privileges.join(", "))
            },
        );
        proptest::collection::vec(line, 0..5)
    }

    proptest! {
        #[test]
        fn a_twin_has_the_user_s_grants_after_the_statements_whatever_it_had(user in lines(), twin in lines()) {
            let parse = |lines: &[String]| Grants::parse(lines, "u", "%").unwrap();
            let (user, mut twin) = (parse(&user), parse(&twin));
            for statement in user.statements(&twin, "t") {
                match statement.strip_prefix("REVOKE ") {
                    Some(revoked) => {
                        let revoked = revoked.strip_suffix(" FROM t").unwrap();
                        for (scope, present) in &mut twin.by_scope {
                            present.retain(|privilege| format!("{privilege}{}", scope.on()) != revoked);
                        }
                    }
                    None => twin.add(&statement).unwrap(),
                }
            }
            prop_assert!(user.statements(&twin, "t").is_empty());
        }

        #[test]
        fn no_text_stops_the_parser(text in any::<String>()) {
            let line = format!("GRANT {text} ON {text} TO {text} TO `u`@`%`");
            let _ = Grants::parse(&[line, text.clone(), format!("GRANT {text}")], "u", "%");
            prop_assert!(tokens(&text).all(|token| !token.is_empty() && text.contains(token)));
        }
    }
}
