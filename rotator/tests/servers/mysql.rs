use std::ops::{Deref, DerefMut};

use super::mariadb::{Make, MariaDb};
use super::programs::Programs;

/// A MySQL server, started and asked as MariaDB is.
pub struct Mysql(MariaDb);

impl Mysql {
    /// Starts version 9 or later. Without TLS it sends its public key to whoever logs in.
    pub fn start(tls: bool) -> Option<Self> {
        Some(Self(MariaDb::of(Make::Mysql, Programs::newer("MySQL 9")?, tls)))
    }
}

impl Deref for Mysql {
    type Target = MariaDb;

    fn deref(&self) -> &MariaDb {
        &self.0
    }
}

impl DerefMut for Mysql {
    fn deref_mut(&mut self) -> &mut MariaDb {
        &mut self.0
    }
}
