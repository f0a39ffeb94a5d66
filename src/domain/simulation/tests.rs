use super::*;
use crate::{
    fixtures::{NOW, account, assert_all_differ, email, method, minutes},
    method::{Kind, Method},
    policy::{Kinds, Rules, TwoFactorMode},
    profile::Group,
};

const SERVED: Served = Served {
    sms: true,
    email: true,
};

fn policy(rules: Rules) -> Policy {
    Policy {
        rules,
        ..Policy::built_in()
    }
}

fn required() -> Rules {
    Rules {
        two_factor: TwoFactorMode::Required,
        ..Rules::built_in()
    }
}

fn only(kinds: &[Kind], rules: Rules) -> Rules {
    Rules {
        allowed_kinds: kinds.iter().copied().collect::<Kinds>(),
        ..rules
    }
}

/// What other rules would do to a user with these methods, where nobody decided anything.
fn effects(after: Rules, methods: impl IntoIterator<Item = Method>) -> Vec<Effect> {
    of_user(&account(methods), Rules::built_in(), after, SERVED)
}

fn of_user(account: &Account, before: Rules, after: Rules, served: Served) -> Vec<Effect> {
    let trial = Trial {
        account,
        profile: &Profile {
            email: Some(email("jane@example.com")),
            ..Profile::default()
        },
        before: &policy(before),
        after: &policy(after),
        served,
        now: NOW,
    };
    trial.effects().0
}

fn app() -> Method {
    method(1, Kind::Totp)
}

fn sms() -> Method {
    method(2, Kind::Sms)
}

#[test]
fn the_policy_that_holds_does_nothing_to_anyone() {
    let staff = Rules {
        required_groups: vec![Group::parse("staff").unwrap()],
        ..required()
    };
    for rules in [
        Rules::built_in(),
        required(),
        only(&[Kind::Totp], required()),
        staff,
    ] {
        for user in [account([]), account([app()]), account([sms()])] {
            let told = of_user(&user, rules.clone(), rules.clone(), SERVED);
            assert_eq!(told, [], "{rules:?}");
        }
    }
}

#[test]
fn requiring_a_second_factor_makes_those_enroll_who_have_none() {
    assert_eq!(effects(required(), []), [Effect::MustEnroll]);
    assert_eq!(effects(required(), [app()]), []);
    let in_grace = Rules {
        grace_period: minutes(10),
        ..required()
    };
    assert_eq!(effects(in_grace, []), [Effect::MustEnrollLater]);
    let from_tomorrow = Rules {
        required_from: Some(NOW.plus(minutes(60))),
        ..required()
    };
    assert_eq!(effects(from_tomorrow, []), [Effect::MustEnrollLater]);
}

#[test]
fn a_kind_that_is_not_allowed_any_more_takes_the_only_method() {
    use Effect::{LosesOnlyMethod, MustEnroll, NotChallenged};
    let strict = only(&[Kind::Totp], required());
    assert_eq!(
        effects(strict.clone(), [sms()]),
        [MustEnroll, LosesOnlyMethod]
    );
    assert_eq!(effects(strict, [sms(), app()]), []);
    let lenient = only(&[Kind::Totp], Rules::built_in());
    assert_eq!(effects(lenient, [sms()]), [LosesOnlyMethod, NotChallenged]);
}

#[test]
fn two_factor_off_ends_challenges() {
    let off = Rules {
        two_factor: TwoFactorMode::Off,
        ..Rules::built_in()
    };
    assert_eq!(effects(off.clone(), [app()]), [Effect::NotChallenged]);
    assert_eq!(effects(off, []), []);
}

#[test]
fn who_would_have_no_way_in_is_blocked() {
    let without_sms = Served {
        sms: false,
        ..SERVED
    };
    let texts_only = only(&[Kind::Sms], required());
    assert_eq!(
        of_user(&account([]), Rules::built_in(), texts_only, without_sms),
        [Effect::Blocked, Effect::MustEnroll]
    );
    let locked = Rules {
        locked_kinds: Kinds::ALL,
        ..required()
    };
    assert_eq!(effects(locked, []), [Effect::Blocked, Effect::MustEnroll]);
    let staff = Rules {
        required_groups: vec![Group::parse("staff").unwrap()],
        ..required()
    };
    assert_eq!(effects(staff, [app()]), [Effect::Blocked]);
}

#[test]
fn an_address_that_is_still_to_be_verified_blocks_nobody_who_has_one() {
    let unverified = Account {
        email_verified: false,
        ..account([])
    };
    let of = |profile: &Profile| {
        let trial = Trial {
            account: &unverified,
            profile,
            before: &policy(Rules::built_in()),
            after: &policy(required()),
            served: SERVED,
            now: NOW,
        };
        trial.effects().0
    };
    let with_address = Profile {
        email: Some(email("jane@example.com")),
        ..Profile::default()
    };
    assert_eq!(of(&with_address), [Effect::MustEnroll]);
    assert_eq!(
        of(&Profile::default()),
        [Effect::Blocked, Effect::MustEnroll]
    );
}

#[test]
fn a_tally_counts_users_and_what_would_be_done_to_them() {
    let mut tally = Tally::default();
    tally.count(&[]);
    tally.count(&[Effect::MustEnroll, Effect::LosesOnlyMethod]);
    tally.count(&[Effect::MustEnroll]);
    assert_eq!((tally.seen, tally.affected), (3, 2));
    let counts: Vec<u64> = tally.by_effect().map(|(_, count)| count).collect();
    assert_eq!(counts, [0, 2, 0, 1, 0]);
}

#[test]
fn effects_are_told_apart() {
    assert_all_differ(Effect::ALL);
}
