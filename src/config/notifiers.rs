//! `[notifiers]`.

use countersign_domain::value::country::{Country, UnknownCountry};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::{fmt, path::PathBuf};

/// Who delivers messages. Without one for its channel, a method can't be enrolled.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NotifiersConfig {
    /// Text messages.
    pub sms: NotifierConfig,
    /// E-mail.
    pub email: NotifierConfig,
}

/// The notifiers of one channel.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NotifierConfig {
    /// The notifiers.
    #[serde(deserialize_with = "endpoints")]
    pub endpoints: Vec<EndpointConfig>,
    /// File with the bearer token for those that name none of their own.
    pub token_file: Option<PathBuf>,
    /// How long a message may take, in milliseconds, at most 10000; those that are tried share it, and each is told its share.
    pub deadline_ms: u64,
    /// How many messages may be on their way at once; more fail at once, so that a hanging notifier holds up nothing else.
    pub max_in_flight: usize,
    /// Whether numbers of countries that no notifier names get no messages, and can't be enrolled. Otherwise one has to be for all.
    pub only_listed_countries: bool,
    /// After how many failures, one after the other, a notifier is passed over.
    pub breaker_failures: u32,
    /// For how long it is passed over, in milliseconds, before one message is tried with it again.
    pub breaker_wait_ms: u64,
}

/// One notifier, or one service that knows passwords.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointConfig {
    /// `https://host:port`. It may stand alone, in place of a table: `endpoints = ["https://a:443", "https://b:443"]`.
    pub url: String,
    /// What it is called in the log, and in the challenges whose codes it owns; its URL where it has no name.
    #[serde(default)]
    pub name: Option<String>,
    /// The smallest is tried first; the same are tried in the order in which they stand.
    #[serde(default)]
    pub priority: u32,
    /// The countries whose numbers it serves, such as `["DE", "AT"]`; all where none is named. For text messages only.
    #[serde(default)]
    pub countries: Vec<String>,
    /// Whether it makes, sends and checks codes itself, as `VerificationService`. Notices go by another one.
    #[serde(default)]
    pub owns_code: bool,
    /// File with the bearer token that it asks for.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// File with the authorities that its certificate is checked against, PEM; the system's where there is none.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

impl Default for NotifierConfig {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            token_file: None,
            deadline_ms: 3000,
            max_in_flight: 256,
            only_listed_countries: false,
            breaker_failures: 5,
            breaker_wait_ms: 10_000,
        }
    }
}

impl NotifierConfig {
    /// The notifiers in the order in which they are tried.
    #[must_use]
    pub fn in_order(&self) -> Vec<&EndpointConfig> {
        let mut endpoints: Vec<&EndpointConfig> = self.endpoints.iter().collect();
        endpoints.sort_by_key(|endpoint| endpoint.priority);
        endpoints
    }

    /// What must not be 0.
    pub(super) fn bounds(&self) -> [u64; 4] {
        [
            self.deadline_ms,
            u64::try_from(self.max_in_flight).unwrap_or(u64::MAX),
            u64::from(self.breaker_failures),
            self.breaker_wait_ms,
        ]
    }

    /// Whether two that own their codes have one name: a code would be checked by another one than made it.
    pub(super) fn has_namesakes(&self) -> bool {
        let mut names: Vec<&str> = self.owners().map(EndpointConfig::name).collect();
        let owners = names.len();
        names.sort_unstable();
        names.dedup();
        names.len() < owners
    }

    /// Whether some people would get codes, and no notices.
    pub(super) fn leaves_notices_behind(&self) -> bool {
        let delivers = |country: Option<&String>| {
            let mut others = self.endpoints.iter().filter(|endpoint| !endpoint.owns_code);
            others.any(|endpoint| {
                endpoint.countries.is_empty()
                    || country.is_some_and(|country| endpoint.countries.contains(country))
            })
        };
        self.owners().any(|owner| match owner.countries.as_slice() {
            [] => !delivers(None),
            countries => !countries.iter().all(|country| delivers(Some(country))),
        })
    }

    fn owners(&self) -> impl Iterator<Item = &EndpointConfig> {
        self.endpoints.iter().filter(|endpoint| endpoint.owns_code)
    }

    /// Whether some numbers would get no messages.
    pub(super) fn has_gaps(&self) -> bool {
        let for_all = |endpoint: &EndpointConfig| endpoint.countries.is_empty();
        !self.endpoints.is_empty() && !self.endpoints.iter().any(for_all)
    }
}

impl EndpointConfig {
    /// The one at an address, for all countries.
    #[must_use]
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ..Self::default()
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.url)
    }

    /// The countries that it serves; all if none.
    ///
    /// # Errors
    /// [`UnknownCountry`] if one is none.
    pub fn countries(&self) -> Result<Vec<Country>, UnknownCountry> {
        self.countries
            .iter()
            .map(|text| Country::parse(text))
            .collect()
    }
}

/// A list whose entries are tables, or URLs alone.
pub(super) fn endpoints<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<EndpointConfig>, D::Error> {
    let entries = Vec::<EndpointEntry>::deserialize(from)?;
    Ok(entries
        .into_iter()
        .map(|EndpointEntry(endpoint)| endpoint)
        .collect())
}

struct EndpointEntry(EndpointConfig);

impl<'de> Deserialize<'de> for EndpointEntry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(UrlOrTable).map(Self)
    }
}

struct UrlOrTable;

impl<'de> Visitor<'de> for UrlOrTable {
    type Value = EndpointConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a URL or a table")
    }

    fn visit_str<E>(self, url: &str) -> Result<Self::Value, E> {
        Ok(EndpointConfig::at(url))
    }

    fn visit_map<M: MapAccess<'de>>(self, table: M) -> Result<Self::Value, M::Error> {
        EndpointConfig::deserialize(MapAccessDeserializer::new(table))
    }
}
