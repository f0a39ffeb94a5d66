//! How often a call opens what is sealed, and how often it makes a digest, counted by the key ring that the use cases see.

use crate::support::{Builder, Pair, Service, Stores, person::wrong};
use countersign::{
    crypto::KeyRing,
    ports::{KeyService, UnsealError},
};
use countersign_domain::{
    challenge::assertion::AssertionClaims,
    device::DeviceToken,
    limits::{
        budget::{BudgetOwner, BudgetTag},
        user_throttle::DestinationTag,
    },
    value::{
        id::{DeviceId, Subject, SubjectTag, TenantId},
        secret::{KeyId, MacKey, SealedBytes, SealingContext, SecretBytes},
        time::Timestamp,
    },
};
use countersign_proto::v1 as pb;
use std::sync::{Arc, Mutex};

/// What one call did with the key ring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct UsedOpenings {
    /// Profiles that were opened.
    profiles: u32,
    /// Users' own keys that were opened.
    user_keys: u32,
    /// Challenges that were opened.
    challenges: u32,
    /// Methods that were opened.
    methods: u32,
    /// Pseudonyms that were made.
    subject_tags: u32,
    /// Digests of requests that were made: two for a request id with its payload.
    request_tags: u32,
}

/// A key ring that counts.
struct CountingKeys {
    ring: Arc<KeyRing>,
    used: Mutex<UsedOpenings>,
}

impl CountingKeys {
    fn count(&self, of: impl Fn(&mut UsedOpenings) -> &mut u32) {
        *of(&mut self.used.lock().unwrap()) += 1;
    }
}

impl KeyService for CountingKeys {
    fn seal(&self, purpose: SealingContext<'_>, plain: &[u8], nonce: [u8; 24]) -> SealedBytes {
        self.ring.seal(purpose, plain, nonce)
    }

    fn open(
        &self,
        purpose: SealingContext<'_>,
        sealed: &SealedBytes,
    ) -> Result<SecretBytes, UnsealError> {
        match purpose {
            SealingContext::Profile(_) => self.count(|used| &mut used.profiles),
            SealingContext::UserKey(_) => self.count(|used| &mut used.user_keys),
            SealingContext::Challenge(..) => self.count(|used| &mut used.challenges),
            SealingContext::Method(..) => self.count(|used| &mut used.methods),
            _ => {}
        }
        self.ring.open(purpose, sealed)
    }

    fn seal_personal(&self, user_key: &SecretBytes, plain: &[u8], nonce: [u8; 24]) -> SealedBytes {
        self.ring.seal_personal(user_key, plain, nonce)
    }

    fn open_personal(
        &self,
        user_key: &SecretBytes,
        sealed: &SealedBytes,
    ) -> Result<SecretBytes, UnsealError> {
        self.ring.open_personal(user_key, sealed)
    }

    fn active(&self) -> KeyId {
        self.ring.active()
    }

    fn sealed_under(&self, sealed: &SealedBytes) -> Option<KeyId> {
        self.ring.sealed_under(sealed)
    }

    fn code_key(&self, id: &KeyId, now: Timestamp) -> Option<MacKey> {
        self.ring.code_key(id, now)
    }

    fn device_token(&self, key: &KeyId, device: DeviceId, what: [u8; 16]) -> Option<DeviceToken> {
        self.ring.device_token(key, device, what)
    }

    fn subject_tag(&self, subject: &Subject) -> SubjectTag {
        self.count(|used| &mut used.subject_tags);
        self.ring.subject_tag(subject)
    }

    fn destination_tag(&self, bucket: &str) -> DestinationTag {
        self.ring.destination_tag(bucket)
    }

    fn budget_tag(&self, of: &[&str]) -> BudgetTag {
        self.ring.budget_tag(of)
    }

    fn budget_owner(&self, tenant: &TenantId) -> BudgetOwner {
        self.ring.budget_owner(tenant)
    }

    fn request_tag(&self, fields: &[&[u8]]) -> [u8; 16] {
        self.count(|used| &mut used.request_tags);
        self.ring.request_tag(fields)
    }

    fn sign(&self, claims: &AssertionClaims) -> String {
        self.ring.sign(claims)
    }

    fn jwks(&self) -> String {
        self.ring.jwks()
    }
}

