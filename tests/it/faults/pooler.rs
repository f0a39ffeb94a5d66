//! A36 behind a pooler: connections of clients outlive a promotion, and what it may have lost is void all the same.

use super::{pgbouncer::PgBouncer, servers::OwnPostgres, stores::runtime};
use crate::support::{
    Builder, ManualClock, Pair, Service, Stores,
    schema::grant_and_migrate,
    stores::{memory, pooled_settings, postgres_with},
    tables::postgres_session,
};
use countersign_proto::v1::{self as pb, verify_challenge_response::Verdict};
use std::{sync::Arc, time::Duration};

const ROLE: &str = "countersign";

async fn service_behind(pooler: &PgBouncer) -> Service {
    let accounts = postgres_with(&pooled_settings(pooler.url(ROLE)));
    let (challenges, budgets) = memory();
    let mut builder = Builder::new(Stores {
        accounts: Arc::new(accounts),
        challenges,
        budgets,
        ..Stores::of(Pair::Embedded).await
    });
    // The real time: histories begin by the server's clock.
    builder.clock = Arc::new(ManualClock::at_real_time());
    builder.start()
}

/// How many histories the server knows of, and when the last one began, in seconds since 1970.
async fn histories(server: &OwnPostgres) -> (i64, i64) {
    let server = postgres_session(&server.url()).await;
    let row = server
        .query_one(
            "SELECT count(*), max(began_at) / 1000 FROM countersign.histories",
            &[],
        )
        .await;
    let row = row.unwrap();
    (row.get(0), row.get(1))
}

#[test]
fn a36_a_promotion_behind_a_pooler_voids_what_it_may_have_lost() {
    runtime().block_on(async {
        let primary = OwnPostgres::start("-c wal_level=replica -c max_wal_senders=4");
        assert_eq!(grant_and_migrate(&primary.url(), ROLE).await, ROLE);
        let pooler = PgBouncer::start(primary.port(), "default_pool_size = 4");
        let service = service_behind(&pooler).await;
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let unanswered = jane.issue().await;
        let standby = primary.standby();
        standby.stop();
        // Acknowledged, and nowhere but on the primary.
        let code = app.app.code_at(service.seconds() + 30);
        jane.approved(&jane.issue().await.challenge_id, &code).await;
        let before = pooler.clients(ROLE).await;

        primary.stop();
        standby.start_again();
        standby.promote();
        pooler.lead_to(standby.port()).await;
        let mut tries = 0;
        while let Err(status) = jane.get().await {
            tries += 1;
            assert!(tries < 100, "{status}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let (count, began_at) = histories(&standby).await;
        assert_eq!(count, 2, "the first read notices it");
        let after = pooler.clients(ROLE).await;
        assert!(
            before.intersection(&after).next().is_some(),
            "no connection outlived the promotion: {before:?} {after:?}"
        );

        let reason = async |challenge_id: &str| {
            let verdict = jane.verify(challenge_id, &code).await.unwrap();
            let Verdict::Rejected(rejected) = verdict else {
                panic!("a code was accepted twice")
            };
            rejected.reason()
        };
        let over = reason(&unanswered.challenge_id).await;
        assert_eq!(over, pb::RejectionReason::ChallengeOver);
        // Issued in the new history, it still takes no code that the old one may have accepted.
        let wait = began_at + 1 - service.seconds();
        service.advance(u64::try_from(wait.max(0)).unwrap());
        let rejected = reason(&jane.issue().await.challenge_id).await;
        assert_eq!(rejected, pb::RejectionReason::CodeRejected);

        service.advance(600);
        let challenge = jane.issue().await;
        jane.approved(&challenge.challenge_id, &app.app.code_at(service.seconds()))
            .await;
    });
}
