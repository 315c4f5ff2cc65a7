//! Real servers for tests: each on a loopback port of its own, with its data in a folder that goes when it goes.
//!
//! What asks them is their own command-line clients, so that a test judges the rotator by other code than its own. All
//! of it comes with `make test`, by `tools/setup servers`. `start` starts what a stable Debian has. `newer`, and what a
//! stable Debian has not, is `None` where it is missing, which is said loudly, and is a failure in CI.
#![allow(dead_code, reason = "each test file uses its own servers")]
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, clippy::must_use_candidate, reason = "tests")]

pub mod mariadb;
pub mod mysql;
pub mod pgbouncer;
pub mod postgres;
pub mod programs;
pub mod redis;
pub mod scripted_mysql;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// The user that may do everything.
pub const ADMIN: &str = "admin";
/// Its password.
pub const ADMIN_PASSWORD: &str = "the-admin's=own";
/// Where the servers listen, and what their certificates are for, besides `localhost`.
pub const HOST: &str = "127.0.0.1";
/// Where they listen too; their certificates don't say so.
pub const OTHER_HOST: &str = "127.0.0.2";

const READY: Duration = Duration::from_secs(30);

/// A server's process, asked to end when dropped, and killed when the tests' own process is.
struct Process {
    child: Child,
    /// It waits for the end of its input, which the tests' process holds, and kills the server then.
    guard: Child,
    /// The signal by which it ends without delay.
    signal: &'static str,
    log: PathBuf,
}

impl Process {
    /// Starts a server and waits until it answers.
    fn start(command: &mut Command, log: PathBuf, signal: &'static str, answers: impl Fn() -> bool) -> Self {
        println!("server: {}", programs::version(command.get_program()));
        let output = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let (stdout, stderr) = (output.try_clone().unwrap(), output);
        let child = command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).spawn();
        let child = child.unwrap_or_else(|error| panic!("{} does not start: {error}", command.get_program().display()));
        let mut guard = Command::new("sh");
        guard.args(["-c", &format!("read _; kill -{signal} {}", child.id())]);
        // In a group of its own, where a signal to the tests' group does not meet it.
        guard.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let guard = guard.spawn().unwrap();
        let mut process = Self { child, guard, signal, log };
        let deadline = Instant::now() + READY;
        while !answers() {
            let ended = process.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "no server, {ended:?}: {}", process.said());
            std::thread::sleep(Duration::from_millis(20));
        }
        process
    }

    /// Sends a signal; the standard library sends only SIGKILL.
    fn send(&self, signal: &str) -> bool {
        let kill = format!("kill -{signal} {}", self.child.id());
        Command::new("sh").args(["-c", &kill]).status().is_ok_and(|status| status.success())
    }

    /// The last that it said.
    fn said(&self) -> String {
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = said.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // After SIGKILL PostgreSQL would leave shared memory behind.
        if !self.send(self.signal) {
            let _ = self.child.kill();
        }
        let _ = self.guard.kill();
        let _ = self.guard.wait();
        let _ = self.child.wait();
    }
}

/// A certificate authority, and a server's certificate by it for [`HOST`] and `localhost`.
pub struct Certificates {
    ca: String,
    certificate: String,
    key: String,
}

impl Certificates {
    /// New ones, which nobody else trusts.
    pub fn new() -> Self {
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "tests' own authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(["localhost".to_owned(), HOST.to_owned()]).unwrap();
        let certificate = server.signed_by(&key, &authority).unwrap();
        Self { ca: authority.pem(), certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// The authority's own certificate.
    pub fn ca_pem(&self) -> &str {
        &self.ca
    }

    /// Writes ca.pem, server.pem and server.key.
    fn write(&self, dir: &Path) {
        for (name, pem) in [("ca.pem", &self.ca), ("server.pem", &self.certificate), ("server.key", &self.key)] {
            std::fs::write(dir.join(name), pem).unwrap();
        }
    }
}

/// A port below those that the system gives to clients, so that nobody gets it by chance while a server restarts.
fn free_port() -> u16 {
    let free = |port: u16| [HOST, OTHER_HOST].iter().all(|host| TcpListener::bind((*host, port)).is_ok());
    let random = std::iter::repeat_with(|| 20_000 + (RandomState::new().hash_one(Ipv4Addr::LOCALHOST) % 12_000));
    random.take(100).map(|port| u16::try_from(port).unwrap()).find(|port| free(*port)).unwrap()
}

/// The user and group as whom a server runs that refuses to be root; `None`: the tests are not root either.
fn unprivileged() -> Option<(u32, u32)> {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let nobody = users.lines().find(|line| line.starts_with("nobody:")).unwrap();
    let ids: Vec<u32> = nobody.split(':').skip(2).take(2).map(|id| id.parse().unwrap()).collect();
    Some((ids[0], ids[1]))
}

/// Runs a client with its script on standard input.
fn run(command: &mut Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A client that could not log in has closed its input already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// What a client printed, without the last line's end.
fn printed(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\n').to_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}
