//! One source of values of the configuration, with the name that it is shown by.

use figment::{
    Error, Metadata, Profile, Provider, Source,
    value::{Dict, Map, Value},
};
use std::path::Path;

/// Values from one source.
pub(super) struct ConfigLayer {
    metadata: Metadata,
    values: Dict,
}

impl ConfigLayer {
    /// The values of a file that was read.
    pub(super) fn file(file: &Path, values: Dict) -> Self {
        Self {
            metadata: Metadata::from("file", Source::File(file.to_path_buf())),
            values,
        }
    }

    /// One value.
    pub(super) fn value(source: &'static str, path: &[String], value: Value) -> Self {
        let nested = path.iter().rev().fold(value, |inner, name| {
            Value::from(Dict::from([(name.clone(), inner)]))
        });
        Self {
            metadata: Metadata::named(source),
            values: nested.into_dict().unwrap_or_default(),
        }
    }
}

impl Provider for ConfigLayer {
    fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}
