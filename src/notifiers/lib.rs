//! The reference notifiers: each is a process of its own that serves `NotifierService` and hands messages to a mail server
//! or to an SMS gateway. They share nothing with the service that calls them but its contract.
//!
//! | to see | read |
//! |---|---|
//! | what can be configured, and what is refused | [`config`] |
//! | from the configuration to a process, and to its end | [`composition`], [`serve`] |
//! | a call and its answer | [`service`], [`parsed_message`] |
//! | why nothing is sent twice | [`dispatcher`], [`idempotency_store`] |
//! | how mail is sent | [`smtp`] |
//! | how text messages are sent, and the shapes of known gateways | [`sms`] |
//! | what is counted | [`metrics`] |

pub mod composition;
pub mod config;
pub mod dispatcher;
pub mod idempotency_store;
pub mod metrics;
pub mod outcome;
pub mod parsed_message;
pub mod serve;
pub mod service;
pub mod sms;
pub mod smtp;
