//! One suite for each port, passed by every adapter of it.

pub(crate) mod accounts;
mod alarms;
mod budgets;
mod challenges;
mod endings;
mod histories;
mod notices;
mod settle;
