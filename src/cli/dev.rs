//! `countersign dev`.

use crate::{
    cli::{Failure, stop},
    config::{self, Overrides},
    server::{self, Health, Service, Used},
    system::{SystemClock, SystemEntropy},
    telemetry,
};
use std::{net::SocketAddr, sync::Arc};
use tokio_util::sync::CancellationToken;

pub(super) async fn run(overrides: &Overrides) -> Result<(), Failure> {
    let loaded = config::load(overrides)?;
    telemetry::init(&loaded.config.log)?;
    let (chosen, _data_dir) = server::dev(&loaded).await?;
    let incoming = server::incoming(&loaded.config.server)?;
    let address = incoming.local_addr()?;
    print(&chosen.used, address);
    let health = Health::starting().await;
    let stop = CancellationToken::new();
    let watched = server::watch(
        health.clone(),
        chosen.accounts,
        chosen.challenges,
        Arc::new(SystemClock),
        stop.clone().cancelled_owned(),
    );
    let service = Service {
        app: chosen.app,
        callers: chosen.callers,
        inbox: chosen.inbox,
        reflection: true,
        config: loaded.config.server,
        entropy: Arc::new(SystemEntropy),
    };
    let asked = async {
        stop::asked().await;
        stop.cancel();
    };
    let (served, ()) = tokio::join!(service.run(incoming, health, asked), watched);
    Ok(served?)
}

fn print(used: &[Used], address: SocketAddr) {
    let version = env!("CARGO_PKG_VERSION");
    println!(
        "Countersign {version}, development mode: everyone on this machine may do everything.\n"
    );
    for Used { what, value, why } in used {
        println!("  {what:<12} {value}\n  {:<12} ({why})", "");
    }
    println!(
        "\nTry it:\n\
         \x20 grpcurl -plaintext {address} list\n\
         \x20 grpcurl -plaintext -d '{{\"tenant_id\": \"acme\", \"user_id\": \"jane\", \"profile\": {{\"email\": \
         \"jane@example.com\", \"email_verified\": true}}}}' {address} countersign.v1.UserService/UpsertUser\n\
         \x20 grpcurl -plaintext -d '{{\"tenant_id\": \"acme\", \"user_id\": \"jane\", \"first_factor\": \
         \"FIRST_FACTOR_PASSWORD\"}}' {address} countersign.v1.ChallengeService/BeginSignIn\n\n\
         The README goes on from here. Messages will appear below."
    );
}
