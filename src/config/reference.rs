//! The reference of the configuration.

use crate::config::{Config, check};
use countersign_transport::config::reference_of;

/// A Markdown table of every field of `serve`'s configuration: its name in the file, its variable in the environment,
/// its default, what it means.
#[must_use]
pub fn reference() -> String {
    reference_of::<Config>(&check::REFUSED)
}
