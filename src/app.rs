//! The use cases: one file for each RPC or close family, each a story read downwards.
//!
//! They sequence what the domain decides and what the ports carry out. They see no transport, no store and no clock but
//! the one they are handed.

mod announcer;
mod answer;
mod ask_device;
mod attempt_judge;
mod audit_events;
mod begin_enrollment;
mod begin_reset;
mod begin_sign_in;
mod call;
mod cancel_challenge;
mod cancel_reset;
mod challenge_drafts;
mod challenge_issuer;
mod commit;
mod composition;
mod confirm_enrollment;
mod confirm_recovery_codes;
mod confirm_reset;
mod context;
mod dead_letters;
mod delete_method;
mod delete_user;
mod deliver;
mod dependencies;
mod detached;
mod disable_two_factor;
mod enrollment_tickets;
mod error;
mod explain_policy;
mod export_user;
mod generate_recovery_codes;
mod get_challenge;
mod get_method_settings;
mod get_policy;
mod get_user;
mod hashing;
mod idempotency;
mod issue_bypass_code;
mod issue_challenge;
mod kept_charge;
mod list_devices;
mod list_users;
mod method_views;
mod next_key;
mod notices;
mod outbox;
mod page_tokens;
mod password;
mod policy_resolver;
mod proof;
mod randomness;
mod readiness;
mod recovery_codes;
mod requests;
mod resend_challenge;
mod reserve;
mod reset_user;
mod resets;
mod revert_change;
mod revoke_device;
mod scan;
mod sealer;
mod settlement;
mod simulate_policy;
mod trust_device;
mod unlock_user;
mod update_device;
mod update_method;
mod update_policy;
mod upsert_user;
mod vault;
mod verify_challenge;

pub use answer::Rejection;
pub use begin_enrollment::{Begun, NewKind, NewMethod, TotpSetup};
pub use begin_reset::ResetAsked;
pub use begin_sign_in::{Allowed, Decision, DefaultChallenge, FirstFactor, SignInRequest};
pub use call::{Call, Context, Repeatable};
pub use confirm_enrollment::{Confirmed, Enrolled};
pub use confirm_reset::ResetOutcome;
pub use dead_letters::{ListedNotice, list_notices};
pub use error::Error;
pub use explain_policy::Explanation;
pub use export_user::{ExportedEvent, ExportedMessage, ExportedPerson, UserExport};
pub use generate_recovery_codes::Generated;
pub use get_challenge::ChallengeView;
pub use get_method_settings::Settings;
pub use get_policy::PolicyView;
pub use get_user::UserView;
pub use hashing::Hashing;
pub use issue_bypass_code::IssuedBypassCode;
pub use issue_challenge::{AnswerWith, AskedPurpose, IssueRequest};
pub use list_devices::{DeviceView, Devices};
pub use list_users::{ListRequest, UserPage, UserSummary};
pub use method_views::MethodView;
pub use notices::Confirmation;
pub use proof::GivenProof;
pub use readiness::Trouble;
pub use recovery_codes::ShownCodes;
pub use simulate_policy::{SimulatedUser, Simulation, SimulationRequest, SimulationStep};
pub use trust_device::TrustUpdate;
pub use update_method::{MethodUpdate, UpdatedMethod};
pub use update_policy::PolicyUpdate;
pub use upsert_user::UpsertedUser;
pub use verify_challenge::{ApprovedView, Verdict};

