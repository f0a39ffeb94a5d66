//! Checks whether a tenant's texts fit, with the longest possible values.

use crate::notify::texts::{
    catalog,
    error::TextErrorKind,
    language::LanguageTexts,
    machine_readable::MachineReadableLines,
    segments::{SmsAlphabet, measure, outside_gsm},
    sms,
    values::shortened,
};
use countersign_domain::{
    method::MethodKind,
    notice::message::{CodePurpose, Notice, NoticeKind},
    value::{text::holds_link, time::Timestamp},
};

/// A code with the most digits that a policy allows.
const LONGEST_CODE: &str = "0123456789";

/// The most recovery codes that a set can have.
const MAX_LEFT: u32 = 10;

/// A company name that every alphabet contains.
const PLAIN_NAME: &str = "ACME";

/// The inputs of a check.
pub(super) struct TextCheck<'a> {
    /// The tenant's display name.
    pub(super) company: &'a str,
    /// The machine-readable lines of the tenant's codes.
    pub(super) lines: &'a MachineReadableLines,
    /// A code with the tenant's number of digits.
    pub(super) code: &'a str,
}

/// A text message with its longest values.
struct LongestMessage {
    id: String,
    /// The required part of the message.
    head: String,
    /// The required part with [`PLAIN_NAME`] as the company.
    plain: String,
    /// Values that the message has to contain.
    required_values: Vec<(&'static str, String)>,
    caution: &'static str,
}

impl TextCheck<'_> {
    /// Everything that is wrong with the texts of a language; for each text, the first error found.
    pub(super) fn wrong(&self, language: &LanguageTexts) -> Vec<TextErrorKind> {
        let mut wrong: Vec<TextErrorKind> = Vec::new();
        for case in self.cases(language) {
            let known = wrong.iter().any(|wrong| wrong.id() == case.id);
            wrong.extend(case.wrong(language).filter(|_| !known));
        }
        wrong
    }

    /// Texts that leave no room for the machine-readable lines.
    pub(super) fn too_many_open(&self, language: &LanguageTexts) -> Vec<TextErrorKind> {
        let lines = self.lines.of(self.code);
        if lines.iter().all(Option::is_none) {
            return Vec::new();
        }
        let crowded = CodePurpose::ALL.into_iter().filter_map(|purpose| {
            let head = sms::code_head(language, purpose, self.company, self.code);
            let whole = sms::whole(language, &head, catalog::SMS_DO_NOT_SHARE, lines.clone());
            let id = catalog::sms(catalog::code(purpose));
            too_long(id, "sms-do-not-share, origin, android_app_hash", &whole)
        });
        crowded.collect()
    }

    fn cases(&self, language: &LanguageTexts) -> Vec<LongestMessage> {
        let codes = CodePurpose::ALL.map(|purpose| self.code_case(language, purpose));
        let notices = NoticeKind::ALL.into_iter().flat_map(worst);
        let notices = notices.map(|notice| self.notice_case(language, &notice));
        codes.into_iter().chain(notices).collect()
    }

    fn code_case(&self, language: &LanguageTexts, purpose: CodePurpose) -> LongestMessage {
        let head = |company| sms::code_head(language, purpose, company, LONGEST_CODE);
        LongestMessage {
            id: catalog::sms(catalog::code(purpose)),
            head: head(self.company),
            plain: head(PLAIN_NAME),
            required_values: vec![("company", self.name()), ("code", LONGEST_CODE.to_owned())],
            caution: catalog::SMS_DO_NOT_SHARE,
        }
    }

    fn notice_case(&self, language: &LanguageTexts, notice: &Notice) -> LongestMessage {
        let head = |company| sms::notice_head(language, company, notice, false);
        let method = notice
            .method
            .map(|kind| ("method", kind.as_str().to_owned()));
        LongestMessage {
            id: catalog::sms(catalog::notice(notice.kind)),
            head: head(self.company),
            plain: head(PLAIN_NAME),
            required_values: [("company", self.name())]
                .into_iter()
                .chain(method)
                .collect(),
            caution: catalog::SMS_NOT_YOU,
        }
    }

    fn name(&self) -> String {
        shortened(self.company, sms::MAX_COMPANY_LENGTH)
    }
}

impl LongestMessage {
    fn wrong(&self, language: &LanguageTexts) -> Option<TextErrorKind> {
        let Self {
            id,
            head,
            plain,
            required_values,
            ..
        } = self;
        let untold = required_values
            .iter()
            .find(|(_, value)| !head.contains(value));
        if let Some((variable, _)) = untold {
            return Some(TextErrorKind::MissingVariable {
                id: id.clone(),
                variable,
            });
        }
        if holds_link(plain) {
            return Some(TextErrorKind::Link(id.clone()));
        }
        self.too_long(language)
    }

    /// If only the company's name is outside the GSM alphabet, the text is not at fault. Then only the required part
    /// has to fit.
    fn too_long(&self, language: &LanguageTexts) -> Option<TextErrorKind> {
        let Self {
            id,
            head,
            plain,
            caution,
            ..
        } = self;
        let with_caution = |head| sms::whole(language, head, caution, [None, None]);
        let of_the_name = measure(head).alphabet == SmsAlphabet::Ucs2
            && measure(&with_caution(plain)).alphabet == SmsAlphabet::Gsm7;
        if of_the_name {
            too_long(id.clone(), "nothing else", head)
        } else {
            too_long(id.clone(), caution, &with_caution(head))
        }
    }
}

fn too_long(id: String, beside: &'static str, text: &str) -> Option<TextErrorKind> {
    let size = measure(text);
    (size.segments > 1).then(|| TextErrorKind::TooLong {
        id,
        beside,
        size,
        because: outside_gsm(text),
    })
}

/// The longest variants of a notice: one for each method, or for each number of codes left.
fn worst(kind: NoticeKind) -> Vec<Notice> {
    let plain = Notice::of(kind, Timestamp::from_millis(0));
    let must = catalog::of_notice_sms(kind).must;
    if must.contains(&"method") {
        let of = |method| Notice {
            method: Some(method),
            ..plain.clone()
        };
        return MethodKind::ALL.into_iter().map(of).collect();
    }
    if must.contains(&"left") {
        let with = |left| Notice {
            codes_left: Some(left),
            ..plain.clone()
        };
        return (0..=MAX_LEFT).map(with).collect();
    }
    vec![plain]
}
