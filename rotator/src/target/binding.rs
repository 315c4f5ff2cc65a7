//! To which server a value may lead.
//!
//! The secret's value is data that others may write. So it never chooses where an admin's password is sent: that is said by
//! the spec's `connection`, or else by the admin's own secret. With either, a value that names another place is refused
//! before any connection.

use contract::Connection;

use super::credentials::is_same_host;
use super::database::other_user;
use super::{Credentials, Engine};
use crate::error::Kind;
use crate::secret::SecretText;

/// A server, and which of its users and databases, as far as that is given.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    host: String,
    port: u16,
    user: Option<String>,
    database: Option<String>,
}

/// Reads logins out of values, and lets none through that leads elsewhere.
pub struct Binding {
    engine: Engine,
    /// The JSON field with the password.
    field: String,
    admin: Option<SecretText>,
    /// Where all logins are; `None`: where the value says, and there is no admin.
    place: Result<Option<Place>, Kind>,
}

impl Binding {
    /// The place of the spec's `connection`, or else of the admin's secret.
    #[must_use]
    pub fn new(engine: Engine, field: &str, connection: Option<&Connection>, admin: Option<SecretText>) -> Self {
        let place = match (connection, &admin) {
            (Some(connection), _) => Ok(Some(Place {
                host: connection.host.clone(),
                port: connection.port.unwrap_or(engine.port),
                user: Some(connection.username.clone()),
                database: connection.dbname.clone(),
            })),
            (None, Some(admin)) => Credentials::read(admin, "password", &engine, None)
                .map(|admin| Some(Place { host: admin.host, port: admin.port, user: None, database: None }))
                .map_err(|_| Kind::Unbound),
            (None, None) => Ok(None),
        };
        Self { engine, field: field.to_owned(), admin, place }
    }

    /// Whether there is an admin.
    #[must_use]
    pub fn has_admin(&self) -> bool {
        self.admin.is_some()
    }

    /// The only user, with its clone user, whose password is changed; `None`: any that a value of the secret authenticates.
    ///
    /// # Errors
    /// As for [`Self::user`].
    pub fn only_user(&self) -> Result<Option<&str>, Kind> {
        Ok(self.place.as_ref().map_err(Clone::clone)?.as_ref().and_then(|place| place.user.as_deref()))
    }

    /// The login of a value of the rotated secret.
    ///
    /// # Errors
    /// The value has no login, or one at another place; or nothing says where the admin is.
    pub fn user(&self, value: &SecretText) -> Result<Credentials, Kind> {
        let place = self.place.as_ref().map_err(Clone::clone)?.as_ref();
        let mut login = Credentials::read(value, &self.field, &self.engine, place.map(|place| place.host.as_str()))?;
        let Some(Place { host, port, user, database }) = place else { return Ok(login) };
        if !login.states_port {
            login.port = *port;
        }
        if !is_same_host(&login.host, host) {
            return Err(Kind::OtherServer("host"));
        }
        if login.port != *port {
            return Err(Kind::OtherServer("port"));
        }
        if user.as_ref().is_some_and(|user| login.user != *user && login.user != other_user(user)) {
            return Err(Kind::OtherServer("username"));
        }
        if let Some(database) = database
            && login.database.get_or_insert_with(|| database.clone()) != database
        {
            return Err(Kind::OtherServer("dbname"));
        }
        Ok(login)
    }

