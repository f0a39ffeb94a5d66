//! Where a notifier is, and how it is reached.

use crate::config::EndpointConfig;
use countersign_domain::country::{Country, NotACountry};
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
pub(super) const MAX_ANSWER: usize = 16 * 1024;

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
pub(super) fn channel(config: &EndpointConfig) -> Result<Channel, BadNotifier> {
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
    Ok(endpoint.connect_lazy())
}

/// The countries that it serves; all if none.
pub(super) fn countries(config: &EndpointConfig) -> Result<Vec<Country>, BadNotifier> {
    let countries = config.countries();
    countries.map_err(|bad| BadNotifier::Country(config.url.clone(), bad))
}

/// Whether a list of countries has this one; a list of none has all.
pub(super) fn serves(countries: &[Country], country: Option<Country>) -> bool {
    countries.is_empty() || country.is_some_and(|country| countries.contains(&country))
}

/// The header that carries its own token, or the one of those that have none.
pub(super) fn bearer(
    config: &EndpointConfig,
    token_file: Option<&PathBuf>,
) -> Result<Option<MetadataValue<Ascii>>, BadNotifier> {
    let file = config.token_file.as_ref().or(token_file);
    file.map(|file| bearer_in(file)).transpose()
}

fn bearer_in(file: &Path) -> Result<MetadataValue<Ascii>, BadNotifier> {
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
