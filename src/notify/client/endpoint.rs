//! Endpoints of notifiers: connection, token and countries.

use crate::{
    config::EndpointConfig,
    outbound::{self, EndpointError, ServiceChannel},
};
use countersign_domain::value::country::{Country, UnknownCountry};
use std::path::PathBuf;
use tonic::metadata::{Ascii, MetadataValue};

/// The section of the configuration that lists notifiers.
const SECTION: &str = "notifiers";

/// The largest response of a notifier, in bytes.
pub(super) const MAX_ANSWER: usize = 16 * 1024;

/// Why the notifiers can't be used.
#[derive(Debug, thiserror::Error)]
pub enum NotifierConfigError {
    /// An endpoint can't be called.
    #[error(transparent)]
    Peer(#[from] EndpointError),
    /// A country code is unknown.
    #[error("notifiers: `{0}`: {1}")]
    Country(String, UnknownCountry),
}

/// Creates a channel that connects on first use.
pub(super) fn channel(config: &EndpointConfig) -> Result<ServiceChannel, NotifierConfigError> {
    Ok(ServiceChannel::new(SECTION, config)?)
}

/// The `authorization` header, with the endpoint's own token or the shared one.
pub(super) fn bearer(
    config: &EndpointConfig,
    token_file: Option<&PathBuf>,
) -> Result<Option<MetadataValue<Ascii>>, NotifierConfigError> {
    Ok(outbound::bearer(SECTION, config, token_file)?)
}

/// The countries that the endpoint serves. An empty list means all.
pub(super) fn countries(config: &EndpointConfig) -> Result<Vec<Country>, NotifierConfigError> {
    let countries = config.countries();
    countries.map_err(|bad| NotifierConfigError::Country(config.url.clone(), bad))
}

/// Whether the list contains the country. An empty list contains every country.
pub(super) fn serves(countries: &[Country], country: Option<Country>) -> bool {
    countries.is_empty() || country.is_some_and(|country| countries.contains(&country))
}
