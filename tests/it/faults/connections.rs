//! A48: peers that connect and say nothing.

use crate::{
    faults::{startup::certificate, stores::runtime},
    support::{
        Clients,
        processes::{Deployment, Process},
    },
};
use countersign_proto::{
    health::{HealthCheckRequest, HealthCheckResponse, health_client::HealthClient},
    v1 as pb,
};
use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Longer than the service waits for a first word.
const LONG: Duration = Duration::from_secs(20);

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// An empty SETTINGS frame (RFC 9113 §6.5).
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// A PING frame with eight bytes to be sent back (RFC 9113 §6.7).
const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0question";

/// Waits until the other side closes; what it sent before.
async fn closed(connection: &mut TcpStream) -> Vec<u8> {
    let mut sent = Vec::new();
    let ended = timeout(LONG, connection.read_to_end(&mut sent)).await;
    let _reset_or_closed = ended.expect("it is closed");
    sent
}

#[test]
fn a48_silent_connections_are_closed_and_make_room_for_an_honest_client() {
    runtime().block_on(async {
        let folder = tempfile::TempDir::new().unwrap();
        let config = folder.path().join("config.toml");
        fs::write(&config, "[server]\nmax_connections = 5\n").unwrap();
        let config = config.to_str().unwrap();
        let process = Process::start(&["dev", "--listen", "127.0.0.1:0", "--config", config]);
        let connect = async || TcpStream::connect(&process.address).await.unwrap();
        let mut speaking = connect().await;
        speaking.write_all(PREFACE).await.unwrap();
        speaking.write_all(SETTINGS).await.unwrap();
        let mut silent = Vec::new();
        for _ in 0..3 {
            silent.push(connect().await);
        }
        let mut stammering = connect().await;
        stammering.write_all(&PREFACE[..5]).await.unwrap();
        silent.push(stammering);

        let honest = Clients::new(process.channel(), "any token");
        let ask = async || {
            let mut keys = honest.keys.clone();
            keys.get_jwks(pb::GetJwksRequest {}).await
        };
        let too_early = timeout(Duration::from_secs(2), ask()).await;
        assert!(too_early.is_err(), "there is no place for it yet");
        let answered = timeout(LONG, ask()).await.expect("it is served");
        answered.unwrap();
        for connection in &mut silent {
            closed(connection).await;
        }
        let warnings = process.said().matches("server.max_connections").count();
        assert_eq!(warnings, 1, "{}", process.said());

        speaking.write_all(PING).await.unwrap();
        let mut heard = Vec::new();
        while !heard.windows(8).any(|bytes| bytes == b"question") {
            let read = timeout(LONG, speaking.read_buf(&mut heard)).await;
            assert_ne!(read.unwrap().unwrap(), 0, "whoever spoke is not closed");
        }
    });
}

#[test]
fn a48_a_tls_peer_that_stops_before_or_after_its_handshake_is_closed() {
    runtime().block_on(async {
        let mut deployment = Deployment::new().await;
        let (cert, key) = certificate(&deployment);
        deployment.extra = format!("[server.tls]\ncert = {cert:?}\nkey = {key:?}\n");
        let process = deployment.serve();
        let mut before = TcpStream::connect(&process.address).await.unwrap();
        let mut after = Command::new("openssl")
            .args([
                "s_client",
                "-quiet",
                "-alpn",
                "h2",
                "-connect",
                &process.address,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        closed(&mut before).await;
        let mut is_open = || after.try_wait().unwrap().is_none();
        assert!(
            is_open(),
            "it has got through its handshake, and has longer"
        );
        for _ in 0..200 {
            if !is_open() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("it is open for ever");
    });
}

/// Streams of health that nobody had to name themselves for.
async fn watching(process: &Process) -> tonic::Streaming<HealthCheckResponse> {
    let mut health = HealthClient::new(process.channel());
    let asked = health.watch(HealthCheckRequest::default()).await;
    asked.unwrap().into_inner()
}

#[test]
fn a48_watching_health_holds_no_connection_for_ever() {
    runtime().block_on(async {
        let mut deployment = Deployment::new().await;
        deployment.extra = "[server]\nmax_connections = 2\nmax_connection_age_seconds = 1\n\
             deadline_seconds = 1\n"
            .to_owned();
        let process = deployment.serve();
        let mut watches = [watching(&process).await, watching(&process).await];
        let mut health = HealthClient::new(process.channel());
        let asked = health.check(HealthCheckRequest::default());
        timeout(LONG, asked).await.expect("there is room").unwrap();
        for watch in &mut watches {
            let ended = async { while let Ok(Some(_)) = watch.message().await {} };
            timeout(LONG, ended).await.expect("it ends");
        }
    });
}

#[test]
fn a_drain_waits_for_nobody_who_watches_health() {
    runtime().block_on(async {
        let deployment = Deployment::new().await;
        let process = deployment.serve();
        let mut watch = watching(&process).await;
        watch.message().await.unwrap();
        #[expect(
            clippy::disallowed_methods,
            reason = "the drain is measured in real time"
        )]
        let began = std::time::Instant::now();
        process.signal("TERM");
        process.wait();
        assert!(
            began.elapsed() < Duration::from_secs(8),
            "{:?}",
            began.elapsed()
        );
    });
}
