use super::*;
use crate::fixtures::{assert_all_differ, id};

fn caller_action(name: &str) -> Result<CallerAction, MalformedValue> {
    CallerAction::parse(name)
}

fn transaction(text: &str) -> Transaction {
    Transaction::parse(text).unwrap().unwrap()
}

fn trust<const N: usize>(devices: [u8; N]) -> Action {
    Action::TrustDevice(TrustedDevices::new(devices.map(id)).unwrap())
}

fn by_caller(name: &str) -> Action {
    Action::Caller(caller_action(name).unwrap())
}

#[test]
fn every_action_has_a_text_of_its_own() {
    let mut actions = vec![
        Action::GenerateRecoveryCodes,
        trust([1]),
        trust([2]),
        trust([1, 2]),
        by_caller("pay"),
        by_caller("pay.all"),
        by_caller("generate_recovery_codes"),
        by_caller("add_method"),
    ];
    actions.extend(MethodKind::ALL.map(Action::AddMethod));
    for method in [id(1), id(2)] {
        actions.extend(MethodKind::ALL.map(|kind| Action::ReplaceMethod(method, kind)));
        actions.extend([
            Action::RemoveMethod(method),
            Action::SetDefaultMethod(method),
        ]);
    }
    assert_all_differ(actions.iter().map(Action::to_string));
}

#[test]
fn the_text_of_an_action_tells_relying_services_what_it_is() {
    let method = "01010101010101010101010101010101";
    for (action, text) in [
        (
            Action::AddMethod(MethodKind::Sms),
            "add_method:SMS".to_owned(),
        ),
        (
            Action::ReplaceMethod(id(1), MethodKind::Totp),
            format!("replace_method:{method}:TOTP"),
        ),
        (
            Action::RemoveMethod(id(1)),
            format!("remove_method:{method}"),
        ),
        (
            Action::SetDefaultMethod(id(1)),
            format!("set_default_method:{method}"),
        ),
        (
            Action::GenerateRecoveryCodes,
            "generate_recovery_codes".to_owned(),
        ),
        (
            trust([2, 1, 2]),
            format!("trust_device:{method},{}", "02".repeat(16)),
        ),
        (by_caller("pay"), "caller:pay".to_owned()),
    ] {
        assert_eq!(action.to_string(), text);
    }
}

#[test]
fn an_action_of_the_callers_has_a_name_of_1_to_64_characters() {
    assert_eq!(caller_action(""), Err(MalformedValue::Empty));
    assert!(caller_action("x").is_ok());
    assert!(caller_action(&"x".repeat(64)).is_ok());
    assert_eq!(
        caller_action(&"x".repeat(65)),
        Err(MalformedValue::TooLong(64))
    );
}

#[test]
fn an_action_of_the_callers_has_small_letters_digits_and_three_signs() {
    let accepted: String = ('\0'..'\u{300}')
        .filter(|character| caller_action(&character.to_string()).is_ok())
        .collect();
    assert_eq!(accepted, "-.0123456789_abcdefghijklmnopqrstuvwxyz");
}

#[test]
fn a_transaction_may_be_left_out() {
    assert!(matches!(Transaction::parse(""), Ok(None)));
}

#[test]
fn a_transaction_has_at_most_140_bytes() {
    let parse = |text: &str| Transaction::parse(text).map(|_| ());
    assert_eq!(parse(&"x".repeat(140)), Ok(()));
    assert_eq!(parse(&"x".repeat(141)), Err(MalformedValue::TooLong(140)));
    assert_eq!(parse(&"€".repeat(47)), Err(MalformedValue::TooLong(140)));
}

#[test]
fn a_transaction_is_kept_to_the_letter() {
    assert_eq!(transaction("Pay 40 € to ÄCME").as_str(), "Pay 40 € to ÄCME");
}

/// The first example of FIPS 180-4.
#[test]
fn a_digest_is_sha_256_in_base64url() {
    assert_eq!(
        transaction("abc").digest().to_string(),
        "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"
    );
}

#[test]
fn a_transaction_in_other_words_has_another_digest() {
    assert_ne!(
        transaction("Pay 40 EUR to ACME").digest(),
        transaction("Pay 40 EUR to ACNE").digest()
    );
}

#[test]
fn a_digest_comes_back_from_a_store_as_it_went() {
    let digest = transaction("abc").digest();
    assert_eq!(TransactionDigest::from_bytes(*digest.as_bytes()), digest);
}

#[test]
fn half_a_digest_is_its_first_16_bytes() {
    let digest = transaction("abc").digest();
    assert_eq!(digest.half(), digest.as_bytes()[..16]);
}

#[test]
fn a_transaction_prints_nothing() {
    assert_eq!(
        format!("{:?}", transaction("Pay 40 EUR to ACME")),
        "Transaction([redacted])"
    );
}

#[test]
fn devices_to_be_trusted_are_at_least_one_and_no_more_than_are_remembered() {
    let named = |count: u8| TrustedDevices::new((0..count).map(id));
    assert_eq!(named(0), Err(MalformedValue::Empty));
    assert_eq!(named(20).unwrap().ids().len(), 20);
    assert_eq!(named(21), Err(MalformedValue::TooMany(20)));
}

#[test]
fn devices_are_the_same_in_any_order() {
    assert_eq!(trust([3, 1, 2]), trust([1, 2, 3, 3]));
}
