//! Checks whether a running notifier keeps its contract. Each check sends one thing, names the sentence of
//! `notifier_service.proto` or `verification_service.proto` that it verifies, and reports the answer.
//!
//! | topic | module |
//! |---|---|
//! | the checks, each with its sentence of the contract | `checks.rs`; `verifications.rs` for providers of their own
//! codes |
//! | the definition of a check | `check.rs` |
//! | which checks run, and in what order | `run.rs` |
//! | the notifier under check | `settings.rs`, `notifier.rs` |
//! | the report | `report.rs` |
//!
//! Callers of [`run()`] provide a run id and the time.

mod answer;
mod check;
mod checks;
mod kinds;
mod messages;
mod notifier;
pub mod raw_bytes;
mod repeats;
mod report;
mod requests;
mod run;
mod serving;
mod settings;
mod texts;
mod verifications;

pub use answer::CheckFinding;
pub use check::{CheckNeeds, CheckOutcome, CheckSubject, ConformanceCheck};
pub use checks::CHECKS;
pub use notifier::CheckedNotifier;
pub use report::{CheckReport, ReportLine, ReportStyle};
pub use run::run;
pub use settings::{NotifierCheckError, NotifierCheckSettings, TestDestination};
pub use verifications::VERIFICATION_CHECKS;
