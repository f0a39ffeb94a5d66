//! A PgBouncer of the test's own.

use super::servers::{command_as_postgres, free_port, open_to_all};
use crate::support::stores::setting;
use std::{
    collections::BTreeSet,
    fs,
    net::TcpStream,
    process::{Child, Stdio},
};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// In transaction mode.
pub(super) struct PgBouncer {
    folder: TempDir,
    port: u16,
    settings: String,
    running: Child,
}

impl PgBouncer {
    /// In front of the server on a port of this machine, with more settings, a line each.
    pub(super) fn start(server: u16, settings: &str) -> Self {
        let folder = TempDir::new().unwrap();
        open_to_all(folder.path());
        let port = free_port();
        let config = folder.path().join("pgbouncer.ini");
        write_config(&folder, port, settings, server);
        let program = setting("TEST_COUNTERSIGN_PGBOUNCER_BIN");
        let running = command_as_postgres(&program, &["-q", config.to_str().unwrap()])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let listens = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        super::servers::wait_until("PgBouncer listens", listens);
        Self {
            folder,
            port,
            settings: settings.to_owned(),
            running,
        }
    }

    pub(super) fn url(&self, role: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/postgres", self.port)
    }

    /// Leads to another server from now on. Connections of clients stay.
    pub(super) async fn lead_to(&self, server: u16) {
        write_config(&self.folder, self.port, &self.settings, server);
        self.console().await.batch_execute("RELOAD").await.unwrap();
    }

    /// The ports of the clients that are connected as a role.
    pub(super) async fn clients(&self, role: &str) -> BTreeSet<String> {
        let shown = self.console().await.simple_query("SHOW CLIENTS").await;
        let rows = shown
            .unwrap()
            .into_iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) if row.get("user") == Some(role) => {
                    Some(row.get("port").unwrap().to_owned())
                }
                _ => None,
            });
        rows.collect()
    }

    async fn console(&self) -> Client {
        let url = format!("postgres://postgres@127.0.0.1:{}/pgbouncer", self.port);
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::runtime::Handle::current().spawn(connection);
        client
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _already_gone = self.running.kill();
        let _reaped = self.running.wait();
    }
}

fn write_config(folder: &TempDir, port: u16, settings: &str, server: u16) {
    let users = folder.path().join("users");
    fs::write(&users, "\"postgres\" \"\"\n").unwrap();
    let config = format!(
        "[databases]\n* = host=127.0.0.1 port={server}\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = trust\nauth_file = {}\nauth_user = postgres\nadmin_users = postgres\n\
         pool_mode = transaction\nserver_login_retry = 1\n{settings}\n",
        users.display()
    );
    fs::write(folder.path().join("pgbouncer.ini"), config).unwrap();
}
