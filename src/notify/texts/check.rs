//! Whether the texts of a company fit, with the longest values that there can be.

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

/// A code of the most digits that a policy may ask for.
const LONGEST_CODE: &str = "0123456789";

/// As many recovery codes as one set can have.
const MAX_LEFT: u32 = 10;

/// A name of a company that is in every alphabet.
const PLAIN_NAME: &str = "ACME";

/// What is looked at.
pub(super) struct TextCheck<'a> {
    /// The company's name.
    pub(super) company: &'a str,
    /// The lines behind its codes.
    pub(super) lines: &'a MachineReadableLines,
    /// As many digits as its codes have.
    pub(super) code: &'a str,
}

/// A text message at its longest.
struct LongestMessage {
    id: String,
    /// What is needed of it.
    head: String,
    /// The same of a company whose name is in every alphabet.
    plain: String,
    /// Values that have to stand in it.
    required_values: Vec<(&'static str, String)>,
    caution: &'static str,
}

impl TextCheck<'_> {
    /// What is wrong with texts of a language; of each the first that is found.
    pub(super) fn wrong(&self, language: &LanguageTexts) -> Vec<TextErrorKind> {
        let mut wrong: Vec<TextErrorKind> = Vec::new();
        for case in self.cases(language) {
            let known = wrong.iter().any(|wrong| wrong.id() == case.id);
            wrong.extend(case.wrong(language).filter(|_| !known));
        }
        wrong
    }

    /// Texts beside which there is no room for the lines that programs read.
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
        let untold = required_values.iter().find(|(_, value)| !head.contains(value));
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

    /// A company's name that the GSM alphabet lacks a character of is no fault of the text: then only what is needed has to
    /// fit.
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

/// A notice of each method, or with each number of codes that is left.
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
