//! The binary `deploy`: parse, run, map the outcome to an exit code.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use deployer::cli;

fn main() -> ExitCode {
    let exit = deployer::guarded(|| match cli::parse() {
        Ok(cli) => cli::run(cli),
        Err(exit) => exit,
    });
    ExitCode::from(exit.code())
}
