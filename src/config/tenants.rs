//! `[[tenants]]`.

use crate::config::RevertPage;
use countersign_domain::value::{
    id::TenantId,
    locale::Locale,
    malformed::{InvalidField, MalformedValue},
    tenant::{DisplayName, DisplayNames},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, path::PathBuf};
use url::{Host, Url};

/// What messages of a company look like. Companies that are not named here have the built-in texts, signed with their id.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantConfig {
    /// The company's id, as callers send it.
    pub id: String,
    /// Its name in messages and apps: 1 to 64 bytes of one line without a URL; it may hold a dot, as in `Booking.com`. Its id where absent. Text messages show 18 characters of it.
    pub display_name: Option<String>,
    /// `https://host` of the page where codes are typed. Browsers then fill codes in there and nowhere else (`@host #code` ends each text message with a code).
    pub origin: Option<String>,
    /// The 11 characters by which Android hands text messages with codes to the company's app.
    pub android_app_hash: Option<String>,
    /// Language of messages to people whose own is not known or has no texts: a BCP-47 tag. `en` where absent.
    pub default_locale: Option<String>,
    /// `https://` link to the company's page on which people say that a change was not theirs, with `{token}` and, if wanted, `{user}` in it, such as `https://login.acme.example/not-me#{user}/{token}`. E-mails with news of a change then show it, and the page calls `RevertChange`. Without one they say to contact the administrator.
    pub revert_url: Option<String>,
    /// The same for the page on which people cancel a reset that somebody asked for who could not sign in, such as `https://login.acme.example/cancel-reset#{user}/{token}`. It calls `CancelReset`. Without one e-mails show the bare token.
    pub cancel_reset_url: Option<String>,
    /// Folder with `.ftl` files, each named after its language, with texts in the company's own words.
    pub texts: Option<PathBuf>,
}

/// A company that was checked.
#[derive(Debug, Clone)]
pub struct TenantBranding {
    /// Its id.
    pub id: TenantId,
    /// Its name.
    pub display_name: Option<DisplayName>,
    /// The host that browsers bind codes to.
    pub host: Option<String>,
    /// The app that Android hands codes to.
    pub android_app_hash: Option<String>,
    /// Language of messages where no other is known.
    pub default_locale: Option<String>,
    /// Where its own texts are.
    pub texts: Option<PathBuf>,
    /// Where people say that a change was not theirs.
    pub revert_page: Option<RevertPage>,
    /// Where people cancel a reset.
    pub cancel_reset_page: Option<RevertPage>,
}

/// A company that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTenant {
    /// A field has another form.
    #[error("tenants: `{0}`: {1}")]
    Field(String, InvalidField),
    /// Two have one id.
    #[error("tenants: `{0}` stands there twice")]
    Twice(String),
    /// An origin that browsers bind no code to.
    #[error(
        "tenants: `{0}`: origin has to be https:// and a host name, without a port or anything behind it"
    )]
    Origin(String),
    /// A page that no link may lead to.
    #[error(
        "tenants: `{0}`: {1} has to be https:// and a host name, with one {{token}} and at most one {{user}} behind it"
    )]
    Page(String, &'static str),
    /// A hash of another form.
    #[error("tenants: `{0}`: android_app_hash has to be 11 characters of A–Z a–z 0–9 + /")]
    AppHash(String),
}

impl TenantConfig {
    fn checked(&self) -> Result<TenantBranding, InvalidTenant> {
        let named = || self.id.clone();
        let field = |bad| InvalidTenant::Field(named(), bad);
        let name = self.display_name.as_deref().map(DisplayName::parse);
        let locale = self.default_locale.as_deref().filter(|tag| !tag.is_empty());
        let not_a_locale = || field(MalformedValue::NotALocale.at("default_locale"));
        let locale = locale.map(|tag| Locale::parse(tag).ok_or_else(not_a_locale));
        let locale = locale.transpose()?;
        let host = self
            .origin
            .as_deref()
            .map(|origin| host(origin).ok_or_else(|| InvalidTenant::Origin(named())));
        let page = |name, template: &Option<String>| {
            let template = template.as_deref();
            let page = template.map(|template| {
                RevertPage::parse(template).ok_or_else(|| InvalidTenant::Page(named(), name))
            });
            page.transpose()
        };
        let hash = self.android_app_hash.as_deref();
        if hash.is_some_and(|hash| !is_app_hash(hash)) {
            return Err(InvalidTenant::AppHash(named()));
        }
        Ok(TenantBranding {
            id: TenantId::parse(&self.id).map_err(|why| field(why.at("id")))?,
            display_name: name
                .transpose()
                .map_err(|why| field(why.at("display_name")))?,
            host: host.transpose()?,
            android_app_hash: hash.map(str::to_owned),
            default_locale: locale.map(|locale| locale.as_str().to_owned()),
            texts: self.texts.clone(),
            revert_page: page("revert_url", &self.revert_url)?,
            cancel_reset_page: page("cancel_reset_url", &self.cancel_reset_url)?,
        })
    }
}

impl TenantBranding {
    /// What the company is called.
    #[must_use]
    pub fn company(&self) -> String {
        let named = self.display_name.as_ref().map(DisplayName::as_str);
        named.unwrap_or(self.id.as_str()).to_owned()
    }
}

/// All companies that are named.
///
/// # Errors
/// Tells what is wrong with which.
pub fn tenants(configured: &[TenantConfig]) -> Result<Vec<TenantBranding>, InvalidTenant> {
    let mut ids = HashSet::new();
    let mut tenants = Vec::new();
    for config in configured {
        if !ids.insert(config.id.as_str()) {
            return Err(InvalidTenant::Twice(config.id.clone()));
        }
        tenants.push(config.checked()?);
    }
    Ok(tenants)
}

/// What companies are called.
#[must_use]
pub fn display_names(tenants: &[TenantBranding]) -> DisplayNames {
    let named = |tenant: &TenantBranding| Some((tenant.id.clone(), tenant.display_name.clone()?));
    tenants.iter().filter_map(named).collect()
}

/// The host of an origin. A code is bound to a host, and never to a port (WICG, origin-bound one-time codes).
fn host(origin: &str) -> Option<String> {
    let url = Url::parse(origin).ok()?;
    let Some(Host::Domain(host)) = url.host() else {
        return None;
    };
    let bare = url.scheme() == "https"
        && url.port().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    bare.then(|| host.to_owned())
}

fn is_app_hash(hash: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"+/".contains(&byte);
    hash.len() == 11 && hash.bytes().all(known)
}
