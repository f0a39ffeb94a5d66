//! `countersign healthcheck`.

use crate::cli::common::CommandError;
use clap::Args;
use countersign_proto::health::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use countersign_transport::tls::{TlsFileError, certificates};
use std::{
    error::Error,
    fs, iter,
    path::{Path, PathBuf},
    time::Duration,
};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

/// Ask a running service whether it is serving.
#[derive(Debug, Args)]
pub(super) struct HealthcheckArgs {
    /// Where it listens: `HOST:PORT`, `unix:/path` or `http://…`, or `https://…` with TLS.
    #[arg(default_value = "http://127.0.0.1:50051", value_name = "URL")]
    address: String,
    /// Certificates to trust beside the system's, PEM.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The name in its certificate, where it is not the host's.
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
}

const HEALTHCHECK_TIMEOUT: Duration = Duration::from_secs(3);

pub(super) async fn run(healthcheck: HealthcheckArgs) -> Result<(), CommandError> {
    let HealthcheckArgs {
        address,
        ca,
        server_name,
    } = healthcheck;
    let address = if address.contains("://") || address.starts_with("unix:") {
        address
    } else {
        format!("http://{address}")
    };
    let endpoint = Endpoint::from_shared(address.clone());
    let mut endpoint = endpoint
        .map_err(|cause| format!("`{address}` is not a URL{}", because(&cause)))?
        .connect_timeout(HEALTHCHECK_TIMEOUT)
        .timeout(HEALTHCHECK_TIMEOUT);
    if address.starts_with("https://") {
        endpoint = endpoint.tls_config(tls(ca.as_deref(), server_name)?)?;
    }
    let channel = endpoint.connect().await;
    let channel =
        channel.map_err(|cause| format!("nothing answers at {address}{}", because(&cause)))?;
    let request = HealthCheckRequest {
        service: String::new(),
    };
    let answer = HealthClient::new(channel).check(request).await;
    let answer = answer
        .map_err(|status| format!("{address} answers {}{}", status.code(), because(&status)))?;
    match answer.into_inner().status() {
        ServingStatus::Serving => {
            println!("serving");
            Ok(())
        }
        _ => Err("not serving: its log says why".into()),
    }
}

/// What its certificate is checked against.
fn tls(ca: Option<&Path>, server_name: Option<String>) -> Result<ClientTlsConfig, CommandError> {
    let mut tls = ClientTlsConfig::new().with_native_roots();
    if let Some(file) = ca {
        let bad = |why: TlsFileError| format!("--ca: {} can't be used: {why}", file.display());
        let _some = certificates(file).map_err(bad)?;
        let pem = fs::read(file).map_err(|cause| bad(TlsFileError::File(cause)))?;
        tls = tls.ca_certificate(Certificate::from_pem(pem));
    }
    if let Some(name) = server_name {
        tls = tls.domain_name(name);
    }
    Ok(tls)
}

/// What lies behind an error, which says itself only that something went wrong: the deepest cause names the certificate,
/// the refused connection, the timeout.
fn because(error: &dyn Error) -> String {
    let causes = iter::successors(error.source(), |&cause| cause.source());
    let mut messages: Vec<String> = causes.map(ToString::to_string).collect();
    messages.insert(0, String::new());
    messages.dedup();
    messages.join(": ")
}
