//! What `serve` refuses to start with: configuration that fails to unsafe.

use crate::config::{Config, EndpointConfig, HashingConfig, NotifiersConfig, PostgresConfig};
use countersign_transport::config::is_safe;
use url::Url;

const SMS: &str = "notifiers.sms.endpoints";
const EMAIL: &str = "notifiers.email.endpoints";
const IDENTITY: &str = "identity.endpoints";

/// Fields of endpoints that are refused where they stand for nothing; [`InvalidConfig::CountriesOf`], [`InvalidConfig::OwnsNoCode`].
pub(super) const REFUSED: [&str; 3] = [
    "notifiers.email.endpoints[].countries",
    "identity.endpoints[].countries",
    "identity.endpoints[].owns_code",
];

/// The fields of a channel that must not be 0.
const SMS_BOUNDS: [&str; 4] = [
    "notifiers.sms.deadline_ms",
    "notifiers.sms.max_in_flight",
    "notifiers.sms.breaker_failures",
    "notifiers.sms.breaker_wait_ms",
];

/// The same for e-mail.
const EMAIL_BOUNDS: [&str; 4] = [
    "notifiers.email.deadline_ms",
    "notifiers.email.max_in_flight",
    "notifiers.email.breaker_failures",
    "notifiers.email.breaker_wait_ms",
];

/// The longest that a message may take, in milliseconds. After 15 s a call is told that its message died on the way, and
/// after a minute a notice is another process's.
const MAX_DEADLINE: u64 = 10_000;

/// A configuration that `serve` does not start with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// There is no key ring.
    #[error("keys.file is not set: make a key ring with `countersign keys new` and name it there")]
    NoKeys,
    /// Nobody could call.
    #[error(
        "there are no [[callers]], so that nobody could call: make one with `countersign callers add`"
    )]
    NoCallers,
    /// Callers would talk in the clear.
    #[error(
        "server.listen is off loopback in plaintext: set server.tls, or server.mesh = true where a mesh encrypts"
    )]
    PlaintextListener,
    /// A store or notifier would be talked to in the clear.
    #[error(
        "{0} is plaintext off loopback: use TLS, or set server.mesh = true where a mesh encrypts"
    )]
    PlaintextPeer(&'static str),
    /// A store would be talked to whoever it is.
    #[error("{0} turns the check of certificates off: take `#insecure` away")]
    Unverified(&'static str),
    /// The nodes of one cluster would be talked to in two ways.
    #[error("{0} has addresses with TLS and without: nodes of one cluster are reached in one way")]
    Mixed(&'static str),
    /// A node that nobody configured would be talked to in the clear.
    #[error(
        "the Redis Cluster leads to {0} in plaintext off loopback: use rediss://, or set server.mesh = true where a mesh encrypts"
    )]
    PlaintextNode(String),
    /// An address that can't be read.
    #[error("{0} is not a URL")]
    NotAUrl(&'static str),
    /// The URL of PostgreSQL can't be used.
    #[error("postgres.url can't be used: {0}")]
    PostgresUrl(String),
    /// There is nowhere to keep users.
    #[error("neither postgres.url nor data_dir is set, so that nothing durable could be kept")]
    NowhereDurable,
    /// Hashes too fast.
    #[error("hashing is below its floor of 7168 KiB and 1 pass, or hashing.at_once is 0")]
    WeakHashing,
    /// A country that does not exist.
    #[error(
        "{0} names a country that is none: two capital letters such as DE, or 001 for numbers that belong to no country"
    )]
    NotACountry(&'static str),
    /// Countries of what has none.
    #[error("{0} names countries, but {1} have none: take them away")]
    CountriesOf(&'static str, &'static str),
    /// Codes of what sends none.
    #[error("{0} has owns_code, but passwords are no codes: take it away")]
    OwnsNoCode(&'static str),
    /// Numbers that nobody delivers to.
    #[error(
        "every notifier in notifiers.sms.endpoints is for some countries only, so that other numbers would get nothing: \
         name one without countries, or set notifiers.sms.only_listed_countries = true"
    )]
    CountriesLeftOut,
    /// Two owners of codes that can't be told apart.
    #[error(
        "{0} has two notifiers of one name that own their codes, so that a code could be checked by another one than made it: \
         give each a name of its own"
    )]
    Namesakes(&'static str),
    /// People who get codes and no notices.
    #[error(
        "{0} has a notifier that owns its codes, and none for the same people that delivers notices: name one more"
    )]
    NoticesLeftBehind(&'static str),
    /// A bound that lets nothing through.
    #[error("{0} is 0, so that nothing would get through")]
    Zero(&'static str),
    /// Too few connections for what needs one of its own.
    #[error(
        "postgres.max_connections is {0}, and has to be at least {least}: 2 for verdicts, 2 for reads, 2 for lists, 2 for changes",
        least = PostgresConfig::MIN_CONNECTIONS
    )]
    FewConnections(u32),
    /// A message that is on its way when nobody expects it to be any more.
    #[error(
        "{0} is above 10000: a repeated call would be told that its message was lost on the way"
    )]
    LongDeadline(&'static str),
}

