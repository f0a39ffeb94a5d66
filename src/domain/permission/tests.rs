use super::*;
use crate::{
    fixtures::{NOW, account, assert_all_differ, id, method},
    method::Strength,
    policy::Kinds,
    profile::Group,
};

const APP: u8 = 1;
const SMS: u8 = 2;

fn with_app_and_number() -> Account {
    account([method(APP, Kind::Totp), method(SMS, Kind::Sms)])
}

fn with_number() -> Account {
    account([method(SMS, Kind::Sms)])
}

fn ask(rules: &Rules, action: &Action, account: &Account) -> Result<(), Refusal> {
    rules.permit(action, account, &Profile::default(), NOW)
}

fn required() -> Rules {
    Rules {
        two_factor: TwoFactorMode::Required,
        ..Rules::built_in()
    }
}

const ADD_MAIL: Action = Action::AddMethod(Kind::Email);

fn every_change() -> [Action; 5] {
    [
        ADD_MAIL,
        Action::ReplaceMethod(id(SMS), Kind::Email),
        Action::RemoveMethod(id(SMS)),
        Action::SetDefaultMethod(id(SMS)),
        Action::GenerateRecoveryCodes,
    ]
}

#[test]
fn the_built_in_policy_forbids_nothing() {
    for action in every_change() {
        assert_eq!(
            ask(&Rules::built_in(), &action, &with_app_and_number()),
            Ok(()),
            "{action}"
        );
    }
}

#[test]
fn where_two_factor_is_off_nothing_is_enrolled() {
    let off = Rules {
        two_factor: TwoFactorMode::Off,
        ..Rules::built_in()
    };
    let refused = Err(Refusal::TwoFactorNotOffered);
    assert_eq!(ask(&off, &ADD_MAIL, &account([])), refused);
    let replace = Action::ReplaceMethod(id(SMS), Kind::Email);
    assert_eq!(ask(&off, &replace, &with_number()), refused);
    assert_eq!(
        ask(&off, &Action::RemoveMethod(id(SMS)), &with_number()),
        Ok(())
    );
}

#[test]
fn a_kind_that_is_not_allowed_can_be_neither_enrolled_nor_the_default() {
    let rules = Rules {
        allowed_kinds: Kinds::from_iter([Kind::Totp]),
        ..Rules::built_in()
    };
    let refused = Err(Refusal::MethodNotAllowed);
    let user = with_app_and_number();
    for action in [
        Action::AddMethod(Kind::Sms),
        Action::ReplaceMethod(id(APP), Kind::Sms),
        Action::SetDefaultMethod(id(SMS)),
    ] {
        assert_eq!(ask(&rules, &action, &user), refused, "{action}");
    }
    assert_eq!(ask(&rules, &Action::RemoveMethod(id(SMS)), &user), Ok(()));
    let replace = Action::ReplaceMethod(id(SMS), Kind::Totp);
    assert_eq!(ask(&rules, &replace, &user), Ok(()));
}

#[test]
fn a_kind_too_weak_for_sign_in_is_not_enrolled() {
    let rules = Rules {
        sign_in_strength: Strength::Restricted,
        ..Rules::built_in()
    };
    assert_eq!(
        ask(&rules, &ADD_MAIL, &account([])),
        Err(Refusal::MethodTooWeak)
    );
    assert_eq!(
        ask(&rules, &Action::AddMethod(Kind::Sms), &account([])),
        Ok(())
    );
}

#[test]
fn a_locked_kind_is_neither_added_nor_replaced_nor_removed() {
    let rules = Rules {
        locked_kinds: Kinds::from_iter([Kind::Sms]),
        ..Rules::built_in()
    };
    let user = with_app_and_number();
    for action in [
        Action::AddMethod(Kind::Sms),
        Action::ReplaceMethod(id(SMS), Kind::Email),
        Action::ReplaceMethod(id(APP), Kind::Sms),
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
    let rules = Rules {
        users_may_change: false,
        allowed_kinds: Kinds::from_iter([Kind::Totp, Kind::Email]),
        ..Rules::built_in()
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
    let rules = Rules {
        default_locked: true,
        ..Rules::built_in()
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
    let rules = Rules {
        single_method: true,
        ..Rules::built_in()
    };
    assert_eq!(ask(&rules, &ADD_MAIL, &account([])), Ok(()));
    assert_eq!(
        ask(&rules, &ADD_MAIL, &with_number()),
        Err(Refusal::OneMethodOnly)
    );
    let replace = Action::ReplaceMethod(id(SMS), Kind::Email);
    assert_eq!(ask(&rules, &replace, &with_number()), Ok(()));
}

#[test]
fn the_last_method_that_counts_stays_while_one_is_required() {
    let remove = Action::RemoveMethod(id(SMS));
    let refused = Err(Refusal::LastMethodRequired);
    assert_eq!(ask(&required(), &remove, &with_number()), refused);
    assert_eq!(ask(&required(), &remove, &with_app_and_number()), Ok(()));
    assert_eq!(ask(&Rules::built_in(), &remove, &with_number()), Ok(()));
    let replace = Action::ReplaceMethod(id(SMS), Kind::Email);
    assert_eq!(ask(&required(), &replace, &with_number()), Ok(()));

    let app_only = Rules {
        allowed_kinds: Kinds::from_iter([Kind::Totp]),
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
    let without = |rules: &Rules| rules.permit_being_without(&all, &user, &file, NOW);
    assert_eq!(without(&required()), Err(Refusal::LastMethodRequired));
    assert_eq!(without(&Rules::built_in()), Ok(()));
}

#[test]
fn the_last_method_stays_while_nobody_knows_whether_it_is_required() {
    let rules = Rules {
        required_groups: vec![Group::parse("staff").unwrap()],
        ..required()
    };
    let remove = Action::RemoveMethod(id(SMS));
    assert_eq!(
        ask(&rules, &remove, &with_number()),
        Err(Refusal::GroupsUnknown)
    );
    let outside = Profile {
        groups: Some(Vec::new()),
        ..Profile::default()
    };
    assert_eq!(rules.permit(&remove, &with_number(), &outside, NOW), Ok(()));
}

#[test]
fn every_hindrance_has_a_sentence_and_a_refusal_of_its_own() {
    assert_all_differ(Hindrance::ALL.map(Hindrance::for_people));
    assert_all_differ(Hindrance::ALL.map(|hindrance| Refusal::from(hindrance).to_string()));
    let sentences = Hindrance::ALL.map(Hindrance::for_people);
    assert!(sentences.iter().all(|sentence| sentence.ends_with('.')));
}

#[test]
fn two_factor_is_not_turned_off_where_it_is_required_or_a_method_is_locked() {
    let user = with_app_and_number();
    let off = Action::DisableTwoFactor;
    assert_eq!(ask(&Rules::built_in(), &off, &user), Ok(()));
    assert_eq!(
        ask(&required(), &off, &user),
        Err(Refusal::LastMethodRequired)
    );
    let locked = Rules {
        locked_kinds: Kinds::from_iter([Kind::Sms]),
        ..Rules::built_in()
    };
    assert_eq!(ask(&locked, &off, &user), Err(Refusal::MethodLocked));
    let fixed = Rules {
        users_may_change: false,
        ..Rules::built_in()
    };
    assert_eq!(ask(&fixed, &off, &user), Err(Refusal::ChangesLocked));
}
