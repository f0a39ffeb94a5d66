//! The catalogue of attacks: each test's name begins with its number, its negative control's ends in `_control`.

mod administrators;
mod binding;
mod budgets;
mod delivery;
mod devices;
mod directory;
mod downgrade;
mod erasure;
mod flooding;
mod held;
mod injection;
mod late_commits;
mod logged_out;
mod notices;
pub(crate) mod once;
mod oracles;
mod passwords;
mod processes;
mod providers;
mod pumping;
mod recovery;
mod repeats;
mod resets;
mod reverts;
mod rotation;
mod secrets;
mod slow_hashes;
