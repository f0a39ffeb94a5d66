mod model;

use super::*;
use crate::{
    account::{
        groups::{GroupName, UserGroups},
        profile::{EnrollmentGrace, GraceReason},
    },
    fixtures::{NOW, account, method, minutes, seconds},
    method::{Method, MethodKind, MethodStrength},
    policy::{MethodKinds, TwoFactorMode},
};

fn required() -> PolicyRules {
    PolicyRules {
        two_factor: TwoFactorMode::Required,
        ..PolicyRules::built_in()
    }
}

fn required_of_staff() -> PolicyRules {
    PolicyRules {
        required_groups: vec![group("staff")],
        ..required()
    }
}

fn group(name: &str) -> GroupName {
    GroupName::parse(name).unwrap()
}

fn in_groups(names: &[&str]) -> Profile {
    Profile {
        groups: UserGroups::Listed(names.iter().map(|name| group(name)).collect()),
        ..Profile::default()
    }
}

fn excepted_until(until: Timestamp) -> Profile {
    Profile {
        grace: Some(EnrollmentGrace {
            until,
            reason: GraceReason::parse("on leave").unwrap(),
        }),
        ..Profile::default()
    }
}

fn app() -> Method {
    method(1, MethodKind::Totp)
}

fn sms() -> Method {
    method(2, MethodKind::Sms)
}

/// What a sign-in from an unknown client needs now.
fn need(
    rules: &PolicyRules,
    methods: impl IntoIterator<Item = Method>,
    profile: &Profile,
) -> SignInRequirement {
    asked(rules, methods, profile, false).unwrap()
}

fn asked(
    rules: &PolicyRules,
    methods: impl IntoIterator<Item = Method>,
    profile: &Profile,
    on_trusted_device: bool,
) -> Result<SignInRequirement, Refusal> {
    let sign_in = SignIn {
        account: &account(methods),
        profile,
        rules,
        on_trusted_device,
        now: NOW,
    };
    sign_in.need()
}

const fn passes(pass: SecondFactorExemption) -> SignInRequirement {
    SignInRequirement::Nothing(pass)
}

const NOT_REQUIRED: SignInRequirement =
    passes(SecondFactorExemption::NotRequired { enroll_by: None });

#[test]
fn where_two_factor_is_off_what_is_enrolled_is_not_asked_for() {
    let off = PolicyRules {
        two_factor: TwoFactorMode::Off,
        ..PolicyRules::built_in()
    };
    for methods in [vec![], vec![app()]] {
        let need = need(&off, methods, &Profile::default());
        assert_eq!(need, passes(SecondFactorExemption::TwoFactorOff));
    }
}

#[test]
fn where_it_is_optional_those_who_enrolled_are_asked() {
    let optional = PolicyRules::built_in();
    assert_eq!(need(&optional, [], &Profile::default()), NOT_REQUIRED);
    assert_eq!(
        need(&optional, [app()], &Profile::default()),
        SignInRequirement::Challenge
    );
}

#[test]
fn where_it_is_required_those_who_did_not_enrol_have_to() {
    assert_eq!(
        need(&required(), [], &Profile::default()),
        SignInRequirement::Enrollment
    );
    assert_eq!(
        need(&required(), [app()], &Profile::default()),
        SignInRequirement::Challenge
    );
}

#[test]
fn a_method_that_fails_is_still_asked_for() {
    let disabled = Method {
        disabled: true,
        ..app()
    };
    assert_eq!(
        need(&PolicyRules::built_in(), [disabled], &Profile::default()),
        SignInRequirement::Challenge
    );
}

#[test]
fn before_the_date_it_is_optional_and_the_answer_says_until_when() {
    let later = NOW.plus(minutes(10));
    let rules = PolicyRules {
        required_from: Some(later),
        grace_period: minutes(5),
        ..required()
    };
    assert_eq!(
        need(&rules, [], &Profile::default()),
        passes(SecondFactorExemption::NotRequired {
            enroll_by: Some(later.plus(minutes(5)))
        })
    );
    let rules = PolicyRules {
        required_from: Some(NOW),
        ..required()
    };
    assert_eq!(
        need(&rules, [], &Profile::default()),
        SignInRequirement::Enrollment
    );
}

#[test]
fn a_grace_period_begins_with_the_user_or_with_the_date_whichever_is_later() {
    let grace = |required_from, grace_period| {
        let rules = PolicyRules {
            required_from,
            grace_period,
            ..required()
        };
        need(&rules, [], &Profile::default())
    };
    let until = |enroll_by| passes(SecondFactorExemption::GracePeriod { enroll_by });
    let long_ago = Some(NOW.minus(minutes(60)));
    // The user of the fixture is created at `NOW`.
    assert_eq!(grace(None, minutes(5)), until(NOW.plus(minutes(5))));
    assert_eq!(grace(long_ago, minutes(5)), until(NOW.plus(minutes(5))));
    assert_eq!(grace(Some(NOW), minutes(5)), until(NOW.plus(minutes(5))));
    assert_eq!(grace(long_ago, seconds(0)), SignInRequirement::Enrollment);
}

