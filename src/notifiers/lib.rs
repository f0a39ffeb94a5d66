//! The reference notifiers. Each is a process of its own that serves `NotifierService` and sends messages through a
//! mail server or an SMS gateway. They share only the contract with the service that calls them.
//!
//! | topic | module |
//! |---|---|
//! | configuration and its checks | [`config`] |
//! | start and end of the process | [`composition`], [`serve`] |
//! | calls and their answers | [`service`], [`parsed_message`] |
//! | sending at most once | [`dispatcher`], [`idempotency_store`] |
//! | e-mail | [`smtp`] |
//! | text messages and presets of known gateways | [`sms`] |
//! | metrics | [`metrics`] |

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
