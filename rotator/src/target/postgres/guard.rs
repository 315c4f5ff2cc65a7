//! Reads what a server asks for before a password is given. The client library would hand over whatever it is asked for,
//! the password itself included, and takes a login without any password for a good one.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use contract::AuthMethod;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// Why a login was broken off, before anything of the password was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// The server asks for a password in a way that the spec does not allow.
    #[error("the server asks for the password in a way that is not allowed")]
    Asked(AuthMethod),
    /// The server asks for something that is no password, such as a ticket of Kerberos.
    #[error("the server asks for a login without a password")]
    Otherwise,
    /// The server lets the user in without a password, so that a login proves nothing.
    #[error("the server asks for no password")]
    Never,
    /// What the server sends is not the protocol.
    #[error("the server does not speak the protocol")]
    Malformed,
}

impl Refusal {
    /// The refusal behind an error of the client library.
    pub(super) fn of(error: &tokio_postgres::Error) -> Option<Self> {
        let error = std::error::Error::source(error)?.downcast_ref::<io::Error>()?;
        error.get_ref()?.downcast_ref().copied()
    }
}

/// A server's messages up to the end of its authentication.
/// <https://www.postgresql.org/docs/current/protocol-message-formats.html>
#[derive(Debug)]
struct Login {
    allowed: Vec<AuthMethod>,
    /// Whether the server has been sent, or has sent, a proof of the password.
    is_proven: bool,
    /// The beginning of the present message: its tag, length and, of an authentication request, its kind.
    head: Vec<u8>,
    /// Bytes of the present message still to come.
    rest: usize,
}

impl Login {
    fn new(allowed: &[AuthMethod]) -> Self {
        Self { allowed: allowed.to_vec(), is_proven: false, head: Vec::new(), rest: 0 }
    }

    /// Reads on; whether the server has accepted the login.
    fn read(&mut self, mut bytes: &[u8]) -> Result<bool, Refusal> {
        loop {
            let (passed, others) = bytes.split_at(self.rest.min(bytes.len()));
            self.rest -= passed.len();
            let Some((byte, others)) = others.split_first() else { return Ok(false) };
            bytes = others;
            self.head.push(*byte);
            let (length, request) = match self.head.split_first_chunk::<5>() {
                Some(([b'R', length @ ..], request)) => match request.try_into() {
                    Ok(request) => (*length, Some(u32::from_be_bytes(request))),
                    Err(_) => continue,
                },
                Some(([_, length @ ..], _)) => (*length, None),
                None => continue,
            };
            // The length counts itself, but not the tag.
            let rest = (u32::from_be_bytes(length) as usize).checked_sub(self.head.len() - 1);
            self.rest = rest.ok_or(Refusal::Malformed)?;
            self.head.clear();
            if let Some(request) = request
                && self.is_accepted(request)?
            {
                return Ok(true);
            }
        }
    }

    fn is_accepted(&mut self, request: u32) -> Result<bool, Refusal> {
        match request {
            0 if self.is_proven => return Ok(true),
            0 => return Err(Refusal::Never),
            3 => self.answer(AuthMethod::Password)?,
            5 => self.answer(AuthMethod::Md5)?,
            10 => self.allow(AuthMethod::ScramSha256)?,
            11 => {}
            // The server's own proof, which the client library checks.
            12 => self.is_proven = true,
            _ => return Err(Refusal::Otherwise),
        }
        Ok(false)
    }

    fn answer(&mut self, method: AuthMethod) -> Result<(), Refusal> {
        self.is_proven = true;
        self.allow(method)
    }

    fn allow(&self, method: AuthMethod) -> Result<(), Refusal> {
        if self.allowed.contains(&method) { Ok(()) } else { Err(Refusal::Asked(method)) }
    }
}

/// A stream that ends, with a [`Refusal`], where the server asks for what it must not get.
#[derive(Debug)]
pub(super) struct Guard<S> {
    stream: S,
    /// `None` once the login was accepted.
    login: Option<Login>,
}