#[test]
fn a_dated_exception_lengthens_the_grace_of_one_user_and_shortens_none() {
    let grace = |until| {
        let rules = PolicyRules {
            grace_period: minutes(5),
            ..required()
        };
        need(&rules, [], &excepted_until(until))
    };
    let until = |enroll_by| passes(SecondFactorExemption::GracePeriod { enroll_by });
    assert_eq!(grace(NOW.plus(minutes(9))), until(NOW.plus(minutes(9))));
    assert_eq!(grace(NOW.minus(minutes(9))), until(NOW.plus(minutes(5))));
    assert_eq!(
        need(&required(), [], &excepted_until(NOW)),
        SignInRequirement::Enrollment
    );
}

#[test]
fn an_exception_spares_nobody_the_challenge() {
    let excepted = excepted_until(NOW.plus(minutes(9)));
    assert_eq!(
        need(&required(), [app()], &excepted),
        SignInRequirement::Challenge
    );
}

#[test]
fn it_is_required_of_the_members_of_the_named_groups_only() {
    let rules = required_of_staff();
    let of = |groups: &[&str]| need(&rules, [], &in_groups(groups));
    assert_eq!(of(&["guests", "staff"]), SignInRequirement::Enrollment);
    assert_eq!(of(&["guests"]), NOT_REQUIRED);
    assert_eq!(
        of(&["STAFF"]),
        NOT_REQUIRED,
        "names are compared as they are"
    );
    assert_eq!(of(&[]), NOT_REQUIRED);
    let more_than_are_kept = Profile {
        groups: UserGroups::TooMany,
        ..Profile::default()
    };
    assert_eq!(
        need(&rules, [], &more_than_are_kept),
        SignInRequirement::Enrollment
    );
}

#[test]
fn who_may_be_in_a_named_group_is_not_let_in() {
    let rules = required_of_staff();
    for methods in [vec![], vec![app()]] {
        assert_eq!(
            asked(&rules, methods, &Profile::default(), true),
            Err(Refusal::GroupsUnknown)
        );
    }
    assert_eq!(
        need(&required(), [], &Profile::default()),
        SignInRequirement::Enrollment,
        "where no groups are named, nobody's are asked for"
    );
}

#[test]
fn a_method_that_is_not_allowed_neither_counts_nor_locks_out() {
    let app_only = MethodKinds::from_iter([MethodKind::Totp]);
    let nobody = Profile::default();
    let rules = |two_factor| PolicyRules {
        two_factor,
        allowed_kinds: app_only,
        ..PolicyRules::built_in()
    };
    let (optional, required) = (
        rules(TwoFactorMode::Optional),
        rules(TwoFactorMode::Required),
    );
    assert_eq!(
        need(&required, [sms()], &nobody),
        SignInRequirement::Enrollment
    );
    assert_eq!(need(&optional, [sms()], &nobody), NOT_REQUIRED);
    assert_eq!(
        need(&required, [sms(), app()], &nobody),
        SignInRequirement::Challenge
    );
}

/// A25: the merged result of two layers, each of which is consistent.
#[test]
fn where_no_kind_can_count_users_who_enrolled_are_not_let_in() {
    let nobody = Profile::default();
    let text_only = MethodKinds::from_iter([MethodKind::Sms]);
    for two_factor in [TwoFactorMode::Optional, TwoFactorMode::Required] {
        let too_weak = PolicyRules {
            two_factor,
            allowed_kinds: text_only,
            sign_in_strength: MethodStrength::Strong,
            grace_period: minutes(5),
            ..PolicyRules::built_in()
        };
        let none_allowed = PolicyRules {
            allowed_kinds: MethodKinds::NONE,
            ..too_weak.clone()
        };
        for rules in [too_weak, none_allowed] {
            for on_trusted_device in [false, true] {
                assert_eq!(
                    asked(&rules, [sms()], &nobody, on_trusted_device),
                    Err(Refusal::PolicyContradictsItself)
                );
            }
            let without = asked(&rules, [], &nobody, false).unwrap();
            assert!(
                matches!(without, SignInRequirement::Nothing(_)),
                "there is nothing to lose"
            );
        }
    }
}

#[test]
fn a_method_too_weak_for_sign_in_does_not_count_either() {
    let rules = PolicyRules {
        sign_in_strength: MethodStrength::Strong,
        ..required()
    };
    assert_eq!(
        need(&rules, [sms()], &Profile::default()),
        SignInRequirement::Enrollment
    );
    assert_eq!(
        need(&rules, [app()], &Profile::default()),
        SignInRequirement::Challenge
    );
}

#[test]
fn a_trusted_device_spares_the_challenge_where_the_policy_lets_it() {
    let on_device = |rules: &PolicyRules| asked(rules, [app()], &Profile::default(), true).unwrap();
    assert_eq!(
        on_device(&required()),
        passes(SecondFactorExemption::TrustedDevice)
    );
    let untrusting = PolicyRules {
        trusted_devices: false,
        ..required()
    };
    assert_eq!(on_device(&untrusting), SignInRequirement::Challenge);
    let every_time = PolicyRules {
        challenge_every_sign_in: true,
        ..required()
    };
    assert_eq!(on_device(&every_time), SignInRequirement::Challenge);
}

#[test]
fn a_trusted_device_spares_nobody_the_enrollment() {
    let need = asked(&required(), [], &Profile::default(), true).unwrap();
    assert_eq!(need, SignInRequirement::Enrollment);
}
