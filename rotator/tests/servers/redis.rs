use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::programs::Programs;
use super::{ADMIN, ADMIN_PASSWORD, Certificates, HOST, OTHER_HOST, Process, READY, free_port, printed, run};

/// A Redis or Valkey server with no default user; it speaks TLS only, or none.
pub struct Redis {
    /// First, so that the server ends before its folder goes.
    process: Option<Process>,
    dir: TempDir,
    port: u16,
    tls: Option<Certificates>,
    programs: Programs,
    /// `redis` or `valkey`.
    make: &'static str,
}

/// The users are in a file, where `ACL SAVE` puts them.
const IN_FILE: &str = "aclfile users.acl\n";

impl Redis {
    /// Starts the machine's own, whose users are in a file, where `ACL SAVE` puts them.
    pub fn start(tls: bool) -> Self {
        Self::of("redis", Programs::machine(), IN_FILE, tls)
    }

    /// Starts the machine's own, whose users are in its configuration, where `CONFIG REWRITE` puts them.
    pub fn start_without_acl_file() -> Self {
        let password = format!(">{ADMIN_PASSWORD}");
        Self::of("redis", Programs::machine(), &users().replace(&password, &format!("{password:?}")), false)
    }

    /// Starts version 8 or later, as [`Self::start`] does.
    pub fn newer(tls: bool) -> Option<Self> {
        Some(Self::of("redis", Programs::newer("Redis 8")?, IN_FILE, tls))
    }

    /// Starts Valkey 9 or later, as [`Self::start`] does.
    pub fn valkey(tls: bool) -> Option<Self> {
        Some(Self::of("valkey", Programs::newer("Valkey 9")?, IN_FILE, tls))
    }

    fn of(make: &'static str, programs: Programs, settings: &str, tls: bool) -> Self {
        let dir = TempDir::with_prefix("redis-").unwrap();
        let tls = tls.then(Certificates::new);
        if let Some(certificates) = &tls {
            certificates.write(dir.path());
        }
        let mut server = Self { process: None, dir, port: free_port(), tls, programs, make };
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
        let mut command = self.programs.command(&format!("{}-server", self.make));
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
        let mut cli = self.programs.command(&format!("{}-cli", self.make));
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

/// A cluster of three servers of version 8 or later, each of which has a third of the slots, and users of its own.
pub struct RedisCluster {
    /// The servers.
    pub nodes: [Redis; 3],
}

impl RedisCluster {
    /// Starts the servers and joins them.
    pub fn start() -> Option<Self> {
        let start = || {
            let port = free_port();
            let settings = format!("{IN_FILE}cluster-enabled yes\ncluster-port {port}\n");
            Some((Redis::of("redis", Programs::newer("a cluster of Redis 8")?, &settings, false), port))
        };
        let [(first, bus), second, third] = [start()?, start()?, start()?];
        let nodes = [first, second.0, third.0];
        let slots = ["0 5460", "5461 10922", "10923 16383"];
        for (number, (node, slots)) in nodes.iter().zip(slots).enumerate() {
            node.commands(&format!("CLUSTER SET-CONFIG-EPOCH {}\nCLUSTER ADDSLOTSRANGE {slots}\n", number + 1));
        }
        for node in &nodes[1..] {
            node.commands(&format!("CLUSTER MEET {HOST} {} {bus}\n", nodes[0].port));
        }
        let is_joined = |node: &Redis| {
            let info = node.commands("CLUSTER INFO\n");
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        };
        let deadline = Instant::now() + READY;
        while !nodes.iter().all(is_joined) {
            assert!(Instant::now() < deadline, "no cluster: {}", nodes[0].commands("CLUSTER NODES\n"));
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { nodes })
    }
}
