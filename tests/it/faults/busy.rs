//! An SQLite file that another process holds.

use crate::support::{Pair, Service, refused, tables::open_sqlite};
use countersign_proto::v1 as pb;
use std::time::{Duration, Instant};
use tonic::Code;

#[test]
fn a_file_that_another_process_holds_makes_writes_unavailable_in_time() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let service = Service::start(Pair::Embedded).await;
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        service.advance(30);
        let challenge = jane.issue().await;
        let code = app.app.code_at(service.seconds());

        let folder = service.stores.folder.clone().unwrap();
        let other = open_sqlite(&folder.path().join("test.db"));
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        #[expect(clippy::disallowed_methods, reason = "waits are measured in real time")]
        let began = Instant::now();
        let mut writes = tokio::task::JoinSet::new();
        for name in ["john", "jim", "joan", "jo"] {
            let jane = jane.clone();
            let profile = pb::Profile::default();
            writes.spawn(async move {
                let john = crate::support::Person {
                    user_id: name.to_owned(),
                    ..jane
                };
                john.upsert(profile).await
            });
        }
        let why = "STORE_UNAVAILABLE";
        refused(
            jane.verify(&challenge.challenge_id, &code).await,
            Code::Unavailable,
            why,
        );
        for outcome in writes.join_all().await {
            refused(outcome, Code::Unavailable, why);
        }
        assert!(
            began.elapsed() < Duration::from_secs(6),
            "{:?}",
            began.elapsed()
        );
        jane.get().await.expect("what only reads goes on");

        other.execute_batch("ROLLBACK").unwrap();
        jane.approved(&challenge.challenge_id, &code).await;
    });
}
