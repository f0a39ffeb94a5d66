//! Where a service is, and what proves who calls it.

use crate::config::EndpointConfig;
use countersign_transport::secret_file::{SecretFileError, read_secret};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
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

/// The connection to a service. It is opened on first use, and replaced after a call that got no answer in time: a peer
/// that is gone without a word answers nothing, and TCP notices that late.
///
/// Keepalive pings would notice it too, but many servers close connections whose client pings more than every few minutes.
pub(crate) struct ServiceChannel {
    endpoint: Endpoint,
    current: Mutex<ServiceConnection>,
}

/// One connection, with its number.
#[derive(Clone)]
pub(crate) struct ServiceConnection {
    pub(crate) channel: Channel,
    number: u64,
}

impl ServiceChannel {
    /// `section` is the part of the configuration that names the service.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub(crate) fn new(
        section: &'static str,
        config: &EndpointConfig,
    ) -> Result<Self, EndpointError> {
        let endpoint = endpoint(section, config)?;
        let current = Mutex::new(ServiceConnection {
            channel: endpoint.connect_lazy(),
            number: 0,
        });
        Ok(Self { endpoint, current })
    }

    /// The connection for the next call.
    pub(crate) fn current(&self) -> ServiceConnection {
        self.lock().clone()
    }

    /// Makes later calls use a new connection, unless they do already. Calls on the old one go on.
    pub(crate) fn replace(&self, mute: &ServiceConnection) {
        let mut current = self.lock();
        if current.number == mute.number {
            *current = ServiceConnection {
                channel: self.endpoint.connect_lazy(),
                number: mute.number.wrapping_add(1),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, ServiceConnection> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn endpoint(section: &'static str, config: &EndpointConfig) -> Result<Endpoint, EndpointError> {
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
    Ok(endpoint)
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
