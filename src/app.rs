//! The use cases: one file for each RPC or close family, each a story read downwards.
//!
//! They sequence what the domain decides and what the ports carry out. They see no transport, no store and no clock but
//! the one they are handed.

mod announcer;
mod answer;
mod ask_device;
mod begin_enrollment;
mod begin_reset;
mod begin_sign_in;
mod call;
mod cancel_challenge;
mod cancel_reset;
mod commit;
mod confirm_enrollment;
mod confirm_recovery_codes;
mod confirm_reset;
mod critical;
mod dead_letters;
mod delete_method;
mod delete_user;
mod deliver;
mod disable_two_factor;
mod error;
mod explain_policy;
mod export_user;
mod generate_recovery_codes;
mod get_challenge;
mod get_method_settings;
mod get_policy;
mod get_user;
mod hashing;
mod issue_bypass_code;
mod issue_challenge;
mod list_devices;
mod list_users;
mod next_key;
mod notices;
mod outbox;
mod password;
mod proof;
mod readiness;
mod recovery_answer;
mod resend_challenge;
mod reserve;
mod reset_user;
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
mod verification;
mod verify_challenge;

pub use answer::Rejection;
pub use begin_enrollment::{Begun, NewKind, NewMethod, TotpSetup};
pub use begin_reset::ResetAsked;
pub use begin_sign_in::{Allowed, Decision, DefaultChallenge, FirstFactor};
pub use call::{Call, Context, Repeatable};
pub use confirm_enrollment::{Confirmed, Enrolled};
pub use confirm_reset::ResetOutcome;
pub use dead_letters::{ListedNotice, list_notices};
pub use error::Error;
pub use explain_policy::Explanation;
pub use export_user::{ExportedEvent, ExportedMessage, ExportedPerson, UserExport};
pub use generate_recovery_codes::{Generated, ShownCodes};
pub use get_challenge::ChallengeView;
pub use get_method_settings::{MethodView, Settings};
pub use get_policy::PolicyView;
pub use get_user::UserView;
pub use hashing::Hashing;
pub use issue_bypass_code::IssuedBypassCode;
pub use issue_challenge::{AnswerWith, AskedPurpose, IssueRequest};
pub use list_devices::{DeviceView, Devices};
pub use list_users::{ListRequest, UserPage, UserSummary};
pub use notices::Confirmation;
pub use proof::GivenProof;
pub use readiness::Trouble;
pub use simulate_policy::{SimulatedUser, Simulation, SimulationRequest, SimulationStep};
pub use update_method::MethodUpdate;
pub use update_policy::PolicyUpdate;
pub use verify_challenge::{ApprovedView, Verdict};

use crate::ports::{Accounts, Budgets, Challenges, Clock, Entropy, Keys, Notifier, Passwords};
use countersign_domain::{
    account::Account,
    id::Id,
    policy::{Layer, Policy},
    tenant::DisplayNames,
    time::Timestamp,
};
use critical::Critical;
use outbox::Bells;
use readiness::Gate;
use scan::Scans;
use std::sync::Arc;

/// Everything the use cases need.
pub struct App {
    parts: Parts,
    critical: Critical,
    bells: Bells,
    gate: Gate,
    scans: Scans,
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
        Arc::new(Self {
            parts,
            critical: Critical::default(),
            bells: Bells::default(),
            gate: Gate::default(),
            scans: Scans::default(),
        })
    }

    /// The public keys of assertions, as a JSON Web Key Set: the same whatever the time is.
    #[must_use]
    pub fn jwks(&self) -> String {
        self.parts.keys.jwks()
    }

    /// Waits until everything that was begun has run to its end.
    pub async fn drain(&self) {
        self.critical.drain().await;
    }

    /// What holds for a user: the built-in rules, under what the operator decided, under what the administrator did.
    fn policy(&self, account: &Account) -> Policy {
        self.policy_under(&account.tenant_layer)
    }

    /// What holds in a tenant whose administrator decided this.
    fn policy_under(&self, tenant_layer: &Layer) -> Policy {
        let decided = self.parts.service_layer.with(tenant_layer);
        self.parts.policy.under(&decided)
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    fn new_id<Of>(&self) -> Id<Of> {
        Id::from_bytes(self.random())
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.parts.entropy.fill(&mut bytes);
        bytes
    }
}
