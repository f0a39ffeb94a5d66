//! Listening.

use crate::{
    config::{ServerConfig, TlsConfig},
    server::start_error::StartError,
};
use std::{fs, path::Path, time::Duration};
use tonic::transport::{Identity, ServerTlsConfig, server::TcpIncoming};

/// How long a peer may take for its handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// Binds the configured address.
///
/// # Errors
/// [`StartError::Listen`] if it is taken or not ours.
pub fn listen(config: &ServerConfig) -> Result<TcpIncoming, StartError> {
    let bound = TcpIncoming::bind(config.listen)
        .map_err(|cause| StartError::Listen(config.listen, cause))?;
    Ok(bound.with_nodelay(Some(true)))
}

/// The certificate that callers see, where there is one.
///
/// # Errors
/// [`StartError::Tls`] if its files can't be read.
pub(super) fn tls(config: &ServerConfig) -> Result<Option<ServerTlsConfig>, StartError> {
    let Some(TlsConfig { cert, key }) = &config.tls else {
        return Ok(None);
    };
    let read =
        |file: &Path| fs::read(file).map_err(|cause| StartError::Tls(file.to_path_buf(), cause));
    let identity = Identity::from_pem(read(cert)?, read(key)?);
    Ok(Some(
        ServerTlsConfig::new().identity(identity).timeout(HANDSHAKE),
    ))
}
