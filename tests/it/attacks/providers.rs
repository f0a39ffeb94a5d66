//! A04, A06, A12, A13, A20, A32, A41, A60: providers that own their codes, and lie, hang, forget or say yes to all.

use crate::support::{
    Builder, Person, Service, on_both_pairs, on_embedded,
    person::{add_method, wrong},
    provider::{CheckBehavior, DEADLINE, ServiceWithProvider},
    refused,
    service::unique,
    stores::memory,
    tamper::{Fault, TamperedAccounts, TamperedChallenges},
};
use countersign_domain::{
    challenge::{approval::Approval, verdict::VerdictRequest},
    value::id::Id,
};
use countersign_proto::v1::{
    self as pb, MethodKind, begin_enrollment_request::Method, verify_challenge_response::Verdict,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::Barrier, task::JoinSet};
use tonic::{Code, Status};

const RIVALS: usize = 64;

impl ServiceWithProvider {
    /// Another service on the same stores, which calls the same provider.
    fn twin_with(&self, change: impl FnOnce(&mut Builder)) -> Service {
        let mut builder = self.service.twin_builder();
        builder.notifier = Some(self.client());
        change(&mut builder);
        builder.start()
    }

    /// A person with a number; nothing has to wait.
    async fn jane(&self, number: &str) -> Person {
        let jane = self.service.person().await;
        self.enroll(&jane, number).await;
        jane
    }

    async fn enroll(&self, person: &Person, number: &str) {
        let method = Method::Sms(pb::EnrollSms {
            phone_number: number.to_owned(),
        });
        let authorization = person.attested(&self.service, add_method(MethodKind::Sms));
        let begun = person.begin_enrollment(person.enrollment_request(method, authorization));
        let challenge = begun.await.unwrap().challenge.unwrap();
        person
            .confirm(&challenge.challenge_id, &self.provider.last_code())
            .await;
        self.service.advance(120);
    }
}

fn number() -> String {
    let digits = u64::from_str_radix(&unique(), 16).unwrap() % 100_000_000;
    format!("+49151{digits:08}")
}

/// Everyone gives an answer of their own at once, from connections to both services; how many were approved.
async fn all_at_once(
    people: &[Person],
    challenge_id: &str,
    code: impl Fn(usize) -> String,
) -> usize {
    let barrier = Arc::new(Barrier::new(RIVALS));
    let mut answers = JoinSet::new();
    for place in 0..RIVALS {
        let (person, barrier) = (people[place % people.len()].clone(), Arc::clone(&barrier));
        let request = person.verify_request(challenge_id, &code(place));
        answers.spawn(async move {
            barrier.wait().await;
            person.verify_with(request).await
        });
    }
    let answers = answers.join_all().await;
    let approved = |answer: &Result<Verdict, Status>| matches!(answer, Ok(Verdict::Approved(_)));
    answers.iter().filter(|answer| approved(answer)).count()
}

fn any_code(place: usize) -> String {
    format!("{place:06}")
}

/// How many of 64 answers a service approves whose provider says yes to everything, and how often that was asked.
async fn approvals_of_a_liar(
    owned: &ServiceWithProvider,
    services: [&Service; 2],
) -> (usize, usize) {
    let jane = owned.jane(&number()).await;
    let challenge = jane.issue().await;
    let asked = owned.provider.checked().len();
    owned.provider.judges(CheckBehavior::ApprovingEverything);
    let people: Vec<Person> = (0..8)
        .map(|place| jane.through(services[place % 2].portal()))
        .collect();
    let approved = all_at_once(&people, &challenge.challenge_id, any_code).await;
    (approved, owned.provider.checked().len() - asked)
}

#[test]
fn a04_a_provider_that_says_yes_to_everything_approves_a_challenge_once() {
    on_both_pairs(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let twin = owned.twin_with(|_| {});
        let (approved, asked) = approvals_of_a_liar(&owned, [&owned.service, &twin]).await;
        assert_eq!(approved, 1);
        assert!(
            (1..=5).contains(&asked),
            "no more than the attempts: {asked}"
        );
    });
}

