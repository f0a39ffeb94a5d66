//! Renders text messages. They have one segment, unless the required parts need more.

use crate::notify::texts::{
    catalog,
    language::LanguageTexts,
    machine_readable::MachineReadableLines,
    segments::measure,
    values::{args, clear_time, listed, method, minutes, shortened},
};
use countersign_domain::notice::{
    account_label::AccountLabel,
    message::{CodePurpose, MessageContent, Notice},
};

/// The maximum length of a company name in a text message, in UTF-16 units.
pub(super) const MAX_COMPANY_LENGTH: usize = 18;

/// The maximum length of a place, device or masked destination in a text message, in UTF-16 units.
const MAX_DETAIL_LENGTH: usize = 24;

/// One part of a text message, in its position.
struct SmsPart {
    /// The variants of the part, the longest first.
    says: Vec<String>,
    /// The separator before the part.
    apart: &'static str,
    /// Whether at least the last variant is required.
    needed: bool,
    /// The order of fitting parts in; the lowest comes first.
    rank: u8,
}

impl SmsPart {
    fn needed(says: Vec<String>, rank: u8) -> Self {
        Self {
            says,
            apart: " ",
            needed: true,
            rank,
        }
    }

    fn wanted(says: Vec<String>, rank: u8) -> Self {
        Self {
            says,
            apart: " ",
            needed: false,
            rank,
        }
    }

    /// A machine-readable line.
    fn line(says: Option<String>, rank: u8) -> Self {
        Self {
            says: says.into_iter().collect(),
            apart: "\n",
            needed: false,
            rank,
        }
    }
}

/// Renders a text message.
pub(super) fn text(
    language: &LanguageTexts,
    lines: &MachineReadableLines,
    company: &str,
    account: &AccountLabel,
    content: &MessageContent,
) -> String {
    let account = account_part(language, account);
    match content {
        MessageContent::Code { .. } => {
            fitted(&code_parts(language, lines, company, account, content))
        }
        MessageContent::Notice(notice) => fitted(&notice_parts(language, company, account, notice)),
    }
}

/// The required part of a code message: company, purpose and code.
pub(super) fn code_head(
    language: &LanguageTexts,
    purpose: CodePurpose,
    company: &str,
    code: &str,
) -> String {
    let id = catalog::sms(catalog::code(purpose));
    let company = shortened(company, MAX_COMPANY_LENGTH);
    language.say(&id, &args([("company", company.as_str()), ("code", code)]))
}

/// The required part of a notice: what happened.
pub(super) fn notice_head(
    language: &LanguageTexts,
    company: &str,
    notice: &Notice,
    where_to: bool,
) -> String {
    let id = catalog::sms(catalog::notice(notice.kind));
    let masked = notice.destination.as_ref().filter(|_| where_to);
    let masked = masked.map(|masked| shortened(masked, MAX_DETAIL_LENGTH));
    let name = notice.method.map(|kind| kind.as_str().to_owned());
    let company = shortened(company, MAX_COMPANY_LENGTH);
    let mut values = args([("company", company), ("method", method(name, masked))]);
    values.set("left", notice.codes_left.unwrap_or_default());
    language.say(&id, &values)
}

/// The required part of a message, followed by a caution and the machine-readable lines.
pub(super) fn whole(
    language: &LanguageTexts,
    head: &str,
    caution: &str,
    lines: [Option<String>; 2],
) -> String {
    let caution = language.say(caution, &args::<&str, 0>([]));
    let [hash, origin] = lines;
    let parts = [
        SmsPart::needed(vec![head.to_owned()], 0),
        SmsPart::needed(vec![caution], 0),
        SmsPart::line(hash, 0),
        SmsPart::line(origin, 0),
    ];
    let says: Vec<Option<&str>> = parts
        .iter()
        .map(|part| part.says.first().map(String::as_str))
        .collect();
    joined(&parts, &says)
}

/// The account, in full or masked.
fn account_part(language: &LanguageTexts, account: &AccountLabel) -> Vec<String> {
    let masked = AccountLabel::new(account.as_str(), true);
    let says = [account, &masked].map(|label| {
        let name = shortened(label.as_str(), MAX_DETAIL_LENGTH);
        language.say(catalog::SMS_ACCOUNT, &args([("account", name)]))
    });
    says.to_vec()
}

