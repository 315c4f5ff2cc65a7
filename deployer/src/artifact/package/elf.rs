//! The binary: what the kernel and the dynamic loader will make of it.

use std::ffi::CStr;
use std::fmt;

use object::LittleEndian;
use object::elf;
use object::pod;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};

use super::error::PackageError;
use super::machine::Machine;

/// The C library of `provided.al2023`, which is Amazon Linux 2023.
/// <https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html>
pub(super) const MAX_GLIBC: (u32, u32) = (2, 34);

/// Most symbol versions that a binary may name. The C library defines some forty; entries that point at each other
/// would otherwise take for ever.
const MAX_VERSIONS: usize = 65_536;

/// Longest name that is read from a binary: a path's limit on Linux.
const MAX_NAME: usize = 4096;

type Header = elf::FileHeader64<LittleEndian>;
type Segment = elf::ProgramHeader64<LittleEndian>;

const LITTLE: LittleEndian = LittleEndian;

fn corrupt_binary(why: &(impl fmt::Display + ?Sized)) -> PackageError {
    PackageError::CorruptBinary(why.to_string())
}

/// What the kernel and the dynamic loader will look at. They read segments; sections can be stripped, or lie.
pub(super) fn check(bytes: &[u8], wanted: Machine) -> Result<(), PackageError> {
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
