//! A21, A14: who is told why a proof is not accepted.

use crate::{
    stories::lost_methods::{NUMBER, recovered},
    support::{
        Person,
        changes::new_codes,
        on_both_pairs,
        person::{add_method, approval},
        refused,
    },
};
use countersign_proto::v1::{self as pb, MethodKind, begin_enrollment_request};
use tonic::Code;
use tonic_types::StatusExt;

/// Status, message and details of a proof that is not accepted.
async fn answer(
    person: &Person,
    proof: Option<pb::Authorization>,
) -> (Code, String, Vec<u8>, String) {
    let status = person.generate_recovery_codes(proof).await;
    let status = refused(
        status,
        Code::FailedPrecondition,
        "AUTHORIZATION_NOT_ACCEPTED",
    );
    let info = status.get_details_error_info().unwrap();
    let cause = info.metadata["cause"].clone();
    let (message, details) = (status.message().to_owned(), status.details().to_vec());
    (status.code(), message, details, cause)
}

async fn cause(person: &Person, proof: Option<pb::Authorization>) -> String {
    answer(person, proof).await.3
}

#[test]
fn a21_who_obtained_a_proof_is_told_why_it_does_not_do() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let used = jane.step_up(&service, &app, new_codes()).await;
        jane.generate_recovery_codes(used.clone()).await.unwrap();
        assert_eq!(cause(&jane, used.clone()).await, "USED");

        let sms = add_method(MethodKind::Sms);
        let other = jane.step_up(&service, &app, sms).await;
        assert_eq!(cause(&jane, other.clone()).await, "OTHER_ACTION");
        service.advance(5 * 60 + 1);
        assert_eq!(cause(&jane, other.clone()).await, "EXPIRED");
        service.advance(10 * 60);
        // Another approval: the record is pruned whenever one is kept.
        let void = jane.step_up(&service, &app, new_codes()).await;
        assert_eq!(cause(&jane, other.clone()).await, "EXPIRED");
        let profile = pb::Profile {
            email: jane.email.clone(),
            email_verified: true,
            password_changed_time: Some(prost_types::Timestamp {
                seconds: service.seconds(),
                nanos: 0,
            }),
            ..pb::Profile::default()
        };
        jane.upsert(profile).await.unwrap();
        assert_eq!(cause(&jane, void).await, "ACCOUNT_CHANGED");

        assert_eq!(cause(&jane, approval(&"0".repeat(32))).await, "UNKNOWN");
        service.advance(3600);
        assert_eq!(cause(&jane, used).await, "UNKNOWN", "after an hour");
    });
}

/// Another caller of the same tenant, another user and another tenant learn nothing of a proof: every byte is that of
/// a proof that never was.
#[test]
fn a21_to_all_others_a_proof_is_unknown_whatever_became_of_it() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let used = jane.step_up(&service, &app, new_codes()).await;
        jane.generate_recovery_codes(used.clone()).await.unwrap();
        let other = jane
            .step_up(&service, &app, add_method(MethodKind::Sms))
            .await;
        let live = jane.step_up(&service, &app, new_codes()).await;
        let joe = jane.colleague("joe").await;
        joe.enroll_app(&service).await;
        let stranger = service.person().await;
        stranger.enroll_app(&service).await;
        let shop = jane.through(service.caller("no-attest"));
        for person in [&shop, &joe, &stranger] {
            let unknown = answer(person, approval(&"0".repeat(32))).await;
            assert_eq!(unknown.3, "UNKNOWN");
            for proof in [&used, &other, &live] {
                assert_eq!(answer(person, proof.clone()).await, unknown);
            }
        }
        service.advance(5 * 60 + 1);
        for person in [&shop, &joe, &stranger] {
            let unknown = answer(person, approval(&"0".repeat(32))).await;
            assert_eq!(answer(person, live.clone()).await, unknown);
        }
        assert_eq!(
            cause(&jane, live).await,
            "EXPIRED",
            "its own caller is told"
        );
    });
}

#[test]
fn a21_a_ticket_and_an_attestation_tell_their_causes_too() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let totp = || begin_enrollment_request::Method::Totp(pb::EnrollTotp {});
        let why = async |proof: Option<pb::Authorization>| {
            let request = jane.enrollment_request(totp(), proof);
            let status = jane.begin_enrollment(request).await;
            let status = refused(
                status,
                Code::FailedPrecondition,
                "AUTHORIZATION_NOT_ACCEPTED",
            );
            let info = status.get_details_error_info().unwrap();
            info.metadata["cause"].clone()
        };
        let word = || jane.attested(&service, add_method(MethodKind::Totp));
        let used = word();
        let request = jane.enrollment_request(totp(), used.clone());
        jane.begin_enrollment(request).await.unwrap();
        assert_eq!(why(used).await, "USED");
        let sms = jane.attested(&service, add_method(MethodKind::Sms));
        assert_eq!(why(sms).await, "OTHER_ACTION");
        let late = word();
        service.advance(5 * 60 + 1);
        assert_eq!(why(late).await, "EXPIRED");
    });
}

/// A recovery approval that removed a method or let one in says that it is used.
#[test]
fn a21_a_used_recovery_approval_says_so() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let proof = recovered(&jane, &app.recovery_codes[0]).await;
        jane.enroll_number(NUMBER, proof.clone()).await;
        assert_eq!(cause(&jane, proof).await, "USED");
    });
}
