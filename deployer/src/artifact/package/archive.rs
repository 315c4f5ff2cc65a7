//! The zip: its making, its directory, and what is in it.

use std::borrow::Cow;
use std::fmt;
use std::io::{Cursor, Read, Write};

use zip::read::ZipFileEntry;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipArchive, ZipWriter};

use super::error::PackageError;

/// The largest zip that can be sent with the call itself, without S3: 50 MB.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const MAX_ZIP: usize = 50 * 1024 * 1024;

/// The largest sum of all files in the zip: 250 MB.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const MAX_UNPACKED: u64 = 250 * 1024 * 1024;

/// Most files in a zip. It is what a zip without extensions can hold, and it bounds the memory that a directory made
/// of nothing but names can take.
pub(super) const MAX_ENTRIES: usize = 65_535;

/// What the runtime starts: the file of that name at the root of the zip.
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-provided.html>
const BOOTSTRAP: &str = "bootstrap";

/// Read and execute, for the owner and for others: the function does not run as the files' owner.
const NEEDED_MODE: u32 = 0o505;
const READABLE: u32 = 0o404;

/// The bits of a mode that say what kind of file it is, and the kinds that are told apart.
pub(super) const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const LINK: u32 = 0o120_000;

/// The zip of one binary. The same binary gives the same bytes, whenever and wherever it is packed, so that Lambda's
/// `CodeSha256` can be compared with no upload.
///
/// # Errors
///
/// If the binary is too large for a zip.
#[allow(dead_code, reason = "the deployer carries what its build script packed; it packs nothing itself")]
pub fn pack(bootstrap: &[u8]) -> Result<Vec<u8>, PackageError> {
    let options = options(0o755).compression_method(CompressionMethod::Deflated).compression_level(Some(9));
    add(ZipWriter::new(Cursor::new(Vec::new())), BOOTSTRAP, bootstrap, options)
}

/// The zip with a further file at its end, readable by everyone and stored as it is. Nothing is compressed anew, so this
/// costs a copy; the same zip and file give the same bytes.
///
/// # Errors
///
/// If the zip cannot be read.
#[allow(dead_code, reason = "the deployer adds to what its build script packed; the script adds nothing itself")]
pub fn with_file(zip: &[u8], name: &str, content: &[u8]) -> Result<Vec<u8>, PackageError> {
    let zip = ZipWriter::new_append(Cursor::new(zip.to_vec())).map_err(|error| corrupt(&error))?;
    add(zip, name, content, options(0o644).compression_method(CompressionMethod::Stored))
}

/// Each of these has a default that depends on the machine, on the clock or on the crate's version.
fn options(mode: u32) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .system(System::Unix)
        .unix_permissions(mode)
        .last_modified_time(DateTime::DEFAULT)
        .large_file(false)
}

fn add(
    mut zip: ZipWriter<Cursor<Vec<u8>>>,
    name: &str,
    content: &[u8],
    options: SimpleFileOptions,
) -> Result<Vec<u8>, PackageError> {
    let failed = |error: &dyn fmt::Display| PackageError::Pack(error.to_string());
    zip.start_file(name, options).map_err(|error| failed(&error))?;
    zip.write_all(content).map_err(|error| failed(&error))?;
    Ok(zip.finish().map_err(|error| failed(&error))?.into_inner())
}

/// The bytes of the file of that name at the root of a zip which [`super::inspect`] has found good; `None` where there is
/// none that everyone may read.
///
/// # Errors
///
/// If the zip cannot be read.
#[allow(dead_code, reason = "the deployer looks into the user's own zip; its build script has none")]
pub fn readable_file(zip: &[u8], name: &str) -> Result<Option<Vec<u8>>, PackageError> {
    let mut archive = open(zip)?;
    let Some(index) = archive.index_for_name(name) else { return Ok(None) };
    let file = archive.by_index(index).map_err(|error| corrupt(&error))?;
    let is_readable = file.unix_mode().is_some_and(|mode| mode & READABLE == READABLE);
    if !file.is_file() || !is_readable {
        return Ok(None);
    }
    let mut content = Vec::new();
    file.take(MAX_UNPACKED).read_to_end(&mut content).map_err(|error| corrupt(&ZipError::Io(error)))?;
    Ok(Some(content))
}

/// The bytes of the zip's `bootstrap`, once all of the zip was found to be as Lambda takes it.
pub(super) fn bootstrap(zip: &[u8]) -> Result<Vec<u8>, PackageError> {
    if zip.len() > MAX_ZIP {
        return Err(PackageError::TooLarge { size: zip.len() as u64 });
    }
    let mut archive = open(zip)?;
    let bootstrap = check_directory(&mut archive)?;
    unpack(&mut archive, bootstrap)
}

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

fn corrupt(error: &ZipError) -> PackageError {
    PackageError::Corrupt(match error {
        // Words that are made up for the occasion could quote the zip.
        ZipError::Io(error) => error.kind().to_string(),
        ZipError::InvalidArchive(Cow::Borrowed(why)) | ZipError::UnsupportedArchive(why) => (*why).to_owned(),
        _ => "it is damaged".to_owned(),
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
    let (mut size, mut bootstrap, mut is_elsewhere) = (0_u64, None, false);
    for index in 0..directory.len() {
        let entry = directory.entry(index).map_err(|error| corrupt(&error))?;
        let name = name_of(&entry);
        size = size.saturating_add(entry.size());
        if entry.encrypted() {
            return Err(PackageError::Encrypted { entry: index + 1 });
        }
        if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
            return Err(PackageError::Compression {
                entry: index + 1,
                method: entry.compression().to_string().to_lowercase(),
            });
        }
        // The reader takes an absolute name for one that is relative to the root.
        if name.starts_with('/') || entry.enclosed_name().is_none() {
            return Err(PackageError::UnsafeName { entry: index + 1 });
        }
        match name.trim_end_matches('/') {
            BOOTSTRAP => {
                check_mode(&entry)?;
                bootstrap = Some(index);
            }
            path if path.rsplit(['/', '\\']).next() == Some(BOOTSTRAP) => is_elsewhere = true,
            _ => {}
        }
    }
    if size > MAX_UNPACKED {
        return Err(PackageError::TooLargeUnpacked { size });
    }
    if archive.has_overlapping_entries().map_err(|error| corrupt(&error))? {
        return Err(PackageError::Overlapping);
    }
    bootstrap.ok_or(PackageError::NoBootstrap { is_elsewhere })
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
        let mut content = file.take(declared.saturating_add(1));
        let broken = |error| corrupt(&ZipError::Io(error));
        let read = if index == wanted {
            content.read_to_end(&mut kept).map(|read| read as u64).map_err(broken)?
        } else {
            std::io::copy(&mut content, &mut std::io::sink()).map_err(broken)?
        };
        if read != declared {
            return Err(PackageError::WrongSize { entry: index + 1, declared });
        }
    }
    Ok(kept)
}
