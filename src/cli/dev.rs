//! `countersign dev`.

use crate::{
    cli::{common::CommandError, serving},
    config, server,
};
use countersign_transport::{
    config::{ListenAddress, Overrides},
    startup_report::StartupReportLine,
    telemetry,
};

pub(super) async fn run(overrides: &Overrides) -> Result<(), CommandError> {
    let mut loaded = config::load(overrides)?;
    if loaded.listens_on_port_variable() {
        let listen = loaded.config.server.listen.clone().or_loopback();
        loaded.config.server.listen = listen;
    }
    telemetry::init(&loaded.config.log)?;
    let selected = server::dev(&loaded).await?;
    serving::serve_until_stopped(selected, loaded.config.server, true, greet).await
}

fn greet(used: &[StartupReportLine], address: &ListenAddress) {
    let version = env!("CARGO_PKG_VERSION");
    let used = serving::table(used);
    println!(
        "Countersign {version}, development mode: everyone on this machine may do everything.\n\n{used}\n\
         Try it:\n\
         \x20 grpcurl -plaintext {address} list\n\
         \x20 grpcurl -plaintext -d '{{\"tenant_id\": \"acme\", \"user_id\": \"jane\", \"profile\": {{\"email\": \
         \"jane@example.com\", \"email_verified\": true}}}}' {address} countersign.v1.UserService/UpsertUser\n\
         \x20 grpcurl -plaintext -d '{{\"tenant_id\": \"acme\", \"user_id\": \"jane\", \"first_factor\": \
         \"FIRST_FACTOR_PASSWORD\"}}' {address} countersign.v1.ChallengeService/BeginSignIn\n\n\
         The README goes on from here. Messages to people appear below.\n"
    );
}
