use super::*;
use crate::fixtures::{NOW, email, phone, properties, seconds};
use proptest::prelude::*;

fn profile_record() -> ProfileRecord {
    ProfileRecord {
        profile: Profile {
            email: Some(email("jane@example.com")),
            phone: Some(phone("+4915123456789")),
            phone_verified: true,
            locale: Locale::parse("de"),
            groups: UserGroups::parse(&["staff".to_owned()]).unwrap(),
            account_name: AccountName::parse("jane").unwrap(),
            password_changed_at: Some(NOW),
            grace: Some(grace("on leave")),
        },
        email_verified: true,
        email_version: 3,
    }
}

fn grace(reason: &str) -> EnrollmentGrace {
    EnrollmentGrace {
        until: NOW.plus(seconds(60)),
        reason: GraceReason::parse(reason).unwrap(),
    }
}

fn nothing() -> ProfileUpdate {
    ProfileUpdate::default()
}

fn after(update: ProfileUpdate) -> ProfileRecord {
    update.apply(&profile_record()).0
}

fn telling_password_change(at: Timestamp) -> ProfileUpdate {
    ProfileUpdate {
        password_changed_at: Some(Some(at)),
        ..nothing()
    }
}

/// Whether an update reports a password change, if the profile says that it last changed at `before`.
fn password_changed(before: Option<Timestamp>, update: ProfileUpdate) -> bool {
    let mut file = profile_record();
    file.profile.password_changed_at = before;
    update.apply(&file).1
}

#[test]
fn what_is_absent_stays() {
    assert_eq!(
        nothing().apply(&profile_record()),
        (profile_record(), false)
    );
}

#[test]
fn what_is_null_is_taken_off_file() {
    let update = ProfileUpdate {
        email: Some(None),
        phone: Some(None),
        locale: Some(None),
        groups: Some(UserGroups::Unknown),
        account_name: Some(None),
        password_changed_at: Some(None),
        grace: Some(None),
        ..nothing()
    };
    assert_eq!(after(update).profile, Profile::default());
}

#[test]
fn what_is_given_is_written() {
    let update = ProfileUpdate {
        email: Some(Some(email("john@example.com"))),
        phone: Some(Some(phone("+447400123456"))),
        locale: Some(Locale::parse("fr")),
        groups: Some(UserGroups::Listed(Vec::new())),
        account_name: Some(AccountName::parse("john").unwrap()),
        password_changed_at: Some(Some(NOW.plus(seconds(1)))),
        grace: Some(Some(grace("new phone"))),
        ..nothing()
    };
    let expected = Profile {
        email: Some(email("john@example.com")),
        phone: Some(phone("+447400123456")),
        phone_verified: false,
        locale: Locale::parse("fr"),
        groups: UserGroups::Listed(Vec::new()),
        account_name: AccountName::parse("john").unwrap(),
        password_changed_at: Some(NOW.plus(seconds(1))),
        grace: Some(grace("new phone")),
    };
    assert_eq!(after(update).profile, expected);
}

#[test]
fn a_changed_address_is_not_verified_and_has_a_new_version() {
    let changed = after(ProfileUpdate {
        email: Some(Some(email("john@example.com"))),
        ..nothing()
    });
    assert!(!changed.email_verified);
    assert_eq!(changed.email_version, 4);
}

#[test]
fn a_changed_address_is_verified_if_the_caller_says_so() {
    let changed = after(ProfileUpdate {
        email: Some(Some(email("john@example.com"))),
        email_verified: Some(true),
        ..nothing()
    });
    assert!(changed.email_verified);
    assert_eq!(changed.email_version, 4);
}

#[test]
fn the_same_address_stays_verified_and_keeps_its_version() {
    let same = after(ProfileUpdate {
        email: Some(Some(email("jane@EXAMPLE.com"))),
        ..nothing()
    });
    assert!(same.email_verified);
    assert_eq!(same.email_version, 3);
}

#[test]
fn an_address_in_another_case_keeps_its_verified_spelling() {
    for email_verified in [None, Some(true)] {
        let respelled = after(ProfileUpdate {
            email: Some(Some(email("Jane@Example.com"))),
            email_verified,
            ..nothing()
        });
        assert_eq!(respelled, profile_record());
        assert!(!respelled.changed_since(&profile_record()));
    }
}

#[test]
fn a_spelling_that_was_not_verified_is_replaced() {
    let unverified = ProfileRecord {
        email_verified: false,
        ..profile_record()
    };
    let respelled = |email_verified| ProfileUpdate {
        email: Some(Some(email("Jane@example.com"))),
        email_verified,
        ..nothing()
    };
    for (before, verified) in [
        (&unverified, None),
        (&unverified, Some(true)),
        (&profile_record(), Some(false)),
    ] {
        let (respelled, _) = respelled(verified).apply(before);
        assert_eq!(respelled.profile.email, Some(email("Jane@example.com")));
        assert_eq!(respelled.email_verified, verified == Some(true));
        assert_eq!(
            respelled.email_version, 4,
            "a code for the old spelling is void"
        );
        assert!(!respelled.changed_since(before), "it is the same mailbox");
    }
}

#[test]
fn an_address_of_another_mailbox_is_another_address() {
    for other in [
        "jane+news@example.com",
        "ja.ne@example.com",
        "jane@example.net",
    ] {
        let changed = after(ProfileUpdate {
            email: Some(Some(email(other))),
            ..nothing()
        });
        assert!(!changed.email_verified, "{other}");
        assert_eq!(changed.email_version, 4);
        assert!(changed.changed_since(&profile_record()));
    }
}

