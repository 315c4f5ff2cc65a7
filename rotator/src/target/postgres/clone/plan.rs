//! What makes a clone of a user: pure, of facts.

use super::facts::{Facts, Label, Membership, Setting};
use super::{escape_identifier, escape_literal};

pub(super) const NO_USER: &str = "the user whose clone is wanted does not exist";
const NO_LOGIN: &str = "the user may not log in (NOLOGIN), so it has no clone that may";
const EXPIRED: &str = "the user's password has expired (VALID UNTIL), so it has no clone whose has not";
const UNKNOWN: &str = "this server's roles have an attribute that this function does not know, so it makes no clone";
const FOREIGN: &str = "a role of the clone user's name exists, which no version of the secret names; drop it, or adopt it \
                       by COMMENT ON ROLE, with the text `rotator: clone user of USER`";
const SUPERUSER: &str = "the admin may not make the clone user what the user is or is not: SUPERUSER";
const CREATE_ROLE: &str = "the admin may not make the clone user what the user is or is not: CREATEROLE";
const CREATE_DATABASE: &str = "the admin may not make the clone user what the user is or is not: CREATEDB";
const REPLICATION: &str = "the admin may not make the clone user what the user is or is not: REPLICATION";
const BYPASS_ROW_SECURITY: &str = "the admin may not make the clone user what the user is or is not: BYPASSRLS";
const LABEL: &str = "the user has a security label, which the admin may not give the clone user";
const SESSION_USER: &str = "the user has the setting session_authorization, which can't be copied";
const NO_ROLE: &str = "the admin may not have the clone user work in the user's name: grant the user to the admin, WITH \
                       ADMIN OPTION from version 16 on";
const SETTING: &str = "a setting of the user's that the admin may not give, or that the server does not take, was not \
                       copied to the clone user";
const SURPLUS: &str =
    "the clone user is a member of a role that the user is not a member of, and the admin may not end it";
const MARK: &str = "the admin may not comment on the clone user, so only the secret's versions tell whose it is";

/// Settings whose values are lists, each item of which is a literal.
const LISTS: [&str; 4] = ["search_path", "temp_tablespaces", "session_preload_libraries", "local_preload_libraries"];

/// A statement, and what follows where the server does not take it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) what: &'static str,
    pub(super) statement: String,
    pub(super) otherwise: Otherwise,
}

/// What follows where a statement is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// The server's own answer is told.
    Fail,
    /// No clone is made, for this reason.
    Refuse(&'static str),
    /// The clone goes without, with a warning.
    Warn(&'static str),
    /// Tried once more while the admin is a member of the user; then no clone is made, for this reason.
    AsMember(&'static str),
}

/// Whether a setting is refused for what it is: one that the server no longer knows, or of a value that it does not take.
pub(super) fn is_unknown_setting(code: &str) -> bool {
    matches!(code, "42704" | "22023" | "42602")
}

/// The mark of a clone that a rotation has made, in its comment.
fn mark(user: &str) -> String {
    format!("rotator: clone user of {user}")
}

/// What makes `clone`, which has `present` if it exists, a clone of `user`, which has `wanted`. `known`: a version of the
/// secret has named it.
pub(super) fn steps(
    user: &str,
    wanted: Facts,
    clone: &str,
    present: Option<Facts>,
    known: bool,
) -> Result<Vec<Step>, &'static str> {
    let exists = present.is_some();
    let present = present.unwrap_or_else(Facts::of_new);
    let names = Names { user, clone: escape_identifier(clone) };
    let Facts {
        can_login,
        // The clone always inherits: it is the user's own attribute that counts beyond it.
        inherit: _,
        superuser,
        create_role,
        create_database,
        replication,
        bypass_row_security,
        connection_limit,
        valid_until,
        expired,
        settings,
        // They are the clone's by its membership in the user.
        memberships: _,
        labels,
        // It is about the user.
        comment: _,
        unknown,
    } = wanted;
    for (refused, reason) in [(unknown, UNKNOWN), (!can_login, NO_LOGIN), (expired, EXPIRED)] {
        if refused {
            return Err(reason);
        }
    }
    let is_marked = present.comment.as_deref().is_some_and(|comment| names.is_mark_in(comment));
    if exists && !known && !is_marked {
        return Err(FOREIGN);
    }
    let mut steps = Vec::new();
    if !exists {
        steps.push(fail("CREATE ROLE", format!("CREATE ROLE {}", names.clone)));
    }
    steps.extend(names.flags([
        ("SUPERUSER", superuser, present.superuser, SUPERUSER),
        ("CREATEROLE", create_role, present.create_role, CREATE_ROLE),
        ("CREATEDB", create_database, present.create_database, CREATE_DATABASE),
        ("REPLICATION", replication, present.replication, REPLICATION),
        ("BYPASSRLS", bypass_row_security, present.bypass_row_security, BYPASS_ROW_SECURITY),
    ]));
    steps.extend(names.logins(&present, &connection_limit, valid_until.as_deref()));
    steps.extend(names.memberships(&present.memberships));
    steps.extend(names.settings(&names.adapted(settings)?, &present.settings));
    steps.extend(names.labels(&labels, &present.labels));
    if !is_marked {
        steps.push(names.mark(present.comment.as_deref()));
    }
    Ok(steps)
}

struct Names<'a> {
    user: &'a str,
    /// Quoted.
    clone: String,
}

