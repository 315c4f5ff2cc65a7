//! A fault of `deploy` itself is told without what it was working on, and is an error like any other. Each test runs itself
//! again as a process of its own, which has the fault.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::process::{Command, Output};

use deployer::exit::Exit;
use deployer::fault;

const CANARY: &str = "cAnArY-of-a-first-value";
const VARIABLE: &str = "DEPLOY_TEST_FAULT";

/// Whether this is the process that is to have the fault.
fn is_it() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

fn again(test: &str, backtrace: &str) -> (Output, String) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(VARIABLE, "1")
        .env("RUST_BACKTRACE", backtrace)
        .output()
        .unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output, told)
}

fn expect_the_place_alone(told: &str) {
    assert!(!told.contains("cAnArY"), "{told}");
    assert!(told.contains("error: deploy itself has a fault, at deployer/tests/fault.rs:"), "{told}");
    assert!(told.contains("run the same command again"), "{told}");
    assert!(!told.contains("stack backtrace"), "{told}");
}

#[test]
fn a_fault_is_told_by_its_place_and_is_exit_code_1() {
    if is_it() {
        // In this the binary does all that it does: that it does is seen in memory.rs.
        let exit = deployer::guarded(|| panic!("working on {CANARY}"));
        std::process::exit(i32::from(exit.code()));
    }
    for backtrace in ["0", "1", "full"] {
        let (output, told) = again("a_fault_is_told_by_its_place_and_is_exit_code_1", backtrace);
        expect_the_place_alone(&told);
        assert_eq!(output.status.code(), Some(1), "{told}");
    }
}

#[test]
fn a_fault_of_another_thread_or_with_any_payload_is_told_the_same() {
    if is_it() {
        fault::hide_messages();
        let _ = std::thread::spawn(|| std::panic::panic_any(CANARY.to_owned())).join();
        let _ = std::panic::catch_unwind(|| CANARY.parse::<u8>().map_err(|_| CANARY).unwrap());
        return;
    }
    let (output, told) = again("a_fault_of_another_thread_or_with_any_payload_is_told_the_same", "full");
    expect_the_place_alone(&told);
    assert_eq!(told.matches("deploy itself has a fault").count(), 2, "{told}");
    assert!(output.status.success(), "{told}");
}

#[test]
fn a_fault_in_a_part_is_a_failure_of_that_part_that_names_its_place() {
    if is_it() {
        fault::hide_messages();
        let caught = fault::caught(async { panic!("working on {CANARY}") });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let fault: fault::Fault = runtime.block_on(caught).map(|()| unreachable!()).unwrap_err();
        println!("caught: {fault} {fault:?}");
        return;
    }
    let (output, told) = again("a_fault_in_a_part_is_a_failure_of_that_part_that_names_its_place", "full");
    expect_the_place_alone(&told);
    assert!(told.contains("caught: a fault in the program itself, at deployer/tests/fault.rs:"), "{told}");
    assert!(output.status.success(), "{told}");
}

#[test]
fn what_has_no_fault_comes_to_what_it_comes_to() {
    assert_eq!(deployer::guarded(|| Exit::Changes), Exit::Changes);
}
