//! Puts a secret under automatic rotation on AWS from one YAML file, and takes it away again.
//!
//! What is decided stands in the crate `plan`; here is what reads AWS, changes it, and tells a person about it.
#![forbid(unsafe_code)]

pub mod artifact;
pub mod aws;
pub mod cli;
pub mod engine;
pub mod exit;
pub mod fault;
mod file;
pub mod initial;
pub mod memory;
pub mod ui;

/// This deployer's version: another one may plan otherwise, and carry another function.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
