//! Listening: TCP with nothing in the clear off loopback.

use crate::{config::ServerConfig, server::choose::StartError};
use tonic::transport::server::TcpIncoming;

/// Connections as they come in.
pub type Incoming = TcpIncoming;

/// Binds the configured address.
///
/// # Errors
/// [`StartError::Listen`] if it is taken or not ours.
pub fn incoming(config: &ServerConfig) -> Result<Incoming, StartError> {
    let bound = TcpIncoming::bind(config.listen)
        .map_err(|cause| StartError::Listen(config.listen, cause))?;
    Ok(bound.with_nodelay(Some(true)))
}
