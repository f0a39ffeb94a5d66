//! Joiners and emoji tags: characters without a shape of their own that some words and emoji need.
//!
//! They are taken where Unicode gives them a meaning (UAX #31 §2.3, UTS #51 §2), and nowhere else.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{
        CanonicalCombiningClass, EmojiModifier, ExtendedPictographic, GeneralCategory,
        GeneralCategoryGroup, IndicSyllabicCategory, JoiningType,
    },
};

const NON_JOINER: char = '\u{200C}';
const JOINER: char = '\u{200D}';
const EMOJI_VARIATION: char = '\u{FE0F}';
const TEXT_VARIATION: char = '\u{FE0E}';

/// The flag that tags turn into the flag of a region, such as Scotland's.
const BLACK_FLAG: char = '\u{1F3F4}';
const TAG_END: char = '\u{E007F}';

/// The text without joiners and variation selectors. Names that differ in them only look the same.
#[must_use]
fn without_joiners(text: &str) -> String {
    text.chars()
        .filter(|&character| !is_joiner(character))
        .collect()
}

/// Whether two texts are equal, or differ in joiners only. No joiner is ASCII, so most pairs need one comparison.
pub(crate) fn is_same_without_joiners(text: &str, other: &str) -> bool {
    let may_hold_joiners = !text.is_ascii() || !other.is_ascii();
    text == other || may_hold_joiners && without_joiners(text) == without_joiners(other)
}

/// Whether a character is a joiner or a variation selector of emoji.
pub(crate) const fn is_joiner(character: char) -> bool {
    matches!(
        character,
        NON_JOINER | JOINER | TEXT_VARIATION | EMOJI_VARIATION
    )
}

/// Whether a hidden character has a meaning between the characters before and after it.
pub(super) fn is_in_place(before: &[char], character: char, after: &[char]) -> bool {
    match character {
        NON_JOINER => parts_cursive_letters(before, after) || parts_conjunct(before, after),
        JOINER => joins_conjunct(before, after) || joins_emoji(before, after),
        tag if is_tag(tag) => is_in_flag(before, tag, after),
        _ => false,
    }
}

/// UAX #31, A1: letters that would be joined, as in Persian.
fn parts_cursive_letters(before: &[char], after: &[char]) -> bool {
    let joining = CodePointMapData::<JoiningType>::new();
    let kind = |character: &char| joining.get(*character);
    let is_letter = |kind: &JoiningType| *kind != JoiningType::Transparent;
    let left = before.iter().rev().map(kind).find(is_letter);
    let right = after.iter().map(kind).find(is_letter);
    matches!(
        left,
        Some(JoiningType::DualJoining | JoiningType::LeftJoining)
    ) && matches!(
        right,
        Some(JoiningType::DualJoining | JoiningType::RightJoining)
    )
}

/// UAX #31, A2: a conjunct of an Indic script that is shown in parts.
fn parts_conjunct(before: &[char], after: &[char]) -> bool {
    let next = after.iter().find(|character| !is_combining(**character));
    ends_in_virama(before) && next.is_some_and(|next| is_letter(*next))
}

/// UAX #31, B: a form of a conjunct of an Indic script.
fn joins_conjunct(before: &[char], after: &[char]) -> bool {
    let syllabic = CodePointMapData::<IndicSyllabicCategory>::new();
    let next = after.iter().find(|character| !is_combining(**character));
    let is_vowel = |next: &char| syllabic.get(*next) == IndicSyllabicCategory::VowelDependent;
    ends_in_virama(before) && !next.is_some_and(is_vowel)
}

/// A letter, marks, a virama, and marks.
fn ends_in_virama(before: &[char]) -> bool {
    let combining = CodePointMapData::<CanonicalCombiningClass>::new();
    let is_virama = |character: &char| combining.get(*character) == CanonicalCombiningClass::Virama;
    let is_mark = |character: &&char| !is_virama(character) && is_combining(**character);
    let mut rest = before.iter().rev().skip_while(is_mark);
    let Some(true) = rest.next().map(is_virama) else {
        return false;
    };
    let mut letters = rest.skip_while(|character| is_nonspacing(**character));
    letters
        .next()
        .is_some_and(|character| is_letter(*character))
}

/// UTS #51, ED-16: an emoji, perhaps with a skin tone or a variation selector, before another one.
fn joins_emoji(before: &[char], after: &[char]) -> bool {
    let pictographic = CodePointSetData::new::<ExtendedPictographic>();
    let modifier = CodePointSetData::new::<EmojiModifier>();
    let is_part =
        |character: &&char| **character == EMOJI_VARIATION || modifier.contains(**character);
    let emoji = before.iter().rev().find(|character| !is_part(character));
    [emoji, after.first()]
        .into_iter()
        .all(|emoji| emoji.is_some_and(|emoji| pictographic.contains(*emoji)))
}

/// UTS #51, ED-14a: the tags of a flag, and their end.
fn is_in_flag(before: &[char], tag: char, after: &[char]) -> bool {
    const LONGEST_REGION: usize = 6;
    let tags = before
        .iter()
        .rev()
        .take_while(|character| is_tag(**character));
    let place = tags.count();
    let flag = before.iter().rev().nth(place) == Some(&BLACK_FLAG);
    let follows = after.first().is_some_and(|next| is_tag(*next));
    flag && place <= LONGEST_REGION && follows == (tag != TAG_END)
}

/// Letters and digits of a region as tags, and their end.
const fn is_tag(character: char) -> bool {
    matches!(character, '\u{E0030}'..='\u{E0039}' | '\u{E0061}'..='\u{E007A}' | TAG_END)
}

fn category(character: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(character)
}

fn is_letter(character: char) -> bool {
    GeneralCategoryGroup::Letter.contains(category(character))
}

fn is_nonspacing(character: char) -> bool {
    category(character) == GeneralCategory::NonspacingMark
}

fn is_combining(character: char) -> bool {
    let class = CodePointMapData::<CanonicalCombiningClass>::new().get(character);
    is_nonspacing(character) && class != CanonicalCombiningClass::NotReordered
}

#[cfg(test)]
mod tests;
