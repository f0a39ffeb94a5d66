//! The texts that come with the program.

use crate::notify::texts::language::LanguageTexts;
use std::collections::BTreeMap;

/// The language of messages if neither user nor tenant has one.
pub(super) const FALLBACK_LANGUAGE: &str = "en";

/// The built-in texts: language tag and Fluent source.
pub(super) const BUILT_IN: [(&str, &str); 6] = [
    ("ar", include_str!("ar.ftl")),
    ("de", include_str!("de.ftl")),
    ("en", include_str!("en.ftl")),
    ("es", include_str!("es.ftl")),
    ("ms", include_str!("ms.ftl")),
    ("zh", include_str!("zh.ftl")),
];

/// Languages by their tag in lower case.
pub(super) type Languages = BTreeMap<String, LanguageTexts>;

/// The built-in Fluent source of a language.
pub(super) fn built_in_text(tag: &str) -> Option<&'static str> {
    let (_, text) = BUILT_IN
        .into_iter()
        .find(|(built_in, _)| *built_in == tag)?;
    Some(text)
}
