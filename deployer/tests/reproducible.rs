//! The same source gives the same function, byte for byte, in whatever folder it is built: so that anyone can build it again,
//! and compare. `make reproduce` builds the dependencies again too.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use deployer::artifact;
use plan::spec::Architecture;

#[path = "../src/artifact/package/mod.rs"]
#[allow(dead_code, unreachable_pub, reason = "what packs for the build script packs here")]
mod package;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Our own crates are compiled and linked again, in another folder and into another one; gives what came of it.
fn built_again() -> PathBuf {
    let mut command = Command::new(root().join("tools/reproduce"));
    // What Cargo tells this test about the deployer is not for the function's build.
    for (name, _) in std::env::vars_os() {
        let is_told = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        if name.to_str().is_some_and(is_told) {
            command.env_remove(name);
        }
    }
    let output = command.arg("again").env_remove("RUSTFLAGS").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the function was not built again:\n{said}");
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

#[test]
fn a_second_build_of_the_function_elsewhere_gives_the_zip_that_the_deployer_carries() {
    let is_arm = cfg!(target_arch = "aarch64");
    let carried = artifact::embedded(if is_arm { Architecture::Arm64 } else { Architecture::X86_64 }).unwrap();
    let again = built_again();
    let first = std::env::var_os("ROTATOR_DIR").map_or_else(|| root().join("target/lambda"), PathBuf::from);
    let first = first.join(if is_arm { "arm64" } else { "x86_64" }).join("bootstrap");
    assert_ne!(first.canonicalize().unwrap(), again.canonicalize().unwrap());
    let (first, again) = (std::fs::read(first).unwrap(), std::fs::read(again).unwrap());
    assert!(
        first == again,
        "the second bootstrap has {} bytes, the first {}, and they differ",
        again.len(),
        first.len()
    );
    assert_eq!(package::code_sha256(&package::pack(&again).unwrap()), carried.code_sha256);
}
