//! Packs the function into the deployer: `$ROTATOR_DIR/{x86_64,arm64}/bootstrap`, by default in `target/lambda`.
//!
//! A function that is not there is left out, and `deploy` says so when it is asked for. One that Lambda could not run
//! fails the build.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use self::package::Machine;

#[path = "src/artifact/package/mod.rs"]
mod package;

/// Tells Cargo what is wrong, and where it can be seen.
type Failure = String;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("cargo::error={why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    // Once one of these is printed, Cargo no longer watches the package's own files.
    for file in ["build.rs", "src/artifact/package"] {
        println!("cargo::rerun-if-changed={file}");
    }
    println!("cargo::rerun-if-env-changed=ROTATOR_DIR");

    let out = folder("OUT_DIR")?;
    let rotators = rotator_dir()?;
    let mut embedded = String::new();
    for (machine, constant) in [(Machine::X86_64, "X86_64"), (Machine::Arm64, "ARM64")] {
        let bootstrap = rotators.join(machine.as_str()).join("bootstrap");
        watch(&bootstrap, &rotators);
        let value = match fs::read(&bootstrap) {
            Ok(binary) => embed(&binary, machine, &out).map_err(|why| format!("{}: {why}", bootstrap.display()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => "None".to_owned(),
            Err(error) => return Err(format!("{}: {error}", bootstrap.display())),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(embedded, "pub(super) const {constant}: Option<(&[u8], &str)> = {value};");
    }
    fs::write(out.join("embedded.rs"), embedded).map_err(|error| format!("{}: {error}", out.display()))
}

/// Packs one binary, and gives the expression that holds it. The hash is a literal, so that a plan computes none.
fn embed(binary: &[u8], machine: Machine, out: &Path) -> Result<String, Failure> {
    let zip = package::pack(binary).map_err(|error| error.to_string())?;
    package::inspect(&zip, machine).map_err(|error| error.to_string())?;
    let name = format!("{machine}.zip");
    fs::write(out.join(&name), &zip).map_err(|error| error.to_string())?;
    let hash = package::code_sha256(&zip);
    Ok(format!(r#"Some((include_bytes!(concat!(env!("OUT_DIR"), "/{name}")), "{hash}"))"#))
}

/// Where the function's binaries are.
fn rotator_dir() -> Result<PathBuf, Failure> {
    if let Some(folder) = env::var_os("ROTATOR_DIR").filter(|folder| !folder.is_empty()) {
        return Ok(folder.into());
    }
    let workspace = folder("CARGO_MANIFEST_DIR")?.parent().map(Path::to_owned).unwrap_or_default();
    let folder = workspace.join("target").join("lambda");
    // So that there is something to watch. If it cannot be made, only that is lost.
    let _ = fs::create_dir_all(&folder);
    Ok(folder)
}

fn folder(variable: &str) -> Result<PathBuf, Failure> {
    env::var_os(variable)
        .map(PathBuf::from)
        .ok_or_else(|| format!("{variable} is not set: this runs under Cargo alone"))
}

/// Has this script run again when the file changes, or, if it is not there, when it may have come.
///
/// Cargo takes a watched file that does not exist for one that has changed, and would build the deployer every time.
/// A folder above is watched in its stead, but none above the rotators' own: Cargo looks at all that is in it.
fn watch(file: &Path, rotators: &Path) {
    let there = file.ancestors().take_while(|path| path.starts_with(rotators)).find(|path| path.exists());
    println!("cargo::rerun-if-changed={}", there.unwrap_or(file).display());
}
