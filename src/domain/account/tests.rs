use super::*;
use crate::{
    authorization::action::Action,
    fixtures::{NOW, account, device, id, label, method},
    method::{MethodStrength, ineligibility::MethodIneligibility},
    policy::PolicyRules,
    recovery::{CodeSlot, SecretHash},
};

const APP: u8 = 1;
const SMS: u8 = 2;
const MAIL: u8 = 3;

const ALL_SERVED: AvailableChannels = AvailableChannels {
    sms: true,
    email: true,
};

fn app() -> Method {
    method(APP, MethodKind::Totp)
}

fn sms() -> Method {
    method(SMS, MethodKind::Sms)
}

fn mail() -> Method {
    method(MAIL, MethodKind::Email)
}

fn app_only() -> PolicyRules {
    PolicyRules {
        allowed_kinds: [MethodKind::Totp].into_iter().collect(),
        ..PolicyRules::built_in()
    }
}

fn disabled(method: Method) -> Method {
    Method {
        disabled: true,
        ..method
    }
}

fn choosing(user_choice: u8, methods: impl IntoIterator<Item = Method>) -> Account {
    Account {
        user_default: Some(id(user_choice)),
        ..account(methods)
    }
}

fn default_of(account: &Account, served: AvailableChannels) -> Option<(MethodId, DefaultReason)> {
    let rules = PolicyRules::built_in();
    let default = account.default_method(MethodRequirements::of_sign_in(&rules, served));
    default.map(|default| (default.id, default.reason))
}

/// Why a method can't answer a sign-in, under the built-in rules.
fn ineligibility(served: AvailableChannels, method: &Method) -> Option<MethodIneligibility> {
    MethodRequirements::of_sign_in(&PolicyRules::built_in(), served).ineligibility(method)
}

fn default_under(rules: &PolicyRules, account: &Account) -> Option<(MethodId, DefaultReason)> {
    let default = account.default_method(MethodRequirements::of_sign_in(rules, ALL_SERVED));
    default.map(|default| (default.id, default.reason))
}

fn named(seed: u8, kind: MethodKind, name: &str) -> Method {
    Method {
        label: label(name),
        ..method(seed, kind)
    }
}

fn with_failures(failures: impl IntoIterator<Item = (AttemptClass, Timestamp)>) -> Account {
    let failures = failures.into_iter().map(|(class, at)| WrongAttempt {
        challenge: id(1),
        attempt: id(1),
        class: Some(class),
        at,
        skew: None,
    });
    Account {
        wrong_attempts: failures.collect(),
        ..account([])
    }
}

#[test]
fn two_factor_is_on_as_soon_as_there_is_a_method() {
    assert!(!account([]).two_factor_enabled());
    assert!(account([app()]).two_factor_enabled());
}

#[test]
fn two_factor_stays_on_when_the_only_method_is_disabled() {
    assert!(account([disabled(app())]).two_factor_enabled());
}

#[test]
fn a_user_without_methods_has_no_default() {
    assert_eq!(default_of(&account([]), ALL_SERVED), None);
}

#[test]
fn a_user_whose_methods_are_all_disabled_has_no_default() {
    let user = choosing(APP, [disabled(app()), disabled(sms())]);
    assert_eq!(default_of(&user, ALL_SERVED), None);
}

#[test]
fn the_only_method_is_the_default() {
    assert_eq!(
        default_of(&account([mail()]), ALL_SERVED),
        Some((id(MAIL), DefaultReason::OnlyMethod))
    );
}

#[test]
fn the_only_method_that_can_answer_is_the_default_whatever_was_chosen() {
    let user = choosing(APP, [disabled(app()), mail()]);
    assert_eq!(
        default_of(&user, ALL_SERVED),
        Some((id(MAIL), DefaultReason::OnlyMethod))
    );
}

#[test]
fn the_method_that_the_user_chose_is_the_default() {
    let user = choosing(MAIL, [app(), sms(), mail()]);
    assert_eq!(
        default_of(&user, ALL_SERVED),
        Some((id(MAIL), DefaultReason::SetByUser))
    );
}

#[test]
fn the_strongest_method_stands_in_where_nothing_was_chosen() {
    let user = account([mail(), sms(), app()]);
    assert_eq!(
        default_of(&user, ALL_SERVED),
        Some((id(APP), DefaultReason::Strongest))
    );
}

