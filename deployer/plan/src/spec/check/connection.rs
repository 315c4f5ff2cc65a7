//! Where the user logs in: what host, user and database can be.

use contract::{Connection, Login, Strategy, Target};

use super::Context;
use super::host::{self, Meant, NotAHost};
use crate::spec::privacy;

/// What the rotator adds to a user's name for its clone user's.
const CLONE: &str = "_clone";

/// How long a name can be at a kind of server.
struct Longest {
    /// At every server of the kind.
    narrow: usize,
    /// At the one that takes most.
    wide: usize,
    /// Whether bytes are counted, or characters.
    in_bytes: bool,
    /// The servers and their limits, in words.
    told: &'static str,
}

/// Longer ones are cut by the server, in bytes.
/// <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS>
const POSTGRES: Longest = Longest { narrow: 63, wide: 63, in_bytes: true, told: "PostgreSQL takes names of 63 bytes" };
/// <https://dev.mysql.com/doc/refman/8.4/en/user-names.html>, <https://mariadb.com/kb/en/identifier-names/>
const MYSQL_USER: Longest = Longest {
    narrow: 32,
    wide: 128,
    in_bytes: false,
    told: "MySQL takes user names of 32 characters, MariaDB of 80 or 128 by its version",
};
/// <https://dev.mysql.com/doc/refman/8.4/en/identifier-length.html>
const MYSQL_DATABASE: Longest =
    Longest { narrow: 64, wide: 64, in_bytes: false, told: "MySQL and MariaDB take names of 64 characters" };

impl Longest {
    fn length(&self, name: &str) -> usize {
        if self.in_bytes { name.len() } else { name.chars().count() }
    }
}

pub(super) fn check(cx: &mut Context<'_>, section: &str, login: &Login, connection: &Connection) {
    let Connection { host, port: _, username, dbname } = connection;
    check_host(cx, &format!("{section}.connection.host"), host);
    let (user, database) = match &cx.spec.target {
        Target::None => return,
        Target::Postgres(_) => (Some(&POSTGRES), Some(&POSTGRES)),
        Target::Mysql(_) => (Some(&MYSQL_USER), Some(&MYSQL_DATABASE)),
        Target::Redis(_) => (None, None),
    };
    let path = format!("{section}.connection.username");
    if is_text(cx, &path, username) {
        match user {
            Some(longest) => check_user(cx, &path, username, login.strategy, longest),
            None => has_no_blank(cx, &path, username),
        }
    }
    let path = format!("{section}.connection.dbname");
    if let Some((dbname, longest)) = dbname.as_deref().zip(database)
        && is_text(cx, &path, dbname)
    {
        is_short(cx, &path, dbname, dbname, longest);
    }
}

fn check_host(cx: &mut Context<'_>, path: &str, host: &str) {
    let Some(place) = cx.places.get(path).cloned() else { return };
    if let Err(NotAHost { message, label, meant, is_private }) = host::check(host) {
        let help = match meant {
            Some(Meant { host, port: Some(port) }) => format!("write `host: {host}` and `port: {port}`"),
            Some(Meant { host, port: None }) => format!("write `host: {host}`"),
            None => "write the name or the address of one server, for example `host: db.example.com`".to_owned(),
        };
        cx.error("target-connection", place.value.clone(), format!("`{path}` {message}"), label, help);
        if let Some(found) = cx.found.last_mut().filter(|_| is_private) {
            found.redacted.push(privacy::behind(cx.text, &place.key, &place.value));
        }
    } else if let Some(usual) = host::usual(host) {
        let message = format!("`{path}` has another spelling than certificates and other clients know");
        cx.warn("connection-spelling", place.value, message, "the same host", format!("write `host: {usual}`"));
    }
}

/// Whether it is a text that a login can carry; it is shown on terminals, too, which control characters would steer.
fn is_text(cx: &mut Context<'_>, path: &str, text: &str) -> bool {
    let Some(place) = cx.place(path) else { return false };
    let key = path.rsplit('.').next().unwrap_or_default();
    if text.is_empty() {
        let message = format!("`{path}` must not be empty");
        cx.error("target-connection", place, message, "empty", format!("write for example `{key}: app`"));
        return false;
    }
    if let Some(bad) = text.char_indices().find(|(_, c)| c.is_control()) {
        let span = cx.character(path, text, bad);
        cx.error("target-connection", span, format!("`{path}` has a control character"), "in here", "remove it");
        return false;
    }
    if text.trim() != text {
        let message = format!("`{path}` begins or ends with a blank");
        let help = format!("write `{key}: {}`, unless the server's own name has it", text.trim());
        cx.warn("connection-spelling", place, message, "a blank", help);
    }
    true
}

fn check_user(cx: &mut Context<'_>, path: &str, user: &str, strategy: Strategy, longest: &Longest) {
    match strategy {
        Strategy::SingleUser => is_short(cx, path, user, user, longest),
        Strategy::AlternatingUsers => {
            if let Some(original) = user.strip_suffix(CLONE) {
                let message = format!("`{path}` names a clone user: `{user}` is the one of `{original}`");
                let help = format!("write `username: {original}`, or `strategy: single-user`");
                cx.error("target-connection", cx.first_place(&[path]), message, "not the user itself", help);
            } else {
                is_short(cx, path, user, &format!("{user}{CLONE}"), longest);
            }
        }
    }
}

/// Whether a server takes the name; `name` is the value's own, or its clone user's.
fn is_short(cx: &mut Context<'_>, path: &str, value: &str, name: &str, longest: &Longest) {
    let length = longest.length(name);
    if length <= longest.narrow {
        return;
    }
    let unit = if longest.in_bytes { "bytes" } else { "characters" };
    let extra = longest.length(name) - longest.length(value);
    let message = if extra == 0 {
        format!("`{path}` has {length} {unit}")
    } else {
        format!("the clone user of `{path}`, with `{CLONE}` behind it, has {length} {unit}")
    };
    let message = format!("{message}: {}", longest.told);
    let span = cx.first_place(&[path]);
    if length > longest.wide {
        cx.error("target-connection", span, message, "too long", format!("at most {} {unit}", longest.wide - extra));
    } else {
        let help = format!("at most {} {unit} will do at every server", longest.narrow - extra);
        cx.warn("long-user", span, message, "too long for some", help);
    }
}

/// Redis's users have no blank in their names.
/// <https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/>
fn has_no_blank(cx: &mut Context<'_>, path: &str, user: &str) {
    if let Some(bad) = user.char_indices().find(|(_, c)| c.is_ascii_whitespace()) {
        let span = cx.character(path, user, bad);
        let help = format!("write for example `username: {}`", user.split_ascii_whitespace().collect::<String>());
        cx.error("target-connection", span, format!("`{path}` has a blank, and no Redis user has"), "a blank", help);
    }
}
