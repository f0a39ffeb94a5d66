//! Stores and notifiers that are down, slow or lying, and a transport at its limits. Only these tests start servers of
//! their own.

mod alerts;
mod answers;
mod attempts;
mod busy;
mod commits;
mod conflicts;
mod connections;
mod dead_letters;
mod deliveries;
mod full_redis;
mod keys;
mod memory;
mod notices;
mod notifiers;
mod openings;
mod passwords;
mod pgbouncer;
mod pooler;
mod postgres_tls;
mod providers;
pub(crate) mod proxy;
mod readiness;
mod redis_proxy;
mod requests;
mod resharding;
mod routes;
pub(crate) mod servers;
mod sessions;
mod silence;
mod startup;
mod stores;
mod traces;
mod transport;
mod trips;
mod wording;
mod writes;