#[test]
fn the_strongest_method_stands_in_for_a_chosen_one_that_is_disabled() {
    let user = choosing(APP, [mail(), disabled(app()), sms()]);
    assert_eq!(
        default_of(&user, ALL_SERVED),
        Some((id(SMS), DefaultReason::Strongest))
    );
}

#[test]
fn the_strongest_method_stands_in_for_a_chosen_one_that_nobody_delivers_to() {
    let without_sms = AvailableChannels {
        sms: false,
        email: true,
    };
    let user = choosing(SMS, [mail(), app(), sms()]);
    assert_eq!(
        default_of(&user, without_sms),
        Some((id(APP), DefaultReason::Strongest))
    );
}

#[test]
fn the_strongest_method_stands_in_for_a_chosen_one_that_is_gone() {
    let user = choosing(9, [mail(), sms()]);
    assert_eq!(
        default_of(&user, ALL_SERVED),
        Some((id(SMS), DefaultReason::Strongest))
    );
}

#[test]
fn of_two_methods_of_one_kind_the_older_stands_in() {
    let user = account([
        method(7, MethodKind::Totp),
        method(8, MethodKind::Totp),
        mail(),
    ]);
    assert_eq!(
        default_of(&user, ALL_SERVED),
        Some((id(7), DefaultReason::Strongest))
    );
}

#[test]
fn an_app_needs_no_notifier() {
    let nothing_served = AvailableChannels {
        sms: false,
        email: false,
    };
    let ineligibility = |method: &Method| ineligibility(nothing_served, method);
    assert_eq!(ineligibility(&app()), None);
    assert_eq!(ineligibility(&sms()), Some(MethodIneligibility::NoNotifier));
    assert_eq!(
        ineligibility(&mail()),
        Some(MethodIneligibility::NoNotifier)
    );
}

#[test]
fn each_channel_has_a_notifier_of_its_own() {
    let only_sms = AvailableChannels {
        sms: true,
        email: false,
    };
    assert_eq!(ineligibility(only_sms, &sms()), None);
    assert_eq!(
        ineligibility(only_sms, &mail()),
        Some(MethodIneligibility::NoNotifier)
    );
}

#[test]
fn a_disabled_method_is_disabled_whether_or_not_it_is_served() {
    let nothing_served = AvailableChannels {
        sms: false,
        email: false,
    };
    for served in [ALL_SERVED, nothing_served] {
        assert_eq!(
            ineligibility(served, &disabled(sms())),
            Some(MethodIneligibility::Disabled)
        );
    }
}

#[test]
fn what_the_policy_says_of_a_method_comes_before_its_own_state() {
    let rules = PolicyRules {
        allowed_kinds: [MethodKind::Totp, MethodKind::Sms].into_iter().collect(),
        sign_in_strength: MethodStrength::Strong,
        ..PolicyRules::built_in()
    };
    let terms = MethodRequirements::of_sign_in(&rules, ALL_SERVED);
    assert_eq!(terms.ineligibility(&app()), None);
    assert_eq!(
        terms.ineligibility(&disabled(sms())),
        Some(MethodIneligibility::TooWeak)
    );
    assert_eq!(
        terms.ineligibility(&disabled(mail())),
        Some(MethodIneligibility::NotAllowed)
    );
}

#[test]
fn a_step_up_that_brings_a_method_in_asks_for_no_more_than_the_user_has() {
    let rules = PolicyRules {
        step_up_strength: MethodStrength::Strong,
        allowed_kinds: [MethodKind::Totp, MethodKind::Sms].into_iter().collect(),
        ..PolicyRules::built_in()
    };
    let asked = |action: &Action, methods: Vec<Method>| {
        MethodRequirements::of_step_up(&rules, ALL_SERVED, action, &account(methods)).at_least
    };
    let (add, remove) = (
        Action::AddMethod(MethodKind::Totp),
        Action::RemoveMethod(id(SMS)),
    );
    assert_eq!(asked(&add, vec![sms()]), MethodStrength::Restricted);
    assert_eq!(asked(&add, vec![sms(), app()]), MethodStrength::Strong);
    assert_eq!(
        asked(&add, vec![mail()]),
        MethodStrength::Strong,
        "what is not allowed is not what the user has"
    );
    assert_eq!(asked(&remove, vec![sms()]), MethodStrength::Strong);
}

