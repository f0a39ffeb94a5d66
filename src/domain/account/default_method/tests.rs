use super::*;
use crate::{
    account::AvailableChannels,
    fixtures::{account, id, method},
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
