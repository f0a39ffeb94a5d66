//! A67: the connection to PostgreSQL is cut after each commit, before its answer arrives. No decision is taken twice, and
//! the caller hears what was decided.

use crate::{
    contract::accounts::random,
    support::{
        Browser, Person, Service, Stores,
        database::{Cell, Database},
        person::wrong,
        service::Builder,
        sql_proxy::SqlProxy,
        stores::{memory, store_keys},
        verdicts::{TestUser, WRONG, right},
    },
};
use countersign::ports::{AccountStore, CommitResult};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, ChangeBase, ConsumedProof},
    challenge::verdict::VerdictResult,
    value::epoch::Epoch,
};
use countersign_proto::v1::{self as pb, action::Action};
use std::sync::Arc;
use tonic::Code;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// A store through a proxy, and the database behind it.
async fn proxied() -> (Database, SqlProxy, Arc<dyn AccountStore>) {
    let database = Database::postgres().await;
    let Database::Postgres(url) = &database else {
        panic!("it is PostgreSQL")
    };
    let proxy = SqlProxy::start(url, &[]).await;
    let through_proxy = Database::Postgres(proxy.url.clone());
    let store = through_proxy.store(store_keys()).await;
    (database, proxy, store)
}

/// Every kind of call that writes, one after the other.
async fn use_everything(service: &Service) -> Person {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    let browser = Browser::new();
    let device = browser.sign_in_and_trust(service, &jane, &app).await;
    service.advance(60);
    let challenge = jane.issue().await;
    let code = app.app.code_at(service.seconds());
    jane.rejected(&challenge.challenge_id, &wrong(&code)).await;
    jane.approved(&challenge.challenge_id, &code).await;
    let new_codes = Action::GenerateRecoveryCodes(pb::GenerateRecoveryCodes {});
    let request = pb::GenerateRecoveryCodesRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        authorization: jane.step_up(service, &app, new_codes).await,
        ..pb::GenerateRecoveryCodesRequest::default()
    };
    let mut recovery = jane.clients.recovery.clone();
    let made = recovery.generate_recovery_codes(request).await.unwrap();
    let codes = made.into_inner().recovery_codes.unwrap().codes;
    jane.rename_device(&device.device_id, "Laptop")
        .await
        .unwrap();
    jane.revoke(&device.device_id, false).await.unwrap();
    let bypass = jane.bypass(jane.bypass_request()).await.unwrap();
    for code in [&bypass.bypass_code, &codes[0]] {
        let challenge = jane.issue().await;
        jane.approved(&challenge.challenge_id, code).await;
    }
    jane.unlock(jane.unlock_request()).await.unwrap();
    jane.reset(jane.reset_request()).await.unwrap();
    jane
}

/// What the audit record has of a tenant.
async fn events(database: &Database, person: &Person) -> Vec<Vec<Cell>> {
    let sql = format!(
        "SELECT kind FROM events WHERE tenant_id = '{}' ORDER BY position",
        person.tenant_id
    );
    database.rows(&sql).await
}

fn service_on(accounts: Arc<dyn AccountStore>) -> Service {
    let (challenges, budgets) = memory();
    Builder::new(Stores {
        accounts,
        challenges,
        budgets,
        folder: None,
    })
    .start()
}

#[test]
fn a67_a_connection_that_is_cut_after_each_commit_takes_no_decision_twice() {
    runtime().block_on(async {
        let (database, _, store) = proxied().await;
        let undisturbed = service_on(store);
        let jane = use_everything(&undisturbed).await;
        let expected = events(&database, &jane).await;

        let (database, proxy, store) = proxied().await;
        proxy.cut_after_commits();
        let service = service_on(store);
        let jane = use_everything(&service).await;
        assert_eq!(events(&database, &jane).await, expected);
        assert!(proxy.cuts() >= 15, "{} cuts", proxy.cuts());

        // What is erased knows of no call that erased it.
        let deleted = jane.delete().await;
        let unavailable = |status: &tonic::Status| status.code() == Code::Unavailable;
        assert!(
            deleted.as_ref().err().is_none_or(unavailable),
            "{deleted:?}"
        );
        assert_eq!(jane.get().await.unwrap_err().code(), Code::NotFound);
        let erased = events(&database, &jane).await.len() - expected.len();
        assert_eq!(erased, 1);
    });
}

/// What is decided, and how often it is on record.
#[test]
fn a67_an_unknown_commit_is_recognized_whatever_was_decided() {
    runtime().block_on(async {
        let (database, proxy, store) = proxied().await;
        let jane = TestUser::prepared(&*store).await;
        proxy.cut_after_commits();
        let verdict_result = store
            .record_verdict(&jane.attempt(random(), right(2)))
            .await;
        let Ok(VerdictResult::Approved { approval, .. }) = verdict_result else {
            panic!("{verdict_result:?}")
        };
        let verdict_result = store.record_verdict(&jane.attempt(random(), WRONG)).await;
        assert!(
            matches!(verdict_result, Ok(VerdictResult::Rejected { .. })),
            "{verdict_result:?}"
        );
        let epoch = Epoch::first(1);
        let consumed_proofs = AccountChange {
            consumed_proofs: vec![ConsumedProof::Approval(approval.id)],
            ..jane.change(
                ChangeBase::Epoch(epoch),
                epoch,
                vec![AccountWriteOp::LiftWindows],
            )
        };
        assert_eq!(
            store.commit(&consumed_proofs).await.unwrap(),
            CommitResult::Done
        );
        let present = jane.change(
            ChangeBase::Present(epoch, 1),
            epoch,
            vec![AccountWriteOp::NoRecoveryCodes],
        );
        assert_eq!(store.commit(&present).await.unwrap(), CommitResult::Done);
        assert_eq!(proxy.cuts(), 4);
        for (kind, count) in [
            ("CHALLENGE_APPROVED", 1),
            ("CHALLENGE_REJECTED", 1),
            ("USER_UPSERTED", 3),
        ] {
            let sql = format!("SELECT count(*) FROM events WHERE kind = '{kind}'");
            assert_eq!(database.number(&sql).await, count, "{kind}");
        }
    });
}

/// A caller that takes a lost answer for a failure, and calls with another attempt, has two decisions.
#[test]
fn a67_a_store_that_forgets_its_attempt_is_caught_control() {
    runtime().block_on(async {
        let (database, proxy, store) = proxied().await;
        let jane = TestUser::prepared(&*store).await;
        proxy.cut_after_commits();
        for _ in 0..2 {
            store
                .record_verdict(&jane.attempt(random(), WRONG))
                .await
                .unwrap();
        }
        let rejected = "SELECT count(*) FROM events WHERE kind = 'CHALLENGE_REJECTED'";
        assert_eq!(database.number(rejected).await, 2);
    });
}