pub(crate) use begin_enrollment::begin_enrollment;
pub(crate) use begin_reset::begin_reset;
pub(crate) use begin_sign_in::begin_sign_in;
pub(crate) use cancel_challenge::cancel_challenge;
pub(crate) use cancel_reset::cancel_reset;
pub(crate) use confirm_enrollment::confirm_enrollment;
pub(crate) use confirm_recovery_codes::confirm_recovery_codes;
pub(crate) use confirm_reset::confirm_reset;
pub(crate) use delete_method::delete_method;
pub(crate) use delete_user::delete_user;
pub(crate) use dependencies::{
    ChallengeDependencies, DeviceDependencies, MethodDependencies, PolicyDependencies,
    RecoveryDependencies, UserDependencies,
};
pub(crate) use disable_two_factor::disable_two_factor;
pub(crate) use explain_policy::{explain_policy, explain_policy_for_user};
pub(crate) use export_user::export_user;
pub(crate) use generate_recovery_codes::generate_recovery_codes;
pub(crate) use get_challenge::get_challenge;
pub(crate) use get_method_settings::get_method_settings;
pub(crate) use get_policy::get_policy;
pub(crate) use get_user::get_user;
pub(crate) use issue_bypass_code::issue_bypass_code;
pub(crate) use issue_challenge::issue_challenge;
pub(crate) use list_devices::list_devices;
pub(crate) use list_users::list_users;
pub(crate) use resend_challenge::resend_challenge;
pub(crate) use reset_user::reset_user;
pub(crate) use revert_change::revert_change;
pub(crate) use revoke_device::{revoke_all_devices, revoke_device};
pub(crate) use simulate_policy::{begin_simulation, simulate_further};
pub(crate) use trust_device::trust_device;
pub(crate) use unlock_user::unlock_user;
pub(crate) use update_device::update_device;
pub(crate) use update_method::update_method;
pub(crate) use update_policy::update_policy;
pub(crate) use upsert_user::upsert_user;
pub(crate) use verify_challenge::verify_challenge;

use crate::ports::{Accounts, Budgets, Challenges, Clock, Entropy, Keys, Notifier, Passwords};
use context::{CallContext, KeptResults, OpenedAccount, Replay, RequestContext};
use countersign_domain::{
    policy::{Layer, Policy},
    tenant::DisplayNames,
    time::Timestamp,
};
use notices::Notices;
use outbox::Bells;
use readiness::Gate;
use requests::Requests;
use std::sync::Arc;
use vault::Sealing;

/// The use cases of every service, with what they depend on; and the workers beside them.
pub struct App {
    pub(crate) challenge: Arc<ChallengeDependencies>,
    pub(crate) method: Arc<MethodDependencies>,
    pub(crate) recovery: Arc<RecoveryDependencies>,
    pub(crate) device: Arc<DeviceDependencies>,
    pub(crate) policy: Arc<PolicyDependencies>,
    pub(crate) user: Arc<UserDependencies>,
    keys: Arc<dyn Keys>,
    requests: Arc<Requests>,
    gate: Arc<Gate>,
    bells: Arc<Bells>,
    notices: Notices,
    sealing: Sealing,
    parts: WorkerPorts,
}

/// The ports of the workers.
struct WorkerPorts {
    accounts: Arc<dyn Accounts>,
    challenges: Arc<dyn Challenges>,
    notifier: Arc<dyn Notifier>,
    clock: Arc<dyn Clock>,
    display_names: Arc<DisplayNames>,
}

/// What `server.rs` puts together.
pub struct Parts {
    /// Durable memory.
    pub accounts: Arc<dyn Accounts>,
    /// Short-lived memory of one user.
    pub challenges: Arc<dyn Challenges>,
    /// Budgets that span users.
    pub budgets: Arc<dyn Budgets>,
    /// Hands messages over.
    pub notifier: Arc<dyn Notifier>,
    /// Who knows the passwords of accounts, where anybody does.
    pub passwords: Option<Arc<dyn Passwords>>,
    /// The key ring.
    pub keys: Arc<dyn Keys>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives random bits.
    pub entropy: Arc<dyn Entropy>,
    /// Slow hashes, bounded.
    pub hashing: Hashing,
    /// What holds for every tenant, and where nobody decided otherwise.
    pub policy: Policy,
    /// What the operator of the service decided for every tenant.
    pub service_layer: Layer,
    /// `iss` of assertions.
    pub issuer: String,
    /// What companies are called.
    pub display_names: DisplayNames,
}

impl App {
    /// Puts the use cases on their ports.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(composition::app(parts))
    }

    /// The public keys of assertions, as a JSON Web Key Set: the same whatever the time is.
    #[must_use]
    pub fn jwks(&self) -> String {
        self.keys.jwks()
    }

    /// Waits until everything that was begun has run to its end.
    pub async fn drain(&self) {
        self.requests.tasks.drain().await;
    }

    fn accounts(&self) -> &dyn Accounts {
        self.parts.accounts.as_ref()
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }
}
