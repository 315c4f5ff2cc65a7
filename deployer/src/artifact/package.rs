//! The function's zip: how it is made, and what is looked at before it is believed.
//!
//! A wrong binary is accepted by every call of Lambda's API and fails at the first invocation, which for a rotator is
//! the first rotation. All that can be known from the bytes is therefore checked before anything is changed.
//!
//! The build script includes this file too, so that what it embeds has passed the same checks. It depends on nothing
//! of the crate, and does no I/O: bytes in, bytes or a verdict out. Nothing is ever extracted.

use std::ffi::CStr;
use std::fmt;
use std::io::{Cursor, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object::LittleEndian;
use object::elf;
use object::pod;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use sha2::{Digest, Sha256};
use zip::read::ZipFileEntry;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipArchive, ZipWriter};

/// The largest zip that can be sent with the call itself, without S3: 50 MB.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const MAX_ZIP: usize = 50 * 1024 * 1024;

/// The largest sum of all files in the zip: 250 MB.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const MAX_UNPACKED: u64 = 250 * 1024 * 1024;

/// The C library of `provided.al2023`, which is Amazon Linux 2023.
/// <https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html>
pub const MAX_GLIBC: (u32, u32) = (2, 34);

/// Most files in a zip. It is what a zip without extensions can hold, and it bounds the memory that a directory made
/// of nothing but names can take.
const MAX_ENTRIES: usize = 65_535;

/// Most symbol versions that a binary may name. The C library defines some forty; entries that point at each other
/// would otherwise take for ever.
const MAX_VERSIONS: usize = 65_536;

/// Longest name that is read from a binary: a path's limit on Linux.
const MAX_NAME: usize = 4096;

/// What the runtime starts: the file of that name at the root of the zip.
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-provided.html>
const BOOTSTRAP: &str = "bootstrap";

/// Read and execute, for the owner and for others: the function does not run as the files' owner.
const NEEDED_MODE: u32 = 0o505;

/// The bits of a mode that say what kind of file it is, and the kinds that are told apart.
const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const LINK: u32 = 0o120_000;

/// The instruction set that a function is created with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// Intel and AMD.
    X86_64,
    /// Graviton.
    Arm64,
}

impl Machine {
    /// AWS's spelling, and the spec's.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// The compiler's spelling.
    const fn target(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }

    /// The one dynamic loader that is on Amazon Linux for it.
    const fn interpreter(self) -> &'static str {
        match self {
            Self::X86_64 => "/lib64/ld-linux-x86-64.so.2",
            Self::Arm64 => "/lib/ld-linux-aarch64.so.1",
        }
    }

    fn of(machine: elf::Machine) -> Option<Self> {
        match machine {
            elf::EM_X86_64 => Some(Self::X86_64),
            elf::EM_AARCH64 => Some(Self::Arm64),
            _ => None,
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a package was refused: what was found, what Lambda wants, and what to do.
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
    #[error("{name:?} does not have the {declared} bytes that the zip says it has: make the zip again")]
    WrongSize {
        /// The entry.
        name: String,
        /// The size in the zip's directory.
        declared: u64,
    },
    /// A name that leads out of the function's folder.
    #[error("{name:?} would be unpacked outside the function's folder: make the zip with relative names")]
    UnsafeName {
        /// The entry.
        name: String,
    },
    /// A password is wanted, and Lambda has none.
    #[error("{name:?} is encrypted, but Lambda has no password: make the zip without one")]
    Encrypted {
        /// The entry.
        name: String,
    },
    /// Neither stored nor deflated.
    #[error("{name:?} is compressed by {method}, but Lambda unpacks deflate alone: make the zip without that option")]
    Compression {
        /// The entry.
        name: String,
        /// The method.
        method: String,
    },
    /// Nothing to start.
    #[error(
        "the zip has no `bootstrap` at its root{}, but that is what Lambda starts: \
         zip the file without its folder, with `zip -j function.zip path/to/bootstrap`",
        elsewhere(.found.as_deref())
    )]
    NoBootstrap {
        /// A file of that name which is somewhere else.
        found: Option<String>,
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

fn elsewhere(found: Option<&str>) -> String {
    found.map(|name| format!(" (only {name:?})")).unwrap_or_default()
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

/// The zip of one binary. The same binary gives the same bytes, whenever and wherever it is packed, so that Lambda's
/// `CodeSha256` can be compared with no upload.
///
/// # Errors
///
/// If the binary is too large for a zip.
#[allow(dead_code, reason = "the deployer carries what its build script packed; it packs nothing itself")]
pub fn pack(bootstrap: &[u8]) -> Result<Vec<u8>, PackageError> {
    let failed = |error: &dyn fmt::Display| PackageError::Pack(error.to_string());
    // Each of these has a default that depends on the machine, on the clock or on the crate's version.
    let options = SimpleFileOptions::default()
        .system(System::Unix)
        .unix_permissions(0o755)
        .last_modified_time(DateTime::DEFAULT)
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .large_file(false);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(BOOTSTRAP, options).map_err(|error| failed(&error))?;
    zip.write_all(bootstrap).map_err(|error| failed(&error))?;
    Ok(zip.finish().map_err(|error| failed(&error))?.into_inner())
}

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
    if zip.len() > MAX_ZIP {
        return Err(PackageError::TooLarge { size: zip.len() as u64 });
    }
    let mut archive = open(zip)?;
    let bootstrap = check_directory(&mut archive)?;
    let binary = unpack(&mut archive, bootstrap)?;
    check_program(&binary, machine)
}

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

fn corrupt(error: &ZipError) -> PackageError {
    PackageError::Corrupt(match error {
        ZipError::Io(error) => error.to_string(),
        ZipError::InvalidArchive(why) => why.to_string(),
        ZipError::UnsupportedArchive(why) => (*why).to_owned(),
        error => error.to_string(),
    })
}

fn open(zip: &[u8]) -> Result<Archive<'_>, PackageError> {
    // Each entry that the reader would keep in memory begins with this, so counting them first bounds its memory.
    let count = zip.windows(4).filter(|bytes| bytes == b"PK\x01\x02").count();
    if count > MAX_ENTRIES {
        return Err(PackageError::TooManyEntries { count });
    }
    ZipArchive::new(Cursor::new(zip)).map_err(|error| corrupt(&error))
}

