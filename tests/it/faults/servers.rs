//! Servers of a test's own, to be stopped and started again.

use crate::support::{stores::setting, tables::postgres_session};
use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// A Redis of the test's own.
pub(crate) struct OwnRedis {
    folder: TempDir,
    port: u16,
    running: Option<Child>,
    arguments: Vec<String>,
}

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

impl OwnRedis {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut redis = Self {
            folder: TempDir::new().unwrap(),
            port: free_port(),
            running: None,
            arguments: arguments
                .iter()
                .map(|&argument| argument.to_owned())
                .collect(),
        };
        redis.start_again();
        redis
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Makes one cluster of them.
    pub(crate) fn join(nodes: &[Self]) {
        let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
        let output = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(addresses)
            .arg("--cluster-yes")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let is_whole = |node: &Self| node.cli(&["cluster", "info"]).contains("state:ok");
        wait_until("the cluster is whole", || nodes.iter().all(is_whole));
    }

    pub(crate) fn start_again(&mut self) {
        let child = Command::new("redis-server")
            .args([
                "--port",
                &self.port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
            ])
            .args(["--dir", self.folder.path().to_str().unwrap()])
            .args(&self.arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.running = Some(child);
        let answers = || self.cli(&["ping"]).contains("PONG");
        wait_until("Redis answers", answers);
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .args(["-p", &self.port.to_string()])
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A PostgreSQL of the test's own.
pub(crate) struct OwnPostgres {
    folder: TempDir,
    port: u16,
    settings: String,
}

impl OwnPostgres {
    pub(crate) fn start(settings: &str) -> Self {
        let folder = TempDir::new().unwrap();
        open_to_all(folder.path());
        let data = folder.path().join("data");
        as_postgres(
            "initdb",
            &[
                "-D",
                data.to_str().unwrap(),
                "-A",
                "trust",
                "-U",
                "postgres",
                "--no-sync",
            ],
        );
        let postgres = Self {
            folder,
            port: free_port(),
            settings: settings.to_owned(),
        };
        postgres.start_again();
        postgres
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn start_again(&self) {
        let folder = self.folder.path().display();
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -k {folder} {}",
            self.port, self.settings
        );
        let (data, log) = (
            self.folder.path().join("data"),
            self.folder.path().join("log"),
        );
        let (data, log) = (data.to_str().unwrap(), log.to_str().unwrap());
        as_postgres(
            "pg_ctl",
            &["-D", data, "-l", log, "-w", "-o", &options, "start"],
        );
    }

    /// Changes a setting while the server runs, and waits until new sessions and old ones have it.
    pub(crate) async fn set(&self, name: &str, value: &str) {
        let server = postgres_session(&self.url()).await;
        for change in [
            &format!("ALTER SYSTEM SET {name} = {value}"),
            "SELECT pg_reload_conf()",
        ] {
            server.batch_execute(change).await.unwrap();
        }
        let shown = "SELECT current_setting($1)";
        for _ in 0..200 {
            let row = server.query_one(shown, &[&name]).await.unwrap();
            if row.get::<_, &str>(0) == value {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{name} never became {value}");
    }

    /// As a power cut of the process would: no shutdown checkpoint.
    pub(crate) fn stop(&self) {
        let data = self.folder.path().join("data");
        as_postgres(
            "pg_ctl",
            &[
                "-D",
                data.to_str().unwrap(),
                "-m",
                "immediate",
                "-w",
                "stop",
            ],
        );
    }

    /// An archiver of this server's log, running.
    pub(crate) fn archiver(&self) -> Archiver {
        let folder = TempDir::new().unwrap();
        open_to_all(folder.path());
        let (port, into) = (self.port.to_string(), folder.path().to_str().unwrap());
        let to_server = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-D", into];
        let process = postgres_command("pg_receivewal", &to_server).spawn();
        Archiver {
            process: process.unwrap(),
            _folder: folder,
        }
    }

    /// A standby of this server, as `pg_basebackup` makes it, running.
    pub(crate) fn standby(&self) -> Self {
        let folder = TempDir::new().unwrap();
        open_to_all(folder.path());
        let data = folder.path().join("data");
        let port = self.port.to_string();
        as_postgres(
            "pg_basebackup",
            &[
                "-h",
                "127.0.0.1",
                "-p",
                &port,
                "-U",
                "postgres",
                "-R",
                "-X",
                "stream",
                "-c",
                "fast",
                "-D",
                data.to_str().unwrap(),
            ],
        );
        let standby = Self {
            folder,
            port: free_port(),
            settings: self.settings.clone(),
        };
        standby.start_again();
        standby
    }

    pub(crate) fn promote(&self) {
        let data = self.folder.path().join("data");
        as_postgres("pg_ctl", &["-D", data.to_str().unwrap(), "-w", "promote"]);
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        let data = self.folder.path().join("data");
        let _stopped_already = postgres_command(
            "pg_ctl",
            &["-D", data.to_str().unwrap(), "-m", "immediate", "stop"],
        )
        .output();
    }
}

/// What keeps a server's log elsewhere.
pub(crate) struct Archiver {
    process: Child,
    _folder: TempDir,
}

impl Drop for Archiver {
    fn drop(&mut self) {
        let _already_gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

fn postgres_command(program: &str, arguments: &[&str]) -> Command {
    let program = format!("{}/{program}", setting("TEST_COUNTERSIGN_POSTGRES_BIN"));
    command_as_postgres(&program, arguments)
}

/// A command as PostgreSQL's own user, where we are root: its server and PgBouncer refuse to run as root.
pub(super) fn command_as_postgres(program: &str, arguments: &[&str]) -> Command {
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let mut command = if root {
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid=postgres",
            "--regid=postgres",
            "--init-groups",
            program,
        ]);
        command
    } else {
        Command::new(program)
    };
    command.args(arguments).stdin(Stdio::null());
    command
}

fn as_postgres(program: &str, arguments: &[&str]) {
    let output = postgres_command(program, arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(output.success(), "{program} {arguments:?}");
}

/// PostgreSQL's own user has to get in.
pub(super) fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
}

/// Waits for something outside this process.
pub(crate) fn wait_until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..400 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("it never came: {what}");
}
