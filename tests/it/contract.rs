//! One suite for each port, passed by every adapter of it.

pub(crate) mod accounts;
pub(crate) mod alarms;
mod audit_chain;
mod budgets;
mod challenges;
mod directory;
mod endings;
mod histories;
pub(crate) mod lanes;
mod notices;
mod policies;
mod recoveries;
pub(crate) mod settle;
mod sweep;
