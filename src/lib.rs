//! Countersign: two-factor authentication as one gRPC microservice.
//!
//! A call comes in at the top of this table and goes down it, as far as it has to. Each layer names only those below it;
//! `tests/it/layers.rs` holds that.
//!
//! | to see | read |
//! |---|---|
//! | what the program is started with | [`cli`], one file a command; [`config`], one file a section |
//! | which stores are used, health, the drain | [`server`] |
//! | listener, TLS, limits, callers, logs: what every process serves gRPC with | the crate [`countersign_transport`], in `src/transport` |
//! | how a call becomes values, and an error a status | [`grpc`]: `entry`, then the service's own folder, such as `grpc/challenge/` |
//! | what an RPC does, step by step | [`app`]: the file named like the RPC, such as `app/challenge/verify_challenge.rs` |
//! | the call path of every code: charge, judge, record the verdict, conclude | `app/challenge/answer.rs` |
//! | what the use cases need of the world | [`ports`] |
//! | every rule, number and bound | the crate [`countersign_domain`], in `src/domain` |
//! | how it is remembered | [`store`]: PostgreSQL or `SQLite`, Redis or this process |
//! | how messages reach people | [`notify`] |
//! | who says whether an account password is right | [`password_client`] |
//! | how services that others run are reached | [`outbound`] |
//! | what a notifier is asked by its author | the crate [`countersign_notifier_check`], in `src/notifier_check` |
//! | how things are sealed, derived and signed | [`crypto`] |
//! | the notifiers that come with it, each a process of its own | the crate [`countersign_notifiers`], in `src/notifiers` |
//! | the verifier of passwords that comes with it, a process of its own too | the crate [`countersign_password_verifier`], in `src/password_verifier` |
//! | who asks for the time and for random bits | [`countersign_transport::system`], and nobody else |
//! | the generated code | the crate [`countersign_proto`], in `src/proto`, from `proto/` |
//!
//! The two call paths, with pictures, are in `docs/architecture.md`; why things are as they are, in `docs/decisions`.

pub mod app;
pub mod cli;
pub mod config;
pub mod crypto;
pub mod grpc;
pub mod notify;
pub mod outbound;
pub mod password_client;
pub mod ports;
pub mod server;
pub mod store;
