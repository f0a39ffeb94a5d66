//! `countersign serve` on one pair of stores, with a snapshot of its users that each pass begins with.

use crate::{
    BenchResult,
    process::Server,
    stores::BenchStores,
    users::{BenchUser, TOKEN},
};
use countersign_proto::health::{HealthCheckRequest, health_client::HealthClient};
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};
use tonic::transport::Endpoint;

const BINARY: &str = env!("CARGO_BIN_EXE_countersign");

/// The pairs of stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StorePair {
    RedisAndPostgres,
    Embedded,
}

#[derive(Clone)]
pub(crate) struct BenchDeployment {
    pub(crate) pair: StorePair,
    folder: PathBuf,
    /// The file of the configuration, in the folder.
    config: String,
    /// The schema of its tables in PostgreSQL.
    pub(crate) schema: String,
    log: PathBuf,
    pub(crate) users: Arc<Vec<BenchUser>>,
}

impl StorePair {
    pub(crate) const ALL: [Self; 2] = [Self::RedisAndPostgres, Self::Embedded];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::RedisAndPostgres => "Redis + PostgreSQL",
            Self::Embedded => "embedded",
        }
    }
}

impl BenchDeployment {
    /// Writes the configuration and makes the tables.
    pub(crate) fn new(
        pair: StorePair,
        folder: PathBuf,
        log: PathBuf,
        stores: &BenchStores,
        notifier: &str,
        users: Arc<Vec<BenchUser>>,
    ) -> BenchResult<Self> {
        fs::create_dir_all(&folder)?;
        let deployment = Self {
            pair,
            folder,
            config: "config.toml".to_owned(),
            schema: "public".to_owned(),
            log,
            users,
        };
        let ring = deployment.path("keys.toml");
        run(&["keys", "new", &ring])?;
        let token = data_encoding::HEXLOWER.encode(&countersign_transport::callers::hash(TOKEN));
        let mut config = format!(
            "data_dir = \"{}\"\n[keys]\nfile = \"{ring}\"\n[policy]\nattestation_suffices = [\"ADD_METHOD\", \"DISABLE_TWO_FACTOR\"]\n\
             [notifiers.email]\nendpoints = [\"{notifier}\"]\n\
             [[callers]]\nname = \"portal\"\ntoken_sha256 = \"{token}\"\naudiences = [\"portal\"]\ntenants = [\"*\"]\n\
             rights = [\"ChallengeService\", \"MethodService\", \"DeviceService\", \"UserService\", \"PolicyService\", \"attest\"]\n",
            deployment.path("data"),
        );
        if pair == StorePair::RedisAndPostgres {
            let (postgres, redis) = (&stores.postgres_url, &stores.redis_url);
            write!(
                config,
                "[postgres]\nurl = \"{postgres}\"\n[redis]\nurls = [\"{redis}\"]\n"
            )?;
        }
        fs::write(deployment.path(&deployment.config), config)?;
        if pair == StorePair::RedisAndPostgres {
            run(&["migrate", "--config", &deployment.path(&deployment.config)])?;
        }
        Ok(deployment)
    }

    /// The same keys and configuration on a new schema of PostgreSQL, for these users.
    pub(crate) async fn in_schema(
        &self,
        schema: String,
        users: Arc<Vec<BenchUser>>,
        stores: &BenchStores,
    ) -> BenchResult<Self> {
        let create = format!("CREATE SCHEMA {schema}");
        stores.postgres.batch_execute(&create).await?;
        let url = &stores.postgres_url;
        let config = fs::read_to_string(self.path(&self.config))?;
        let config = config.replace(
            &format!("url = \"{url}\""),
            &format!("url = \"{url}?options=-c%20search_path%3D{schema}\""),
        );
        let deployment = Self {
            config: format!("{schema}.toml"),
            schema,
            users,
            ..self.clone()
        };
        fs::write(deployment.path(&deployment.config), config)?;
        run(&["migrate", "--config", &deployment.path(&deployment.config)])?;
        Ok(deployment)
    }

    /// The same deployment with more lines at the end of its configuration.
    pub(crate) fn configured(&self, name: &str, more: &str) -> BenchResult<Self> {
        let config = fs::read_to_string(self.path(&self.config))?;
        let deployment = Self {
            config: format!("{name}.toml"),
            ..self.clone()
        };
        fs::write(
            deployment.path(&deployment.config),
            format!("{config}{more}"),
        )?;
        Ok(deployment)
    }

    /// A new process, once it is serving, and how long that took.
    pub(crate) async fn start(&self, core: usize) -> BenchResult<(Server, Duration)> {
        let arguments = ["serve", "--config", &self.path(&self.config), "--listen"];
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
    pub(crate) async fn snapshot(&self, stores: &BenchStores) -> BenchResult<()> {
        match self.pair {
            StorePair::RedisAndPostgres => {
                let (schema, kept) = (&self.schema, self.kept());
                let sql = format!(
                    "CREATE TABLE {kept} AS TABLE {schema}.accounts;
                    SELECT pg_stat_reset_single_table_counters('{schema}.accounts'::regclass)"
                );
                Ok(stores.postgres.batch_execute(&sql).await?)
            }
            StorePair::Embedded => {
                self.sqlite("CREATE TABLE snapshot.accounts AS SELECT * FROM main.accounts")
            }
        }
    }

    /// Brings the users back as they were, so that each code can be used again. The rows are new, and no update of theirs is
    /// counted.
    pub(crate) async fn restore(&self, stores: &BenchStores) -> BenchResult<()> {
        match self.pair {
            StorePair::RedisAndPostgres => {
                let (schema, kept) = (&self.schema, self.kept());
                let sql = format!(
                    "TRUNCATE {schema}.accounts; INSERT INTO {schema}.accounts TABLE {kept}"
                );
                stores.postgres.batch_execute(&sql).await?;
                let vacuum = format!("VACUUM ANALYZE {schema}.accounts");
                stores.postgres.batch_execute(&vacuum).await?;
            }
            StorePair::Embedded => self.sqlite(
                "BEGIN IMMEDIATE; DELETE FROM main.accounts;
                 INSERT INTO main.accounts SELECT * FROM snapshot.accounts; COMMIT",
            )?,
        }
        self.users.iter().for_each(BenchUser::restore);
        Ok(())
    }

    /// The table that keeps the snapshot.
    fn kept(&self) -> String {
        match self.schema.as_str() {
            "public" => "bench.accounts".to_owned(),
            schema => format!("bench.accounts_{schema}"),
        }
    }

    fn sqlite(&self, sql: &str) -> BenchResult<()> {
        let db = rusqlite::Connection::open(self.folder.join("data/countersign.db"))?;
        db.busy_timeout(Duration::from_secs(5))?;
        db.execute("ATTACH ?1 AS snapshot", [self.path("snapshot.db")])?;
        Ok(db.execute_batch(sql)?)
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

fn run(arguments: &[&str]) -> BenchResult<()> {
    let ran = Command::new(BINARY).args(arguments).output()?;
    if ran.status.success() {
        return Ok(());
    }
    Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr)).into())
}
