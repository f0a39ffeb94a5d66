//! The tests that see Countersign as its callers do, and the suites that every adapter passes.
//!
//! They need a Redis, a Redis Cluster and a PostgreSQL: `make test` starts them, runs everything and stops them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, which is what it is for"
)]
#![expect(
    clippy::too_many_lines,
    clippy::excessive_nesting,
    reason = "a story is told in one piece"
)]
#![expect(
    clippy::unnecessary_wraps,
    reason = "what makes a field gives it as the message holds it"
)]

mod attacks;
mod call_path;
mod contract;
mod crate_graph;
mod faults;
mod guides;
mod import_cycles;
mod layers;
mod long_runs;
mod names;
mod notifier_check;
mod notifiers;
mod parameters;
mod pictures;
mod reference;
mod stories;
mod supply_chain;
mod support;
mod tenancy;
mod tools;
mod verifier;
