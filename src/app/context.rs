//! What a use case knows of its call: loaded once, opened once, merged once. Callees get the context and load nothing.

use crate::app::{
    ClientContext, Error, hashing::HashedBypassCode, replayed_response::ReplayedResponse,
    recovery::new_recovery_codes::NewRecoveryCodes,
};
use countersign_domain::{
    account::{
        Account,
        change::{AccountChange, ChangeBase, IdempotencyRecord},
        profile::{Profile, ProfileRecord},
    },
    audit_event::AuditEvent,
    authorization::{
        actor::Actor,
        caller::{Audience, Caller},
    },
    device::{DeviceToken, DeviceTokenHash},
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
    /// The service that calls.
    pub(super) caller: Arc<Caller>,
    /// The user whom the call is about.
    pub(super) subject: Subject,
    /// The user's pseudonym.
    pub(super) subject_tag: SubjectTag,
    /// The person's client.
    pub(super) client: ClientContext,
    /// The administrator who makes the call, if it is not the user's own.
    pub(super) actor: Option<Actor>,
    /// The digests of the request id and its payload; none without a request id.
    pub(super) idempotency: Option<IdempotencyKey>,
    /// When the call came in.
    pub(super) now: Timestamp,
    pub(super) kept: RetainedResults,
}

/// What a call makes once, although it may be decided several times. No attempt hashes again, or asks again whether a
/// password is right.
#[derive(Default)]
pub(super) struct RetainedResults {
    /// The approval that the account password became. Each attempt checks it against the account as it is then.
    pub(super) password_approval: OnceLock<ApprovalId>,
    pub(super) recovery_codes: OnceLock<NewRecoveryCodes>,
    pub(super) bypass_code: OnceLock<HashedBypassCode>,
}

/// A user's record, opened once, with the policy that holds for it.
pub(super) struct OpenedAccount {
    /// The user's pseudonym.
    pub(super) subject_tag: SubjectTag,
    pub(super) account: Account,
    pub(super) profile_record: ProfileRecord,
    /// The user's own key, under which personal fields of audit events are sealed.
    pub(super) user_key: SecretBytes,
    pub(super) policy: Arc<Policy>,
}

/// Everything that a use case needs to know of its call.
pub(super) struct RequestContext {
    pub(super) call: Arc<CallContext>,
    pub(super) user: OpenedAccount,
    /// When the user was loaded: later than the call's own instant after a conflict.
    pub(super) now: Timestamp,
}

/// A call that ran before: what it left, and the user as they are now.
pub(super) struct ReplayedCall {
    pub(super) context: RequestContext,
    pub(super) record: IdempotencyRecord,
    /// What the first call showed.
    pub(super) response: ReplayedResponse,
}

impl CallContext {
    /// The audience that the caller names.
    pub(super) fn audience(&self, named: &str) -> Result<Audience, Error> {
        Ok(self.caller.audience(named).cloned()?)
    }

    /// The digest of the token that the client presents.
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
    /// The change of a use case that writes nothing yet: it rests on the record as it was loaded.
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