    /// The admin's login: the one gate to it. Nothing of it comes from the rotated secret.
    ///
    /// # Errors
    /// Its secret has no login, or one at another place than the spec's; or nothing says where it is.
    pub fn admin(&self) -> Result<Option<Credentials>, Kind> {
        let Some(value) = &self.admin else { return Ok(None) };
        let unfit = |kind: Kind| Kind::Admin(Box::new(kind));
        let place = self.place.as_ref().map_err(Clone::clone)?.as_ref().ok_or(Kind::Unbound)?;
        let mut admin = Credentials::read(value, "password", &self.engine, Some(&place.host))
            .map_err(|reason| unfit(reason.into()))?;
        if !admin.states_port {
            admin.port = place.port;
        }
        if !is_same_host(&admin.host, &place.host) {
            return Err(unfit(Kind::OtherServer("host")));
        }
        if admin.port != place.port {
            return Err(unfit(Kind::OtherServer("port")));
        }
        if place.database.is_some() {
            admin.database.clone_from(&place.database);
        }
        Ok(Some(admin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGINE: Engine = Engine { names: &["postgres"], port: 5432, takes_user: |_| true };
    const USER: &str = r#"{"host":"db","username":"app","password":"p"}"#;

    fn secret(text: &str) -> SecretText {
        text.to_owned().into()
    }

    fn connection(port: Option<u16>, dbname: Option<&str>) -> Connection {
        Connection { host: "db".to_owned(), port, username: "app".to_owned(), dbname: dbname.map(str::to_owned) }
    }

    fn binding(connection: Option<&Connection>, admin: Option<&str>) -> Binding {
        Binding::new(ENGINE, "password", connection, admin.map(secret))
    }

    fn user(binding: &Binding, value: &str) -> Result<(String, u16, String, Option<String>), Kind> {
        binding.user(&secret(value)).map(|who| (who.host, who.port, who.user, who.database))
    }

    #[test]
    fn a_value_leads_nowhere_but_to_the_spec_s_connection() {
        let bound = connection(Some(5433), Some("shop"));
        let bound = binding(Some(&bound), None);
        let expected = ("db".to_owned(), 5433, "app".to_owned(), Some("shop".to_owned()));
        for value in [
            r#"{"username":"app","password":"p"}"#,
            r#"{"host":"db","port":5433,"username":"app","password":"p","dbname":"shop"}"#,
        ] {
            assert_eq!(user(&bound, value), Ok(expected.clone()), "{value}");
        }
        assert!(user(&bound, r#"{"host":"DB.","username":"app_clone","password":"p"}"#).is_ok());
        for (value, what) in [
            (r#"{"host":"evil","username":"app","password":"p"}"#, "host"),
            (r#"{"host":"db.evil","username":"app","password":"p"}"#, "host"),
            (r#"{"port":1,"username":"app","password":"p"}"#, "port"),
            (r#"{"port":5432,"username":"app","password":"p"}"#, "port"),
            (r#"{"username":"dba","password":"p"}"#, "username"),
            (r#"{"username":"App","password":"p"}"#, "username"),
            (r#"{"username":"app_clone_clone","password":"p"}"#, "username"),
            (r#"{"username":"app","password":"p","dbname":"evil"}"#, "dbname"),
        ] {
            assert_eq!(user(&bound, value), Err(Kind::OtherServer(what)), "{value}");
        }
    }

    #[test]
    fn the_admin_s_place_is_never_the_value_s() {
        let admin = r#"{"username":"dba","password":"canary"}"#;
        let place = |binding: &Binding| binding.admin().map(|admin| admin.map(|it| (it.host, it.port, it.database)));

        let bound = connection(None, Some("shop"));
        let bound = binding(Some(&bound), Some(admin));
        assert_eq!(place(&bound), Ok(Some(("db".to_owned(), 5432, Some("shop".to_owned())))));

        let unbound = binding(None, Some(admin));
        assert_eq!(place(&unbound), Err(Kind::Unbound));
        assert_eq!(user(&unbound, USER), Err(Kind::Unbound), "nor does the user log in anywhere");

        let by_itself = binding(None, Some(r#"{"host":"db","port":1,"username":"dba","password":"p"}"#));
        assert_eq!(place(&by_itself), Ok(Some(("db".to_owned(), 1, None))));
        assert!(user(&by_itself, USER).is_ok());
        let evil = r#"{"host":"evil","username":"app","password":"p"}"#;
        assert_eq!(user(&by_itself, evil), Err(Kind::OtherServer("host")));
    }

    #[test]
    fn an_admin_at_another_place_than_the_spec_s_is_refused() {
        let bound = connection(None, None);
        for (admin, what) in [
            (r#"{"host":"other","username":"dba","password":"p"}"#, "host"),
            (r#"{"port":1,"username":"dba","password":"p"}"#, "port"),
        ] {
            let refused = binding(Some(&bound), Some(admin)).admin().map(drop);
            assert_eq!(refused, Err(Kind::Admin(Box::new(Kind::OtherServer(what)))), "{admin}");
        }
    }

    #[test]
    fn without_either_the_value_says() {
        let unbound = binding(None, None);
        assert_eq!(user(&unbound, USER), Ok(("db".to_owned(), 5432, "app".to_owned(), None)));
        assert!(unbound.admin().is_ok_and(|admin| admin.is_none()));
    }
}
