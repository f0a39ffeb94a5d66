//! Background workers.

pub(crate) mod alert_dispatcher;
pub(crate) mod audit_chain;
pub(crate) mod dead_notices;
pub(crate) mod outbox_worker;
pub(crate) mod readiness;
pub(crate) mod reseal;
pub(crate) mod script_probe;
pub(crate) mod store_probe;
pub(crate) mod wakeup;
