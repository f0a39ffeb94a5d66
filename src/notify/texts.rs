//! The texts of messages, in the user's language and the tenant's words.
//!
//! | topic | module |
//! |---|---|
//! | the built-in texts | `built_in`, `texts/*.ftl` |
//! | the list of texts, and the values of each | `catalog` |
//! | checks of a file's syntax | `file`; of its rendered texts, `check` |
//! | the choice of a language | `countersign_domain::value::locale` |
//! | the layout of a text message, and what is left out first | `sms` |
//! | the layout of an e-mail | `mail` |

mod built_in;
mod catalog;
mod check;
mod error;
mod file;
mod folder;
mod language;
mod machine_readable;
mod mail;
pub mod segments;
mod sms;
mod values;

pub use error::{TextError, TextErrorKind, TextErrors};

use crate::config::{RevertPage, TenantBranding};
use built_in::{BUILT_IN, FALLBACK_LANGUAGE, Languages};
use check::TextCheck;
use countersign_domain::{
    challenge::code::DigitCount,
    notice::message::{MessageContent, OutboundMessage},
    revert::RevertClaim,
    value::{destination::Channel, id::TenantId, locale::fallback_chain},
};
use folder::TextFolder;
use language::LanguageTexts;
use machine_readable::MachineReadableLines;
use mail::{MailLinks, RenderedMail};
use std::collections::HashMap;
use unic_langid::LanguageIdentifier;

/// The texts of all tenants.
pub struct MessageTexts {
    built_in: Languages,
    tenants: HashMap<TenantId, TenantOverrides>,
}

/// A rendered message.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedMessage {
    /// The subject of an e-mail. It never contains the code. Empty for a text message.
    pub subject: String,
    /// The message as plain text.
    pub text: String,
    /// The message as HTML. Empty for a text message.
    pub html: String,
}

/// The texts and pages that a tenant has configured.
#[derive(Default)]
struct TenantOverrides {
    languages: Languages,
    default_locale: Option<String>,
    lines: MachineReadableLines,
    revert_page: Option<RevertPage>,
    cancel_reset_page: Option<RevertPage>,
}

impl MessageTexts {
    /// The built-in texts, for tenants without texts of their own.
    #[must_use]
    pub fn built_in() -> Self {
        let languages = BUILT_IN.into_iter().map(|(tag, text)| {
            let file = file::read(text).ok();
            let files = file.into_iter().map(|file| file.resource);
            let id: LanguageIdentifier = tag.parse().unwrap_or_default();
            (tag.to_owned(), LanguageTexts::new(id, files))
        });
        Self {
            built_in: languages.collect(),
            tenants: HashMap::new(),
        }
    }

    /// Loads the built-in texts and those of tenants. `digits` is the length of codes. Also returns warnings for the
    /// operator, one sentence each.
    ///
    /// # Errors
    /// [`TextErrors`] lists everything that is wrong with the texts of tenants.
    pub fn load(
        tenants: &[TenantBranding],
        digits: DigitCount,
    ) -> Result<(Self, Vec<String>), TextErrors> {
        let mut texts = Self::built_in();
        let (mut wrong, mut warnings) = (Vec::new(), Vec::new());
        for tenant in tenants {
            match texts.of_tenant(tenant, digits, &mut warnings) {
                Ok(own) => {
                    texts.tenants.insert(tenant.id.clone(), own);
                }
                Err(bad) => wrong.extend(bad),
            }
        }
        if wrong.is_empty() {
            Ok((texts, warnings))
        } else {
            Err(TextErrors(wrong))
        }
    }

    /// Renders a message.
    #[must_use]
    pub fn render(&self, message: &OutboundMessage) -> RenderedMessage {
        let OutboundMessage {
            tenant,
            destination,
            locale,
            display_name,
            account,
            content,
            ..
        } = message;
        let language = self.language(tenant, locale.as_deref());
        match destination.channel() {
            Channel::Sms => {
                let nothing = MachineReadableLines::default();
                let lines = self.tenants.get(tenant).map_or(&nothing, |own| &own.lines);
                RenderedMessage {
                    subject: String::new(),
                    text: sms::text(language, lines, display_name, account, content),
                    html: String::new(),
                }
            }
            Channel::Email => {
                let links = MailLinks {
                    revert: self.revert_link(message),
                    cancel_reset: self.cancel_reset_link(message),
                };
                let mail = RenderedMail::new(language, display_name, account, content, links);
                RenderedMessage {
                    subject: mail.subject.clone(),
                    text: mail.text(),
                    html: mail.html(),
                }
            }
        }
    }

