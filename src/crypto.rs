//! The key ring: sealing, derivation and signatures.

mod key_ring;
mod signing;

pub use key_ring::{KeyRing, KeyRingError};
