use contract::{CA_FILE, ConfigError, Tls};

use crate::error::Kind;

/// By what a server is trusted.
pub enum Trust {
    /// By a certificate for its name that leads to one of these, in PEM.
    Roots(Vec<u8>),
    /// By the network alone: no TLS.
    Network,
}

impl Trust {
    /// What the configuration asks for; `ca` gives the content of [`CA_FILE`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn new(tls: Tls, ca: impl FnOnce() -> std::io::Result<Vec<u8>>) -> Result<Self, Kind> {
        match tls {
            Tls::Off => Ok(Self::Network),
            Tls::VerifyFull => ca().map(Self::Roots).map_err(|error| {
                let reason = format!("asks for TLS, but {CA_FILE} in the function's package can't be read: {error}");
                Kind::Config(ConfigError { variable: contract::env::TARGET, reason })
            }),
        }
    }
}

#[cfg(any(feature = "postgres", feature = "redis"))]
impl Trust {
    /// A TLS client that trusts the roots; `None` is no TLS.
    ///
    /// # Errors
    /// There is no certificate in the file, or the TLS library has none of the protocol's versions.
    pub fn client_config(&self) -> Result<Option<rustls::ClientConfig>, Kind> {
        use rustls::pki_types::CertificateDer;
        use rustls::pki_types::pem::PemObject as _;

        let Self::Roots(pem) = self else { return Ok(None) };
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(pem).filter_map(Result::ok));
        if roots.is_empty() {
            return Err(Kind::TargetUnfit("the CA file has no certificate"));
        }
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|_| Kind::TargetUnfit("the TLS library has no protocol version"))?;
        Ok(Some(config.with_root_certificates(roots).with_no_client_auth()))
    }
}
