//! What is named beside a spec is read as far as it may be long, by the real binary under limits of the system's own.

use serde_json::json;

use crate::stack::{FILE, Stack};

/// 256 MiB of memory to map, 20 s of the processor's time.
const LIMITED: &str = "ulimit -v 262144 && ulimit -t 20 && exec $DEPLOY";
/// Bytes that a saved plan has at most.
const LARGEST: usize = 4 << 20;

#[test]
fn a_first_value_without_end_is_refused_and_nothing_is_made() {
    let mut stack = Stack::new();
    stack.edit(|spec| spec["secret"]["initial"] = json!({"file": "/dev/zero"}));
    let ran = stack.desk.shell(&format!("{LIMITED} apply {FILE} --yes")).end().expect(1);
    ran.says("the file /dev/zero, has more than the 65536 bytes that Secrets Manager takes");
    assert_eq!(stack.bed.names(), Vec::<String>::new());
}

#[test]
fn a_saved_plan_has_4_mib_at_most() {
    let stack = Stack::new();
    stack.deploy("plan --out reviewed").expect(0);
    let saved = std::fs::read_to_string(stack.desk.folder().join("reviewed")).unwrap();
    let blanks = |length: usize| " ".repeat(length - saved.len());
    stack.desk.write("reviewed", blanks(LARGEST + 1) + &saved);
    let ran = stack.desk.shell(&format!("{LIMITED} apply reviewed")).end().expect(1);
    ran.says("reviewed is too large");
    assert_eq!(stack.bed.names(), Vec::<String>::new());
    // One byte less is read as what it is, and blanks are no part of it.
    stack.desk.write("reviewed", blanks(LARGEST) + &saved);
    let ran = stack.desk.shell(&format!("{LIMITED} apply reviewed")).end().expect(1);
    ran.says("the saved plan reviewed: it was altered");
    assert_eq!(stack.bed.names(), Vec::<String>::new());
}
