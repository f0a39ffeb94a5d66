//! A bound address, of TCP or of a Unix domain socket.

use crate::config::{ListenAddress, is_localhost};
use std::{
    fs, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream, lookup_host};
use tokio_util::either::Either;

/// A connection that was accepted.
pub type SocketStream = Either<TcpStream, UnixStream>;

/// A bound address.
pub enum BoundSocket {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix domain socket, and its file.
    Unix(UnixListener, SocketFile),
}

/// The file of a Unix domain socket, which is removed with it.
pub struct SocketFile {
    path: PathBuf,
    inode: u64,
}

/// An address that can't be bound.
#[derive(Debug, thiserror::Error)]
#[error("can't listen on {address}: {cause}")]
pub struct ListenError {
    address: ListenAddress,
    cause: io::Error,
}

impl BoundSocket {
    /// Binds an address.
    ///
    /// # Errors
    /// [`ListenError`] if it is taken or not ours.
    pub async fn bind(address: &ListenAddress) -> Result<Self, ListenError> {
        let bound = match address {
            ListenAddress::Socket(address) => TcpListener::bind(address).await.map(Self::Tcp),
            ListenAddress::Host { name, port } => bind_host(name, *port).await.map(Self::Tcp),
            ListenAddress::AllInterfaces(port) => bind_all(*port).await.map(Self::Tcp),
            ListenAddress::Unix(path) => bind_unix(path).await,
        };
        bound.map_err(|cause| ListenError {
            address: address.clone(),
            cause,
        })
    }

    /// The next connection.
    ///
    /// # Errors
    /// If the system has no room for it.
    pub async fn accept(&self) -> io::Result<SocketStream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _peer) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Either::Left(stream))
            }
            Self::Unix(listener, _file) => Ok(Either::Right(listener.accept().await?.0)),
        }
    }

    /// The address that was bound.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn address(&self) -> io::Result<ListenAddress> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(ListenAddress::Socket),
            Self::Unix(_, file) => Ok(ListenAddress::Unix(file.path.clone())),
        }
    }
}

/// IPv4 first, as clients try it. `localhost` is bound on loopback whatever the machine's name service says, because
/// plaintext is allowed there.
async fn bind_host(name: &str, port: u16) -> io::Result<TcpListener> {
    let found = lookup_host((name, port)).await?;
    let mut addresses: Vec<SocketAddr> = found
        .filter(|address| !is_localhost(name) || address.ip().is_loopback())
        .collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    TcpListener::bind(addresses.as_slice()).await
}

/// Both families, or IPv4 alone where the machine has no IPv6.
async fn bind_all(port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
        Err(cause) if cause.kind() != io::ErrorKind::AddrInUse => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
        }
        bound => bound,
    }
}

async fn bind_unix(path: &Path) -> io::Result<BoundSocket> {
    remove_stale(path).await?;
    let listener = UnixListener::bind(path)?;
    let inode = fs::symlink_metadata(path)?.ino();
    let file = SocketFile {
        path: path.to_path_buf(),
        inode,
    };
    Ok(BoundSocket::Unix(listener, file))
}

/// A process that was killed leaves its socket behind. One that answers is in use, and other files are not ours.
async fn remove_stale(path: &Path) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if !is_socket {
        return Ok(());
    }
    match UnixStream::connect(path).await {
        Err(cause) if cause.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        _ => Ok(()),
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let found = fs::symlink_metadata(&self.path).map(|found| found.ino());
        if found.is_ok_and(|inode| inode == self.inode) {
            let _gone_or_not = fs::remove_file(&self.path);
        }
    }
}
