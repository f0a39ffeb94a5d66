use super::*;
use crate::{
    authorization::action::{Action, CallerAction, Transaction},
    challenge::{code::DigitCount, provider_code::ProviderName},
    fixtures::{
        EPOCH, NOW, PORTAL, assert_all_differ, digits, email, id, jane, label, minutes, phone,
        seconds, subject,
    },
    policy::Policy,
    recovery::RecoverySetKind,
};

/// RFC 4226, Appendix D: the code of count 3.
const OF_STEP_3: &str = "969429";
const IN_STEP_3: Timestamp = Timestamp::from_seconds(90);

fn challenge(purpose: Purpose, expected_answer: ExpectedAnswer) -> Challenge {
    Challenge {
        id: id(1),
        subject: jane(),
        caller: CallerName::new(PORTAL),
        audience: None,
        purpose,
        expected_answer,
        epoch: EPOCH,
        device: None,
        issued_at: NOW,
        expires_at: NOW.plus(minutes(5)),
        attempts: 5,
        wrong_codes: Policy::built_in().wrong_codes,
        client_description: ClientDescription::default(),
        locale: None,
        account: None,
        user_key: SecretBytes::new(vec![1; 32]),
        recovery: RecoveryStatus {
            accepted: true,
            kind: Some(RecoverySetKind::Codes),
            saved: true,
        },
        trust: None,
    }
}

fn app() -> ExpectedAnswer {
    ExpectedAnswer::Totp {
        method: (id(2), 7),
        secret: TotpSecret::new(b"12345678901234567890".to_vec()),
        parameters: TotpParameters::UNIVERSAL,
        tolerance: StepTolerance { past: 1, future: 1 },
    }
}

fn delivered_to(destination: Destination) -> ExpectedAnswer {
    ExpectedAnswer::Delivered {
        code: DeliveredCode {
            key: KeyId::new("k-1"),
            digits: DigitCount::SIX,
            method: Some((id(3), 8)),
        },
        destination,
    }
}

fn sms() -> ExpectedAnswer {
    delivered_to(Destination::Phone(phone("+4915123456789")))
}

fn mail() -> ExpectedAnswer {
    delivered_to(Destination::Email(email("jane@example.com")))
}

fn of_provider(destination: Destination) -> ExpectedAnswer {
    ExpectedAnswer::OfProvider {
        verification: ProviderVerification {
            id: id(5),
            provider: ProviderName::new("verify"),
            digits: DigitCount::new(8).unwrap(),
            method: Some((id(6), 9)),
        },
        destination,
    }
}

fn verified_sms() -> ExpectedAnswer {
    of_provider(Destination::Phone(phone("+4915123456789")))
}

fn verified_mail() -> ExpectedAnswer {
    of_provider(Destination::Email(email("jane@example.com")))
}

fn enrollment() -> Purpose {
    Purpose::Enrollment(PendingEnrollment {
        method: id(4),
        label: label("My phone"),
        replaced_method_id: None,
        enrollment_authorization: EnrollmentAuthorization::Proof,
    })
}

fn step_up(action: &str, shown: &str) -> Purpose {
    Purpose::StepUp {
        action: Action::Caller(CallerAction::parse(action).unwrap()),
        transaction: Transaction::parse(shown).unwrap(),
    }
}

fn key() -> MacKey {
    MacKey::new([7; 32])
}

fn sent(challenge: &Challenge) -> Digits {
    challenge.code_to_send(&key()).unwrap()
}

fn judge_sent(challenge: &Challenge) -> AttemptJudgment {
    challenge.judge(&sent(challenge), Some(&key()), NOW)
}

const WRONG: AttemptJudgment = AttemptJudgment::Wrong { skew: None };

#[test]
fn the_code_of_an_app_moves_its_step() {
    let judgment = challenge(Purpose::SignIn, app()).judge(&digits(OF_STEP_3), None, IN_STEP_3);
    let effect = AttemptEffect::Step {
        step: TimeStep(3),
        acceptable_from: IN_STEP_3.minus(seconds(30)),
    };
    assert_eq!(judgment, AttemptJudgment::Right(effect));
}

#[test]
fn the_code_of_an_app_is_judged_as_of_the_instant_that_is_given() {
    let challenge = challenge(Purpose::SignIn, app());
    let later = IN_STEP_3.plus(seconds(60));
    let skew = ClockSkew {
        offset: -2,
        step: TimeStep(3),
    };
    assert_eq!(
        challenge.judge(&digits(OF_STEP_3), None, later),
        AttemptJudgment::Wrong { skew: Some(skew) }
    );
}

