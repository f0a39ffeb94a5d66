//! Pictures of every message, as people see it, in every built-in language. `make docs` draws them anew.

use countersign::{
    config::{TenantConfig, tenants},
    notify::texts::{MessageTexts, RenderedMessage},
};
use countersign_domain::{
    authorization::action::Transaction,
    challenge::code::{CanonicalAnswer, DigitCount, Digits},
    method::MethodKind,
    notice::{
        account_label::AccountLabel,
        message::{
            ClientDescription, CodePurpose, MessageContent, Notice, NoticeKind, OutboundMessage,
        },
    },
    revert::{RevertClaim, RevertToken},
    value::{
        destination::{Destination, Email, Phone},
        id::{TenantId, UserId},
        time::Timestamp,
    },
};
use std::{fmt::Write, fs, path::PathBuf, time::Duration};

const LANGUAGES: [&str; 6] = ["ar", "de", "en", "es", "ms", "zh"];
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const MARGIN: f64 = 24.0;
const PADDING: f64 = 14.0;

/// How a text stands in a picture.
#[derive(Clone, Copy, PartialEq)]
enum Look {
    Caption,
    Bubble,
    Title,
    Plain,
    Code,
    Fine,
}

/// A message in a picture: what it is called, and its paragraphs.
struct Card {
    name: String,
    paragraphs: Vec<(Look, String)>,
}

impl Look {
    const fn size(self) -> f64 {
        match self {
            Self::Caption => 12.0,
            Self::Fine => 13.0,
            Self::Bubble | Self::Plain => 15.0,
            Self::Title => 18.0,
            Self::Code => 30.0,
        }
    }

    const fn family(self) -> &'static str {
        match self {
            Self::Code => "ui-monospace, Consolas, Menlo, monospace",
            Self::Caption | Self::Bubble | Self::Title | Self::Plain | Self::Fine => {
                "system-ui, 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif"
            }
        }
    }

    const fn weight(self) -> u16 {
        match self {
            Self::Title | Self::Code => 700,
            Self::Caption | Self::Bubble | Self::Plain | Self::Fine => 400,
        }
    }
}

fn digits(text: &str) -> Digits {
    match CanonicalAnswer::parse(text) {
        Ok(CanonicalAnswer::Digits(digits)) => digits,
        _ => panic!("{text} is a code"),
    }
}

fn codes() -> Vec<(String, MessageContent)> {
    let code = |purpose| MessageContent::Code {
        code: digits("012345"),
        purpose,
        transaction: Transaction::parse(match purpose {
            CodePurpose::StepUp => "Pay 40 EUR to ACME",
            _ => "",
        })
        .unwrap(),
        asked_at: NOW,
        client_description: ClientDescription::new("Berlin, Germany", "Firefox on Windows"),
        valid_for: Duration::from_mins(5),
        expires_at: NOW,
    };
    CodePurpose::ALL
        .map(|purpose| (format!("code: {purpose:?}"), code(purpose)))
        .into()
}

fn notices() -> Vec<(String, MessageContent)> {
    let notice = |kind| {
        MessageContent::Notice(Notice {
            codes_left: Some(3),
            disclaimer: Some(RevertClaim {
                user: UserId::parse("jane").unwrap(),
                token: RevertToken::new([0x5A; 16]),
            }),
            ..Notice::of_method(
                kind,
                MethodKind::Email,
                Some("j***@e***.com".to_owned()),
                NOW,
            )
        })
    };
    NoticeKind::ALL
        .map(|kind| (format!("notice: {kind:?}"), notice(kind)))
        .into()
}

/// The texts of a company, in which browsers and the company's app fill codes in.
fn bound() -> MessageTexts {
    let config = TenantConfig {
        id: "acme".to_owned(),
        origin: Some("https://acme.example".to_owned()),
        android_app_hash: Some("FA+9qCX9VSu".to_owned()),
        revert_url: Some("https://acme.example/not-me#{token}".to_owned()),
        ..TenantConfig::default()
    };
    let tenants = tenants(&[config]).unwrap();
    MessageTexts::load(&tenants, DigitCount::SIX).unwrap().0
}

fn rendered(
    texts: &MessageTexts,
    destination: Destination,
    locale: &str,
    content: MessageContent,
) -> RenderedMessage {
    texts.render(&OutboundMessage {
        key: "key".to_owned(),
        tenant: TenantId::parse("acme").unwrap(),
        destination,
        locale: Some(locale.to_owned()),
        display_name: "ACME".to_owned(),
        account: AccountLabel::new("jane", false),
        content,
    })
}

