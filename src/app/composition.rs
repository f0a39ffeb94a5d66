//! Builds the dependencies of every service. Each shared part is built once.

mod base_services;

use crate::app::{
    App, AppDependencies, WorkerPorts,
    authorization::Authorization,
    challenge::{
        answer::ChallengeVerifier, attempt_judge::AttemptJudge, challenge_drafts::ChallengeDrafts,
        challenge_issuer::ChallengeIssuer, code_delivery::CodeDelivery, send_budgets::SendBudgets,
        verdict_requests::VerdictRequestBuilder,
    },
    commit::ChangeCommitter,
    dependencies::{
        ChallengeDependencies, DeviceDependencies, MethodDependencies, PolicyDependencies,
        RecoveryDependencies, UserDependencies,
    },
    method::{enrollment_tickets::EnrollmentTickets, method_views::MethodViews},
    notices::NoticeComposer,
    page_tokens::PageTokens,
    password::PasswordProofs,
    recovery::{
        recovery_codes::{RecoveryCodeGenerator, RecoveryCodePrinter},
        replacement_key::ReplacementKeys,
        reset_budgets::ResetBudgets,
        reset_helper::ResetHelper,
    },
    scan_limiter::ScanLimiter,
    use_case_runner::UseCaseRunner,
};
use base_services::BaseServices;
use std::sync::Arc;

/// Parts that several services share.
struct SharedServices {
    on: BaseServices,
    requests: Arc<UseCaseRunner>,
    send_budgets: Arc<SendBudgets>,
    delivery: Arc<CodeDelivery>,
    drafts: Arc<ChallengeDrafts>,
    issuer: Arc<ChallengeIssuer>,
    verdict_requests: Arc<VerdictRequestBuilder>,
    scans: Arc<ScanLimiter>,
    notices: NoticeComposer,
    changes: ChangeCommitter,
    views: MethodViews,
    printer: RecoveryCodePrinter,
    codes: RecoveryCodeGenerator,
    tickets: EnrollmentTickets,
    page_tokens: PageTokens,
    resets: ResetHelper,
}

impl App {
    /// Builds the use cases on their ports.
    #[must_use]
    pub fn new(parts: AppDependencies) -> Arc<Self> {
        let shared = SharedServices::of(BaseServices::of(parts));
        let authorization = Arc::new(shared.authorization());
        let verifier = Arc::new(shared.verifier());
        let on = &shared.on;
        Arc::new(Self {
            challenge: Arc::new(shared.challenge(&verifier)),
            method: Arc::new(shared.method(&authorization, &verifier)),
            recovery: Arc::new(shared.recovery(&authorization, &verifier)),
            device: Arc::new(shared.device(&authorization)),
            policy: Arc::new(shared.policy()),
            user: Arc::new(shared.user()),
            keys: Arc::clone(&on.keys),
            requests: Arc::clone(&shared.requests),
            readiness: Arc::clone(&shared.requests.readiness),
            wakeup: Arc::clone(&on.wakeup),
            notices: shared.notices.clone(),
            sealing: on.sealing.clone(),
            parts: WorkerPorts {
                accounts: Arc::clone(&on.accounts),
                challenges: Arc::clone(&on.challenges),
                budgets: Arc::clone(&on.budgets),
                randomness: on.randomness.clone(),
                notifier: Arc::clone(&on.notifier),
                clock: Arc::clone(&on.clock),
                display_names: Arc::clone(&on.display_names),
            },
        })
    }
}

impl SharedServices {
    fn of(on: BaseServices) -> Self {
        let send_budgets = Arc::new(on.send_budgets());
        let delivery = Arc::new(on.delivery(&send_budgets));
        let notices = NoticeComposer::new(
            Arc::clone(&on.notifier),
            on.sealing.clone(),
            on.randomness.clone(),
        );
        Self {
            requests: Arc::new(on.requests()),
            drafts: Arc::new(on.drafts(&send_budgets)),
            issuer: Arc::new(ChallengeIssuer {
                accounts: Arc::clone(&on.accounts),
                challenges: Arc::clone(&on.challenges),
                policies: Arc::clone(&on.policies),
                send_budgets: Arc::clone(&send_budgets),
                delivery: Arc::clone(&delivery),
                sealing: on.sealing.clone(),
            }),
            verdict_requests: Arc::new(on.verdict_requests()),
            scans: Arc::new(ScanLimiter::new(Arc::clone(&on.accounts))),
            changes: ChangeCommitter::new(Arc::clone(&on.accounts), Arc::clone(&on.wakeup)),
            views: MethodViews {
                notifier: Arc::clone(&on.notifier),
                policies: Arc::clone(&on.policies),
                sealing: on.sealing.clone(),
            },
            printer: RecoveryCodePrinter {
                display_names: Arc::clone(&on.display_names),
            },
            codes: RecoveryCodeGenerator {
                hashing: Arc::clone(&on.hashing),
                randomness: on.randomness.clone(),
            },
            tickets: EnrollmentTickets::new(Arc::clone(&on.keys)),
            page_tokens: PageTokens::new(on.sealing.clone()),
            resets: ResetHelper {
                keys: Arc::clone(&on.keys),
                events: on.events.clone(),
                idempotency: on.idempotency.clone(),
                notices: notices.clone(),
            },
            send_budgets,
            delivery,
            notices,
            on,
        }
    }

    fn authorization(&self) -> Authorization {
        let passwords = self.on.passwords.as_ref();
        Authorization {
            tickets: self.tickets.clone(),
            passwords: passwords.map(|passwords| PasswordProofs {
                accounts: Arc::clone(&self.on.accounts),
                challenges: Arc::clone(&self.on.challenges),
                passwords: Arc::clone(passwords),
                requests: Arc::clone(&self.requests),
                verdict_requests: Arc::clone(&self.verdict_requests),
            }),
        }
    }

