//! The binary `deploy`: parse, run, map the outcome to an exit code.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use deployer::{cli, fault, memory};

fn main() -> ExitCode {
    memory::seal();
    fault::hide_messages();
    let exit = fault::contain(|| match cli::parse() {
        Ok(cli) => cli::run(cli),
        Err(exit) => exit,
    });
    ExitCode::from(exit.code())
}
