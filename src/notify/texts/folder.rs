//! A tenant's folder of texts. Each file overrides texts of one language, or adds a language.

use crate::notify::texts::{
    TextError, TextErrorKind,
    built_in::{Languages, built_in_text},
    catalog,
    file::{self, TextFile},
    language::LanguageTexts,
};
use countersign_domain::value::locale::fallback_chain;
use fluent_bundle::FluentResource;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use unic_langid::LanguageIdentifier;

/// The files of a folder, by language tag in lower case.
#[derive(Default)]
pub(super) struct TextFolder(BTreeMap<String, TenantTextFile>);

struct TenantTextFile {
    tag: LanguageIdentifier,
    path: PathBuf,
    file: TextFile,
}

/// Reads a folder.
///
/// # Errors
/// Everything that is wrong with any of its files.
pub(super) fn read(folder: &Path) -> Result<TextFolder, Vec<TextError>> {
    let unreadable = |cause| vec![bad(folder, TextErrorKind::Unreadable(cause))];
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ftl"));
    paths.sort();
    if paths.is_empty() {
        return Err(vec![bad(folder, TextErrorKind::NoFiles)]);
    }
    let (mut files, mut wrong) = (BTreeMap::new(), Vec::new());
    for path in paths {
        match read_file(path) {
            Ok(own) => {
                files.insert(own.tag.to_string().to_ascii_lowercase(), own);
            }
            Err(bad) => wrong.extend(bad),
        }
    }
    if wrong.is_empty() {
        Ok(TextFolder(files))
    } else {
        Err(wrong)
    }
}

fn read_file(path: PathBuf) -> Result<TenantTextFile, Vec<TextError>> {
    let name = path
        .file_stem()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let tag = name
        .parse::<LanguageIdentifier>()
        .ok()
        .filter(|tag| tag.language != unic_langid::subtags::Language::default())
        .ok_or_else(|| vec![bad(&path, TextErrorKind::NotALanguage)])?;
    let text = fs::read_to_string(&path)
        .map_err(|cause| vec![bad(&path, TextErrorKind::Unreadable(cause))])?;
    let file = file::read(&text).map_err(|wrong| {
        wrong
            .into_iter()
            .map(|what| bad(&path, what))
            .collect::<Vec<_>>()
    })?;
    Ok(TenantTextFile { tag, path, file })
}

fn bad(path: &Path, what: TextErrorKind) -> TextError {
    TextError {
        file: path.display().to_string(),
        what,
    }
}

impl TextFolder {
    /// The languages of the folder. A text that a file lacks is taken from less specific files; for the same tag, the
    /// tenant's file precedes the built-in one.
    ///
    /// # Errors
    /// The texts that a language lacks, even with its fallbacks.
    pub(super) fn languages(&self) -> Result<Languages, Vec<TextError>> {
        let (mut languages, mut wrong) = (Languages::new(), Vec::new());
        for (tag, own) in &self.0 {
            let language = LanguageTexts::new(own.tag.clone(), self.files(tag));
            wrong.extend(
                language
                    .lacks()
                    .map(|id| bad(&own.path, TextErrorKind::Missing(id))),
            );
            languages.insert(tag.clone(), language);
        }
        if wrong.is_empty() {
            Ok(languages)
        } else {
            Err(wrong)
        }
    }

    /// The files of a language, the least specific first.
    fn files(&self, tag: &str) -> Vec<Arc<FluentResource>> {
        let mut files = Vec::new();
        for tag in fallback_chain(tag).into_iter().rev() {
            let built_in = built_in_text(&tag).and_then(|text| file::read(text).ok());
            files.extend(built_in.map(|file| file.resource));
            let own = self.0.get(&tag).map(|own| Arc::clone(&own.file.resource));
            files.extend(own);
        }
        files
    }

    /// Whether the tenant overrides this text or the caution that follows it.
    pub(super) fn has(&self, tag: &str, id: &str) -> bool {
        self.owner(tag, id).is_some() || self.owner(tag, catalog::SMS_DO_NOT_SHARE).is_some()
    }

    /// The file in which to fix the error.
    pub(super) fn file_of(&self, tag: &str, what: &TextErrorKind) -> String {
        let cautions = [catalog::SMS_DO_NOT_SHARE, catalog::SMS_NOT_YOU];
        let ids = [what.id()].into_iter().chain(cautions);
        let owner = ids.into_iter().find_map(|id| self.owner(tag, id));
        owner.map_or_else(
            || format!("the built-in texts in {tag}"),
            |own| own.path.display().to_string(),
        )
    }

    fn owner(&self, tag: &str, id: &str) -> Option<&TenantTextFile> {
        let tags = fallback_chain(tag);
        let mut files = tags.iter().filter_map(|tag| self.0.get(tag));
        files.find(|own| own.file.ids.contains(id))
    }
}
