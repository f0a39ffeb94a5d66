//! A43, after `DeleteUser`: nothing of the person is left in any store, and what stays of them in the audit record can't
//! be opened any more.

use crate::{
    faults::servers::OwnRedis,
    support::{
        Person, Service, Stores,
        person::{add_method, wrong},
        service::{Builder, unique},
        stores::{memory, new_schema, postgres_at, redis_at, setting, sqlite},
        tables::{open_sqlite, postgres_session},
        until,
    },
};
use countersign::ports::AccountLookup;
use countersign_domain::value::id::Subject;
use countersign_proto::v1::{self as pb, MethodKind, begin_enrollment_request::Method};
use data_encoding::HEXLOWER;
use std::{fs, process::Command, sync::Arc};
use tempfile::TempDir;

const NUMBER: &str = "+4915123456789";

const SEALED: &str = "SELECT profile, record FROM accounts WHERE user_id = $1";

/// What must be left nowhere, with a name for each.
struct Traces(Vec<(&'static str, Vec<u8>)>);

impl Traces {
    /// Which of them are in a dump, as they are or in hexadecimal.
    fn found_in(&self, dump: &[u8]) -> Vec<&'static str> {
        let holds = |needle: &[u8]| dump.windows(needle.len()).any(|window| window == needle);
        let found = self
            .0
            .iter()
            .filter(|(_, trace)| holds(trace) || holds(HEXLOWER.encode(trace).as_bytes()));
        found.map(|(name, _)| *name).collect()
    }
}

/// A person of whom every table and every key knows something, and what it is.
async fn known_everywhere(service: &Service) -> (Person, Traces) {
    let name = format!("canary-user-{}", unique());
    let jane = Person::new(service.portal(), format!("tenant-{}", unique()), &name).await;
    let context = Some(pb::ClientContext {
        client_address: "203.0.113.77".to_owned(),
        user_agent: "canary-browser".to_owned(),
        ..pb::ClientContext::default()
    });
    let app = jane.enroll_app(service).await;
    service.advance(30);
    let asked = pb::IssueChallengeRequest {
        context: context.clone(),
        ..jane.challenge_request()
    };
    let challenge = jane.issue_with(asked).await.unwrap();
    let code = app.app.code_at(service.seconds());
    jane.rejected(&challenge.challenge_id, &wrong(&code)).await;
    let answer = pb::VerifyChallengeRequest {
        context,
        request_id: format!("request-{}", unique()),
        ..jane.verify_request(&challenge.challenge_id, &code)
    };
    jane.verify_with(answer).await.unwrap();
    let authorization = jane
        .step_up(service, &app, add_method(MethodKind::Sms))
        .await;
    let sms = Method::Sms(pb::EnrollSms {
        phone_number: NUMBER.to_owned(),
    });
    let begun = pb::BeginEnrollmentRequest {
        label: "Canary phone".to_owned(),
        ..jane.enrollment_request(sms, authorization)
    };
    let begun = jane.begin_enrollment(begun).await.unwrap();
    let confirm = pb::ConfirmEnrollmentRequest {
        request_id: format!("request-{}", unique()),
        ..jane.confirmation(
            &begun.challenge.unwrap().challenge_id,
            &jane.last_code(NUMBER).await,
        )
    };
    jane.confirm_with(confirm).await.unwrap();
    jane.issue().await;
    let traces = traces(service, &jane.subject()).await;
    (jane, traces)
}

/// The name, the label, and all that is sealed: even whoever has the key ring must have nothing to open.
async fn traces(service: &Service, subject: &Subject) -> Traces {
    let loaded = service
        .stores
        .accounts
        .load(subject, AccountLookup::default());
    let account = loaded.await.unwrap().account.unwrap();
    let mut traces = vec![
        ("user id", subject.user.as_str().as_bytes().to_vec()),
        ("label", b"Canary phone".to_vec()),
        ("user key", account.user_key.as_bytes().to_vec()),
        ("profile", account.profile.as_bytes().to_vec()),
    ];
    for method in &account.methods {
        traces.push(("method", method.sealed.as_bytes().to_vec()));
    }
    for device in &account.devices {
        traces.push(("device", device.id.as_bytes().to_vec()));
    }
    Traces(traces)
}

/// All that is found before an erasure, and nothing after it. What is in the record never shows in the clear.
async fn is_erased(
    service: &Service,
    dump: impl AsyncFn() -> Vec<u8>,
    sealed: impl AsyncFn(&str) -> [Vec<u8>; 2],
) {
    let (jane, mut traces) = known_everywhere(service).await;
    let [profile, record] = sealed(&jane.user_id).await;
    traces
        .0
        .extend([("profile column", profile), ("record", record)]);
    let mut found = traces.found_in(&dump().await);
    found.dedup();
    assert_eq!(
        found,
        ["user id", "profile column", "record"],
        "the dump shows what is there"
    );
    jane.delete().await.unwrap();
    // A reader may have kept SQLite's log from being emptied at once; then the next sweep does it.
    let left = async || {
        service.app.purge().await.unwrap();
        traces.found_in(&dump().await)
    };
    until(left, Vec::is_empty).await;
}

fn files(folder: &TempDir) -> Vec<u8> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let files = entries.map(|entry| fs::read(entry.unwrap().path()).unwrap());
    files.flatten().collect()
}

