//! A proxy before a server, which knows the client's messages and can fail at any of them.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::answer::{self, Code, Message};
use crate::bench::Engine;

/// What happens at a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The connection is cut before the server has it.
    Before,
    /// The server has it and answers; the connection is cut before the client has the answer.
    After,
    /// The client is killed before the server has it.
    KillBefore,
    /// The client is killed once the server has answered.
    KillAfter,
    /// From here on, the server is gone.
    Down,
    /// The server has done it, and the client gets an error.
    Replaced(Code),
    /// The server does not get it, and the client gets an error.
    NotDone(Code),
    /// The server has done it; from its answer on, nothing passes on this connection any more, which stays open.
    Silent,
    /// The same, from the message on.
    Swallowed,
}

type Kill = Box<dyn Fn() + Send + Sync>;

struct Shared {
    engine: Engine,
    server: u16,
    trouble: Mutex<Option<(usize, Cut)>>,
    kill: Mutex<Arc<Kill>>,
    /// Since [`Proxy::arm`] was called.
    messages: Mutex<Vec<Message>>,
    /// Connections from before have no part in it.
    generation: AtomicUsize,
    down: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

/// The proxy; it serves as long as the process runs.
pub struct Proxy {
    shared: Arc<Shared>,
    port: u16,
}

impl Proxy {
    /// Starts before the server at that port.
    pub fn start(engine: Engine, server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let nothing: Kill = Box::new(|| ());
        let shared = Arc::new(Shared {
            engine,
            server,
            trouble: Mutex::default(),
            kill: Mutex::new(Arc::new(nothing)),
            messages: Mutex::default(),
            generation: AtomicUsize::new(0),
            down: AtomicBool::new(false),
            open: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || shared.connection(&client));
            }
        });
        Self { shared, port }
    }

    /// Counts from here on, and is to fail at the message of that number. Connections stay as they are.
    pub fn arm(&self, trouble: Option<(usize, Cut)>, kill: impl Fn() + Send + Sync + 'static) {
        self.shared.generation.fetch_add(1, Ordering::SeqCst);
        *self.shared.trouble.lock().unwrap() = trouble;
        *self.shared.kill.lock().unwrap() = Arc::new(Box::new(kill));
        self.shared.messages.lock().unwrap().clear();
        self.shared.down.store(false, Ordering::SeqCst);
    }

    /// Ends all connections.
    pub fn close_all(&self) {
        self.shared.close_all();
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// What the client has sent.
    pub fn messages(&self) -> Vec<Message> {
        self.shared.messages.lock().unwrap().clone()
    }
}

/// The server's answers on one connection.
#[derive(Default)]
struct Answers {
    /// Whether they are kept from the client.
    held: AtomicBool,
    /// PostgreSQL's state after the last; 0 during the login.
    state: AtomicU8,
}

impl Answers {
    fn state(&self) -> Option<u8> {
        Some(self.state.load(Ordering::SeqCst)).filter(|state| *state != 0)
    }
}

impl Shared {
    fn close_all(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn kill(&self) {
        let kill = Arc::clone(&self.kill.lock().unwrap());
        kill();
    }

    fn connection(self: Arc<Self>, client: &TcpStream) -> Option<()> {
        if self.down.load(Ordering::SeqCst) {
            return None;
        }
        let generation = self.generation.load(Ordering::SeqCst);
        let server = TcpStream::connect(("127.0.0.1", self.server)).ok()?;
        for stream in [client, &server] {
            stream.set_nodelay(true).ok()?;
            self.open.lock().unwrap().push(stream.try_clone().ok()?);
        }
        let (answers, (sender, held)) = (Arc::<Answers>::default(), channel());
        {
            let (from, to) = (server.try_clone().ok()?, client.try_clone().ok()?);
            let (engine, answers) = (self.engine, Arc::clone(&answers));
            std::thread::spawn(move || pass_answers(engine, from, to, &answers, &sender));
        }
        let is_open = self.pass_messages(client, &server, generation, &answers, &held) == Some(true);
        if !is_open {
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        }
        Some(())
    }

    /// `Some(true)` where the connection stays open.
    fn pass_messages(
        &self,
        client: &TcpStream,
        server: &TcpStream,
        generation: usize,
        answers: &Answers,
        held: &Receiver<()>,
    ) -> Option<bool> {
        let mut buffer = [0; 16_384];
        let (mut from, mut to, mut back) = (client, server, client);
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let bytes = &buffer[..length];
            let message = Message::read(self.engine, bytes, answers.state().is_some());
            let cut = self.cut(generation, message);
            let mut done = |bytes: Option<&[u8]>| {
                answers.held.store(true, Ordering::SeqCst);
                bytes.map_or(Ok(()), |bytes| to.write_all(bytes)).ok()?;
                if bytes.is_some() {
                    wait(held, message.is_answered);
                }
                Some(())
            };
            match cut {
                None => to.write_all(bytes).ok()?,
                Some(Cut::Before) => break,
                Some(Cut::KillBefore) => {
                    self.kill();
                    break;
                }
                Some(Cut::After) => {
                    done(Some(bytes))?;
                    break;
                }
                Some(Cut::KillAfter) => {
                    done(Some(bytes))?;
                    self.kill();
                    break;
                }
                Some(Cut::Down) => {
                    self.down.store(true, Ordering::SeqCst);
                    self.close_all();
                    break;
                }
                Some(Cut::Silent | Cut::Swallowed) => {
                    done(Some(bytes).filter(|_| cut == Some(Cut::Silent)))?;
                    while let Ok(1..) = from.read(&mut buffer) {}
                    return Some(true);
                }
                Some(Cut::Replaced(code) | Cut::NotDone(code)) => {
                    let instead = answer::refused_instead(self.engine, bytes).filter(|_| !message.is_login);
                    done(if matches!(cut, Some(Cut::Replaced(_))) { Some(bytes) } else { instead.as_deref() })?;
                    let state = answers.state().filter(|_| !message.is_login);
                    back.write_all(&answer::error(self.engine, code, bytes, state)).ok()?;
                    if message.is_login {
                        break;
                    }
                    answers.held.store(false, Ordering::SeqCst);
                }
            }
        }
        None
    }

    /// What is to happen at a message, which is counted.
    fn cut(&self, generation: usize, message: Message) -> Option<Cut> {
        if generation != self.generation.load(Ordering::SeqCst) {
            return None;
        }
        let mut messages = self.messages.lock().unwrap();
        messages.push(message);
        let number = messages.len() - 1;
        self.trouble.lock().unwrap().filter(|(at, _)| *at == number).map(|(_, cut)| cut)
    }
}

fn pass_answers(engine: Engine, mut from: TcpStream, mut to: TcpStream, answers: &Answers, held: &Sender<()>) {
    let mut buffer = [0; 16_384];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..length];
        if let Some(state) = answer::state(engine, bytes) {
            answers.state.store(state, Ordering::SeqCst);
        }
        if answers.held.load(Ordering::SeqCst) {
            let _ = held.send(());
        } else if to.write_all(bytes).is_err() {
            break;
        }
    }
    if !answers.held.load(Ordering::SeqCst) {
        let _ = to.shutdown(Shutdown::Both);
    }
}

/// Waits for the whole of an answer, the last of which comes close after the first.
fn wait(held: &Receiver<()>, is_answered: bool) {
    let first = Duration::from_millis(if is_answered { 5000 } else { 100 });
    if held.recv_timeout(first).is_ok() {
        while held.recv_timeout(Duration::from_millis(30)).is_ok() {}
    }
}
