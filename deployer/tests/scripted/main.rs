//! What AWS does and no emulator: every reply is scripted on the wire, and time is the test's own, so that two minutes
//! of waiting take none.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::format_collect, reason = "replies are short")]

mod again;
mod doctor;
mod echoes;
mod function;
mod invoke;
mod log_group;
mod managed;
mod members;
mod models;
mod names;
mod network;
mod order;
mod pages;
mod preflight;
mod reads;
mod refused;
mod retries;
mod role;
mod schedule;
mod schedule_group;
mod secret;
mod shapes;
mod sources;
#[path = "../../plan/tests/stack/mod.rs"]
mod stack;
mod stage;
mod tags;
mod unset;
mod wire;
mod world;
