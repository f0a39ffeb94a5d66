//! Values that mean the same in every part of the service.

pub mod country;
pub mod crockford;
pub mod destination;
pub mod epoch;
pub mod id;
pub mod idempotency_key;
pub mod locale;
pub mod malformed;
pub mod secret;
pub mod tenant;
pub mod text;
pub mod time;
pub mod user_id;
