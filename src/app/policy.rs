//! Use cases of `PolicyService`.

pub(crate) mod explain_policy;
pub(crate) mod get_policy;
pub(crate) mod policy_resolver;
pub(crate) mod simulate_policy;
pub(crate) mod update_policy;