impl Names<'_> {
    fn alter(&self, attribute: &str, otherwise: Otherwise) -> Step {
        Step { what: "ALTER ROLE", statement: format!("ALTER ROLE {} {attribute}", self.clone), otherwise }
    }

    /// Attributes that only some admins may give: as the user has them, as the clone has, and the reason where that fails.
    fn flags(&self, flags: [(&str, bool, bool, &'static str); 5]) -> Vec<Step> {
        let differing = flags.into_iter().filter(|(_, wanted, present, _)| wanted != present);
        let step = |(name, wanted, _, reason)| {
            self.alter(&format!("{}{name}", if wanted { "" } else { "NO" }), Otherwise::Refuse(reason))
        };
        differing.map(step).collect()
    }

    /// That the clone may log in, as often at a time and as long as the user.
    fn logins(&self, present: &Facts, connection_limit: &str, valid_until: Option<&str>) -> Vec<Step> {
        let mut steps = Vec::new();
        if !(present.can_login && present.inherit) {
            steps.push(self.alter("LOGIN INHERIT", Otherwise::Fail));
        }
        if connection_limit != present.connection_limit {
            steps.push(self.alter(&format!("CONNECTION LIMIT {connection_limit}"), Otherwise::Fail));
        }
        if valid_until != present.valid_until.as_deref() {
            let end = escape_literal(valid_until.unwrap_or("infinity"));
            steps.push(self.alter(&format!("VALID UNTIL {end}"), Otherwise::Fail));
        }
        steps
    }

    fn is_mark_in(&self, comment: &str) -> bool {
        format!("\n{comment}\n").contains(&format!("\n{}\n", mark(self.user)))
    }

    /// Adds the mark to the clone's comment.
    fn mark(&self, present: Option<&str>) -> Step {
        let comment: Vec<String> = present.map(str::to_owned).into_iter().chain([mark(self.user)]).collect();
        let comment = escape_literal(&comment.join("\n"));
        let statement = format!("COMMENT ON ROLE {} IS {comment}", self.clone);
        Step { what: "COMMENT ON ROLE", statement, otherwise: Otherwise::Warn(MARK) }
    }

    /// Membership in the user, with the right to become it, and in no other role.
    fn memberships(&self, present: &[Membership]) -> Vec<Step> {
        let user = escape_identifier(self.user);
        let mut steps = Vec::new();
        let is_member = |membership: &Membership| {
            let Membership { role, admin: _, inherit, set, grantor: _ } = membership;
            role == self.user && *inherit && *set
        };
        if !present.iter().any(is_member) {
            // Version 16 has options, and gives both to a new member; to an old one it adds what is named.
            let lacks = present.iter().any(|membership| membership.role == self.user);
            let options = if lacks { " WITH INHERIT TRUE, SET TRUE" } else { "" };
            steps.push(fail("GRANT", format!("GRANT {user} TO {}{options}", self.clone)));
        }
        for Membership { role, admin, inherit: _, set: _, grantor } in present {
            let option = match (role == self.user, admin) {
                (true, false) => continue,
                (true, true) => "ADMIN OPTION FOR ",
                (false, _) => "",
            };
            let by = grantor.as_deref().map(|by| format!(" GRANTED BY {}", escape_identifier(by))).unwrap_or_default();
            let statement = format!("REVOKE {option}{} FROM {}{by}", escape_identifier(role), self.clone);
            steps.push(Step { what: "REVOKE", statement, otherwise: Otherwise::Warn(SURPLUS) });
        }
        steps
    }

    /// The settings that the clone is to have: the user's, but that it works as the user where the user works as itself.
    fn adapted(&self, settings: Vec<Setting>) -> Result<Vec<Setting>, &'static str> {
        let mut adapted = Vec::new();
        for Setting { database, name, value } in settings {
            let value = match name.as_str() {
                "session_authorization" => return Err(SESSION_USER),
                "role" if value == "none" => self.user.to_owned(),
                _ => value,
            };
            adapted.push(Setting { database, name, value });
        }
        if !adapted.iter().any(|setting| setting.name == "role" && setting.database.is_none()) {
            adapted.push(Setting { database: None, name: "role".to_owned(), value: self.user.to_owned() });
        }
        Ok(adapted)
    }

    fn settings(&self, wanted: &[Setting], present: &[Setting]) -> Vec<Step> {
        let of_database = |database: Option<&str>| match database {
            Some(name) => format!("ALTER ROLE {} IN DATABASE {}", self.clone, escape_identifier(name)),
            None => format!("ALTER ROLE {}", self.clone),
        };
        let step = |name: &str, statement| {
            let role = name == "role";
            let otherwise = if role { Otherwise::AsMember(NO_ROLE) } else { Otherwise::Warn(SETTING) };
            Step { what: "ALTER ROLE SET", statement, otherwise }
        };
        let is_set = |setting: &&Setting| {
            let same = |wanted: &Setting| wanted.database == setting.database && wanted.name == setting.name;
            wanted.iter().any(same)
        };
        let reset = present.iter().filter(|setting| !is_set(setting)).map(|Setting { database, name, value: _ }| {
            step(name, format!("{} RESET {}", of_database(database.as_deref()), setting_name(name)))
        });
        let set =
            wanted.iter().filter(|setting| !present.contains(setting)).map(|Setting { database, name, value }| {
                let items: Vec<String> = items(name, value).iter().map(|item| escape_literal(item)).collect();
                let (alter, name_) = (of_database(database.as_deref()), setting_name(name));
                step(name, format!("{alter} SET {name_} = {}", items.join(", ")))
            });
        reset.chain(set).collect()
    }

    fn labels(&self, wanted: &[Label], present: &[Label]) -> Vec<Step> {
        let step = |provider: &str, label: &str| {
            let statement =
                format!("SECURITY LABEL FOR {} ON ROLE {} IS {label}", escape_identifier(provider), self.clone);
            Step { what: "SECURITY LABEL", statement, otherwise: Otherwise::Refuse(LABEL) }
        };
        let surplus = present.iter().filter(|label| !wanted.iter().any(|wanted| wanted.provider == label.provider));
        let surplus = surplus.map(|Label { provider, label: _ }| step(provider, "NULL"));
        let new = wanted.iter().filter(|label| !present.contains(label));
        surplus.chain(new.map(|Label { provider, label }| step(provider, &escape_literal(label)))).collect()
    }
}

