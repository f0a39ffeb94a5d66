use super::*;
use crate::{
    account::{
        WrongAttempt,
        groups::{GroupName, UserGroups},
    },
    fixtures::{NOW, account, assert_all_differ, id, method, minutes},
    policy::{PolicyRules, TwoFactorMode},
};

fn conditions(account: &Account, policy: &Policy, profile: &Profile) -> Vec<UserCondition> {
    let entry = DirectoryEntry {
        account,
        profile,
        policy,
        now: NOW,
    };
    entry.conditions()
}

/// The conditions of a user with methods of these kinds, under the built-in policy.
fn of_kinds(kinds: &[MethodKind]) -> Vec<UserCondition> {
    let methods = (1..).zip(kinds).map(|(seed, kind)| method(seed, *kind));
    conditions(&account(methods), &Policy::built_in(), &Profile::default())
}

fn requiring(grace_period: std::time::Duration, groups: &[&str]) -> Policy {
    let groups = groups.iter().map(|name| GroupName::parse(name).unwrap());
    Policy {
        rules: PolicyRules {
            two_factor: TwoFactorMode::Required,
            grace_period,
            required_groups: groups.collect(),
            ..PolicyRules::built_in()
        },
        ..Policy::built_in()
    }
}

fn with_failures(class: AttemptClass, count: u8) -> Account {
    let failures = (0..count).map(|seed| WrongAttempt {
        challenge: id(seed),
        attempt: id(seed),
        class: Some(class),
        at: NOW,
        skew: None,
    });
    Account {
        wrong_attempts: failures.collect(),
        ..account([method(1, MethodKind::Totp)])
    }
}

#[test]
fn methods_tell_how_well_a_user_is_protected() {
    use UserCondition::{NoStrongMethod, NotEnrolled, OnlySms};
    assert_eq!(of_kinds(&[]), [NotEnrolled]);
    assert_eq!(of_kinds(&[MethodKind::Sms]), [OnlySms, NoStrongMethod]);
    assert_eq!(
        of_kinds(&[MethodKind::Sms, MethodKind::Sms]),
        [OnlySms, NoStrongMethod]
    );
    assert_eq!(of_kinds(&[MethodKind::Email]), [NoStrongMethod]);
    assert_eq!(
        of_kinds(&[MethodKind::Sms, MethodKind::Email]),
        [NoStrongMethod]
    );
    assert_eq!(of_kinds(&[MethodKind::Sms, MethodKind::Totp]), []);
    assert_eq!(of_kinds(&[MethodKind::Totp]), []);
}

#[test]
fn a_user_is_locked_out_while_a_window_of_any_class_is_full() {
    let policy = Policy::built_in();
    for class in AttemptClass::ALL {
        let Ok(full) = u8::try_from(policy.wrong_codes.of(class).short.count) else {
            panic!("a window is small")
        };
        let of = |count| conditions(&with_failures(class, count), &policy, &Profile::default());
        assert_eq!(of(full - 1), []);
        assert_eq!(of(full), [UserCondition::Throttled]);
    }
    let account = with_failures(AttemptClass::Recovery, 5);
    let entry = DirectoryEntry {
        account: &account,
        profile: &Profile::default(),
        policy: &policy,
        now: NOW,
    };
    assert_eq!(entry.locked_until(), Some(NOW.plus(minutes(15))));
}

#[test]
fn a_disabled_method_is_told() {
    let mut user = account([method(1, MethodKind::Totp)]);
    for method in &mut user.methods {
        method.disabled = true;
    }
    let told = conditions(&user, &Policy::built_in(), &Profile::default());
    assert_eq!(told, [UserCondition::MethodDisabled]);
}

#[test]
fn what_somebody_objected_to_is_told() {
    let mut user = account([method(1, MethodKind::Totp)]);
    for method in &mut user.methods {
        method.suspended = true;
    }
    let told = |user: &Account| conditions(user, &Policy::built_in(), &Profile::default());
    assert_eq!(told(&user), [UserCondition::MethodSuspended]);
    let held = Account {
        pending_review: true,
        ..account([])
    };
    assert!(told(&held).contains(&UserCondition::PendingReview));
}

#[test]
fn grace_ends_in_having_to_enroll() {
    let user = account([]);
    let of = |policy: &Policy| conditions(&user, policy, &Profile::default());
    assert_eq!(
        of(&requiring(minutes(10), &[])),
        [UserCondition::NotEnrolled, UserCondition::InGrace]
    );
    assert_eq!(
        of(&requiring(minutes(0), &[])),
        [UserCondition::NotEnrolled, UserCondition::MustEnroll]
    );
    let policy = requiring(minutes(10), &[]);
    let entry = DirectoryEntry {
        account: &user,
        profile: &Profile::default(),
        policy: &policy,
        now: NOW,
    };
    assert_eq!(entry.enroll_by(), Some(NOW.plus(minutes(10))));
}

