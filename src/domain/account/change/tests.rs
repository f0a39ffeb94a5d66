use super::*;
use crate::{
    fixtures::{PORTAL, assert_all_differ, id},
    value::id::AttestationId,
};

const EVERY_ENDING: [UnapprovedEnding; 3] = [
    UnapprovedEnding::Exhausted,
    UnapprovedEnding::Canceled,
    UnapprovedEnding::Superseded,
];

#[test]
fn an_ending_is_told_by_its_name() {
    assert_all_differ(EVERY_ENDING.map(UnapprovedEnding::as_str));
    for ending in EVERY_ENDING {
        assert_eq!(UnapprovedEnding::named(ending.as_str()), Some(ending));
    }
    assert_eq!(UnapprovedEnding::named("APPROVED"), None);
}

#[test]
fn an_accepted_approval_is_used_up_by_its_id() {
    let accepted = AcceptedProof::Approval(id(1));
    assert_eq!(
        ConsumedProof::of(&accepted, &CallerName::new(PORTAL)),
        Some(ConsumedProof::Approval(id(1)))
    );
}

#[test]
fn an_accepted_attestation_is_used_up_for_its_caller() {
    let accepted = AcceptedProof::Attestation(AttestationId::parse("attestation-0001").unwrap());
    let portal = CallerName::new(PORTAL);
    assert_eq!(
        ConsumedProof::of(&accepted, &portal),
        Some(ConsumedProof::Attestation(
            portal,
            "attestation-0001".to_owned()
        ))
    );
}

#[test]
fn a_ticket_is_used_up_by_the_method_that_it_lets_in() {
    assert_eq!(
        ConsumedProof::of(&AcceptedProof::Ticket, &CallerName::new(PORTAL)),
        None
    );
}
