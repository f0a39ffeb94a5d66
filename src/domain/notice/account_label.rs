//! How a message names the account that it is about.

use crate::value::{
    destination::{Destination, Email},
    text,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The account in a message, so that several accounts with one mailbox or number are told apart.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountLabel(String);

impl AccountLabel {
    /// Labels an account by its name, or by a masked form of it.
    ///
    /// A name in which a mail program would find a link is masked too, unless the name is an e-mail address (A33). So is
    /// a name with an invisible character or a change of direction.
    #[must_use]
    pub fn new(name: &str, is_masked: bool) -> Self {
        let address = Email::parse(name).ok();
        let is_plain = text::plain_line(name, usize::MAX).is_ok();
        let may_be_shown = is_plain && (address.is_some() || !text::holds_link(name));
        if may_be_shown && !is_masked {
            return Self(name.to_owned());
        }
        Self(address.map_or_else(
            || masked(name),
            |address| Destination::Email(address).masked(),
        ))
    }

    /// The text to show.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The first letter or digit of a name, and the last one of a name of at least four.
fn masked(name: &str) -> String {
    let shown: Vec<char> = name.chars().filter(|c| c.is_alphanumeric()).collect();
    let first = shown.first().map(char::to_string).unwrap_or_default();
    let last = shown.last().filter(|_| shown.len() >= 4);
    format!(
        "{first}***{}",
        last.map(char::to_string).unwrap_or_default()
    )
}

impl fmt::Debug for AccountLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountLabel([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn label(name: &str, is_masked: bool) -> String {
        AccountLabel::new(name, is_masked).as_str().to_owned()
    }

    #[test]
    fn a_name_is_shown_unless_the_policy_masks_it() {
        for (name, masked) in [
            ("jane", "j***e"),
            ("jan", "j***"),
            ("jane@example.com", "j***@e***.com"),
            ("auth0|507f1f77bcf86cd799439011", "a***1"),
            ("李小龙", "李***"),
            ("Jane Doe", "J***e"),
        ] {
            assert_eq!(label(name, false), name);
            assert_eq!(label(name, true), masked);
        }
    }

    #[test]
    fn a_name_that_could_mislead_the_reader_is_masked() {
        for (name, masked) in [
            ("your prize: evil.example/win", "y***n"),
            ("https://evil.example", "h***e"),
            ("jane\u{202E}enaj", "j***j"),
            ("line\nbreak", "l***k"),
            ("***", "***"),
        ] {
            assert_eq!(label(name, false), masked, "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn no_label_but_an_address_holds_a_link(name in any::<String>(), is_masked: bool) {
            let label = label(&name, is_masked);
            prop_assert!(!text::holds_link(&label) || Email::parse(&label).is_ok() || label.contains("***@"));
        }
    }
}