#[test]
fn before_a_change_that_needs_a_stronger_method_that_is_asked_for_first() {
    let rules = PolicyRules {
        default_kind: Some(MethodKind::Email),
        default_locked: true,
        ..PolicyRules::built_in()
    };
    let asked = |action: &Action, methods: Vec<Method>| {
        let account = account(methods);
        let terms = MethodRequirements::of_step_up(&rules, ALL_SERVED, action, &account);
        let terms = terms.preferring_sufficient(action, &account, NOW);
        account.default_method(terms).map(|default| default.id)
    };
    let (codes, remove) = (
        Action::GenerateRecoveryCodes,
        Action::RemoveMethod(id(MAIL)),
    );
    assert_eq!(asked(&codes, vec![mail()]), Some(id(MAIL)));
    assert_eq!(asked(&codes, vec![mail(), sms(), app()]), Some(id(APP)));
    assert_eq!(asked(&remove, vec![mail(), app()]), Some(id(MAIL)));
    assert_eq!(
        asked(&codes, vec![mail(), disabled(app())]),
        Some(id(MAIL)),
        "nothing that can answer would do"
    );
}

#[test]
fn the_administrators_kind_stands_in_where_the_user_chose_nothing() {
    let rules = PolicyRules {
        default_kind: Some(MethodKind::Email),
        ..PolicyRules::built_in()
    };
    let by_administrator = Some((id(MAIL), DefaultReason::SetByAdministrator));
    assert_eq!(
        default_under(&rules, &account([app(), mail()])),
        by_administrator
    );
    assert_eq!(default_under(&rules, &account([mail()])), by_administrator);
    assert_eq!(
        default_under(&rules, &choosing(APP, [app(), mail()])),
        Some((id(APP), DefaultReason::SetByUser))
    );
    assert_eq!(
        default_under(&rules, &account([app(), sms()])),
        Some((id(APP), DefaultReason::Strongest)),
        "who has no method of it is asked for another"
    );
}

#[test]
fn a_locked_default_wins_over_the_users_choice() {
    let rules = PolicyRules {
        default_kind: Some(MethodKind::Sms),
        default_locked: true,
        ..PolicyRules::built_in()
    };
    assert_eq!(
        default_under(&rules, &choosing(APP, [app(), sms()])),
        Some((id(SMS), DefaultReason::SetByAdministrator))
    );
    let two_numbers = [app(), sms(), method(7, MethodKind::Sms)];
    assert_eq!(
        default_under(&rules, &choosing(7, two_numbers)),
        Some((id(7), DefaultReason::SetByAdministrator)),
        "among methods of the kind the choice is the user's"
    );
}

#[test]
fn a_method_is_found_by_its_id() {
    let user = account([app(), sms()]);
    assert_eq!(user.method(id(SMS)), Some(&sms()));
    assert_eq!(user.method(id(MAIL)), None);
}

#[test]
fn a_device_is_found_by_its_token() {
    let token = DeviceTokenHash::from_bytes([1; 16]);
    let device = device().given_for(DeviceTokenHash::from_bytes([3; 16]), token);
    let user = Account {
        devices: vec![device.clone()],
        ..account([])
    };
    assert_eq!(user.device_holding(token), Some(&device));
    assert_eq!(user.device(device.id), Some(&device));
    assert_eq!(user.device(id(2)), None);
    assert_eq!(
        user.device_holding(DeviceTokenHash::from_bytes([2; 16])),
        None
    );
}

#[test]
fn failures_are_counted_by_class() {
    let user = with_failures([
        (AttemptClass::Unknown, NOW),
        (AttemptClass::Known, Timestamp::from_millis(1)),
        (AttemptClass::Unknown, Timestamp::from_millis(2)),
    ]);
    let of_class = |class| user.failures_of(class).collect::<Vec<_>>();
    assert_eq!(
        of_class(AttemptClass::Unknown),
        [NOW, Timestamp::from_millis(2)]
    );
    assert_eq!(of_class(AttemptClass::Known), [Timestamp::from_millis(1)]);
    assert!(of_class(AttemptClass::Recovery).is_empty());
}

#[test]
fn a_label_that_is_free_is_taken_as_asked_for() {
    let user = account([named(1, MethodKind::Totp, "Phone")]);
    assert_eq!(
        user.label_for(Some(label("Tablet")), MethodKind::Totp, None),
        Ok(label("Tablet"))
    );
}

#[test]
fn a_label_of_another_method_is_refused() {
    let user = account([named(1, MethodKind::Sms, "Phone")]);
    assert_eq!(
        user.label_for(Some(label("Phone")), MethodKind::Totp, None),
        Err(Refusal::LabelTaken)
    );
}

