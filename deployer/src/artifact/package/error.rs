//! Why Lambda could not run a package.

use super::archive::{KIND, MAX_ENTRIES, MAX_UNPACKED, MAX_ZIP};
use super::elf::MAX_GLIBC;
use super::machine::Machine;

/// Why a package was refused: what was found, what Lambda wants, and what to do. A spec may name any zip of the machine, so
/// that its files are told by their numbers, as `unzip -Z1` lists them, and never by their names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// The zip could not be written.
    #[error("the zip could not be made: {0}")]
    Pack(String),
    /// Too large to send.
    #[error(
        "the zip has {size} bytes, but Lambda takes at most {MAX_ZIP} in one call: \
         strip the binary, or build it with `opt-level = \"z\"` and `lto = \"fat\"`"
    )]
    TooLarge {
        /// Its size in bytes.
        size: u64,
    },
    /// Too large to run.
    #[error(
        "the files in the zip have {size} bytes, but Lambda takes at most {MAX_UNPACKED} unpacked: \
         leave out what the function does not need, and strip the binary"
    )]
    TooLargeUnpacked {
        /// What the zip says that they have.
        size: u64,
    },
    /// A directory that is out of all proportion.
    #[error("the zip lists {count} files, but at most {MAX_ENTRIES} are read: the function needs `bootstrap` alone")]
    TooManyEntries {
        /// How many.
        count: usize,
    },
    /// Not a zip, or a broken one.
    #[error("this is not a zip that can be read ({0}): make it again, with `zip -j function.zip path/to/bootstrap`")]
    Corrupt(String),
    /// Two entries of one name, of which Lambda might take either.
    #[error("the zip holds two files of one name, and no one can say which of them would run: make it again")]
    Duplicate,
    /// Entries that share bytes.
    #[error("the zip's files overlap, as they do in an archive made to exhaust its reader: make it again")]
    Overlapping,
    /// The directory lies about a size.
    #[error("file {entry} of the zip does not have the {declared} bytes that the zip says it has: make the zip again")]
    WrongSize {
        /// The file's number, from 1.
        entry: usize,
        /// The size in the zip's directory.
        declared: u64,
    },
    /// A name that leads out of the function's folder.
    #[error(
        "file {entry} of the zip would be unpacked outside the function's folder: make the zip with relative names"
    )]
    UnsafeName {
        /// The file's number, from 1.
        entry: usize,
    },
    /// A password is wanted, and Lambda has none.
    #[error("file {entry} of the zip is encrypted, but Lambda has no password: make the zip without one")]
    Encrypted {
        /// The file's number, from 1.
        entry: usize,
    },
    /// Neither stored nor deflated.
    #[error(
        "file {entry} of the zip is compressed by {method}, but Lambda unpacks deflate alone: make the zip without that option"
    )]
    Compression {
        /// The file's number, from 1.
        entry: usize,
        /// The method.
        method: String,
    },
    /// Nothing to start.
    #[error(
        "the zip has no `bootstrap` at its root{elsewhere}, but that is what Lambda starts: \
         zip the file without its folder, with `zip -j function.zip path/to/bootstrap`",
        elsewhere = if *.is_elsewhere { " (only in a folder)" } else { "" }
    )]
    NoBootstrap {
        /// Whether a file of that name is somewhere else.
        is_elsewhere: bool,
    },
    /// A folder or a link instead of a file.
    #[error("`bootstrap` is {found} in the zip, but Lambda wants a regular file: put the binary itself into the zip")]
    NotAFile {
        /// What it is.
        found: &'static str,
    },
    /// Lambda could not start it.
    #[error(
        "`bootstrap` has {} in the zip, but Lambda wants 0755, readable and executable by everyone: \
         `chmod 755` it before it is zipped, on Linux or macOS",
        mode_found(*.mode)
    )]
    NotExecutable {
        /// The mode, if the zip has one.
        mode: Option<u32>,
    },
    /// Neither a binary nor a script.
    #[error(
        "`bootstrap` is {found}, but Lambda wants a Linux binary or a script that begins with `#!`: \
         build it for {}", .wanted.target()
    )]
    Unrecognized {
        /// What it seems to be.
        found: &'static str,
        /// The function's instruction set.
        wanted: Machine,
    },
    /// A broken binary.
    #[error("the binary cannot be read ({0}): build it again")]
    CorruptBinary(String),
    /// An object file, a core dump.
    #[error("the binary is {found}, but Lambda wants an executable: put the linker's output into the zip")]
    NotLinked {
        /// What it is.
        found: &'static str,
    },
    /// Made for another kind of machine.
    #[error("the binary is {found}, but the function is {wanted}, which is 64-bit and little-endian: build it for {}",
        .wanted.target())]
    Class {
        /// What it is.
        found: &'static str,
        /// The function's instruction set.
        wanted: Machine,
    },
    /// The other of the two instruction sets.
    #[error(
        "the binary is for {found}, but the function is {wanted}: \
         build it for {wanted}, or set `function.architecture: {found}`"
    )]
    Architecture {
        /// The binary's.
        found: Machine,
        /// The function's.
        wanted: Machine,
    },
    /// An instruction set that Lambda does not have.
    #[error("the binary is for a machine that Lambda has not (ELF number {found}): build it for {}", .wanted.target())]
    ForeignMachine {
        /// ELF's number of it.
        found: u16,
        /// The function's instruction set.
        wanted: Machine,
    },
    /// A dynamic loader that is not there.
    #[error(
        "the binary is started by {found:?}, but provided.al2023 has only {}: {}",
        .wanted.interpreter(), loader_advice(.found, *.wanted)
    )]
    Interpreter {
        /// The loader that it names.
        found: String,
        /// The function's instruction set.
        wanted: Machine,
    },
    /// A C library that is newer than Amazon Linux's.
    #[error(
        "the binary needs {needed}, but provided.al2023 has {glibc}: \
         build it with `cargo zigbuild --target {}.{glibc}`",
        .wanted.target(), glibc = glibc_of_lambda()
    )]
    Glibc {
        /// The highest version that it needs, as it names it.
        needed: String,
        /// The function's instruction set.
        wanted: Machine,
    },
}

fn mode_found(mode: Option<u32>) -> String {
    mode.map_or_else(|| "no mode".to_owned(), |mode| format!("mode {:04o}", mode & !KIND))
}

fn glibc_of_lambda() -> String {
    format!("{}.{}", MAX_GLIBC.0, MAX_GLIBC.1)
}

fn loader_advice(found: &str, wanted: Machine) -> String {
    let target = wanted.target();
    if found.contains("musl") {
        let musl = target.replace("gnu", "musl");
        format!("link it statically (`-C target-feature=+crt-static` with {musl}), or build it for {target}")
    } else {
        format!("build it for {target}")
    }
}
