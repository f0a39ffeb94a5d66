//! A proxy in front of Redis: counts round trips, and can lead new connections to another server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinSet,
    time::timeout,
};

/// What is sent within this of each other is one round trip: it does not wait for an answer.
const TOGETHER: Duration = Duration::from_millis(100);

/// A way to a Redis on this machine.
pub(crate) struct RedisProxy {
    port: u16,
    server: Arc<AtomicU16>,
    round_trips: Arc<AtomicU64>,
}

impl RedisProxy {
    pub(crate) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Arc::new(AtomicU16::new(server));
        let round_trips = Arc::new(AtomicU64::new(0));
        let (target, counter) = (Arc::clone(&server), Arc::clone(&round_trips));
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move {
            let mut ways = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let target = ("127.0.0.1", target.load(Ordering::SeqCst));
                let Ok(server) = TcpStream::connect(target).await else {
                    continue;
                };
                let (client_reads, mut client_writes) = client.into_split();
                let (mut server_reads, server_writes) = server.into_split();
                ways.spawn(requests(client_reads, server_writes, Arc::clone(&counter)));
                ways.spawn(async move {
                    let _closed = tokio::io::copy(&mut server_reads, &mut client_writes).await;
                });
            }
        });
        Self {
            port,
            server,
            round_trips,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// New connections lead to another server. Those that are open stay where they are.
    pub(crate) fn lead_to(&self, server: u16) {
        self.server.store(server, Ordering::SeqCst);
    }

    pub(crate) fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::SeqCst)
    }
}

async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, round_trips: Arc<AtomicU64>) {
    let mut sent = Vec::new();
    while let Ok(1..) = from.read_buf(&mut sent).await {
        while let Ok(Ok(1..)) = timeout(TOGETHER, from.read_buf(&mut sent)).await {}
        round_trips.fetch_add(1, Ordering::SeqCst);
        if to.write_all(&sent).await.is_err() {
            return;
        }
        sent.clear();
    }
}
