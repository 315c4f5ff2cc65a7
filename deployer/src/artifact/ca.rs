//! The certificates by which the function trusts its target: the user's own, or those of AWS's databases.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The largest file of certificates, in bytes; that of all roots of Amazon RDS has a sixth of it.
pub(super) const MAX_CA: u64 = 1024 * 1024;

/// Roots, each after a comment with its region, name and last day.
const ROOTS: &str = include_str!("roots.pem");

/// What stands in a region's stead before Amazon's public roots.
const PUBLIC: &str = "public";

/// Why a file of certificates was refused; never a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CaError {
    /// It is too large.
    #[error(
        "a file of certificates may have {MAX_CA} bytes: keep the roots alone that the target's certificate leads to"
    )]
    TooLarge,
    /// It would give a key away to all who may read the function's package.
    #[error(
        "there is a private key in it, and the function's package is no place for one: keep the certificates alone"
    )]
    PrivateKey,
    /// There is nothing to trust.
    #[error("there is no certificate in it: it must be PEM, with `-----BEGIN CERTIFICATE-----`")]
    NoCertificate,
    /// One is broken.
    #[error("its certificate number {0} can't be read: get the file anew")]
    Broken(usize),
}

/// The roots of Amazon RDS in that region; where the region is not among them, those of all regions.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html>
pub(super) fn of_rds(region: &str) -> String {
    let own = chosen(|root| is_of(root, region));
    if own.is_empty() { chosen(|root| !is_of(root, PUBLIC)) } else { own }
}

/// Amazon's public roots, which RDS Proxy, `ElastiCache` and `MemoryDB` use.
pub(super) fn public() -> String {
    chosen(|root| is_of(root, PUBLIC))
}

fn chosen(is_chosen: impl Fn(&str) -> bool) -> String {
    // What stands before the first blank line says where they are from.
    let roots: Vec<&str> = ROOTS.trim_end().split("\n\n").skip(1).filter(|root| is_chosen(root)).collect();
    if roots.is_empty() { String::new() } else { roots.join("\n\n") + "\n" }
}

fn is_of(root: &str, region: &str) -> bool {
    let comment = root.strip_prefix("# ").and_then(|comment| comment.strip_prefix(region));
    comment.is_some_and(|rest| rest.starts_with(": "))
}

/// Whether the function could trust by that file.
///
/// # Errors
/// The first reason why not.
pub(super) fn check(pem: &[u8]) -> Result<(), CaError> {
    const PRIVATE_KEY: &[u8] = b"PRIVATE KEY";
    if pem.len() as u64 > MAX_CA {
        return Err(CaError::TooLarge);
    }
    // Of any kind: the reader of PEM knows a few, and skips the others.
    if pem.windows(PRIVATE_KEY.len()).any(|bytes| bytes == PRIVATE_KEY) {
        return Err(CaError::PrivateKey);
    }
    let mut trusted = RootCertStore::empty();
    for (index, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
        let broken = CaError::Broken(index + 1);
        trusted.add(certificate.map_err(|_| broken)?).map_err(|_| broken)?;
    }
    if trusted.is_empty() { Err(CaError::NoCertificate) } else { Ok(()) }
}
