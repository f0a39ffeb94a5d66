//! Use cases of `ChallengeService`.

pub(crate) mod answer;
pub(crate) mod answer_outcome;
pub(crate) mod attempt_judge;
pub(crate) mod begin_sign_in;
pub(crate) mod cancel_challenge;
pub(crate) mod challenge_drafts;
pub(crate) mod challenge_issuer;
pub(crate) mod challenge_view;
pub(crate) mod code_delivery;
pub(crate) mod device_sign_in;
pub(crate) mod get_challenge;
pub(crate) mod get_sign_in_options;
pub(crate) mod issue_challenge;
pub(crate) mod issue_request;
pub(crate) mod resend_challenge;
pub(crate) mod retained_charge;
pub(crate) mod send_budgets;
pub(crate) mod sign_in;
pub(crate) mod verdict_requests;
pub(crate) mod verify_challenge;
