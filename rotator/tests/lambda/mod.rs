//! The built function, between a runtime API and a Secrets Manager of the test's own on loopback.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use contract::{Config, PasswordPolicy, Target, Template};
use serde_json::{Value, json};

use crate::model::{self, CANARY, State};

/// The function's secret.
pub const ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:a-AbCdEf";

/// An answer on the wire; `None` drops the connection.
pub type Reply = Option<(u16, String)>;
/// What happens at a call of an action instead of the true answer; `None` lets it through.
pub type Fault = Box<dyn Fn(&str, &Value) -> Option<Reply> + Send + Sync>;

/// Secrets Manager, with one secret.
pub struct Aws {
    pub state: Mutex<State>,
    pub calls: Mutex<Vec<String>>,
    /// Asked before a call takes effect.
    fault: Fault,
    /// Asked after it has.
    late_fault: Fault,
    /// Values of other secrets, by name.
    pub others: Vec<(String, String)>,
}

impl Aws {
    pub fn new(with_value: bool, fault: Fault) -> Arc<Self> {
        Arc::new(Self::of(model::secret(with_value).into_inner(), fault, no_fault()))
    }

    pub fn of(state: State, fault: Fault, late_fault: Fault) -> Self {
        Self { state: Mutex::new(state), calls: Mutex::default(), fault, late_fault, others: Vec::new() }
    }

    fn answer(&self, action: &str, body: &Value) -> Reply {
        self.calls.lock().unwrap().push(action.to_owned());
        if let Some(reply) = (self.fault)(action, body) {
            return reply;
        }
        let text = |key: &str| body[key].as_str();
        if let Some((_, value)) = self.others.iter().find(|(name, _)| text("SecretId") == Some(name)) {
            let answer = json!({"ARN": ARN, "VersionId": "other", "SecretString": value, "VersionStages": []});
            return Some((200, answer.to_string()));
        }
        let mut state = self.state.lock().unwrap();
        assert_eq!(text("SecretId"), Some(ARN));
        let result = match action {
            "DescribeSecret" => {
                let ids = state.labels.values().map(|id| (id.clone(), json!(state.of(id))));
                Ok(
                    json!({"ARN": ARN, "VersionIdsToStages": ids.filter(|(_, l)| l != &json!([])).collect::<serde_json::Map<_, _>>()}),
                )
            }
            "GetSecretValue" => {
                let id =
                    text("VersionId").or_else(|| state.holder(text("VersionStage").unwrap())).map(ToOwned::to_owned);
                match id.and_then(|id| state.values.get(&id).map(|value| (id.clone(), value))) {
                    Some((id, value)) => {
                        let created = since_1970().as_secs() - 300;
                        Ok(
                            json!({"ARN": ARN, "VersionId": id, "SecretString": value, "VersionStages": state.of(&id), "CreatedDate": created}),
                        )
                    }
                    None => Err((
                        "ResourceNotFoundException",
                        "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
                    )),
                }
            }
            "PutSecretValue" => {
                let labels: Vec<String> = serde_json::from_value(body["VersionStages"].clone()).unwrap();
                let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
                let id = text("ClientRequestToken").unwrap();
                let put = state.put(id, text("SecretString").unwrap(), &labels);
                put.map(|_| json!({"VersionId": id, "VersionStages": state.of(id)})).map_err(|code| (code, CANARY))
            }
            "UpdateSecretVersionStage" => state
                .update(text("VersionStage").unwrap(), text("RemoveFromVersionId"), text("MoveToVersionId"))
                .map(|()| json!({"ARN": ARN}))
                .map_err(|code| (code, CANARY)),
            other => panic!("{other} is not among the function's actions"),
        };
        drop(state);
        if let Some(reply) = (self.late_fault)(action, body) {
            return reply;
        }
        Some(match result {
            Ok(body) => (200, body.to_string()),
            Err((code, message)) => (400, error(code, message)),
        })
    }
}

pub fn no_fault() -> Fault {
    Box::new(|_, _| None)
}

pub fn error(code: &str, message: &str) -> String {
    json!({"__type": code, "message": message, "Message": message}).to_string()
}

pub fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// Status, further headers and body.
type Response = Option<(u16, String, String)>;

/// Serves requests until the process ends; returns the address.
fn serve(answer: impl Fn(&str, &str, &str, &[u8]) -> Response + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || connection(&stream.unwrap(), &*answer));
        }
    });
    address
}

fn connection(stream: &TcpStream, answer: impl Fn(&str, &str, &str, &[u8]) -> Response) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut first, mut line, mut target, mut length) = (String::new(), String::new(), String::new(), 0);
        reader.read_line(&mut first).ok().filter(|&n| n > 0)?;
        while {
            line.clear();
            reader.read_line(&mut line).ok()? > 2
        } {
            let (name, value) = line.split_once(':')?;
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().ok()?,
                "x-amz-target" => value.trim().clone_into(&mut target),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let mut words = first.split(' ');
        let (status, headers, reply) = answer(words.next()?, words.next()?, &target, &body)?;
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nx-amzn-RequestId: req-1\r\n{headers}\r\n",
            reply.len()
        );
        (&mut &*stream).write_all(format!("{head}{reply}").as_bytes()).ok()?;
    }
}

