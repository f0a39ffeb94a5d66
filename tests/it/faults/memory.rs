//! Memory of the process: what slow hashes work in goes back to the system.
//!
//! How many enrollments: `TEST_COUNTERSIGN_ENROLLMENTS`, 60 where it is not set.

use crate::support::{
    Authenticator, Clients, Person,
    person::{add_method, attested_at},
    processes::{Deployment, Process, ResidentMemory, now},
    service::unique,
};
use countersign_proto::v1::{self as pb, MethodKind, begin_enrollment_request::Method};
use futures_util::future::join_all;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Enrollments that run at the same time.
const AT_ONCE: usize = 4;

/// Memory of a process at rest, beside the 20 MiB that are mapped of a release build: together at most 40 MiB.
const AT_REST_MIB: u64 = 20;

/// Resident memory per hash that may run at once (`hashing.at_once`, 4), while there is load.
const PER_HASH_MIB: u64 = 19;

#[expect(clippy::disallowed_methods, reason = "a long run says how long it is")]
fn enrollments() -> usize {
    let asked = std::env::var("TEST_COUNTERSIGN_ENROLLMENTS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(60)
}

/// Enrolls an app, with recovery codes at their real cost.
async fn enroll(clients: Clients) {
    let jane = Person::new(clients, format!("tenant-{}", unique()), "jane").await;
    let authorization = attested_at(now(), add_method(MethodKind::Totp));
    let request = jane.enrollment_request(Method::Totp(pb::EnrollTotp {}), authorization);
    let begun = jane.begin_enrollment(request).await.unwrap();
    let app = Authenticator::from_base32(&begun.totp.unwrap().secret);
    let challenge_id = begun.challenge.unwrap().challenge_id;
    let enrolled = jane.confirm(&challenge_id, &app.code_at(now())).await;
    assert_eq!(enrolled.recovery_codes.unwrap().codes.len(), 10);
}

/// Memory one idle second after many enrollments, which is as long as blocks may be kept for the next hash.
async fn after_load(process: &Process, clients: Clients) -> ResidentMemory {
    let before = process.memory();
    let one_of_them = async || {
        for _ in 0..enrollments() / AT_ONCE {
            enroll(clients.clone()).await;
        }
    };
    join_all((0..AT_ONCE).map(|_| one_of_them())).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = process.memory();
    println!(
        "{} enrollments: {before:?}, then {after:?}, CPU {:?}",
        enrollments(),
        process.cpu_time()
    );
    after
}

fn assert_within_bounds(after: &ResidentMemory) {
    assert!(after.now_mib <= AT_REST_MIB, "{after:?}");
    let hashes = u64::try_from(AT_ONCE).unwrap();
    assert!(
        after.peak_mib < AT_REST_MIB + PER_HASH_MIB * hashes,
        "{after:?}"
    );
}

#[test]
fn memory_of_slow_hashes_goes_back_to_the_system_embedded() {
    Runtime::new().unwrap().block_on(async {
        let process = Process::start(&["dev", "--listen", "127.0.0.1:0"]);
        let clients = Clients::new(process.channel(), "any token");
        assert_within_bounds(&after_load(&process, clients).await);
    });
}

#[test]
fn memory_of_slow_hashes_goes_back_to_the_system_in_production() {
    Runtime::new().unwrap().block_on(async {
        let deployment = Deployment::new().await;
        let process = deployment.serve();
        assert_within_bounds(&after_load(&process, process.portal()).await);
    });
}

#[test]
fn memory_that_an_allocator_keeps_is_noticed_control() {
    Runtime::new().unwrap().block_on(async {
        let keeps_all = [
            ("MALLOC_MMAP_MAX_", "0"),
            ("MALLOC_TRIM_THRESHOLD_", "1073741824"),
            ("COUNTERSIGN_HASHING__MEMORY_KIB", "19456"),
        ];
        let process = Process::start_with(&["dev", "--listen", "127.0.0.1:0"], &keeps_all);
        let clients = Clients::new(process.channel(), "any token");
        let after = after_load(&process, clients).await;
        assert!(after.now_mib > AT_REST_MIB, "{after:?}");
    });
}