/// All that the directory says, before a byte is unpacked. Gives the index of `bootstrap`.
fn check_directory(archive: &mut Archive<'_>) -> Result<usize, PackageError> {
    let directory = archive.metadata();
    if directory.has_duplicate_names() {
        return Err(PackageError::Duplicate);
    }
    let (mut size, mut bootstrap, mut found) = (0_u64, None, None);
    for index in 0..directory.len() {
        let entry = directory.entry(index).map_err(|error| corrupt(&error))?;
        let name = name_of(&entry);
        size = size.saturating_add(entry.size());
        if entry.encrypted() {
            return Err(PackageError::Encrypted { name });
        }
        if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
            return Err(PackageError::Compression { name, method: entry.compression().to_string().to_lowercase() });
        }
        // The reader takes an absolute name for one that is relative to the root.
        if name.starts_with('/') || entry.enclosed_name().is_none() {
            return Err(PackageError::UnsafeName { name });
        }
        match name.trim_end_matches('/') {
            BOOTSTRAP => {
                check_mode(&entry)?;
                bootstrap = Some(index);
            }
            path if path.rsplit(['/', '\\']).next() == Some(BOOTSTRAP) => found = Some(name),
            _ => {}
        }
    }
    if size > MAX_UNPACKED {
        return Err(PackageError::TooLargeUnpacked { size });
    }
    if archive.has_overlapping_entries().map_err(|error| corrupt(&error))? {
        return Err(PackageError::Overlapping);
    }
    bootstrap.ok_or(PackageError::NoBootstrap { found })
}

fn name_of(entry: &ZipFileEntry<'_>) -> String {
    String::from_utf8_lossy(entry.name_raw()).into_owned()
}

fn check_mode(entry: &ZipFileEntry<'_>) -> Result<(), PackageError> {
    let mode = entry.unix_mode();
    // Some tools write the permissions and leave the kind at zero, which every unpacker takes for a file.
    match mode.unwrap_or_default() & KIND {
        _ if entry.is_dir() => return Err(PackageError::NotAFile { found: "a folder" }),
        FOLDER => return Err(PackageError::NotAFile { found: "a folder" }),
        LINK => {
            return Err(PackageError::NotAFile { found: "a symbolic link" });
        }
        0 | REGULAR => {}
        _ => {
            return Err(PackageError::NotAFile { found: "a special file" });
        }
    }
    match mode {
        Some(mode) if mode & NEEDED_MODE == NEEDED_MODE => Ok(()),
        mode => Err(PackageError::NotExecutable { mode }),
    }
}