impl Config {
    /// Everything that `serve` refuses to start with.
    #[must_use]
    pub fn problems(&self) -> Vec<InvalidConfig> {
        let mut problems = Vec::new();
        if self.keys.file.is_none() {
            problems.push(InvalidConfig::NoKeys);
        }
        if self.callers.is_empty() {
            problems.push(InvalidConfig::NoCallers);
        }
        if self.postgres.url.is_none() && self.data_dir.is_none() {
            problems.push(InvalidConfig::NowhereDurable);
        }
        let floor = HashingConfig::FLOOR;
        let hashing = self.hashing;
        if hashing.memory_kib < floor.memory_kib
            || hashing.passes < floor.passes
            || hashing.at_once == 0
        {
            problems.push(InvalidConfig::WeakHashing);
        }
        let connections = self.postgres.max_connections;
        if connections < PostgresConfig::MIN_CONNECTIONS {
            problems.push(InvalidConfig::FewConnections(connections));
        }
        problems.extend(self.zeros());
        problems.extend(self.long_deadlines());
        problems.extend(self.routes());
        problems.extend(self.plaintext());
        problems
    }

    /// What `dev` refuses too: of all that it calls, only services that know passwords are configured.
    #[must_use]
    pub fn problems_of_identity(&self) -> Vec<InvalidConfig> {
        let only = Self {
            identity: self.identity.clone(),
            ..Self::default()
        };
        let of_it = only.zeros().chain(only.routes());
        of_it.chain(only.plaintext()).collect()
    }

    fn zeros(&self) -> impl Iterator<Item = InvalidConfig> {
        let bounds = [
            (
                "postgres.statement_timeout_ms",
                self.postgres.statement_timeout_ms,
            ),
            ("redis.timeout_ms", self.redis.timeout_ms),
        ];
        let channels = [
            (&self.notifiers.sms, SMS_BOUNDS),
            (&self.notifiers.email, EMAIL_BOUNDS),
        ];
        let of_channels = channels
            .into_iter()
            .flat_map(|(channel, names)| names.into_iter().zip(channel.bounds()));
        self.server
            .bounds()
            .into_iter()
            .chain(bounds)
            .chain(of_channels)
            .chain(self.identity.bounds())
            .filter(|(_, bound)| *bound == 0)
            .map(|(name, _)| InvalidConfig::Zero(name))
    }

    fn long_deadlines(&self) -> impl Iterator<Item = InvalidConfig> {
        let NotifiersConfig { sms, email } = &self.notifiers;
        let deadlines = [(sms, SMS_BOUNDS), (email, EMAIL_BOUNDS)];
        let long = deadlines
            .into_iter()
            .filter(|(channel, _)| channel.deadline_ms > MAX_DEADLINE);
        long.map(|(_, [name, ..])| InvalidConfig::LongDeadline(name))
    }

    /// Every number has a notifier, unless it is said that some have none.
    fn routes(&self) -> impl Iterator<Item = InvalidConfig> {
        let NotifiersConfig { sms, email } = &self.notifiers;
        let unknown = sms
            .endpoints
            .iter()
            .any(|endpoint| endpoint.countries().is_err());
        let named = |endpoints: &[EndpointConfig]| {
            let names_some = |endpoint: &EndpointConfig| !endpoint.countries.is_empty();
            endpoints.iter().any(names_some)
        };
        let identity = &self.identity.endpoints;
        let (of_addresses, of_passwords) = (named(&email.endpoints), named(identity));
        let owns = identity.iter().any(|endpoint| endpoint.owns_code);
        let left_out = sms.has_gaps() && !sms.only_listed_countries;
        let problems = [
            unknown.then_some(InvalidConfig::NotACountry(SMS)),
            of_addresses.then_some(InvalidConfig::CountriesOf(EMAIL, "addresses")),
            of_passwords.then_some(InvalidConfig::CountriesOf(IDENTITY, "passwords")),
            owns.then_some(InvalidConfig::OwnsNoCode(IDENTITY)),
            left_out.then_some(InvalidConfig::CountriesLeftOut),
        ];
        let of_owners = [(sms, SMS), (email, EMAIL)].into_iter();
        let of_owners = of_owners.flat_map(|(channel, name)| {
            let behind = channel.leaves_notices_behind();
            [
                channel
                    .has_namesakes()
                    .then_some(InvalidConfig::Namesakes(name)),
                behind.then_some(InvalidConfig::NoticesLeftBehind(name)),
            ]
        });
        problems.into_iter().chain(of_owners).flatten()
    }

    /// No plaintext off loopback, unless a mesh is declared. Addresses of stores are judged where their drivers are known.
    fn plaintext(&self) -> Vec<InvalidConfig> {
        let server = &self.server;
        let listener = server.is_plaintext_off_loopback();
        let listener = listener.then_some(InvalidConfig::PlaintextListener);
        let peers = [
            (SMS, &self.notifiers.sms.endpoints),
            (EMAIL, &self.notifiers.email.endpoints),
            (IDENTITY, &self.identity.endpoints),
        ];
        let peers = peers
            .into_iter()
            .flat_map(|(name, endpoints)| endpoints.iter().map(move |endpoint| (name, endpoint)));
        let peers = peers.filter_map(|(name, endpoint)| match Url::parse(&endpoint.url) {
            Err(_) => Some(InvalidConfig::NotAUrl(name)),
            Ok(url) => (!is_safe(&url)).then_some(InvalidConfig::PlaintextPeer(name)),
        });
        let mesh = server.mesh;
        let problems = listener.into_iter().chain(peers);
        problems
            .filter(|problem| !mesh || matches!(problem, InvalidConfig::NotAUrl(_)))
            .collect()
    }
}
