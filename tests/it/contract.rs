//! One suite for each port, passed by every adapter of it.

pub(crate) mod accounts;
pub(crate) mod alarms;
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
pub(crate) mod notices;
mod policies;
mod recoveries;
pub(crate) mod settle;
mod sweep;
