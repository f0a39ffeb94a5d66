//! The embedded default.

use crate::{
    app::{App, AppDependencies},
    config::{Config, weaknesses},
    notify::inbox::{Inbox, OffsetClock},
    ports::{AccountStore, KeyService, Notifier},
    server::{
        composition::{SelectedParts, parts, passwords, wording},
        data_dir::DataDir,
        start_error::StartError,
        startup_report,
        stores::ShortLivedStores,
    },
    store::{
        memory::{MemoryBudgets, MemoryChallenges},
        sqlite::SqliteAccounts,
    },
};
use countersign_domain::authorization::caller::{
    Audience, Caller, CallerName, CallerRight, TenantScope,
};
use countersign_transport::{
    callers::CallerRegistry,
    config::{ListenAddress, LoadedConfig},
    startup_report::StartupReportLine,
    system::{Clock, SystemClock, SystemEntropy},
};
use std::{path::Path, sync::Arc};

/// The embedded default: nothing to install, nothing to configure, everyone on this machine may do everything.
///
/// # Errors
/// See [`StartError`].
pub async fn dev(loaded: &LoadedConfig<Config>) -> Result<SelectedParts, StartError> {
    let config = &loaded.config;
    if !config.server.listen.is_local() {
        return Err(StartError::DevOffLoopback(config.server.listen.clone()));
    }
    let problems = config.problems_of_identity();
    if !problems.is_empty() {
        return Err(StartError::Configuration(problems));
    }
    let data_dir = match &config.data_dir {
        Some(path) => DataDir::kept(path)?.locked()?,
        None => DataDir::passing(&SystemEntropy)?,
    };
    let file = data_dir.database();
    let (key_file, ring) = data_dir.key_ring(&SystemEntropy)?;
    let ring = Arc::new(ring);
    let keys: Arc<dyn KeyService> = Arc::clone(&ring) as _;
    let sqlite = SqliteAccounts::open(&file, keys, Arc::new(SystemEntropy)).await?;
    sqlite.claim_for_key_ring(SystemClock.now()).await?;
    let accounts: Arc<dyn AccountStore> = Arc::new(sqlite);
    let short_lived = ShortLivedStores {
        challenges: Arc::new(MemoryChallenges::default()),
        budgets: Arc::new(MemoryBudgets::default()),
    };
    let wording = wording(config)?;
    let service_layer = config.policy.layer()?;
    let clock = Arc::new(OffsetClock::of(Arc::new(SystemClock)));
    let inbox = Arc::new(Inbox::new(Arc::clone(&clock), wording.texts, true));
    let mut used = used(&config.server.listen, &file, &key_file, data_dir.lasts());
    used.push(StartupReportLine::new(
        "passwords",
        startup_report::passwords(&config.identity),
        loaded.source_of("identity.endpoints"),
    ));
    let notifier: Arc<dyn Notifier> = Arc::clone(&inbox) as _;
    let weak = weaknesses(&service_layer, notifier.served());
    let warnings = [wording.warnings, weak].concat();
    let parts = AppDependencies {
        clock,
        display_names: wording.display_names,
        passwords: passwords(config)?,
        service_layer,
        ..parts(config, ring, accounts, short_lived, notifier)
    };
    Ok(SelectedParts {
        app: App::new(parts),
        callers: Arc::new(CallerRegistry::Open(Arc::new(everyone()))),
        inbox: Some(inbox),
        tls: None,
        warnings,
        used,
        data_dir: Some(data_dir),
    })
}

fn used(
    listen: &ListenAddress,
    file: &Path,
    key_file: &Path,
    lasts: &'static str,
) -> Vec<StartupReportLine> {
    vec![
        StartupReportLine::new(
            "listening",
            format!("{listen}, plaintext"),
            "dev; this machine only",
        ),
        StartupReportLine::new("durable", format!("SQLite, {}", file.display()), lasts),
        StartupReportLine::new(
            "short-lived",
            "in this process",
            "dev; open challenges end with it",
        ),
        StartupReportLine::new(
            "messages",
            "development inbox",
            "dev; printed here, and in TestingService/ListMessages",
        ),
        StartupReportLine::new("keys", key_file.display().to_string(), lasts),
        StartupReportLine::new(
            "callers",
            "everyone on this machine, with every right",
            "dev; serve knows its callers",
        ),
    ]
}

/// The one caller of development.
fn everyone() -> Caller {
    Caller {
        name: CallerName::new("dev"),
        rights: CallerRight::ALL.to_vec(),
        audiences: vec![Audience::new("dev")],
        tenants: TenantScope::All,
    }
}
