use super::{Did, REVERT_LIFE, RevertToken, Revertible, Reverting};
use crate::{
    account::{Account, Availability, Served, Terms},
    fixtures::{NOW, account, id, method, minutes},
    malformed::Malformed,
    method::Kind,
    policy::Rules,
    refusal::Refusal,
};

const BOTH: Served = Served {
    sms: true,
    email: true,
};

fn token(seed: u8) -> RevertToken {
    RevertToken::new([seed; 16])
}

/// A change whose token and revision have this number.
fn change(number: u8, did: Did) -> Revertible {
    Revertible {
        token: token(number).hash(),
        did,
        at: NOW,
        revision: i64::from(number),
    }
}

fn with(account: Account, changes: &[(u8, Did)]) -> Account {
    let revertible = changes.iter().map(|(number, did)| change(*number, *did));
    Account {
        revertible: revertible.collect(),
        ..account
    }
}

fn reverted(account: &Account, number: u8) -> Reverting {
    let (_, reverting) = account
        .revert(token(number).hash(), &Rules::built_in(), NOW)
        .unwrap();
    reverting
}

#[test]
fn a_token_comes_back_as_it_was_sent() {
    let sent = token(7).expose();
    assert_eq!(sent.len(), 22);
    assert_eq!(RevertToken::parse(&sent).unwrap(), token(7));
    assert_ne!(token(7), token(8));
    for bad in [
        "",
        "short",
        "BwcHBwcHBwcHBwcHBwcHBw=",
        "BwcHBwcHBwcHBwcHBwcHBwc",
        "!wcHBwcHBwcHBwcHBwcHBw",
    ] {
        assert_eq!(
            RevertToken::parse(bad).err(),
            Some(Malformed::NotARevertToken),
            "{bad}"
        );
    }
}

#[test]
fn a_token_is_never_printed() {
    assert_eq!(format!("{:?}", token(7)), "RevertToken([redacted])");
}

#[test]
fn every_deed_is_known_by_its_name() {
    for did in [
        Did::Method(id(1)),
        Did::FirstMethod(id(1)),
        Did::RecoveredMethod(id(1)),
        Did::Removal,
        Did::Default,
        Did::RecoveryCodes,
        Did::TurnOff,
        Did::Trust,
    ] {
        assert_eq!(Did::named(did.as_str(), did.method()), Some(did));
        assert_eq!(
            Did::named(did.as_str(), Some(id(1))).is_some(),
            did.method().is_some()
        );
    }
    assert_eq!(Did::named("ELSE", None), None);
}

#[test]
fn the_new_method_is_suspended_and_the_others_stay() {
    let jane = account([method(1, Kind::Totp), method(2, Kind::Sms)]);
    let jane = with(jane, &[(5, Did::Method(id(2)))]);
    let expected = Reverting {
        suspends: vec![id(2)],
        from: 5,
        ..Reverting::default()
    };
    assert_eq!(
        jane.revert(token(5).hash(), &Rules::built_in(), NOW),
        Ok((Did::Method(id(2)), expected))
    );
}

#[test]
fn what_came_later_falls_with_it_and_what_came_before_does_not() {
    let jane = account([1, 2, 3].map(|seed| method(seed, Kind::Totp)));
    let came = |seed| Did::Method(id(seed));
    let jane = with(
        jane,
        &[(5, came(1)), (6, came(2)), (7, Did::Default), (8, came(3))],
    );
    let reverting = reverted(&jane, 6);
    assert_eq!(reverting.suspends, [id(2), id(3)]);
    assert!(reverting.forgets_default && !reverting.voids_codes && !reverting.holds);
    assert_eq!(reverting.from, 6);
    assert!(!reverted(&jane, 8).forgets_default);
}

#[test]
fn codes_that_came_with_a_change_are_void_with_it() {
    let jane = account([method(1, Kind::Totp)]);
    let first = with(jane.clone(), &[(5, Did::FirstMethod(id(1)))]);
    assert!(reverted(&first, 5).voids_codes);
    let made = with(jane.clone(), &[(5, Did::RecoveryCodes)]);
    assert!(reverted(&made, 5).voids_codes);
    let removed = with(jane, &[(4, Did::RecoveryCodes), (5, Did::Removal)]);
    assert!(!reverted(&removed, 5).voids_codes, "those were made before");
}

