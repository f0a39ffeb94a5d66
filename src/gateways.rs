//! The reference notifiers: each is a process of its own that serves `NotifierService` and hands messages to a mail server
//! or to an SMS gateway. They share nothing with the service that calls them but its contract.
//!
//! | to see | read |
//! |---|---|
//! | what can be configured, and what is refused | [`config`] |
//! | from the configuration to a process, and to its end | [`choose`], [`serve`] |
//! | a call and its answer | [`service`], [`letter`] |
//! | why nothing is sent twice | [`desk`], [`ledger`] |
//! | how mail is sent | [`smtp`] |
//! | how text messages are sent, and the shapes of known gateways | [`sms`] |
//! | what is counted | [`metrics`] |

pub mod choose;
pub mod config;
pub mod desk;
pub mod ledger;
pub mod letter;
pub mod metrics;
pub mod outcome;
pub mod serve;
pub mod service;
pub mod sms;
pub mod smtp;
