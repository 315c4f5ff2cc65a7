//! An emulator, and a way to read and change it behind the deployer's back.
//!
//! It is started by tools/testbed.py with the Python that `TESTBED_PYTHON` names, by default the one that `make` sets up.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use serde_json::{Value, json};

/// The account that the emulator is, as far as the deployer's own user is concerned.
pub const ACCOUNT: &str = "123456789012";

/// What somebody signs with.
#[derive(Debug, Clone)]
pub struct Keys {
    pub access_key: String,
    pub secret_key: String,
}

impl Keys {
    fn of(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        Self { access_key: text("access_key"), secret_key: text("secret_key") }
    }
}

/// A running emulator. It ends with the value, and with the process whatever ends that.
pub struct Bed {
    pub endpoint: String,
    /// The user who deploys: it may do all that deploying takes, and is denied every secret's value.
    pub deployer: Keys,
    // In this order they end: first who reads, then what is read.
    reader: Mutex<Piped>,
    server: Mutex<Piped>,
}

impl Bed {
    /// MiniStack: runs functions and enforces IAM.
    pub fn ministack() -> Self {
        Self::start(&[])
    }

    /// moto: neither, but another opinion on everything else.
    pub fn moto() -> Self {
        Self::start(&["--moto"])
    }

    fn start(options: &[&str]) -> Self {
        require_rotator();
        let mut server = Piped::python(&[&["tools/testbed.py", "serve"], options].concat());
        let mut reader = Piped::python(&["deployer/tests/integration/reader.py"]);
        let ready = server.receive();
        let endpoint = ready["endpoint"].as_str().unwrap().to_owned();
        reader.send(&endpoint);
        Self { endpoint, deployer: Keys::of(&ready), reader: Mutex::new(reader), server: Mutex::new(server) }
    }

    /// A boto3 call as root that must succeed: `bed.call("iam", "get_role", json!({"RoleName": "x"}))`.
    #[track_caller]
    pub fn call(&self, service: &str, method: &str, params: Value) -> Value {
        self.attempt(service, method, params).unwrap_or_else(|why| panic!("{service}.{method}: {why}"))
    }

    /// A boto3 call as root; where it fails, the error's code and message.
    pub fn attempt(&self, service: &str, method: &str, params: Value) -> Result<Value, String> {
        let mut reader = self.reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut call = json!({"service": service, "method": method});
        call["params"] = params;
        reader.send(&call.to_string());
        let mut answer = reader.receive();
        match answer.get("error") {
            Some(error) => Err(format!("{}: {}", error["code"], error["message"])),
            None => Ok(answer["ok"].take()),
        }
    }

    /// All that there is in the account, but for secrets' values and for what changes by itself.
    pub fn inventory(&self) -> Value {
        self.call("account", "inventory", json!({}))
    }

    /// The same of what has that text in its name alone: of a case among others that come and go meanwhile.
    pub fn inventory_of(&self, naming: &str) -> Value {
        self.call("account", "inventory", json!({"naming": naming}))
    }

    /// The names of all that there is.
    pub fn names(&self) -> Vec<String> {
        let inventory = self.inventory();
        let kinds = inventory.as_object().unwrap().iter();
        kinds
            .flat_map(|(kind, all)| all.as_object().unwrap().keys().map(move |name| format!("{kind} {name}")))
            .collect()
    }

    /// A new user with that policy, and nothing else.
    pub fn user(&self, name: &str, statements: &Value) -> Keys {
        let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        self.call("iam", "create_user", json!({"UserName": name}));
        self.call("iam", "put_user_policy", json!({"UserName": name, "PolicyName": "p", "PolicyDocument": policy}));
        let key = self.call("iam", "create_access_key", json!({"UserName": name}));
        let text = |field: &str| key["AccessKey"][field].as_str().unwrap().to_owned();
        Keys { access_key: text("AccessKeyId"), secret_key: text("SecretAccessKey") }
    }

    /// Takes all that there is away, users included, and gives the new keys of the user who deploys.
    pub fn reset(&self) -> Keys {
        let upstream = self.endpoint.trim_start_matches("http://");
        let mut stream = TcpStream::connect(upstream).unwrap();
        let request = format!("POST /_ministack/reset HTTP/1.1\r\nhost: {upstream}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        self.deployer_of(ACCOUNT)
    }

    /// A deployer's keys in another account of the same emulator.
    pub fn deployer_of(&self, account: &str) -> Keys {
        let mut server = self.server.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        server.send(account);
        Keys::of(&server.receive())
    }
}

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The architecture of the functions that the emulator can run: this machine's.
pub const fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

/// The function that the deployer carries.
pub fn rotator() -> Vec<u8> {
    std::fs::read(bootstrap()).unwrap()
}

fn bootstrap() -> PathBuf {
    let folder = std::env::var_os("ROTATOR_DIR").map_or_else(|| root().join("target/lambda"), PathBuf::from);
    folder.join(architecture()).join("bootstrap")
}

/// The deployer that is tested was built with the function inside, or no test means anything.
fn require_rotator() {
    let bootstrap = bootstrap();
    assert!(bootstrap.exists(), "{} is not there: run `make rotator`, then test again", bootstrap.display());
}

/// A process that answers lines with lines, and ends when it is asked nothing more.
struct Piped {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Piped {
    fn python(arguments: &[&str]) -> Self {
        let ours = || root().join("target/venv/bin/python");
        let python = std::env::var_os("TESTBED_PYTHON").map_or_else(ours, PathBuf::from);
        let mut child = Command::new(&python)
            .args(arguments)
            .current_dir(root())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|why| panic!("{}: {why}; `make test` sets up the emulators", python.display()));
        let (stdin, stdout) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout }
    }

    fn send(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the emulator, or its reader, has ended; what it printed says why");
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}
