//! The use cases: one file for each RPC or group of similar RPCs, each written to be read from top to bottom.
//!
//! Use cases call the domain for decisions and the ports for effects. They depend on no transport, no store and no
//! clock, except the ports that they receive.

mod audit_events;
mod authorization;
mod call;
mod challenge;
mod commit;
mod composition;
mod context;
mod dependencies;
mod detached;
mod device;
mod error;
mod hashing;
mod idempotency;
mod method;
mod notices;
mod page_tokens;
mod password;
mod policy;
mod randomness;
mod recovery;
mod replayed_response;
mod scan_limiter;
mod sealing;
mod use_case_runner;
mod user;
mod workers;

pub use authorization::SubmittedProof;
pub use call::{CallerRequest, ClientContext, RequestIdentity};
pub use challenge::{
    answer_outcome::{AnswerOutcome, AnswerRejection},
    challenge_view::ChallengeView,
    issue_request::{AnswerChoice, IssueRequest, RequestedPurpose},
    sign_in::{AllowedSignIn, DefaultChallenge, FirstFactor, SignInDecision, SignInRequest},
    verify_challenge::ApprovedView,
};
pub use device::{
    list_devices::{DeviceView, DeviceViews},
    trust_device::TrustUpdate,
};
pub use error::Error;
pub use hashing::HashingPool;
pub use method::{
    begin_enrollment::{EnrollmentRequest, EnrollmentTarget, StartedEnrollment},
    get_method_settings::MethodSettings,
    method_views::{EnrolledMethod, MethodView},
    totp_setup::TotpSetup,
    update_method::{MethodUpdate, UpdatedMethod},
};
pub use policy::{
    explain_policy::PolicyExplanation,
    get_policy::PolicyView,
    simulate_policy::{PolicySimulation, SimulatedUser, SimulationRequest, SimulationStep},
    update_policy::PolicyUpdate,
};
pub use recovery::{
    confirm_reset::ResetOutcome, generate_recovery_codes::GeneratedRecoveryCodes,
    recovery_codes::DisplayedRecoveryCodes, reset_request::ResetRequest,
};
pub use replayed_response::QueuedNoticeSummary;
pub use user::{
    export_user::{ExportedEvent, ExportedMessage, ExportedUser, UserExport},
    get_user::UserView,
    issue_bypass_code::IssuedBypassCode,
    list_users::{ListUsersQuery, UserPage, UserSummary},
    upsert_user::UpsertedUser,
};
pub use workers::{
    dead_notices::{ListedNotice, list_notices},
    readiness::ReadinessFailure,
    reseal::{
        KeyUsage, ResealError, ResealProgress, ResealReport, ResealSettings, RowCount, key_usage,
        reseal,
    },
    script_probe::run_every_script,
};

pub(crate) use challenge::{
    begin_sign_in::begin_sign_in, cancel_challenge::cancel_challenge, get_challenge::get_challenge,
    get_sign_in_options::get_sign_in_options, issue_challenge::issue_challenge,
    resend_challenge::resend_challenge, verify_challenge::verify_challenge,
};
pub(crate) use dependencies::{
    ChallengeDependencies, DeviceDependencies, MethodDependencies, PolicyDependencies,
    RecoveryDependencies, UserDependencies,
};
pub(crate) use device::{
    list_devices::list_devices,
    revoke_device::{revoke_all_devices, revoke_device},
    trust_device::trust_device,
    update_device::update_device,
};
pub(crate) use method::{
    begin_enrollment::begin_enrollment, confirm_enrollment::confirm_enrollment,
    delete_method::delete_method, disable_two_factor::disable_two_factor,
    get_method_settings::get_method_settings, revert_change::revert_change,
    update_method::update_method,
};
pub(crate) use policy::{
    explain_policy::{explain_policy, explain_policy_for_user},
    get_policy::get_policy,
    simulate_policy::{begin_simulation, simulate_further},
    update_policy::update_policy,
};
pub(crate) use recovery::{
    begin_reset::begin_reset, cancel_reset::cancel_reset,
    confirm_recovery_codes::confirm_recovery_codes, confirm_reset::confirm_reset,
    generate_recovery_codes::generate_recovery_codes,
};
pub(crate) use user::{
    delete_user::delete_user, export_user::export_user, get_user::get_user,
    issue_bypass_code::issue_bypass_code, list_users::list_users, reset_user::reset_user,
    unlock_user::unlock_user, upsert_user::upsert_user,
};