#[test]
fn a_user_of_unknown_groups_is_told_where_the_policy_names_groups() {
    let policy = requiring(minutes(0), &["staff"]);
    let user = account([method(1, MethodKind::Totp)]);
    assert_eq!(
        conditions(&user, &policy, &Profile::default()),
        [UserCondition::GroupsUnknown]
    );
    let known = Profile {
        groups: UserGroups::Listed(Vec::new()),
        ..Profile::default()
    };
    assert_eq!(conditions(&user, &policy, &known), []);
}

#[test]
fn a_filter_asks_for_whoever_one_of_its_conditions_holds_of() {
    let expected_answer = |asked: &[UserCondition], kinds: &[MethodKind]| {
        let methods = (1..).zip(kinds).map(|(seed, kind)| method(seed, *kind));
        let filter = UserFilter {
            conditions: asked.to_vec(),
            ..UserFilter::default()
        };
        filter.matches(&DirectoryEntry {
            account: &account(methods),
            profile: &Profile::default(),
            policy: &Policy::built_in(),
            now: NOW,
        })
    };
    let weak = [UserCondition::NotEnrolled, UserCondition::OnlySms];
    assert!(expected_answer(&weak, &[]) && expected_answer(&weak, &[MethodKind::Sms]));
    assert!(!expected_answer(&weak, &[MethodKind::Totp]));
    assert!(expected_answer(&[], &[]) && expected_answer(&[], &[MethodKind::Totp]));
}

/// Whether a projection matches an account, as the stores compute it.
fn is_seen(projection: DirectoryProjection, user: &Account) -> bool {
    let strong = |kind: MethodKind| kind.strength() == MethodStrength::Strong;
    match projection {
        DirectoryProjection::Anyone => true,
        DirectoryProjection::WithoutMethod => user.methods.is_empty(),
        DirectoryProjection::WithoutStrongMethod => {
            !user.methods.is_empty() && !user.methods.iter().any(|method| strong(method.kind))
        }
        DirectoryProjection::WithFailure => !user.wrong_attempts.is_empty(),
        DirectoryProjection::WithMethodOutOfUse => {
            let out_of_use = |method: &crate::method::Method| method.disabled || method.suspended;
            user.methods.iter().any(out_of_use)
        }
    }
}

#[test]
fn a_glance_rules_nobody_out_of_whom_its_condition_holds() {
    let mut users = vec![with_failures(AttemptClass::Unknown, 14)];
    for kinds in [
        &[][..],
        &[MethodKind::Sms],
        &[MethodKind::Email],
        &[MethodKind::Totp],
        &[MethodKind::Sms, MethodKind::Email],
        &[MethodKind::Sms, MethodKind::Totp],
    ] {
        let methods = (1..).zip(kinds).map(|(seed, kind)| method(seed, *kind));
        let user = account(methods);
        let mut disabled = user.clone();
        for method in &mut disabled.methods {
            method.disabled = true;
        }
        let mut suspended = user.clone();
        for method in &mut suspended.methods {
            method.suspended = true;
        }
        let held = Account {
            pending_review: true,
            ..user.clone()
        };
        users.extend([user, disabled, suspended, held]);
    }
    for policy in [Policy::built_in(), requiring(minutes(10), &["staff"])] {
        for user in &users {
            for condition in conditions(user, &policy, &Profile::default()) {
                assert!(is_seen(condition.projection(), user), "{condition:?}");
            }
        }
    }
}

#[test]
fn conditions_are_told_apart() {
    assert_all_differ(UserCondition::ALL);
}

#[test]
fn a_prefix_is_the_beginning_of_an_id_without_case_and_accents() {
    for (text, prefix) in [
        ("Jane.D", "jane.d"),
        ("", ""),
        ("JÁN", "jan"),
        ("auth0|", "auth0|"),
        ("Jane ", "jane "),
        ("jane%", "jane%"),
    ] {
        assert_eq!(
            UserIdPrefix::parse(text).unwrap().as_str(),
            prefix,
            "{text}"
        );
    }
    for text in [" jane", "ja\u{202E}ne", "jane\n", &"a".repeat(256)] {
        assert!(UserIdPrefix::parse(text).is_err(), "{text:?}");
    }
}
