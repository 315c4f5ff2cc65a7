//! Everything that the deployer sets, changed behind its back: seen as exactly that, and mended.

mod function;
mod log_group;
mod role;
mod schedule;
mod schedule_group;
mod secret;

use std::collections::BTreeSet;

use crate::bed::Bed;
use crate::stack::{Stack, attributes};

/// One change out of band, and the attributes that a plan shows for it: one, where AWS does not bind two together.
pub struct Row {
    attributes: Vec<String>,
    change: Box<dyn Fn(&Bed)>,
}

/// Changes of one resource.
struct Table {
    address: &'static str,
    rows: Vec<Row>,
}

fn row(attribute: impl Into<String>, change: impl Fn(&Bed) + 'static) -> Row {
    Row { attributes: vec![attribute.into()], change: Box::new(change) }
}

fn rows<const N: usize>(attributes: [&str; N], change: impl Fn(&Bed) + 'static) -> Row {
    Row { attributes: attributes.map(str::to_owned).into(), change: Box::new(change) }
}

/// Tags changed, removed and added; of our own two the one that is not ownership itself. `set` writes a tag, or removes it.
fn tags(set: impl Fn(&Bed, &str, Option<&str>) + Copy + 'static) -> Vec<Row> {
    vec![
        row(r#"tags["team"]"#, move |bed| set(bed, "team", Some("other"))),
        row(r#"tags["team"]"#, move |bed| set(bed, "team", None)),
        row(r#"tags["added"]"#, move |bed| set(bed, "added", Some("by hand"))),
        row(r#"tags["deployer:region"]"#, move |bed| set(bed, "deployer:region", None)),
    ]
}

fn tables() -> Vec<Table> {
    vec![
        Table { address: "secret", rows: secret::rows() },
        Table { address: "execution-role", rows: role::execution() },
        Table { address: "invoke-role", rows: role::invoke() },
        Table { address: "log-group", rows: log_group::rows() },
        Table { address: "function", rows: function::rows() },
        Table { address: "schedule-group", rows: schedule_group::rows() },
        Table { address: "schedule", rows: schedule::rows() },
    ]
}

/// Carries out the tables of those resources on one stack.
fn mend(addresses: &[&str]) {
    let stack = Stack::complete();
    let before = stack.bed.inventory();
    for Table { address, rows } in tables().into_iter().filter(|table| addresses.contains(&table.address)) {
        for Row { attributes, change } in rows {
            change(&stack.bed);
            let told = stack.plan().told();
            let expected: Vec<String> =
                attributes.iter().map(|name| format!("{address} {name} (update, drift)")).collect();
            assert_eq!(told, expected);
            stack.deploy("apply --yes --skip-self-check").expect(0);
            stack.expect_no_changes();
            let after = stack.bed.inventory();
            assert_eq!(after, before, "{address} {attributes:?} is not what it was");
        }
    }
    // Whatever was mended: it works.
    stack.deploy("rotate").expect(0);
}

#[test]
fn drift_of_the_secret_and_the_log_group_is_seen_and_mended() {
    mend(&["secret", "log-group"]);
}

#[test]
fn drift_of_the_execution_role_is_seen_and_mended() {
    mend(&["execution-role"]);
}

#[test]
fn drift_of_the_invoke_role_is_seen_and_mended() {
    mend(&["invoke-role"]);
}

#[test]
fn drift_of_the_function_is_seen_and_mended() {
    mend(&["function"]);
}

#[test]
fn drift_of_the_schedule_and_its_group_is_seen_and_mended() {
    mend(&["schedule-group", "schedule"]);
}

/// What `out_of_band.rs` changes, because it takes a new role.
const OF_A_NEW_ROLE: [(&str, &str); 3] = [("execution-role", "path"), ("invoke-role", "path"), ("function", "role_id")];
/// What the deployer sets nowhere, and takes away where somebody else has set it.
const NEVER_SET: [&str; 11] = [
    r#"tags["added"]"#,
    r#"policy["Added"]"#,
    r#"environment["ADDED"]"#,
    r#"attached_policy["arn:aws:iam::aws:policy/ReadOnlyAccess"]"#,
    "dead_letter_queue",
    "start_date",
    "end_date",
    "after_completion",
    "tracing",
    "ephemeral_storage",
    "reserved_concurrency",
];

#[test]
fn every_attribute_that_is_set_is_in_the_tables() {
    let stack = Stack::complete();
    stack.deploy("teardown --yes --force-delete-secret").expect(0);
    let plan = stack.plan().0;
    let created =
        plan.iter().flat_map(|(address, one)| attributes(one).into_iter().map(|name| (address.clone(), name)));
    // Whose a resource is, is no drift: foreign.rs.
    let created: BTreeSet<_> = created.filter(|(_, name)| name != r#"tags["deployer:stack"]"#).collect();
    let elsewhere = OF_A_NEW_ROLE.iter().map(|(address, name)| ((*address).to_owned(), (*name).to_owned()));
    let changed = tables().into_iter().flat_map(|Table { address, rows }| {
        let names = rows.into_iter().flat_map(|row| row.attributes);
        names.map(move |name| (address.to_owned(), name))
    });
    let covered = changed.chain(elsewhere).filter(|(_, name)| !NEVER_SET.contains(&name.as_str()));
    assert_eq!(covered.collect::<BTreeSet<_>>(), created);
}
