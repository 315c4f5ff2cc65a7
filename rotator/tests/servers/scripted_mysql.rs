use std::io::{Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::HOST;

/// MySQL's side of the protocol, by script: it lets everyone in, answers as it is told, and remembers what it was asked.
pub struct ScriptedMysql {
    port: u16,
    queries: Arc<Mutex<Vec<String>>>,
}

/// What a query is answered.
pub enum Answer {
    /// Done.
    Done,
    /// An error with this code.
    Refused(u16),
    /// Rows of texts.
    Rows(&'static [&'static [&'static str]]),
}

type Script = Arc<dyn Fn(&str) -> Option<Answer> + Send + Sync>;

/// Capabilities: long passwords, a database at login, protocol 4.1, transactions, secure connections, plugins.
const CAPABILITIES: u32 = 0x1 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x8_0000;

impl ScriptedMysql {
    /// A server of this version. What the script leaves open is done; locks are free.
    pub fn start(version: &'static str, script: impl Fn(&str) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((HOST, 0)).unwrap();
        let (port, queries) = (listener.local_addr().unwrap().port(), Arc::<Mutex<Vec<String>>>::default());
        let (script, asked): (Script, _) = (Arc::new(script), queries.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, asked) = (script.clone(), asked.clone());
                std::thread::spawn(move || serve(stream, version, &script, &asked));
            }
        });
        Self { port, queries }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it was asked to change.
    pub fn changes(&self) -> Vec<String> {
        let queries = self.queries.lock().unwrap();
        queries.iter().filter(|query| !query.starts_with("SE") && !query.starts_with("SHOW ")).cloned().collect()
    }
}

fn serve(mut stream: TcpStream, version: &str, script: &Script, asked: &Mutex<Vec<String>>) -> Result<()> {
    let mut greeting = vec![10];
    greeting.extend(version.bytes());
    greeting.extend([0, 1, 0, 0, 0]);
    greeting.extend(b"12345678\0");
    let [c0, c1, c2, c3] = CAPABILITIES.to_le_bytes();
    greeting.extend([c0, c1, 45, 2, 0, c2, c3, 21]);
    greeting.extend([0; 10]);
    greeting.extend(b"123456789012\0mysql_native_password\0");
    send(&mut stream, 0, &greeting)?;
    receive(&mut stream)?;
    send(&mut stream, 2, &[0, 0, 0, 2, 0, 0, 0])?;
    loop {
        let command = receive(&mut stream)?;
        let [3, query @ ..] = command.as_slice() else { return Ok(()) };
        let query = String::from_utf8_lossy(query).into_owned();
        let usual = || match query.as_str() {
            "SELECT VERSION()" => None,
            query if query.contains("_LOCK(") => Some(Answer::Rows(&[&["1"]])),
            _ => Some(Answer::Done),
        };
        let answer = script(&query).or_else(usual);
        asked.lock().unwrap().push(query);
        match answer {
            None => rows(&mut stream, &[&[version]])?,
            Some(Answer::Rows(all)) => rows(&mut stream, all)?,
            Some(Answer::Done) => send(&mut stream, 1, &[0, 0, 0, 2, 0, 0, 0])?,
            Some(Answer::Refused(code)) => {
                let [low, high] = code.to_le_bytes();
                let mut packet = vec![0xff, low, high];
                packet.extend(b"#HY000what the server says of canary");
                send(&mut stream, 1, &packet)?;
            }
        }
    }
}

fn rows(stream: &mut TcpStream, rows: &[&[&str]]) -> Result<()> {
    const END: [u8; 5] = [0xfe, 0, 0, 2, 0];
    let columns = rows.first().map_or(1, |row| row.len());
    let mut packets = vec![vec![u8::try_from(columns).unwrap()]];
    for _ in 0..columns {
        let mut column = b"\x03def\0\0\0\x01c\0\x0c".to_vec();
        column.extend([45, 0, 255, 255, 0, 0, 253, 0, 0, 0, 0, 0]);
        packets.push(column);
    }
    packets.push(END.to_vec());
    for row in rows {
        let texts = row.iter().flat_map(|text| {
            let length = u16::try_from(text.len()).unwrap().to_le_bytes();
            [0xfc, length[0], length[1]].into_iter().chain(text.bytes())
        });
        packets.push(texts.collect());
    }
    packets.push(END.to_vec());
    for (number, packet) in (1..).zip(packets) {
        send(stream, number, &packet)?;
    }
    Ok(())
}

fn send(stream: &mut TcpStream, number: u8, payload: &[u8]) -> Result<()> {
    let mut packet = u32::try_from(payload.len()).unwrap().to_le_bytes().to_vec();
    packet[3] = number;
    packet.extend(payload);
    stream.write_all(&packet)
}

fn receive(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut head = [0; 4];
    stream.read_exact(&mut head)?;
    head[3] = 0;
    let mut payload = vec![0; u32::from_le_bytes(head) as usize];
    stream.read_exact(&mut payload)?;
    Ok(payload)
}
