//! The contract of notifiers as questions to a running one: each asks one thing, knows the sentence of
//! `notifier_service.proto` or `verification_service.proto` that it is about, and says what came.
//!
//! | to see | read |
//! |---|---|
//! | every question, with its sentence of the contract | `checks.rs`; `verifications.rs` for providers that own their codes |
//! | what a question is | `check.rs` |
//! | which of them are asked, and in what order | `run.rs` |
//! | the notifier that is asked | `settings.rs`, `notifier.rs` |
//! | how the answers are shown | `report.rs` |
//!
//! Callers of [`run()`] bring a run id and the time.

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
