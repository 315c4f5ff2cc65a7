//! Until when the credentials are good that calls are signed with.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use jiff::Timestamp;

/// Says until when credentials from the environment are good, in RFC 3339. `aws configure export-credentials --format env`
/// and aws-vault write it, and the SDK takes no notice of it.
/// <https://docs.aws.amazon.com/cli/latest/reference/configure/export-credentials.html>
const EXPIRATION: &str = "AWS_CREDENTIAL_EXPIRATION";
/// Tells that the credentials are the environment's.
const ACCESS_KEY: &str = "AWS_ACCESS_KEY_ID";

/// When credentials expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// The instant.
    pub at: Timestamp,
    /// Whether the SDK may renew them by itself; it can't where that takes somebody to sign in.
    pub is_renewable: bool,
}

/// The expiry of the credentials that were used last, once some were.
#[derive(Debug, Clone, Default)]
pub struct LastExpiry(Arc<Mutex<Option<Expiry>>>);

impl LastExpiry {
    /// `None` where nothing was signed yet, or where the credentials last.
    #[must_use]
    pub fn get(&self) -> Option<Expiry> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A provider that looks at what passes through it: the SDK asks it no more often than it would ask the one inside.
#[derive(Debug)]
pub(super) struct Watched {
    inner: SharedCredentialsProvider,
    last: LastExpiry,
}

impl Watched {
    pub(super) fn new(inner: SharedCredentialsProvider) -> (Self, LastExpiry) {
        let last = LastExpiry::default();
        (Self { inner, last: last.clone() }, last)
    }

    async fn provide(&self) -> Result<Credentials, CredentialsError> {
        let credentials = self.inner.provide_credentials().await?;
        let expiry = expiry(&credentials, |name| std::env::var(name).ok());
        if let Some(expiry) = expiry.filter(|expiry| expiry.at <= Timestamp::now()) {
            return Err(CredentialsError::provider_error(Expired(expiry)));
        }
        *self.last.0.lock().unwrap_or_else(PoisonError::into_inner) = expiry;
        Ok(credentials)
    }
}

impl ProvideCredentials for Watched {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.provide())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.inner.as_ref().fallback_on_interrupt()
    }
}

/// A time that can't be read tells nothing: AWS has the last word on the credentials in any case.
fn expiry(credentials: &Credentials, variable: impl Fn(&str) -> Option<String>) -> Option<Expiry> {
    if let Some(at) = credentials.expiry() {
        return Timestamp::try_from(at).ok().map(|at| Expiry { at, is_renewable: true });
    }
    let is_environments = variable(ACCESS_KEY).is_some_and(|key| key.trim() == credentials.access_key_id().trim());
    let at = variable(EXPIRATION).filter(|_| is_environments)?.trim().parse().ok()?;
    Some(Expiry { at, is_renewable: false })
}

/// Credentials that AWS would refuse.
#[derive(Debug)]
pub(super) struct Expired(Expiry);

impl fmt::Display for Expired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Expiry { at, is_renewable } = self.0;
        let says = if is_renewable { "who provides them says so" } else { "AWS_CREDENTIAL_EXPIRATION says so" };
        write!(f, "the credentials have expired at {}: {says}", at.strftime("%Y-%m-%d %H:%M:%S UTC"))
    }
}

impl std::error::Error for Expired {}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn of(own: Option<u64>, variables: &[(&str, &str)]) -> Option<(i64, bool)> {
        let own = own.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let credentials = Credentials::new("AKIA1", "secret", None, own, "test");
        let variable = |name: &str| variables.iter().find(|(one, _)| *one == name).map(|(_, text)| (*text).to_owned());
        expiry(&credentials, variable).map(|expiry| (expiry.at.as_second(), expiry.is_renewable))
    }

    #[test]
    fn credentials_expire_when_their_provider_or_the_environment_says_so() {
        let (mine, theirs) = ((ACCESS_KEY, "AKIA1"), (ACCESS_KEY, "AKIA2"));
        let at = (EXPIRATION, "1970-01-01T00:01:00+00:00");
        assert_eq!(of(None, &[]), None);
        assert_eq!(of(Some(5), &[mine, at]), Some((5, true)));
        assert_eq!(of(None, &[mine, at]), Some((60, false)));
        assert_eq!(of(None, &[theirs, at]), None, "the variable is about other credentials");
        assert_eq!(of(None, &[at]), None);
        for malformed in ["", "soon", "1970-01-01", "60"] {
            assert_eq!(of(None, &[mine, (EXPIRATION, malformed)]), None, "{malformed}");
        }
    }
}
