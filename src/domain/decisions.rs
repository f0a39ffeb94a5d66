//! Decisions on users: what they may change, what a sign-in needs, and what a policy means for them.

pub mod permission;
pub mod reset_offer;
pub mod settings;
pub mod sign_in;
pub mod simulation;
