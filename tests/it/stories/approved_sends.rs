//! A message that ended in an approval starts no wait, within bounds.

use crate::support::{Person, Service, on_both_pairs, person::add_method, refused};
use countersign_proto::v1::MethodKind;
use tonic::Code;

const NUMBER: &str = "+4915123456789";

async fn sign_in(jane: &Person, method_id: &str) {
    let challenge = jane.issue_for(method_id).await.expect("no wait");
    let code = jane.last_code("").await;
    jane.approved(&challenge.challenge_id, &code).await;
}

async fn with_number(service: &Service) -> (Person, String) {
    let jane = service.person().await;
    let proof = jane.attested(service, add_method(MethodKind::Sms));
    let enrolled = jane.enroll_number(NUMBER, proof).await;
    (jane, enrolled.method.unwrap().method_id)
}

#[test]
fn a_sign_in_by_sms_right_after_another_one_needs_no_wait() {
    on_both_pairs(async |service| {
        let (jane, number) = with_number(&service).await;
        // The code that enrolled the number is the first of six.
        for _ in 0..5 {
            sign_in(&jane, &number).await;
        }
        let waits = jane.issue_for(&number).await;
        refused(waits, Code::ResourceExhausted, "TOO_MANY_SENDS");
        service.advance(30);
        sign_in(&jane, &number).await;
        service.advance(600);
        for _ in 0..2 {
            sign_in(&jane, &number).await;
        }
    });
}

#[test]
fn twenty_sign_ins_by_sms_a_day_need_no_wait() {
    on_both_pairs(async |service| {
        let (jane, number) = with_number(&service).await;
        for _ in 0..20 {
            service.advance(180);
            sign_in(&jane, &number).await;
        }
        let waits = jane.issue_for(&number).await;
        refused(waits, Code::ResourceExhausted, "TOO_MANY_SENDS");
        // More than thirty a day are sent all the same, each after its wait.
        for _ in 0..15 {
            service.advance(30);
            sign_in(&jane, &number).await;
        }
    });
}

#[test]
fn a_first_sign_in_by_email_waits_for_nothing() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let challenge = jane.issue_verify_email().await.unwrap();
        let code = jane.last_code("").await;
        jane.approved(&challenge.challenge_id, &code).await;
        let proof = jane.attested(&service, add_method(MethodKind::Email));
        let email = jane.enroll_email(proof).await.method.unwrap();
        sign_in(&jane, &email.method_id).await;
    });
}

#[test]
fn an_unanswered_code_starts_a_wait_control() {
    on_both_pairs(async |service| {
        let (jane, number) = with_number(&service).await;
        jane.issue_for(&number).await.unwrap();
        let waits = jane.issue_for(&number).await;
        refused(waits, Code::ResourceExhausted, "TOO_MANY_SENDS");
    });
}
