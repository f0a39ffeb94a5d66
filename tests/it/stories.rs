//! What the seed documents ask for, row by row: each story's name begins with its row. Every story is played on both
//! pairs of stores.

mod administrators;
mod device_list;
mod devices;
pub(crate) mod directory;
pub(crate) mod enforcement;
pub(crate) mod journey;
pub(crate) mod lost_methods;
mod methods;
mod notices;
mod passwords;
mod policies;
mod providers;
mod recovery;
pub(crate) mod resets;
mod reverts;
mod settings;
mod setup;
mod simulations;
mod switching;
mod throttling;
