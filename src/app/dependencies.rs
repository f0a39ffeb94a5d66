//! What the use cases of each service depend on, put on their ports once.

use crate::{
    app::{
        Sealing,
        answer::ChallengeVerifier,
        audit_events::AuditEvents,
        challenge_drafts::ChallengeDrafts,
        challenge_issuer::ChallengeIssuer,
        commit::Changes,
        deliver::CodeDelivery,
        enrollment_tickets::EnrollmentTickets,
        hashing::Hashing,
        idempotency::IdempotencyRecords,
        method_views::MethodViews,
        notices::Notices,
        page_tokens::PageTokens,
        policy_resolver::PolicyResolver,
        proof::Authorization,
        randomness::Randomness,
        recovery_codes::{RecoveryCodeGenerator, RecoveryCodePrinter},
        requests::Requests,
        reserve::SendBudgets,
        resets::Resets,
        scan::Scans,
    },
    ports::{Accounts, Challenges, Keys, Notifier},
};
use std::sync::Arc;

/// What the use cases of `ChallengeService` depend on.
pub(crate) struct ChallengeDependencies {
    pub(super) accounts: Arc<dyn Accounts>,
    pub(super) challenges: Arc<dyn Challenges>,
    pub(super) keys: Arc<dyn Keys>,
    pub(super) requests: Arc<Requests>,
    pub(super) policies: Arc<PolicyResolver>,
    pub(super) drafts: Arc<ChallengeDrafts>,
    pub(super) issuer: Arc<ChallengeIssuer>,
    pub(super) verifier: Arc<ChallengeVerifier>,
    pub(super) views: MethodViews,
    pub(super) tickets: EnrollmentTickets,
    pub(super) notices: Notices,
    pub(super) events: AuditEvents,
    pub(super) idempotency: IdempotencyRecords,
    pub(super) changes: Changes,
    pub(super) randomness: Randomness,
    /// `iss` of assertions.
    pub(super) issuer_name: String,
}

/// What the use cases of `MethodService` depend on.
pub(crate) struct MethodDependencies {
    pub(super) challenges: Arc<dyn Challenges>,
    pub(super) requests: Arc<Requests>,
    pub(super) authorization: Arc<Authorization>,
    pub(super) drafts: Arc<ChallengeDrafts>,
    pub(super) issuer: Arc<ChallengeIssuer>,
    pub(super) delivery: Arc<CodeDelivery>,
    pub(super) send_budgets: Arc<SendBudgets>,
    pub(super) verifier: Arc<ChallengeVerifier>,
    pub(super) sealing: Sealing,
    pub(super) views: MethodViews,
    pub(super) codes: RecoveryCodeGenerator,
    pub(super) printer: RecoveryCodePrinter,
    pub(super) notices: Notices,
    pub(super) events: AuditEvents,
    pub(super) idempotency: IdempotencyRecords,
    pub(super) changes: Changes,
    pub(super) randomness: Randomness,
}

/// What the use cases of `RecoveryService` depend on.
pub(crate) struct RecoveryDependencies {
    pub(super) accounts: Arc<dyn Accounts>,
    pub(super) requests: Arc<Requests>,
    pub(super) authorization: Arc<Authorization>,
    pub(super) drafts: Arc<ChallengeDrafts>,
    pub(super) issuer: Arc<ChallengeIssuer>,
    pub(super) delivery: Arc<CodeDelivery>,
    pub(super) send_budgets: Arc<SendBudgets>,
    pub(super) verifier: Arc<ChallengeVerifier>,
    pub(super) codes: RecoveryCodeGenerator,
    pub(super) printer: RecoveryCodePrinter,
    pub(super) resets: Resets,
    pub(super) notices: Notices,
    pub(super) events: AuditEvents,
    pub(super) idempotency: IdempotencyRecords,
    pub(super) changes: Changes,
    pub(super) randomness: Randomness,
}

/// What the use cases of `DeviceService` depend on.
pub(crate) struct DeviceDependencies {
    pub(super) requests: Arc<Requests>,
    pub(super) authorization: Arc<Authorization>,
    pub(super) notices: Notices,
    pub(super) events: AuditEvents,
    pub(super) idempotency: IdempotencyRecords,
    pub(super) changes: Changes,
}

/// What the use cases of `PolicyService` depend on.
pub(crate) struct PolicyDependencies {
    pub(super) accounts: Arc<dyn Accounts>,
    pub(super) notifier: Arc<dyn Notifier>,
    pub(super) requests: Arc<Requests>,
    pub(super) policies: Arc<PolicyResolver>,
    pub(super) scans: Arc<Scans>,
    pub(super) sealing: Sealing,
    pub(super) page_tokens: PageTokens,
    pub(super) idempotency: IdempotencyRecords,
    pub(super) randomness: Randomness,
}

/// What the use cases of `UserService` depend on.
pub(crate) struct UserDependencies {
    pub(super) accounts: Arc<dyn Accounts>,
    pub(super) challenges: Arc<dyn Challenges>,
    pub(super) requests: Arc<Requests>,
    pub(super) policies: Arc<PolicyResolver>,
    pub(super) hashing: Arc<Hashing>,
    pub(super) scans: Arc<Scans>,
    pub(super) sealing: Sealing,
    pub(super) page_tokens: PageTokens,
    pub(super) views: MethodViews,
    pub(super) resets: Resets,
    pub(super) notices: Notices,
    pub(super) events: AuditEvents,
    pub(super) idempotency: IdempotencyRecords,
    pub(super) changes: Changes,
    pub(super) randomness: Randomness,
}
