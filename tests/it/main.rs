//! The tests that see Countersign as its callers do, and the suites that every adapter passes.
//!
//! They need a Redis, a Redis Cluster and a PostgreSQL: `make test` starts them, runs everything and stops them.

mod attacks;
mod contract;
mod faults;
mod layers;
mod reference;
mod stories;
mod supply_chain;
mod support;