#[test]
fn a_label_that_differs_in_joiners_only_is_taken() {
    let user = account([
        named(1, MethodKind::Sms, "علی\u{200C}رضا"),
        named(2, MethodKind::Email, "👩💻"),
    ]);
    for asked in ["علیرضا", "👩\u{200D}💻"] {
        let result = user.label_for(Some(label(asked)), MethodKind::Totp, None);
        assert_eq!(result, Err(Refusal::LabelTaken), "{asked}");
    }
    let other = user.label_for(Some(label("علی")), MethodKind::Totp, None);
    assert_eq!(other, Ok(label("علی")));
}

#[test]
fn a_label_goes_over_from_a_method_to_its_replacement() {
    let user = account([
        named(1, MethodKind::Totp, "Phone"),
        named(2, MethodKind::Sms, "Mobile"),
    ]);
    let replacing = |asked| user.label_for(Some(label(asked)), MethodKind::Totp, Some(id(1)));
    assert_eq!(replacing("Phone"), Ok(label("Phone")));
    assert_eq!(replacing("Mobile"), Err(Refusal::LabelTaken));
}

#[test]
fn a_method_without_a_label_gets_one_that_says_its_kind() {
    let made_up = |kind| account([]).label_for(None, kind, None);
    assert_eq!(made_up(MethodKind::Totp), Ok(label("Authenticator app")));
    assert_eq!(made_up(MethodKind::Sms), Ok(label("Text message")));
    assert_eq!(made_up(MethodKind::Email), Ok(label("E-mail")));
}

#[test]
fn made_up_labels_are_numbered_around_those_that_exist() {
    let user = account([
        named(1, MethodKind::Totp, "Authenticator app"),
        named(2, MethodKind::Sms, "Authenticator app 3"),
    ]);
    let second = user.label_for(None, MethodKind::Totp, None).unwrap();
    assert_eq!(second, label("Authenticator app 2"));
    let mut methods = user.methods;
    methods.push(named(3, MethodKind::Totp, second.as_str()));
    let fourth = account(methods).label_for(None, MethodKind::Totp, None);
    assert_eq!(fourth, Ok(label("Authenticator app 4")));
}

#[test]
fn a_made_up_label_may_be_that_of_the_method_that_goes() {
    let user = account([named(1, MethodKind::Totp, "Authenticator app")]);
    assert_eq!(
        user.label_for(None, MethodKind::Totp, Some(id(1))),
        Ok(label("Authenticator app"))
    );
}

#[test]
fn there_is_a_place_for_as_many_methods_as_the_policy_allows() {
    let policy = Policy {
        methods_per_user: 2,
        ..Policy::built_in()
    };
    let place = |methods: Vec<Method>| account(methods).place_for_method(&policy, None);
    assert_eq!(place(vec![app()]), Ok(()));
    assert_eq!(place(vec![app(), sms()]), Err(Refusal::TooManyMethods));
}

#[test]
fn a_user_with_all_methods_that_are_allowed_is_told_how_many() {
    assert_eq!(Policy::built_in().methods_per_user, 10);
    assert!(Refusal::TooManyMethods.to_string().contains("ten methods"));
}

#[test]
fn a_replacement_takes_the_place_of_the_method_that_goes() {
    let policy = Policy {
        methods_per_user: 2,
        ..Policy::built_in()
    };
    let full = account([app(), sms()]);
    assert_eq!(full.place_for_method(&policy, Some(id(APP))), Ok(()));
}

#[test]
fn nothing_is_enrolled_before_the_address_is_verified_unless_the_policy_says_so() {
    let unverified = Account {
        email_verified: false,
        ..account([])
    };
    let indifferent = Policy {
        rules: PolicyRules {
            email_must_be_verified: false,
            ..PolicyRules::built_in()
        },
        ..Policy::built_in()
    };
    let strict = Policy::built_in();
    let missing = Err(MethodIneligibility::EmailMissing);
    let not_verified = Err(MethodIneligibility::EmailNotVerified);
    for kind in MethodKind::ALL {
        let (strict, indifferent) = (&strict.rules, &indifferent.rules);
        assert_eq!(unverified.email_allows(kind, strict, true), not_verified);
        assert_eq!(unverified.email_allows(kind, strict, false), missing);
        assert_eq!(unverified.email_allows(kind, indifferent, true), Ok(()));
        assert_eq!(account([]).email_allows(kind, strict, true), Ok(()));
        let by_mail = kind == MethodKind::Email;
        let without = unverified.email_allows(kind, indifferent, false);
        assert_eq!(without, if by_mail { missing } else { Ok(()) });
    }
}