struct CountedOpenings {
    service: Service,
    keys: Arc<CountingKeys>,
}

impl CountedOpenings {
    async fn start() -> Self {
        let builder = Builder::new(Stores::of(Pair::Embedded).await);
        let keys = Arc::new(CountingKeys {
            ring: Arc::clone(&builder.ring),
            used: Mutex::default(),
        });
        let builder = Builder {
            keys: Some(Arc::clone(&keys) as _),
            ..builder
        };
        Self {
            service: builder.start(),
            keys,
        }
    }

    /// What `call` did, with what followed its answer.
    async fn during<T>(&self, call: impl AsyncFnOnce() -> T) -> UsedOpenings {
        self.service.app.drain().await;
        *self.keys.used.lock().unwrap() = UsedOpenings::default();
        call().await;
        self.service.app.drain().await;
        *self.keys.used.lock().unwrap()
    }
}

/// A call with a request id that loads its user.
const LOADED: UsedOpenings = UsedOpenings {
    profiles: 1,
    user_keys: 1,
    challenges: 0,
    methods: 0,
    subject_tags: 1,
    request_tags: 2,
};

#[tokio::test]
async fn a_verdict_opens_its_challenge_and_nothing_else() {
    let counted = CountedOpenings::start().await;
    let jane = counted.service.person().await;
    let app = jane.enroll_app(&counted.service).await;
    counted.service.advance(30);
    let challenge = jane.issue().await;
    let code = app.app.code_at(counted.service.seconds());
    let verdict = UsedOpenings {
        challenges: 1,
        subject_tags: 1,
        request_tags: 2,
        ..UsedOpenings::default()
    };
    let id = &challenge.challenge_id;
    let verify = async |code: &str| {
        let request = pb::VerifyChallengeRequest {
            request_id: format!("a-submission-of-{code}"),
            ..jane.verify_request(id, code)
        };
        jane.verify_with(request).await.unwrap()
    };
    let rejected = counted.during(async || verify(&wrong(&code)).await);
    assert_eq!(rejected.await, verdict, "a wrong code");
    let approved = counted.during(async || verify(&code).await);
    assert_eq!(approved.await, verdict, "a right code");
}

#[tokio::test]
async fn a_call_opens_its_user_once() {
    let counted = CountedOpenings::start().await;
    let jane = counted.service.person().await;
    let app = jane.enroll_app(&counted.service).await;
    let issued = UsedOpenings {
        methods: 1,
        ..LOADED
    };
    let request = pb::IssueChallengeRequest {
        request_id: "an-issue-of-jane".to_owned(),
        ..jane.challenge_request()
    };
    let issue = counted.during(async || jane.issue_with(request).await.unwrap());
    assert_eq!(issue.await, issued, "IssueChallenge");

    let request = pb::BeginSignInRequest {
        request_id: "a-sign-in-of-jane".to_owned(),
        issue_default: true,
        ..jane.sign_in_request()
    };
    let begin = async || jane.begin_sign_in_with(request).await.unwrap();
    let expected = UsedOpenings {
        methods: 2,
        ..LOADED
    };
    assert_eq!(
        counted.during(begin).await,
        expected,
        "BeginSignIn: the method in the list, and the method that answers"
    );

    let settings = counted.during(async || jane.settings().await);
    let read = UsedOpenings {
        methods: 1,
        request_tags: 0,
        ..LOADED
    };
    assert_eq!(settings.await, read, "GetMethodSettings");

    counted.service.advance(60);
    let remove = pb::action::Action::RemoveMethod(pb::RemoveMethod {
        method_id: app.method_id.clone(),
    });
    let request = pb::DeleteMethodRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        request_id: "a-removal-of-jane".to_owned(),
        method_id: app.method_id.clone(),
        authorization: jane.step_up(&counted.service, &app, remove).await,
        ..pb::DeleteMethodRequest::default()
    };
    let mut methods = jane.clients.methods.clone();
    let removed = counted.during(async || methods.delete_method(request).await.unwrap());
    let removed = removed.await;
    assert_eq!(
        (
            removed.profiles,
            removed.user_keys,
            removed.subject_tags,
            removed.request_tags
        ),
        (1, 1, 1, 2),
        "DeleteMethod: {removed:?}"
    );
}
