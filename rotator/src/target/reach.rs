//! The way to a server: its name, its port, and TLS. Each has its own words for a failure.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use rustls::CertificateError;
#[cfg(any(feature = "postgres", feature = "redis"))]
use tokio::net::TcpStream;
use tokio::net::lookup_host;
use tokio::time::timeout;

use crate::error::Kind;

/// For the name, and again for the connection.
const CONNECT: Duration = Duration::from_secs(5);

/// The server does not offer TLS.
pub(super) const NO_TLS: Kind = Kind::TargetUnreachable("it does not offer TLS, which `tls: verify-full` asks for");
/// The connection ended without an answer.
pub(super) const BROKEN: Kind = Kind::TargetUnreachable(
    "the connection broke off, as on a port that takes TLS only, or is another kind of server's",
);
/// A server that was reached has not answered.
#[cfg(any(feature = "postgres", feature = "redis"))]
pub(super) const SILENT: Kind = Kind::TargetUnreachable("no answer to the login in time");
/// A server has not answered, and perhaps was not reached.
#[cfg(feature = "mysql")]
pub(super) const UNANSWERED: Kind = Kind::TargetUnreachable(
    "no answer to the login in time: a security group or a firewall may be in between, or nothing has that address",
);
const NO_NAME: Kind = Kind::TargetUnreachable(
    "its host name can't be resolved: a typing error, a port in `host`, or a name that only another network knows",
);
const REFUSED: Kind = Kind::TargetUnreachable("nothing listens at its host and port");
const FILTERED: Kind = Kind::TargetUnreachable(
    "no connection in time: a security group or a firewall is in between, or nothing has that address",
);
const NO_ROUTE: Kind = Kind::TargetUnreachable("no route leads there from the function's network");

/// A server's addresses.
///
/// # Errors
/// The name is not known.
pub(super) async fn lookup(host: &str, port: u16) -> Result<Vec<SocketAddr>, Kind> {
    let addresses = timeout(CONNECT, lookup_host((host, port))).await;
    let addresses: Vec<SocketAddr> = addresses.map_err(|_| NO_NAME)?.map_err(|_| NO_NAME)?.collect();
    if addresses.is_empty() { Err(NO_NAME) } else { Ok(addresses) }
}

/// A connection, without TLS and without a login.
///
/// # Errors
/// The server is not reached.
#[cfg(any(feature = "postgres", feature = "redis"))]
pub(super) async fn connect(host: &str, port: u16) -> Result<TcpStream, Kind> {
    let addresses = lookup(host, port).await?;
    let stream = timeout(CONNECT, TcpStream::connect(&*addresses)).await.map_err(|_| FILTERED)?;
    let stream = stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
    stream.map_err(|error| broken(&error))
}

/// What a failure of a connection means.
pub(super) fn broken(error: &io::Error) -> Kind {
    match error.kind() {
        ErrorKind::ConnectionRefused => REFUSED,
        ErrorKind::TimedOut => FILTERED,
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::NetworkDown => NO_ROUTE,
        _ => BROKEN,
    }
}

/// What a failure of TLS means, wherever the TLS library's own error is in it.
pub(super) fn untrusted(error: &(dyn Error + 'static)) -> Kind {
    use rustls::Error::{InvalidCertificate, InvalidMessage};
    Kind::TargetUnreachable(match tls_error(error) {
        // A bad signature is another authority's of the same name.
        Some(InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature)) => {
            "its certificate does not lead to a root in the function's package; `tls: {ca: ...}` puts another one there"
        }
        Some(InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => "its certificate is not for the name in `host`",
        Some(InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        )) => "its certificate has expired, or is not valid yet",
        Some(InvalidCertificate(_)) => "its certificate can't be trusted",
        Some(InvalidMessage(_)) => return NO_TLS,
        _ => "TLS was begun, and failed",
    })
}

/// The TLS library's own error, in a chain of causes or in an I/O error.
pub(super) fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
