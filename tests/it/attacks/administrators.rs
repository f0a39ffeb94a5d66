//! A27, A57: administrators' calls are not abused, and nobody closes the way back.

use crate::support::{
    EnrolledApp, Person, Service, field, on_both_pairs, on_embedded,
    person::wrong,
    refused,
    tamper::{Fault, TamperedAccounts},
};
use countersign_proto::v1 as pb;
use std::sync::Arc;
use tonic::Code;

/// Each call of an administrator for this person, as it comes from `acting_user_id` with a reason.
async fn each(
    person: &Person,
    acting_user_id: &str,
    reason: &str,
) -> Vec<Result<(), tonic::Status>> {
    let (acting_user_id, reason) = (acting_user_id.to_owned(), reason.to_owned());
    let reset = pb::ResetUserRequest {
        acting_user_id: acting_user_id.clone(),
        reason: reason.clone(),
        ..person.reset_request()
    };
    let unlock = pb::UnlockUserRequest {
        acting_user_id: acting_user_id.clone(),
        reason: reason.clone(),
        ..person.unlock_request()
    };
    let bypass = pb::IssueBypassCodeRequest {
        acting_user_id,
        reason,
        ..person.bypass_request()
    };
    vec![
        person.bypass(bypass).await.map(drop),
        person.unlock(unlock).await.map(drop),
        person.reset(reset).await.map(drop),
    ]
}

#[test]
fn a27_an_administrator_names_themselves_and_a_reason() {
    on_embedded(async |service| {
        let jane = service.person().await;
        jane.enroll_app(&service).await;
        for (subject, why, named) in [
            ("", "lost", "acting_user_id"),
            (" admin", "lost", "acting_user_id"),
            ("ad\u{202E}min", "lost", "acting_user_id"),
            ("ad\u{200B}min", "lost", "acting_user_id"),
            ("admin", "", "reason"),
            ("admin", "two\nlines", "reason"),
        ] {
            for outcome in each(&jane, subject, why).await {
                let status = refused(outcome, Code::InvalidArgument, "INVALID_FIELD");
                assert_eq!(field(&status), named);
            }
        }
        assert!(jane.settings().await.two_factor_enabled);
    });
}

#[test]
fn a27_nobody_does_it_for_themselves_however_they_spell_their_name() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        jane.enroll_app(&service).await;
        for spelling in ["jane", "Jane", "jáne", "ｊａｎｅ"] {
            for outcome in each(&jane, spelling, "lost").await {
                refused(outcome, Code::FailedPrecondition, "ACTS_ON_THEMSELVES");
            }
        }
        assert!(jane.settings().await.two_factor_enabled);
    });
}

#[test]
fn a27_another_administrator_may_control() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        jane.enroll_app(&service).await;
        for outcome in each(&jane, "admin", "lost").await {
            outcome.unwrap();
        }
        assert!(!jane.settings().await.two_factor_enabled);
    });
}

#[test]
fn a27_it_takes_the_right_and_the_tenant() {
    on_embedded(async |service| {
        let jane = service.person().await;
        jane.enroll_app(&service).await;
        for (caller, why) in [
            ("keys-only", "RIGHT_MISSING"),
            ("elsewhere", "TENANT_NOT_ALLOWED"),
        ] {
            let stranger = jane.through(service.caller(caller));
            for outcome in each(&stranger, "admin", "lost").await {
                refused(outcome, Code::PermissionDenied, why);
            }
        }
    });
}

/// A reset of which the commit fails: what is left of the user, and what they were told.
async fn after_a_broken_reset(service: &Service, fault: Fault) -> (usize, u32, usize) {
    let accounts = Arc::new(TamperedAccounts::new(Arc::clone(&service.stores.accounts)));
    let mut builder = service.twin_builder();
    builder.stores.accounts = Arc::clone(&accounts) as _;
    let broken = builder.start();
    let jane = service.person().await;
    jane.enroll_app(service).await;
    service.wait_for_notices().await;
    let told = jane.messages(&jane.email).await.len();
    accounts.break_next_commit(fault);
    let outcome = jane
        .through(broken.portal())
        .reset(jane.reset_request())
        .await;
    refused(outcome, Code::Unavailable, "STORE_UNAVAILABLE");
    service.wait_for_notices().await;
    let settings = jane.settings().await;
    let told = jane.messages(&jane.email).await.len() - told;
    (
        settings.methods.len(),
        settings.recovery.unwrap().codes_left,
        told,
    )
}

#[test]
fn a27_a_reset_is_one_transaction_with_its_notice() {
    on_both_pairs(async |service| {
        assert_eq!(
            after_a_broken_reset(&service, Fault::FailsBefore).await,
            (1, 10, 0)
        );
        assert_eq!(
            after_a_broken_reset(&service, Fault::FailsAfter).await,
            (0, 0, 1)
        );
    });
}

/// A stranger who guesses until nothing more is looked at.
async fn guess_until_closed(service: &Service, jane: &Person, app: &EnrolledApp) {
    let code = wrong(&app.app.code_at(service.seconds()));
    for _ in 0..3 {
        let challenge = jane.issue().await;
        for _ in 0..5 {
            drop(jane.verify(&challenge.challenge_id, &code).await);
        }
    }
    let challenge = jane.issue().await;
    let right = app.app.code_at(service.seconds() + 30);
    refused(
        jane.verify(&challenge.challenge_id, &right).await,
        Code::ResourceExhausted,
        "TOO_MANY_ATTEMPTS",
    );
}

#[test]
fn a57_who_closes_the_window_of_codes_leaves_the_way_back_open() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        guess_until_closed(&service, &jane, &app).await;
        let challenge = jane.issue().await;
        jane.approved(&challenge.challenge_id, &app.recovery_codes[0])
            .await;
        let issued = jane.bypass(jane.bypass_request()).await.unwrap();
        let challenge = jane.issue().await;
        jane.approved(&challenge.challenge_id, &issued.bypass_code)
            .await;
    });
}

/// Well-formed codes that nobody has, until the window of recovery codes is closed: then the same codes are not looked at.
#[test]
fn a57_guesses_at_recovery_codes_have_a_window_of_their_own_control() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let john = jane.colleague("john").await;
        let others = john.enroll_app(&service).await.recovery_codes;
        let challenge = jane.issue().await;
        for code in &others[..4] {
            jane.rejected(&challenge.challenge_id, code).await;
        }
        let challenge = jane.issue().await;
        jane.rejected(&challenge.challenge_id, &others[4]).await;
        refused(
            jane.verify(&challenge.challenge_id, &app.recovery_codes[0])
                .await,
            Code::ResourceExhausted,
            "TOO_MANY_ATTEMPTS",
        );
        service.advance(30);
        jane.approved(&challenge.challenge_id, &app.app.code_at(service.seconds()))
            .await;
    });
}
