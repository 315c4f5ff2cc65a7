//! The Lambda function that rotates one secret: one tick makes one new version, whatever is retried or delivered twice.
//!
//! [`rotation`] holds the protocol over two traits, [`store::Store`] and [`target::Target`]; [`handler`] is what
//! Lambda invokes.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod check;
pub mod client;
pub mod error;
pub mod handler;
pub mod log;
pub mod managed;
pub mod password;
pub mod rotation;
pub mod secret;
pub mod store;
pub mod target;
pub mod tick;
mod unwind;
pub mod value;
