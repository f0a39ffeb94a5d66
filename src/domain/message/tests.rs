use super::*;
use crate::fixtures::{NOW, digits, email, minutes, phone, seconds};

fn code_for(purpose: CodePurpose, good_for: Duration, shown: &str) -> Content {
    Content::Code {
        code: digits("012345"),
        purpose,
        transaction: Transaction::parse(shown).unwrap(),
        asked_at: NOW,
        whence: Whence::default(),
        good_for,
        expires_at: NOW,
    }
}

fn sign_in_code(good_for: Duration) -> Content {
    code_for(CodePurpose::SignIn, good_for, "")
}

fn app_added() -> Content {
    Content::Notice(Notice::of_method(
        NoticeKind::MethodAdded,
        Kind::Totp,
        None,
        NOW,
    ))
}

fn to(destination: Destination, content: Content) -> Message {
    Message {
        key: "key".to_owned(),
        tenant: TenantId::parse("acme").unwrap(),
        destination,
        locale: None,
        display_name: "ACME".to_owned(),
        content,
    }
}

fn mail(content: Content) -> Message {
    to(Destination::Email(email("jane@example.com")), content)
}

fn sms(content: Content) -> Message {
    to(Destination::Phone(phone("+4915123456789")), content)
}

#[test]
fn a_code_is_told_with_its_company_its_purpose_and_its_life() {
    assert_eq!(
        sms(sign_in_code(minutes(5))).text(),
        "012345 is your ACME code to sign in. It is good for 5 min. Do not share it."
    );
}

#[test]
fn each_purpose_is_told_in_its_own_words() {
    for (purpose, words) in [
        (CodePurpose::SignIn, "sign in."),
        (CodePurpose::StepUp, "confirm your action."),
        (CodePurpose::VerifyEmail, "verify your e-mail address."),
        (CodePurpose::Enrollment, "set up two-factor sign-in."),
    ] {
        let text = sms(code_for(purpose, minutes(5), "")).text();
        assert!(text.contains(&format!("code to {words}")), "{text}");
    }
}

#[test]
fn what_is_confirmed_is_told_to_the_letter() {
    let content = code_for(CodePurpose::StepUp, minutes(5), "Pay 40 EUR to ACME");
    let text = sms(content).text();
    assert!(text.ends_with(" To confirm: Pay 40 EUR to ACME."), "{text}");
}

#[test]
fn minutes_are_rounded_up_and_at_least_one() {
    for (good_for, told) in [
        (seconds(0), "1 min"),
        (seconds(59), "1 min"),
        (seconds(60), "1 min"),
        (seconds(61), "2 min"),
        (seconds(300), "5 min"),
    ] {
        let text = sms(sign_in_code(good_for)).text();
        assert!(text.contains(&format!("good for {told}.")), "{text}");
    }
}

#[test]
fn the_subject_of_a_mail_never_has_the_code() {
    assert_eq!(
        mail(sign_in_code(minutes(5))).subject(),
        "Your ACME verification code"
    );
}

#[test]
fn a_text_message_has_no_subject() {
    assert_eq!(sms(sign_in_code(minutes(5))).subject(), "");
    assert_eq!(sms(app_added()).subject(), "");
}

#[test]
fn news_of_a_method_names_its_kind() {
    let message = mail(app_added());
    assert_eq!(
        message.subject(),
        "Your ACME two-factor settings have changed"
    );
    assert!(message.text().contains("method TOTP was added"));
}

#[test]
fn news_of_a_method_that_is_sent_to_tells_where_masked() {
    let masked = Some("+49*******89".to_owned());
    let number_added = Content::Notice(Notice::of_method(
        NoticeKind::MethodAdded,
        Kind::Sms,
        masked,
        NOW,
    ));
    let text = mail(number_added).text();
    assert!(
        text.contains("method SMS (+49*******89) was added"),
        "{text}"
    );
}

#[test]
fn a_message_prints_neither_its_code_nor_its_destination() {
    let printed = format!("{:?}", mail(sign_in_code(minutes(5))));
    for secret in ["012345", "jane", "example.com"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
