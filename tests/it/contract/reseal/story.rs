//! A rotation from its first step to the last, with people who have something of everything.

use super::{FAST, counts, key, on_both, settings};
use crate::{
    stories::directory::exported,
    support::{EnrolledApp, Person, Service, person::add_method, service::unique},
};
use countersign::ports::{
    DeadNoticeReason, DeadNoticeSelection, FinishedNotice, NoticeFilter, NoticeOutcome,
};
use countersign_domain::notice::message::DeliveryResult;
use countersign_proto::v1::{self as pb, action::Action};
use countersign_transport::system::Clock;
use futures_util::future::join_all;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::time::sleep;

/// How many people sign in while rows are sealed again.
const PEOPLE: usize = 6;

/// How often each of them does.
const MOST_SIGN_INS: usize = 4;

/// Somebody with something of everything that is sealed.
struct Jane {
    person: Person,
    app: EnrolledApp,
    request: pb::GenerateRecoveryCodesRequest,
    codes: Vec<String>,
    enrollment: pb::BeginEnrollmentRequest,
    begun: pb::BeginEnrollmentResponse,
}

impl Jane {
    async fn new(service: &Service) -> Self {
        let person = service.person().await;
        let app = person.enroll_app(service).await;
        let action = Action::GenerateRecoveryCodes(pb::GenerateRecoveryCodes {});
        let request = pb::GenerateRecoveryCodesRequest {
            tenant_id: person.tenant_id.clone(),
            user_id: person.user_id.clone(),
            request_id: unique(),
            authorization: person.step_up(service, &app, action).await,
            ..pb::GenerateRecoveryCodesRequest::default()
        };
        let codes = generate(&person, &request).await;
        update_policy(&person, 7).await;
        person.sign_in(service, &app).await;
        let method = pb::begin_enrollment_request::Method::Totp(pb::EnrollTotp {});
        let action = add_method(pb::MethodKind::Totp);
        let authorization = person.step_up(service, &app, action).await;
        let enrollment = pb::BeginEnrollmentRequest {
            request_id: unique(),
            ..person.enrollment_request(method, authorization)
        };
        let begun = person.begin_enrollment(enrollment.clone()).await.unwrap();
        Self {
            person,
            app,
            request,
            codes,
            enrollment,
            begun,
        }
    }

    /// All that was stored before opens.
    async fn uses_everything(&self, service: &Service) {
        let person = self.person.through(service.portal());
        assert_eq!(generate(&person, &self.request).await, self.codes);
        // The answer is a challenge, sealed as one.
        let begun = person.begin_enrollment(self.enrollment.clone()).await;
        assert_eq!(begun.unwrap().totp, self.begun.totp);
        person.sign_in(service, &self.app).await;
        let challenge = person.issue_recovery_only().await.unwrap();
        person
            .approved(&challenge.challenge_id, &self.codes[0])
            .await;
        update_policy(&person, 8).await;
        let (exported, _) = exported(&person).await;
        assert!(exported.challenges.len() > 3, "{exported:?}");
        assert!(exported.events.len() > 3, "{exported:?}");
    }
}

async fn generate(person: &Person, request: &pb::GenerateRecoveryCodesRequest) -> Vec<String> {
    let mut recovery = person.clients.recovery.clone();
    let generated = recovery.generate_recovery_codes(request.clone()).await;
    let generated = generated.unwrap().into_inner();
    generated.recovery_codes.unwrap().codes
}

async fn update_policy(person: &Person, code_digits: u32) {
    let request = pb::UpdatePolicyRequest {
        tenant_id: person.tenant_id.clone(),
        request_id: String::new(),
        policy: Some(pb::Policy {
            code_digits: Some(code_digits),
            ..pb::Policy::default()
        }),
        update_mask: None,
        acting_user_id: "root@example.com".to_owned(),
        reason: "the auditors asked for it".to_owned(),
    };
    let mut policies = person.clients.policies.clone();
    policies.update_policy(request).await.unwrap();
}

/// Signs people in, one time step after the other, until it is told to stop. Every call has to succeed. Requests are
/// repeated later, so that the clock may not go on for long.
async fn sign_in_until(
    service: &Service,
    people: &[(Person, EnrolledApp)],
    has_ended: impl Fn() -> bool,
) -> usize {
    let mut rounds = 0;
    while !has_ended() {
        rounds += 1;
        if rounds <= MOST_SIGN_INS {
            service.advance(30);
            join_all(people.iter().map(async |(person, app)| {
                let challenge = person.issue_for(&app.method_id).await.unwrap();
                let code = app.app.code_at(service.seconds());
                person.approved(&challenge.challenge_id, &code).await;
            }))
            .await;
        }
        for (person, _) in people {
            person.begin_sign_in().await.unwrap();
        }
    }
    rounds
}

