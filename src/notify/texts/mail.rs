//! Renders e-mails as plain text and HTML.

use crate::notify::texts::{
    catalog,
    language::LanguageTexts,
    values::{args, clear_time, isolated, listed, method, minutes},
};
use countersign_domain::{
    notice::{
        account_label::AccountLabel,
        message::{MessageContent, Notice},
    },
    revert::REVERT_LIFETIME,
};

/// A rendered e-mail.
pub(super) struct RenderedMail {
    /// The subject never contains the code.
    pub(super) subject: String,
    tag: String,
    direction: &'static str,
    paragraphs: Vec<MailParagraph>,
}

/// The tenant's pages that an e-mail links to.
#[derive(Default)]
pub(super) struct MailLinks {
    /// The page on which the user can revert the change.
    pub(super) revert: Option<String>,
    /// The page on which the user can cancel a reset.
    pub(super) cancel_reset: Option<String>,
}

/// A paragraph and its style.
enum MailParagraph {
    Title(String),
    Plain(String),
    /// A code. Templates can't change it.
    Code(String),
    /// A link to the tenant's own page. Templates can't change it.
    Link(String),
    /// A footnote.
    Fine(String),
}

impl RenderedMail {
    /// Renders the paragraphs of an e-mail.
    pub(super) fn new(
        language: &LanguageTexts,
        company: &str,
        account: &AccountLabel,
        content: &MessageContent,
        links: MailLinks,
    ) -> Self {
        let company = isolated(language, company);
        let account = isolated(language, account.as_str());
        let account = language.say(catalog::MAIL_ACCOUNT, &args([("account", account)]));
        let (stem, middle) = match content {
            MessageContent::Code { purpose, .. } => {
                (catalog::code(*purpose), code(language, &company, content))
            }
            MessageContent::Notice(content) => (
                catalog::notice(content.kind),
                notice(language, &company, content, links),
            ),
        };
        let named = args([("company", company.as_str())]);
        let subject = language.say(&catalog::subject(stem), &named);
        let mut paragraphs = vec![MailParagraph::Title(subject.clone())];
        paragraphs.extend(middle);
        paragraphs.push(MailParagraph::Fine(account));
        paragraphs.push(MailParagraph::Fine(company));
        Self {
            subject,
            tag: language.tag(),
            direction: if language.is_right_to_left() {
                "rtl"
            } else {
                "ltr"
            },
            paragraphs,
        }
    }

    /// The e-mail as plain text.
    pub(super) fn text(&self) -> String {
        let texts: Vec<&str> = self.paragraphs.iter().map(MailParagraph::text).collect();
        texts.join("\n\n")
    }

    /// The e-mail as HTML. It loads nothing, and links only to the tenant's own page. Its only color is readable on
    /// light and dark, so clients that invert colors can't spoil it.
    pub(super) fn html(&self) -> String {
        let Self {
            subject,
            tag,
            direction,
            paragraphs,
        } = self;
        let body: String = paragraphs.iter().map(MailParagraph::html).collect();
        format!(
            "<!DOCTYPE html>\n\
             <html lang=\"{tag}\" dir=\"{direction}\">\n\
             <head>\n\
             <meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta name=\"format-detection\" content=\"telephone=no,date=no,address=no,email=no,url=no\">\n\
             <title>{title}</title>\n\
             </head>\n\
             <body style=\"margin:0;padding:24px;font-family:system-ui,'Segoe UI',Roboto,Arial,sans-serif;font-size:16px;line-height:1.5\">\n\
             <main lang=\"{tag}\" dir=\"{direction}\" style=\"max-width:520px;margin:0 auto;border-top:4px solid #808080\">\n\
             {body}</main>\n\
             </body>\n\
             </html>\n",
            title = escaped(subject)
        )
    }
}

impl MailParagraph {
    fn text(&self) -> &str {
        match self {
            Self::Title(text)
            | Self::Plain(text)
            | Self::Code(text)
            | Self::Link(text)
            | Self::Fine(text) => text,
        }
    }

