//! How often the stores are asked before an answer, counted by the stores themselves.

use crate::{
    faults::servers::{OwnPostgres, OwnRedis},
    support::{
        Builder, Person, Service,
        person::wrong,
        stores::{Stores, postgres_at, redis_at},
    },
};
use countersign::proto::v1 as pb;
use sqlx::{Connection, Executor, PgConnection, Row};
use std::sync::Arc;

/// What the stores have been asked so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Trips {
    scripts: u64,
    statements: i64,
}

struct Counted {
    service: Service,
    redis: OwnRedis,
    postgres: OwnPostgres,
}

impl Counted {
    async fn start() -> Self {
        let redis = OwnRedis::start(&[]);
        let postgres = OwnPostgres::start("-c shared_preload_libraries=pg_stat_statements");
        let accounts = postgres_at(&postgres.url());
        accounts.migrate().await.unwrap();
        let mut server = PgConnection::connect(&postgres.url()).await.unwrap();
        server
            .execute("CREATE EXTENSION pg_stat_statements")
            .await
            .unwrap();
        let (challenges, budgets) = redis_at(&[redis.url()], false);
        let stores = Stores {
            accounts: Arc::new(accounts),
            challenges,
            budgets,
            ..Stores::of(crate::support::Pair::Embedded).await
        };
        let service = Builder::new(stores).start();
        Self {
            service,
            redis,
            postgres,
        }
    }

    /// What was asked while `call` ran.
    async fn during<T>(&self, call: impl AsyncFn() -> T) -> Trips {
        // What follows an earlier answer is not this call's.
        self.service.app.drain().await;
        let before = self.trips().await;
        call().await;
        let after = self.trips().await;
        Trips {
            scripts: after.scripts - before.scripts,
            statements: after.statements - before.statements,
        }
    }

    async fn trips(&self) -> Trips {
        let stats = self.redis.cli(&["info", "commandstats"]);
        let calls = |name: &str| -> u64 {
            let line = stats
                .lines()
                .find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:calls=")));
            line.and_then(|line| line.split(',').next()?.parse().ok())
                .unwrap_or_default()
        };
        let mut server = PgConnection::connect(&self.postgres.url()).await.unwrap();
        // All that was asked of the server, but what the two workers and this count ask.
        let row = server.fetch_one(
            "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
             WHERE toplevel AND query !~ 'pg_stat_statements|outbox|alarms|event_chains|sequence|advisory|^BEGIN|^COMMIT|^ROLLBACK|^SET|^SHOW'",
        );
        Trips {
            scripts: calls("evalsha") + calls("eval"),
            statements: row.await.unwrap().get(0),
        }
    }
}

async fn ready(counted: &Counted) -> (Person, crate::support::EnrolledApp, pb::Challenge) {
    let jane = counted.service.person().await;
    let app = jane.enroll_app(&counted.service).await;
    counted.service.advance(30);
    let challenge = jane.issue().await;
    (jane, app, challenge)
}

#[test]
fn a_verdict_costs_one_script_and_one_statement() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let counted = Counted::start().await;
        let (jane, app, challenge) = ready(&counted).await;
        let code = app.app.code_at(counted.service.seconds());

        let wrong = wrong(&code);
        let trips = counted
            .during(async || jane.rejected(&challenge.challenge_id, &wrong).await)
            .await;
        assert_eq!(
            trips,
            Trips {
                scripts: 1,
                statements: 1
            },
            "a wrong code"
        );
        let trips = counted
            .during(async || jane.approved(&challenge.challenge_id, &code).await)
            .await;
        assert_eq!(trips.statements, 1, "a right code");
        assert!(
            (1..=2).contains(&trips.scripts),
            "one before the answer, and one that follows it: {trips:?}"
        );
        let trips = counted.during(async || jane.issue().await).await;
        assert_eq!(
            trips,
            Trips {
                scripts: 1,
                statements: 1
            },
            "an issue of a challenge of an app"
        );
    });
}
