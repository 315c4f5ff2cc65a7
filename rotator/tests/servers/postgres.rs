use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::programs::Programs;
use super::{ADMIN, ADMIN_PASSWORD, Certificates, HOST, OTHER_HOST, Process, free_port, printed, run, unprivileged};

/// A PostgreSQL server that takes passwords only, by SCRAM, and only over TLS where it has TLS.
pub struct Postgres {
    /// First, so that the server ends before its folder goes.
    process: Option<Process>,
    dir: TempDir,
    port: u16,
    tls: Option<Certificates>,
    programs: Programs,
}

impl Postgres {
    /// Starts the machine's own.
    pub fn start(tls: bool) -> Self {
        Self::of(Programs::machine(), tls)
    }

    /// Starts version 18 or later.
    pub fn newer(tls: bool) -> Option<Self> {
        Some(Self::of(Programs::newer("PostgreSQL 18")?, tls))
    }

    /// Makes a cluster and starts its server.
    fn of(programs: Programs, tls: bool) -> Self {
        let dir = TempDir::with_prefix("postgres-").unwrap();
        let tls = tls.then(Certificates::new);
        if let Some(certificates) = &tls {
            certificates.write(dir.path());
        }
        std::fs::write(dir.path().join("password"), ADMIN_PASSWORD).unwrap();
        let kind = if tls.is_some() { "hostssl" } else { "host" };
        std::fs::write(dir.path().join("hba.conf"), format!("{kind} all all 127.0.0.0/8 scram-sha-256\n")).unwrap();
        own(dir.path());
        let programs = programs.unprivileged(dir.path());
        let mut server = Self { process: None, dir, port: free_port(), tls, programs };
        let mut initdb = server.command("initdb");
        initdb.args(["--username", ADMIN, "--encoding=UTF8", "--locale=C", "--no-sync", "--auth=scram-sha-256"]);
        initdb.args(["--pgdata", &server.file("data"), "--pwfile", &server.file("password")]);
        printed(&run(&mut initdb, ""));
        server.start_again();
        server
    }

    /// Starts the server that was stopped.
    pub fn start_again(&mut self) {
        let mut command = self.command("postgres");
        command.args(["-D", &self.file("data"), "-p", &self.port.to_string()]);
        let settings = [
            format!("listen_addresses={HOST},{OTHER_HOST}"),
            format!("hba_file={}", self.file("hba.conf")),
            format!("ssl={}", self.tls.is_some()),
            format!("ssl_cert_file={}", self.file("server.pem")),
            format!("ssl_key_file={}", self.file("server.key")),
        ];
        let fixed = [
            "unix_socket_directories=",
            "password_encryption=scram-sha-256",
            "log_statement=all",
            "log_connections=on",
            "fsync=off",
            "shared_buffers=16MB",
            "max_connections=60",
        ];
        for setting in settings.iter().map(String::as_str).chain(fixed) {
            command.args(["-c", setting]);
        }
        // The fast way to end; SIGTERM would wait for clients.
        let answers = || self.login(ADMIN, ADMIN_PASSWORD, "postgres");
        self.process = Some(Process::start(&mut command, self.log(), "INT", answers));
    }

    /// Ends the server; its data and port stay.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// The port, on [`HOST`] and [`OTHER_HOST`].
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The log, with every statement.
    pub fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// The certificate that a client has to trust.
    pub fn ca_pem(&self) -> &str {
        self.tls.as_ref().unwrap().ca_pem()
    }

    /// Runs statements as [`ADMIN`] in the database `postgres`; the rows, columns apart by `|`.
    pub fn sql(&self, sql: &str) -> String {
        self.sql_in("postgres", sql)
    }

    /// The same in another database.
    pub fn sql_in(&self, database: &str, sql: &str) -> String {
        printed(&run(&mut self.psql(ADMIN, ADMIN_PASSWORD, database), sql))
    }

    /// Runs statements as any user; the rows, or the error.
    pub fn sql_as(&self, user: &str, password: &str, database: &str, sql: &str) -> Result<String, String> {
        let output = run(&mut self.psql(user, password, database), sql);
        if output.status.success() {
            return Ok(printed(&output));
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Whether a user gets in.
    pub fn login(&self, user: &str, password: &str, database: &str) -> bool {
        run(&mut self.psql(user, password, database), "SELECT 1").status.success()
    }

    fn psql(&self, user: &str, password: &str, database: &str) -> Command {
        self.psql_at(self.port, user, password, database)
    }

    /// The client, for this server or for what stands before it.
    pub(super) fn psql_at(&self, port: u16, user: &str, password: &str, database: &str) -> Command {
        let mut psql = self.programs.command("psql");
        psql.args(["-XAtqw", "-v", "ON_ERROR_STOP=1", "-h", HOST, "-p", &port.to_string()]);
        psql.args(["-U", user, "-d", database]).env("PGPASSWORD", password).env("PGCONNECT_TIMEOUT", "10");
        psql.env("PGSSLMODE", if self.tls.is_some() { "verify-full" } else { "disable" });
        psql.env("PGSSLROOTCERT", self.file("ca.pem"));
        psql
    }

    /// A program of the server's, which refuses to be root.
    fn command(&self, name: &str) -> Command {
        as_nobody(self.programs.command(name), self.dir.path())
    }

    fn file(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }
}

/// Has a program that refuses to be root work for the user to whom the folder belongs.
pub(super) fn as_nobody(mut command: Command, dir: &Path) -> Command {
    command.current_dir(dir).env("LC_ALL", "C");
    if let Some((user, group)) = unprivileged() {
        command.uid(user).gid(group);
    }
    command
}

/// Gives the folder and its files to the server's user alone.
pub(super) fn own(dir: &Path) {
    use std::os::unix::fs::{PermissionsExt, chown};
    let files = std::fs::read_dir(dir).unwrap().map(|entry| (entry.unwrap().path(), 0o600));
    for (path, mode) in files.chain([(dir.to_owned(), 0o700)]) {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        if let Some((user, group)) = unprivileged() {
            chown(&path, Some(user), Some(group)).unwrap();
        }
    }
}
