use crate::{
    account::{Account, AvailableChannels, MethodRequirements},
    fixtures::{NOW, account, id, method, minutes},
    method::{MethodKind, ineligibility::MethodIneligibility},
    policy::PolicyRules,
    refusal::Refusal,
    revert::{REVERT_LIFETIME, RevertPlan, RevertRecord, RevertToken, RevertibleChange},
    value::malformed::MalformedValue,
};

const BOTH: AvailableChannels = AvailableChannels {
    sms: true,
    email: true,
};

fn token(seed: u8) -> RevertToken {
    RevertToken::new([seed; 16])
}

/// A change whose token and revision have this number.
fn change(number: u8, change_kind: RevertibleChange) -> RevertRecord {
    RevertRecord {
        token: token(number).hash(),
        change_kind,
        at: NOW,
        revision: i64::from(number),
    }
}

fn with(account: Account, changes: &[(u8, RevertibleChange)]) -> Account {
    let revertible = changes
        .iter()
        .map(|(number, change_kind)| change(*number, *change_kind));
    Account {
        revertible: revertible.collect(),
        ..account
    }
}

fn reverted(account: &Account, number: u8) -> RevertPlan {
    let (_, revert_plan) = account
        .revert(token(number).hash(), &PolicyRules::built_in(), NOW)
        .unwrap();
    revert_plan
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
            Some(MalformedValue::NotARevertToken),
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
    for change_kind in [
        RevertibleChange::Method(id(1)),
        RevertibleChange::FirstMethod(id(1)),
        RevertibleChange::RecoveredMethod(id(1)),
        RevertibleChange::Removal,
        RevertibleChange::Default,
        RevertibleChange::RecoveryCodes,
        RevertibleChange::TurnOff,
        RevertibleChange::Trust,
    ] {
        assert_eq!(
            RevertibleChange::named(change_kind.as_str(), change_kind.method()),
            Some(change_kind)
        );
        assert_eq!(
            RevertibleChange::named(change_kind.as_str(), Some(id(1))).is_some(),
            change_kind.method().is_some()
        );
    }
    assert_eq!(RevertibleChange::named("ELSE", None), None);
}

#[test]
fn the_new_method_is_suspended_and_the_others_stay() {
    let jane = account([method(1, MethodKind::Totp), method(2, MethodKind::Sms)]);
    let jane = with(jane, &[(5, RevertibleChange::Method(id(2)))]);
    let expected = RevertPlan {
        suspends: vec![id(2)],
        from: 5,
        ..RevertPlan::default()
    };
    assert_eq!(
        jane.revert(token(5).hash(), &PolicyRules::built_in(), NOW),
        Ok((RevertibleChange::Method(id(2)), expected))
    );
}

#[test]
fn what_came_later_falls_with_it_and_what_came_before_does_not() {
    let jane = account([1, 2, 3].map(|seed| method(seed, MethodKind::Totp)));
    let came = |seed| RevertibleChange::Method(id(seed));
    let jane = with(
        jane,
        &[
            (5, came(1)),
            (6, came(2)),
            (7, RevertibleChange::Default),
            (8, came(3)),
        ],
    );
    let revert_plan = reverted(&jane, 6);
    assert_eq!(revert_plan.suspends, [id(2), id(3)]);
    assert!(revert_plan.forgets_default && !revert_plan.voids_codes && !revert_plan.holds);
    assert_eq!(revert_plan.from, 6);
    assert!(!reverted(&jane, 8).forgets_default);
}

#[test]
fn codes_that_came_with_a_change_are_void_with_it() {
    let jane = account([method(1, MethodKind::Totp)]);
    let first = with(jane.clone(), &[(5, RevertibleChange::FirstMethod(id(1)))]);
    assert!(reverted(&first, 5).voids_codes);
    let made = with(jane.clone(), &[(5, RevertibleChange::RecoveryCodes)]);
    assert!(reverted(&made, 5).voids_codes);
    let removed = with(
        jane,
        &[
            (4, RevertibleChange::RecoveryCodes),
            (5, RevertibleChange::Removal),
        ],
    );
    assert!(!reverted(&removed, 5).voids_codes, "those were made before");
}

