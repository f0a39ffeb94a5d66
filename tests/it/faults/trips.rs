//! How often the stores are asked before an answer, counted by the stores themselves.

use crate::{
    faults::{
        redis_proxy::RedisProxy,
        servers::{OwnPostgres, OwnRedis},
        stores::runtime,
    },
    support::{
        Builder, Service,
        person::{add_method, wrong},
        stores::{Stores, postgres_at, redis_at},
        tables::{execute_in_postgres, postgres_session},
    },
};
use countersign_proto::v1 as pb;
use std::sync::Arc;

/// What the stores have been asked so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Trips {
    /// Scripts and other commands.
    commands: u64,
    /// Times that Redis was waited for: commands that are sent at the same time are one.
    redis: u64,
    statements: i64,
}

struct CountedTrips {
    service: Service,
    redis: OwnRedis,
    proxy: RedisProxy,
    postgres: OwnPostgres,
}

impl CountedTrips {
    async fn start() -> Self {
        let redis = OwnRedis::start(&[]);
        let postgres = OwnPostgres::start("-c shared_preload_libraries=pg_stat_statements");
        let accounts = postgres_at(&postgres.url());
        accounts.migrate().await.unwrap();
        execute_in_postgres(&postgres.url(), "CREATE EXTENSION pg_stat_statements").await;
        let proxy = RedisProxy::to(redis.port()).await;
        let (challenges, budgets) = redis_at(&[proxy.url()], false);
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
            proxy,
            postgres,
        }
    }

    /// What was asked for `call`, before its answer and after.
    async fn during<T>(&self, call: impl AsyncFn() -> T) -> Trips {
        // What follows an earlier answer is not this call's.
        self.service.app.drain().await;
        let before = self.trips().await;
        call().await;
        self.service.app.drain().await;
        let after = self.trips().await;
        Trips {
            commands: after.commands - before.commands,
            redis: after.redis - before.redis,
            statements: after.statements - before.statements,
        }
    }

    async fn trips(&self) -> Trips {
        let stats = self.redis.cli(&["info", "commandstats"]);
        // Neither what asks for this count, nor what the scripts do.
        let calls = stats.lines().filter_map(|line| {
            let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
            let ours = ["eval", "evalsha", "script|load", "ping", "unwatch", "time"];
            let count = rest.split(',').next()?.parse::<u64>().ok()?;
            ours.contains(&name).then_some(count)
        });
        let commands = calls.sum();
        let server = postgres_session(&self.postgres.url()).await;
        // All that was asked of the server, but what the two workers and this count ask.
        let asked = "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
             WHERE toplevel AND query !~ 'pg_stat_statements|outbox|FROM alerts|audit_|pg_snapshot_xmin|advisory|write_probe|^BEGIN|^COMMIT|^ROLLBACK|^SET|^SHOW'";
        Trips {
            commands,
            redis: self.proxy.round_trips(),
            statements: server.query_one(asked, &[]).await.unwrap().get(0),
        }
    }
}

/// Redis's commands and round trips, PostgreSQL's statements.
const fn trips(commands: u64, redis: u64, statements: i64) -> Trips {
    Trips {
        commands,
        redis,
        statements,
    }
}

#[test]
fn a_verdict_costs_one_script_and_three_statements_an_issue_one_of_each() {
    runtime().block_on(async {
        let counted = CountedTrips::start().await;
        let jane = counted.service.person().await;
        let app = jane.enroll_app(&counted.service).await;
        counted.service.advance(30);
        let challenge = jane.issue().await;
        let code = app.app.code_at(counted.service.seconds());
        // Scripts are loaded by now.
        jane.rejected(&challenge.challenge_id, &wrong(&code)).await;

        let wrong = wrong(&code);
        let asked = counted
            .during(async || jane.rejected(&challenge.challenge_id, &wrong).await)
            .await;
        assert_eq!(
            asked,
            trips(1, 1, 3),
            "a wrong code: lock, read beside the lock, write"
        );
        jane.issue().await;
        let asked = counted.during(async || jane.issue().await).await;
        assert_eq!(asked, trips(1, 1, 1), "an issue for an app");
        jane.approved(&challenge.challenge_id, &code).await;

        counted.service.advance(30);
        let challenge = jane.issue().await;
        let code = app.app.code_at(counted.service.seconds());
        let asked = counted
            .during(async || jane.approved(&challenge.challenge_id, &code).await)
            .await;
        assert_eq!(
            asked,
            trips(2, 2, 3),
            "a right code: one script before the answer, one after"
        );
    });
}

#[test]
fn a_message_costs_one_script_for_each_owner_of_budgets() {
    const NUMBER: &str = "+4915123456789";
    runtime().block_on(async {
        let counted = CountedTrips::start().await;
        let jane = counted.service.person().await;
        let verify = async || jane.issue_verify_email().await.unwrap();
        let resend = async |challenge: &pb::Challenge| {
            counted.service.advance(60);
            let resent = async || jane.resend(&challenge.challenge_id).await.unwrap();
            counted.during(resent).await
        };
        // The first one loads the scripts.
        verify().await;
        counted.service.advance(180);
        let asked = counted.during(verify).await;
        assert_eq!(
            asked,
            trips(4, 3, 1),
            "to an address that nobody confirmed: destination and tenant together, open, record"
        );

        let authorization = jane.attested(&counted.service, add_method(pb::MethodKind::Sms));
        let number = jane.enroll_number(NUMBER, authorization).await;
        let method_id = number.method.unwrap().method_id;
        counted.service.advance(180);
        let issue = async || jane.issue_for(&method_id).await.unwrap();
        let asked = counted.during(issue).await;
        assert_eq!(
            asked,
            trips(4, 3, 1),
            "to a number: destination and tenant together, open, record"
        );

        counted.service.advance(600);
        let challenge = issue().await;
        resend(&challenge).await;
        let asked = resend(&challenge).await;
        assert_eq!(
            asked,
            trips(5, 4, 0),
            "the same again: find, destination and tenant together, resend, record"
        );
    });
}