/// A running function.
pub struct Lambda {
    child: Arc<Mutex<Child>>,
    output: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
    events: Mutex<mpsc::Sender<(Value, Duration)>>,
    answers: Mutex<mpsc::Receiver<Option<Value>>>,
}

/// The built function, and what runs it.
#[derive(Clone)]
pub struct Function {
    /// The program and its arguments.
    pub command: Vec<OsString>,
}

impl Default for Function {
    /// For this machine's processor.
    fn default() -> Self {
        Self { command: vec![env!("CARGO_BIN_EXE_bootstrap").into()] }
    }
}

/// Which function, and what it is configured by, besides its secret.
pub struct Setting {
    pub function: Function,
    pub target: Target,
    pub derived: std::collections::BTreeMap<String, Template>,
    pub environment: Vec<(String, String)>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            function: Function::default(),
            target: Target::None,
            derived: std::collections::BTreeMap::new(),
            environment: Vec::new(),
        }
    }
}

impl Lambda {
    /// Starts the function; `kill` gets what kills it.
    pub fn start(aws: &Arc<Aws>, setting: &Setting, kill: impl FnOnce(Box<dyn Fn() + Send + Sync>)) -> Self {
        let endpoint = {
            let aws = Arc::clone(aws);
            serve(move |_, _, target, body| {
                let action = target.strip_prefix("secretsmanager.").unwrap();
                let (status, body) = aws.answer(action, &serde_json::from_slice(body).unwrap())?;
                Some((status, "Content-Type: application/x-amz-json-1.1\r\n".to_owned(), body))
            })
        };
        let (sender, answers) = mpsc::channel();
        let (events, queue) = mpsc::channel::<(Value, Duration)>();
        let (queue, number) = (Mutex::new(queue), AtomicUsize::new(0));
        let killed = sender.clone();
        let runtime = serve(move |method, _, _, body| {
            if method == "GET" {
                let (event, time) = queue.lock().unwrap().recv().ok()?;
                let number = number.fetch_add(1, Ordering::SeqCst);
                let deadline = (since_1970() + time).as_millis();
                let headers = format!(
                    "Lambda-Runtime-Aws-Request-Id: request-{number}\r\nLambda-Runtime-Deadline-Ms: {deadline}\r\n\
                     Lambda-Runtime-Invoked-Function-Arn: arn:f\r\nLambda-Runtime-Trace-Id: t\r\n"
                );
                return Some((200, headers, event.to_string()));
            }
            let _ = sender.send(Some(serde_json::from_slice::<Value>(body).unwrap()));
            Some((202, String::new(), "{}".to_owned()))
        });
        let command = &setting.function.command;
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .env_clear()
            .envs(Config::static_env(
                Some("password"),
                &PasswordPolicy::default(),
                &setting.target,
                None,
                &setting.derived,
            ))
            .envs([(contract::env::SECRET_ARN, ARN), ("AWS_REGION", "us-east-1"), ("AWS_LAMBDA_FUNCTION_NAME", "f")])
            .envs([("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", CANARY), ("AWS_SESSION_TOKEN", CANARY)])
            .envs([
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
                ("AWS_LAMBDA_RUNTIME_API", &runtime),
            ])
            .envs([
                ("AWS_ENDPOINT_URL", "http://127.0.0.1:9".to_owned()),
                ("AWS_ENDPOINT_URL_SECRETS_MANAGER", format!("http://{endpoint}")),
            ])
            .envs(setting.environment.iter().cloned())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = Arc::<Mutex<String>>::default();
        let readers = vec![read(child.stdout.take().unwrap(), &output), read(child.stderr.take().unwrap(), &output)];
        let child = Arc::new(Mutex::new(child));
        let to_kill = Arc::clone(&child);
        kill(Box::new(move || {
            let _ = to_kill.lock().unwrap().kill();
            let _ = killed.send(None);
        }));
        Self { child, output, readers, events: Mutex::new(events), answers: Mutex::new(answers) }
    }

    /// Has the function answer an event, with `time` left; `None` where it was killed.
    pub fn invoke(&self, event: Value, time: Duration) -> Option<Value> {
        self.events.lock().unwrap().send((event, time)).unwrap();
        self.answers.lock().unwrap().recv_timeout(Duration::from_mins(2)).unwrap()
    }

    /// What the function has written since this was asked last.
    pub fn written(&self) -> String {
        std::mem::take(&mut self.output.lock().unwrap())
    }

    /// Ends the function; gives all that it wrote.
    pub fn end(self) -> String {
        let mut child = self.child.lock().unwrap();
        let _ = child.kill();
        child.wait().unwrap();
        self.readers.into_iter().for_each(|reader| reader.join().unwrap());
        self.output.lock().unwrap().clone()
    }
}

/// Collects what a process writes, line by line.
fn read(from: impl Read + Send + 'static, output: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let output = Arc::clone(output);
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut output = output.lock().unwrap();
            output.push_str(&line);
            output.push('\n');
        }
    })
}
