//! A way to a server that can fall silent: it stays open, takes what is sent, and gives nothing back.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Notify,
    task::JoinSet,
};

/// A way to a server on this machine.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    silence: Arc<Silence>,
}

#[derive(Default)]
struct Silence {
    /// Connections of an earlier generation are silent for ever.
    generation: AtomicU32,
    /// New ones are silent too.
    complete: AtomicBool,
    /// Wakes those that are to be closed.
    cut: Notify,
}

impl Silence {
    fn falls_on(&self, generation: u32) -> bool {
        self.complete.load(Ordering::SeqCst) || self.generation.load(Ordering::SeqCst) != generation
    }
}

impl Proxy {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let silence = Arc::new(Silence::default());
        let of_connections = Arc::clone(&silence);
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move {
            let mut ways = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let generation = of_connections.generation.load(Ordering::SeqCst);
                let (client_reads, client_writes) = client.into_split();
                let server = TcpStream::connect(server).await.unwrap();
                let (server_reads, server_writes) = server.into_split();
                let silence = || Arc::clone(&of_connections);
                ways.spawn(forward(client_reads, server_writes, silence(), generation));
                ways.spawn(forward(server_reads, client_writes, silence(), generation));
            }
        });
        Self { port, silence }
    }

    /// Nothing comes through any more.
    pub(crate) fn fall_silent(&self) {
        self.silence.complete.store(true, Ordering::SeqCst);
    }

    /// Closes every connection that is open.
    pub(crate) fn cut(&self) {
        self.silence.cut.notify_waiters();
    }

    /// New connections come through again; those that are open are never heard of again.
    pub(crate) fn open_again(&self) {
        self.silence.generation.fetch_add(1, Ordering::SeqCst);
        self.silence.complete.store(false, Ordering::SeqCst);
    }
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    silence: Arc<Silence>,
    generation: u32,
) {
    let mut buffer = [0; 4096];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            () = silence.cut.notified() => return,
        };
        let Ok(count @ 1..) = read else { return };
        if silence.falls_on(generation) {
            // Neither closed nor answered.
            std::future::pending::<()>().await;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
