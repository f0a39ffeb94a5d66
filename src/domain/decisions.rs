//! What a user may do, and what a policy means for them.

pub mod permission;
pub mod settings;
pub mod sign_in;
pub mod simulation;
