//! The rules of Countersign: values in, decisions out.
//!
//! Nothing here reads a clock, draws a random number, uses a store or logs. `now`, seeds and policy are arguments, so
//! that rules can be tested without waiting.
//!
//! | to understand | read |
//! |---|---|
//! | what a sign-in needs | [`decisions::sign_in`], then [`policy`] |
//! | how a code is judged | [`challenge`], then [`challenge::verdict`] |
//! | how often anything may happen | [`limits::budget`], then [`limits::user_throttle`] |
//! | what authorizes a change | [`decisions::permission`], then [`authorization`], then [`account::change`] |
//! | what the settings page shows | [`decisions::settings`] |
//! | how administrators filter users | [`account::directory`] |
//! | what another policy would change for users | [`decisions::simulation`] |
//! | what is stored about a user | [`account`] |

pub mod account;
pub mod audit_event;
pub mod authorization;
pub mod challenge;
pub mod decisions;
pub mod device;
pub mod limits;
pub mod method;
pub mod notice;
pub mod policy;
pub mod recovery;
pub mod refusal;
pub mod revert;
pub mod value;

#[cfg(test)]
mod fixtures;