#[test]
fn a_method_that_came_by_recovery_falls_with_the_codes_that_let_it_in() {
    let jane = account([method(1, MethodKind::Totp), method(2, MethodKind::Totp)]);
    let recovered = RevertibleChange::RecoveredMethod(id(2));
    let first = [(5, RevertibleChange::FirstMethod(id(1))), (6, recovered)];
    assert_eq!(
        reverted(&with(jane.clone(), &first), 5).suspends,
        [id(1), id(2)]
    );
    let made = [
        (5, RevertibleChange::Method(id(1))),
        (6, RevertibleChange::RecoveryCodes),
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
    let jane = account([method(1, MethodKind::Totp), method(2, MethodKind::Totp)]);
    let recovered = RevertibleChange::RecoveredMethod(id(2));
    let stolen = [(5, RevertibleChange::Method(id(1))), (6, recovered)];
    assert_eq!(
        reverted(&with(jane.clone(), &stolen), 5).suspends,
        [id(1)],
        "its codes are older"
    );
    let made_later = [
        (5, RevertibleChange::Method(id(1))),
        (6, recovered),
        (7, RevertibleChange::RecoveryCodes),
    ];
    let revert_plan = reverted(&with(jane, &made_later), 5);
    assert_eq!(
        (revert_plan.suspends, revert_plan.voids_codes),
        (vec![id(1)], true)
    );
}

#[test]
fn sign_in_is_held_where_two_factor_went_and_nothing_is_left_to_suspend() {
    let off = with(account([]), &[(5, RevertibleChange::TurnOff)]);
    assert!(reverted(&off, 5).holds);
    let again = account([method(1, MethodKind::Sms)]);
    let again = with(
        again,
        &[
            (5, RevertibleChange::TurnOff),
            (6, RevertibleChange::FirstMethod(id(1))),
        ],
    );
    let revert_plan = reverted(&again, 5);
    assert_eq!(
        (revert_plan.suspends, revert_plan.holds),
        (vec![id(1)], false)
    );
}

#[test]
fn sign_in_is_held_where_what_is_left_does_not_count() {
    let app_only = PolicyRules {
        allowed_kinds: [MethodKind::Totp].into_iter().collect(),
        ..PolicyRules::built_in()
    };
    let off = with(
        account([method(1, MethodKind::Sms)]),
        &[(5, RevertibleChange::TurnOff)],
    );
    let holds = |rules: &PolicyRules| {
        let (_, revert_plan) = off.revert(token(5).hash(), rules, NOW).unwrap();
        revert_plan.holds
    };
    assert!(holds(&app_only));
    assert!(!holds(&PolicyRules::built_in()));
}

#[test]
fn a_method_that_is_gone_is_not_suspended() {
    let jane = with(
        account([method(1, MethodKind::Totp)]),
        &[(5, RevertibleChange::Method(id(9)))],
    );
    assert_eq!(reverted(&jane, 5).suspends, []);
}

#[test]
fn an_unknown_token_and_an_old_one_are_refused_alike() {
    let jane = with(
        account([method(1, MethodKind::Totp)]),
        &[(5, RevertibleChange::Removal)],
    );
    let refused = Err(Refusal::RevertTokenNotAccepted);
    assert_eq!(
        jane.revert(token(6).hash(), &PolicyRules::built_in(), NOW),
        refused
    );
    assert_eq!(
        jane.revert(
            token(5).hash(),
            &PolicyRules::built_in(),
            NOW.plus(REVERT_LIFETIME)
        ),
        refused
    );
    let just_in_time = NOW.plus(minutes(72 * 60 - 1));
    assert!(
        jane.revert(token(5).hash(), &PolicyRules::built_in(), just_in_time)
            .is_ok()
    );
}

#[test]
fn a_suspended_method_answers_no_more_and_two_factor_stays_on() {
    let mut suspended = method(1, MethodKind::Totp);
    suspended.suspended = true;
    let rules = PolicyRules::built_in();
    let terms = MethodRequirements::of_sign_in(&rules, BOTH);
    assert_eq!(
        terms.ineligibility(&suspended),
        Some(MethodIneligibility::Suspended)
    );
    let jane = account([suspended]);
    assert!(jane.two_factor_enabled() && jane.is_protected(&rules));
    assert_eq!(jane.default_method(terms), None);
    let held = Account {
        pending_review: true,
        ..account([])
    };
    assert!(held.two_factor_enabled() && held.is_protected(&rules));
}

#[test]
fn turning_it_off_and_setting_it_up_again_soon_is_a_switch() {
    let off = with(account([]), &[(1, RevertibleChange::TurnOff)]);
    assert!(off.was_disabled_recently(NOW));
    assert!(!off.was_disabled_recently(NOW.plus(REVERT_LIFETIME)));
    let on_again = with(
        account([method(7, MethodKind::Totp)]),
        &[(1, RevertibleChange::TurnOff)],
    );
    assert!(!on_again.was_disabled_recently(NOW));
    assert!(!with(account([]), &[(1, RevertibleChange::Removal)]).was_disabled_recently(NOW));
}
