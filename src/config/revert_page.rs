//! The pages of a company on which people say that a change was not theirs, or cancel a reset.

use countersign_domain::value::id::UserId;
use data_encoding::HEXUPPER;
use url::{Host, Url};

/// The longest template, in bytes: its links fit into one line of an e-mail.
const LONGEST: usize = 512;

const TOKEN: &str = "{token}";
const USER: &str = "{user}";

/// A template of links: `https`, with one `{token}` and at most one `{user}` behind the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevertPage(String);

impl RevertPage {
    /// From what an operator wrote.
    #[must_use]
    pub fn parse(template: &str) -> Option<Self> {
        let plain =
            template.len() <= LONGEST && template.bytes().all(|byte| byte.is_ascii_graphic());
        let once = template.matches(TOKEN).count() == 1 && template.matches(USER).count() <= 1;
        let rest = template.replacen(TOKEN, "", 1).replacen(USER, "", 1);
        let nothing_else = !rest.contains(['{', '}']);
        // A place that both fill alike is none that they are part of.
        let same_place = place(&filled(template, "a", "a")) == place(&filled(template, "b", "b"));
        let is_a_page = place(&filled(template, "a", "a")).is_some();
        (plain && once && nothing_else && is_a_page && same_place)
            .then(|| Self(template.to_owned()))
    }

    /// The link of one change, or of one reset.
    #[must_use]
    pub fn link(&self, user: &UserId, token: &str) -> String {
        filled(&self.0, &encoded(user.as_str()), token)
    }
}

fn filled(template: &str, user: &str, token: &str) -> String {
    template.replacen(USER, user, 1).replacen(TOKEN, token, 1)
}

/// Who serves a page, if people's links may lead there.
fn place(link: &str) -> Option<(String, Option<u16>)> {
    let url = Url::parse(link).ok()?;
    let Some(Host::Domain(host)) = url.host() else {
        return None;
    };
    let bare = url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
    bare.then(|| (host.to_owned(), url.port()))
}

/// A user's id, percent-encoded but for unreserved characters (RFC 3986 §2.3).
fn encoded(user: &str) -> String {
    let mut link = String::with_capacity(user.len());
    for byte in user.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            link.push(char::from(byte));
        } else {
            link.push('%');
            link.push_str(&HEXUPPER.encode(&[byte]));
        }
    }
    link
}

#[cfg(test)]
mod tests;
