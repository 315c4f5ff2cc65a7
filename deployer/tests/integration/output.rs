//! Nobody reads the result, or it can't be written: quiet where that is a wish, an error where it is none, never a panic.

use crate::stack::{FILE, Stack};

#[test]
fn a_reader_that_has_gone_away_ends_the_output_and_not_the_work() {
    let stack = Stack::new();
    // A reader that takes nothing, so that even the first line has no one to go to.
    for command in [format!("plan {FILE}"), format!("apply {FILE} --yes"), format!("status {FILE} -o json")] {
        let ran = stack.desk.shell(&format!("{{ $DEPLOY {command}; echo code $? >&2; }} | true")).end();
        assert!(ran.err.contains("code 0") && !ran.err.contains("error"), "{command}: {}", ran.err);
    }
    stack.expect_no_changes();
}

#[test]
fn a_log_that_nobody_reads_any_more_is_not_followed() {
    let stack = Stack::applied();
    stack.deploy("rotate").expect(0);
    stack.desk.shell(&format!("$DEPLOY logs {FILE} --follow | head -1")).end().expect(0);
}

#[test]
fn a_result_that_cannot_be_written_is_an_error_and_the_work_is_done() {
    let stack = Stack::new();
    for command in [format!("plan {FILE}"), format!("apply {FILE} --yes"), format!("plan {FILE} -o json")] {
        let ran = stack.desk.shell(&format!("$DEPLOY {command} > /dev/full")).end().expect(1);
        assert_eq!(ran.err.matches("the result can't be written to stdout").count(), 1, "{}", ran.err);
    }
    stack.expect_no_changes();
}

#[test]
fn a_run_whose_diagnostics_nobody_gets_does_its_work() {
    let stack = Stack::new();
    for (command, code) in [("apply --yes 2>&-", 0), ("plan 2>/dev/full", 0), ("apply --adopt x/y 2>/dev/full", 1)] {
        let (verb, options) = command.split_once(' ').unwrap();
        stack.desk.shell(&format!("$DEPLOY {verb} {FILE} {options}")).end().expect(code);
    }
    stack.desk.shell(&format!("$DEPLOY plan {FILE} --detailed-exitcode >&- 2>&-")).end().expect(0);
}
