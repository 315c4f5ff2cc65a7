//! The binary `deploy` against emulators of AWS: each test is named for the promise that it keeps.
//!
//! Every test has an emulator of its own, and reads it back through boto3, so that nothing that the deployer says is
//! believed. The first lines of `bed.rs` say what has to be there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that can't go on is a test that failed.

mod bed;
mod between;
mod calls;
mod canary;
mod chaos;
mod credentials;
mod desk;
mod doctor;
mod drift;
mod expiry;
mod first_value;
mod foreign;
mod half_deployed;
mod interrupt;
mod least_privilege;
mod lifecycle;
mod limits;
mod managed;
mod moto;
mod out_of_band;
mod output;
mod precondition;
mod proxy;
mod recorded;
mod rights;
mod rivals;
mod rotation;
mod saved;
mod several;
mod spec_changes;
mod spoken;
mod stack;
mod status;
mod stopped;