/// Writes each approval under another challenge, so that none is in another's way.
fn forgetting_challenges(verdict_request: VerdictRequest) -> VerdictRequest {
    let another = Id::from_bytes(*verdict_request.attempt.id.as_bytes());
    VerdictRequest {
        challenge: another,
        approval: Approval {
            challenge: another,
            ..verdict_request.approval
        },
        ..verdict_request
    }
}

#[test]
fn a04_a_record_that_holds_no_challenge_apart_is_caught_control() {
    on_embedded(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let flawed = owned.twin_with(|builder| {
            let accounts = Arc::clone(&builder.stores.accounts);
            let flawed = TamperedAccounts::rewriting_verdicts(accounts, forgetting_challenges);
            builder.stores.accounts = Arc::new(flawed);
        });
        let (approved, _) = approvals_of_a_liar(&owned, [&flawed, &flawed]).await;
        assert!(approved > 1, "{approved}");
    });
}

#[test]
fn a04_the_right_code_is_approved_once_though_its_provider_says_so_twice() {
    on_both_pairs(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let twin = owned.twin_with(|_| {});
        owned.provider.judges(CheckBehavior::ApprovingAgain);
        let jane = owned.jane(&number()).await;
        let challenge = jane.issue().await;
        let code = owned.provider.last_code();
        let people = [&owned.service, &twin].map(|service| jane.through(service.portal()));
        let approved = all_at_once(&people, &challenge.challenge_id, |_| code.clone()).await;
        assert_eq!(approved, 1);
        let again = jane.rejected(&challenge.challenge_id, &code).await;
        assert_eq!(again.reason(), pb::RejectionReason::ChallengeOver);
    });
}

/// How often a provider is asked about 64 wrong codes at once.
async fn questions(owned: &ServiceWithProvider, service: &Service) -> usize {
    let jane = owned.jane(&number()).await.through(service.portal());
    let challenge = jane.issue().await;
    let asked = owned.provider.checked().len();
    let right = owned.provider.last_code();
    all_at_once(&[jane], &challenge.challenge_id, |_| wrong(&right)).await;
    owned.provider.checked().len() - asked
}

#[test]
fn a06_an_attempt_is_charged_before_a_provider_is_asked() {
    on_both_pairs(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        assert_eq!(questions(&owned, &owned.service).await, 5);
    });
}

#[test]
fn a06_a_store_that_checks_and_then_acts_is_caught_control() {
    on_embedded(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let flawed = owned.twin_with(|builder| {
            let challenges = Arc::clone(&builder.stores.challenges);
            let flawed = TamperedChallenges::checking_then_acting(challenges);
            builder.stores.challenges = Arc::new(flawed);
        });
        assert!(questions(&owned, &flawed).await > 5);
    });
}

#[test]
fn a12_a_provider_that_says_yes_after_the_last_attempt_is_not_asked() {
    on_both_pairs(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let watched = Arc::new(TamperedChallenges::new(Arc::clone(
            &owned.service.stores.challenges,
        )));
        let victim = owned.twin_with(|builder| {
            builder.stores.challenges = Arc::clone(&watched) as _;
        });
        let jane = owned.jane(&number()).await.through(victim.portal());
        let challenge = jane.issue().await;
        let code = owned.provider.last_code();
        for _ in 0..5 {
            jane.rejected(&challenge.challenge_id, &wrong(&code)).await;
        }
        owned.provider.judges(CheckBehavior::ApprovingEverything);
        let asked = owned.provider.checked().len();
        let over = jane.rejected(&challenge.challenge_id, &code).await;
        assert_eq!(over.reason(), pb::RejectionReason::ChallengeOver);
        assert_eq!(owned.provider.checked().len(), asked);

        // Short-lived memory as a failover may leave it: the challenge as it was issued, and nothing of its guesses.
        let opening = watched.opened.lock().unwrap().last().unwrap().clone();
        let (revived, budgets) = memory();
        let tag = countersign::ports::KeyService::subject_tag(&*service.ring, &jane.subject());
        revived.open(tag, &opening).await.unwrap();
        let forgetful = owned.twin_with(|builder| {
            builder.stores.challenges = revived;
            builder.stores.budgets = budgets;
        });
        let elsewhere = jane.through(forgetful.portal());
        let over = elsewhere.rejected(&challenge.challenge_id, &code).await;
        assert_eq!(over.reason(), pb::RejectionReason::ChallengeOver);
        assert!(owned.provider.checked().len() > asked, "it said yes");
    });
}