fn code_parts(
    language: &LanguageTexts,
    lines: &MachineReadableLines,
    company: &str,
    account: Vec<String>,
    content: &MessageContent,
) -> Vec<SmsPart> {
    let MessageContent::Code {
        code,
        purpose,
        transaction,
        asked_at,
        client_description,
        valid_for,
        ..
    } = content
    else {
        return Vec::new();
    };
    let head = code_head(language, *purpose, company, code.expose());
    let confirms = transaction.as_ref().map(|text| {
        language.say(
            catalog::SMS_TRANSACTION,
            &args([("transaction", text.as_str())]),
        )
    });
    let lifetime = args([("minutes", minutes(*valid_for))]);
    let detail =
        |text: &Option<String>| text.as_ref().map(|text| shortened(text, MAX_DETAIL_LENGTH));
    let known = [
        detail(&client_description.place),
        detail(&client_description.device),
    ];
    let known: Vec<String> = known.into_iter().flatten().collect();
    let with_time = [vec![clear_time(*asked_at)], known.clone()].concat();
    let asked = |values: Vec<String>| {
        language.say(
            catalog::SMS_CLIENT,
            &args([("client", listed(language, &values))]),
        )
    };
    let asked_for = if known.is_empty() {
        Vec::new()
    } else {
        vec![asked(with_time), asked(known)]
    };
    let [hash, origin] = lines.of(code.expose());
    vec![
        SmsPart::needed(vec![head], 0),
        SmsPart {
            needed: true,
            ..SmsPart::wanted(confirms.into_iter().collect(), 0)
        },
        SmsPart::wanted(account, 4),
        SmsPart::wanted(vec![language.say(catalog::SMS_MINUTES, &lifetime)], 5),
        SmsPart::wanted(asked_for, 6),
        SmsPart::wanted(
            vec![language.say(catalog::SMS_DO_NOT_SHARE, &args::<&str, 0>([]))],
            1,
        ),
        SmsPart::line(hash, 3),
        SmsPart::line(origin, 2),
    ]
}

fn notice_parts(
    language: &LanguageTexts,
    company: &str,
    account: Vec<String>,
    notice: &Notice,
) -> Vec<SmsPart> {
    let full = notice_head(language, company, notice, true);
    let short = notice_head(language, company, notice, false);
    vec![
        SmsPart::needed(vec![full, short], 3),
        SmsPart::wanted(account, 2),
        SmsPart::wanted(
            vec![language.say(catalog::SMS_NOT_YOU, &args::<&str, 0>([]))],
            1,
        ),
    ]
}

/// Fits as much as possible into the number of segments that the required parts need. Parts with a low rank come first.
fn fitted(parts: &[SmsPart]) -> String {
    let mut says: Vec<Option<&str>> = parts
        .iter()
        .map(|part| part.says.last().filter(|_| part.needed).map(String::as_str))
        .collect();
    let room = measure(&joined(parts, &says)).segments;
    let mut order: Vec<(usize, &SmsPart)> = parts.iter().enumerate().collect();
    order.sort_by_key(|(_, part)| part.rank);
    for (place, part) in order {
        for fuller in &part.says {
            let mut candidate = says.clone();
            if let Some(sentence) = candidate.get_mut(place) {
                *sentence = Some(fuller);
            }
            if measure(&joined(parts, &candidate)).segments <= room {
                says = candidate;
                break;
            }
        }
    }
    joined(parts, &says)
}

fn joined(parts: &[SmsPart], says: &[Option<&str>]) -> String {
    let mut text = String::new();
    for (part, sentence) in parts.iter().zip(says) {
        let Some(sentence) = sentence else { continue };
        let ends_wide = text.ends_with(['。', '！', '？', '：']);
        if !text.is_empty() && (part.apart == "\n" || !ends_wide) {
            text.push_str(part.apart);
        }
        text.push_str(sentence);
    }
    text
}
