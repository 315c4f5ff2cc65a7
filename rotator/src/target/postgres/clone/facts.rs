//! What the server knows of a role, as far as a clone has to have it too.

use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow, Transaction};

use super::{escape_literal, kind};
use crate::error::Kind;

/// The columns of `pg_roles` that are read below, or that are no attribute.
const COLUMNS: [&str; 13] = [
    "rolname",
    "rolsuper",
    "rolinherit",
    "rolcreaterole",
    "rolcreatedb",
    "rolcanlogin",
    "rolreplication",
    "rolbypassrls",
    "rolconnlimit",
    "rolvaliduntil",
    "rolpassword",
    "rolconfig",
    "oid",
];

/// A role. Who reads it takes it apart field by field, so that none is forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the server has as many")]
pub(super) struct Facts {
    pub(super) can_login: bool,
    pub(super) inherit: bool,
    pub(super) superuser: bool,
    pub(super) create_role: bool,
    pub(super) create_database: bool,
    pub(super) replication: bool,
    pub(super) bypass_row_security: bool,
    /// At a time; -1 is no limit.
    pub(super) connection_limit: String,
    /// As the server writes it; `None` is no end.
    pub(super) valid_until: Option<String>,
    /// Whether that is past.
    pub(super) expired: bool,
    pub(super) settings: Vec<Setting>,
    pub(super) memberships: Vec<Membership>,
    pub(super) labels: Vec<Label>,
    pub(super) comment: Option<String>,
    /// Whether the server has an attribute of roles that is none of these.
    pub(super) unknown: bool,
}

/// A setting from the login on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    /// `None`: in all databases.
    pub(super) database: Option<String>,
    pub(super) name: String,
    pub(super) value: String,
}

/// That a role is a member of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Membership {
    pub(super) role: String,
    /// Whether it may be handed on.
    pub(super) admin: bool,
    /// Whether the role's rights are the member's without more ado; always so before version 16.
    pub(super) inherit: bool,
    /// Whether the member may become the role; always so before version 16.
    pub(super) set: bool,
    /// Who gave it; only version 16 and later need it to take it away.
    pub(super) grantor: Option<String>,
}

/// A label of an extension's for security.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) provider: String,
    pub(super) label: String,
}

impl Facts {
    /// What is known of a role; `None` where there is no such role. Ends are read as this
    /// transaction then writes them, and no name but the catalogue's is found.
    pub(super) async fn read(transaction: &Transaction<'_>, role: &str) -> Result<Option<Self>, Kind> {
        let role = escape_literal(role);
        let query = format!(
            "SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL search_path = pg_catalog, pg_temp; \
             SELECT * FROM pg_catalog.pg_roles WHERE rolname = {role}"
        );
        let Some(row) = rows(transaction, &query).await?.into_iter().next() else { return Ok(None) };
        let is = |column| text(&row, column).as_deref() == Some("t");
        let valid_until = text(&row, "rolvaliduntil");
        let expired = match &valid_until {
            Some(end) => {
                let query = format!("SELECT {}::timestamptz <= now() AS expired", escape_literal(end));
                rows(transaction, &query).await?.first().is_some_and(|row| text(row, "expired").as_deref() == Some("t"))
            }
            None => false,
        };
        Ok(Some(Self {
            can_login: is("rolcanlogin"),
            inherit: is("rolinherit"),
            superuser: is("rolsuper"),
            create_role: is("rolcreaterole"),
            create_database: is("rolcreatedb"),
            replication: is("rolreplication"),
            bypass_row_security: is("rolbypassrls"),
            connection_limit: text(&row, "rolconnlimit").unwrap_or_default(),
            valid_until,
            expired,
            settings: settings(transaction, &role).await?,
            memberships: memberships(transaction, &role).await?,
            labels: labels(transaction, &role).await?,
            comment: comment(transaction, &role).await?,
            unknown: row.columns().iter().any(|column| !COLUMNS.contains(&column.name())),
        }))
    }
}

async fn settings(transaction: &Transaction<'_>, role: &str) -> Result<Vec<Setting>, Kind> {
    let query = format!(
        "SELECT d.datname AS database, setting FROM pg_catalog.pg_db_role_setting s \
         JOIN pg_catalog.pg_roles r ON r.oid = s.setrole LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase, \
         unnest(s.setconfig) setting WHERE r.rolname = {role}"
    );
    let setting = |row: &SimpleQueryRow| {
        let setting = text(row, "setting")?;
        let (name, value) = setting.split_once('=')?;
        Some(Setting { database: text(row, "database"), name: name.to_owned(), value: value.to_owned() })
    };
    Ok(rows(transaction, &query).await?.iter().filter_map(setting).collect())
}

async fn memberships(transaction: &Transaction<'_>, role: &str) -> Result<Vec<Membership>, Kind> {
    // As JSON, a column that an older version lacks is null.
    let query = format!(
        "SELECT g.rolname AS role, m.admin_option AS admin, to_jsonb(m) ->> 'inherit_option' AS inherit, \
         to_jsonb(m) ->> 'set_option' AS set, by.rolname AS grantor FROM pg_catalog.pg_auth_members m \
         JOIN pg_catalog.pg_roles g ON g.oid = m.roleid JOIN pg_catalog.pg_roles u ON u.oid = m.member \
         LEFT JOIN pg_catalog.pg_roles by ON by.oid = m.grantor WHERE u.rolname = {role}"
    );
    let membership = |row: &SimpleQueryRow| {
        let (inherit, set) = (text(row, "inherit"), text(row, "set"));
        Some(Membership {
            role: text(row, "role")?,
            admin: text(row, "admin").as_deref() == Some("t"),
            inherit: inherit.as_deref() != Some("false"),
            grantor: set.as_ref().and_then(|_| text(row, "grantor")),
            set: set.as_deref() != Some("false"),
        })
    };
    Ok(rows(transaction, &query).await?.iter().filter_map(membership).collect())
}

async fn labels(transaction: &Transaction<'_>, role: &str) -> Result<Vec<Label>, Kind> {
    let query = format!(
        "SELECT l.provider, l.label FROM pg_catalog.pg_shseclabel l JOIN pg_catalog.pg_roles r ON r.oid = l.objoid \
         WHERE l.classoid = 'pg_catalog.pg_authid'::regclass AND r.rolname = {role}"
    );
    let label = |row: &SimpleQueryRow| Some(Label { provider: text(row, "provider")?, label: text(row, "label")? });
    Ok(rows(transaction, &query).await?.iter().filter_map(label).collect())
}

async fn comment(transaction: &Transaction<'_>, role: &str) -> Result<Option<String>, Kind> {
    let query = format!(
        "SELECT pg_catalog.shobj_description(oid, 'pg_authid') AS comment FROM pg_catalog.pg_roles WHERE rolname = {role}"
    );
    Ok(rows(transaction, &query).await?.first().and_then(|row| text(row, "comment")))
}

/// The rows of an answer. The simple protocol goes through every pooler.
async fn rows(transaction: &Transaction<'_>, query: &str) -> Result<Vec<SimpleQueryRow>, Kind> {
    let answer = transaction.simple_query(query).await.map_err(|error| kind("a query", &error))?;
    let row = |message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    };
    Ok(answer.into_iter().filter_map(row).collect())
}

fn text(row: &SimpleQueryRow, column: &str) -> Option<String> {
    row.try_get(column).ok().flatten().map(str::to_owned)
}
