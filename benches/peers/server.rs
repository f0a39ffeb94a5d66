//! The scripts of a peer: its users are enrolled, and it serves.

use super::PeerProduct;
use crate::{ALL_CORES, BenchResult, process::Server, stores::BenchStores};
use std::{
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tokio_postgres::NoTls;

/// Keycloak needs half a minute on a busy machine.
const START_TIMEOUT: Duration = Duration::from_mins(2);

/// A peer that serves. It ends as its own signals end it: its children would outlive a kill.
pub(super) struct PeerServer(Server);

impl PeerServer {
    /// Starts it on all cores: none of the peers is at its best on one.
    pub(super) async fn start(
        peer: PeerProduct,
        database_url: &str,
        log: &Path,
    ) -> BenchResult<Self> {
        let installed = installed(peer)?;
        let arguments = [utf8(&installed)?, database_url];
        let program = script(peer, "serve.sh");
        let start = Server::start_within(START_TIMEOUT, ALL_CORES, &program, &arguments, log);
        Ok(Self(start.await?))
    }

    pub(super) fn server(&self) -> &Server {
        &self.0
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.0.address
    }
}

impl Drop for PeerServer {
    fn drop(&mut self) {
        self.0.stop();
    }
}

pub(super) fn log(peer: PeerProduct, out: &Path) -> PathBuf {
    out.join(format!("{}.log", peer.folder()))
}

/// Makes a database and enrolls users in it. Gives its URL.
///
/// # Errors
/// The peer is not installed, or its script failed.
pub(super) async fn prepare(
    peer: PeerProduct,
    stores: &BenchStores,
    out: &Path,
    users: usize,
) -> BenchResult<String> {
    let (installed, name) = (installed(peer)?, peer.database());
    let create = format!("CREATE DATABASE {name}");
    stores.postgres.batch_execute(&create).await?;
    let (server, _) = stores.postgres_url.rsplit_once('/').ok_or("no database")?;
    let database_url = format!("{server}/{name}");
    let log = log(peer, out);
    let output = File::create(&log)?;
    let prepared = Command::new("taskset")
        .args(["-c", ALL_CORES])
        .arg(script(peer, "prepare.sh"))
        .arg(installed)
        .args([&database_url, &users.to_string()])
        .stdout(output.try_clone()?)
        .stderr(output)
        .status()?;
    if !prepared.success() {
        return Err(format!("prepare.sh: {prepared}, see {}", log.display()).into());
    }
    let (client, connection) = tokio_postgres::connect(&database_url, NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute("VACUUM ANALYZE").await?;
    Ok(database_url)
}

fn script(peer: PeerProduct, name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers");
    folder.join(peer.folder()).join(name)
}

/// Where `install.sh` has put it.
fn installed(peer: PeerProduct) -> BenchResult<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers");
    let folder = folder.join(peer.folder());
    if folder.join("installed").exists() {
        return Ok(folder);
    }
    Err("not installed: run `make peers`".into())
}

fn utf8(path: &Path) -> BenchResult<&str> {
    Ok(path.to_str().ok_or("a path that is not UTF-8")?)
}
