use super::*;
use crate::{
    fixtures::{PORTAL, assert_all_differ, id},
    id::AttestationId,
};

const EVERY_ENDING: [Ending; 3] = [Ending::Exhausted, Ending::Cancelled, Ending::Superseded];

#[test]
fn an_ending_is_told_by_its_name() {
    assert_all_differ(EVERY_ENDING.map(Ending::as_str));
    for ending in EVERY_ENDING {
        assert_eq!(Ending::named(ending.as_str()), Some(ending));
    }
    assert_eq!(Ending::named("APPROVED"), None);
}

#[test]
fn an_accepted_approval_is_used_up_by_its_id() {
    let accepted = Accepted::Approval(id(1));
    assert_eq!(
        Spend::of(&accepted, &CallerName::new(PORTAL)),
        Some(Spend::Approval(id(1)))
    );
}

#[test]
fn an_accepted_attestation_is_used_up_for_its_caller() {
    let accepted = Accepted::Attestation(AttestationId::parse("attestation-0001").unwrap());
    let portal = CallerName::new(PORTAL);
    assert_eq!(
        Spend::of(&accepted, &portal),
        Some(Spend::Attestation(portal, "attestation-0001".to_owned()))
    );
}

#[test]
fn a_ticket_is_used_up_by_the_method_that_it_lets_in() {
    assert_eq!(Spend::of(&Accepted::Ticket, &CallerName::new(PORTAL)), None);
}
