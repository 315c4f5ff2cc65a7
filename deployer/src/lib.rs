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

/// What `run` comes to, in a process that gives away nothing of what it works on: nobody reads its memory, and a fault of its
/// own is told by its place alone, and is an error like any other.
pub fn guarded(run: impl FnOnce() -> exit::Exit + std::panic::UnwindSafe) -> exit::Exit {
    memory::seal();
    fault::hide_messages();
    fault::contain(run)
}

/// This deployer's version: another one may plan otherwise, and carry another function.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
