//! What every process of Countersign serves gRPC with: the service, the notifiers and the password verifier.
//!
//! | to see | read |
//! |---|---|
//! | which connections are accepted, and for how long | [`listener`], [`socket`], [`tls`] |
//! | the limits of HTTP/2 and of gRPC | [`limits`] |
//! | what holds for each call: caller, deadline, trace, panics | [`edge`], [`callers`] |
//! | a status with a reason of the contract | [`status`] |
//! | what health answers | [`health`] |
//! | serving until a stop, and the drain | [`drain`] |
//! | a process with one service and its health | [`single_service`] |
//! | how configuration is read, and its shared sections | [`config`], [`config_error`] |
//! | which settings are in effect, and where each comes from | [`startup_report`] |
//! | logs, and the trace of a call | [`telemetry`], [`access_log`], [`trace_context`] |
//! | the machine's clock and random source | [`system`] |
//! | files that only their owner can read | [`secret_file`] |

pub mod access_log;
pub mod callers;
pub mod config;
pub mod config_error;
pub mod drain;
pub mod edge;
pub mod health;
pub mod limits;
pub mod listener;
pub mod secret_file;
pub mod single_service;
pub mod socket;
pub mod startup_report;
pub mod status;
pub mod system;
pub mod telemetry;
pub mod tls;
pub mod trace_context;
