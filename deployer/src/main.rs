//! The binary `deploy`: parse, run, map the outcome to an exit code.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let exit = match deployer::cli::parse() {
        Ok(cli) => deployer::cli::run(cli),
        Err(exit) => exit,
    };
    ExitCode::from(exit.code())
}
