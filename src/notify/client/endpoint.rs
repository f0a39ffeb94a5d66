//! Where a notifier is, and how it is reached.

use crate::{
    config::EndpointConfig, proto::notifier::notifier_service_client::NotifierServiceClient,
};
use countersign_domain::country::NotACountry;
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

/// The largest answer of a notifier that is read, in bytes.
const MAX_ANSWER: usize = 16 * 1024;

/// Notifiers that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BadNotifier {
    /// An endpoint that can't be read.
    #[error("notifiers: `{0}` is no endpoint: {1}")]
    Endpoint(String, transport::Error),
    /// A country that is none.
    #[error("notifiers: `{0}`: {1}")]
    Country(String, NotACountry),
    /// A token that can't be read.
    #[error("notifiers: the token in {0} can't be read: {1}")]
    TokenFile(PathBuf, io::Error),
    /// A token that can't be sent.
    #[error("notifiers: the token in {0} has characters that a header can't carry")]
    Token(PathBuf),
    /// Authorities that can't be read.
    #[error("notifiers: the authorities in {0} can't be read: {1}")]
    CaFile(PathBuf, io::Error),
}

/// A connection that is opened when it is needed.
pub(super) fn stub(config: &EndpointConfig) -> Result<NotifierServiceClient<Channel>, BadNotifier> {
    let bad = |cause| BadNotifier::Endpoint(config.url.clone(), cause);
    let mut endpoint = Endpoint::from_shared(config.url.clone())
        .map_err(bad)?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_while_idle(true);
    if config.url.starts_with("https://") {
        let tls = tls(config.ca_file.as_deref())?;
        endpoint = endpoint.tls_config(tls).map_err(bad)?;
    }
    Ok(NotifierServiceClient::new(endpoint.connect_lazy()).max_decoding_message_size(MAX_ANSWER))
}

/// The header that carries the token in a file.
pub(super) fn bearer(file: &Path) -> Result<MetadataValue<Ascii>, BadNotifier> {
    let token =
        fs::read_to_string(file).map_err(|cause| BadNotifier::TokenFile(file.into(), cause))?;
    let mut bearer: MetadataValue<Ascii> = format!("Bearer {}", token.trim())
        .parse()
        .map_err(|_| BadNotifier::Token(file.into()))?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

fn tls(ca_file: Option<&Path>) -> Result<ClientTlsConfig, BadNotifier> {
    let Some(file) = ca_file else {
        return Ok(ClientTlsConfig::new().with_native_roots());
    };
    let pem = fs::read(file).map_err(|cause| BadNotifier::CaFile(file.into(), cause))?;
    Ok(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)))
}
