//! A proxy in front of the emulator that counts calls, and holds one up where a test wants to look around.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::bed::Bed;

/// How long a call may keep a test waiting.
const PATIENCE: Duration = Duration::from_secs(30);

/// Forwards all that it gets. One request a connection: both sides are told to close.
pub struct Proxy {
    pub endpoint: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    upstream: String,
    calls: Mutex<Vec<String>>,
    holds: Mutex<Vec<Hold>>,
}

/// On which way a call is held up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The emulator does not know of it yet.
    Asked,
    /// The emulator has done it; the answer is held up.
    Answered,
}

struct Hold {
    call: String,
    when: When,
    arrived: Sender<()>,
    released: Receiver<()>,
}

/// A call that is going to be held up. It goes on when this value goes.
pub struct Held {
    arrived: Receiver<()>,
    _released: Sender<()>,
}

impl Held {
    /// Waits for the call.
    pub fn wait(&self) {
        self.arrived.recv_timeout(PATIENCE).expect("the call was never made");
    }
}

impl Proxy {
    pub fn of(bed: &Bed) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let upstream = bed.endpoint.trim_start_matches("http://").to_owned();
        let state = Arc::new(State { upstream, ..State::default() });
        let served = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let served = Arc::clone(&served);
                // Who was killed while its call was held up gets no answer.
                std::thread::spawn(move || drop(served.forward(client.unwrap())));
            }
        });
        Self { endpoint, state }
    }

    /// Holds up the next call of that name, for example `iam:CreateRole`.
    pub fn hold(&self, call: &str, when: When) -> Held {
        let ((arriving, arrived), (releasing, released)) = (channel(), channel());
        let hold = Hold { call: call.to_owned(), when, arrived: arriving, released };
        self.state.holds.lock().unwrap().push(hold);
        Held { arrived, _released: releasing }
    }

    /// How often each call was made since the last look.
    pub fn take(&self) -> BTreeMap<String, usize> {
        let mut counted = BTreeMap::new();
        for call in self.state.calls.lock().unwrap().drain(..) {
            *counted.entry(call).or_default() += 1;
        }
        counted
    }
}

/// Whether a call may change anything.
pub fn mutates(call: &str) -> bool {
    let (_, operation) = call.split_once(':').unwrap();
    !["Get", "List", "Describe", "Filter"].iter().any(|verb| operation.starts_with(verb))
}

impl State {
    fn forward(&self, mut client: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(client.try_clone()?);
        let (mut head, mut length) = (Vec::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let header = line.trim_end().to_owned();
            let lower = header.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if header.is_empty() {
                break;
            }
            if !lower.starts_with("connection:") {
                head.push(header);
            }
        }
        if head.is_empty() {
            // A connection that was kept ready, and never used.
            return Ok(());
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let call = name(&head, &body);
        self.calls.lock().unwrap().push(call.clone());
        self.hold_up(&call, When::Asked);
        let mut upstream = TcpStream::connect(&self.upstream)?;
        upstream.write_all(format!("{}\r\nconnection: close\r\n\r\n", head.join("\r\n")).as_bytes())?;
        upstream.write_all(&body)?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer)?;
        self.hold_up(&call, When::Answered);
        client.write_all(&answer)
    }

    fn hold_up(&self, call: &str, when: When) {
        let mut holds = self.holds.lock().unwrap();
        let Some(at) = holds.iter().position(|hold| hold.call == call && hold.when == when) else { return };
        let hold = holds.remove(at);
        drop(holds);
        let _ = hold.arrived.send(());
        // Nothing is ever sent: it ends when the test lets go.
        let _ = hold.released.recv();
    }
}

/// A request's name as IAM has it: `iam:GetRole`.
fn name(head: &[String], body: &[u8]) -> String {
    let header = |name: &str| {
        let fits = |line: &&String| line.to_ascii_lowercase().starts_with(name);
        head.iter().find(fits).map(|line| line[name.len()..].trim().to_owned())
    };
    // Credential=AKID/20260101/us-east-1/SERVICE/aws4_request
    let signed = header("authorization:").unwrap_or_default();
    let service = signed.split('/').nth(3).unwrap_or("unsigned").to_owned();
    let body = String::from_utf8_lossy(body);
    let operation = match (header("x-amz-target:"), body.strip_prefix("Action=")) {
        (Some(target), _) => target.rsplit('.').next().unwrap().to_owned(),
        (None, Some(query)) => query.split('&').next().unwrap().to_owned(),
        (None, None) => rest(&service, &head[0]),
    };
    format!("{service}:{operation}")
}

/// Lambda and EventBridge Scheduler name their operations by method and path.
fn rest(service: &str, request: &str) -> String {
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let path: Vec<&str> = path.split('?').next().unwrap().trim_matches('/').split('/').collect();
    let verb = |noun: &str| match method {
        "GET" => format!("Get{noun}"),
        "POST" => format!("Create{noun}"),
        "PUT" => format!("Update{noun}"),
        _ => format!("Delete{noun}"),
    };
    match (service, path.as_slice()) {
        ("scheduler", ["schedules"]) => "ListSchedules".to_owned(),
        ("scheduler", ["schedules", _]) => verb("Schedule"),
        ("scheduler", ["schedule-groups", _]) => verb("ScheduleGroup"),
        ("lambda", [_, "functions"] | [_, "functions", _]) => verb("Function"),
        ("lambda", [_, "functions", _, "event-invoke-config"]) if method == "PUT" => {
            "PutFunctionEventInvokeConfig".to_owned()
        }
        ("lambda", [_, "functions", _, "event-invoke-config"]) => verb("FunctionEventInvokeConfig"),
        ("lambda", [_, "functions", _, "policy"]) if method == "GET" => "GetPolicy".to_owned(),
        ("lambda", [_, "functions", _, "policy"]) => "AddPermission".to_owned(),
        ("lambda", [_, "functions", _, "policy", _]) => "RemovePermission".to_owned(),
        ("lambda", [_, "functions", _, "configuration"]) => verb("FunctionConfiguration"),
        ("lambda", [_, "functions", _, "code"]) => verb("FunctionCode"),
        ("lambda", [_, "functions", _, "invocations"]) => "InvokeFunction".to_owned(),
        ("scheduler", ["tags", ..]) | ("lambda", [_, "tags", ..]) if method == "GET" => {
            "ListTagsForResource".to_owned()
        }
        ("scheduler", ["tags", ..]) | ("lambda", [_, "tags", ..]) if method == "DELETE" => "UntagResource".to_owned(),
        ("scheduler", ["tags", ..]) | ("lambda", [_, "tags", ..]) => "TagResource".to_owned(),
        _ => request.to_owned(),
    }
}