#[test]
fn a_caller_can_take_the_verification_back() {
    let unverified = after(ProfileUpdate {
        email_verified: Some(false),
        phone_verified: Some(false),
        ..nothing()
    });
    assert!(!unverified.email_verified);
    assert!(!unverified.profile.phone_verified);
    assert_eq!(unverified.email_version, 3);
}

#[test]
fn an_address_that_is_taken_off_file_is_not_verified_whatever_is_said() {
    let cleared = after(ProfileUpdate {
        email: Some(None),
        email_verified: Some(true),
        ..nothing()
    });
    assert!(!cleared.email_verified);
    assert_eq!(cleared.email_version, 4);
}

#[test]
fn a_version_never_starts_again() {
    let last = ProfileRecord {
        email_version: u32::MAX,
        ..profile_record()
    };
    let update = ProfileUpdate {
        email: Some(None),
        ..nothing()
    };
    assert_eq!(update.apply(&last).0.email_version, u32::MAX);
}

#[test]
fn a_changed_number_is_not_verified_unless_the_caller_says_so() {
    let changed = |phone_verified| {
        let update = ProfileUpdate {
            phone: Some(Some(phone("+447400123456"))),
            phone_verified,
            ..nothing()
        };
        after(update).profile.phone_verified
    };
    assert!(!changed(None));
    assert!(changed(Some(true)));
}

#[test]
fn the_same_number_stays_verified() {
    let same = after(ProfileUpdate {
        phone: Some(Some(phone("+49 (0)151 23456789"))),
        ..nothing()
    });
    assert!(same.profile.phone_verified);
}

#[test]
fn a_number_that_is_taken_off_file_is_not_verified_whatever_is_said() {
    let cleared = after(ProfileUpdate {
        phone: Some(None),
        phone_verified: Some(true),
        ..nothing()
    });
    assert!(!cleared.profile.phone_verified);
}

#[test]
fn a_later_password_change_is_noticed() {
    let update = telling_password_change(NOW.plus(seconds(1)));
    assert!(password_changed(Some(NOW), update));
}

#[test]
fn the_first_password_change_that_is_told_is_noticed() {
    assert!(password_changed(None, telling_password_change(NOW)));
}

#[test]
fn a_password_change_that_is_told_again_is_none() {
    assert!(!password_changed(Some(NOW), telling_password_change(NOW)));
}

#[test]
fn an_earlier_password_change_is_none() {
    let update = telling_password_change(NOW.minus(seconds(1)));
    assert!(!password_changed(Some(NOW), update));
}

#[test]
fn an_update_that_tells_no_password_change_is_none() {
    let cleared = ProfileUpdate {
        password_changed_at: Some(None),
        ..nothing()
    };
    assert!(!password_changed(Some(NOW), cleared));
    assert!(!password_changed(Some(NOW), nothing()));
    assert!(!password_changed(None, nothing()));
}

#[test]
fn an_account_name_has_up_to_128_bytes() {
    let longest = "x".repeat(128);
    let parsed = AccountName::parse(&longest).unwrap().unwrap();
    assert_eq!(parsed.as_str(), longest);
    assert_eq!(AccountName::parse(""), Ok(None));
    assert_eq!(
        AccountName::parse(&"x".repeat(129)),
        Err(MalformedValue::TooLong(128))
    );
}

#[test]
fn a_profile_prints_neither_address_nor_number_nor_name() {
    let printed = format!("{:?}", profile_record());
    for personal in ["jane", "example", "4915123456789"] {
        assert!(!printed.contains(personal), "{printed}");
    }
}

fn an_address() -> impl Strategy<Value = Option<Email>> {
    let addresses = ["jane@example.com", "Jane@example.com", "john@example.com"];
    prop::option::of(prop::sample::select(addresses.map(email).to_vec()))
}

fn a_number() -> impl Strategy<Value = Option<Phone>> {
    let numbers = ["+4915123456789", "+447400123456"];
    prop::option::of(prop::sample::select(numbers.map(phone).to_vec()))
}

prop_compose! {
    fn some_file()(
        email in an_address(),
        phone in a_number(),
        [email_verified, phone_verified] in any::<[bool; 2]>(),
    ) -> ProfileRecord {
        ProfileRecord {
            email_verified: email_verified && email.is_some(),
            email_version: 3,
            profile: Profile {
                phone_verified: phone_verified && phone.is_some(),
                email,
                phone,
                ..Profile::default()
            },
        }
    }
}

prop_compose! {
    fn some_update()(
        email in prop::option::of(an_address()),
        phone in prop::option::of(a_number()),
        [email_verified, phone_verified] in any::<[Option<bool>; 2]>(),
    ) -> ProfileUpdate {
        ProfileUpdate { email, email_verified, phone, phone_verified, ..nothing() }
    }
}

proptest! {
    #![proptest_config(properties(512))]

    #[test]
    fn only_what_was_verified_before_or_is_said_to_be_is_verified(
        before in some_file(),
        update in some_update(),
    ) {
        let (after, _) = update.clone().apply(&before);
        let same_email = after.profile.email == before.profile.email;
        let same_phone = after.profile.phone == before.profile.phone;
        if after.email_verified {
            prop_assert!(update.email_verified == Some(true) || before.email_verified && same_email);
            prop_assert!(after.profile.email.is_some());
        }
        if after.profile.phone_verified {
            prop_assert!(
                update.phone_verified == Some(true) || before.profile.phone_verified && same_phone
            );
            prop_assert!(after.profile.phone.is_some());
        }
        prop_assert_eq!(after.email_version == before.email_version, same_email);
    }

    #[test]
    fn the_same_update_twice_changes_nothing_more(before in some_file(), update in some_update()) {
        let (once, _) = update.clone().apply(&before);
        let (twice, _) = update.apply(&once);
        prop_assert_eq!(once, twice);
    }
}
