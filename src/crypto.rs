//! The key ring: sealing, deriving, signing.

mod key_ring;
mod signing;

pub use key_ring::{KeyRing, KeyRingError};
