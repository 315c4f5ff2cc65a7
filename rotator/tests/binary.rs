//! The built function, between a runtime API and a Secrets Manager of the test's own on loopback.
#![allow(clippy::unwrap_used, reason = "tests")]

mod lambda;
mod model;
#[path = "binary/protocol.rs"]
mod protocol;

use lambda::Function;

/// This machine's.
#[allow(clippy::unnecessary_wraps, reason = "what is for another processor may be missing")]
fn function() -> Option<Function> {
    Some(Function::default())
}

protocol::tests!(function);
