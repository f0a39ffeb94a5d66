//! The texts of one language.

use crate::notify::texts::catalog::templates;
use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use std::sync::Arc;
use unic_langid::LanguageIdentifier;

/// Languages that are usually written from right to left.
const RIGHT_TO_LEFT: [&str; 11] = [
    "ar", "ckb", "dv", "fa", "he", "ps", "sd", "syr", "ug", "ur", "yi",
];

/// Scripts that are written from right to left.
const RIGHT_TO_LEFT_SCRIPTS: [&str; 8] = [
    "Adlm", "Arab", "Hebr", "Mand", "Nkoo", "Rohg", "Syrc", "Thaa",
];

pub(super) struct LanguageTexts {
    tag: LanguageIdentifier,
    bundle: FluentBundle<Arc<FluentResource>>,
}

impl LanguageTexts {
    /// Combines files. A later file overrides texts of earlier ones.
    pub(super) fn new(
        tag: LanguageIdentifier,
        files: impl IntoIterator<Item = Arc<FluentResource>>,
    ) -> Self {
        let mut bundle = FluentBundle::new_concurrent(vec![tag.clone()]);
        // Values are isolated where needed by the callers. A text message has no room for isolation characters.
        bundle.set_use_isolating(false);
        for file in files {
            bundle.add_resource_overriding(file);
        }
        Self { tag, bundle }
    }

    /// The BCP 47 tag.
    pub(super) fn tag(&self) -> String {
        self.tag.to_string()
    }

    /// Whether the language is written from right to left: decided by the tag's script, or else by the language's usual
    /// one.
    pub(super) fn is_right_to_left(&self) -> bool {
        match self.tag.script {
            Some(script) => RIGHT_TO_LEFT_SCRIPTS.contains(&script.as_str()),
            None => RIGHT_TO_LEFT.contains(&self.tag.language.as_str()),
        }
    }

    /// The first text that the language lacks.
    pub(super) fn lacks(&self) -> Option<String> {
        let ids = templates().into_iter().map(|template| template.id);
        ids.into_iter().find(|id| !self.bundle.has_message(id))
    }

    /// Formats a text with its values. Both were checked when the texts were loaded, so nothing is missing.
    pub(super) fn say(&self, id: &str, values: &FluentArgs) -> String {
        let pattern = self.bundle.get_message(id).and_then(|text| text.value());
        pattern.map_or_else(String::new, |pattern| {
            let text = self
                .bundle
                .format_pattern(pattern, Some(values), &mut Vec::new());
            text.into_owned()
        })
    }
}
