use contract::{CA_FILE, ConfigError, PUBLIC_CA_FILE, Tls, needs_public_roots};

use crate::error::Kind;

/// By what a server is trusted.
#[derive(Clone)]
pub enum Trust {
    /// By a certificate for its name that leads to one of these.
    Roots(Roots),
    /// By the network alone: no TLS.
    Network,
}

/// Certificates of authorities, in PEM.
#[derive(Clone, Default)]
pub struct Roots {
    /// For every host.
    own: Vec<u8>,
    /// For those hosts that [`needs_public_roots`].
    public: Vec<u8>,
}

impl Trust {
    /// What the configuration asks for; `file` gives the content of [`CA_FILE`] and, where there is one, of
    /// [`PUBLIC_CA_FILE`].
    ///
    /// # Errors
    /// The first can't be read.
    pub fn new(tls: Tls, file: impl Fn(&str) -> std::io::Result<Vec<u8>>) -> Result<Self, Kind> {
        match tls {
            Tls::Off => Ok(Self::Network),
            Tls::VerifyFull => {
                let own = file(CA_FILE).map_err(|error| {
                    let reason =
                        format!("asks for TLS, but {CA_FILE} in the function's package can't be read: {error}");
                    Kind::Config(ConfigError { variable: contract::env::TARGET, reason })
                })?;
                Ok(Self::Roots(Roots { own, public: file(PUBLIC_CA_FILE).unwrap_or_default() }))
            }
        }
    }
}

impl Roots {
    /// Those that count for a host.
    #[must_use]
    pub fn of(&self, host: &str) -> Vec<&[u8]> {
        let Self { own, public } = self;
        if needs_public_roots(host) { vec![own, public] } else { vec![own] }
    }
}

#[cfg(any(feature = "postgres", feature = "redis"))]
impl Trust {
    /// A TLS client that trusts a host; `None` is no TLS.
    ///
    /// # Errors
    /// There is no certificate for it, or the TLS library has none of the protocol's versions.
    pub fn client_config(&self, host: &str) -> Result<Option<rustls::ClientConfig>, Kind> {
        use rustls::pki_types::CertificateDer;
        use rustls::pki_types::pem::PemObject as _;

        let Self::Roots(pems) = self else { return Ok(None) };
        let mut roots = rustls::RootCertStore::empty();
        for pem in pems.of(host) {
            roots.add_parsable_certificates(CertificateDer::pem_slice_iter(pem).filter_map(Result::ok));
        }
        if roots.is_empty() {
            return Err(Kind::TargetUnfit("the CA file has no certificate"));
        }
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|_| Kind::TargetUnfit("the TLS library has no protocol version"))?;
        Ok(Some(config.with_root_certificates(roots).with_no_client_auth()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_root_counts_for_no_host_that_does_not_need_it() {
        let file = |name: &str| Ok(name.as_bytes().to_vec());
        let Ok(Trust::Roots(roots)) = Trust::new(Tls::VerifyFull, file) else { panic!("no roots") };
        assert_eq!(roots.of("db.example.com"), [CA_FILE.as_bytes()]);
        let both = [CA_FILE.as_bytes(), PUBLIC_CA_FILE.as_bytes()];
        assert_eq!(roots.of("app.proxy-abc.us-east-1.rds.amazonaws.com"), both);
    }

    #[test]
    fn only_the_own_roots_must_be_there() {
        let without = |absent: &'static str| {
            move |name: &str| if name == absent { Err(std::io::ErrorKind::NotFound.into()) } else { Ok(Vec::new()) }
        };
        assert!(Trust::new(Tls::VerifyFull, without(PUBLIC_CA_FILE)).is_ok());
        let error = Trust::new(Tls::VerifyFull, without(CA_FILE)).err().unwrap();
        assert!(error.to_string().contains(CA_FILE), "{error}");
        assert!(matches!(Trust::new(Tls::Off, without(CA_FILE)), Ok(Trust::Network)));
    }
}
