use crate::secret::SecretText;
use crate::value::{Unfit, text};

/// What the secret's value says of a login, in AWS's shape for database secrets.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html>
pub struct Credentials {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the value itself names the port.
    pub states_port: bool,
    /// The user.
    pub user: String,
    /// The user's password.
    pub password: SecretText,
    /// The database; `None` is the server's own default.
    pub database: Option<String>,
}

/// What a kind of server has of its own.
#[derive(Debug, Clone, Copy)]
pub struct Engine {
    /// The values of `engine` that mean it; a secret without `engine` is taken for it.
    pub names: &'static [&'static str],
    /// The port where the secret names none.
    pub port: u16,
    /// Whether a user name is not too long.
    pub takes_user: fn(&str) -> bool,
}

impl Credentials {
    /// Reads a secret's value; the password is in `field`, and `usual_host` counts where the value names none.
    ///
    /// # Errors
    /// What a login needs is not there.
    pub fn read(value: &SecretText, field: &str, engine: &Engine, usual_host: Option<&str>) -> Result<Self, Unfit> {
        let host = plain(value, "host")?.or_else(|| usual_host.map(str::to_owned));
        if let Some(name) = plain(value, "engine")?
            && !engine.names.contains(&name.as_str())
        {
            return Err(Unfit::Engine);
        }
        let port = plain(value, "port")?.map(|port| port.parse().map_err(|_| Unfit::NoLogin("port"))).transpose()?;
        Ok(Self {
            host: host.ok_or(Unfit::NoLogin("host"))?,
            port: port.unwrap_or(engine.port),
            states_port: port.is_some(),
            user: plain(value, "username")?.ok_or(Unfit::NoLogin("username"))?,
            password: text(value, field)?.ok_or(Unfit::NoLogin("password"))?,
            database: plain(value, "dbname")?,
        })
    }

    /// Whether both are at the same server.
    #[must_use]
    pub fn is_at(&self, other: &Self) -> bool {
        is_same_host(&self.host, &other.host) && self.port == other.port
    }
}

/// Whether two names are of one host: case and the root's dot say nothing.
pub(super) fn is_same_host(one: &str, other: &str) -> bool {
    let plain = |host: &str| host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    plain(one) == plain(other)
}

/// A field that is no secret; empty is absent.
fn plain(value: &SecretText, field: &str) -> Result<Option<String>, Unfit> {
    Ok(text(value, field)?.map(|text| text.expose().to_owned()).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGINE: Engine = Engine { names: &["postgres", "aurora-postgresql"], port: 5432, takes_user: |_| true };

    fn read(value: &str) -> Result<Credentials, Unfit> {
        Credentials::read(&value.to_owned().into(), "password", &ENGINE, None)
    }

    #[test]
    fn aws_s_own_shape_is_read_whatever_the_port_is_spelled_like() {
        for (port, expected) in [(r#","port":5433"#, 5433), (r#","port":"5433""#, 5433), ("", 5432)] {
            let value = r#"{"engine":"postgres","host":"db","username":"app","password":"p","dbname":"d"PORT}"#;
            let read = read(&value.replace("PORT", port)).map_err(|unfit| unfit.to_string()).unwrap();
            assert_eq!((read.host.as_str(), read.port, read.user.as_str()), ("db", expected, "app"));
            assert_eq!(read.database.as_deref(), Some("d"));
        }
    }

    #[test]
    fn what_a_login_lacks_is_named() {
        for (value, unfit) in [
            ("canary", Unfit::NotAnObject),
            (r#"{"username":"canary","password":"p"}"#, Unfit::NoLogin("host")),
            (r#"{"host":"canary","password":"p"}"#, Unfit::NoLogin("username")),
            (r#"{"host":"h","username":"canary"}"#, Unfit::NoLogin("password")),
            (r#"{"host":"h","username":"u","password":"p","port":"canary"}"#, Unfit::NoLogin("port")),
            (r#"{"host":"h","username":"u","password":"p","port":70000}"#, Unfit::NoLogin("port")),
            (r#"{"host":"h","username":"u","password":"p","engine":"oracle"}"#, Unfit::Engine),
        ] {
            assert_eq!(read(value).map(drop), Err(unfit), "{value}");
            assert!(!unfit.to_string().contains("canary"));
        }
    }
}
