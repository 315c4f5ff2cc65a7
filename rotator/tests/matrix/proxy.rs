//! A proxy before a server, which counts the client's messages and can fail at any of them.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

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
}

type Kill = Box<dyn Fn() + Send + Sync>;

struct Shared {
    server: u16,
    trouble: Mutex<Option<(usize, Cut)>>,
    kill: Mutex<Arc<Kill>>,
    messages: AtomicUsize,
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
    pub fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let nothing: Kill = Box::new(|| ());
        let shared = Arc::new(Shared {
            server,
            trouble: Mutex::default(),
            kill: Mutex::new(Arc::new(nothing)),
            messages: AtomicUsize::new(0),
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

    /// Begins anew: without connections, and to fail at the message of that number.
    pub fn arm(&self, trouble: Option<(usize, Cut)>, kill: impl Fn() + Send + Sync + 'static) {
        self.shared.close_all();
        *self.shared.trouble.lock().unwrap() = trouble;
        *self.shared.kill.lock().unwrap() = Arc::new(Box::new(kill));
        self.shared.messages.store(0, Ordering::SeqCst);
        self.shared.down.store(false, Ordering::SeqCst);
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many messages the client has sent.
    pub fn messages(&self) -> usize {
        self.shared.messages.load(Ordering::SeqCst)
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
        let server = TcpStream::connect(("127.0.0.1", self.server)).ok()?;
        for stream in [client, &server] {
            stream.set_nodelay(true).ok()?;
            self.open.lock().unwrap().push(stream.try_clone().ok()?);
        }
        // An answer that the client must not see is read here, and dropped.
        let mute = Arc::new(AtomicBool::new(false));
        let answered = {
            let (mut from, mut to, mute) = (server.try_clone().ok()?, client.try_clone().ok()?, Arc::clone(&mute));
            let (sender, receiver) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                let mut buffer = [0; 16_384];
                while let Ok(length @ 1..) = from.read(&mut buffer) {
                    if mute.load(Ordering::SeqCst) {
                        let _ = sender.send(());
                    } else if to.write_all(&buffer[..length]).is_err() {
                        break;
                    }
                }
                let _ = to.shutdown(Shutdown::Both);
            });
            receiver
        };
        let mut buffer = [0; 16_384];
        let (mut from, mut to) = (client, &server);
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let number = self.messages.fetch_add(1, Ordering::SeqCst);
            let trouble = *self.trouble.lock().unwrap();
            let cut = trouble.filter(|(at, _)| *at == number).map(|(_, cut)| cut);
            match cut {
                None => to.write_all(&buffer[..length]).ok()?,
                Some(Cut::Before) => break,
                Some(Cut::KillBefore) => {
                    self.kill();
                    break;
                }
                Some(Cut::After | Cut::KillAfter) => {
                    mute.store(true, Ordering::SeqCst);
                    to.write_all(&buffer[..length]).ok()?;
                    // Some messages, like a farewell, have no answer.
                    let _ = answered.recv_timeout(std::time::Duration::from_millis(300));
                    if cut == Some(Cut::KillAfter) {
                        self.kill();
                    }
                    break;
                }
                Some(Cut::Down) => {
                    self.down.store(true, Ordering::SeqCst);
                    self.close_all();
                    break;
                }
            }
        }
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
        Some(())
    }
}
