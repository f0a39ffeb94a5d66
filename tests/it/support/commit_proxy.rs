//! A way to PostgreSQL on which a commit can get lost. It understands as much of the frontend protocol as that takes.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};

/// What happens to a commit whose answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LostCommit {
    /// It is carried out before the connection breaks.
    CarriedOut,
    /// It is carried out a moment after the connection broke.
    CarriedOutLater,
    /// It never arrives.
    NeverArrives,
}

/// How long a commit is held that is carried out later.
const HELD_FOR: Duration = Duration::from_millis(100);

/// What the server says once it has carried out the last message: `ReadyForQuery`, idle.
const IDLE: &[u8] = b"Z\0\0\0\x05I";

/// What the first message is about, where it asks for TLS.
const TLS_REQUEST: [u8; 4] = 80_877_103_u32.to_be_bytes();

/// Writes that calls make. Those of workers pass.
const WRITES: [&str; 7] = [
    "INTO accounts",
    "UPDATE accounts",
    "DELETE FROM accounts",
    "INSERT INTO ended_challenges",
    "INSERT INTO events",
    "INTO policies",
    "UPDATE policies",
];

/// A way to PostgreSQL.
pub(crate) struct CommitProxy {
    pub(crate) port: u16,
    armed: Armed,
}

/// Which commit gets lost, counted from the next one, and how.
type Armed = Arc<Mutex<Option<(usize, LostCommit)>>>;

impl CommitProxy {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let armed = Armed::default();
        let of_connections = Arc::clone(&armed);
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server).await.unwrap();
                let connection = Connection {
                    client,
                    server,
                    armed: Arc::clone(&of_connections),
                    received: Vec::new(),
                    is_started: false,
                    statements: HashMap::new(),
                    is_in_transaction: false,
                    has_written: false,
                };
                connections.spawn(connection.forward());
            }
        });
        Self { port, armed }
    }

    pub(crate) fn lose(&self, nth: usize, how: LostCommit) {
        *self.armed.lock().unwrap() = Some((nth, how));
    }

    /// Whether no commit got lost yet.
    pub(crate) fn is_armed(&self) -> bool {
        self.armed.lock().unwrap().is_some()
    }

    /// Loses nothing any more. How many more it would have let pass; nothing if it lost one.
    pub(crate) fn lose_nothing(&self) -> Option<usize> {
        let armed = self.armed.lock().unwrap().take();
        armed.map(|(before, _)| before)
    }
}

struct Connection {
    client: TcpStream,
    server: TcpStream,
    armed: Armed,
    /// Of the client, and not forwarded yet.
    received: Vec<u8>,
    is_started: bool,
    /// The SQL of each prepared statement.
    statements: HashMap<Vec<u8>, String>,
    is_in_transaction: bool,
    has_written: bool,
}

impl Connection {
    async fn forward(mut self) {
        let (mut sent, mut response) = ([0; 8192], [0; 8192]);
        loop {
            tokio::select! {
                read = self.client.read(&mut sent) => {
                    let Ok(count @ 1..) = read else { return };
                    self.received.extend_from_slice(&sent[..count]);
                    while let Some(message) = self.next_message() {
                        if let Some(lost) = self.loss_of(&message) {
                            return self.lose(&message, lost).await;
                        }
                        if self.server.write_all(&message).await.is_err() {
                            return;
                        }
                    }
                }
                read = self.server.read(&mut response) => {
                    let Ok(count @ 1..) = read else { return };
                    if self.client.write_all(&response[..count]).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// The next complete message; the first has no type before its length.
    fn next_message(&mut self) -> Option<Vec<u8>> {
        let start = usize::from(self.is_started);
        let length = self.received.get(start..start + 4)?;
        let length = u32::from_be_bytes(length.try_into().unwrap());
        let end = start + usize::try_from(length).unwrap();
        if self.received.len() < end {
            return None;
        }
        let message: Vec<u8> = self.received.drain(..end).collect();
        // A client that asks for TLS first begins again.
        self.is_started = self.is_started || message[4..] != TLS_REQUEST;
        Some(message)
    }

    /// How the commit gets lost that this message makes, if it does.
    fn loss_of(&mut self, message: &[u8]) -> Option<LostCommit> {
        let commits = match message[0] {
            b'P' => {
                let (name, rest) = string(&message[5..]);
                let sql = String::from_utf8_lossy(string(rest).0).into_owned();
                self.statements.insert(name.to_vec(), sql);
                false
            }
            b'B' => {
                let (_, rest) = string(&message[5..]);
                let sql = self.statements.get(string(rest).0);
                let writes = |sql: &String| WRITES.iter().any(|write| sql.contains(write));
                self.has_written |= sql.is_some_and(writes);
                false
            }
            b'Q' => {
                let (sql, _) = string(&message[5..]);
                self.is_in_transaction = sql.starts_with(b"BEGIN");
                sql == b"COMMIT" && self.has_written
            }
            b'S' => !self.is_in_transaction && self.has_written,
            _ => false,
        };
        if commits || (message[0] == b'Q' && !self.is_in_transaction) {
            self.has_written = false;
        }
        let mut armed = self.armed.lock().unwrap();
        match armed.as_mut().filter(|_| commits)? {
            (0, _) => armed.take().map(|(_, how)| how),
            (before, _) => {
                *before -= 1;
                None
            }
        }
    }

    async fn lose(self, commit: &[u8], how: LostCommit) {
        let Self {
            client, mut server, ..
        } = self;
        match how {
            LostCommit::CarriedOut => {
                carry_out(&mut server, commit).await;
                drop(client);
            }
            LostCommit::CarriedOutLater => {
                drop(client);
                sleep(HELD_FOR).await;
                carry_out(&mut server, commit).await;
            }
            LostCommit::NeverArrives => {}
        }
    }
}

async fn carry_out(server: &mut TcpStream, commit: &[u8]) {
    server.write_all(commit).await.unwrap();
    let mut response = Vec::new();
    let done = async {
        while !response.ends_with(IDLE) {
            assert!(server.read_buf(&mut response).await.unwrap() > 0);
        }
    };
    timeout(Duration::from_secs(5), done).await.unwrap();
}

/// A string that ends with a zero byte, and what is behind it.
fn string(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap();
    (&bytes[..end], &bytes[end + 1..])
}
