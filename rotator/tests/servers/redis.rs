use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::{ADMIN, ADMIN_PASSWORD, Certificates, HOST, OTHER_HOST, Process, free_port, printed, program, run};

/// A Redis server with no default user; it speaks TLS only, or none.
pub struct Redis {
    /// First, so that the server ends before its folder goes.
    process: Option<Process>,
    dir: TempDir,
    port: u16,
    tls: Option<Certificates>,
}

impl Redis {
    /// Starts a server whose users are in a file, where `ACL SAVE` puts them.
    pub fn start(tls: bool) -> Self {
        Self::start_with("aclfile users.acl\n", tls)
    }

    /// Starts a server whose users are in its configuration, where `CONFIG REWRITE` puts them.
    pub fn start_without_acl_file() -> Self {
        let password = format!(">{ADMIN_PASSWORD}");
        Self::start_with(&users().replace(&password, &format!("{password:?}")), false)
    }

    fn start_with(settings: &str, tls: bool) -> Self {
        let dir = TempDir::with_prefix("redis-").unwrap();
        let tls = tls.then(Certificates::new);
        if let Some(certificates) = &tls {
            certificates.write(dir.path());
        }
        let mut server = Self { process: None, dir, port: free_port(), tls };
        let listen = if server.tls.is_some() {
            "tls-auth-clients no\ntls-ca-cert-file ca.pem\ntls-cert-file server.pem\ntls-key-file server.key\nport 0\ntls-port"
        } else {
            "port"
        };
        let settings = format!("bind {HOST} {OTHER_HOST}\nsave \"\"\n{listen} {}\n{settings}", server.port);
        std::fs::write(server.dir.path().join("redis.conf"), settings).unwrap();
        std::fs::write(server.dir.path().join("users.acl"), users()).unwrap();
        server.start_again();
        server
    }

    /// Starts the server that was stopped. Users are as they were saved.
    pub fn start_again(&mut self) {
        let mut command = program("redis-server");
        command.current_dir(self.dir.path()).arg("redis.conf");
        let answers = || self.login(ADMIN, ADMIN_PASSWORD);
        self.process = Some(Process::start(&mut command, self.log(), "TERM", answers));
    }

    /// Ends the server; its port and the users' file stay.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// The port, on [`HOST`] and [`OTHER_HOST`].
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The log, which has no commands; see `ACL LOG` and `MONITOR`.
    pub fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// The certificate that a client has to trust.
    pub fn ca_pem(&self) -> &str {
        self.tls.as_ref().unwrap().ca_pem()
    }

    /// Runs commands, one a line, as [`ADMIN`]; the answers, one a line.
    pub fn commands(&self, commands: &str) -> String {
        let answers = printed(&run(&mut self.cli(ADMIN, ADMIN_PASSWORD), commands));
        let error = |answer: &str| ["ERR ", "NOAUTH ", "NOPERM "].iter().any(|code| answer.starts_with(code));
        assert!(!answers.lines().any(error), "{answers}");
        answers
    }

    /// Whether a user gets in.
    pub fn login(&self, user: &str, password: &str) -> bool {
        let output = run(&mut self.cli(user, password), "ACL WHOAMI\n");
        let answer = String::from_utf8_lossy(&output.stdout);
        // A user that may not ask has got in all the same.
        output.status.success() && (answer.trim_end() == user || answer.starts_with("NOPERM"))
    }

    fn cli(&self, user: &str, password: &str) -> Command {
        let mut cli = program("redis-cli");
        cli.args(["-h", HOST, "-p", &self.port.to_string(), "--user", user]).env("REDISCLI_AUTH", password);
        if self.tls.is_some() {
            cli.args(["--tls", "--cacert"]).arg(self.dir.path().join("ca.pem"));
        }
        cli
    }
}

fn users() -> String {
    format!("user default off\nuser {ADMIN} on >{ADMIN_PASSWORD} ~* &* +@all\n")
}
