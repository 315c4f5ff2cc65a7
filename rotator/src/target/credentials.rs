use crate::secret::SecretText;
use crate::value::{Unfit, text};

/// What the secret's value says of a login, in AWS's shape for database secrets.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html>
pub struct Credentials {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
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
    /// The longest user name, in bytes.
    pub longest_user: usize,
}

impl Credentials {
    /// Reads a secret's value; the password is in `field`.
    ///
    /// # Errors
    /// What a login needs is not there.
    pub fn read(value: &SecretText, field: &str, engine: &Engine) -> Result<Self, Unfit> {
        let host = plain(value, "host")?.ok_or(Unfit::NoLogin("host"))?;
        Self::read_at(value, field, engine, host)
    }

    /// The same for the admin of the server at which `user` is: his secret need not say where that is.
    ///
    /// # Errors
    /// What a login needs is not there, or it is for another server.
    pub fn read_admin(value: &SecretText, engine: &Engine, user: &Self) -> Result<Self, Unfit> {
        let host = plain(value, "host")?.unwrap_or_else(|| user.host.clone());
        let mut admin = Self::read_at(value, "password", engine, host)?;
        if plain(value, "port")?.is_none() {
            admin.port = user.port;
        }
        if admin.database.is_none() {
            admin.database.clone_from(&user.database);
        }
        if admin.is_at(user) {
            Ok(admin)
        } else {
            Err(Unfit::NoLogin("host` and `port` of the user's own server, or none of the two"))
        }
    }

    fn read_at(value: &SecretText, field: &str, engine: &Engine, host: String) -> Result<Self, Unfit> {
        if let Some(name) = plain(value, "engine")?
            && !engine.names.contains(&name.as_str())
        {
            return Err(Unfit::Engine);
        }
        let port = match plain(value, "port")? {
            Some(port) => port.parse().map_err(|_| Unfit::NoLogin("port"))?,
            None => engine.port,
        };
        Ok(Self {
            host,
            port,
            user: plain(value, "username")?.ok_or(Unfit::NoLogin("username"))?,
            password: text(value, field)?.ok_or(Unfit::NoLogin("password"))?,
            database: plain(value, "dbname")?,
        })
    }

    /// Whether both are at the same server.
    #[must_use]
    pub fn is_at(&self, other: &Self) -> bool {
        self.host.eq_ignore_ascii_case(&other.host) && self.port == other.port
    }
}

/// A field that is no secret; empty is absent.
fn plain(value: &SecretText, field: &str) -> Result<Option<String>, Unfit> {
    Ok(text(value, field)?.map(|text| text.expose().to_owned()).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGINE: Engine = Engine { names: &["postgres", "aurora-postgresql"], port: 5432, longest_user: 63 };

    fn read(value: &str) -> Result<Credentials, Unfit> {
        Credentials::read(&value.to_owned().into(), "password", &ENGINE)
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

    #[test]
    fn an_admin_s_secret_need_not_say_where_but_must_not_say_elsewhere() {
        let user = read(r#"{"host":"DB","port":5433,"username":"u","password":"p","dbname":"d"}"#).ok().unwrap();
        let admin = |value: &str| Credentials::read_admin(&value.to_owned().into(), &ENGINE, &user);
        let found = admin(r#"{"username":"admin","password":"p"}"#).ok().unwrap();
        assert_eq!((found.host.as_str(), found.port, found.database.as_deref()), ("DB", 5433, Some("d")));
        assert!(admin(r#"{"host":"db","username":"admin","password":"p"}"#).is_ok());
        assert!(admin(r#"{"host":"other","username":"admin","password":"p"}"#).is_err());
        assert!(admin(r#"{"port":1,"username":"admin","password":"p"}"#).is_err());
    }
}