fn text_messages(locale: &str) -> Vec<Card> {
    let again = codes().into_iter().take(2);
    let again = again.map(|(name, content)| (format!("{name}, with origin and app"), content));
    let all = codes().into_iter().chain(again).chain(notices());
    let card = |(name, content): (String, MessageContent)| {
        let phone = Destination::Phone(Phone::parse("+4915123456789").unwrap());
        let texts = if name.ends_with("with origin and app") {
            bound()
        } else {
            MessageTexts::built_in()
        };
        let RenderedMessage { text, .. } = rendered(&texts, phone, locale, content);
        Card {
            name,
            paragraphs: vec![(Look::Bubble, text)],
        }
    };
    all.map(card).collect()
}

fn emails(locale: &str) -> Vec<Card> {
    let again = notices().into_iter().take(1);
    let again = again.map(|(name, content)| (format!("{name}, with a page"), content));
    let all = codes().into_iter().chain(again).chain(notices());
    let card = |(name, content): (String, MessageContent)| {
        let email = Destination::Email(Email::parse("jane@example.com").unwrap());
        let texts = if name.ends_with("with a page") {
            bound()
        } else {
            MessageTexts::built_in()
        };
        let RenderedMessage { html, .. } = rendered(&texts, email, locale, content);
        Card {
            name,
            paragraphs: paragraphs(&html),
        }
    };
    all.map(card).collect()
}

/// The paragraphs of an e-mail, and how its HTML makes them look.
fn paragraphs(html: &str) -> Vec<(Look, String)> {
    let body = html.split_once("<main").unwrap().1;
    let elements = body
        .split('<')
        .filter(|piece| ["p ", "h1 ", "a "].iter().any(|tag| piece.starts_with(tag)));
    let paragraph = |piece: &str| {
        let (tag, text) = piece.split_once('>').unwrap();
        let look = match tag {
            _ if tag.starts_with("h1") => Look::Title,
            _ if tag.contains("monospace") => Look::Code,
            _ if tag.contains("14px") => Look::Fine,
            _ => Look::Plain,
        };
        let text = text
            .replace("&#39;", "'")
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">");
        (look, text.replace("&amp;", "&"))
    };
    let paragraphs = elements.map(paragraph);
    paragraphs.filter(|(_, text)| !text.is_empty()).collect()
}

/// Whether a phone takes a line from right to left because of this character.
const fn is_arabic(character: char) -> bool {
    matches!(character, '\u{0600}'..='\u{06FF}')
}

/// About how wide a character is, in its font's size.
fn width(character: char) -> f64 {
    match character {
        '\u{2066}'..='\u{2069}' | '\u{064B}'..='\u{0652}' => 0.0,
        ' ' => 0.29,
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '!' | '(' | ')' => 0.31,
        '\u{3000}'..='\u{9FFF}' | '\u{FF00}'..='\u{FFEF}' => 1.0,
        'm' | 'w' | 'M' | 'W' | '@' => 0.86,
        'A'..='Z' => 0.66,
        _ => 0.56,
    }
}

fn span(text: &str, look: Look) -> f64 {
    let wide: f64 = text.chars().map(width).sum();
    let spaced = if look == Look::Code { 1.2 } else { 1.0 };
    wide * look.size() * spaced
}

