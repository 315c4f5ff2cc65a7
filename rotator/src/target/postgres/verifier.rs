//! What the server is given of a password, by its own settings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contract::AuthMethod;
use hmac::{Hmac, KeyInit as _, Mac as _};
use postgres_protocol::password::{md5, scram_sha_256};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::Kind;
use crate::secret::SecretText;

/// PostgreSQL's own, and all that there was before version 16.
const USUAL_ITERATIONS: u32 = 4096;

/// The server's settings for new passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// `scram_iterations`
    iterations: u32,
    /// `password_encryption` is `md5`
    prefers_md5: bool,
}

impl Settings {
    /// The query for them; two columns.
    pub(super) const QUERY: &str = "SELECT pg_catalog.current_setting('scram_iterations', true), \
                                    pg_catalog.current_setting('password_encryption')";

    /// Reads the answer to [`Self::QUERY`].
    pub(super) fn of(iterations: Option<&str>, encryption: Option<&str>) -> Self {
        let iterations = iterations.and_then(|iterations| iterations.parse().ok()).unwrap_or(USUAL_ITERATIONS);
        // A boolean, before version 14, means MD5 too.
        Self { iterations, prefers_md5: encryption.is_some_and(|how| how != "scram-sha-256") }
    }

    /// The verifier of a password, as a statement takes it. MD5 only where the spec allows the server to ask for it, since
    /// the user could not be let in otherwise.
    ///
    /// # Errors
    /// The kernel gave no random bytes.
    pub(super) fn verifier(
        &self,
        password: &SecretText,
        user: &str,
        allowed: &[AuthMethod],
    ) -> Result<SecretText, Kind> {
        let text = password.expose();
        if self.prefers_md5 && allowed.contains(&AuthMethod::Md5) {
            return Ok(md5(text.as_bytes(), user).into());
        }
        // The library normalizes what is not ASCII, and knows no other number.
        if self.iterations == USUAL_ITERATIONS || !text.is_ascii() {
            return Ok(scram_sha_256(text.as_bytes()).into());
        }
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|error| Kind::Password(contract::NoPassword::Random(error)))?;
        Ok(scram(text, &salt, self.iterations).into())
    }
}

/// <https://datatracker.ietf.org/doc/html/rfc5803>
fn scram(password: &str, salt: &[u8], iterations: u32) -> String {
    let salted = Zeroizing::new(salted(password.as_bytes(), salt, iterations));
    let key = |name: &str| Zeroizing::new(hmac(&salted[..], &[name.as_bytes()]));
    let (stored, server) = (Sha256::digest(*key("Client Key")), key("Server Key"));
    let [salt, stored, server] = [salt, &stored[..], &server[..]].map(|bytes| STANDARD.encode(bytes));
    format!("SCRAM-SHA-256${iterations}:{salt}${stored}:{server}")
}

/// RFC 5802's `Hi`: PBKDF2 with a single block.
fn salted(password: &[u8], salt: &[u8], iterations: u32) -> [u8; 32] {
    let mut step = Zeroizing::new(hmac(password, &[salt, &1_u32.to_be_bytes()]));
    let mut salted = *step;
    for _ in 1..iterations {
        *step = hmac(password, &[&step[..]]);
        salted.iter_mut().zip(step.iter()).for_each(|(byte, other)| *byte ^= other);
    }
    salted
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRAM: [AuthMethod; 1] = [AuthMethod::ScramSha256];

    fn verifier(settings: &Settings, allowed: &[AuthMethod]) -> String {
        let password = SecretText::from("canary".to_owned());
        settings.verifier(&password, "app", allowed).map(|text| text.expose().to_owned()).unwrap()
    }

    #[test]
    fn a_verifier_is_the_library_s_own() {
        let theirs = scram_sha_256(b"canary");
        let salt = theirs.split(['$', ':']).nth(2).unwrap();
        assert_eq!(scram("canary", &STANDARD.decode(salt).unwrap(), USUAL_ITERATIONS), theirs);
    }

    #[test]
    fn the_server_s_number_of_iterations_counts() {
        for (setting, written) in [(None, 4096), (Some("1"), 1), (Some("10000"), 10_000), (Some("canary"), 4096)] {
            let settings = Settings::of(setting, Some("scram-sha-256"));
            assert!(verifier(&settings, &SCRAM).starts_with(&format!("SCRAM-SHA-256${written}:")), "{setting:?}");
        }
    }

    #[test]
    fn md5_is_kept_only_where_the_server_may_ask_for_it() {
        for (encryption, allowed, prefix) in [
            ("md5", &SCRAM[..], "SCRAM"),
            ("md5", &[AuthMethod::ScramSha256, AuthMethod::Md5], "md5"),
            ("on", &[AuthMethod::Md5], "md5"),
            ("scram-sha-256", &[AuthMethod::ScramSha256, AuthMethod::Md5], "SCRAM"),
        ] {
            let verifier = verifier(&Settings::of(None, Some(encryption)), allowed);
            assert!(verifier.starts_with(prefix), "{encryption}, {allowed:?}: {verifier}");
        }
    }
}
