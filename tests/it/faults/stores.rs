//! A34, A36 in short: a store that is down means UNAVAILABLE and nothing else, and it comes back by itself.

use crate::{
    faults::{
        redis_proxy::RedisProxy,
        servers::{OwnPostgres, OwnRedis, wait_until},
    },
    support::{
        Builder, Person, refused,
        stores::{Stores, memory, postgres_at, redis_at},
    },
};
use countersign_proto::v1::{self as pb, verify_challenge_response::Verdict};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tonic::{Code, Status};

pub(super) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Asks until it is answered; how long that took.
async fn back_after<T>(ask: impl AsyncFn() -> Result<T, Status>) -> Duration {
    #[expect(
        clippy::disallowed_methods,
        reason = "recovery is measured in real time"
    )]
    let began = Instant::now();
    loop {
        match ask().await {
            Ok(_) => return began.elapsed(),
            Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status}"),
        }
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "it never came back"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn all_calls_are_unavailable(person: &Person, challenge_id: &str, code: &str) {
    let why = "STORE_UNAVAILABLE";
    let status = refused(
        person.verify(challenge_id, code).await,
        Code::Unavailable,
        why,
    );
    assert!(
        tonic_types::StatusExt::get_details_retry_info(&status).is_some(),
        "it says when to try again"
    );
    refused(
        person.issue_with(person.challenge_request()).await,
        Code::Unavailable,
        why,
    );
}

#[test]
fn a34_without_redis_nothing_is_approved_and_it_comes_back_by_itself() {
    runtime().block_on(async {
        let mut redis = OwnRedis::start(&[]);
        let (challenges, budgets) = redis_at(&[redis.url()], false);
        let stores = Stores {
            challenges,
            budgets,
            ..Stores::of(crate::support::Pair::Production).await
        };
        let service = Builder::new(stores).start();
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        service.advance(30);
        let challenge = jane.issue().await;
        let code = app.app.code_at(service.seconds());

        redis.kill();
        all_calls_are_unavailable(&jane, &challenge.challenge_id, &code).await;
        jane.get().await.expect("what needs no Redis goes on");

        redis.start_again();
        let took = back_after(async || jane.issue_with(jane.challenge_request()).await).await;
        assert!(took < Duration::from_secs(3), "{took:?}");
        let late = jane.rejected(&challenge.challenge_id, &code).await;
        assert_eq!(
            late.reason(),
            pb::RejectionReason::ChallengeOver,
            "Redis has forgotten it"
        );
        let challenge = jane.issue().await;
        jane.approved(&challenge.challenge_id, &code).await;
    });
}

#[test]
fn a36_a_connection_to_a_demoted_redis_is_replaced_where_the_address_moves() {
    runtime().block_on(async {
        let (primary, other) = (OwnRedis::start(&[]), OwnRedis::start(&[]));
        let proxy = RedisProxy::to(primary.port()).await;
        let (challenges, budgets) = redis_at(&[proxy.url()], false);
        let stores = Stores {
            challenges,
            budgets,
            ..Stores::of(crate::support::Pair::Production).await
        };
        let service = Builder::new(stores).start();
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        service.advance(30);
        jane.issue().await;

        // The demoted server stays up, and keeps its connections.
        primary.cli(&["replicaof", "127.0.0.1", &other.port().to_string()]);
        wait_until("it follows the other", || {
            let replication = primary.cli(&["info", "replication"]);
            replication.contains("master_link_status:up")
        });
        proxy.lead_to(other.port());
        let took = back_after(async || jane.issue_with(jane.challenge_request()).await).await;
        assert!(took < Duration::from_secs(2), "{took:?}");
        let challenge = jane.issue().await;
        let code = app.app.code_at(service.seconds());
        jane.approved(&challenge.challenge_id, &code).await;
    });
}

#[test]
fn a34_a_redis_that_refuses_to_write_approves_nothing() {
    runtime().block_on(async {
        let redis = OwnRedis::start(&[]);
        let (challenges, budgets) = redis_at(&[redis.url()], false);
        let stores = Stores {
            challenges,
            budgets,
            ..Stores::of(crate::support::Pair::Production).await
        };
        let service = Builder::new(stores).start();
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        service.advance(30);
        let challenge = jane.issue().await;
        let code = app.app.code_at(service.seconds());
        let faults = [
            vec!["replicaof", "127.0.0.1", "1"],
            vec![
                "acl",
                "setuser",
                "default",
                "-@all",
                "+acl",
                "+config",
                "+replicaof",
                "+ping",
            ],
        ];
        let mends = [
            vec!["replicaof", "no", "one"],
            vec!["acl", "setuser", "default", "+@all"],
        ];
        for (fault, fix) in faults.iter().zip(&mends) {
            redis.cli(fault);
            all_calls_are_unavailable(&jane, &challenge.challenge_id, &code).await;
            redis.cli(fix);
            back_after(async || jane.get_challenge(&challenge.challenge_id).await).await;
        }
        jane.approved(&challenge.challenge_id, &code).await;
    });
}

