//! A proxy in front of the emulator that counts calls, holds one up where a test wants to look around, has one never
//! come back, or has it go wrong.

mod fault;
mod name;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub use fault::Fault;

use crate::bed::Bed;
use crate::desk::Running;

/// How long a call may keep a test waiting.
const PATIENCE: Duration = Duration::from_secs(30);
/// How late a slow answer is: later than anybody waits who says `--request-timeout 1`.
const LATE: Duration = Duration::from_secs(3);

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
    refusals: Mutex<BTreeMap<String, String>>,
    trap: Mutex<Option<Trap>>,
    under_way: AtomicUsize,
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

/// Which calls go wrong, from the one on that springs the trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// That one alone.
    Once,
    /// It, and every later one of its name.
    SameName,
    /// It, and every later one.
    Everything,
}

enum Deed {
    /// It is never answered; where it was only asked, the emulator never hears of it.
    Vanish(When, Sender<()>),
    Fault(Fault, Extent),
}

/// Springs at one call.
struct Trap {
    call: String,
    /// How many of its name are still to come before it.
    ahead: usize,
    is_sprung: bool,
    deed: Deed,
}

/// What is done with a call.
enum Fate {
    Pass,
    Vanish(When, Sender<()>),
    Fault(Fault),
}

/// A call that is never going to be answered.
pub struct Vanishing(Receiver<()>);

impl Vanishing {
    /// Waits for the call; false where the run has ended without it.
    pub fn wait(&self, running: &mut Running) -> bool {
        let start = Instant::now();
        loop {
            match self.0.recv_timeout(Duration::from_millis(20)) {
                Ok(()) => return true,
                Err(RecvTimeoutError::Timeout) if !running.is_running() => return self.0.try_recv().is_ok(),
                Err(_) => assert!(start.elapsed() < PATIENCE, "the call was never made"),
            }
        }
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
                served.under_way.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    // Who was killed while its call was held up gets no answer.
                    drop(served.forward(client.unwrap()));
                    served.under_way.fetch_sub(1, Ordering::SeqCst);
                });
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

    /// Answers all calls of that name with an error of that code, for example `ThrottlingException`; none arrives.
    pub fn refuse(&self, call: &str, code: &str) {
        self.state.refusals.lock().unwrap().insert(call.to_owned(), code.to_owned());
    }

    /// Waits until calls of that name have been made that often.
    pub fn wait_for(&self, call: &str, times: usize) {
        let start = Instant::now();
        let made = || self.state.calls.lock().unwrap().iter().filter(|made| *made == call).count();
        while made() < times {
            assert!(start.elapsed() < PATIENCE, "{call} was made {} times", made());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// How often each call was made since the last look.
    pub fn take(&self) -> BTreeMap<String, usize> {
        let mut counted = BTreeMap::new();
        for call in self.take_in_order() {
            *counted.entry(call).or_default() += 1;
        }
        counted
    }

    /// The calls since the last look, one after another.
    pub fn take_in_order(&self) -> Vec<String> {
        std::mem::take(&mut self.state.calls.lock().unwrap())
    }

    /// The call of that name with that many of its name before it, from now on, never comes back.
    pub fn vanish(&self, call: &str, ahead: usize, when: When) -> Vanishing {
        let (arriving, arrived) = channel();
        self.set(call, ahead, Deed::Vanish(when, arriving));
        Vanishing(arrived)
    }

    /// The call of that name with that many of its name before it, from now on, goes wrong.
    pub fn fault(&self, call: &str, ahead: usize, fault: Fault, extent: Extent) {
        self.set(call, ahead, Deed::Fault(fault, extent));
    }

    fn set(&self, call: &str, ahead: usize, deed: Deed) {
        *self.state.trap.lock().unwrap() = Some(Trap { call: call.to_owned(), ahead, is_sprung: false, deed });
    }

    /// Nothing goes wrong any more, and nothing is under way. Tells whether anything has.
    pub fn disarm(&self) -> bool {
        let trap = self.state.trap.lock().unwrap().take();
        let start = Instant::now();
        while self.state.under_way.load(Ordering::SeqCst) > 0 {
            assert!(start.elapsed() < PATIENCE, "a call never comes to its end");
            std::thread::sleep(Duration::from_millis(5));
        }
        trap.is_some_and(|trap| trap.is_sprung)
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
        let call = name::name(&head, &body);
        self.calls.lock().unwrap().push(call.clone());
        match self.fate(&call) {
            Fate::Pass => {
                self.hold_up(&call, When::Asked);
                let refusal = self.refusals.lock().unwrap().get(&call).cloned();
                if let Some(code) = refusal {
                    return client.write_all(&fault::error(&call, 400, &code, "refused by the test"));
                }
                let answer = self.ask(&head, &body)?;
                self.hold_up(&call, When::Answered);
                client.write_all(&answer)
            }
            Fate::Vanish(when, arrived) => {
                if when == When::Answered {
                    self.ask(&head, &body)?;
                }
                let _ = arrived.send(());
                // Until whoever asked is gone.
                reader.read_to_end(&mut Vec::new()).map(drop)
            }
            Fate::Fault(fault) => {
                let done = fault.takes_effect().then(|| self.ask(&head, &body)).transpose()?;
                let spoiled = done.as_deref().unwrap_or_default();
                match (fault, fault.answer(&call, &String::from_utf8_lossy(&body))) {
                    (_, Some(answer)) => client.write_all(&answer),
                    (Fault::Slow, None) => {
                        std::thread::sleep(LATE);
                        client.write_all(spoiled)
                    }
                    // All of the head, and half of what it says will follow.
                    (Fault::Truncated, None) => client.write_all(&spoiled[..middle(spoiled)]),
                    _ => socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)),
                }
            }
        }
    }

    fn ask(&self, head: &[String], body: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut upstream = TcpStream::connect(&self.upstream)?;
        upstream.write_all(format!("{}\r\nconnection: close\r\n\r\n", head.join("\r\n")).as_bytes())?;
        upstream.write_all(body)?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer)?;
        Ok(answer)
    }

    fn fate(&self, call: &str) -> Fate {
        let mut trap = self.trap.lock().unwrap();
        let Some(trap) = trap.as_mut() else { return Fate::Pass };
        let is_it = trap.call == call;
        let springs = is_it && trap.ahead == 0 && !trap.is_sprung;
        trap.ahead = trap.ahead.saturating_sub(usize::from(is_it));
        trap.is_sprung |= springs;
        match &trap.deed {
            Deed::Vanish(when, arrived) if springs => Fate::Vanish(*when, arrived.clone()),
            Deed::Fault(fault, extent) => {
                let later = match extent {
                    Extent::Once => false,
                    Extent::SameName => trap.is_sprung && is_it,
                    Extent::Everything => trap.is_sprung,
                };
                if springs || later { Fate::Fault(*fault) } else { Fate::Pass }
            }
            Deed::Vanish(..) => Fate::Pass,
        }
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

/// Where an answer is cut: in its body, or, where it has none, in its head.
fn middle(answer: &[u8]) -> usize {
    let body = answer.windows(4).position(|end| end == b"\r\n\r\n").map_or(0, |at| at + 4);
    if body == answer.len() { body / 2 } else { usize::midpoint(body, answer.len()) }
}
