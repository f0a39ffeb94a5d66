//! `countersign healthcheck`.

use crate::cli::Failure;
use clap::Args;
use std::time::Duration;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// Ask a running service whether it is serving.
#[derive(Debug, Args)]
pub(super) struct Healthcheck {
    /// Where it listens: `http://…`, or `https://…` with TLS.
    #[arg(default_value = "http://127.0.0.1:50051", value_name = "URL")]
    address: String,
    /// Certificates to trust beside the system's, PEM.
    #[arg(long, value_name = "FILE")]
    ca: Option<std::path::PathBuf>,
    /// The name in its certificate, where it is not the host's.
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
}

const PATIENCE: Duration = Duration::from_secs(3);

pub(super) async fn run(healthcheck: Healthcheck) -> Result<(), Failure> {
    let Healthcheck {
        address,
        ca,
        server_name,
    } = healthcheck;
    let mut endpoint = Endpoint::from_shared(address.clone())?
        .connect_timeout(PATIENCE)
        .timeout(PATIENCE);
    if address.starts_with("https://") {
        let mut tls = ClientTlsConfig::new().with_native_roots();
        if let Some(file) = ca {
            tls = tls.ca_certificate(Certificate::from_pem(std::fs::read(file)?));
        }
        if let Some(name) = server_name {
            tls = tls.domain_name(name);
        }
        endpoint = endpoint.tls_config(tls)?;
    }
    let channel = endpoint
        .connect()
        .await
        .map_err(|_| format!("nothing answers at {address}"))?;
    let request = HealthCheckRequest {
        service: String::new(),
    };
    let answer = HealthClient::new(channel).check(request).await;
    let answer = answer.map_err(|status| format!("{address} answers {}", status.code()))?;
    match answer.into_inner().status() {
        ServingStatus::Serving => {
            println!("serving");
            Ok(())
        }
        _ => Err("not serving: its log says why".into()),
    }
}
