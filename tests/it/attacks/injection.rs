//! A33: what people and callers write freely reaches messages as they wrote it, or not at all.

use crate::support::{Person, Service, field, on_embedded, person::add_method};
use countersign_proto::v1 as pb;
use tonic::{Code, Status};

const NUMBER: &str = "+4915123456789";

/// A number is enrolled, so that a sign-in sends a message.
async fn with_number(service: &Service) -> Person {
    let jane = service.person().await;
    let authorization = jane.attested(service, add_method(pb::MethodKind::Sms));
    jane.enroll_number(NUMBER, authorization).await;
    service.advance(60);
    jane
}

async fn with_email(service: &Service) -> Person {
    let jane = service.person().await;
    let authorization = jane.attested(service, add_method(pb::MethodKind::Email));
    jane.enroll_email(authorization).await;
    service.advance(60);
    jane
}

async fn ask(
    jane: &Person,
    place: &str,
    device: &str,
    shown: &str,
) -> Result<pb::Challenge, Status> {
    let name = "payment.confirm".to_owned();
    let action = pb::action::Action::CallerAction(pb::CallerAction { name });
    let mut request = jane.step_up_request(action);
    if let Some(pb::issue_challenge_request::Purpose::StepUp(step_up)) = &mut request.purpose {
        shown.clone_into(&mut step_up.transaction_text);
    }
    request.context = Some(pb::ClientContext {
        place: place.to_owned(),
        device_name: device.to_owned(),
        ..pb::ClientContext::default()
    });
    jane.issue_with(request).await
}

#[test]
fn a33_joiners_that_a_script_or_an_emoji_needs_are_told_control() {
    on_embedded(async |service| {
        let jane = with_email(&service).await;
        for (place, device) in [
            ("خانه\u{200C}ها", "👩\u{200D}💻"),
            ("क्\u{200D}ष", "🏳\u{FE0F}\u{200D}🌈"),
        ] {
            ask(&jane, place, device, "").await.unwrap();
            let text = jane.last_message(&jane.email).await.text;
            assert!(text.contains(place) && text.contains(device), "{text}");
            service.advance(600);
        }
        for bad in [
            "pay\u{200D}pal",
            "علی\u{200C}رضا\u{202E}",
            "👩\u{200D}\u{2066}💻",
        ] {
            let refused = ask(&jane, "", "", bad).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{bad:?}");
        }
    });
}

#[test]
fn a33_links_line_breaks_and_turns_reach_no_message() {
    on_embedded(async |service| {
        let jane = with_number(&service).await;
        for bad in [
            "Berlin\nYour code is 999999",
            "Berlin\r\nBcc: eve@example.com",
            "Berlin \u{202E}nilreB",
            "Berlin\u{2066}",
            "Ber\u{200B}lin",
            "Berlin, see evil.example",
            "https://evil",
        ] {
            ask(&jane, bad, bad, "").await.unwrap();
            let text = jane.last_message(NUMBER).await.text;
            for part in ["Ber", "999999", "eve", "evil", "\u{202E}", "\u{2066}"] {
                assert!(!text.contains(part), "{bad:?}: {text}");
            }
            service.advance(600);
        }
        for bad in ["Pay 1 EUR\nto Eve", "Pay \u{202E}RUE 1"] {
            let refused = ask(&jane, "", "", bad).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{bad:?}");
        }
        let named = jane
            .upsert(pb::Profile {
                account_name: "jane\u{202E}enaj".to_owned(),
                ..pb::Profile::default()
            })
            .await
            .unwrap_err();
        assert_eq!(
            (named.code(), &*field(&named)),
            (Code::InvalidArgument, "profile.account_name")
        );
        let sent = jane.messages(NUMBER).await;
        let codes = sent.iter().filter(|message| !message.code.is_empty());
        assert_eq!(codes.count(), 1 + 7, "none with a refused transaction");
    });
}

#[test]
fn a33_an_account_name_carries_no_message_to_a_stranger() {
    on_embedded(async |service| {
        let jane = with_number(&service).await;
        let profile = |account_name: &str| pb::Profile {
            account_name: account_name.to_owned(),
            email: jane.email.clone(),
            email_verified: true,
            ..pb::Profile::default()
        };
        for (name, shown) in [
            ("Jane Doe", "Account: Jane Doe."),
            ("You won! evil.example", "Account: Y***e."),
        ] {
            jane.upsert(profile(name)).await.unwrap();
            ask(&jane, "", "", "").await.unwrap();
            let text = jane.last_message(NUMBER).await.text;
            assert!(text.contains(shown), "{text}");
            service.advance(600);
        }
        // Nobody has shown yet that this number is theirs: its owner may be a stranger.
        let john = jane.colleague("john").await;
        john.upsert(pb::Profile {
            account_name: "Call 0123 now".to_owned(),
            ..profile("")
        })
        .await
        .unwrap();
        let authorization = john.attested(&service, add_method(pb::MethodKind::Sms));
        let strangers = "+4915123456780";
        let sms = pb::begin_enrollment_request::Method::Sms(pb::EnrollSms {
            phone_number: strangers.to_owned(),
        });
        john.begin_enrollment(john.enrollment_request(sms, authorization))
            .await
            .unwrap();
        let text = john.last_message(strangers).await.text;
        assert!(text.contains("Account: C***w."), "{text}");
    });
}

#[test]
fn a33_a_policy_masks_the_account_in_all_messages() {
    on_embedded(async |service| {
        let mut builder = service.twin_builder();
        builder.service_layer.mask_account_name = Some(true);
        let service = builder.start();
        let jane = with_number(&service).await;
        ask(&jane, "", "", "").await.unwrap();
        for message in jane.messages(NUMBER).await {
            assert!(!message.text.contains(&jane.user_id), "{}", message.text);
            assert!(message.text.contains("***"), "{}", message.text);
        }
    });
}

#[test]
fn a33_plain_names_are_told_control() {
    on_embedded(async |service| {
        let jane = with_number(&service).await;
        ask(&jane, "Berlin, Germany", "Firefox on Windows", "")
            .await
            .unwrap();
        let text = jane.last_message(NUMBER).await.text;
        assert!(
            text.contains("Berlin, Germany, Firefox on Windows"),
            "{text}"
        );
    });
}

#[test]
fn a33_markup_is_shown_to_the_letter() {
    on_embedded(async |service| {
        let jane = with_email(&service).await;
        let (place, device, shown) = (
            "<b>Berlin</b>",
            "\"><img src=x>",
            "<script>1</script> & '1'",
        );
        ask(&jane, place, device, shown).await.unwrap();
        let message = jane.last_message(&jane.email).await;
        for (raw, escaped) in [
            (place, "&lt;b&gt;Berlin&lt;/b&gt;"),
            (device, "&quot;&gt;&lt;img src=x&gt;"),
            (shown, "&lt;script&gt;1&lt;/script&gt; &amp; &#39;1&#39;"),
        ] {
            assert!(message.text.contains(raw), "{}", message.text);
            assert!(message.html.contains(escaped), "{}", message.html);
            assert!(!message.html.contains(raw), "{}", message.html);
        }
    });
}

/// The harness would see markup: the message's own is there.
#[test]
fn a33_markup_would_be_seen_control() {
    on_embedded(async |service| {
        let jane = with_email(&service).await;
        ask(&jane, "", "", "").await.unwrap();
        let html = jane.last_message(&jane.email).await.html;
        assert!(html.contains("<main ") && html.contains("<h1 "), "{html}");
    });
}
