//! The function's package: the one that the deployer carries, or a zip of the user's own.
//!
//! Both are known to be runnable before anything is planned, and both come with the hash that Lambda reports, so that
//! "no change" is a comparison.

use std::borrow::Cow;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use plan::spec::{Architecture, Function};

use self::package::{MAX_ZIP, Machine, PackageError};

mod package;
#[cfg(test)]
mod tests;

/// What the build script found and packed: for each architecture, the zip and its hash.
mod built {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

/// A zip that Lambda can run.
#[derive(Clone, PartialEq, Eq)]
pub struct Package {
    /// The zip.
    pub bytes: Cow<'static, [u8]>,
    /// Its hash as Lambda reports it, in `CodeSha256`.
    pub code_sha256: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a package comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The deployer's binary.
    Embedded,
    /// That file.
    File(PathBuf),
}

/// Why there is no package.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The deployer was built before, or without, the rotator.
    #[error("this build of deploy carries no rotator for {0}: build it with `make build`, or set function.package")]
    NoRotator(&'static str),
    /// The zip cannot be read.
    #[error("{path}: {error}", path = .path.display())]
    Read {
        /// The zip.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A folder, a pipe, a device.
    #[error("{path}: this is not a file, but function.package wants a zip", path = .0.display())]
    NotAFile(PathBuf),
    /// Lambda would not run it.
    #[error("{path}: {error}", path = .path.display())]
    Refused {
        /// The zip.
        path: PathBuf,
        /// Why.
        error: PackageError,
    },
}

/// The package that the deployer carries. Nothing is read and nothing is computed: the build did both.
///
/// # Errors
///
/// If this build of the deployer carries none for that architecture.
pub fn embedded(architecture: Architecture) -> Result<Package, Error> {
    let built = match architecture {
        Architecture::X86_64 => built::X86_64,
        Architecture::Arm64 => built::ARM64,
    };
    let (zip, code_sha256) = built.ok_or(Error::NoRotator(architecture.as_str()))?;
    Ok(Package { bytes: Cow::Borrowed(zip), code_sha256: code_sha256.to_owned(), origin: Origin::Embedded })
}

/// A zip of the user's own.
///
/// # Errors
///
/// If it cannot be read, or if Lambda could not run it.
pub fn from_file(path: &Path, architecture: Architecture) -> Result<Package, Error> {
    let unreadable = |error| Error::Read { path: path.to_owned(), error };
    let refused = |error| Error::Refused { path: path.to_owned(), error };

    // Before it is opened: a pipe would wait for its writer.
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Error::NotAFile(path.to_owned()));
    }
    let limit = MAX_ZIP as u64;
    if metadata.len() > limit {
        return Err(refused(PackageError::TooLarge { size: metadata.len() }));
    }
    // It may have grown since; one byte too many is enough for the inspection to see that.
    let mut zip = Vec::new();
    File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut zip)).map_err(unreadable)?;
    package::inspect(&zip, machine(architecture)).map_err(refused)?;
    Ok(Package {
        code_sha256: package::code_sha256(&zip),
        bytes: Cow::Owned(zip),
        origin: Origin::File(path.to_owned()),
    })
}

/// The package that the spec asks for. A relative path begins at the spec's folder.
///
/// # Errors
///
/// Those of [`embedded`] and [`from_file`].
pub fn for_spec(function: &Function, spec_folder: &Path) -> Result<Package, Error> {
    match &function.package {
        None => embedded(function.architecture),
        Some(path) => from_file(&spec_folder.join(path), function.architecture),
    }
}

/// The plan knows nothing of binaries, and the build script nothing of plans: each has its own word for it.
const fn machine(architecture: Architecture) -> Machine {
    match architecture {
        Architecture::X86_64 => Machine::X86_64,
        Architecture::Arm64 => Machine::Arm64,
    }
}

impl fmt::Debug for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Megabytes of numbers help no one.
        let Self { bytes, code_sha256, origin } = self;
        f.debug_struct("Package")
            .field("bytes", &bytes.len())
            .field("code_sha256", code_sha256)
            .field("origin", origin)
            .finish()
    }
}