/// The bytes of one entry, after every entry was read to its end and found to be as it was declared.
///
/// The declared sizes together are within [`MAX_UNPACKED`], and none is read for more than a byte beyond its own.
fn unpack(archive: &mut Archive<'_>, wanted: usize) -> Result<Vec<u8>, PackageError> {
    let mut kept = Vec::new();
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|error| corrupt(&error))?;
        let declared = file.size();
        let name = name_of(&file.entry());
        let mut content = file.take(declared.saturating_add(1));
        let broken = |error| corrupt(&ZipError::Io(error));
        let read = if index == wanted {
            content.read_to_end(&mut kept).map(|read| read as u64).map_err(broken)?
        } else {
            std::io::copy(&mut content, &mut std::io::sink()).map_err(broken)?
        };
        if read != declared {
            return Err(PackageError::WrongSize { name, declared });
        }
    }
    Ok(kept)
}

fn check_program(bytes: &[u8], machine: Machine) -> Result<(), PackageError> {
    let found = match bytes {
        [b'#', b'!', ..] => return Ok(()),
        [0x7f, b'E', b'L', b'F', ..] => return check_binary(bytes, machine),
        [] => "empty",
        [b'M', b'Z', ..] => "a Windows binary",
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => "a macOS binary",
        [b'P', b'K', 3, 4, ..] => "itself a zip",
        _ => "neither a binary nor a script",
    };
    Err(PackageError::Unrecognized { found, wanted: machine })
}

type Header = elf::FileHeader64<LittleEndian>;
type Segment = elf::ProgramHeader64<LittleEndian>;

const LITTLE: LittleEndian = LittleEndian;

fn corrupt_binary(why: &(impl fmt::Display + ?Sized)) -> PackageError {
    PackageError::CorruptBinary(why.to_string())
}

/// What the kernel and the dynamic loader will look at. They read segments; sections can be stripped, or lie.
fn check_binary(bytes: &[u8], wanted: Machine) -> Result<(), PackageError> {
    let class = bytes.get(4).copied().map(elf::FileClass);
    let order = bytes.get(5).copied().map(elf::DataEncoding);
    match (class, order) {
        (Some(elf::ELFCLASS32), _) => {
            return Err(PackageError::Class { found: "32-bit", wanted });
        }
        (_, Some(elf::ELFDATA2MSB)) => {
            return Err(PackageError::Class { found: "big-endian", wanted });
        }
        _ => {}
    }
    let header = Header::parse(bytes).map_err(|error| corrupt_binary(&error))?;
    match (header.e_machine(LITTLE), Machine::of(header.e_machine(LITTLE))) {
        (_, Some(found)) if found == wanted => {}
        (_, Some(found)) => return Err(PackageError::Architecture { found, wanted }),
        (elf::Machine(found), None) => return Err(PackageError::ForeignMachine { found, wanted }),
    }
    match header.e_type(LITTLE) {
        elf::ET_EXEC | elf::ET_DYN => {}
        elf::ET_REL => {
            return Err(PackageError::NotLinked { found: "an object file" });
        }
        elf::ET_CORE => return Err(PackageError::NotLinked { found: "a core dump" }),
        _ => {
            return Err(PackageError::NotLinked { found: "of an unknown kind" });
        }
    }
    let segments = header.program_headers(LITTLE, bytes).map_err(|error| corrupt_binary(&error))?;
    if segments.iter().all(|segment| segment.p_type(LITTLE) != elf::PT_LOAD) {
        return Err(corrupt_binary("nothing in it is loaded"));
    }
    for segment in segments {
        let interpreter = segment.interpreter(LITTLE, bytes).map_err(|error| corrupt_binary(&error))?;
        if let Some(found) = interpreter.filter(|found| *found != wanted.interpreter().as_bytes()) {
            let found = found.get(..MAX_NAME).unwrap_or(found);
            return Err(PackageError::Interpreter { found: String::from_utf8_lossy(found).into_owned(), wanted });
        }
    }
    match highest_glibc(segments, bytes)? {
        Some(needed) if !needed.is_in_lambda() => Err(PackageError::Glibc { needed: needed.to_string(), wanted }),
        _ => Ok(()),
    }
}

/// A symbol version of the C library. Ordered: a feature is above every number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Glibc {
    /// `GLIBC_2.34`, `GLIBC_2.2.5`: the third number does not matter here.
    Number(u32, u32),
    /// `GLIBC_ABI_DT_RELR` (since 2.36) and its like: none of them is as old as Lambda's, whose loader stops at them.
    Feature(String),
}

