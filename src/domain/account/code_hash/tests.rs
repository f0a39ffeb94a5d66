use super::*;
use crate::{
    account::WrongAttempt,
    fixtures::{EPOCH, NOW, account, id},
    limits::budget::AttemptClass,
    recovery::{
        RecoverySet, RecoverySetKind,
        bypass_code::{LiveBypassCode, NewBypassCode},
    },
};

const PENDING: PendingAttempt = PendingAttempt {
    challenge: ChallengeId::from_bytes([7; 16]),
    attempt: AttemptId::from_bytes([8; 16]),
    challenge_ended: false,
};

fn slot(number: u8) -> CodeSlot {
    CodeSlot::new(number).unwrap()
}

fn hash(text: &str) -> SecretHash {
    SecretHash::from_phc(text.to_owned())
}

/// An account with a recovery code in slot 3 and a bypass code.
fn with_codes() -> Account {
    Account {
        recovery: Some(RecoverySet {
            id: id(1),
            kind: RecoverySetKind::Codes,
            total: 10,
            unused: vec![(slot(3), hash("recovery"))],
            created_at: NOW,
            confirmed_at: None,
        }),
        bypass: Some(LiveBypassCode {
            issued: NewBypassCode {
                id: id(2),
                hash: hash("bypass"),
                expires_at: NOW,
            },
            epoch: EPOCH,
        }),
        ..account([])
    }
}

#[test]
fn an_attempt_is_compared_with_the_unused_code() {
    let user = with_codes();
    let unused = StoredHashLookup::Unused(id(1), hash("recovery"));
    assert_eq!(user.recovery_hash(slot(3), PENDING), unused);
    assert_eq!(
        user.recovery_hash(slot(4), PENDING),
        StoredHashLookup::Empty
    );
    let bypass = StoredHashLookup::Unused(id(2), hash("bypass"));
    assert_eq!(user.bypass_hash(PENDING), bypass);
}

#[test]
fn where_there_are_no_codes_there_is_nothing_to_compare_with() {
    let user = account([]);
    assert_eq!(
        user.recovery_hash(slot(3), PENDING),
        StoredHashLookup::Empty
    );
    assert_eq!(user.bypass_hash(PENDING), StoredHashLookup::Empty);
}

#[test]
fn an_attempt_that_was_ruled_on_is_not_compared_again() {
    let past = WrongAttempt {
        challenge: PENDING.challenge,
        attempt: PENDING.attempt,
        class: Some(AttemptClass::Recovery),
        at: NOW,
        skew: None,
    };
    let of_another = WrongAttempt {
        attempt: id(9),
        ..past
    };
    let at_another = WrongAttempt {
        challenge: id(9),
        ..past
    };
    let having = |wrong_attempts| Account {
        wrong_attempts,
        ..with_codes()
    };
    let ruled = having(vec![of_another, past]);
    assert_eq!(
        ruled.recovery_hash(slot(3), PENDING),
        StoredHashLookup::AlreadyDecided
    );
    assert_eq!(ruled.bypass_hash(PENDING), StoredHashLookup::AlreadyDecided);
    let others = having(vec![of_another, at_another]);
    assert_ne!(
        others.bypass_hash(PENDING),
        StoredHashLookup::AlreadyDecided
    );
}

#[test]
fn no_attempt_at_a_challenge_that_ended_is_compared() {
    let pending = PendingAttempt {
        challenge_ended: true,
        ..PENDING
    };
    let user = with_codes();
    assert_eq!(
        user.recovery_hash(slot(3), pending),
        StoredHashLookup::AlreadyDecided
    );
    assert_eq!(user.bypass_hash(pending), StoredHashLookup::AlreadyDecided);
}
