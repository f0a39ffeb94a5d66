//! Language tags, and the languages in which a text is looked for.

use icu_locale_core::{Locale as LanguageTag, subtags::Script};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use unic_langid::LanguageIdentifier;

/// The longest tag, in bytes.
const MAX_LENGTH: usize = 64;

/// Modifiers of POSIX locales that name a script.
const POSIX_SCRIPTS: [(&str, &str); 2] = [("latin", "Latn"), ("cyrillic", "Cyrl")];

/// A BCP-47 language tag in its canonical spelling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locale(String);

impl Locale {
    /// Reads a tag as clients and systems write it: `pt-BR` (BCP 47), `pt_BR` (OIDC Core §5.1) or
    /// `pt_BR.UTF-8` (POSIX). `None` if the text names no language.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (text, modifier) = text.trim().split_once('@').unwrap_or((text.trim(), ""));
        let (text, _charset) = text.split_once('.').unwrap_or((text, ""));
        if text.len() > MAX_LENGTH || text.eq_ignore_ascii_case("POSIX") {
            return None;
        }
        let mut tag = LanguageTag::try_from_str(&text.replace('_', "-")).ok()?;
        if tag.id.language.is_unknown() {
            return None;
        }
        let mut scripts = POSIX_SCRIPTS.into_iter();
        if let Some((_, script)) = scripts.find(|(name, _)| *name == modifier) {
            tag.id.script = tag.id.script.or(Script::try_from_str(script).ok());
        }
        Some(Self(tag.to_string()))
    }

    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The tags for which texts are looked up for `tag`, in lower case, the most specific first: `de-at`, `de` (RFC 4647
/// §3.4). Texts in another script are no fallback (CLDR, UTS #35 §4.1): `zh-TW` is looked up as `zh-tw`, `zh-hant-tw`
/// and `zh-hant`, never as `zh`. Extensions are ignored.
#[must_use]
pub fn fallback_chain(tag: &str) -> Vec<String> {
    let tag = tag.to_ascii_lowercase();
    let subtags: Vec<&str> = tag.split('-').take_while(|part| part.len() > 1).collect();
    let mut chain = prefixes(&subtags);
    let (Some(whole), Some(language)) = (chain.first(), subtags.first()) else {
        return chain;
    };
    let likely = maximized(whole);
    if likely.script == maximized(language).script {
        return chain;
    }
    let script = likely
        .script
        .map(|script| script.as_str().to_ascii_lowercase());
    let script = script.unwrap_or_default();
    let others = subtags.iter().skip(1).filter(|part| **part != script);
    let in_script: Vec<&str> = [*language, &script]
        .into_iter()
        .chain(others.copied())
        .collect();
    let usual = maximized(&format!("{language}-{script}"));
    let usual_region = usual.region.map(|region| format!("{language}-{region}"));
    chain.extend(prefixes(&in_script));
    chain.extend(usual_region.map(|tag| tag.to_ascii_lowercase()));
    chain.retain(|tag| maximized(tag).script == likely.script);
    let mut seen = HashSet::new();
    chain.retain(|tag| seen.insert(tag.clone()));
    chain
}

/// The first subtag, the first two, and so on; the longest prefix first.
fn prefixes(subtags: &[&str]) -> Vec<String> {
    let lengths = (1..=subtags.len()).rev();
    lengths
        .filter_map(|length| Some(subtags.get(..length)?.join("-")))
        .collect()
}

/// The tag with its likely script and region (UTS #35 §4.3).
fn maximized(tag: &str) -> LanguageIdentifier {
    let mut language: LanguageIdentifier = tag.parse().unwrap_or_default();
    language.maximize();
    language
}

#[cfg(test)]
mod tests;
