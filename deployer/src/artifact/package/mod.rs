//! The function's zip: how it is made, and what is looked at before it is believed.
//!
//! A wrong binary is accepted by every call of Lambda's API and fails at the first invocation, which for a rotator is
//! the first rotation. All that can be known from the bytes is therefore checked before anything is changed.
//!
//! The build script includes these files too, so that what it embeds has passed the same checks. They depend on nothing
//! of the crate, and do no I/O: bytes in, bytes or a verdict out. Nothing is ever extracted.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

mod archive;
mod elf;
mod error;
mod machine;

#[allow(unused_imports, reason = "the deployer, its build script and its tests each take a part")]
pub use archive::{MAX_UNPACKED, MAX_ZIP, pack, readable_file, with_file};
pub use error::PackageError;
pub use machine::Machine;

/// The hash as Lambda reports it, in `CodeSha256`.
#[must_use]
pub fn code_sha256(zip: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(zip))
}

/// Whether Lambda could run that zip as a function of that machine.
///
/// Every file is unpacked, into memory and one after the other: a zip's directory is a claim, and its checksums are
/// part of what makes it readable. At most [`MAX_UNPACKED`] bytes are held, whatever the zip says.
///
/// # Errors
///
/// The first reason why not.
pub fn inspect(zip: &[u8], machine: Machine) -> Result<(), PackageError> {
    check_program(&archive::bootstrap(zip)?, machine)
}

fn check_program(bytes: &[u8], machine: Machine) -> Result<(), PackageError> {
    let found = match bytes {
        [b'#', b'!', ..] => return Ok(()),
        [0x7f, b'E', b'L', b'F', ..] => return elf::check(bytes, machine),
        [] => "empty",
        [b'M', b'Z', ..] => "a Windows binary",
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => "a macOS binary",
        [b'P', b'K', 3, 4, ..] => "itself a zip",
        _ => "neither a binary nor a script",
    };
    Err(PackageError::Unrecognized { found, wanted: machine })
}
