//! One suite for each port, passed by every adapter of it.

pub(crate) mod accounts;
pub(crate) mod alerts;
mod audit_chain;
mod budgets;
mod challenges;
mod claim_cost;
mod claims;
mod directory;
mod endings;
mod forms;
mod histories;
pub(crate) mod lanes;
mod loads;
pub(crate) mod notices;
mod policies;
mod purge;
mod recoveries;
mod reseal;
pub(crate) mod verdicts;
