//! `countersign serve` on one pair of stores, with a snapshot of its users that each pass begins with.

use crate::{
    Outcome,
    process::Server,
    stores::Stores,
    users::{TOKEN, User},
};
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};
use tonic::transport::Endpoint;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

const BINARY: &str = env!("CARGO_BIN_EXE_countersign");

/// The pairs of stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pair {
    RedisAndPostgres,
    Embedded,
}

pub(crate) struct Deployment {
    pub(crate) pair: Pair,
    folder: PathBuf,
    log: PathBuf,
    pub(crate) users: Arc<Vec<User>>,
}

impl Pair {
    pub(crate) const ALL: [Self; 2] = [Self::RedisAndPostgres, Self::Embedded];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::RedisAndPostgres => "Redis + PostgreSQL",
            Self::Embedded => "embedded",
        }
    }
}

impl Deployment {
    /// Writes the configuration and makes the tables.
    pub(crate) fn new(
        pair: Pair,
        folder: PathBuf,
        log: PathBuf,
        stores: &Stores,
        notifier: &str,
        users: Arc<Vec<User>>,
    ) -> Outcome<Self> {
        fs::create_dir_all(&folder)?;
        let deployment = Self {
            pair,
            folder,
            log,
            users,
        };
        let ring = deployment.path("keys.toml");
        run(&["keys", "new", &ring])?;
        let token = data_encoding::HEXLOWER.encode(&countersign::grpc::callers::hash(TOKEN));
        let mut config = format!(
            "data_dir = \"{}\"\n[keys]\nfile = \"{ring}\"\n[policy]\nattestation_suffices = [\"ADD_METHOD\", \"DISABLE_TWO_FACTOR\"]\n\
             [notifiers.email]\nendpoints = [\"{notifier}\"]\n\
             [[callers]]\nname = \"portal\"\ntoken_sha256 = \"{token}\"\naudiences = [\"portal\"]\ntenants = [\"*\"]\n\
             rights = [\"ChallengeService\", \"MethodService\", \"DeviceService\", \"UserService\", \"attest\"]\n",
            deployment.path("data"),
        );
        if pair == Pair::RedisAndPostgres {
            let (postgres, redis) = (&stores.postgres_url, &stores.redis_url);
            write!(
                config,
                "[postgres]\nurl = \"{postgres}\"\n[redis]\nurls = [\"{redis}\"]\n"
            )?;
        }
        fs::write(deployment.path("config.toml"), config)?;
        if pair == Pair::RedisAndPostgres {
            run(&["migrate", "--config", &deployment.path("config.toml")])?;
        }
        Ok(deployment)
    }

    /// A new process, once it is serving, and how long that took.
    pub(crate) async fn start(&self, core: usize) -> Outcome<(Server, Duration)> {
        let arguments = ["serve", "--config", &self.path("config.toml"), "--listen"];
        let log = self.log.clone();
        let server = Server::start(core, Path::new(BINARY), &arguments, &log).await?;
        let endpoint = Endpoint::from_shared(format!("http://{}", server.address))?;
        let mut health = HealthClient::new(endpoint.connect().await?);
        loop {
            let response = health.check(HealthCheckRequest::default()).await;
            if response.is_ok_and(|response| response.into_inner().status == 1) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let started = server.started.elapsed();
        Ok((server, started))
    }

    /// Keeps the users as they are.
    pub(crate) async fn snapshot(&self, stores: &Stores) -> Outcome<()> {
        match self.pair {
            Pair::RedisAndPostgres => {
                const SQL: &str = "CREATE TABLE bench.accounts AS TABLE public.accounts;
                    SELECT pg_stat_reset_single_table_counters('public.accounts'::regclass)";
                Ok(stores.postgres.batch_execute(SQL).await?)
            }
            Pair::Embedded => {
                self.sqlite("CREATE TABLE snapshot.accounts AS SELECT * FROM main.accounts")
            }
        }
    }

    /// Brings the users back as they were, so that each code can be used again. The rows are new, and no update of theirs is
    /// counted.
    pub(crate) async fn restore(&self, stores: &Stores) -> Outcome<()> {
        match self.pair {
            Pair::RedisAndPostgres => {
                const SQL: &str =
                    "TRUNCATE public.accounts; INSERT INTO public.accounts TABLE bench.accounts";
                stores.postgres.batch_execute(SQL).await?;
                let vacuum = "VACUUM ANALYZE public.accounts";
                stores.postgres.batch_execute(vacuum).await?;
            }
            Pair::Embedded => self.sqlite(
                "BEGIN IMMEDIATE; DELETE FROM main.accounts;
                 INSERT INTO main.accounts SELECT * FROM snapshot.accounts; COMMIT",
            )?,
        }
        self.users.iter().for_each(User::restore);
        Ok(())
    }

    fn sqlite(&self, sql: &str) -> Outcome<()> {
        let db = rusqlite::Connection::open(self.folder.join("data/countersign.db"))?;
        db.busy_timeout(Duration::from_secs(5))?;
        db.execute("ATTACH ?1 AS snapshot", [self.path("snapshot.db")])?;
        Ok(db.execute_batch(sql)?)
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

fn run(arguments: &[&str]) -> Outcome<()> {
    let ran = Command::new(BINARY).args(arguments).output()?;
    if ran.status.success() {
        return Ok(());
    }
    Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr)).into())
}
