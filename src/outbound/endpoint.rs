//! Where a service is, and what proves who calls it.

use crate::config::EndpointConfig;
use countersign_transport::secret_file::{SecretFileError, read_secret};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};
use tonic::{
    metadata::{Ascii, MetadataValue},
    transport::{self, Certificate, Channel, ClientTlsConfig, Endpoint},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const KEEPALIVE: Duration = Duration::from_secs(30);

/// A service that can't be called. Each begins with the section of the configuration that names it.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// An endpoint that can't be read.
    #[error("{0}: `{1}` is no endpoint: {2}")]
    Endpoint(&'static str, String, transport::Error),
    /// A token that can't be read.
    #[error("{0}: token_file: {1}")]
    TokenFile(&'static str, SecretFileError),
    /// A token that can't be sent.
    #[error("{0}: the token in {1} has characters that a header can't carry")]
    Token(&'static str, PathBuf),
    /// Authorities that can't be read.
    #[error("{0}: the authorities in {1} can't be read: {2}")]
    CaFile(&'static str, PathBuf, io::Error),
}

/// A connection that is opened when it is needed. `section` is the part of the configuration that names it.
pub(crate) fn channel(
    section: &'static str,
    config: &EndpointConfig,
) -> Result<Channel, EndpointError> {
    let bad = |cause| EndpointError::Endpoint(section, config.url.clone(), cause);
    let mut endpoint = Endpoint::from_shared(config.url.clone())
        .map_err(bad)?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_while_idle(true);
    if config.url.starts_with("https://") {
        let tls = tls(section, config.ca_file.as_deref())?;
        endpoint = endpoint.tls_config(tls).map_err(bad)?;
    }
    Ok(endpoint.connect_lazy())
}

/// The header that carries its own token, or the section's, for those that have none.
pub(crate) fn bearer(
    section: &'static str,
    config: &EndpointConfig,
    token_file: Option<&PathBuf>,
) -> Result<Option<MetadataValue<Ascii>>, EndpointError> {
    let file = config.token_file.as_ref().or(token_file);
    file.map(|file| bearer_in(section, file)).transpose()
}

fn bearer_in(section: &'static str, file: &Path) -> Result<MetadataValue<Ascii>, EndpointError> {
    let token = read_secret(file).map_err(|cause| EndpointError::TokenFile(section, cause))?;
    let mut bearer: MetadataValue<Ascii> = format!("Bearer {}", token.as_str())
        .parse()
        .map_err(|_| EndpointError::Token(section, file.into()))?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

fn tls(section: &'static str, ca_file: Option<&Path>) -> Result<ClientTlsConfig, EndpointError> {
    let Some(file) = ca_file else {
        return Ok(ClientTlsConfig::new().with_native_roots());
    };
    let pem = fs::read(file).map_err(|cause| EndpointError::CaFile(section, file.into(), cause))?;
    Ok(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)))
}