#[test]
fn a_method_that_came_by_recovery_falls_with_the_codes_that_let_it_in() {
    let jane = account([method(1, Kind::Totp), method(2, Kind::Totp)]);
    let recovered = Did::RecoveredMethod(id(2));
    let first = [(5, Did::FirstMethod(id(1))), (6, recovered)];
    assert_eq!(
        reverted(&with(jane.clone(), &first), 5).suspends,
        [id(1), id(2)]
    );
    let made = [
        (5, Did::Method(id(1))),
        (6, Did::RecoveryCodes),
        (7, recovered),
    ];
    assert_eq!(
        reverted(&with(jane.clone(), &made), 5).suspends,
        [id(1), id(2)]
    );
    assert_eq!(reverted(&with(jane, &made), 6).suspends, [id(2)]);
}

#[test]
fn a_method_that_came_by_older_recovery_codes_stays_control() {
    let jane = account([method(1, Kind::Totp), method(2, Kind::Totp)]);
    let recovered = Did::RecoveredMethod(id(2));
    let stolen = [(5, Did::Method(id(1))), (6, recovered)];
    assert_eq!(
        reverted(&with(jane.clone(), &stolen), 5).suspends,
        [id(1)],
        "its codes are older"
    );
    let made_later = [
        (5, Did::Method(id(1))),
        (6, recovered),
        (7, Did::RecoveryCodes),
    ];
    let reverting = reverted(&with(jane, &made_later), 5);
    assert_eq!(
        (reverting.suspends, reverting.voids_codes),
        (vec![id(1)], true)
    );
}

#[test]
fn sign_in_is_held_where_two_factor_went_and_nothing_is_left_to_suspend() {
    let off = with(account([]), &[(5, Did::TurnOff)]);
    assert!(reverted(&off, 5).holds);
    let again = account([method(1, Kind::Sms)]);
    let again = with(again, &[(5, Did::TurnOff), (6, Did::FirstMethod(id(1)))]);
    let reverting = reverted(&again, 5);
    assert_eq!((reverting.suspends, reverting.holds), (vec![id(1)], false));
}

#[test]
fn sign_in_is_held_where_what_is_left_does_not_count() {
    let app_only = Rules {
        allowed_kinds: [Kind::Totp].into_iter().collect(),
        ..Rules::built_in()
    };
    let off = with(account([method(1, Kind::Sms)]), &[(5, Did::TurnOff)]);
    let holds = |rules: &Rules| {
        let (_, reverting) = off.revert(token(5).hash(), rules, NOW).unwrap();
        reverting.holds
    };
    assert!(holds(&app_only));
    assert!(!holds(&Rules::built_in()));
}

#[test]
fn a_method_that_is_gone_is_not_suspended() {
    let jane = with(account([method(1, Kind::Totp)]), &[(5, Did::Method(id(9)))]);
    assert_eq!(reverted(&jane, 5).suspends, []);
}

#[test]
fn an_unknown_token_and_an_old_one_are_refused_alike() {
    let jane = with(account([method(1, Kind::Totp)]), &[(5, Did::Removal)]);
    let refused = Err(Refusal::RevertTokenNotAccepted);
    assert_eq!(
        jane.revert(token(6).hash(), &Rules::built_in(), NOW),
        refused
    );
    assert_eq!(
        jane.revert(token(5).hash(), &Rules::built_in(), NOW.plus(REVERT_LIFE)),
        refused
    );
    let just_in_time = NOW.plus(minutes(72 * 60 - 1));
    assert!(
        jane.revert(token(5).hash(), &Rules::built_in(), just_in_time)
            .is_ok()
    );
}

#[test]
fn a_suspended_method_answers_no_more_and_two_factor_stays_on() {
    let mut suspended = method(1, Kind::Totp);
    suspended.suspended = true;
    let rules = Rules::built_in();
    let terms = Terms::of_sign_in(&rules, BOTH);
    assert_eq!(terms.availability(&suspended), Availability::Suspended);
    let jane = account([suspended]);
    assert!(jane.two_factor_enabled() && jane.is_protected(&rules));
    assert_eq!(jane.default_method(terms), None);
    let held = Account {
        held: true,
        ..account([])
    };
    assert!(held.two_factor_enabled() && held.is_protected(&rules));
}

#[test]
fn whoever_turned_it_off_lately_and_sets_it_up_again_has_switched() {
    let off = with(account([]), &[(1, Did::TurnOff)]);
    assert!(off.was_turned_off_lately(NOW));
    assert!(!off.was_turned_off_lately(NOW.plus(REVERT_LIFE)));
    let on_again = with(account([method(7, Kind::Totp)]), &[(1, Did::TurnOff)]);
    assert!(!on_again.was_turned_off_lately(NOW));
    assert!(!with(account([]), &[(1, Did::Removal)]).was_turned_off_lately(NOW));
}
