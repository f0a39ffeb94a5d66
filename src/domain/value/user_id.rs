//! Ids of users: any text of a provider, in one spelling (UAX #15), and the skeleton by which look-alikes are found.

use crate::value::{
    malformed::MalformedValue,
    text::{cut, hides_something},
};
use data_encoding::HEXLOWER;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{BidiControl, DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// The version of Unicode whose characters ids may have, and by which their stored forms are made. A record's form fixes it: a
/// test fails if a library of another version computes other forms.
pub const UNICODE_VERSION: (u8, u8, u8) = (17, 0, 0);

/// The id of a user in a tenant, given by the caller: 1 to 255 bytes of UTF-8 in NFC. Ids are compared byte for byte.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UserId(String);

/// Which differences make two ids of a tenant two users. Others are refused when a user is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UserIdRules {
    /// Ids that differ only in case.
    pub case_sensitive: bool,
    /// Ids that differ only in accents, width and compatible forms.
    pub accent_sensitive: bool,
}

/// Why an id can't be given to another user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserIdConflict {
    /// It differs from an existing one only in case.
    DiffersInCase,
    /// It differs from an existing one in accents, width or compatible forms, and perhaps in case.
    LooksAlike,
}

impl UserIdRules {
    /// Every combination, the strictest first.
    const ALL: [Self; 4] = [
        Self::new(false, false),
        Self::new(true, false),
        Self::new(false, true),
        Self::new(true, true),
    ];

    const fn new(case_sensitive: bool, accent_sensitive: bool) -> Self {
        Self {
            case_sensitive,
            accent_sensitive,
        }
    }

    /// The form of an id that no two users with one skeleton share under these rules.
    #[must_use]
    pub fn exact_id(self, user: &UserId) -> String {
        match (self.case_sensitive, self.accent_sensitive) {
            (false, false) => String::new(),
            (true, false) => user.cased_skeleton(),
            (false, true) => user.folded(),
            (true, true) => user.as_str().to_owned(),
        }
    }

    /// Rules under which an id has this exact form.
    #[must_use]
    pub fn of_exact_id(user: &UserId, exact_id: &str) -> Option<Self> {
        let mut rules = Self::ALL.into_iter();
        rules.find(|rules| rules.exact_id(user) == exact_id)
    }

    /// Whether two ids mean one user under these rules.
    #[must_use]
    pub fn is_same(self, one: &UserId, other: &UserId) -> bool {
        one == other || self.conflict(one, other).is_some()
    }

    /// Why a user can't have an id beside another user's.
    #[must_use]
    pub fn conflict(self, new: &UserId, existing: &UserId) -> Option<UserIdConflict> {
        let is_alike = new != existing
            && new.skeleton() == existing.skeleton()
            && self.exact_id(new) == self.exact_id(existing);
        let differs_in_case = new.folded() == existing.folded();
        is_alike.then_some(if differs_in_case {
            UserIdConflict::DiffersInCase
        } else {
            UserIdConflict::LooksAlike
        })
    }
}

impl UserId {
    /// The longest id, in bytes, as it comes and in NFC.
    pub const MAX_BYTES: usize = 255;

    /// Reads an id: no white space at its ends; no control characters, line separators, changes of direction, characters
    /// without a shape of their own, and none that Unicode does not assign.
    ///
    /// # Errors
    /// [`MalformedValue`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        if text.is_empty() {
            return Err(MalformedValue::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(MalformedValue::TooLong(Self::MAX_BYTES));
        }
        if text.trim() != text || text.chars().any(is_refused) {
            return Err(MalformedValue::NotAUserId);
        }
        let composed = ComposingNormalizerBorrowed::new_nfc().normalize(text);
        if composed.len() > Self::MAX_BYTES {
            return Err(MalformedValue::TooLong(Self::MAX_BYTES));
        }
        Ok(Self(composed.into_owned()))
    }

    /// The id in NFC.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id without case. Ids that differ only in case have the same folded form.
    #[must_use]
    pub fn folded(&self) -> String {
        let folded: String = fold(self.0.chars()).collect();
        let composed = ComposingNormalizerBorrowed::new_nfc().normalize(&folded);
        bounded(composed.into_owned())
    }

    /// The id without case, accents and width. Ids with the same skeleton may be taken for each other.
    #[must_use]
    pub fn skeleton(&self) -> String {
        Self::skeleton_of(&self.0)
    }

    /// The skeleton of a text that need not be an id, such as the beginning of one.
    #[must_use]
    pub fn skeleton_of(text: &str) -> String {
        if text.is_ascii() {
            return text.to_ascii_lowercase();
        }
        bounded(bare(&fold(bare(text).chars()).collect::<String>()))
    }

    /// The skeleton with its case: what tells ids apart where case matters and accents don't.
    #[must_use]
    pub fn cased_skeleton(&self) -> String {
        bounded(bare(&self.0))
    }
}

/// A form that fits into an index: a few characters decompose into a sentence each. The end of a longer form becomes a digest.
fn bounded(form: String) -> String {
    const MAX_BYTES: usize = 255;
    const KEPT_BYTES: usize = 180;
    if form.len() <= MAX_BYTES {
        return form;
    }
    let digest = HEXLOWER.encode(&Sha256::digest(&form));
    format!("{}{digest}", cut(&form, KEPT_BYTES))
}

/// NFKD without marks and characters that have no shape. The decomposed form, because the beginning of a text then has
/// the beginning of its skeleton.
fn bare(text: &str) -> String {
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let category = CodePointMapData::<GeneralCategory>::new();
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    let is_mark = |character| GeneralCategoryGroup::Mark.contains(category.get(character));
    let kept = decomposed.chars();
    kept.filter(|&character| !is_mark(character) && !ignorable.contains(character))
        .collect()
}

/// Full case folding, by way of the upper case: `ß` and `SS` are the same.
fn fold(text: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    let upper = text.flat_map(char::to_uppercase);
    upper.flat_map(char::to_lowercase)
}

fn is_refused(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(character);
    hides_something(character)
        || category == GeneralCategory::Unassigned
        || CodePointSetData::new::<BidiControl>().contains(character)
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
}

/// Redacted, because user ids must not appear in logs.
impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserId([redacted])")
    }
}

#[cfg(test)]
mod tests;
