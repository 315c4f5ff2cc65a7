//! Whoever answers in a service's place does not choose how much memory that takes: the real binary, under a limit of the
//! system's own, against servers on loopback whose answers have no end.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test may panic")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// KiB of memory that the process may map, its own code and the stacks of its threads among them.
const MEMORY: u32 = 256 * 1024;
const CHUNK: usize = 64 * 1024;

/// What a server sends before its body, and whether the body is in HTTP's chunks.
type Head = (&'static str, bool);

const ANSWERS: [Head; 4] = [
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true),
    ("HTTP/1.1 200 OK\r\n\r\n", false),
    ("HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n", true),
    ("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n", false),
];

/// Answers each request without end; counts the bytes that were taken.
fn serve((head, is_chunked): Head) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let taken = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&taken);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let counter = Arc::clone(&counter);
            std::thread::spawn(move || answer(stream.unwrap(), head, is_chunked, &counter));
        }
    });
    (address, taken)
}

fn answer(mut stream: TcpStream, head: &str, is_chunked: bool, taken: &AtomicUsize) {
    let _ = stream.read(&mut [0; 16 * 1024]);
    let data = "x".repeat(CHUNK);
    let part = if is_chunked { format!("{CHUNK:x}\r\n{data}\r\n") } else { data };
    let mut sent = stream.write_all(head.as_bytes());
    while sent.is_ok() {
        sent = stream.write_all(part.as_bytes());
        taken.fetch_add(part.len(), Ordering::Relaxed);
    }
}

fn deploy(endpoint: &str, command: &str) -> Output {
    let spec = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/myapp.yaml");
    let mut shell = Command::new("bash");
    shell.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent");
    shell.env("AWS_ENDPOINT_URL", endpoint).env("AWS_ACCESS_KEY_ID", "x").env("AWS_SECRET_ACCESS_KEY", "x");
    let binary = env!("CARGO_BIN_EXE_deploy");
    shell.args(["-c", &format!("ulimit -v {MEMORY} || exit 99; exec {binary} {command} {spec}")]).output().unwrap()
}

#[test]
fn an_answer_without_end_is_refused_in_bounded_memory() {
    for head in ANSWERS {
        let (endpoint, taken) = serve(head);
        for command in ["plan", "status", "teardown --yes", "doctor", "apply --yes"] {
            let ended = deploy(&endpoint, command);
            let told = String::from_utf8_lossy(&ended.stderr).into_owned() + &String::from_utf8_lossy(&ended.stdout);
            assert_eq!(ended.status.code(), Some(1), "{command}, {head:?}: {told}");
            let why = "the answer has more than 1024 KiB, and no answer of the service is so long";
            assert!(told.contains(why) && told.contains("AWS_ENDPOINT_URL"), "{command}, {head:?}: {told}");
        }
        // Some 25 requests of each command, none of them again, and what the sockets hold.
        let most = 5 * 25 * 8 * 1024 * 1024;
        assert!(taken.load(Ordering::Relaxed) < most, "{taken:?} bytes were taken");
    }
}

#[test]
fn a_log_without_end_is_refused_too() {
    let (endpoint, _) = serve(ANSWERS[0]);
    let ended = deploy(&endpoint, "logs");
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("the answer has more than 8192 KiB"), "{told}");
}

#[test]
fn credentials_are_read_to_the_limit_too() {
    let (endpoint, _) = serve(ANSWERS[0]);
    let spec = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/myapp.yaml");
    let mut shell = Command::new("bash");
    shell.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent");
    shell.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &endpoint).env("AWS_EC2_METADATA_DISABLED", "true");
    let binary = env!("CARGO_BIN_EXE_deploy");
    let ended =
        shell.args(["-c", &format!("ulimit -v {MEMORY} || exit 99; exec {binary} plan {spec}")]).output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("the answer has more than 1024 KiB"), "{told}");
}
