use super::*;
use crate::{
    fixtures::{EPOCH, NOW, PORTAL, assert_all_differ, jane, seconds, subject},
    value::secret::MacKey,
};

fn keyed(fields: &[&[u8]]) -> [u8; 16] {
    MacKey::new([7; 32]).tag(fields.iter().copied())
}

fn ticket(
    subject: &Subject,
    caller: &str,
    epoch: Epoch,
    expires_at: Timestamp,
) -> EnrollmentTicket {
    let caller = CallerName::new(caller);
    let of = TicketSubject {
        subject,
        caller: &caller,
        epoch,
        expires_at,
    };
    of.issue(keyed)
}

fn janes() -> EnrollmentTicket {
    ticket(&jane(), PORTAL, EPOCH, NOW)
}

#[test]
fn a_ticket_is_32_characters_of_base64url() {
    let text = janes().expose();
    assert_eq!(text.len(), 32);
    let read = EnrollmentTicket::parse(&text).unwrap();
    assert!(read.is(&janes()));
    assert_eq!(read.expires_at(), NOW);
}

#[test]
fn a_ticket_is_of_one_tenant_user_caller_epoch_and_instant() {
    let others = [
        janes(),
        ticket(&subject("acme", "john"), PORTAL, EPOCH, NOW),
        ticket(&subject("other", "jane"), PORTAL, EPOCH, NOW),
        ticket(&jane(), "shop", EPOCH, NOW),
        ticket(&jane(), PORTAL, EPOCH.grown(), NOW),
        ticket(&jane(), PORTAL, EPOCH, NOW.plus(seconds(1))),
    ];
    assert_all_differ(others.map(|ticket| ticket.tag));
}

#[test]
fn a_ticket_whose_instant_was_moved_is_not_the_one_that_was_made() {
    let moved = EnrollmentTicket {
        expires_at: NOW.plus(seconds(1)),
        ..janes()
    };
    assert!(!moved.is(&ticket(&jane(), PORTAL, EPOCH, moved.expires_at)));
}

#[test]
fn what_is_no_ticket_is_refused() {
    let text = janes().expose();
    for text in [
        "",
        &text[4..],
        &format!("{text}AAAA"),
        &format!(" {}", &text[1..]),
    ] {
        let read = EnrollmentTicket::parse(text);
        assert_eq!(read.err(), Some(MalformedValue::NotATicket), "{text:?}");
    }
}

#[test]
fn a_ticket_is_not_shown_in_logs() {
    assert_eq!(format!("{:?}", janes()), "Ticket([redacted])");
}