impl<S> Guard<S> {
    pub(super) fn new(stream: S, allowed: &[AuthMethod]) -> Self {
        Self { stream, login: Some(Login::new(allowed)) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let filled = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        match self.login.as_mut().map(|login| login.read(&buf.filled()[filled..])) {
            None | Some(Ok(false)) => {}
            Some(Ok(true)) => self.login = None,
            Some(Err(refusal)) => {
                buf.set_filled(filled);
                return Poll::Ready(Err(io::Error::other(refusal)));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Guard<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}

/// A TLS connector whose streams are guarded inside of TLS.
pub(super) struct Guarded<T> {
    pub(super) tls: T,
    pub(super) allowed: Vec<AuthMethod>,
}

impl<S, T> TlsConnect<S> for Guarded<T>
where
    T: TlsConnect<S>,
    T::Future: 'static,
{
    type Stream = Guard<T::Stream>;
    type Error = T::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, Self::Error>>>>;

    fn connect(self, stream: S) -> Self::Future {
        let (handshake, allowed) = (self.tls.connect(stream), self.allowed);
        Box::pin(async move { Ok(Guard::new(handshake.await?, &allowed)) })
    }
}

#[cfg(test)]
mod tests {
    use AuthMethod::{Md5, Password, ScramSha256};
    use proptest::prelude::*;

    use super::*;

    fn message(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len() + 4).unwrap().to_be_bytes();
        [&[tag][..], &length, content].concat()
    }

    fn request(kind: u32, content: &[u8]) -> Vec<u8> {
        message(b'R', &[&kind.to_be_bytes()[..], content].concat())
    }

    fn read(allowed: &[AuthMethod], messages: &[Vec<u8>]) -> Result<bool, Refusal> {
        Login::new(allowed).read(&messages.concat())
    }

    fn scram() -> Vec<Vec<u8>> {
        // The content looks like a request for the password itself.
        vec![request(10, b"SCRAM-SHA-256\0\0"), request(11, &request(3, b"")), request(12, b"v=proof"), request(0, b"")]
    }

    #[test]
    fn a_server_is_answered_only_in_the_ways_that_are_allowed() {
        let (cleartext, md5) = ([request(3, b""), request(0, b"")], [request(5, b"salt"), request(0, b"")]);
        for (method, messages) in [(Password, &cleartext[..]), (Md5, &md5[..]), (ScramSha256, &scram()[..])] {
            assert_eq!(read(&[method], messages), Ok(true));
            let others: Vec<AuthMethod> = [Password, Md5, ScramSha256].into_iter().filter(|m| *m != method).collect();
            assert_eq!(read(&others, messages), Err(Refusal::Asked(method)));
            assert_eq!(read(&[], &messages[..1]), Err(Refusal::Asked(method)));
        }
        for kind in [1, 2, 6, 7, 8, 9, 13, u32::MAX] {
            assert_eq!(read(&[Password, Md5, ScramSha256], &[request(kind, b"")]), Err(Refusal::Otherwise));
        }
    }

    #[test]
    fn a_login_without_a_proof_of_the_password_is_none() {
        assert_eq!(read(&[ScramSha256], &[request(0, b"")]), Err(Refusal::Never));
        for skipped in 1..3 {
            let mut messages = scram();
            messages.drain(skipped..3);
            assert_eq!(read(&[ScramSha256], &messages), Err(Refusal::Never));
        }
    }

    #[test]
    fn errors_and_notices_pass_and_what_is_no_message_does_not() {
        assert_eq!(read(&[], &[message(b'E', b"SFATAL\0\0"), message(b'N', b"")]), Ok(false));
        for malformed in [&b"N\0\0\0\x03"[..], b"E\0\0\0\0", b"R\0\0\0\x07\0\0\0\0"] {
            assert_eq!(Login::new(&[ScramSha256]).read(malformed), Err(Refusal::Malformed));
        }
    }

    proptest! {
        #[test]
        fn a_request_is_seen_wherever_the_network_cuts_it(
            cuts in proptest::collection::vec(1..12_usize, 1..60),
            before in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..4),
            last in prop_oneof![Just(request(3, b"")), Just(request(5, b"salt")), Just(request(0, b""))],
        ) {
            let before = before.iter().filter(|(tag, _)| *tag != b'R').map(|(tag, content)| message(*tag, content));
            let bytes: Vec<u8> = before.chain(scram().into_iter().take(2)).chain([last.clone()]).flatten().collect();
            // Refused by its ninth byte, which is before the message's end or at it.
            let refused_at = bytes.len() - last.len() + 9;
            let mut login = Login::new(&[ScramSha256]);
            let (mut at, mut cuts) = (0, cuts.iter().cycle());
            while at < bytes.len() {
                let end = bytes.len().min(at + cuts.next().unwrap());
                prop_assert_eq!(login.read(&bytes[at..end]).is_err(), end >= refused_at);
                if end >= refused_at {
                    return Ok(());
                }
                at = end;
            }
            prop_assert!(false, "never refused");
        }
    }
}
