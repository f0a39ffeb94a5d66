//! What holds for a whole database.

/// What holds for a whole database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct DatabaseState {
    /// The form that records are written in.
    pub(in crate::store) writes_form: i32,
    /// The keys that data may be sealed under, each with a canary; empty until the first start.
    pub(in crate::store) keys_in_use: Vec<u8>,
}
