//! Where a notifier is, and whom it serves.

use crate::{
    config::EndpointConfig,
    outbound::{self, EndpointError},
};
use countersign_domain::value::country::{Country, UnknownCountry};
use std::path::PathBuf;
use tonic::{
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};

/// The section of the configuration that names notifiers.
const SECTION: &str = "notifiers";

/// The largest answer of a notifier that is read, in bytes.
pub(super) const MAX_ANSWER: usize = 16 * 1024;

/// Notifiers that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum NotifierConfigError {
    /// One that can't be called.
    #[error(transparent)]
    Peer(#[from] EndpointError),
    /// A country that is none.
    #[error("notifiers: `{0}`: {1}")]
    Country(String, UnknownCountry),
}

/// A connection that is opened when it is needed.
pub(super) fn channel(config: &EndpointConfig) -> Result<Channel, NotifierConfigError> {
    Ok(outbound::channel(SECTION, config)?)
}

/// The header that carries its own token, or the one of those that have none.
pub(super) fn bearer(
    config: &EndpointConfig,
    token_file: Option<&PathBuf>,
) -> Result<Option<MetadataValue<Ascii>>, NotifierConfigError> {
    Ok(outbound::bearer(SECTION, config, token_file)?)
}

/// The countries that it serves; all if none.
pub(super) fn countries(config: &EndpointConfig) -> Result<Vec<Country>, NotifierConfigError> {
    let countries = config.countries();
    countries.map_err(|bad| NotifierConfigError::Country(config.url.clone(), bad))
}

/// Whether a list of countries has this one; a list of none has all.
pub(super) fn serves(countries: &[Country], country: Option<Country>) -> bool {
    countries.is_empty() || country.is_some_and(|country| countries.contains(&country))
}