#[test]
fn a_key_is_replaced_under_load_and_everything_opens_without_it() {
    on_both(async |deployment| {
        let first = deployment.open_long_ago(&[1]).await;
        let service = deployment.serve(&first, &[1]);
        let jane = Jane::new(&service).await;
        let mut people = Vec::new();
        for _ in 0..PEOPLE {
            let person = service.person().await;
            let app = person.enroll_app(&service).await;
            people.push((person, app));
        }
        let accounts = &first.accounts;
        let waiting = accounts
            .waiting_notices(NoticeFilter::All, 0)
            .await
            .unwrap();
        let now = service.clock.now();
        let dead = FinishedNotice {
            id: waiting[0].id,
            outcome: NoticeOutcome::Dead(now, DeadNoticeReason::Refused),
        };
        accounts.finish_notices(&[dead], now).await.unwrap();
        let before = counts(&deployment.usage(&[1]).await, 1);
        assert!(before.iter().all(|count| *count > 0), "{before:?}");
        service.stop().await;

        // Step 1, and step 2.
        let step = deployment.open_long_ago(&[1, 2]).await;
        assert_eq!(counts(&deployment.usage(&[1, 2]).await, 2), [0; 5]);
        drop(step);
        let rotated = deployment.open(&[2, 1]).await.unwrap();
        let too_early = deployment.open(&[2]).await.err().unwrap().to_string();
        assert!(too_early.contains("the key `k-1`"), "{too_early}");

        let service = deployment.serve(&rotated, &[2, 1]);
        let has_ended = AtomicBool::new(false);
        let resealing = async {
            let command = deployment.command(&[2, 1]).await;
            let report = deployment
                .reseal_on(&command, &[2, 1], settings(40), &mut |_| {})
                .await;
            has_ended.store(true, Ordering::SeqCst);
            report.unwrap()
        };
        let moved: Vec<(Person, EnrolledApp)> = people
            .into_iter()
            .map(|(person, app)| (person.through(service.portal()), app))
            .collect();
        let signing_in = sign_in_until(&service, &moved, || has_ended.load(Ordering::SeqCst));
        let (report, rounds) = tokio::join!(resealing, signing_in);
        assert!(rounds > 1, "{rounds}");
        assert_eq!(report.other_active, None);
        assert_eq!(report.usage.rows_under(&key(1)), 0, "{:?}", report.usage);
        assert_eq!(report.usage.unusable(), Vec::<String>::new());
        service.stop().await;

        let last = deployment.open(&[2]).await.unwrap();
        let service = deployment.serve_afterwards(&last, &[2]);
        jane.uses_everything(&service).await;
        deployment.notifier.behave(DeliveryResult::Taken);
        let revived = last
            .accounts
            .revive_notices(DeadNoticeSelection::All, service.clock.now());
        assert!(revived.await.unwrap() > 0);
        service.advance(3600);
        service.wait_for_notices().await;
        assert!(deployment.notifier.taken() >= waiting.len());
        service.stop().await;
    });
}

#[test]
fn without_resealing_nothing_opens_without_the_old_key_control() {
    on_both(async |deployment| {
        let first = deployment.open_long_ago(&[1]).await;
        let service = deployment.serve(&first, &[1]);
        let person = service.person().await;
        person.enroll_app(&service).await;
        service.stop().await;
        let ring = deployment.ring(&[2]);
        let accounts = deployment.database.store(ring).await;
        let without = super::OpenedValue {
            accounts,
            sealed: first.sealed,
        };
        let service = deployment.serve(&without, &[2]);
        let refused = person.through(service.portal()).get().await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::Unavailable, "{refused:?}");
        service.stop().await;
    });
}

#[test]
fn a_run_that_is_cut_off_goes_on_with_what_is_left() {
    on_both(async |deployment| {
        let first = deployment.open_long_ago(&[1]).await;
        let service = deployment.serve(&first, &[1]);
        for _ in 0..12 {
            service.person().await;
        }
        service.stop().await;
        let rows: u64 = counts(&deployment.usage(&[1]).await, 1).iter().sum();
        let command = deployment.command(&[2, 1]).await;
        let (sender, mut saved) = tokio::sync::watch::channel(0);
        let mut listener = |progress: countersign::app::ResealProgress| {
            sender.send_replace(progress.saved);
        };
        let run = deployment.reseal_on(&command, &[2, 1], settings(20), &mut listener);
        tokio::select! {
            ended = run => panic!("it is over already: {ended:?}"),
            cut = saved.wait_for(|saved| *saved >= 5) => drop(cut.unwrap()),
        }
        // What was under way when it was cut off is saved, or is not.
        sleep(Duration::from_millis(300)).await;
        let usage = deployment.usage(&[2, 1]).await;
        let (left, done) = (usage.rows_under(&key(1)), usage.rows_under(&key(2)));
        assert!(left > 0 && done >= 5, "{left} {done}");
        assert_eq!(left + done, rows);

        let report = deployment
            .reseal_on(&command, &[2, 1], FAST, &mut |_| {})
            .await
            .unwrap();
        assert_eq!(report.saved, left, "nothing is saved twice");
        assert_eq!(report.usage.rows_under(&key(2)), rows);
        assert!(deployment.open(&[2]).await.is_ok());
    });
}