#[test]
fn a12_the_same_yes_one_attempt_earlier_is_an_approval_control() {
    on_embedded(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let jane = owned.jane(&number()).await;
        let challenge = jane.issue().await;
        let code = owned.provider.last_code();
        for _ in 0..4 {
            jane.rejected(&challenge.challenge_id, &wrong(&code)).await;
        }
        owned.provider.judges(CheckBehavior::ApprovingEverything);
        jane.approved(&challenge.challenge_id, &code).await;
    });
}

#[test]
fn a13_nobody_hears_whether_a_code_was_wrong_or_had_ended_at_its_provider() {
    on_both_pairs(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let jane = owned.jane(&number()).await;
        let mut told = Vec::new();
        for how in [CheckBehavior::Well, CheckBehavior::ForgettingEverything] {
            owned.service.advance(120);
            owned.provider.judges(CheckBehavior::Well);
            let challenge = jane.issue().await;
            let code = owned.provider.last_code();
            owned.provider.judges(how);
            let code = match how {
                CheckBehavior::Well => wrong(&code),
                _ => code,
            };
            told.push(jane.rejected(&challenge.challenge_id, &code).await);
        }
        assert_eq!(told[0], told[1]);
    });
}

/// Challenges of two users, two purposes and two methods, each with the code that its provider made for it.
async fn challenges(owned: &ServiceWithProvider) -> Vec<(Person, String, String)> {
    let jane = owned.jane(&number()).await;
    let john = jane.colleague("john").await;
    owned.enroll(&john, &number()).await;
    let elsewhere = owned.jane(&number()).await;
    let mut issued = Vec::new();
    for person in [&jane, &john, &elsewhere] {
        let challenge = person.issue().await;
        issued.push((person, challenge.challenge_id, owned.provider.last_code()));
        owned.service.advance(31);
        let step_up = person.step_up_request(add_method(MethodKind::Totp));
        let challenge = person.issue_with(step_up).await.unwrap();
        issued.push((person, challenge.challenge_id, owned.provider.last_code()));
        let challenge = person.issue_verify_email().await.unwrap();
        issued.push((person, challenge.challenge_id, owned.provider.last_code()));
    }
    let owned = issued.into_iter();
    owned
        .map(|(person, id, code)| (person.clone(), id, code))
        .collect()
}

#[test]
fn a20_a_providers_code_is_accepted_for_no_other_tenant_user_purpose_or_method() {
    on_both_pairs(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let issued = challenges(&owned).await;
        let ids: std::collections::HashSet<String> = owned
            .provider
            .started()
            .into_iter()
            .map(|start| start.verification_id)
            .collect();
        assert_eq!(ids.len(), owned.provider.started().len());
        for (place, (person, id, own)) in issued.iter().enumerate() {
            // As many as the budget bears: another purpose, another user, another tenant.
            for step in [1, 6] {
                let (_, _, other) = &issued[(place + step) % issued.len()];
                if other != own {
                    person.rejected(id, other).await;
                }
            }
        }
        for (person, id, own) in &issued {
            person.approved(id, own).await;
        }
    });
}

#[test]
fn a20_a_provider_that_answers_about_another_verification_approves_neither() {
    on_both_pairs(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let jane = owned.jane(&number()).await;
        let challenge = jane.issue().await;
        owned.provider.judges(CheckBehavior::AboutAnother);
        let code = owned.provider.last_code();
        let outcome = jane.verify(&challenge.challenge_id, &code).await;
        refused(outcome, Code::Unavailable, "PROVIDER_UNAVAILABLE");
    });
}

