use std::net::TcpStream;
use std::path::PathBuf;

use tempfile::TempDir;

use super::postgres::{Postgres, as_nobody, own};
use super::programs::Programs;
use super::{HOST, OTHER_HOST, Process, free_port, run};

/// A pooler before a PostgreSQL server without TLS, in transaction mode. It takes passwords only, by SCRAM.
pub struct PgBouncer<'a> {
    /// First, so that the pooler ends before its folder goes.
    process: Option<Process>,
    dir: TempDir,
    port: u16,
    server: &'a Postgres,
}

/// From where a pooler knows its users' passwords.
pub enum Users<'a> {
    /// From the server, which it asks as a user of its own.
    Query,
    /// From a list of names and passwords.
    List(&'a [(&'a str, &'a str)]),
}

const POOLER_PASSWORD: &str = "the-pooler-s-own";

impl<'a> PgBouncer<'a> {
    /// Starts before that server.
    pub fn start(server: &'a Postgres, users: &Users<'_>) -> Option<Self> {
        let programs = Programs::newer("PgBouncer")?;
        let dir = TempDir::with_prefix("pgbouncer-").unwrap();
        let mut pooler = Self { process: None, dir, port: free_port(), server };
        let (settings, list) = match users {
            Users::Query => (pooler.asks(), &[("pooler", POOLER_PASSWORD)][..]),
            Users::List(list) => ("", *list),
        };
        pooler.write(list);
        let settings = format!(
            "[databases]\n* = host={HOST} port={}\n[pgbouncer]\nlisten_addr = {HOST},{OTHER_HOST}\nlisten_port = {}\n\
             unix_socket_dir =\npool_mode = transaction\nmax_db_connections = 80\nauth_type = scram-sha-256\n\
             auth_file = users.txt\n{settings}",
            server.port(),
            pooler.port,
        );
        std::fs::write(pooler.file("pgbouncer.ini"), settings).unwrap();
        own(pooler.dir.path());
        let programs = programs.unprivileged(pooler.dir.path());
        let mut command = as_nobody(programs.command("pgbouncer"), pooler.dir.path());
        command.arg("pgbouncer.ini");
        let answers = || TcpStream::connect((HOST, pooler.port)).is_ok();
        // At once; SIGTERM would wait for its clients.
        pooler.process = Some(Process::start(&mut command, pooler.log(), "QUIT", answers));
        Some(pooler)
    }

    fn write(&self, list: &[(&str, &str)]) {
        let list: Vec<String> = list.iter().map(|(user, password)| format!("\"{user}\" \"{password}\"")).collect();
        std::fs::write(self.file("users.txt"), list.join("\n")).unwrap();
    }

    /// Gives it another list of names and passwords.
    pub fn learn(&self, list: &[(&str, &str)]) {
        self.write(list);
        self.process.as_ref().unwrap().send("HUP");
    }

    /// Gives the pooler a user that may ask for others' passwords; the settings by which it does.
    fn asks(&self) -> &'static str {
        self.server.sql(&format!(
            "CREATE ROLE pooler LOGIN PASSWORD '{POOLER_PASSWORD}';
             CREATE FUNCTION of_user(INOUT name text, OUT hash text) LANGUAGE sql SECURITY DEFINER AS
               $$SELECT usename::text, passwd FROM pg_shadow WHERE usename = name$$;
             REVOKE EXECUTE ON FUNCTION of_user FROM public; GRANT EXECUTE ON FUNCTION of_user TO pooler",
        ));
        "auth_user = pooler\nauth_dbname = postgres\nauth_query = SELECT name, hash FROM of_user($1)\n"
    }

    /// The port, on [`HOST`] and [`OTHER_HOST`].
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The log, with every login.
    pub fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// Whether a user gets in through the pooler.
    pub fn login(&self, user: &str, password: &str, database: &str) -> bool {
        run(&mut self.server.psql_at(self.port, user, password, database), "SELECT 1").status.success()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}
