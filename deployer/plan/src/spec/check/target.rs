//! The target: what it needs besides, and how its first value comes to be.

use std::ops::Range;

use contract::{Login, Strategy, Target};

use super::secret::{ANY_NAME, secret_name};
use super::{Context, NameRule, connection, no_path};
use crate::spec::model::Initial;

/// What ElastiCache stores an id as; its API takes capitals, too, but policies are told by the ARN, letter by letter.
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateUser.html>
const USER_ID: NameRule = NameRule {
    code: "target-user",
    max: 40,
    allows: |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
    told: "lowercase letters, digits and `-`",
};

/// What a login has besides the password, by AWS's names.
const LOGIN_FIELDS: [&str; 6] = ["engine", "host", "port", "username", "dbname", "masterarn"];

pub(super) fn check(cx: &mut Context<'_>) {
    let (key, login) = match &cx.spec.target {
        Target::None => return,
        Target::Postgres(login) => ("postgres", login),
        Target::Mysql(login) => ("mysql", login),
        Target::Redis(login) => ("redis", login),
    };
    let section = format!("target.{key}");
    // Where the structure is at fault, what is left of it says nothing of what is absent.
    let Some(whole) = cx.place(&section) else { return };
    if let Some(field) = cx.spec.secret.field.as_deref().filter(|field| LOGIN_FIELDS.contains(field)) {
        let message = format!("`{field}` is where a {key} user's secret has something else than the password");
        let span = cx.first_place(&["secret.field"]);
        cx.error("target-field", span, message, "not the password", "write `field: password`, or remove the key");
    }
    if cx.spec.secret.field.is_none() {
        let span = cx.first_place(&["secret.field"]);
        let help = "write `field: password`, or remove the key";
        cx.error("target-field", span, format!("a {key} user's secret is a JSON object"), "no field", help);
    }
    admin(cx, &section, login);
    elasticache_user(cx, &section, login);
    if let Some(label) = cx.spec.ca.as_deref().and_then(no_path) {
        let span = cx.first_place(&[&format!("{section}.tls.ca")]);
        cx.error("target-ca", span, "`tls.ca` must be a path", label, "write for example `tls: {ca: ./ca.pem}`");
    }
    require_auth(cx);
    if let Some(connection) = &login.connection {
        connection::check(cx, &section, login, connection);
    }
    if cx.place("secret").is_some() && cx.spec.secret.initial == Initial::Generate {
        generated(cx, login, whole);
    }
}

fn admin(cx: &mut Context<'_>, section: &str, login: &Login) {
    let path = format!("{section}.admin_secret");
    let Some(name) = &login.admin_secret else {
        if login.strategy == Strategy::AlternatingUsers {
            let span = cx.first_place(&[&format!("{section}.strategy")]);
            let help = "add `admin_secret: NAME`, the secret of a user that may create users";
            let message = "alternating users are made by another user";
            cx.error("target-admin", span, message, "no `admin_secret` beside it", help);
        }
        return;
    };
    if secret_name(cx, &path, name, &ANY_NAME) && *name == cx.spec.secret.name {
        let span = cx.first_place(&[&path]);
        let help = "name the secret of another user, or remove `admin_secret` and the user sets its own password";
        cx.error("target-admin", span, "the admin's secret is the one that rotates", "the stack's own secret", help);
    }
    if login.connection.is_none() && login.elasticache_user.is_none() {
        let span = cx.first_place(&[&path]);
        let message = "an admin needs a `connection`: without one, whoever may write the rotated secret chooses the server \
                       that gets the admin's password";
        let help = format!(
            "add `connection: {{host: db.example.com, username: app}}` under `{section}:`, with your own server and user"
        );
        cx.error("target-admin", span, message, "no `connection` beside it", help);
    }
}

fn require_auth(cx: &mut Context<'_>) {
    let Target::Postgres(Login { require_auth, .. }) = &cx.spec.target else { return };
    let path = "target.postgres.require_auth";
    if let Some(span) = cx.place(path).filter(|_| require_auth.is_empty()) {
        let help = "remove the key, or write `require_auth: [scram-sha-256]`";
        cx.error("target-auth", span, format!("`{path}` leaves no way to log in"), "empty", help);
    }
}

fn elasticache_user(cx: &mut Context<'_>, section: &str, login: &Login) {
    let path = format!("{section}.elasticache_user");
    let Some(id) = &login.elasticache_user else { return };
    if cx.name(&path, &[], id, &USER_ID) && !id.starts_with(|c: char| c.is_ascii_lowercase()) {
        let message = format!("`{path}` must begin with a letter");
        cx.error("target-user", cx.part(&path, id, 0..1), message, "no letter", "write the user's id, not its name");
    }
    if login.admin_secret.is_some() {
        let span = cx.first_place(&[&format!("{section}.admin_secret")]);
        let message = "the password of an ElastiCache user is set by AWS's API, not by an admin";
        cx.error("target-admin", span, message, "not beside `elasticache_user`", "remove `admin_secret`");
    }
}

/// A generated password opens nothing until somebody has told the target: the admin, in the first rotation.
fn generated(cx: &mut Context<'_>, login: &Login, whole: Range<usize>) {
    if login.admin_secret.is_none() {
        let span = cx.place("secret.initial").unwrap_or(whole);
        let message = "a generated first password opens nothing, and no admin is named to set it";
        let help = "write `initial: {env: NAME}`, {file: PATH} or {prompt: true} with the user's present password";
        let or = if login.elasticache_user.is_some() { "" } else { ", or name an `admin_secret`" };
        let help = format!("{help}{or}");
        cx.error("target-initial", span, message, "generated", help);
    }
}