    fn html(&self) -> String {
        let text = escaped(self.text());
        match self {
            Self::Title(_) => format!("<h1 style=\"font-size:20px;margin:16px 0\">{text}</h1>\n"),
            Self::Plain(_) => format!("<p style=\"margin:16px 0\">{text}</p>\n"),
            Self::Code(_) => format!(
                "<p dir=\"ltr\" style=\"margin:16px 0;font-family:ui-monospace,Consolas,Menlo,monospace;font-size:32px;font-weight:bold;letter-spacing:4px\">{text}</p>\n"
            ),
            Self::Link(_) => format!(
                "<p dir=\"ltr\" style=\"margin:16px 0;word-break:break-all\"><a href=\"{text}\">{text}</a></p>\n"
            ),
            Self::Fine(_) => format!("<p style=\"margin:16px 0;font-size:14px\">{text}</p>\n"),
        }
    }
}

fn code(language: &LanguageTexts, company: &str, content: &MessageContent) -> Vec<MailParagraph> {
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
    let named = args([("company", company)]);
    let sentence = catalog::mail(catalog::code(*purpose));
    let known = [
        Some(clear_time(*asked_at)),
        client_description.place.clone(),
        client_description.device.clone(),
    ];
    let known = known.into_iter().flatten();
    let known: Vec<String> = known.map(|value| isolated(language, &value)).collect();
    let confirms = transaction.as_ref().map(|text| {
        let text = isolated(language, text.as_str());
        language.say(catalog::MAIL_TRANSACTION, &args([("transaction", text)]))
    });
    let minutes = args([("minutes", minutes(*valid_for))]);
    let client_description = args([("client", listed(language, &known))]);
    let mut paragraphs = vec![
        MailParagraph::Plain(language.say(&sentence, &named)),
        MailParagraph::Code(code.expose().to_owned()),
    ];
    paragraphs.extend(confirms.map(MailParagraph::Plain));
    paragraphs.extend([
        MailParagraph::Plain(language.say(catalog::MAIL_MINUTES, &minutes)),
        MailParagraph::Fine(language.say(catalog::MAIL_CLIENT, &client_description)),
        MailParagraph::Fine(language.say(catalog::MAIL_DO_NOT_SHARE, &named)),
    ]);
    paragraphs
}

fn notice(
    language: &LanguageTexts,
    company: &str,
    notice: &Notice,
    links: MailLinks,
) -> Vec<MailParagraph> {
    let name = notice
        .method
        .map(|kind| language.say(catalog::method(kind), &args::<&str, 0>([])));
    let masked = notice.destination.as_deref();
    let masked = masked.map(|masked| isolated(language, masked));
    let mut values = args([
        ("company", company.to_owned()),
        ("method", method(name, masked)),
    ]);
    values.set("left", notice.codes_left.unwrap_or_default());
    let sentence = catalog::mail(catalog::notice(notice.kind));
    let when = args([("time", isolated(language, &clear_time(notice.at)))]);
    let mut paragraphs = vec![MailParagraph::Plain(language.say(&sentence, &values))];
    if let Some(reset) = &notice.reset {
        let due = isolated(language, &clear_time(reset.due_at));
        if let Some(page) = links.cancel_reset {
            let hold = language.say(catalog::MAIL_RESET_PAGE, &args([("due", due)]));
            paragraphs.extend([MailParagraph::Plain(hold), MailParagraph::Link(page)]);
        } else {
            let token = isolated(language, &reset.cancel_token);
            let hold = args([("due", due), ("token", token)]);
            let hold = language.say(catalog::MAIL_RESET_HOLD, &hold);
            paragraphs.push(MailParagraph::Plain(hold));
        }
    }
    if let Some(link) = links.revert {
        values.set("hours", REVERT_LIFETIME.as_secs() / 3600);
        let how = language.say(catalog::MAIL_REVERT, &values);
        paragraphs.extend([MailParagraph::Plain(how), MailParagraph::Link(link)]);
    } else {
        let whom = language.say(catalog::MAIL_NOT_YOU, &values);
        paragraphs.push(MailParagraph::Plain(whom));
    }
    paragraphs.push(MailParagraph::Fine(language.say(catalog::MAIL_WHEN, &when)));
    paragraphs
}

/// Escapes text for HTML.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}
