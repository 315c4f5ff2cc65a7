//! Where a person sits: a folder with spec files, credentials, and the binary.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::bed::{Bed, Keys, root};

const DEPLOY: &str = env!("CARGO_BIN_EXE_deploy");

/// A folder, and an environment with nothing of ours in it.
pub struct Desk {
    folder: TempDir,
    environment: BTreeMap<&'static str, String>,
}

impl Desk {
    /// The desk of the user who deploys.
    pub fn new(bed: &Bed) -> Self {
        let folder = TempDir::new().unwrap();
        let home = folder.path().join("home");
        std::fs::create_dir(&home).unwrap();
        let home = home.to_str().unwrap().to_owned();
        let environment = BTreeMap::from([("HOME", home), ("PATH", "/usr/bin:/bin".to_owned())]);
        let mut desk = Self { folder, environment };
        desk.set("AWS_ENDPOINT_URL", &bed.endpoint);
        desk.set("RUST_LOG", "trace");
        desk.sign_in(&bed.deployer);
        desk
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn set(&mut self, name: &'static str, value: &str) {
        self.environment.insert(name, value.to_owned());
    }

    pub fn unset(&mut self, name: &'static str) {
        self.environment.remove(name);
    }

    pub fn sign_in(&mut self, keys: &Keys) {
        self.set("AWS_ACCESS_KEY_ID", &keys.access_key);
        self.set("AWS_SECRET_ACCESS_KEY", &keys.secret_key);
    }

    /// Writes a file.
    pub fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        let path = self.folder().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Runs the binary to its end: `desk.deploy("apply stack.yaml --yes")`.
    pub fn deploy(&self, arguments: &str) -> Ran {
        self.start(arguments).end()
    }

    /// Starts the binary. There is no terminal.
    pub fn start(&self, arguments: &str) -> Running {
        let mut command = Command::new(DEPLOY);
        command.args(arguments.split_whitespace());
        self.run(command, format!("deploy {arguments}"))
    }

    /// Starts a shell's script that runs the binary as `$DEPLOY`.
    pub fn shell(&self, script: &str) -> Running {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        self.run(command, script.to_owned())
    }

    /// Runs the binary on a terminal to its end: once it has written `shown`, `then` is typed, where it is no signal's name.
    pub fn at_terminal(&self, arguments: &str, shown: &str, then: &str) -> Ran {
        let python =
            std::env::var_os("TESTBED_PYTHON").map_or_else(|| root().join("target/venv/bin/python"), Into::into);
        let mut command = Command::new(python);
        command.arg(root().join("deployer/tests/integration/terminal.py")).args([shown, then, DEPLOY]);
        command.args(arguments.split_whitespace());
        self.run(command, format!("deploy {arguments}, at a terminal")).end()
    }

    fn run(&self, mut command: Command, text: String) -> Running {
        let mut child = command
            .current_dir(self.folder())
            .env_clear()
            .envs(&self.environment)
            .env("DEPLOY", DEPLOY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, err) = (collect(child.stdout.take()), collect(child.stderr.take()));
        Running { command: text, child, out, err }
    }
}

fn collect(pipe: Option<impl std::io::Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = Vec::new();
        pipe.unwrap().read_to_end(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    })
}

/// A run of the binary.
pub struct Running {
    command: String,
    child: Child,
    out: JoinHandle<String>,
    err: JoinHandle<String>,
}

impl Running {
    /// What every process of this machine can see of it.
    pub fn command_line(&self) -> String {
        let mut text = Vec::new();
        std::fs::File::open(format!("/proc/{}/cmdline", self.child.id())).unwrap().read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Whether it is still running.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends a signal: `INT`, `KILL`.
    pub fn signal(&self, name: &str) {
        let kill = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(kill.unwrap().success());
    }

    /// Waits for its end, and kills it where that does not come in time: then it has no code.
    pub fn end_within(mut self, limit: Duration) -> Ran {
        let start = Instant::now();
        while self.is_running() {
            if start.elapsed() > limit {
                self.child.kill().unwrap();
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.end()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ran {
        let status = self.child.wait().unwrap();
        Ran { command: self.command, status, out: self.out.join().unwrap(), err: self.err.join().unwrap() }
    }
}

/// A run that has ended.
#[derive(Debug)]
pub struct Ran {
    command: String,
    status: ExitStatus,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// It must have ended with that code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code(), Some(code), "{}\n--- stdout\n{}\n--- stderr\n{}", self.command, self.out, self.err);
        self
    }

    /// Both of its outputs must have that text in them, taken together.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.all().contains(text), "{} does not say {text:?}:\n{}", self.command, self.all());
        self
    }

    pub fn all(&self) -> String {
        format!("{}\n{}", self.out, self.err)
    }

    /// Its result as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|why| panic!("{}: {why}\n{}", self.command, self.all()))
    }
}
