//! The function's package: the one that the deployer carries, or a zip of the user's own.
//!
//! Both are known to be runnable before anything is planned, and both come with the hash that Lambda reports, so that
//! "no change" is a comparison. Where the function has to prove who its target is, the package has the certificates for
//! it: the deployer adds them to its own.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use contract::{CA_FILE, PUBLIC_CA_FILE, Tls, needs_public_roots};
use plan::spec::{Architecture, Spec};

use self::ca::CaError;
use self::package::{MAX_ZIP, Machine, PackageError};
use crate::{VERSION, file};

mod ca;
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

impl Package {
    /// As a plan tells of it.
    #[must_use]
    pub fn planned(&self) -> plan::package::Package {
        let origin = match &self.origin {
            Origin::Embedded => plan::package::Origin::Embedded,
            Origin::File(path) => plan::package::Origin::File { file: path.display().to_string() },
        };
        plan::package::Package { deployer: VERSION.to_owned(), code_sha256: self.code_sha256.clone(), origin }
    }
}

/// Why there is no package.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The deployer was built before, or without, the rotator.
    #[error("this build of deploy carries no rotator for {0}: build it with `make build`, or set function.package")]
    NoRotator(&'static str),
    /// A file cannot be read.
    #[error("{path}: {error}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A folder, a pipe, a device.
    #[error("{path}: this is not a file, but {wanted}", path = .path.display())]
    NotAFile {
        /// What it is in the spec's eyes.
        path: PathBuf,
        /// Who wants what.
        wanted: &'static str,
    },
    /// Lambda would not run it.
    #[error("{path}: {error}", path = .path.display())]
    Refused {
        /// The zip.
        path: PathBuf,
        /// Why.
        error: PackageError,
    },
    /// The certificates could not be added.
    #[error("certificates can't be added to the package that this build of deploy carries: {0}")]
    NotAdded(PackageError),
    /// The target can't be trusted by that file.
    #[error("{path}: {error}", path = .path.display())]
    Ca {
        /// The file of certificates; one in a zip has the zip for its folder.
        path: PathBuf,
        /// Why.
        error: CaError,
    },
    /// The user's own package lacks the certificates.
    #[error(
        "{path}: the zip has no {CA_FILE} at its root that everyone may read (0644), but the target's `tls: verify-full` \
         needs one: put the certificates that it is trusted by there, with `zip -j function.zip path/to/{CA_FILE}`",
        path = .0.display()
    )]
    NoCa(PathBuf),
    /// The spec has certificates for a package that nothing is added to.
    #[error(
        "{path}: function.package is taken as it is, so that the file under the target's `tls.ca` would be left out: \
         put it into the zip as {CA_FILE}, and set `tls: verify-full`",
        path = .0.display()
    )]
    CaLeftOut(PathBuf),
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
    let refused = |error| Error::Refused { path: path.to_owned(), error };
    let too_large = |size| refused(PackageError::TooLarge { size });
    let zip = read(path, "function.package wants a zip", MAX_ZIP as u64, too_large)?;
    package::inspect(&zip, machine(architecture)).map_err(refused)?;
    Ok(Package {
        code_sha256: package::code_sha256(&zip),
        bytes: Cow::Owned(zip),
        origin: Origin::File(path.to_owned()),
    })
}

/// The file's bytes; of one that has grown beyond the limit meanwhile, one byte too many.
fn read(path: &Path, wanted: &'static str, limit: u64, too_large: impl FnOnce(u64) -> Error) -> Result<Vec<u8>, Error> {
    let unreadable = |error| Error::Read { path: path.to_owned(), error };
    let not_a_file = || Error::NotAFile { path: path.to_owned(), wanted };
    let (file, metadata) = file::open_regular(path).map_err(unreadable)?.ok_or_else(not_a_file)?;
    if metadata.len() > limit {
        return Err(too_large(metadata.len()));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// The package that the spec asks for, with the certificates that its target is trusted by. A relative path begins at
/// the spec's folder.
///
/// # Errors
///
/// Those of [`embedded`] and [`from_file`], or that there are no such certificates.
pub fn for_spec(spec: &Spec, spec_folder: &Path) -> Result<Package, Error> {
    let architecture = spec.function.architecture;
    let is_verified = spec.target.login().is_some_and(|login| login.tls == Tls::VerifyFull);
    match &spec.function.package {
        None if is_verified => with_roots(&embedded(architecture)?, spec, spec_folder),
        None => embedded(architecture),
        Some(path) if is_verified && spec.ca.is_some() => Err(Error::CaLeftOut(spec_folder.join(path))),
        Some(path) => {
            let package = from_file(&spec_folder.join(path), architecture)?;
            if is_verified {
                check_ca(&package, &spec_folder.join(path))?;
            }
            Ok(package)
        }
    }
}

/// The package with the user's certificates, or else with those of AWS that the target may need.
fn with_roots(package: &Package, spec: &Spec, spec_folder: &Path) -> Result<Package, Error> {
    if let Some(path) = &spec.ca {
        return with_ca(package, CA_FILE, &certificates(&spec_folder.join(path))?);
    }
    let with = with_ca(package, CA_FILE, ca::of_rds(&spec.region).as_bytes())?;
    // Without a connection the host is known by the secret's value alone.
    if spec.connection().is_none_or(|connection| needs_public_roots(&connection.host)) {
        return with_ca(&with, PUBLIC_CA_FILE, ca::public().as_bytes());
    }
    Ok(with)
}

/// The user's certificates.
fn certificates(path: &Path) -> Result<Vec<u8>, Error> {
    let refused = |error| Error::Ca { path: path.to_owned(), error };
    let pem =
        read(path, "the target's `tls.ca` wants a file of certificates", ca::MAX_CA, |_| refused(CaError::TooLarge))?;
    ca::check(&pem).map_err(refused)?;
    Ok(pem)
}

fn with_ca(package: &Package, file: &str, certificates: &[u8]) -> Result<Package, Error> {
    let zip = package::with_file(&package.bytes, file, certificates).map_err(Error::NotAdded)?;
    Ok(Package { code_sha256: package::code_sha256(&zip), bytes: Cow::Owned(zip), origin: package.origin.clone() })
}

/// Whether the user's own package has certificates that the target can be trusted by.
fn check_ca(package: &Package, path: &Path) -> Result<(), Error> {
    let certificates = package::readable_file(&package.bytes, CA_FILE)
        .map_err(|error| Error::Refused { path: path.to_owned(), error })?
        .ok_or_else(|| Error::NoCa(path.to_owned()))?;
    ca::check(&certificates).map_err(|error| Error::Ca { path: path.join(CA_FILE), error })
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
