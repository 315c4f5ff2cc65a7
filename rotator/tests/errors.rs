//! The documentation of the servers' errors is made from the tables that the function goes by.
#![cfg(all(feature = "postgres", feature = "mysql", feature = "redis"))]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;

use rotator::error::Step;
use rotator::target::answer::{Means, Row};
use rotator::target::{mysql, postgres, redis};

const HEAD: &str = "# Errors of the servers

What an error of a server means to a rotation, by its code: the class that the function's log, its metrics and `deploy rotate`
give, and the words. What has no row is `internal`, with its code. A message of a server's is never passed on, since it may
quote a statement. [targets.md](targets.md#classes-of-failures) says what to do about each class.

This page is made from the function's own tables: `UPDATE_DOCS=1 cargo test -p rotator --test errors`.
";

fn table(name: &str, code: &str, rows: &[Row]) -> String {
    let mut text = format!("\n## {name}\n\n| {code} | that says | class | means |\n|---|---|---|---|\n");
    for row in rows {
        let class = row.kind("the login", row.code).at(Step::Set).class();
        // At a login, and never else, it says which credentials are wrong.
        let class = if row.means == Means::Refused { "credential" } else { class.name() };
        let says = if row.says.is_empty() { String::new() } else { format!("`{}`", row.says) };
        let words = row.words.replace('|', "\\|");
        let code = if row.code.is_empty() { "any".to_owned() } else { format!("`{}`", row.code) };
        writeln!(text, "| {code} | {says} | `{class}` | {words} |").unwrap();
    }
    text
}

#[test]
fn the_page_of_errors_is_what_the_function_goes_by() {
    let page = [
        HEAD.to_owned(),
        table("PostgreSQL and poolers before it", "SQLSTATE", postgres::ERRORS),
        table("MariaDB and MySQL", "number", mysql::ERRORS),
        table("Redis and Valkey", "prefix", redis::ERRORS),
    ]
    .concat();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == page, "docs/errors.md is out of date: see its head");
}