impl Glibc {
    /// `None` for the versions of other libraries, and for the C library's private one, which is in every release.
    fn parse(version: &str) -> Option<Self> {
        let release = version.strip_prefix("GLIBC_").filter(|release| *release != "PRIVATE")?;
        let mut numbers = release.split('.').map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Some(Self::Number(major, minor)),
            _ => Some(Self::Feature(version.to_owned())),
        }
    }

    fn is_in_lambda(&self) -> bool {
        matches!(self, Self::Number(major, minor) if (*major, *minor) <= MAX_GLIBC)
    }
}

impl fmt::Display for Glibc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(major, minor) => write!(f, "GLIBC_{major}.{minor}"),
            Self::Feature(name) => write!(f, "{}", name.escape_debug()),
        }
    }
}

/// The highest version of the C library that the loader would insist on: `None` for a static binary.
fn highest_glibc(segments: &[Segment], bytes: &[u8]) -> Result<Option<Glibc>, PackageError> {
    let (mut needs, mut strings, mut strings_size) = (None, None, None);
    for segment in segments {
        let entries = segment.dynamic(LITTLE, bytes).map_err(|error| corrupt_binary(&error))?.unwrap_or_default();
        for entry in entries.iter().take_while(|entry| entry.d_tag(LITTLE) != elf::DT_NULL) {
            match entry.d_tag(LITTLE) {
                elf::DT_VERNEED => needs = Some(entry.d_val(LITTLE)),
                elf::DT_STRTAB => strings = Some(entry.d_val(LITTLE)),
                elf::DT_STRSZ => strings_size = Some(entry.d_val(LITTLE)),
                _ => {}
            }
        }
    }
    let Some(needs) = needs else { return Ok(None) };
    let unmapped = || corrupt_binary("its table of symbol versions is not in the file");
    let needs = loaded_at(segments, bytes, needs).ok_or_else(unmapped)?;
    let strings = strings.and_then(|address| loaded_at(segments, bytes, address)).ok_or_else(unmapped)?;
    let size = strings_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX);
    let strings = strings.get(..size).unwrap_or(strings);

    let mut highest = None;
    each_needed_version(needs, strings, |version| {
        highest = highest.take().max(Glibc::parse(version));
    })?;
    Ok(highest)
}

/// Visits the names in a table of needed versions, save for the weak ones, for want of which the loader does not stop.
fn each_needed_version(needs: &[u8], strings: &[u8], mut visit: impl FnMut(&str)) -> Result<(), PackageError> {
    let broken = || corrupt_binary("its table of symbol versions is broken");
    let (mut library, mut seen) = (needs, 0);
    loop {
        let (need, _) = pod::from_bytes::<elf::Verneed<LittleEndian>>(library).map_err(|()| broken())?;
        let mut versions = after(library, need.vn_aux.get(LITTLE)).ok_or_else(broken)?;
        for _ in 0..need.vn_cnt.get(LITTLE) {
            seen += 1;
            if seen > MAX_VERSIONS {
                return Err(broken());
            }
            let (version, _) = pod::from_bytes::<elf::Vernaux<LittleEndian>>(versions).map_err(|()| broken())?;
            if !version.vna_flags.get(LITTLE).contains(elf::VER_FLG_WEAK) {
                let name = after(strings, version.vna_name.get(LITTLE)).ok_or_else(broken)?;
                visit(c_string(name).ok_or_else(broken)?);
            }
            match version.vna_next.get(LITTLE) {
                0 => break,
                next => versions = after(versions, next).ok_or_else(broken)?,
            }
        }
        match need.vn_next.get(LITTLE) {
            0 => return Ok(()),
            next => library = after(library, next).ok_or_else(broken)?,
        }
    }
}

/// The text up to the first zero, if it is text and of a reasonable length.
fn c_string(bytes: &[u8]) -> Option<&str> {
    let bytes = bytes.get(..MAX_NAME).unwrap_or(bytes);
    CStr::from_bytes_until_nul(bytes).ok()?.to_str().ok()
}

fn after(bytes: &[u8], offset: u32) -> Option<&[u8]> {
    bytes.get(usize::try_from(offset).ok()?..)
}

/// The part of the file that is in memory from that address on, to the end of its segment.
fn loaded_at<'a>(segments: &[Segment], bytes: &'a [u8], address: u64) -> Option<&'a [u8]> {
    segments.iter().filter(|segment| segment.p_type(LITTLE) == elf::PT_LOAD).find_map(|segment| {
        let offset = address.checked_sub(segment.p_vaddr(LITTLE))?;
        let data = segment.data(LITTLE, bytes).ok()?;
        data.get(usize::try_from(offset).ok()?..).filter(|rest| !rest.is_empty())
    })
}
