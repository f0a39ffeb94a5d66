//! Chooses the adapters, once, and says what was chosen and why.

use crate::{
    app::{App, Hashing, Parts},
    config::{
        Config, HashingConfig, Loaded, by_token, display_names, tenants, weaknesses,
        without_audience,
    },
    crypto::KeyRing,
    grpc::callers::{Callers, TokenHash},
    identity::PasswordClient,
    notify::{client::NotifierClient, inbox::Inbox, texts::Texts},
    outbound::BadPeer,
    ports::{Accounts, Entropy, Notifier, Passwords},
    server::{
        data_dir::DataDir,
        files, peers,
        start_error::StartError,
        stores::{ShortLived, durable, look_at_durable, short_lived},
        tls,
        used::{Used, used},
    },
    system::{SystemClock, SystemEntropy},
};
use countersign_domain::{
    caller::Caller,
    code::DigitCount,
    policy::{Layer, Policy},
    recovery::HashCost,
    tenant::DisplayNames,
};
use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::Path,
    sync::Arc,
};

/// What was chosen.
pub struct Chosen {
    /// The use cases.
    pub app: Arc<App>,
    /// Who may call.
    pub callers: Arc<Callers>,
    /// The development inbox, where there is one.
    pub inbox: Option<Arc<Inbox>>,
    /// The certificate that callers see, where there is one.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// What an operator should know, a sentence each.
    pub warnings: Vec<String>,
    /// What is used, and why, to be printed.
    pub used: Vec<Used>,
    /// The folder of the embedded default, where it is used.
    pub data_dir: Option<DataDir>,
}

/// What [`choose`] would say.
pub struct Said {
    /// What an operator should know, a sentence each.
    pub warnings: Vec<String>,
    /// What would be used, and why, to be printed.
    pub used: Vec<Used>,
}

/// What the configuration asks for, if it is safe, and if what it names keeps what it is told.
///
/// # Errors
/// See [`StartError`].
pub async fn choose(loaded: &Loaded) -> Result<Chosen, StartError> {
    let config = &loaded.config;
    let read = Read::of(config)?;
    let (accounts, data_dir, durable) = durable(loaded, &read.ring).await?;
    let (peers, said) = peers_of(loaded, &read, durable).await?;
    let parts = Parts {
        display_names: read.wording.display_names,
        passwords: peers.passwords,
        service_layer: read.service_layer,
        ..parts(
            config,
            read.ring,
            accounts,
            peers.short_lived,
            peers.notifier,
        )
    };
    Ok(Chosen {
        app: App::new(parts),
        callers: Arc::new(Callers::ByToken(read.callers)),
        inbox: None,
        tls: read.tls,
        warnings: said.warnings,
        used: said.used,
        data_dir,
    })
}

/// What [`choose`] would say, or refuse. Nothing is made or changed for it.
///
/// # Errors
/// See [`StartError`].
pub async fn look(loaded: &Loaded) -> Result<Said, StartError> {
    let read = Read::of(&loaded.config)?;
    let durable = look_at_durable(loaded, &read.ring).await?;
    let (_peers, said) = peers_of(loaded, &read, durable).await?;
    Ok(said)
}

/// What the configuration and the files that it names say.
struct Read {
    tls: Option<Arc<rustls::ServerConfig>>,
    callers: HashMap<TokenHash, Arc<Caller>>,
    wording: Wording,
    service_layer: Layer,
    ring: Arc<KeyRing>,
}

impl Read {
    fn of(config: &Config) -> Result<Self, StartError> {
        let mut problems = config.problems();
        problems.extend(peers::problems(config));
        if !problems.is_empty() {
            return Err(StartError::Configuration(problems));
        }
        Ok(Self {
            tls: config.server.tls.as_ref().map(tls::read).transpose()?,
            callers: by_token(&config.callers)?,
            wording: wording(config)?,
            service_layer: config.policy.layer()?,
            ring: Arc::new(read_key_ring(
                config.keys.file.as_deref().unwrap_or(Path::new("")),
            )?),
        })
    }
}

/// Whom the service talks to, beside the durable record.
struct Peers {
    short_lived: ShortLived,
    notifier: Arc<dyn Notifier>,
    passwords: Option<Arc<dyn Passwords>>,
}

async fn peers_of(
    loaded: &Loaded,
    read: &Read,
    durable: Used,
) -> Result<(Peers, Said), StartError> {
    let config = &loaded.config;
    let (short_lived, kept, mut warnings) = short_lived(loaded).await?;
    warnings.extend(files::allow(config.server.max_connections));
    let texts = Arc::clone(&read.wording.texts);
    let notifier: Arc<dyn Notifier> = Arc::new(NotifierClient::new(&config.notifiers, texts)?);
    warnings.extend(read.wording.warnings.iter().cloned());
    let callers = read.callers.values();
    let of_callers = callers.filter_map(|caller| without_audience(caller));
    // By name: a map's order differs from start to start.
    warnings.extend(of_callers.collect::<BTreeSet<_>>());
    warnings.extend(weaknesses(&read.service_layer, notifier.served()));
    let peers = Peers {
        short_lived,
        notifier,
        passwords: passwords(config)?,
    };
    let used = used(loaded, [durable, kept], &read.ring, &read.service_layer);
    Ok((peers, Said { warnings, used }))
}

/// Who knows the passwords of accounts, where anybody does.
pub(super) fn passwords(config: &Config) -> Result<Option<Arc<dyn Passwords>>, BadPeer> {
    let client = PasswordClient::new(&config.identity)?;
    Ok(client.map(|client| Arc::new(client) as Arc<dyn Passwords>))
}

pub(super) fn parts(
    config: &Config,
    ring: Arc<KeyRing>,
    accounts: Arc<dyn Accounts>,
    (challenges, budgets): ShortLived,
    notifier: Arc<dyn Notifier>,
) -> Parts {
    let mut seed = [0; 16];
    SystemEntropy.fill(&mut seed);
    let HashingConfig {
        memory_kib,
        passes,
        at_once,
    } = config.hashing;
    Parts {
        accounts,
        challenges,
        budgets,
        notifier,
        passwords: None,
        keys: ring,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        hashing: Hashing::new(at_once, HashCost { memory_kib, passes }, &seed),
        policy: Policy::built_in(),
        service_layer: Layer::default(),
        issuer: config.issuer.clone(),
        display_names: DisplayNames::default(),
    }
}

/// What companies are called, and what they say to people.
pub(super) struct Wording {
    pub(super) texts: Arc<Texts>,
    pub(super) display_names: DisplayNames,
    /// What an operator should know of it.
    pub(super) warnings: Vec<String>,
}

pub(super) fn wording(config: &Config) -> Result<Wording, StartError> {
    let tenants = tenants(&config.tenants)?;
    let (texts, warnings) = Texts::load(&tenants, DigitCount::TEN)?;
    Ok(Wording {
        texts: Arc::new(texts),
        display_names: display_names(&tenants),
        warnings,
    })
}

/// The key ring in a file.
///
/// # Errors
/// If it can't be read, or is none.
pub(super) fn read_key_ring(file: &Path) -> Result<KeyRing, StartError> {
    let text =
        fs::read_to_string(file).map_err(|cause| StartError::KeyFile(file.to_path_buf(), cause))?;
    let text = zeroize::Zeroizing::new(text);
    KeyRing::parse(&text).map_err(|bad| StartError::KeyRing(file.to_path_buf(), bad))
}
