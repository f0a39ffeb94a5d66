use super::*;
use crate::{
    account::groups::GroupName,
    fixtures::{NOW, account, assert_all_differ, email, method, minutes},
    method::{Method, MethodKind},
    policy::{MethodKinds, PolicyRules, TwoFactorMode},
};

const SERVED: AvailableChannels = AvailableChannels {
    sms: true,
    email: true,
};

fn policy(rules: PolicyRules) -> Policy {
    Policy {
        rules,
        ..Policy::built_in()
    }
}

fn required() -> PolicyRules {
    PolicyRules {
        two_factor: TwoFactorMode::Required,
        ..PolicyRules::built_in()
    }
}

fn only(kinds: &[MethodKind], rules: PolicyRules) -> PolicyRules {
    PolicyRules {
        allowed_kinds: kinds.iter().copied().collect::<MethodKinds>(),
        ..rules
    }
}

/// The effects of other rules on a user with these methods, compared with the built-in policy.
fn effects(
    after: PolicyRules,
    methods: impl IntoIterator<Item = Method>,
) -> Vec<SimulationOutcome> {
    of_user(&account(methods), PolicyRules::built_in(), after, SERVED)
}

fn of_user(
    account: &Account,
    before: PolicyRules,
    after: PolicyRules,
    served: AvailableChannels,
) -> Vec<SimulationOutcome> {
    let trial = SimulationTrial {
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
    method(1, MethodKind::Totp)
}

fn sms() -> Method {
    method(2, MethodKind::Sms)
}

#[test]
fn the_policy_that_holds_does_nothing_to_anyone() {
    let staff = PolicyRules {
        required_groups: vec![GroupName::parse("staff").unwrap()],
        ..required()
    };
    for rules in [
        PolicyRules::built_in(),
        required(),
        only(&[MethodKind::Totp], required()),
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
    assert_eq!(effects(required(), []), [SimulationOutcome::MustEnroll]);
    assert_eq!(effects(required(), [app()]), []);
    let in_grace = PolicyRules {
        grace_period: minutes(10),
        ..required()
    };
    assert_eq!(effects(in_grace, []), [SimulationOutcome::MustEnrollLater]);
    let from_tomorrow = PolicyRules {
        required_from: Some(NOW.plus(minutes(60))),
        ..required()
    };
    assert_eq!(
        effects(from_tomorrow, []),
        [SimulationOutcome::MustEnrollLater]
    );
}

#[test]
fn a_kind_that_is_not_allowed_any_more_takes_the_only_method() {
    use SimulationOutcome::{LosesOnlyMethod, MustEnroll, NotChallenged};
    let strict = only(&[MethodKind::Totp], required());
    assert_eq!(
        effects(strict.clone(), [sms()]),
        [MustEnroll, LosesOnlyMethod]
    );
    assert_eq!(effects(strict, [sms(), app()]), []);
    let lenient = only(&[MethodKind::Totp], PolicyRules::built_in());
    assert_eq!(effects(lenient, [sms()]), [LosesOnlyMethod, NotChallenged]);
}

#[test]
fn two_factor_off_ends_challenges() {
    let off = PolicyRules {
        two_factor: TwoFactorMode::Off,
        ..PolicyRules::built_in()
    };
    assert_eq!(
        effects(off.clone(), [app()]),
        [SimulationOutcome::NotChallenged]
    );
    assert_eq!(effects(off, []), []);
}

#[test]
fn who_would_have_no_way_in_is_blocked() {
    let without_sms = AvailableChannels {
        sms: false,
        ..SERVED
    };
    let texts_only = only(&[MethodKind::Sms], required());
    assert_eq!(
        of_user(
            &account([]),
            PolicyRules::built_in(),
            texts_only,
            without_sms
        ),
        [SimulationOutcome::Blocked, SimulationOutcome::MustEnroll]
    );
    let locked = PolicyRules {
        locked_kinds: MethodKinds::ALL,
        ..required()
    };
    assert_eq!(
        effects(locked, []),
        [SimulationOutcome::Blocked, SimulationOutcome::MustEnroll]
    );
    let staff = PolicyRules {
        required_groups: vec![GroupName::parse("staff").unwrap()],
        ..required()
    };
    assert_eq!(effects(staff, [app()]), [SimulationOutcome::Blocked]);
}

#[test]
fn an_address_that_is_still_to_be_verified_blocks_nobody_who_has_one() {
    let unverified = Account {
        email_verified: false,
        ..account([])
    };
    let of = |profile: &Profile| {
        let trial = SimulationTrial {
            account: &unverified,
            profile,
            before: &policy(PolicyRules::built_in()),
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
    assert_eq!(of(&with_address), [SimulationOutcome::MustEnroll]);
    assert_eq!(
        of(&Profile::default()),
        [SimulationOutcome::Blocked, SimulationOutcome::MustEnroll]
    );
}

#[test]
fn simulation_counts_tell_users_and_what_would_be_done_to_them() {
    let mut totals = SimulationCounts::default();
    totals.count(&[]);
    totals.count(&[
        SimulationOutcome::MustEnroll,
        SimulationOutcome::LosesOnlyMethod,
    ]);
    totals.count(&[SimulationOutcome::MustEnroll]);
    assert_eq!((totals.seen, totals.affected), (3, 2));
    let counts: Vec<u64> = totals.by_effect().map(|(_, count)| count).collect();
    assert_eq!(counts, [0, 2, 0, 1, 0]);
}

#[test]
fn effects_are_told_apart() {
    assert_all_differ(SimulationOutcome::ALL);
}
