//! A37, A43: nothing secret or personal is said, named or left lying about.

use crate::{
    faults::servers::OwnRedis,
    support::{
        Authenticator, Person,
        notifier::{DeliveryBehavior, TestNotifier},
        passwords::{TestVerifier, VerifierBehavior as Said, by_password},
        person::{add_method, attested_at},
        processes::{Deployment, Process, TOKEN, last_step, now},
        provider::{CheckBehavior, TestProvider},
        service::unique,
        stores::setting,
        until,
    },
};
use countersign_proto::{
    notifier::deliver_request::Content,
    v1::{self as pb, MethodKind, begin_enrollment_request::Method},
};
use data_encoding::{BASE32_NOPAD, BASE64, BASE64URL_NOPAD, HEXLOWER};
use std::process::Command;
use tonic::Request;

const NUMBER: &str = "+4915123456789";

/// Everything that must appear nowhere, with a name for each.
struct Canaries(Vec<(&'static str, String)>);

impl Canaries {
    fn add(&mut self, name: &'static str, value: &str) {
        self.0.push((name, value.to_owned()));
    }

    /// Which of them are in `text`, as they are or in base32, base64 or hexadecimal.
    fn found_in(&self, text: &[u8]) -> Vec<&'static str> {
        let holds = |needle: &[u8]| {
            needle.len() >= 4 && text.windows(needle.len()).any(|window| window == needle)
        };
        let found = self.0.iter().filter(|(_, value)| {
            let bytes = value.as_bytes();
            let encoded = [
                BASE32_NOPAD.encode(bytes),
                BASE64.encode(bytes),
                BASE64URL_NOPAD.encode(bytes),
                HEXLOWER.encode(bytes),
            ];
            holds(bytes) || encoded.iter().any(|encoded| holds(encoded.as_bytes()))
        });
        found.map(|(name, _)| *name).collect()
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn attested(kind: MethodKind) -> Option<pb::Authorization> {
    attested_at(now(), add_method(kind))
}

/// The whole journey and every kind of error, through a process that says all it can say.
async fn journey(process: &Process, notifier: &TestNotifier) -> Canaries {
    let mut canaries = Canaries(Vec::new());
    let user = format!("canary-user-{}", unique());
    let jane = Person::new(process.portal(), format!("tenant-{}", unique()), &user).await;
    canaries.add("user id", &user);
    canaries.add("address", &jane.email);
    canaries.add("number", NUMBER);
    canaries.add("caller's token", TOKEN);
    let context = Some(pb::ClientContext {
        client_address: "203.0.113.77".to_owned(),
        user_agent: "canary-browser/7".to_owned(),
        ..pb::ClientContext::default()
    });
    canaries.add("client address", "203.0.113.77");
    canaries.add("user agent", "canary-browser/7");

    let method = Method::Totp(pb::EnrollTotp {});
    let begun = jane
        .begin_enrollment(jane.enrollment_request(method, attested(MethodKind::Totp)))
        .await
        .unwrap();
    let secret = begun.totp.unwrap().secret;
    let bytes = BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    canaries.add("secret in base32", &secret);
    canaries.add("secret in hexadecimal", &HEXLOWER.encode(&bytes));
    canaries.add("secret in base64", &BASE64.encode(&bytes));
    let app = Authenticator::from_base32(&secret);
    let enrolled = jane
        .confirm(
            &begun.challenge.unwrap().challenge_id,
            &app.code_at(last_step().await),
        )
        .await;
    for code in enrolled.recovery_codes.unwrap().codes {
        canaries.add("recovery code", &code);
        canaries.add("recovery code without hyphens", &code.replace('-', ""));
    }

    let challenge = jane
        .issue_with(pb::IssueChallengeRequest {
            context: context.clone(),
            ..jane.challenge_request()
        })
        .await
        .unwrap();
    let answer = pb::VerifyChallengeRequest {
        context: context.clone(),
        request_id: "canary-request-id".to_owned(),
        ..jane.verify_request(&challenge.challenge_id, &app.code_at(now()))
    };
    let pb::verify_challenge_response::Verdict::Approved(approved) =
        jane.verify_with(answer.clone()).await.unwrap()
    else {
        panic!("it should have been approved")
    };
    canaries.add("request id", "canary-request-id");
    canaries.add("code of the app", &format!("\"{}\"", app.code_at(now())));
    canaries.add("device token", &approved.device_token);
    canaries.add("assertion", &approved.assertion);

    let step_up = jane
        .issue_with(jane.step_up_request(add_method(MethodKind::Sms)))
        .await
        .unwrap();
    let step_up = jane
        .approved(&step_up.challenge_id, &app.code_at(now() + 30))
        .await;
    let sms = Method::Sms(pb::EnrollSms {
        phone_number: NUMBER.to_owned(),
    });
    let begun = jane
        .begin_enrollment(
            jane.enrollment_request(sms, crate::support::person::approval(&step_up.approval_id)),
        )
        .await;
    let code = notifier.last_code(NUMBER).unwrap();
    canaries.add("delivered code", &format!("\"{code}\""));
    jane.confirm(&begun.unwrap().challenge.unwrap().challenge_id, &code)
        .await;
    let token = revert_token(notifier, &jane).await;
    canaries.add("revert token", &token);
    let bits = BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
    canaries.add("revert token in hexadecimal", &HEXLOWER.encode(&bits));
    errors(process, &jane, answer).await;
    jane.revert_with(&token, "canary-request-id").await.unwrap();
    jane.revert(&token).await.unwrap_err();
    changes_by_password(process, &mut canaries).await;
    canaries
}

/// The token of the newest mail that carries one.
async fn revert_token(notifier: &TestNotifier, jane: &Person) -> String {
    let mails = async || {
        let messages = notifier.messages().into_iter();
        let to_jane = messages.filter(|message| message.destination == jane.email);
        let tokens = to_jane.filter_map(|message| match message.content {
            Some(Content::Notice(notice)) => Some(notice.revert_token),
            _ => None,
        });
        tokens.collect::<Vec<_>>()
    };
    until(mails, |tokens| tokens.len() == 2)
        .await
        .pop()
        .expect("there are two")
}

/// A wrong password, then the right one, where anybody knows it.
async fn changes_by_password(process: &Process, canaries: &mut Canaries) {
    let tenant = format!("tenant-{}", unique());
    let pat = Person::new(process.portal(), tenant, "pat").await;
    for password in ["canary-password-wrong", "canary-password-right"] {
        canaries.add("password", password);
        for request_id in ["", "canary-request-of-pat"] {
            let app = Method::Totp(pb::EnrollTotp {});
            let authorization = by_password(password);
            let request = pb::BeginEnrollmentRequest {
                request_id: request_id.to_owned(),
                ..pat.enrollment_request(app, authorization)
            };
            let _refused_or_begun = pat.begin_enrollment(request).await;
        }
    }
}

/// One of every kind of refusal.
async fn errors(process: &Process, jane: &Person, answer: pb::VerifyChallengeRequest) {
    let again = pb::VerifyChallengeRequest {
        code: "000000".to_owned(),
        ..answer
    };
    jane.verify_with(again).await.unwrap_err();
    jane.verify("nonsense", "000000").await.unwrap_err();
    jane.verify(&"0".repeat(32), "12345\u{661}")
        .await
        .unwrap_err();
    let profile = pb::Profile {
        email: "canary".to_owned(),
        phone_number: NUMBER.to_owned(),
        ..pb::Profile::default()
    };
    jane.upsert(profile).await.unwrap_err();
    let asked = pb::IssueChallengeRequest {
        request_id: "another-request".to_owned(),
        ..jane.challenge_request()
    };
    let challenge = jane.issue_with(asked).await.unwrap();
    for _ in 0..12 {
        let _rejected_or_refused = jane.verify(&challenge.challenge_id, "000000").await;
    }
    let mut oversized = Request::new(jane.verify_request(&"0".repeat(200_000), "000000"));
    oversized
        .metadata_mut()
        .insert("x-canary", "canary-header".parse().unwrap());
    jane.clients
        .challenges
        .clone()
        .verify_challenge(oversized)
        .await
        .unwrap_err();
    let stranger = crate::support::Clients::new(process.channel(), "canary-token-of-a-stranger");
    jane.through(stranger).get().await.unwrap_err();
}

#[test]
fn a43_no_secret_is_in_any_log_key_value_or_row() {
    runtime().block_on(async {
        let redis = OwnRedis::start(&[]);
        let notifier = TestNotifier::start(DeliveryBehavior::Takes).await;
        let mut deployment = Deployment::new().await;
        deployment.redis = redis.url();
        deployment.notifier = Some(notifier.url.clone());
        let verifier = TestVerifier::start(Said::DoesNotMatch).await;
        deployment.extra = format!(
            "[identity]\nendpoints = [\"{}\"]\n[log]\nfilter = \"trace\"\nformat = \"json\"\n",
            verifier.url
        );
        // JSON says where it listens in another way.
        let process = deployment.serve();
        let mut canaries = journey(&process, &notifier).await;
        assert_eq!(
            verifier.asked().len(),
            3,
            "the second with that request id is another's"
        );
        canaries.add("header of an oversized call", "canary-header");
        canaries.add("token of a stranger", "canary-token-of-a-stranger");

        let keys = redis.cli(&["keys", "*"]);
        let mut dump = keys.clone();
        for key in keys.lines() {
            dump.push_str(&redis.cli(&["dump", key]));
        }
        assert!(dump.len() > 1000);
        assert_eq!(
            canaries.found_in(dump.as_bytes()),
            Vec::<&str>::new(),
            "in Redis"
        );

        let (server, schema) = deployment
            .postgres
            .split_once("?options=-c%20search_path%3D")
            .unwrap();
        let pg_dump = format!("{}/pg_dump", setting("TEST_COUNTERSIGN_POSTGRES_BIN"));
        let dumped = Command::new(pg_dump)
            .args(["--data-only", "--schema", schema, server])
            .output()
            .unwrap();
        assert!(
            dumped.status.success() && dumped.stdout.len() > 5000,
            "{dumped:?}"
        );
        // The name of the user is what rows are found by; nothing else that is personal is readable.
        let readable: Vec<&str> = canaries.found_in(&dumped.stdout);
        assert_eq!(
            readable
                .iter()
                .filter(|name| **name != "user id")
                .collect::<Vec<_>>(),
            Vec::<&&str>::new(),
            "in PostgreSQL"
        );

        process.signal("TERM");
        let (_, said) = process.wait();
        println!("{} bytes of log", said.len());
        assert!(said.len() > 1000, "{said}");
        assert_eq!(
            canaries.found_in(said.as_bytes()),
            Vec::<&str>::new(),
            "in the log"
        );
    });
}

/// Typed digits go to the provider that made the code, and nowhere else: not in the log, not in Redis.
#[test]
fn a43_what_is_typed_for_a_provider_is_in_no_log_or_key() {
    runtime().block_on(async {
        let redis = OwnRedis::start(&[]);
        let (provider, notifier) = (
            TestProvider::start().await,
            TestNotifier::start(DeliveryBehavior::Takes).await,
        );
        let mut deployment = Deployment::new().await;
        deployment.redis = redis.url();
        deployment.extra = format!(
            "[log]\nfilter = \"trace\"\nformat = \"json\"\n\
             [[notifiers.sms.endpoints]]\nname = \"verify\"\nurl = {:?}\nowns_code = true\n\
             [[notifiers.sms.endpoints]]\nurl = {:?}\n",
            provider.url, notifier.url
        );
        let process = deployment.serve();
        let jane = Person::new(process.portal(), format!("tenant-{}", unique()), "jane").await;
        let sms = Method::Sms(pb::EnrollSms {
            phone_number: NUMBER.to_owned(),
        });
        let begun = jane.begin_enrollment(jane.enrollment_request(sms, attested(MethodKind::Sms)));
        let challenge = begun.await.unwrap().challenge.unwrap();
        let mut canaries = Canaries(Vec::new());
        canaries.add("number", NUMBER);
        let code = provider.last_code();
        let verification = provider.started().remove(0).verification_id;
        canaries.add("verification", &verification);
        for how in [
            CheckBehavior::Well,
            CheckBehavior::Silently,
            CheckBehavior::Erring(tonic::Code::Internal),
        ] {
            provider.judges(how);
            let typed = crate::support::person::wrong(&code);
            canaries.add("wrong digits", &format!("\"{typed}\""));
            let confirmation = jane.confirmation(&challenge.challenge_id, &typed);
            let _rejected_or_unavailable = jane.confirm_with(confirmation).await;
        }
        provider.judges(CheckBehavior::Well);
        canaries.add("code", &format!("\"{code}\""));
        jane.confirm(&challenge.challenge_id, &code).await;

        let keys = redis.cli(&["keys", "*"]);
        let dump: String = keys.lines().map(|key| redis.cli(&["dump", key])).collect();
        assert_eq!(canaries.found_in(dump.as_bytes()), Vec::<&str>::new());
        process.signal("TERM");
        let (_, said) = process.wait();
        assert!(said.contains("code provider returned an error"), "{said}");
        assert_eq!(canaries.found_in(said.as_bytes()), Vec::<&str>::new());
    });
}

#[test]
fn a43_a_secret_in_a_log_would_be_found_control() {
    let mut canaries = Canaries(Vec::new());
    canaries.add("a code", "493817");
    canaries.add("a token", "a-secret-token");
    assert_eq!(canaries.found_in(b"code=493817"), ["a code"]);
    assert_eq!(
        canaries.found_in(BASE64.encode(b"a-secret-token").as_bytes()),
        ["a token"]
    );
    assert!(canaries.found_in(b"nothing").is_empty());
}

/// Keys of ours that would stay for ever.
fn everlasting(redis: &OwnRedis) -> Vec<String> {
    let keys = redis.cli(&["keys", "*"]);
    let stays = |key: &&str| redis.cli(&["pttl", key]).trim() == "-1";
    keys.lines().filter(stays).map(str::to_owned).collect()
}

#[test]
fn a37_every_key_has_an_end() {
    runtime().block_on(async {
        let redis = OwnRedis::start(&[]);
        let notifier = TestNotifier::start(DeliveryBehavior::Takes).await;
        let mut deployment = Deployment::new().await;
        deployment.redis = redis.url();
        deployment.notifier = Some(notifier.url.clone());
        let process = deployment.serve();
        journey(&process, &notifier).await;
        let keys = redis.cli(&["keys", "*"]);
        assert!(keys.lines().count() >= 5, "{keys}");
        assert!(keys.lines().all(|key| key.starts_with("cs:{")), "{keys}");
        assert_eq!(everlasting(&redis), Vec::<String>::new());
    });
}

#[test]
fn a37_a_key_without_an_end_is_found_control() {
    let redis = OwnRedis::start(&[]);
    redis.cli(&["set", "cs:{planted}:x", "1"]);
    redis.cli(&["set", "cs:{planted}:y", "1", "px", "60000"]);
    assert_eq!(everlasting(&redis), ["cs:{planted}:x"]);
}