#[test]
fn a34_a_redis_that_is_full_opens_nothing_and_goes_on_counting() {
    runtime().block_on(async {
        let redis = OwnRedis::start(&[]);
        let (challenges, budgets) = redis_at(&[redis.url()], false);
        let stores = Stores {
            challenges,
            budgets,
            ..Stores::of(crate::support::Pair::Production).await
        };
        let service = Builder::new(stores).start();
        let jane = service.person().await;
        jane.enroll_app(&service).await;
        let challenge = jane.issue().await;
        redis.cli(&["config", "set", "maxmemory", "1"]);
        refused(
            jane.issue_with(jane.challenge_request()).await,
            Code::Unavailable,
            "STORE_UNAVAILABLE",
        );
        let mut judged = 0;
        for _ in 0..10 {
            match jane.verify(&challenge.challenge_id, "000000").await {
                Ok(Verdict::Rejected(rejected)) => {
                    judged += u32::from(rejected.reason() == pb::RejectionReason::CodeRejected);
                }
                other => assert_eq!(other.unwrap_err().code(), Code::Unavailable),
            }
        }
        assert!(judged <= 5, "{judged}");
    });
}

#[test]
fn a34_a_redis_that_hangs_is_given_up_on() {
    runtime().block_on(async {
        let redis = OwnRedis::start(&[]);
        let link = Arc::new(
            countersign::store::redis::RedisLink::new(
                &[redis.url()],
                false,
                Duration::from_millis(300),
            )
            .unwrap(),
        );
        let mut stores = Stores::of(crate::support::Pair::Production).await;
        stores.challenges = Arc::new(countersign::store::redis::RedisChallenges::new(link));
        let service = Builder::new(stores).start();
        let jane = service.person().await;
        jane.enroll_app(&service).await;
        redis.cli(&["client", "pause", "2000", "all"]);
        refused(
            jane.issue_with(jane.challenge_request()).await,
            Code::Unavailable,
            "STORE_UNAVAILABLE",
        );
        back_after(async || jane.issue_with(jane.challenge_request()).await).await;
    });
}

#[test]
fn without_postgres_nothing_is_approved_and_it_comes_back_by_itself() {
    runtime().block_on(async {
        let postgres = OwnPostgres::start("");
        let accounts = postgres_at(&postgres.url());
        accounts.migrate().await.unwrap();
        let stores = Stores {
            accounts: Arc::new(accounts),
            ..Stores::of(crate::support::Pair::Production).await
        };
        let service = Builder::new(stores).start();
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        service.advance(30);
        let challenge = jane.issue().await;
        let code = app.app.code_at(service.seconds());

        postgres.stop();
        all_calls_are_unavailable(&jane, &challenge.challenge_id, &code).await;
        refused(
            jane.begin_sign_in().await,
            Code::Unavailable,
            "STORE_UNAVAILABLE",
        );
        postgres.start_again();
        back_after(async || jane.get().await).await;
        let current = jane.get_challenge(&challenge.challenge_id).await.unwrap();
        assert_eq!(
            current.attempts_left, 4,
            "the guess that could not be settled stays charged"
        );
        jane.approved(&challenge.challenge_id, &code).await;
    });
}

#[test]
fn a36_what_was_issued_before_a_failover_is_not_accepted_after_it() {
    runtime().block_on(async {
        let primary = OwnPostgres::start("-c wal_level=replica -c max_wal_senders=4");
        let accounts = postgres_at(&primary.url());
        accounts.migrate().await.unwrap();
        let (challenges, budgets) = memory();
        let stores = Stores {
            accounts: Arc::new(accounts),
            challenges,
            budgets,
            ..Stores::of(crate::support::Pair::Embedded).await
        };
        // The real time: histories begin by the server's clock.
        let mut builder = Builder::new(stores);
        builder.clock = Arc::new(crate::support::ManualClock::at_real_time());
        let service = builder.start();
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let challenge = jane.issue().await;

        let standby = primary.standby();
        primary.stop();
        standby.promote();
        let mut after = service.twin_builder();
        after.stores.accounts = Arc::new(postgres_at(&standby.url()));
        let after = after.start();
        let elsewhere = jane.through(after.portal());
        let code = app.app.code_at(service.seconds() + 30);
        let Verdict::Rejected(rejected) = elsewhere
            .verify(&challenge.challenge_id, &code)
            .await
            .unwrap()
        else {
            panic!("a challenge from before the failover was accepted")
        };
        assert_eq!(rejected.reason(), pb::RejectionReason::ChallengeOver);

        service.advance(600);
        let challenge = elsewhere.issue().await;
        elsewhere
            .approved(&challenge.challenge_id, &app.app.code_at(service.seconds()))
            .await;
    });
}
