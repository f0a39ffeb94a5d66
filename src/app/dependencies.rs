//! The dependencies of the use cases of each service.

use crate::{
    app::{
        audit_events::AuditEvents,
        authorization::Authorization,
        challenge::{
            answer::ChallengeVerifier, challenge_drafts::ChallengeDrafts,
            challenge_issuer::ChallengeIssuer, code_delivery::CodeDelivery,
            send_budgets::SendBudgets,
        },
        commit::ChangeCommitter,
        hashing::HashingPool,
        idempotency::IdempotencyRecorder,
        method::{enrollment_tickets::EnrollmentTickets, method_views::MethodViews},
        notices::NoticeComposer,
        page_tokens::PageTokens,
        policy::policy_resolver::PolicyResolver,
        randomness::Randomness,
        recovery::{
            recovery_codes::{RecoveryCodeGenerator, RecoveryCodePrinter},
            reset_budgets::ResetBudgets,
            reset_helper::ResetHelper,
        },
        scan_limiter::ScanLimiter,
        sealing::ValueSealing,
        use_case_runner::UseCaseRunner,
    },
    ports::{AccountStore, ChallengeStore, KeyService, Notifier},
};
use std::sync::Arc;

pub(crate) struct ChallengeDependencies {
    pub(super) accounts: Arc<dyn AccountStore>,
    pub(super) challenges: Arc<dyn ChallengeStore>,
    pub(super) keys: Arc<dyn KeyService>,
    pub(super) requests: Arc<UseCaseRunner>,
    pub(super) policies: Arc<PolicyResolver>,
    pub(super) drafts: Arc<ChallengeDrafts>,
    pub(super) issuer: Arc<ChallengeIssuer>,
    pub(super) verifier: Arc<ChallengeVerifier>,
    pub(super) views: MethodViews,
    pub(super) tickets: EnrollmentTickets,
    pub(super) notices: NoticeComposer,
    pub(super) events: AuditEvents,
    pub(super) idempotency: IdempotencyRecorder,
    pub(super) changes: ChangeCommitter,
    pub(super) randomness: Randomness,
    /// The `iss` claim of assertions.
    pub(super) issuer_name: String,
}

pub(crate) struct MethodDependencies {
    pub(super) challenges: Arc<dyn ChallengeStore>,
    pub(super) requests: Arc<UseCaseRunner>,
    pub(super) authorization: Arc<Authorization>,
    pub(super) drafts: Arc<ChallengeDrafts>,
    pub(super) issuer: Arc<ChallengeIssuer>,
    pub(super) delivery: Arc<CodeDelivery>,
    pub(super) send_budgets: Arc<SendBudgets>,
    pub(super) verifier: Arc<ChallengeVerifier>,
    pub(super) sealing: ValueSealing,
    pub(super) views: MethodViews,
    pub(super) codes: RecoveryCodeGenerator,
    pub(super) printer: RecoveryCodePrinter,
    pub(super) notices: NoticeComposer,
    pub(super) events: AuditEvents,
    pub(super) idempotency: IdempotencyRecorder,
    pub(super) changes: ChangeCommitter,
    pub(super) randomness: Randomness,
}

pub(crate) struct RecoveryDependencies {
    pub(super) accounts: Arc<dyn AccountStore>,
    pub(super) requests: Arc<UseCaseRunner>,
    pub(super) authorization: Arc<Authorization>,
    pub(super) drafts: Arc<ChallengeDrafts>,
    pub(super) issuer: Arc<ChallengeIssuer>,
    pub(super) delivery: Arc<CodeDelivery>,
    pub(super) send_budgets: Arc<SendBudgets>,
    pub(super) verifier: Arc<ChallengeVerifier>,
    pub(super) codes: RecoveryCodeGenerator,
    pub(super) printer: RecoveryCodePrinter,
    pub(super) resets: ResetHelper,
    pub(super) reset_budgets: ResetBudgets,
    pub(super) notices: NoticeComposer,
    pub(super) events: AuditEvents,
    pub(super) idempotency: IdempotencyRecorder,
    pub(super) changes: ChangeCommitter,
    pub(super) randomness: Randomness,
}

pub(crate) struct DeviceDependencies {
    pub(super) requests: Arc<UseCaseRunner>,
    pub(super) authorization: Arc<Authorization>,
    pub(super) notices: NoticeComposer,
    pub(super) events: AuditEvents,
    pub(super) idempotency: IdempotencyRecorder,
    pub(super) changes: ChangeCommitter,
}

pub(crate) struct PolicyDependencies {
    pub(super) accounts: Arc<dyn AccountStore>,
    pub(super) notifier: Arc<dyn Notifier>,
    pub(super) requests: Arc<UseCaseRunner>,
    pub(super) policies: Arc<PolicyResolver>,
    pub(super) scans: Arc<ScanLimiter>,
    pub(super) sealing: ValueSealing,
    pub(super) page_tokens: PageTokens,
    pub(super) idempotency: IdempotencyRecorder,
    pub(super) randomness: Randomness,
}

pub(crate) struct UserDependencies {
    pub(super) accounts: Arc<dyn AccountStore>,
    pub(super) send_budgets: Arc<SendBudgets>,
    pub(super) challenges: Arc<dyn ChallengeStore>,
    pub(super) requests: Arc<UseCaseRunner>,
    pub(super) policies: Arc<PolicyResolver>,
    pub(super) hashing: Arc<HashingPool>,
    pub(super) scans: Arc<ScanLimiter>,
    pub(super) sealing: ValueSealing,
    pub(super) page_tokens: PageTokens,
    pub(super) views: MethodViews,
    pub(super) resets: ResetHelper,
    pub(super) notices: NoticeComposer,
    pub(super) events: AuditEvents,
    pub(super) idempotency: IdempotencyRecorder,
    pub(super) changes: ChangeCommitter,
    pub(super) randomness: Randomness,
}
