use super::*;
use crate::{
    account::AvailableChannels,
    fixtures::{NOW, account, id, method, minutes},
    method::Method,
};

const APP: u8 = 1;
const OTHER: u8 = 2;

const ALL_SERVED: AvailableChannels = AvailableChannels {
    sms: true,
    email: true,
};

fn without_app(
    other: Method,
    rules: &PolicyRules,
    served: AvailableChannels,
) -> Result<(), Refusal> {
    let user = account([method(APP, MethodKind::Totp), other]);
    user.keeps_a_method_without(id(APP), MethodRequirements::of_sign_in(rules, served))
}

#[test]
fn a_method_goes_where_another_can_answer_a_sign_in() {
    let rules = PolicyRules::built_in();
    for kind in MethodKind::ALL {
        assert_eq!(without_app(method(OTHER, kind), &rules, ALL_SERVED), Ok(()));
    }
}

#[test]
fn a_method_stays_where_no_other_can_answer_a_sign_in() {
    let rules = PolicyRules::built_in();
    let email = || method(OTHER, MethodKind::Email);
    let suspended = Method {
        suspended: true,
        ..email()
    };
    let disabled = Method {
        disabled: true,
        ..email()
    };
    let strict = PolicyRules {
        sign_in_strength: MethodStrength::Restricted,
        ..PolicyRules::built_in()
    };
    let app_only = PolicyRules {
        allowed_kinds: [MethodKind::Totp].into_iter().collect(),
        ..PolicyRules::built_in()
    };
    let unserved = AvailableChannels {
        email: false,
        ..ALL_SERVED
    };
    for (other, rules, served) in [
        (suspended, &rules, ALL_SERVED),
        (disabled, &rules, ALL_SERVED),
        (email(), &strict, ALL_SERVED),
        (email(), &app_only, ALL_SERVED),
        (email(), &rules, unserved),
    ] {
        let outcome = without_app(other, rules, served);
        assert_eq!(outcome, Err(Refusal::NoMethodLeft));
    }
    let only = account([method(APP, MethodKind::Totp)]);
    let sign_in = MethodRequirements::of_sign_in(&rules, ALL_SERVED);
    assert_eq!(
        only.keeps_a_method_without(id(APP), sign_in),
        Err(Refusal::NoMethodLeft)
    );
}

/// An app that is added beside the mailbox is a backup.
#[test]
fn an_added_method_leaves_the_default_as_it_was_where_the_policy_says_so() {
    let older = Method {
        created_at: NOW,
        ..method(OTHER, MethodKind::Email)
    };
    let newer = Method {
        created_at: NOW.plus(minutes(1)),
        ..method(APP, MethodKind::Totp)
    };
    let mut user = account([older, newer]);
    let keeping = PolicyRules {
        added_method_keeps_default: true,
        ..PolicyRules::built_in()
    };
    let default = |user: &Account, rules: &PolicyRules| {
        let terms = MethodRequirements::of_sign_in(rules, ALL_SERVED);
        let default = user.default_method(terms).unwrap();
        (default.id, default.reason)
    };
    let built_in = PolicyRules::built_in();
    assert_eq!(
        default(&user, &built_in),
        (id(APP), DefaultReason::Strongest)
    );
    assert_eq!(default(&user, &keeping), (id(OTHER), DefaultReason::Oldest));
    user.user_default = Some(id(APP));
    assert_eq!(
        default(&user, &keeping),
        (id(APP), DefaultReason::SetByUser)
    );
    user.user_default = None;
    user.methods[0].disabled = true;
    assert_eq!(
        default(&user, &keeping),
        (id(APP), DefaultReason::OnlyMethod)
    );
}
