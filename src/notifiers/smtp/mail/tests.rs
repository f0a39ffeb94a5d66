//! Tests of built mails.

use super::{MailSender, message_id};
use crate::{config::SmtpConfig, parsed_message::ParsedMessage};

fn sender(change: impl FnOnce(&mut SmtpConfig)) -> MailSender {
    let mut config = SmtpConfig {
        from: "no-reply@example.com".to_owned(),
        ..SmtpConfig::default()
    };
    change(&mut config);
    MailSender::new(&config).unwrap()
}

fn letter() -> ParsedMessage {
    ParsedMessage {
        destination: "jane@example.org".to_owned(),
        display_name: "Acme".to_owned(),
        subject: "Your code".to_owned(),
        text: "Your code is 123456\n".to_owned().into(),
        html: "<p>Your code is <b>123456</b></p>".to_owned().into(),
        ..ParsedMessage::example()
    }
}

fn content(sender: &MailSender, letter: &ParsedMessage) -> String {
    String::from_utf8(sender.mail(letter).unwrap().content.to_vec()).unwrap()
}

#[test]
fn a_mail_says_who_it_is_from_and_that_a_machine_wrote_it() {
    let mail = content(&sender(|_| {}), &letter());
    for header in [
        "From: Acme <no-reply@example.com>\r\n",
        "To: jane@example.org\r\n",
        "Subject: Your code\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "MIME-Version: 1.0\r\n",
        "Content-Type: multipart/alternative;",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "Content-Type: text/html; charset=utf-8\r\n",
    ] {
        assert!(mail.contains(header), "{header} in {mail}");
    }
    assert!(mail.contains("Date: ") && !mail.contains("Reply-To"));
    let place = |part: &str| mail.find(part).unwrap();
    assert!(
        place("text/plain") < place("text/html"),
        "the better one last"
    );
}

#[test]
fn the_operator_may_choose_name_and_reply_address() {
    let sender = sender(|config| {
        config.from_name = Some("Security".to_owned());
        config.reply_to = Some("help@example.com".to_owned());
    });
    let mail = content(&sender, &letter());
    assert!(
        mail.contains("From: Security <no-reply@example.com>\r\n"),
        "{mail}"
    );
    assert!(mail.contains("Reply-To: help@example.com\r\n"), "{mail}");
}

#[test]
fn without_html_there_is_one_part() {
    let mail = content(
        &sender(|_| {}),
        &ParsedMessage {
            html: String::new().into(),
            ..letter()
        },
    );
    assert!(
        mail.contains("Content-Type: text/plain") && !mail.contains("multipart"),
        "{mail}"
    );
}

#[test]
fn a_message_id_is_the_same_for_every_try() {
    let (sender, one) = (sender(|_| {}), letter());
    let ids = [&one, &letter()].map(|letter| sender.mail(letter).unwrap().message_id);
    assert_eq!(ids[0], ids[1]);
    let mail = content(&sender, &one);
    assert!(
        mail.contains(&format!("Message-ID: <{}>\r\n", ids[0])),
        "{mail}"
    );
    assert_ne!(
        message_id("a", "example.com"),
        message_id("b", "example.com")
    );
}

/// Control characters never reach this point: a request that contains one is refused.
#[test]
fn a33_nothing_in_a_name_or_subject_ends_a_header_or_adds_an_address() {
    let long = "Acme ".repeat(50);
    for hostile in [
        "Acme\" <x@example.net>, \"",
        "x@example.net, y@example.net",
        "Acme (comment) <z@example.net>;",
        "=?utf-8?q?=0D=0ABcc:_y@example.net?=",
        "back\\slash \\\"",
        "\u{202e}emca\u{2028}\u{2029}",
        "\u{4f60}\u{597d} \u{1f512}",
        long.as_str(),
    ] {
        let mail = content(
            &sender(|_| {}),
            &ParsedMessage {
                display_name: hostile.to_owned(),
                subject: hostile.to_owned(),
                ..letter()
            },
        );
        let head = mail.split("\r\n\r\n").next().unwrap();
        let named = |name: &str| head.lines().filter(|line| line.starts_with(name)).count();
        assert_eq!(
            (named("From:"), named("Subject:"), named("Bcc")),
            (1, 1, 0),
            "{head}"
        );
        assert!(head.contains("<no-reply@example.com>"), "{head}");
        assert!(head.is_ascii(), "{head}");
    }
}

#[test]
fn what_is_no_address_gets_no_mail() {
    for destination in [
        "",
        "jane",
        "+4915123456789",
        "jane@",
        "j\u{e4}ne@example.org",
        "a@b\r\nRCPT TO:<c@d>",
    ] {
        let letter = ParsedMessage {
            destination: destination.to_owned(),
            ..letter()
        };
        assert!(sender(|_| {}).mail(&letter).is_none(), "{destination}");
    }
}