/// The epoch has grown since: whatever the provider says, the challenge is over.
#[test]
fn a21_a_providers_yes_does_not_survive_a_change() {
    on_both_pairs(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let jane = owned.jane(&number()).await;
        let challenge = jane.issue().await;
        let changed = pb::Profile {
            email: jane.email.clone(),
            email_verified: true,
            password_changed_time: Some(prost_types::Timestamp {
                seconds: owned.service.seconds(),
                nanos: 0,
            }),
            ..pb::Profile::default()
        };
        jane.upsert(changed).await.unwrap();
        let code = owned.provider.last_code();
        let over = jane.rejected(&challenge.challenge_id, &code).await;
        assert_eq!(over.reason(), pb::RejectionReason::ChallengeOver);
    });
}

#[test]
fn a32_without_a_providers_word_nobody_is_approved_and_the_guess_stays_charged() {
    on_both_pairs(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let jane = owned.jane(&number()).await;
        let challenge = jane.issue().await;
        let code = owned.provider.last_code();
        let ways = [
            CheckBehavior::Erring(Code::Unavailable),
            CheckBehavior::Hanging,
            CheckBehavior::Silently,
            CheckBehavior::InANewWay,
        ];
        for (left, how) in (1..=4).rev().zip(ways) {
            owned.provider.judges(how);
            let outcome = jane.verify(&challenge.challenge_id, &code).await;
            let status = refused(outcome, Code::Unavailable, "PROVIDER_UNAVAILABLE");
            assert!(tonic_types::StatusExt::get_details_retry_info(&status).is_some());
            let current = jane.get_challenge(&challenge.challenge_id).await.unwrap();
            assert_eq!(current.attempts_left, left, "{how:?}");
        }
        owned.provider.judges(CheckBehavior::Well);
        jane.approved(&challenge.challenge_id, &code).await;
    });
}

/// What was not judged is no wrong code: an outage disables nobody's method.
#[test]
fn a32_an_outage_of_a_provider_is_no_wrong_code() {
    on_embedded(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let watched = Arc::new(TamperedAccounts::new(Arc::clone(
            &owned.service.stores.accounts,
        )));
        let service = owned.twin_with(|builder| {
            builder.stores.accounts = Arc::clone(&watched) as _;
        });
        let jane = owned.jane(&number()).await.through(service.portal());
        let challenge = jane.issue().await;
        let recorded_verdicts = || {
            watched
                .recorded_verdicts
                .load(std::sync::atomic::Ordering::SeqCst)
        };
        owned.provider.judges(CheckBehavior::Erring(Code::Internal));
        jane.verify(&challenge.challenge_id, "123456")
            .await
            .unwrap_err();
        assert_eq!(recorded_verdicts(), 0);
        owned.provider.judges(CheckBehavior::ForgettingEverything);
        jane.rejected(&challenge.challenge_id, "123456").await;
        assert_eq!(
            recorded_verdicts(),
            1,
            "control: what was judged is on record"
        );
    });
}

#[expect(clippy::disallowed_methods, reason = "a deadline is kept in real time")]
async fn timed<T>(call: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    let answer = call.await;
    (answer, began.elapsed())
}

/// Turn by turn in the same run, so that a busy machine slows down both.
#[test]
fn a32_a_provider_that_hangs_leaves_sign_ins_by_app_as_fast_as_they_are() {
    on_embedded(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let mary = owned.service.person().await;
        let app = mary.enroll_app(&owned.service).await;
        let jane = owned.jane(&number()).await;
        let (mut without, mut with, mut by_provider) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..4 {
            owned.service.advance(24 * 60 * 60);
            for _ in 0..10 {
                without.push(timed(mary.sign_in(&owned.service, &app)).await.1);
            }
            let mut hanging = JoinSet::new();
            owned.provider.judges(CheckBehavior::Hanging);
            let challenge = jane.issue().await;
            let asked = owned.provider.checked().len();
            for _ in 0..5 {
                let (jane, id) = (jane.clone(), challenge.challenge_id.clone());
                hanging.spawn(async move { timed(jane.verify(&id, "123456")).await });
            }
            crate::support::until(
                async || owned.provider.checked().len(),
                |count| *count >= asked + 5,
            )
            .await;
            for _ in 0..10 {
                with.push(timed(mary.sign_in(&owned.service, &app)).await.1);
            }
            while let Some(hung) = hanging.join_next().await {
                let (outcome, took) = hung.unwrap();
                refused(outcome, Code::Unavailable, "PROVIDER_UNAVAILABLE");
                by_provider.push(took);
            }
            owned.provider.judges(CheckBehavior::Well);
        }
        let slowest = |samples: Vec<Duration>| samples.into_iter().max().unwrap();
        let (without, with) = (slowest(without), slowest(with));
        println!("sign-ins by app: {without:?}, while a provider hangs {with:?}");
        assert!(with < DEADLINE / 2, "{without:?} without, {with:?} with");
        let fastest = by_provider.into_iter().min().unwrap();
        assert!(fastest >= DEADLINE / 2, "control: these waited for it");
    });
}

