//! The context of a use case, loaded and decrypted once. Callees receive the context and load nothing themselves.

use crate::app::{
    ClientContext, Error, detached::CallPermit, hashing::HashedBypassCode,
    recovery::new_recovery_codes::NewRecoveryCodes, replayed_response::ReplayedResponse,
};
use countersign_domain::{
    account::{
        Account,
        change::{AccountChange, ChangeBase, IdempotencyRecord},
        profile::{AccountName, Profile, ProfileRecord},
    },
    audit_event::AuditEvent,
    authorization::{
        actor::Actor,
        caller::{Audience, Caller},
    },
    device::{DeviceToken, DeviceTokenHash},
    limits::budget::AttemptClass,
    notice::account_label::AccountLabel,
    policy::Policy,
    value::{
        id::{ApprovalId, Subject, SubjectTag},
        idempotency_key::IdempotencyKey,
        secret::SecretBytes,
        time::Timestamp,
    },
};
use std::sync::{Arc, OnceLock};

/// A call with its digests, which are computed once.
pub(super) struct CallContext {
    pub(super) caller: Arc<Caller>,
    /// The user whom the call is about.
    pub(super) subject: Subject,
    /// The user's pseudonym.
    pub(super) subject_tag: SubjectTag,
    pub(super) client: ClientContext,
    /// The administrator who acts on the account; `None` if the user acts.
    pub(super) actor: Option<Actor>,
    /// The digests of the request id and of the payload; `None` without a request id.
    pub(super) idempotency: Option<IdempotencyKey>,
    /// When the call arrived.
    pub(super) now: Timestamp,
    pub(super) retained: RetainedResults,
    pub(super) permit: Arc<CallPermit>,
}

/// Results that a call computes once, even if it is decided several times. A retry neither hashes nor verifies a
/// password again.
#[derive(Default)]
pub(super) struct RetainedResults {
    /// The approval that the account password became. Each retry checks it against the account as reloaded.
    pub(super) password_approval: OnceLock<ApprovalId>,
    pub(super) recovery_codes: OnceLock<NewRecoveryCodes>,
    pub(super) bypass_code: OnceLock<HashedBypassCode>,
}

/// A user's account with its decrypted profile and key, and the policy that applies.
pub(super) struct OpenedAccount {
    pub(super) subject_tag: SubjectTag,
    pub(super) account: Account,
    pub(super) profile_record: ProfileRecord,
    /// The user's own key. It seals the personal details of audit events.
    pub(super) user_key: SecretBytes,
    pub(super) policy: Arc<Policy>,
}

impl OpenedAccount {
    /// The name of the account, or else the user id.
    pub(super) fn account_name(&self) -> &str {
        let named = self.profile().account_name.as_ref();
        named.map_or(self.account.subject.user.as_str(), AccountName::as_str)
    }

    /// How messages name the account. It is masked if the policy says so, and in
    /// messages to a destination that is not proven to be the user's.
    pub(super) fn account_label(&self, to_unproven_destination: bool) -> AccountLabel {
        let is_masked = to_unproven_destination || self.policy.rules.mask_account_name;
        AccountLabel::new(self.account_name(), is_masked)
    }
}

/// A call with its loaded user.
pub(super) struct RequestContext {
    pub(super) call: Arc<CallContext>,
    pub(super) user: OpenedAccount,
    /// When the user was loaded. After a conflict this is later than `call.now`.
    pub(super) now: Timestamp,
}

/// A repeated call: its idempotency record, and the user as reloaded.
pub(super) struct ReplayedCall {
    pub(super) context: RequestContext,
    pub(super) record: IdempotencyRecord,
    /// The response of the first call.
    pub(super) response: ReplayedResponse,
}

impl CallContext {
    /// Returns the audience that the caller names, if the caller may use it.
    pub(super) fn audience(&self, named: &str) -> Result<Audience, Error> {
        Ok(self.caller.audience(named).cloned()?)
    }

    /// The digest of the device token that the client presents.
    pub(super) fn device_token_hash(&self) -> Option<DeviceTokenHash> {
        self.client.device_token.as_ref().map(DeviceToken::hash)
    }
}

impl OpenedAccount {
    pub(super) const fn profile(&self) -> &Profile {
        &self.profile_record.profile
    }
}

impl RequestContext {
    /// Until when no numeric code of this client is judged; `None` if its rate limit has room. A known device has a rate
    /// limit of its own.
    pub(crate) fn throttled_until(&self) -> Option<Timestamp> {
        let account = &self.user.account;
        let token = self.call.device_token_hash();
        let is_known = token.is_some_and(|token| account.device_holding(token).is_some());
        let class = if is_known {
            AttemptClass::Known
        } else {
            AttemptClass::Unknown
        };
        account.throttled_until(&self.user.policy.wrong_codes, class, self.now)
    }

    /// Refuses to send a code that would not be judged. A challenge without a message is opened all the same: a recovery
    /// code answers it.
    pub(crate) fn refuse_message_while_throttled(&self) -> Result<(), Error> {
        match self.throttled_until() {
            Some(until) => Err(Error::too_many_attempts(until, self.now)),
            None => Ok(()),
        }
    }

    /// Starts a change that writes nothing yet. It fails if the account changes after this load.
    pub(super) fn change(&self, event: AuditEvent) -> AccountChange {
        let account = &self.user.account;
        AccountChange {
            subject: self.call.subject.clone(),
            base: ChangeBase::Present(account.epoch, account.revision),
            epoch: account.epoch,
            now: self.now,
            consumed_proofs: Vec::new(),
            writes: Vec::new(),
            event,
            notices: Vec::new(),
            idempotency_record: None,
        }
    }
}
