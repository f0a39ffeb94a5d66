use super::{LoadedCall, MAX_DECISIONS};
use crate::{
    app::{
        App, AppDependencies, CallerRequest, ClientContext, Error, HashingPool, RequestIdentity,
        context::{CallContext, RequestContext},
        user::upsert_user::upsert_user,
    },
    crypto::KeyRing,
    notify::{
        inbox::{Inbox, OffsetClock},
        texts::MessageTexts,
    },
    ports::KeyService,
    store::{
        memory::{MemoryBudgets, MemoryChallenges},
        sqlite::SqliteAccounts,
    },
};
use countersign_domain::{
    account::profile::ProfileUpdate,
    authorization::caller::{Audience, Caller, CallerName, CallerRight, TenantScope},
    policy::{Policy, PolicyOverride},
    recovery::HashCost,
    value::{
        id::{RequestId, Subject, TenantId, UserId},
        tenant::DisplayNames,
    },
};
use countersign_transport::system::{Clock, SystemClock, SystemEntropy};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};
use tempfile::TempDir;

struct RequestsFixture {
    app: Arc<App>,
    _folder: TempDir,
}

impl RequestsFixture {
    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let ring = KeyRing::parse(&KeyRing::new_text(&SystemEntropy)).unwrap();
        let keys: Arc<dyn KeyService> = Arc::new(ring);
        let file = folder.path().join("test.db");
        let accounts = SqliteAccounts::open(&file, Arc::clone(&keys), Arc::new(SystemEntropy));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let ahead = Arc::new(OffsetClock::of(Arc::clone(&clock)));
        let cost = HashCost {
            memory_kib: 8,
            passes: 1,
        };
        let app = App::new(AppDependencies {
            accounts: Arc::new(accounts.await.unwrap()),
            challenges: Arc::new(MemoryChallenges::default()),
            budgets: Arc::new(MemoryBudgets::default()),
            notifier: Arc::new(Inbox::new(ahead, Arc::new(MessageTexts::built_in()), false)),
            passwords: None,
            keys,
            clock,
            entropy: Arc::new(SystemEntropy),
            hashing: HashingPool::new(1, cost, b"a seed for tests"),
            policy: Policy::built_in(),
            service_layer: PolicyOverride::default(),
            issuer: "countersign.test".to_owned(),
            display_names: DisplayNames::default(),
        });
        Self {
            app,
            _folder: folder,
        }
    }

    /// Creates the user, or saves another change.
    async fn upsert(&self, request_id: &str, payload: &[u8]) -> Result<(), Error> {
        let call = call(request_id, payload);
        let upserted = upsert_user(&self.app.user, call, ProfileUpdate::default());
        upserted.await.map(drop)
    }

    /// The context of a call of `UpsertUser`.
    fn context(&self, request_id: &str, payload: &[u8]) -> Arc<CallContext> {
        self.app.requests.call_context(call(request_id, payload))
    }
}

fn call(request_id: &str, payload: &[u8]) -> CallerRequest {
    CallerRequest {
        caller: Arc::new(Caller {
            name: CallerName::new("portal"),
            rights: CallerRight::ALL.to_vec(),
            audiences: vec![Audience::new("portal")],
            tenants: TenantScope::All,
        }),
        subject: Subject {
            tenant: TenantId::parse("acme").unwrap(),
            user: UserId::parse("jane").unwrap(),
        },
        request_identity: Some(RequestIdentity {
            rpc: "UpsertUser",
            id: RequestId::parse(&format!("{request_id}-request-of-jane"))
                .unwrap()
                .unwrap(),
            payload: payload.to_vec().into(),
        }),
        context: ClientContext::default(),
        actor: None,
    }
}

#[tokio::test]
async fn a_use_case_is_decided_three_times_at_most() {
    let fixture = RequestsFixture::start().await;
    fixture.upsert("first", b"").await.unwrap();
    let decided = AtomicUsize::new(0);
    let outcome: Result<(), Error> = fixture
        .app
        .requests
        .once(
            &fixture.context("another", b""),
            |_| async { unreachable!("it never ran") },
            |_| async {
                decided.fetch_add(1, Ordering::SeqCst);
                Ok(None)
            },
        )
        .await;
    assert!(
        matches!(outcome, Err(Error::ChangedConcurrently)),
        "{outcome:?}"
    );
    assert_eq!(decided.into_inner(), 3);
    assert_eq!(MAX_DECISIONS, 3);
}

#[tokio::test]
async fn each_attempt_gets_a_context_of_its_own() {
    let fixture = RequestsFixture::start().await;
    fixture.upsert("first", b"").await.unwrap();
    let revisions = Mutex::default();
    let outcome = fixture
        .app
        .requests
        .once(
            &fixture.context("another", b""),
            |_| async { unreachable!("it never ran") },
            |context| conflicting_once(&fixture, &revisions, context),
        )
        .await;
    assert_eq!(outcome.unwrap(), 2);
    let revisions = revisions.into_inner().unwrap();
    assert!(revisions[0] < revisions[1], "{revisions:?}");
}

/// Conflicts at the first attempt; then returns the number of the attempt.
async fn conflicting_once(
    fixture: &RequestsFixture,
    revisions: &Mutex<Vec<i64>>,
    context: RequestContext,
) -> Result<Option<usize>, Error> {
    let attempt = {
        let mut revisions = revisions.lock().unwrap();
        revisions.push(context.user.account.revision);
        revisions.len()
    };
    if attempt == 1 {
        fixture.upsert("between", b"").await?;
        return Ok(None);
    }
    Ok(Some(attempt))
}

#[tokio::test]
async fn a_repeat_is_answered_and_not_decided() {
    let fixture = RequestsFixture::start().await;
    fixture.upsert("first", b"payload").await.unwrap();
    let call = fixture.context("first", b"payload");
    let requests = &fixture.app.requests;
    let outcome = requests.once(
        &call,
        |_| async { Ok("replayed") },
        |_| async { unreachable!("it ran before") },
    );
    assert_eq!(outcome.await.unwrap(), "replayed");
}

#[tokio::test]
async fn a_request_id_with_another_payload_is_refused_before_all_else() {
    let fixture = RequestsFixture::start().await;
    fixture.upsert("first", b"payload").await.unwrap();
    let requests = &fixture.app.requests;
    let other = fixture.context("first", b"another payload");
    let refused = requests.load_or_replay(&other).await;
    assert!(matches!(refused, Err(Error::RequestIdReused)));
    let new = fixture.context("second", b"another payload");
    let first = requests.load_or_replay(&new).await;
    assert!(matches!(first, Ok(LoadedCall::First(_))));
}

#[tokio::test]
async fn a_call_without_its_user_has_no_context() {
    let fixture = RequestsFixture::start().await;
    let call = fixture.context("first", b"");
    let loaded = fixture.app.requests.load(&call).await;
    assert!(matches!(loaded, Err(Error::UserNotFound)));
}