/// A provider judged, and its answer was lost: a repeat of the call has that answer, one charge and one approval.
async fn after_a_lost_answer(owned: &ServiceWithProvider, request_id: &str) -> Verdict {
    let jane = owned.jane(&number()).await;
    let challenge = jane.issue().await;
    let code = owned.provider.last_code();
    let request = pb::VerifyChallengeRequest {
        request_id: request_id.to_owned(),
        ..jane.verify_request(&challenge.challenge_id, &code)
    };
    owned.provider.judges(CheckBehavior::Unheard);
    let lost = jane.verify_with(request.clone()).await;
    refused(lost, Code::Unavailable, "PROVIDER_UNAVAILABLE");
    owned.provider.judges(CheckBehavior::Well);
    let verdict = jane.verify_with(request).await.unwrap();
    let mut keys: Vec<String> = owned
        .provider
        .checked()
        .into_iter()
        .rev()
        .take(2)
        .map(|check| check.idempotency_key)
        .collect();
    keys.dedup();
    let expected = if request_id.is_empty() { 2 } else { 1 };
    assert_eq!(keys.len(), expected);
    verdict
}

#[test]
fn a60_a_repeat_has_the_answer_that_a_provider_gave_and_nobody_heard() {
    on_both_pairs(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let verdict = after_a_lost_answer(&owned, "a-request-1").await;
        assert!(matches!(verdict, Verdict::Approved(_)), "{verdict:?}");
    });
}

#[test]
fn a60_another_guess_at_a_code_that_was_approved_is_rejected_control() {
    on_both_pairs(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let verdict = after_a_lost_answer(&owned, "").await;
        assert!(matches!(verdict, Verdict::Rejected(_)), "{verdict:?}");
    });
}

#[test]
fn a41_a_verdict_that_fails_after_a_providers_yes_approves_nobody_and_a_repeat_once() {
    on_both_pairs(async |service| {
        for fault in [Fault::FailsBefore, Fault::FailsAfter] {
            let owned = ServiceWithProvider::on(&service).await;
            let flawed = Arc::new(TamperedAccounts::new(Arc::clone(
                &owned.service.stores.accounts,
            )));
            let victim = owned.twin_with(|builder| {
                builder.stores.accounts = Arc::clone(&flawed) as _;
            });
            let jane = owned.jane(&number()).await.through(victim.portal());
            let challenge = jane.issue().await;
            let request = pb::VerifyChallengeRequest {
                request_id: "a-request-1".to_owned(),
                ..jane.verify_request(&challenge.challenge_id, &owned.provider.last_code())
            };
            flawed.break_next_verdict(fault);
            let failed = jane.verify_with(request.clone()).await;
            refused(failed, Code::Unavailable, "STORE_UNAVAILABLE");
            let mut ids = Vec::new();
            for _ in 0..2 {
                match jane.verify_with(request.clone()).await.unwrap() {
                    Verdict::Approved(approved) => ids.push(approved.approval_id),
                    Verdict::Rejected(rejected) => panic!("{fault:?}: {rejected:?}"),
                }
            }
            ids.dedup();
            assert_eq!(ids.len(), 1, "one approval, whatever was lost");
        }
    });
}