/// Lines no wider than `room`, broken at spaces; Chinese is broken anywhere.
fn lines(text: &str, look: Look, room: f64) -> Vec<String> {
    let mut lines = Vec::new();
    for whole in text.lines() {
        let mut line = String::new();
        for word in words(whole) {
            if !line.is_empty() && span(&format!("{line}{}", word.trim_end()), look) > room {
                lines.push(line.trim_end().to_owned());
                line = String::new();
            }
            line.push_str(&word);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// What must not be torn apart, each with the space behind it; a link is, at its fragment. No line begins with what ends a sentence.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut begins = true;
    for character in text.chars() {
        let wide = width(character) >= 1.0;
        let ends = matches!(character, '。' | '，' | '：' | '】' | '？' | '、');
        match words.last_mut() {
            Some(word) if ends || !(begins || wide) => word.push(character),
            _ => words.push(character.to_string()),
        }
        begins = matches!(character, ' ' | '#') || wide;
    }
    words
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A picture of all cards, two beside one another.
fn picture(locale: &str, cards: &[Card], card_width: f64) -> String {
    let room = card_width - 2.0 * PADDING;
    let mut body = String::new();
    let mut top = MARGIN;
    for pair in cards.chunks(2) {
        let heights = pair.iter().zip([0.0, 1.0]).map(|(card, column)| {
            let left = MARGIN + column * (card_width + MARGIN);
            draw(&mut body, locale, card, (left, top, room))
        });
        top += heights.fold(0.0, f64::max) + MARGIN;
    }
    let wide = 2.0 * card_width + 3.0 * MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide:.0}\" height=\"{top:.0}\" viewBox=\"0 0 {wide:.0} {top:.0}\" lang=\"{locale}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#eef1f5\"/>\n{body}</svg>\n"
    )
}

/// Draws a card and says how high it is with its caption.
fn draw(body: &mut String, locale: &str, card: &Card, (left, top, room): (f64, f64, f64)) -> f64 {
    const CAPTION: f64 = 20.0;
    let right_to_left = locale == "ar";
    let caption = (left + 2.0, top + 12.0);
    text(body, Look::Caption, false, caption, &card.name);
    let bubble = card
        .paragraphs
        .iter()
        .all(|(look, _)| *look == Look::Bubble);
    let mut texts = String::new();
    let mut base = top + CAPTION + PADDING;
    for (look, said) in &card.paragraphs {
        for paragraph in said.lines() {
            let turned = right_to_left && paragraph.contains(is_arabic);
            let from = left + PADDING + if turned { room } else { 0.0 };
            for line in lines(paragraph, *look, room) {
                base += look.size() * 1.4;
                text(
                    &mut texts,
                    *look,
                    turned,
                    (from, base - look.size() * 0.4),
                    &line,
                );
            }
        }
        base += if bubble { 0.0 } else { 10.0 };
    }
    let (corner, fill) = if bubble {
        (18, "#ffffff")
    } else {
        (4, "#ffffff")
    };
    let height = base + PADDING - top - CAPTION;
    writeln!(
        body,
        "<rect x=\"{left:.0}\" y=\"{y:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" rx=\"{corner}\" fill=\"{fill}\" stroke=\"#c4ccd6\"/>",
        y = top + CAPTION,
        width = room + 2.0 * PADDING
    )
    .unwrap();
    body.push_str(&texts);
    height + CAPTION
}

fn text(body: &mut String, look: Look, turned: bool, (x, y): (f64, f64), said: &str) {
    // Not every program that shows pictures knows `direction`; every one knows an isolate and where a text ends.
    let (anchor, said) = if turned {
        (" text-anchor=\"end\"", format!("\u{2067}{said}\u{2069}"))
    } else {
        ("", said.to_owned())
    };
    let spacing = if look == Look::Code {
        " letter-spacing=\"4\""
    } else {
        ""
    };
    let fill = if look == Look::Caption {
        "#5b6673"
    } else {
        "#1b2430"
    };
    writeln!(
        body,
        "<text x=\"{x:.0}\" y=\"{y:.1}\" font-size=\"{size:.0}\" font-family=\"{family}\" font-weight=\"{weight}\" fill=\"{fill}\"{anchor}{spacing}>{said}</text>",
        size = look.size(),
        family = look.family(),
        weight = look.weight(),
        said = escaped(&said)
    )
    .unwrap();
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "whoever changes a text asks for its picture to be drawn anew"
)]
fn every_message_has_its_picture() {
    let update = std::env::var("UPDATE_DOCS").is_ok();
    for locale in LANGUAGES {
        for (channel, drawn) in [
            ("sms", picture(locale, &text_messages(locale), 400.0)),
            ("email", picture(locale, &emails(locale), 480.0)),
        ] {
            let path = PathBuf::from(format!("docs/messages/{locale}-{channel}.svg"));
            if update {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, &drawn).unwrap();
            }
            let kept = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                kept == drawn,
                "{} is out of date: run `make docs`",
                path.display()
            );
        }
    }
}

#[test]
fn a_line_is_no_wider_than_its_card() {
    for locale in LANGUAGES {
        for card in text_messages(locale).into_iter().chain(emails(locale)) {
            for (look, said) in card.paragraphs {
                for line in lines(&said, look, 372.0) {
                    assert!(span(&line, look) <= 372.0, "{line}");
                }
            }
        }
    }
}
