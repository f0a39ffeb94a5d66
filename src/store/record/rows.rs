//! Rows, as both engines read and write them.

use crate::ports::RowPlace;
use countersign_domain::value::id::SubjectTag;

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct AccountRow {
    pub(in crate::store) tenant_id: String,
    pub(in crate::store) user_id: String,
    /// The id without case, accents and width.
    pub(in crate::store) skeleton: String,
    /// What tells users with one skeleton apart, where they may stand beside each other; empty otherwise.
    pub(in crate::store) exact_id: String,
    /// 64 random bits that each save draws.
    pub(in crate::store) version: i64,
    pub(in crate::store) form: i32,
    /// The key that `record` is sealed under.
    pub(in crate::store) key_id: String,
    pub(in crate::store) record: Vec<u8>,
    /// The sealed profile; empty where the engine was not asked for it, or where it did not change.
    pub(in crate::store) profile: Vec<u8>,
    pub(in crate::store) projections: Projections,
}

/// What lists and logins may read without opening the record. No decision about one user rests on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::store) struct Projections {
    /// The digest of the address on file, where it is verified.
    pub(in crate::store) email_tag: Option<Vec<u8>>,
    /// One bit a kind of method, and one for methods that are disabled or suspended.
    pub(in crate::store) methods: i32,
    /// When a wrong attempt last filled a window.
    pub(in crate::store) last_failure_at: Option<i64>,
}

impl Projections {
    pub(in crate::store) const TOTP: i32 = 1;
    pub(in crate::store) const SMS: i32 = 2;
    pub(in crate::store) const EMAIL: i32 = 4;
    pub(in crate::store) const OUT_OF_USE: i32 = 8;
}

/// The ending of a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct EndingRow {
    pub(in crate::store) challenge_id: [u8; 16],
    pub(in crate::store) at: i64,
    /// Sealed.
    pub(in crate::store) ending: Vec<u8>,
}

/// What a repeat of a call finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct IdempotencyRow {
    pub(in crate::store) key_digest: [u8; 16],
    pub(in crate::store) subject: SubjectTag,
    pub(in crate::store) at: i64,
    /// Whether the answer showed something once: erasure takes these rows along.
    pub(in crate::store) has_answer: bool,
    pub(in crate::store) record: Vec<u8>,
}

/// An attestation that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct AttestationRow {
    pub(in crate::store) caller: String,
    pub(in crate::store) attestation_id: String,
    pub(in crate::store) at: i64,
}

/// An audit event to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct EventRow {
    pub(in crate::store) event_id: [u8; 16],
    pub(in crate::store) tenant_id: String,
    pub(in crate::store) subject: SubjectTag,
    pub(in crate::store) kind: &'static str,
    pub(in crate::store) caller: String,
    pub(in crate::store) at: i64,
    pub(in crate::store) details: String,
    pub(in crate::store) personal: Vec<u8>,
}

/// A notice to be queued in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct NewNoticeRow {
    pub(in crate::store) notice_id: [u8; 16],
    pub(in crate::store) subject: SubjectTag,
    /// The place among all that the user is told.
    pub(in crate::store) turn: i64,
    pub(in crate::store) channel: &'static str,
    pub(in crate::store) sealed: Vec<u8>,
    pub(in crate::store) at: i64,
}

/// A notice as it lies in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct NoticeRow {
    pub(in crate::store) position: i64,
    pub(in crate::store) notice_id: Vec<u8>,
    pub(in crate::store) subject: Vec<u8>,
    pub(in crate::store) channel: String,
    pub(in crate::store) sealed: Vec<u8>,
    pub(in crate::store) attempts: i64,
    pub(in crate::store) queued_at: i64,
    pub(in crate::store) dead_at: Option<i64>,
    /// Why it is dead.
    pub(in crate::store) death: Option<String>,
}

/// A security alert to be raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct NewAlertRow {
    pub(in crate::store) tenant_id: String,
    pub(in crate::store) user_id: String,
    pub(in crate::store) subject: SubjectTag,
    pub(in crate::store) turn: i64,
    pub(in crate::store) kind: &'static str,
    pub(in crate::store) method_id: Option<[u8; 16]>,
    pub(in crate::store) method_kind: Option<&'static str>,
    pub(in crate::store) codes_left: Option<i64>,
    pub(in crate::store) at: i64,
}

/// A security alert that waits to become notices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct AlertRow {
    pub(in crate::store) position: i64,
    pub(in crate::store) tenant_id: String,
    pub(in crate::store) user_id: String,
    pub(in crate::store) subject: Vec<u8>,
    pub(in crate::store) turn: i64,
    pub(in crate::store) kind: String,
    pub(in crate::store) method_id: Option<Vec<u8>>,
    pub(in crate::store) method_kind: Option<String>,
    pub(in crate::store) codes_left: Option<i64>,
    pub(in crate::store) at: i64,
}

/// The policy of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct PolicyRow {
    /// JSON.
    pub(in crate::store) layer: String,
    pub(in crate::store) etag: Vec<u8>,
    pub(in crate::store) updated_at: i64,
    /// The sealed key of the tenant's own; empty where there is none yet. A save keeps the one that is there.
    pub(in crate::store) author_key: Vec<u8>,
}

/// What one operation writes, all of it or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::store) struct OperationWrites {
    pub(in crate::store) account: AccountWrite,
    /// A duplicate undoes the whole operation: somebody else ended the challenge.
    pub(in crate::store) ending: Option<EndingRow>,
    pub(in crate::store) event: Option<EventRow>,
    pub(in crate::store) alerts: Vec<NewAlertRow>,
    pub(in crate::store) notices: Vec<NewNoticeRow>,
    pub(in crate::store) idempotency: Option<IdempotencyRow>,
    /// Unique across users: a duplicate means that the proof is consumed.
    pub(in crate::store) attestations: Vec<AttestationRow>,
}

/// What happens to the user's row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::store) enum AccountWrite {
    /// Nothing.
    #[default]
    None,
    /// It is new.
    Insert(Box<AccountRow>),
    /// It is replaced, if it still has the version that was found. An empty profile stays as it is.
    Update {
        expected_version: i64,
        row: Box<AccountRow>,
    },
    /// It goes, with its endings and alerts, with the subject's queued notices and with the idempotency records of the
    /// subject that hold an answer.
    Delete(SubjectTag),
}

/// A row of a table other than `accounts` with something sealed in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct SealedValueRow {
    pub(in crate::store) place: RowPlace,
    /// The pseudonym of its user, where the row has one.
    pub(in crate::store) subject: Option<Vec<u8>>,
    pub(in crate::store) at: i64,
    /// The sealed bytes; of `idempotency_records`, the record with the sealed answer in it.
    pub(in crate::store) value: Vec<u8>,
}

/// A sealed value that takes the place of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct ReplacedValue {
    pub(in crate::store) place: RowPlace,
    pub(in crate::store) before: Vec<u8>,
    pub(in crate::store) after: Vec<u8>,
}
