use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::programs::Programs;
use super::{ADMIN, ADMIN_PASSWORD, Certificates, HOST, OTHER_HOST, Process, free_port, printed, run, unprivileged};

/// Debian's own folder of plugins.
const PLUGINS: &str = "/usr/lib/mysql/plugin";

/// A MariaDB server, or MySQL as [`super::mysql::Mysql`], which takes only TLS where it has TLS.
pub struct MariaDb {
    /// First, so that the server ends before its folder goes.
    process: Option<Process>,
    dir: TempDir,
    port: u16,
    tls: Option<Certificates>,
    programs: Programs,
    make: Make,
}

/// Who has made the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Make {
    MariaDb,
    Mysql,
}

impl MariaDb {
    /// Starts the machine's own.
    pub fn start(tls: bool) -> Self {
        Self::of(Make::MariaDb, Programs::machine(), tls)
    }

    /// Starts version 11.8 or later.
    pub fn newer(tls: bool) -> Option<Self> {
        Some(Self::of(Make::MariaDb, Programs::newer("MariaDB 11.8")?, tls))
    }

    /// Makes the system's tables and starts a server on them.
    pub(super) fn of(make: Make, programs: Programs, tls: bool) -> Self {
        let dir = TempDir::with_prefix("mariadb-").unwrap();
        let tls = tls.then(Certificates::new);
        if let Some(certificates) = &tls {
            certificates.write(dir.path());
        }
        let mut server = Self { process: None, dir, port: free_port(), tls, programs, make };
        server.install();
        let admin = format!(
            "CREATE USER {ADMIN}@'%' IDENTIFIED BY '{}'; GRANT ALL ON *.* TO {ADMIN}@'%' WITH GRANT OPTION;",
            ADMIN_PASSWORD.replace('\'', "''"),
        );
        std::fs::write(server.dir.path().join("init.sql"), admin.replace("; ", ";\n")).unwrap();
        server.run(&[format!("--init-file={}", server.file("init.sql"))]);
        server
    }

    fn install(&self) {
        let mut install = match self.make {
            Make::Mysql => {
                let mut copy = Command::new("cp");
                copy.arg("-R").arg(self.programs.mysql_data()).arg(self.file("data"));
                copy
            }
            Make::MariaDb => {
                let mut install = self.programs.command("mariadb-install-db");
                install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
                install.args(self.data()).arg("--innodb-flush-log-at-trx-commit=0");
                install
            }
        };
        printed(&run(&mut install, ""));
    }

    /// Starts the server that was stopped.
    pub fn start_again(&mut self) {
        self.run(&[]);
    }

    fn run(&mut self, settings: &[String]) {
        let mut command = self.programs.command(match self.make {
            Make::MariaDb => "mariadbd",
            Make::Mysql => "mysqld",
        });
        command.arg("--no-defaults").args(self.data()).args([
            format!("--bind-address={HOST},{OTHER_HOST}"),
            format!("--port={}", self.port),
            format!("--socket={}", self.file("socket")),
            format!("--pid-file={}", self.file("pid")),
            format!("--general-log-file={}", self.log().display()),
        ]);
        command.args(["--general-log=ON", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0"]);
        command.args(["--innodb-buffer-pool-size=16M", "--innodb-fast-shutdown=2", "--performance-schema=OFF"]);
        match self.make {
            Make::Mysql => {
                command.args([
                    "--mysqlx=OFF",
                    "--skip-log-bin",
                    "--innodb-redo-log-capacity=8M",
                    "--secure-file-priv=",
                ]);
            }
            Make::MariaDb
                if self.programs.are_newer() || Path::new(PLUGINS).join("simple_password_check.so").exists() => {}
            Make::MariaDb => {
                let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/servers/mariadb-plugins");
                let ours = std::env::var_os("MARIADB_PLUGINS").unwrap_or_else(|| ours.into());
                command.arg(format!("--plugin-dir={}", ours.display()));
            }
        }
        if self.tls.is_some() {
            for (name, file) in [("ca", "ca.pem"), ("cert", "server.pem"), ("key", "server.key")] {
                command.arg(format!("--ssl-{name}={}", self.file(file)));
            }
            command.arg("--require-secure-transport=ON");
        } else {
            command.arg(match self.make {
                Make::MariaDb => "--skip-ssl",
                Make::Mysql => "--tls-version=",
            });
        }
        command.args(settings);
        let answers = || self.login(ADMIN, ADMIN_PASSWORD, "");
        self.process = Some(Process::start(&mut command, self.dir.path().join("output"), "TERM", answers));
    }

    /// Ends the server; its data and port stay.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Whether it is MySQL.
    pub fn is_mysql(&self) -> bool {
        self.make == Make::Mysql
    }

    /// The port, on [`HOST`] and [`OTHER_HOST`].
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The general log, with every statement.
    pub fn log(&self) -> PathBuf {
        self.dir.path().join("general.log")
    }

    /// The certificate that a client has to trust.
    pub fn ca_pem(&self) -> &str {
        self.tls.as_ref().unwrap().ca_pem()
    }

    /// Runs statements as [`ADMIN`]; the rows, columns apart by tabs.
    pub fn sql(&self, sql: &str) -> String {
        printed(&run(&mut self.client(ADMIN, ADMIN_PASSWORD, ""), sql))
    }

    /// Runs statements as any user; the rows, or the error.
    pub fn sql_as(&self, user: &str, password: &str, database: &str, sql: &str) -> Result<String, String> {
        let output = run(&mut self.client(user, password, database), sql);
        if output.status.success() {
            return Ok(printed(&output));
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Whether a user gets in; the empty database is none.
    pub fn login(&self, user: &str, password: &str, database: &str) -> bool {
        run(&mut self.client(user, password, database), "SELECT 1").status.success()
    }

    fn client(&self, user: &str, password: &str, database: &str) -> Command {
        let mut client = self.programs.command(match self.make {
            Make::MariaDb => "mariadb",
            Make::Mysql => "mysql",
        });
        client.args([
            "--no-defaults",
            "--batch",
            "--raw",
            "--skip-column-names",
            "--protocol=tcp",
            "--connect-timeout=10",
        ]);
        client.args(["--host", HOST, "--port", &self.port.to_string(), "--user", user, database]);
        client.env("MYSQL_PWD", password);
        match (self.make, &self.tls) {
            (Make::MariaDb, Some(_)) => client.args(["--ssl-verify-server-cert", "--ssl-ca", &self.file("ca.pem")]),
            (Make::MariaDb, None) => client.arg("--skip-ssl"),
            (Make::Mysql, Some(_)) => client.args(["--ssl-mode=VERIFY_IDENTITY", "--ssl-ca", &self.file("ca.pem")]),
            (Make::Mysql, None) => client.args(["--ssl-mode=DISABLED", "--get-server-public-key"]),
        };
        client
    }

    /// Where the data is, and as whom the server works: it refuses to be root unless it is told to. Of a folder for
    /// temporary files it takes all for its own and removes what it finds.
    fn data(&self) -> Vec<String> {
        let mut data = vec![format!("--datadir={}", self.file("data")), format!("--tmpdir={}", self.file(""))];
        if let (Make::MariaDb, Some(base)) = (self.make, self.programs.mariadb()) {
            data.push(format!("--basedir={}", base.display()));
        }
        data.extend(unprivileged().map(|_| "--user=root".to_owned()));
        data
    }

    fn file(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }
}
