//! What the seed documents ask for, row by row: each story's name begins with its row. Every story is played on both
//! pairs of stores.

mod administrators;
pub(crate) mod enforcement;
pub(crate) mod journey;
mod methods;
mod notices;
mod passwords;
mod policies;
mod recovery;
mod reverts;
mod settings;
mod setup;