impl Facts {
    /// What CREATE ROLE makes.
    fn of_new() -> Self {
        Self {
            can_login: false,
            inherit: true,
            superuser: false,
            create_role: false,
            create_database: false,
            replication: false,
            bypass_row_security: false,
            connection_limit: "-1".to_owned(),
            valid_until: None,
            expired: false,
            settings: Vec::new(),
            memberships: Vec::new(),
            labels: Vec::new(),
            comment: None,
            unknown: false,
        }
    }
}

fn fail(what: &'static str, statement: String) -> Step {
    Step { what, statement, otherwise: Otherwise::Fail }
}

/// A setting's name, which an extension's has in parts.
fn setting_name(name: &str) -> String {
    name.split('.').map(escape_identifier).collect::<Vec<_>>().join(".")
}

/// The items of a setting's value: one, but of a list as many as it has, each without its quotes.
fn items(name: &str, value: &str) -> Vec<String> {
    if !LISTS.contains(&name) {
        return vec![value.to_owned()];
    }
    let (mut items, mut item, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => item.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => items.push(std::mem::take(&mut item)),
            c if c.is_ascii_whitespace() && !quoted => {}
            c => item.push(c),
        }
    }
    items.push(item);
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts { can_login: true, ..Facts::of_new() }
    }

    fn statements(wanted: Facts, present: Option<Facts>, known: bool) -> Result<Vec<String>, &'static str> {
        let steps = steps("a\"b", wanted, "a\"b_clone", present, known)?;
        Ok(steps.into_iter().map(|step| step.statement).collect())
    }

    fn setting(database: Option<&str>, name: &str, value: &str) -> Setting {
        Setting { database: database.map(str::to_owned), name: name.to_owned(), value: value.to_owned() }
    }

    /// A clone that a rotation has made for a user of no attributes.
    fn made() -> Facts {
        let membership = Membership { role: "a\"b".to_owned(), admin: false, inherit: true, set: true, grantor: None };
        Facts {
            settings: vec![setting(None, "role", "a\"b")],
            memberships: vec![membership],
            comment: Some(mark("a\"b")),
            ..facts()
        }
    }

    #[test]
    fn every_attribute_is_copied() {
        let label = Label { provider: "p".to_owned(), label: "l'".to_owned() };
        let wanted = Facts {
            superuser: true,
            create_role: true,
            create_database: true,
            replication: true,
            bypass_row_security: true,
            connection_limit: "3".to_owned(),
            valid_until: Some("2999-01-01".to_owned()),
            settings: vec![setting(None, "work_mem", "1MB"), setting(Some("d\"b"), "my.list", "a'b")],
            labels: vec![label],
            ..facts()
        };
        let expected = [
            r#"CREATE ROLE "a""b_clone""#,
            r#"ALTER ROLE "a""b_clone" SUPERUSER"#,
            r#"ALTER ROLE "a""b_clone" CREATEROLE"#,
            r#"ALTER ROLE "a""b_clone" CREATEDB"#,
            r#"ALTER ROLE "a""b_clone" REPLICATION"#,
            r#"ALTER ROLE "a""b_clone" BYPASSRLS"#,
            r#"ALTER ROLE "a""b_clone" LOGIN INHERIT"#,
            r#"ALTER ROLE "a""b_clone" CONNECTION LIMIT 3"#,
            r#"ALTER ROLE "a""b_clone" VALID UNTIL '2999-01-01'"#,
            r#"GRANT "a""b" TO "a""b_clone""#,
            r#"ALTER ROLE "a""b_clone" SET "work_mem" = '1MB'"#,
            r#"ALTER ROLE "a""b_clone" IN DATABASE "d""b" SET "my"."list" = 'a''b'"#,
            r#"ALTER ROLE "a""b_clone" SET "role" = 'a"b'"#,
            r#"SECURITY LABEL FOR "p" ON ROLE "a""b_clone" IS 'l'''"#,
            r#"COMMENT ON ROLE "a""b_clone" IS 'rotator: clone user of a"b'"#,
        ];
        assert_eq!(statements(wanted, None, false).unwrap(), expected);
    }

    #[test]
    fn a_clone_that_is_up_to_date_is_left_alone() {
        assert_eq!(statements(facts(), Some(made()), false).unwrap(), [""; 0]);
    }

    #[test]
    fn what_the_user_does_not_have_is_taken_from_the_clone() {
        let other =
            Membership { role: "r".to_owned(), admin: true, inherit: true, set: true, grantor: Some("g".to_owned()) };
        let present = Facts {
            replication: true,
            valid_until: Some("2000-01-01".to_owned()),
            memberships: vec![Membership { admin: true, set: false, ..made().memberships[0].clone() }, other],
            settings: vec![setting(None, "work_mem", "1MB"), setting(Some("d"), "role", "x")],
            comment: Some("a person's".to_owned()),
            labels: vec![Label { provider: "p".to_owned(), label: "l".to_owned() }],
            ..made()
        };
        let expected = [
            r#"ALTER ROLE "a""b_clone" NOREPLICATION"#,
            r#"ALTER ROLE "a""b_clone" VALID UNTIL 'infinity'"#,
            r#"GRANT "a""b" TO "a""b_clone" WITH INHERIT TRUE, SET TRUE"#,
            r#"REVOKE ADMIN OPTION FOR "a""b" FROM "a""b_clone""#,
            r#"REVOKE "r" FROM "a""b_clone" GRANTED BY "g""#,
            r#"ALTER ROLE "a""b_clone" RESET "work_mem""#,
            r#"ALTER ROLE "a""b_clone" IN DATABASE "d" RESET "role""#,
            r#"ALTER ROLE "a""b_clone" SET "role" = 'a"b'"#,
            r#"SECURITY LABEL FOR "p" ON ROLE "a""b_clone" IS NULL"#,
            "COMMENT ON ROLE \"a\"\"b_clone\" IS 'a person''s\nrotator: clone user of a\"b'",
        ];
        assert_eq!(statements(facts(), Some(present), true).unwrap(), expected);
    }

    #[test]
    fn a_user_that_can_t_have_a_clone_is_refused_by_name() {
        for (wanted, reason) in [
            (Facts { can_login: false, ..facts() }, NO_LOGIN),
            (Facts { expired: true, ..facts() }, EXPIRED),
            (Facts { unknown: true, ..facts() }, UNKNOWN),
            (Facts { settings: vec![setting(None, "session_authorization", "x")], ..facts() }, SESSION_USER),
        ] {
            assert_eq!(statements(wanted, None, true), Err(reason));
        }
    }

    #[test]
    fn a_clone_of_somebody_else_s_is_refused_until_it_is_marked_or_known() {
        let unmarked = || Facts { comment: Some(mark("another")), ..made() };
        assert_eq!(statements(facts(), Some(unmarked()), false), Err(FOREIGN));
        assert!(statements(facts(), Some(unmarked()), true).is_ok());
        assert!(statements(facts(), Some(made()), false).is_ok());
    }

    #[test]
    fn the_clone_works_as_the_user_or_as_whom_the_user_works() {
        let settings = vec![setting(None, "role", "group"), setting(Some("d"), "role", "none")];
        let expected = [
            r#"ALTER ROLE "a""b_clone" SET "role" = 'group'"#,
            r#"ALTER ROLE "a""b_clone" IN DATABASE "d" SET "role" = 'a"b'"#,
        ];
        assert_eq!(statements(Facts { settings, ..facts() }, Some(made()), true).unwrap(), expected);
    }

    #[test]
    fn a_list_is_set_item_by_item_and_an_extension_s_setting_is_named_in_parts() {
        assert_eq!(items("search_path", r#"own, "$user", "a ""b"", c""#), ["own", "$user", "a \"b\", c"]);
        assert_eq!(items("search_path", "\"\""), [""]);
        assert_eq!(items("DateStyle", "ISO, MDY"), ["ISO, MDY"]);
        assert_eq!(setting_name("my.var"), "\"my\".\"var\"");
    }
}
