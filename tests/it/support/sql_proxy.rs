//! A proxy in front of PostgreSQL. It weakens the SQL text of a real store on its way, for negative controls, and cuts
//! a connection when a commit is done and nobody has heard of it yet.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Handle,
};

/// Protocol 3.0, as the first message of a client names it.
const STARTUP: [u8; 4] = [0, 3, 0, 0];

/// A replacement in every statement that passes.
struct StatementRewrite {
    from: &'static str,
    to: &'static str,
    applied: AtomicUsize,
}

struct Shared {
    server: String,
    rewrites: Vec<StatementRewrite>,
    cuts_commits: AtomicBool,
    cuts: AtomicUsize,
}

/// A proxy for one database.
pub(crate) struct SqlProxy {
    /// The URL of the database through the proxy.
    pub(crate) url: String,
    shared: Arc<Shared>,
}

impl SqlProxy {
    /// In front of the database of a URL. Each rewrite is a text and its replacement.
    pub(crate) async fn start(
        database_url: &str,
        rewrites: &[(&'static str, &'static str)],
    ) -> Self {
        let (head, rest) = database_url.split_once('@').unwrap();
        let (server, path) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let rewrites = rewrites.iter().map(|&(from, to)| StatementRewrite {
            from,
            to,
            applied: AtomicUsize::new(0),
        });
        let shared = Arc::new(Shared {
            server: server.to_owned(),
            rewrites: rewrites.collect(),
            cuts_commits: AtomicBool::new(false),
            cuts: AtomicUsize::new(0),
        });
        let of_connections = Arc::clone(&shared);
        Handle::current().spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = Arc::clone(&of_connections);
                Handle::current().spawn(async move {
                    // A connection that ends is no failure: stores and tests close them.
                    drop(serve(client, &shared).await);
                });
            }
        });
        Self {
            url: format!("{head}@127.0.0.1:{port}/{path}"),
            shared,
        }
    }

    /// From now on, the connection of each commit is cut when the server has said that it is done.
    pub(crate) fn cut_after_commits(&self) {
        self.shared.cuts_commits.store(true, Ordering::SeqCst);
    }

    /// How many connections were cut.
    pub(crate) fn cuts(&self) -> usize {
        self.shared.cuts.load(Ordering::SeqCst)
    }

    /// Every rewrite met the text that it replaces: otherwise a control shows nothing.
    pub(crate) fn assert_all_applied(&self) {
        for rewrite in &self.shared.rewrites {
            let applied = rewrite.applied.load(Ordering::SeqCst);
            assert!(applied > 0, "no statement has the text {:?}", rewrite.from);
        }
    }
}

impl Shared {
    fn rewrite(&self, body: Vec<u8>) -> Vec<u8> {
        let Ok(mut text) = String::from_utf8(body.clone()) else {
            return body;
        };
        for rewrite in &self.rewrites {
            if text.contains(rewrite.from) {
                text = text.replace(rewrite.from, rewrite.to);
                rewrite.applied.fetch_add(1, Ordering::SeqCst);
            }
        }
        text.into_bytes()
    }
}

async fn serve(mut client: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut server = TcpStream::connect(&shared.server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    loop {
        let length = client.read_u32().await?;
        let mut body = vec![0; length as usize - 4];
        client.read_exact(&mut body).await?;
        if body.starts_with(&STARTUP) {
            server.write_u32(length).await?;
            server.write_all(&body).await?;
            break;
        }
        // It asks for encryption.
        client.write_all(b"N").await?;
    }
    let (client_reads, client_writes) = client.split();
    let (server_reads, server_writes) = server.split();
    tokio::select! {
        ended = forward_statements(client_reads, server_writes, shared) => ended,
        ended = forward_answers(server_reads, client_writes, shared) => ended,
    }
}

async fn forward_statements(
    mut client: impl AsyncRead + Unpin,
    mut server: impl AsyncWrite + Unpin,
    shared: &Shared,
) -> std::io::Result<()> {
    loop {
        let (kind, body) = message(&mut client).await?;
        let body = match kind {
            b'P' | b'Q' => shared.rewrite(body),
            _ => body,
        };
        send(&mut server, kind, &body).await?;
    }
}

async fn forward_answers(
    mut server: impl AsyncRead + Unpin,
    mut client: impl AsyncWrite + Unpin,
    shared: &Shared,
) -> std::io::Result<()> {
    loop {
        let (kind, body) = message(&mut server).await?;
        let is_commit = kind == b'C' && body.starts_with(b"COMMIT");
        if is_commit && shared.cuts_commits.load(Ordering::SeqCst) {
            shared.cuts.fetch_add(1, Ordering::SeqCst);
            return Ok(());
        }
        send(&mut client, kind, &body).await?;
    }
}

async fn message(from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<(u8, Vec<u8>)> {
    let kind = from.read_u8().await?;
    let length = from.read_u32().await?;
    let mut body = vec![0; length as usize - 4];
    from.read_exact(&mut body).await?;
    Ok((kind, body))
}

async fn send(to: &mut (impl AsyncWrite + Unpin), kind: u8, body: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(body.len() + 4).unwrap();
    let message = [&[kind], length.to_be_bytes().as_slice(), body].concat();
    to.write_all(&message).await
}