#[test]
fn a_wrong_code_of_no_step_nearby_has_no_skew() {
    let judgment = challenge(Purpose::SignIn, app()).judge(&digits("000000"), None, IN_STEP_3);
    assert_eq!(judgment, WRONG);
}

#[test]
fn the_code_that_was_sent_is_right() {
    for expected_answer in [sms(), mail()] {
        let judgment = judge_sent(&challenge(Purpose::SignIn, expected_answer));
        assert_eq!(judgment, AttemptJudgment::Right(AttemptEffect::Plain));
    }
}

#[test]
fn another_code_than_the_one_sent_is_wrong() {
    let challenge = challenge(Purpose::SignIn, sms());
    let other = if sent(&challenge).expose() == "000000" {
        "000001"
    } else {
        "000000"
    };
    assert_eq!(challenge.judge(&digits(other), Some(&key()), NOW), WRONG);
}

#[test]
fn without_its_key_nothing_that_was_sent_is_right() {
    let challenge = challenge(Purpose::SignIn, sms());
    assert_eq!(challenge.judge(&sent(&challenge), None, NOW), WRONG);
    let another = MacKey::new([8; 32]);
    assert_eq!(
        challenge.judge(&sent(&challenge), Some(&another), NOW),
        WRONG
    );
}

#[test]
fn a_code_sent_to_the_address_on_file_verifies_the_version_it_was_sent_to() {
    let judgment = judge_sent(&challenge(Purpose::VerifyEmail { version: 5 }, mail()));
    assert_eq!(
        judgment,
        AttemptJudgment::Right(AttemptEffect::EmailVerified { version: 5 })
    );
}

#[test]
fn a_code_of_a_provider_is_right_where_its_provider_says_so_and_nowhere_else() {
    let challenge = challenge(Purpose::SignIn, verified_sms());
    for (checked, judgment) in [
        (
            ProviderCodeVerdict::Approved,
            AttemptJudgment::Right(AttemptEffect::Plain),
        ),
        (ProviderCodeVerdict::Rejected, WRONG),
        (ProviderCodeVerdict::Ended, WRONG),
    ] {
        assert_eq!(challenge.judge_checked(checked), judgment);
    }
    assert_eq!(challenge.judge(&digits("000000"), Some(&key()), NOW), WRONG);
    assert!(challenge.code_to_send(&key()).is_none() && challenge.code_key().is_none());
}

#[test]
fn a_provider_has_no_say_in_what_it_does_not_check() {
    for expected_answer in [app(), sms(), mail(), ExpectedAnswer::RecoveryCode] {
        let challenge = challenge(Purpose::SignIn, expected_answer);
        assert_eq!(
            challenge.judge_checked(ProviderCodeVerdict::Approved),
            WRONG
        );
    }
}

#[test]
fn a_providers_yes_verifies_the_version_of_the_address_that_it_was_asked_about() {
    let challenge = challenge(Purpose::VerifyEmail { version: 5 }, verified_mail());
    let verified = AttemptJudgment::Right(AttemptEffect::EmailVerified { version: 5 });
    assert_eq!(
        challenge.judge_checked(ProviderCodeVerdict::Approved),
        verified
    );
}

#[test]
fn only_a_step_up_with_a_text_has_something_to_show() {
    assert!(step_up("pay", "40 EUR").shows_transaction());
    for purpose in [step_up("pay", ""), Purpose::SignIn, enrollment()] {
        assert!(!purpose.shows_transaction());
    }
}

#[test]
fn digits_are_never_a_recovery_code() {
    let challenge = challenge(Purpose::SignIn, ExpectedAnswer::RecoveryCode);
    assert_eq!(challenge.judge(&digits("000000"), Some(&key()), NOW), WRONG);
}

#[test]
fn a_code_is_bound_to_its_purpose_user_and_challenge() {
    let base = challenge(Purpose::SignIn, sms());
    let purposes = [
        Purpose::VerifyEmail { version: 1 },
        Purpose::VerifyEmail { version: 2 },
        enrollment(),
        step_up("pay", ""),
        step_up("pay", "40 EUR"),
        step_up("pay", "41 EUR"),
        step_up("delete", "40 EUR"),
    ];
    let mut challenges: Vec<Challenge> = purposes.map(|purpose| challenge(purpose, sms())).into();
    challenges.extend([
        Challenge {
            id: id(9),
            ..base.clone()
        },
        Challenge {
            subject: subject("acme", "john"),
            ..base.clone()
        },
        base,
    ]);
    assert_all_differ(
        challenges
            .iter()
            .map(|challenge| sent(challenge).expose().to_owned()),
    );
}