    fn verifier(&self) -> ChallengeVerifier {
        let on = &self.on;
        ChallengeVerifier {
            accounts: Arc::clone(&on.accounts),
            challenges: Arc::clone(&on.challenges),
            requests: Arc::clone(&self.requests),
            sealing: on.sealing.clone(),
            judge: AttemptJudge {
                accounts: Arc::clone(&on.accounts),
                keys: Arc::clone(&on.keys),
                notifier: Arc::clone(&on.notifier),
                hashing: Arc::clone(&on.hashing),
            },
            verdict_requests: Arc::clone(&self.verdict_requests),
            send_budgets: Arc::clone(&self.send_budgets),
            next_keys: ReplacementKeys {
                requests: Arc::clone(&self.requests),
                printer: self.printer.clone(),
            },
            wakeup: Arc::clone(&on.wakeup),
        }
    }

    fn challenge(&self, verifier: &Arc<ChallengeVerifier>) -> ChallengeDependencies {
        let on = &self.on;
        ChallengeDependencies {
            accounts: Arc::clone(&on.accounts),
            challenges: Arc::clone(&on.challenges),
            keys: Arc::clone(&on.keys),
            requests: Arc::clone(&self.requests),
            policies: Arc::clone(&on.policies),
            drafts: Arc::clone(&self.drafts),
            issuer: Arc::clone(&self.issuer),
            verifier: Arc::clone(verifier),
            views: self.views.clone(),
            tickets: self.tickets.clone(),
            notices: self.notices.clone(),
            events: on.events.clone(),
            idempotency: on.idempotency.clone(),
            changes: self.changes.clone(),
            randomness: on.randomness.clone(),
            issuer_name: on.issuer_name.clone(),
        }
    }

    fn method(
        &self,
        authorization: &Arc<Authorization>,
        verifier: &Arc<ChallengeVerifier>,
    ) -> MethodDependencies {
        let on = &self.on;
        MethodDependencies {
            challenges: Arc::clone(&on.challenges),
            requests: Arc::clone(&self.requests),
            authorization: Arc::clone(authorization),
            drafts: Arc::clone(&self.drafts),
            issuer: Arc::clone(&self.issuer),
            delivery: Arc::clone(&self.delivery),
            send_budgets: Arc::clone(&self.send_budgets),
            verifier: Arc::clone(verifier),
            sealing: on.sealing.clone(),
            views: self.views.clone(),
            codes: self.codes.clone(),
            printer: self.printer.clone(),
            notices: self.notices.clone(),
            events: on.events.clone(),
            idempotency: on.idempotency.clone(),
            changes: self.changes.clone(),
            randomness: on.randomness.clone(),
        }
    }

    fn recovery(
        &self,
        authorization: &Arc<Authorization>,
        verifier: &Arc<ChallengeVerifier>,
    ) -> RecoveryDependencies {
        RecoveryDependencies {
            accounts: Arc::clone(&self.on.accounts),
            requests: Arc::clone(&self.requests),
            authorization: Arc::clone(authorization),
            drafts: Arc::clone(&self.drafts),
            issuer: Arc::clone(&self.issuer),
            delivery: Arc::clone(&self.delivery),
            send_budgets: Arc::clone(&self.send_budgets),
            verifier: Arc::clone(verifier),
            codes: self.codes.clone(),
            printer: self.printer.clone(),
            resets: self.resets.clone(),
            reset_budgets: self.reset_budgets(),
            notices: self.notices.clone(),
            events: self.on.events.clone(),
            idempotency: self.on.idempotency.clone(),
            changes: self.changes.clone(),
            randomness: self.on.randomness.clone(),
        }
    }

    fn reset_budgets(&self) -> ResetBudgets {
        ResetBudgets {
            budgets: Arc::clone(&self.on.budgets),
            keys: Arc::clone(&self.on.keys),
            randomness: self.on.randomness.clone(),
        }
    }

    fn device(&self, authorization: &Arc<Authorization>) -> DeviceDependencies {
        DeviceDependencies {
            requests: Arc::clone(&self.requests),
            authorization: Arc::clone(authorization),
            notices: self.notices.clone(),
            events: self.on.events.clone(),
            idempotency: self.on.idempotency.clone(),
            changes: self.changes.clone(),
        }
    }

    fn policy(&self) -> PolicyDependencies {
        let on = &self.on;
        PolicyDependencies {
            accounts: Arc::clone(&on.accounts),
            notifier: Arc::clone(&on.notifier),
            requests: Arc::clone(&self.requests),
            policies: Arc::clone(&on.policies),
            scans: Arc::clone(&self.scans),
            sealing: on.sealing.clone(),
            page_tokens: self.page_tokens.clone(),
            idempotency: on.idempotency.clone(),
            randomness: on.randomness.clone(),
        }
    }

    fn user(&self) -> UserDependencies {
        let on = &self.on;
        UserDependencies {
            accounts: Arc::clone(&on.accounts),
            send_budgets: Arc::clone(&self.send_budgets),
            challenges: Arc::clone(&on.challenges),
            requests: Arc::clone(&self.requests),
            policies: Arc::clone(&on.policies),
            hashing: Arc::clone(&on.hashing),
            scans: Arc::clone(&self.scans),
            sealing: on.sealing.clone(),
            page_tokens: self.page_tokens.clone(),
            views: self.views.clone(),
            resets: self.resets.clone(),
            notices: self.notices.clone(),
            events: on.events.clone(),
            idempotency: on.idempotency.clone(),
            changes: self.changes.clone(),
            randomness: on.randomness.clone(),
        }
    }
}
