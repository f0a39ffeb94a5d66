//! The floor: a minimal server that makes the same round trips as the service and does nothing else.
//!
//! It opens, judges, signs and logs nothing. It is a service of the same gRPC stack with one method, whose
//! `idempotency_key` names the handler and whose `destination` names the user.

mod postgres;
mod sqlite;

use crate::BenchResult;
use countersign_proto::notifier::{
    Accepted, DeliverRequest, DeliverResponse,
    deliver_response::Outcome as Delivered,
    notifier_service_server::{NotifierService, NotifierServiceServer},
};
use postgres::FloorPostgres;
use redis::{Script, aio::MultiplexedConnection};
use sqlite::FloorSqlite;
use std::{net::SocketAddr, path::PathBuf};
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};

/// Charges a window and an attempt, and reads a challenge: about what one script of the service does.
const SCRIPT: &str = r"
local challenge = redis.call('HGETALL', KEYS[1] .. ':challenge')
redis.call('ZREMRANGEBYSCORE', KEYS[1] .. ':window', '-inf', ARGV[1] - 86400000)
if redis.call('ZCARD', KEYS[1] .. ':window') > 20 then redis.call('DEL', KEYS[1] .. ':window') end
redis.call('ZADD', KEYS[1] .. ':window', ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1] .. ':window', 86400000)
redis.call('HINCRBY', KEYS[1] .. ':challenge', 'attempts', 1)
redis.call('PEXPIRE', KEYS[1] .. ':challenge', 300000)
return challenge";

/// How many bytes an answer has: about those of an approval with its assertion.
const ANSWER_BYTES: usize = 800;

/// What the floor is started with.
#[derive(Debug, clap::Args)]
pub(crate) struct FloorArgs {
    #[arg(long)]
    redis: String,
    #[arg(long)]
    postgres: String,
    /// The file of SQLite.
    #[arg(long)]
    sqlite: PathBuf,
    /// How many bytes a record has.
    #[arg(long)]
    record_bytes: usize,
    /// How many users there are.
    #[arg(long)]
    users: usize,
    listen: SocketAddr,
}

/// The minimal handlers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handler {
    Echo,
    Script,
    /// What `IssueChallenge` needs.
    ScriptAndRead,
    /// What `VerifyChallenge` needs.
    ScriptAndWrite,
    /// What `VerifyChallenge` needs on the embedded stores.
    SqliteWrite,
}

impl Handler {
    pub(crate) const ALL: [Self; 5] = [
        Self::Echo,
        Self::Script,
        Self::ScriptAndRead,
        Self::ScriptAndWrite,
        Self::SqliteWrite,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Script => "echo + script",
            Self::ScriptAndRead => "script + read",
            Self::ScriptAndWrite => "script + lock and write",
            Self::SqliteWrite => "SQLite group commit",
        }
    }
}

struct Floor {
    redis: MultiplexedConnection,
    script: Script,
    postgres: FloorPostgres,
    sqlite: FloorSqlite,
}

impl Floor {
    async fn handle(&self, handler: Handler, user: &str) -> BenchResult<()> {
        match handler {
            Handler::Echo => Ok(()),
            Handler::Script => self.run_script(user).await,
            Handler::ScriptAndRead => {
                self.postgres.read(user).await?;
                self.run_script(user).await
            }
            Handler::ScriptAndWrite => {
                self.run_script(user).await?;
                self.postgres.write(user).await
            }
            Handler::SqliteWrite => self.sqlite.write(user).await,
        }
    }

    async fn run_script(&self, user: &str) -> BenchResult<()> {
        let mut redis = self.redis.clone();
        let mut call = self.script.key(format!("floor:{{{user}}}"));
        let call = call.arg(1_700_000_000_000_u64).arg(fresh_id().as_slice());
        let _challenge: Vec<String> = call.invoke_async(&mut redis).await?;
        Ok(())
    }
}

#[tonic::async_trait]
impl NotifierService for Floor {
    async fn deliver(
        &self,
        request: Request<DeliverRequest>,
    ) -> Result<Response<DeliverResponse>, Status> {
        let request = request.into_inner();
        let handler = Handler::ALL
            .into_iter()
            .find(|handler| handler.name() == request.idempotency_key)
            .ok_or_else(|| Status::invalid_argument("no such handler"))?;
        self.handle(handler, &request.destination)
            .await
            .map_err(|error| Status::internal(error.to_string()))?;
        Ok(Response::new(DeliverResponse {
            outcome: Some(Delivered::Accepted(Accepted {
                provider_message_id: "a".repeat(ANSWER_BYTES),
            })),
        }))
    }
}

/// Serves until it is killed.
pub(crate) async fn serve(args: FloorArgs) -> BenchResult<()> {
    let redis = redis::Client::open(args.redis)?
        .get_multiplexed_async_connection()
        .await?;
    let floor = Floor {
        redis,
        script: Script::new(SCRIPT),
        postgres: FloorPostgres::connect(&args.postgres, args.record_bytes, args.users).await?,
        sqlite: FloorSqlite::open(&args.sqlite, args.record_bytes, args.users)?,
    };
    let listener = TcpListener::bind(args.listen).await?;
    Server::builder()
        .add_service(NotifierServiceServer::new(floor))
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
        .await?;
    Ok(())
}

/// The id of a user, by number.
pub(crate) fn user_id(number: usize) -> String {
    format!("user-{number}")
}

fn fresh_id() -> [u8; 16] {
    rand::random()
}

/// A record that never compresses, as a sealed one.
fn fresh_record(bytes: usize) -> Vec<u8> {
    let mut record = vec![0; bytes];
    rand::fill(record.as_mut_slice());
    record
}
