//! The ports, and what depends on ports alone.

use crate::{
    app::{
        AppDependencies,
        audit_events::AuditEvents,
        challenge::{
            challenge_drafts::ChallengeDrafts, code_delivery::CodeDelivery,
            send_budgets::SendBudgets, verdict_requests::VerdictRequestBuilder,
        },
        hashing::HashingPool,
        idempotency::IdempotencyRecorder,
        policy::policy_resolver::PolicyResolver,
        randomness::Randomness,
        sealing::ValueSealing,
        use_case_runner::UseCaseRunner,
        workers::wakeup::WorkerWakeup,
    },
    ports::{AccountStore, BudgetStore, ChallengeStore, KeyService, Notifier, PasswordChecker},
};
use countersign_domain::value::tenant::DisplayNames;
use countersign_transport::system::Clock;
use std::sync::Arc;

/// The ports, and what depends on ports alone.
pub(super) struct BaseServices {
    pub(super) accounts: Arc<dyn AccountStore>,
    pub(super) challenges: Arc<dyn ChallengeStore>,
    pub(super) budgets: Arc<dyn BudgetStore>,
    pub(super) notifier: Arc<dyn Notifier>,
    pub(super) passwords: Option<Arc<dyn PasswordChecker>>,
    pub(super) keys: Arc<dyn KeyService>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) hashing: Arc<HashingPool>,
    pub(super) display_names: Arc<DisplayNames>,
    pub(super) issuer_name: String,
    pub(super) policies: Arc<PolicyResolver>,
    pub(super) randomness: Randomness,
    pub(super) sealing: ValueSealing,
    pub(super) events: AuditEvents,
    pub(super) idempotency: IdempotencyRecorder,
    pub(super) wakeup: Arc<WorkerWakeup>,
}

impl BaseServices {
    pub(super) fn of(parts: AppDependencies) -> Self {
        let randomness = Randomness::new(parts.entropy);
        let sealing = ValueSealing::new(Arc::clone(&parts.keys), randomness.clone());
        Self {
            accounts: parts.accounts,
            challenges: parts.challenges,
            budgets: parts.budgets,
            notifier: parts.notifier,
            passwords: parts.passwords,
            keys: parts.keys,
            clock: parts.clock,
            hashing: Arc::new(parts.hashing),
            display_names: Arc::new(parts.display_names),
            issuer_name: parts.issuer,
            policies: Arc::new(PolicyResolver::new(parts.policy, parts.service_layer)),
            events: AuditEvents::new(sealing.clone(), randomness.clone()),
            idempotency: IdempotencyRecorder::new(sealing.clone()),
            wakeup: Arc::default(),
            randomness,
            sealing,
        }
    }

    pub(super) fn requests(&self) -> UseCaseRunner {
        UseCaseRunner {
            accounts: Arc::clone(&self.accounts),
            keys: Arc::clone(&self.keys),
            clock: Arc::clone(&self.clock),
            sealing: self.sealing.clone(),
            idempotency: self.idempotency.clone(),
            policies: Arc::clone(&self.policies),
            tasks: Arc::default(),
            readiness: Arc::default(),
        }
    }

    pub(super) fn send_budgets(&self) -> SendBudgets {
        SendBudgets {
            budgets: Arc::clone(&self.budgets),
            keys: Arc::clone(&self.keys),
            clock: Arc::clone(&self.clock),
            policies: Arc::clone(&self.policies),
            randomness: self.randomness.clone(),
        }
    }

    pub(super) fn delivery(&self, send_budgets: &Arc<SendBudgets>) -> CodeDelivery {
        CodeDelivery {
            challenges: Arc::clone(&self.challenges),
            notifier: Arc::clone(&self.notifier),
            keys: Arc::clone(&self.keys),
            clock: Arc::clone(&self.clock),
            send_budgets: Arc::clone(send_budgets),
            display_names: Arc::clone(&self.display_names),
        }
    }

    pub(super) fn drafts(&self, send_budgets: &Arc<SendBudgets>) -> ChallengeDrafts {
        ChallengeDrafts {
            keys: Arc::clone(&self.keys),
            notifier: Arc::clone(&self.notifier),
            send_budgets: Arc::clone(send_budgets),
            sealing: self.sealing.clone(),
            randomness: self.randomness.clone(),
        }
    }

    pub(super) fn verdict_requests(&self) -> VerdictRequestBuilder {
        VerdictRequestBuilder {
            keys: Arc::clone(&self.keys),
            policies: Arc::clone(&self.policies),
            events: self.events.clone(),
            idempotency: self.idempotency.clone(),
            randomness: self.randomness.clone(),
        }
    }
}
