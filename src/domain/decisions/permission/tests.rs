use super::*;
use crate::{
    account::groups::{GroupName, UserGroups},
    fixtures::{NOW, account, assert_all_differ, id, method},
    method::MethodStrength,
    policy::MethodKinds,
};

const APP: u8 = 1;
const SMS: u8 = 2;

fn with_app_and_number() -> Account {
    account([method(APP, MethodKind::Totp), method(SMS, MethodKind::Sms)])
}

fn with_number() -> Account {
    account([method(SMS, MethodKind::Sms)])
}

fn ask(rules: &PolicyRules, action: &Action, account: &Account) -> Result<(), Refusal> {
    rules.permit(action, account, &Profile::default(), NOW)
}

fn required() -> PolicyRules {
    PolicyRules {
        two_factor: TwoFactorMode::Required,
        ..PolicyRules::built_in()
    }
}

const ADD_MAIL: Action = Action::AddMethod(MethodKind::Email);

fn every_change() -> [Action; 5] {
    [
        ADD_MAIL,
        Action::ReplaceMethod(id(SMS), MethodKind::Email),
        Action::RemoveMethod(id(SMS)),
        Action::SetDefaultMethod(id(SMS)),
        Action::GenerateRecoveryCodes,
    ]
}

#[test]
fn the_built_in_policy_forbids_nothing() {
    for action in every_change() {
        assert_eq!(
            ask(&PolicyRules::built_in(), &action, &with_app_and_number()),
            Ok(()),
            "{action}"
        );
    }
}

#[test]
fn where_two_factor_is_off_nothing_is_enrolled() {
    let off = PolicyRules {
        two_factor: TwoFactorMode::Off,
        ..PolicyRules::built_in()
    };
    let refused = Err(Refusal::TwoFactorNotOffered);
    assert_eq!(ask(&off, &ADD_MAIL, &account([])), refused);
    let replace = Action::ReplaceMethod(id(SMS), MethodKind::Email);
    assert_eq!(ask(&off, &replace, &with_number()), refused);
    assert_eq!(
        ask(&off, &Action::RemoveMethod(id(SMS)), &with_number()),
        Ok(())
    );
}

#[test]
fn a_kind_that_is_not_allowed_can_be_neither_enrolled_nor_the_default() {
    let rules = PolicyRules {
        allowed_kinds: MethodKinds::from_iter([MethodKind::Totp]),
        ..PolicyRules::built_in()
    };
    let refused = Err(Refusal::MethodNotAllowed);
    let user = with_app_and_number();
    for action in [
        Action::AddMethod(MethodKind::Sms),
        Action::ReplaceMethod(id(APP), MethodKind::Sms),
        Action::SetDefaultMethod(id(SMS)),
    ] {
        assert_eq!(ask(&rules, &action, &user), refused, "{action}");
    }
    assert_eq!(ask(&rules, &Action::RemoveMethod(id(SMS)), &user), Ok(()));
    let replace = Action::ReplaceMethod(id(SMS), MethodKind::Totp);
    assert_eq!(ask(&rules, &replace, &user), Ok(()));
}

#[test]
fn a_kind_too_weak_for_sign_in_is_not_enrolled() {
    let rules = PolicyRules {
        sign_in_strength: MethodStrength::Restricted,
        ..PolicyRules::built_in()
    };
    assert_eq!(
        ask(&rules, &ADD_MAIL, &account([])),
        Err(Refusal::MethodTooWeak)
    );
    assert_eq!(
        ask(&rules, &Action::AddMethod(MethodKind::Sms), &account([])),
        Ok(())
    );
}

#[test]
fn a_locked_kind_is_neither_added_nor_replaced_nor_removed() {
    let rules = PolicyRules {
        locked_kinds: MethodKinds::from_iter([MethodKind::Sms]),
        ..PolicyRules::built_in()
    };
    let user = with_app_and_number();
    for action in [
        Action::AddMethod(MethodKind::Sms),
        Action::ReplaceMethod(id(SMS), MethodKind::Email),
        Action::ReplaceMethod(id(APP), MethodKind::Sms),
        Action::RemoveMethod(id(SMS)),
    ] {
        assert_eq!(
            ask(&rules, &action, &user),
            Err(Refusal::MethodLocked),
            "{action}"
        );
    }
    assert_eq!(ask(&rules, &ADD_MAIL, &user), Ok(()));
    assert_eq!(ask(&rules, &Action::RemoveMethod(id(APP)), &user), Ok(()));
}

