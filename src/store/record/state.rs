//! What holds for a whole database.

/// What holds for a whole database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct DatabaseState {
    /// The form that records are written in.
    pub(in crate::store) writes_form: i32,
    /// Sealed under the key ring of the database; empty until the first start.
    pub(in crate::store) canary: Vec<u8>,
}