#[test]
fn every_purpose_binds_in_its_own_words() {
    let no_text = "STEP_UP caller:pay ";
    let digest = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0";
    for (purpose, binding) in [
        (Purpose::SignIn, "SIGN_IN".to_owned()),
        (step_up("pay", ""), no_text.to_owned()),
        (step_up("pay", "abc"), format!("{no_text}{digest}")),
        (
            Purpose::VerifyEmail { version: 5 },
            "VERIFY_EMAIL 5".to_owned(),
        ),
        (
            enrollment(),
            "ENROLLMENT 04040404040404040404040404040404".to_owned(),
        ),
    ] {
        assert_eq!(purpose.binding(), binding);
        let name = binding.split(' ').next();
        assert_eq!(name, Some(purpose.as_str()));
    }
}

#[test]
fn nothing_is_sent_for_an_app_or_a_recovery_code() {
    for expected_answer in [app(), ExpectedAnswer::RecoveryCode] {
        let challenge = challenge(Purpose::SignIn, expected_answer);
        assert!(challenge.code_to_send(&key()).is_none());
        assert_eq!(challenge.code_key(), None);
    }
}

#[test]
fn a_challenge_names_the_key_that_made_its_code() {
    let challenge = challenge(Purpose::SignIn, sms());
    assert_eq!(challenge.code_key(), Some(&KeyId::new("k-1")));
}

#[test]
fn a_challenge_asks_an_enrolled_method_at_its_version() {
    let asked = |expected_answer| challenge(Purpose::SignIn, expected_answer).asked_method();
    assert_eq!(asked(app()), Some((id(2), 7)));
    assert_eq!(asked(sms()), Some((id(3), 8)));
    assert_eq!(asked(verified_sms()), Some((id(6), 9)));
    assert_eq!(asked(ExpectedAnswer::RecoveryCode), None);
}

#[test]
fn an_enrollment_asks_no_enrolled_method() {
    for expected_answer in [app(), sms(), verified_sms()] {
        assert_eq!(
            challenge(enrollment(), expected_answer).asked_method(),
            None
        );
    }
}

#[test]
fn recovery_codes_answer_sign_ins_only() {
    let takes = |purpose| challenge(purpose, app()).takes(AnsweredBy::RecoveryCode);
    assert!(takes(Purpose::SignIn));
    assert!(!takes(step_up("pay", "")));
    assert!(!takes(Purpose::VerifyEmail { version: 1 }));
    assert!(!takes(enrollment()));
}

#[test]
fn what_is_expected_tells_its_kind_and_length() {
    let seven_digits = ExpectedAnswer::Delivered {
        code: DeliveredCode {
            key: KeyId::new("k-1"),
            digits: DigitCount::new(7).unwrap(),
            method: None,
        },
        destination: Destination::Email(email("jane@example.com")),
    };
    for (expected_answer, kind, length) in [
        (app(), Some(MethodKind::Totp), 6),
        (sms(), Some(MethodKind::Sms), 6),
        (seven_digits, Some(MethodKind::Email), 7),
        (verified_sms(), Some(MethodKind::Sms), 8),
        (verified_mail(), Some(MethodKind::Email), 8),
        (ExpectedAnswer::RecoveryCode, None, 0),
    ] {
        assert_eq!(
            (expected_answer.kind(), expected_answer.digits()),
            (kind, length)
        );
    }
}

#[test]
fn confirming_a_challenge_enrols_what_it_asked() {
    for expected_answer in [app(), sms(), mail(), verified_sms(), verified_mail()] {
        let enrolled = expected_answer.method_secret().map(|secret| secret.kind());
        assert_eq!(enrolled, expected_answer.kind());
    }
    assert!(ExpectedAnswer::RecoveryCode.method_secret().is_none());
}

#[test]
fn each_class_of_attempts_has_the_windows_frozen_at_issue() {
    let challenge = challenge(Purpose::SignIn, app());
    for class in AttemptClass::ALL {
        assert_eq!(challenge.windows(class), challenge.wrong_codes.of(class));
    }
}

#[test]
fn a_challenge_prints_neither_secret_nor_user_nor_destination() {
    let printed = format!(
        "{:?} {:?}",
        challenge(Purpose::SignIn, app()),
        challenge(step_up("pay", "40 EUR"), verified_mail())
    );
    for secret in ["jane", "example.com", "49, 50, 51", "1, 1, 1", "40 EUR"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}

#[test]
fn where_the_policy_has_no_recovery_only_a_bypass_code_stands_in() {
    let mut strict = challenge(Purpose::SignIn, app());
    strict.recovery.accepted = false;
    assert!(!strict.takes(AnsweredBy::RecoveryCode));
    assert!(!strict.takes(AnsweredBy::RecoveryKey));
    assert!(strict.takes(AnsweredBy::BypassCode));
}