use crate::ports::{
    AccountStore, BudgetStore, ChallengeStore, KeyService, Notifier, PasswordChecker,
};
use countersign_domain::{
    policy::{Policy, PolicyOverride},
    value::{tenant::DisplayNames, time::Timestamp},
};
use countersign_transport::system::{Clock, RandomSource};
use notices::NoticeComposer;
use randomness::Randomness;
use sealing::ValueSealing;
use std::sync::Arc;
use use_case_runner::UseCaseRunner;
use workers::{readiness::Readiness, wakeup::WorkerWakeup};

/// The use cases of every service with their dependencies, and the background workers.
pub struct App {
    pub(crate) challenge: Arc<ChallengeDependencies>,
    pub(crate) method: Arc<MethodDependencies>,
    pub(crate) recovery: Arc<RecoveryDependencies>,
    pub(crate) device: Arc<DeviceDependencies>,
    pub(crate) policy: Arc<PolicyDependencies>,
    pub(crate) user: Arc<UserDependencies>,
    keys: Arc<dyn KeyService>,
    requests: Arc<UseCaseRunner>,
    readiness: Arc<Readiness>,
    wakeup: Arc<WorkerWakeup>,
    notices: NoticeComposer,
    sealing: ValueSealing,
    parts: WorkerPorts,
}

struct WorkerPorts {
    accounts: Arc<dyn AccountStore>,
    challenges: Arc<dyn ChallengeStore>,
    budgets: Arc<dyn BudgetStore>,
    randomness: Randomness,
    notifier: Arc<dyn Notifier>,
    clock: Arc<dyn Clock>,
    display_names: Arc<DisplayNames>,
}

/// The dependencies of [`App`], assembled by `server.rs`.
pub struct AppDependencies {
    /// The durable store: PostgreSQL or `SQLite`.
    pub accounts: Arc<dyn AccountStore>,
    /// The store of open challenges, attempts and messages of one user: Redis or this process.
    pub challenges: Arc<dyn ChallengeStore>,
    /// The store of the budgets that span users.
    pub budgets: Arc<dyn BudgetStore>,
    /// Delivers messages and provider codes.
    pub notifier: Arc<dyn Notifier>,
    /// Verifies account passwords; `None` if no password service is configured.
    pub passwords: Option<Arc<dyn PasswordChecker>>,
    /// The key ring: seals, derives and signs.
    pub keys: Arc<dyn KeyService>,
    /// The source of the current time.
    pub clock: Arc<dyn Clock>,
    /// The source of random bytes.
    pub entropy: Arc<dyn RandomSource>,
    /// A bounded pool for slow hashes (argon2id).
    pub hashing: HashingPool,
    /// The built-in policy, which applies where no layer overrides it.
    pub policy: Policy,
    /// The operator's overrides from `[policy]`, for every tenant.
    pub service_layer: PolicyOverride,
    /// The `iss` claim of assertions.
    pub issuer: String,
    /// The display name of each tenant.
    pub display_names: DisplayNames,
}

impl App {
    /// The public keys that verify assertions, as a JSON Web Key Set. The result does not depend on the time.
    #[must_use]
    pub fn jwks(&self) -> String {
        self.keys.jwks()
    }

    /// Waits until all detached tasks have finished.
    pub async fn drain(&self) {
        self.requests.tasks.drain().await;
    }

    fn accounts(&self) -> &dyn AccountStore {
        self.parts.accounts.as_ref()
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }
}