fn unused(count: u8) -> Vec<(CodeSlot, SecretHash)> {
    let slots = (0..count).filter_map(CodeSlot::new);
    let hash = |slot| (slot, SecretHash::from_phc(String::new()));
    slots.map(hash).collect()
}

#[test]
fn recovery_codes_are_counted_as_left() {
    let set = RecoverySet {
        kind: RecoverySetKind::Codes,
        confirmed_at: None,
        id: id(1),
        total: 10,
        unused: unused(4),
        created_at: NOW,
    };
    let user = Account {
        recovery: Some(set),
        ..account([app()])
    };
    assert_eq!(user.recovery_codes_left(), 4);
    assert_eq!(account([app()]).recovery_codes_left(), 0);
}

#[test]
fn who_has_codes_left_is_told_nothing() {
    assert_eq!(
        advice(AnsweredBy::Code(MethodKind::Totp), 4, Some(SAVED)),
        []
    );
}

#[test]
fn who_has_three_codes_left_or_fewer_is_told_so() {
    for left in 1..=3 {
        assert_eq!(
            advice(AnsweredBy::Code(MethodKind::Totp), left, Some(SAVED)),
            [Advice::RecoveryCodesLow]
        );
    }
}

#[test]
fn who_has_no_codes_left_is_told_so() {
    assert_eq!(
        advice(AnsweredBy::Code(MethodKind::Totp), 0, Some(SAVED)),
        [Advice::RecoveryCodesExhausted]
    );
}

#[test]
fn who_signed_in_by_recovery_code_is_shown_the_way_to_a_method() {
    assert_eq!(
        advice(AnsweredBy::RecoveryCode, 9, Some(SAVED)),
        [Advice::SwitchMethod]
    );
    assert_eq!(
        advice(AnsweredBy::RecoveryCode, 0, Some(SAVED)),
        [Advice::SwitchMethod, Advice::RecoveryCodesExhausted]
    );
}

const SAVED: RecoveryStatus = RecoveryStatus {
    accepted: true,
    kind: Some(RecoverySetKind::Codes),
    saved: true,
};

#[test]
fn who_did_not_save_their_codes_is_told_until_they_say_so() {
    let unsaved = Some(RecoveryStatus {
        saved: false,
        ..SAVED
    });
    let nag = [Advice::RecoveryCodesNotSaved];
    assert_eq!(advice(AnsweredBy::Code(MethodKind::Totp), 10, unsaved), nag);
    let typed = advice(AnsweredBy::RecoveryCode, 9, unsaved);
    assert_eq!(typed, [Advice::SwitchMethod], "who typed one has them");
    assert_eq!(
        advice(AnsweredBy::Code(MethodKind::Totp), 10, None),
        [],
        "nothing is known"
    );
}

#[test]
fn one_key_is_not_few_codes_and_the_next_key_is_to_be_saved() {
    let key = Some(RecoveryStatus {
        kind: Some(RecoverySetKind::Key),
        ..SAVED
    });
    assert_eq!(advice(AnsweredBy::Code(MethodKind::Totp), 1, key), []);
    assert_eq!(
        advice(AnsweredBy::RecoveryKey, 1, key),
        [Advice::SwitchMethod, Advice::RecoveryCodesNotSaved]
    );
}

#[test]
fn where_the_policy_has_no_recovery_nobody_is_told_to_make_codes() {
    let none = Some(RecoveryStatus {
        accepted: false,
        kind: None,
        saved: false,
    });
    assert_eq!(advice(AnsweredBy::Code(MethodKind::Totp), 0, none), []);
    assert_eq!(
        advice(AnsweredBy::BypassCode, 0, none),
        [Advice::SwitchMethod]
    );
}

#[test]
fn two_factor_ends_with_the_last_method_that_counts() {
    let ends = |methods: &[Method], gone: u8, rules: &PolicyRules| {
        account(methods.iter().cloned()).ends_with(id(gone), rules)
    };
    let (both, any) = ([app(), sms()], PolicyRules::built_in());
    assert!(!ends(&both, APP, &any) && !ends(&both, SMS, &any));
    assert!(ends(&both, APP, &app_only()));
    assert!(!ends(&both, SMS, &app_only()), "the other one counts");
    assert!(!ends(&[sms(), mail()], SMS, &app_only()), "none counts");
    for rules in [any, app_only()] {
        assert!(ends(&[sms()], SMS, &rules), "none is left");
        assert!(ends(&[disabled(app())], APP, &rules));
    }
}
