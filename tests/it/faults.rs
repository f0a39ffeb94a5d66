//! Stores and notifiers that are down, slow or lying, and a transport at its limits. Only these tests start servers of
//! their own.

mod notices;
mod notifiers;
mod resharding;
pub(crate) mod servers;
mod startup;
mod stores;
mod traces;
mod transport;
mod trips;