    /// The tenant's page on which the user can revert the change, if there is one.
    #[must_use]
    pub fn revert_link(&self, message: &OutboundMessage) -> Option<String> {
        let MessageContent::Notice(notice) = &message.content else {
            return None;
        };
        let page = self.tenants.get(&message.tenant)?.revert_page.as_ref()?;
        let RevertClaim { user, token } = notice.disclaimer.as_ref()?;
        Some(page.link(user, &token.expose()))
    }

    /// The tenant's page on which the user can cancel the reset, if there is one.
    #[must_use]
    pub fn cancel_reset_link(&self, message: &OutboundMessage) -> Option<String> {
        let MessageContent::Notice(notice) = &message.content else {
            return None;
        };
        let own = self.tenants.get(&message.tenant)?;
        let page = own.cancel_reset_page.as_ref()?;
        let reset = notice.reset.as_ref()?;
        Some(page.link(&reset.user, &reset.cancel_token))
    }

    /// The first language with texts: of the user, of the tenant, or else the fallback language.
    fn language(&self, tenant: &TenantId, locale: Option<&str>) -> &LanguageTexts {
        let own = self.tenants.get(tenant);
        let default = own.and_then(|own| own.default_locale.as_deref());
        let wanted = [locale, default, Some(FALLBACK_LANGUAGE)];
        let tags = wanted.into_iter().flatten().flat_map(fallback_chain);
        let find = |tag: String| {
            let of_tenant = own.and_then(|own| own.languages.get(&tag));
            of_tenant.or_else(|| self.built_in.get(&tag))
        };
        tags.into_iter()
            .find_map(find)
            .expect("the fallback language is built in")
    }

    fn of_tenant(
        &self,
        tenant: &TenantBranding,
        digits: DigitCount,
        warnings: &mut Vec<String>,
    ) -> Result<TenantOverrides, Vec<TextError>> {
        let folder = tenant
            .texts
            .as_deref()
            .map_or_else(|| Ok(TextFolder::default()), folder::read)?;
        let own = TenantOverrides {
            languages: folder.languages()?,
            default_locale: tenant.default_locale.clone(),
            lines: MachineReadableLines {
                host: tenant.host.clone(),
                app_hash: tenant.android_app_hash.clone(),
            },
            revert_page: tenant.revert_page.clone(),
            cancel_reset_page: tenant.cancel_reset_page.clone(),
        };
        let mut wrong = self.unknown_default(tenant, &own);
        let mut crowded = Vec::new();
        let code = "0".repeat(usize::from(digits.get()));
        let company = tenant.company();
        let check = TextCheck {
            company: &company,
            lines: &own.lines,
            code: &code,
        };
        let built_in = self
            .built_in
            .iter()
            .filter(|(tag, _)| !own.languages.contains_key(*tag));
        for (tag, language) in own.languages.iter().chain(built_in) {
            let bad = |(file, what)| TextError { file, what };
            wrong.extend(
                check
                    .wrong(language)
                    .into_iter()
                    .map(|what| bad((folder.file_of(tag, &what), what))),
            );
            let (ours, theirs): (Vec<TextErrorKind>, Vec<TextErrorKind>) = check
                .too_many_open(language)
                .into_iter()
                .partition(|what| folder.has(tag, what.id()));
            wrong.extend(
                ours.into_iter()
                    .map(|what| bad((folder.file_of(tag, &what), what))),
            );
            if !theirs.is_empty() {
                crowded.push(tag.as_str());
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        if !crowded.is_empty() {
            warnings.push(format!(
                "tenants: `{}`: text messages with a code have no room for all of origin and android_app_hash in {}; what does not fit is left out there",
                tenant.id.as_str(),
                crowded.join(", ")
            ));
        }
        Ok(own)
    }

    fn unknown_default(&self, tenant: &TenantBranding, own: &TenantOverrides) -> Vec<TextError> {
        let there =
            |tag: &String| own.languages.contains_key(tag) || self.built_in.contains_key(tag);
        let unknown = tenant.default_locale.as_ref();
        let unknown = unknown.filter(|locale| !fallback_chain(locale).iter().any(there));
        let bad = unknown.map(|locale| TextError {
            file: format!("tenants: `{}`: default_locale", tenant.id.as_str()),
            what: TextErrorKind::NoTexts(locale.clone()),
        });
        bad.into_iter().collect()
    }
}

#[cfg(test)]
mod tests;