#[test]
fn users_who_may_change_nothing_may_still_enrol_a_first_method_that_counts() {
    let rules = PolicyRules {
        users_may_change: false,
        allowed_kinds: MethodKinds::from_iter([MethodKind::Totp, MethodKind::Email]),
        ..PolicyRules::built_in()
    };
    assert_eq!(ask(&rules, &ADD_MAIL, &account([])), Ok(()));
    assert_eq!(
        ask(&rules, &ADD_MAIL, &with_number()),
        Ok(()),
        "what is not allowed does not count"
    );
    for action in every_change() {
        let expected = match action {
            Action::GenerateRecoveryCodes => Ok(()),
            _ => Err(Refusal::ChangesLocked),
        };
        assert_eq!(
            ask(&rules, &action, &with_app_and_number()),
            expected,
            "{action}"
        );
    }
}

#[test]
fn a_locked_default_stays() {
    let rules = PolicyRules {
        default_locked: true,
        ..PolicyRules::built_in()
    };
    assert_eq!(
        ask(
            &rules,
            &Action::SetDefaultMethod(id(SMS)),
            &with_app_and_number()
        ),
        Err(Refusal::DefaultLocked)
    );
}

#[test]
fn a_single_method_is_replaced_and_not_joined_by_another() {
    let rules = PolicyRules {
        single_method: true,
        ..PolicyRules::built_in()
    };
    assert_eq!(ask(&rules, &ADD_MAIL, &account([])), Ok(()));
    assert_eq!(
        ask(&rules, &ADD_MAIL, &with_number()),
        Err(Refusal::OneMethodOnly)
    );
    let replace = Action::ReplaceMethod(id(SMS), MethodKind::Email);
    assert_eq!(ask(&rules, &replace, &with_number()), Ok(()));
}

#[test]
fn the_last_method_that_counts_stays_while_one_is_required() {
    let remove = Action::RemoveMethod(id(SMS));
    let refused = Err(Refusal::LastMethodRequired);
    assert_eq!(ask(&required(), &remove, &with_number()), refused);
    assert_eq!(ask(&required(), &remove, &with_app_and_number()), Ok(()));
    assert_eq!(
        ask(&PolicyRules::built_in(), &remove, &with_number()),
        Ok(())
    );
    let replace = Action::ReplaceMethod(id(SMS), MethodKind::Email);
    assert_eq!(ask(&required(), &replace, &with_number()), Ok(()));

    let app_only = PolicyRules {
        allowed_kinds: MethodKinds::from_iter([MethodKind::Totp]),
        ..required()
    };
    assert_eq!(ask(&app_only, &remove, &with_number()), Ok(()));
    assert_eq!(
        ask(
            &app_only,
            &Action::RemoveMethod(id(APP)),
            &with_app_and_number()
        ),
        refused,
        "one that does not count is no substitute"
    );
}

#[test]
fn all_methods_may_go_only_where_none_is_required() {
    let (user, file) = (with_app_and_number(), Profile::default());
    let all = [id(APP), id(SMS)];
    let without = |rules: &PolicyRules| rules.permit_being_without(&all, &user, &file, NOW);
    assert_eq!(without(&required()), Err(Refusal::LastMethodRequired));
    assert_eq!(without(&PolicyRules::built_in()), Ok(()));
}

#[test]
fn the_last_method_stays_while_nobody_knows_whether_it_is_required() {
    let rules = PolicyRules {
        required_groups: vec![GroupName::parse("staff").unwrap()],
        ..required()
    };
    let remove = Action::RemoveMethod(id(SMS));
    assert_eq!(
        ask(&rules, &remove, &with_number()),
        Err(Refusal::GroupsUnknown)
    );
    let outside = Profile {
        groups: UserGroups::Listed(Vec::new()),
        ..Profile::default()
    };
    assert_eq!(rules.permit(&remove, &with_number(), &outside, NOW), Ok(()));
}

#[test]
fn every_hindrance_has_a_sentence_and_a_refusal_of_its_own() {
    assert_all_differ(MethodIneligibility::ALL.map(MethodIneligibility::for_people));
    assert_all_differ(
        MethodIneligibility::ALL.map(|ineligibility| Refusal::from(ineligibility).to_string()),
    );
    let sentences = MethodIneligibility::ALL.map(MethodIneligibility::for_people);
    assert!(sentences.iter().all(|sentence| sentence.ends_with('.')));
}

#[test]
fn two_factor_is_not_turned_off_where_it_is_required_or_a_method_is_locked() {
    let user = with_app_and_number();
    let off = Action::DisableTwoFactor;
    assert_eq!(ask(&PolicyRules::built_in(), &off, &user), Ok(()));
    assert_eq!(
        ask(&required(), &off, &user),
        Err(Refusal::LastMethodRequired)
    );
    let locked = PolicyRules {
        locked_kinds: MethodKinds::from_iter([MethodKind::Sms]),
        ..PolicyRules::built_in()
    };
    assert_eq!(ask(&locked, &off, &user), Err(Refusal::MethodLocked));
    let fixed = PolicyRules {
        users_may_change: false,
        ..PolicyRules::built_in()
    };
    assert_eq!(ask(&fixed, &off, &user), Err(Refusal::ChangesLocked));
}