fn tables(url: &str) -> Vec<u8> {
    let (server, schema) = url.split_once("?options=-c%20search_path%3D").unwrap();
    let pg_dump = format!("{}/pg_dump", setting("TEST_COUNTERSIGN_POSTGRES_BIN"));
    let dumped = Command::new(pg_dump)
        .args(["--data-only", "--schema", schema, server])
        .output()
        .unwrap();
    assert!(dumped.status.success(), "{dumped:?}");
    dumped.stdout
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn a43_nothing_of_an_erased_user_is_left_in_the_files_of_sqlite() {
    runtime().block_on(async {
        let (accounts, folder) = sqlite().await;
        let (challenges, budgets) = memory();
        let service = Builder::new(Stores {
            accounts,
            challenges,
            budgets,
            folder: Some(Arc::clone(&folder)),
        });
        let sealed = async |user: &str| {
            let file = open_sqlite(&folder.path().join("test.db"));
            let columns = file.query_row(SEALED, [user], |row| Ok([row.get(0)?, row.get(1)?]));
            columns.unwrap()
        };
        is_erased(&service.start(), async || files(&folder), sealed).await;
    });
}

#[test]
fn a43_nothing_of_an_erased_user_is_left_in_postgresql_and_redis() {
    runtime().block_on(async {
        let redis = OwnRedis::start(&[]);
        let (challenges, budgets) = redis_at(&[redis.url()], false);
        let url = new_schema().await;
        let service = Builder::new(Stores {
            accounts: Arc::new(postgres_at(&url)),
            challenges,
            budgets,
            folder: None,
        });
        let sealed = async |user: &str| {
            let session = postgres_session(&url).await;
            let row = session.query_one(SEALED, &[&user]).await.unwrap();
            [row.get(0), row.get(1)]
        };
        is_erased(&service.start(), async || tables(&url), sealed).await;
        // What stays counts, under a pseudonym: no challenge, no device, nothing that waits for its code.
        let keys = redis.cli(&["keys", "*"]);
        let challenge = |key: &&str| key.ends_with("}:c");
        assert_eq!(keys.lines().find(challenge), None, "{keys}");
        assert!(keys.lines().any(|key| key.ends_with("}:g")), "{keys}");
    });
}

#[test]
fn a43_a_trace_is_found_as_it_is_and_in_hexadecimal_control() {
    let traces = Traces(vec![("key", vec![1, 2, 250]), ("name", b"jane".to_vec())]);
    assert_eq!(traces.found_in(b"..\x01\x02\xfa.."), ["key"]);
    assert_eq!(traces.found_in(b"\\x0102fa\tjane"), ["key", "name"]);
    assert!(traces.found_in(b"nothing").is_empty());
}
