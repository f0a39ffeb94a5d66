//! Listening: so many connections and no more, each of which has to get through its handshake and say something soon.

use crate::{
    config::{ListenAddress, ServerConfig},
    socket::{BoundSocket, ListenError, SocketStream},
};
use futures_util::stream;
use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{Instant, Sleep, sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::Stream;
use tokio_util::either::Either;
use tonic::transport::server::Connected;

/// How long a peer may take for its TLS handshake.
const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a peer may take to say that it speaks HTTP/2.
const PREFACE_TIMEOUT: Duration = Duration::from_secs(10);

/// What it says then: the connection preface (RFC 9113 §3.4). After that, keepalive asks whether it lives.
const HTTP2_PREFACE_BYTES: usize = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();

/// How long to wait after the system could not accept a connection: it may have no file descriptors for the moment.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// How often it is said that there is no place for a connection.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);

/// A bound address, and who may connect to it.
pub struct BoundListener {
    entrance: ConnectionAcceptor,
    longest: Duration,
    tls: Option<TlsAcceptor>,
    shaking_hands: JoinSet<Option<AcceptedConnection>>,
}

/// Where connections come in, as many as there are places. Others wait in the system's queue.
struct ConnectionAcceptor {
    socket: BoundSocket,
    places: Arc<Semaphore>,
    warned_at: Option<Instant>,
}

/// A connection, which holds its place until it ends.
pub struct AcceptedConnection {
    io: Either<SocketStream, Box<TlsStream<SocketStream>>>,
    /// Until it has said that it speaks HTTP/2.
    silence: Option<IdleTimeouts>,
    /// Asked to reconnect, it may go on for as long as a stream of it is open: for ever, without this.
    ends: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

/// How long a peer may be silent.
struct IdleTimeouts {
    ends: Pin<Box<Sleep>>,
    bytes_to_come: usize,
}

/// Binds the configured address.
///
/// # Errors
/// [`ListenError`] if it is taken or not ours.
pub async fn listen(
    config: &ServerConfig,
    tls: Option<Arc<rustls::ServerConfig>>,
) -> Result<BoundListener, ListenError> {
    let socket = BoundSocket::bind(&config.listen).await?;
    Ok(BoundListener {
        longest: longest(config),
        entrance: ConnectionAcceptor {
            socket,
            places: Arc::new(Semaphore::new(
                config.max_connections.min(Semaphore::MAX_PERMITS),
            )),
            warned_at: None,
        },
        tls: tls.map(TlsAcceptor::from),
        shaking_hands: JoinSet::new(),
    })
}

/// No connection lives longer: the age at which it is asked to reconnect, a tenth of jitter, and a call begun just then.
fn longest(config: &ServerConfig) -> Duration {
    let age = Duration::from_secs(config.max_connection_age_seconds);
    age + age / 10 + Duration::from_secs(config.deadline_seconds)
}

impl BoundListener {
    /// The address that was bound.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn local_addr(&self) -> io::Result<ListenAddress> {
        self.entrance.socket.address()
    }

    /// The connections that come.
    pub fn connections(self) -> impl Stream<Item = io::Result<AcceptedConnection>> + Send {
        stream::unfold(self, |mut listener| async {
            Some((Ok(listener.next().await), listener))
        })
    }

    /// Handshakes run beside each other: a slow one holds up nobody.
    async fn next(&mut self) -> AcceptedConnection {
        loop {
            let (stream, permit) = tokio::select! {
                Some(shaken) = self.shaking_hands.join_next() => match shaken {
                    Ok(Some(connection)) => return connection,
                    Ok(None) | Err(_) => continue,
                },
                accepted = self.entrance.accept() => accepted,
            };
            match self.tls.clone() {
                None => return AcceptedConnection::new(Either::Left(stream), permit, self.longest),
                Some(tls) => {
                    let shaken = shake_hands(tls, stream, permit, self.longest);
                    drop(self.shaking_hands.spawn(shaken));
                }
            }
        }
    }
}

async fn shake_hands(
    tls: TlsAcceptor,
    stream: SocketStream,
    permit: OwnedSemaphorePermit,
    longest: Duration,
) -> Option<AcceptedConnection> {
    let shaken = timeout(TLS_HANDSHAKE_TIMEOUT, tls.accept(stream)).await;
    let encrypted = shaken.ok()?.ok()?;
    Some(AcceptedConnection::new(
        Either::Right(Box::new(encrypted)),
        permit,
        longest,
    ))
}

impl ConnectionAcceptor {
    async fn accept(&mut self) -> (SocketStream, OwnedSemaphorePermit) {
        loop {
            let permit = self.acquire_permit().await;
            match self.socket.accept().await {
                Ok(stream) => return (stream, permit),
                Err(cause) => {
                    self.warn(format_args!("connections could not be accepted: {cause}"));
                    sleep(ACCEPT_RETRY_DELAY).await;
                }
            }
        }
    }

    async fn acquire_permit(&mut self) -> OwnedSemaphorePermit {
        if let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() {
            return permit;
        }
        self.warn(format_args!(
            "all of server.max_connections are taken: new ones wait"
        ));
        let permit = Arc::clone(&self.places).acquire_owned().await;
        permit.expect("the places are never closed")
    }

    /// Not for each connection: there may be thousands.
    fn warn(&mut self, of: fmt::Arguments<'_>) {
        let since_warning = self.warned_at.map(|at| at.elapsed());
        if since_warning.is_none_or(|ago| ago >= WARNING_INTERVAL) {
            self.warned_at = Some(Instant::now());
            tracing::warn!("{of}");
        }
    }
}

impl AcceptedConnection {
    fn new(
        io: Either<SocketStream, Box<TlsStream<SocketStream>>>,
        permit: OwnedSemaphorePermit,
        longest: Duration,
    ) -> Self {
        let silence = IdleTimeouts {
            ends: Box::pin(sleep(PREFACE_TIMEOUT)),
            bytes_to_come: HTTP2_PREFACE_BYTES,
        };
        Self {
            io,
            silence: Some(silence),
            ends: Box::pin(sleep(longest)),
            _permit: permit,
        }
    }

    /// Notes what was read; an error once the peer has been silent, or there, for too long.
    fn hear(&mut self, read: usize, context: &mut Context<'_>) -> io::Result<()> {
        if self.ends.as_mut().poll(context).is_ready() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let Some(silence) = &mut self.silence else {
            return Ok(());
        };
        silence.bytes_to_come = silence.bytes_to_come.saturating_sub(read);
        if silence.bytes_to_come == 0 {
            self.silence = None;
            return Ok(());
        }
        match silence.ends.as_mut().poll(context) {
            Poll::Pending => Ok(()),
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl AsyncRead for AcceptedConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(context, buffer);
        let read = buffer.filled().len() - before;
        self.hear(read, context)?;
        polled
    }
}

impl AsyncWrite for AcceptedConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

impl Connected for AcceptedConnection {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}
