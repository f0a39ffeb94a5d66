//! Where a notifier is, and whom it serves.

use crate::{
    config::EndpointConfig,
    outbound::{self, BadPeer},
};
use countersign_domain::country::{Country, NotACountry};
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
pub enum BadNotifier {
    /// One that can't be called.
    #[error(transparent)]
    Peer(#[from] BadPeer),
    /// A country that is none.
    #[error("notifiers: `{0}`: {1}")]
    Country(String, NotACountry),
}

/// A connection that is opened when it is needed.
pub(super) fn channel(config: &EndpointConfig) -> Result<Channel, BadNotifier> {
    Ok(outbound::channel(SECTION, config)?)
}

/// The header that carries its own token, or the one of those that have none.
pub(super) fn bearer(
    config: &EndpointConfig,
    token_file: Option<&PathBuf>,
) -> Result<Option<MetadataValue<Ascii>>, BadNotifier> {
    Ok(outbound::bearer(SECTION, config, token_file)?)
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
