//! The rules of Countersign: values in, decisions out.
//!
//! Nothing here reads a clock, draws a random number, talks to a store or logs. `now`, seeds and policy are arguments,
//! so that every rule can be tested without waiting and read without wondering.
//!
//! | to understand | read |
//! |---|---|
//! | what a sign-in needs | [`sign_in`], then [`policy`] |
//! | how a code is judged | [`challenge`], then [`settlement`] |
//! | how often anything may happen | [`budget`], then [`book`] |
//! | what lets a change happen | [`permission`], then [`authorization`], then [`change`] |
//! | what the settings page shows | [`settings`] |
//! | which users an administrator may ask for | [`directory`] |
//! | what another policy would do to them | [`simulation`] |
//! | what is kept of a user | [`account`] |

pub mod account;
pub mod acting;
pub mod action;
pub mod alarm;
pub mod approval;
pub mod assertion;
pub mod authorization;
pub mod book;
pub mod breaker;
pub mod budget;
pub mod bypass;
pub mod caller;
pub mod challenge;
pub mod change;
pub mod code;
pub mod country;
pub mod destination;
pub mod device;
pub mod directory;
pub mod epoch;
pub mod event;
pub mod id;
pub mod malformed;
pub mod message;
pub mod method;
pub mod password;
pub mod permission;
pub mod policy;
pub mod profile;
pub mod recovery;
pub mod refusal;
pub mod request;
pub mod reset;
pub mod revert;
pub mod secret;
pub mod settings;
pub mod settlement;
pub mod sign_in;
pub mod simulation;
mod symbols;
pub mod tenant;
pub mod text;
pub mod ticket;
pub mod time;
pub mod totp;
pub mod verification;

#[cfg(test)]
mod fixtures;
