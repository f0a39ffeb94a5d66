//! One verdict or change of one user: what an engine needs to know of it, and what it decides on the locked row.

use super::{
    RecordSealing,
    account::stored_profile,
    idempotency,
    operation_outcome::{DuplicateRow, OperationDecision, OperationOutcome},
    rows::{AccountRow, AccountWrite, OperationWrites},
    sealing::SaveMode,
    siblings::conflict,
    unavailable,
    writes::{alert_row, ending_row, event_row, writes_beside},
};
use crate::ports::{CommitResult, StoreResult};
use countersign_domain::{
    account::{
        Account,
        change::{AccountChange, AccountWriteOp, ChangeBase, ChangeRejection},
    },
    challenge::verdict::{VerdictContext, VerdictRequest, VerdictResult},
    policy::PolicyOverride,
    value::{
        id::{ChallengeId, Subject, UserIdConflict},
        time::Timestamp,
    },
};
use std::sync::Arc;

/// One verdict or change of one user. It may be decided several times, always on what is there then; what it is draws no
/// second version, so that a save whose outcome is unknown is recognized.
#[derive(Debug, Clone)]
pub(in crate::store) struct StoreOperation {
    what: OperationKind,
    new_version: i64,
    newest_form: i32,
}

#[derive(Debug, Clone)]
enum OperationKind {
    Verdict(Arc<VerdictRequest>),
    Change(Arc<AccountChange>),
    /// Seal the row under the active key.
    Reseal(Arc<Subject>),
}

/// What the engine read under the lock of the user's row.
#[derive(Debug, Clone)]
pub(in crate::store) struct LockedRecord {
    /// The row, with its profile where [`StoreOperation::reads_profile`]; nothing if there is no such user.
    pub(in crate::store) account: Option<AccountRow>,
    /// The sealed ending of [`StoreOperation::challenge`], read after the lock was taken.
    pub(in crate::store) ending: Option<Vec<u8>>,
    /// Whether there is a row under [`StoreOperation::idempotency_key`], read after the lock was taken.
    pub(in crate::store) has_idempotency_record: bool,
    /// Other users of the tenant with the same skeleton, [`super::siblings::MAX_SIBLINGS`] and one more at most. Asked only of
    /// [`StoreOperation::creates`].
    pub(in crate::store) siblings: Vec<String>,
    /// When the store's present history began.
    pub(in crate::store) timeline_started_at: Timestamp,
    /// The form that the database is written in, read after the lock was taken.
    pub(in crate::store) writes_form: i32,
}

impl StoreOperation {
    pub(in crate::store) fn verdict(
        verdict_request: Arc<VerdictRequest>,
        sealing: &RecordSealing,
    ) -> Self {
        Self {
            what: OperationKind::Verdict(verdict_request),
            new_version: sealing.draw_version(),
            newest_form: sealing.newest_form(),
        }
    }

    pub(in crate::store) fn change(change: Arc<AccountChange>, sealing: &RecordSealing) -> Self {
        Self {
            what: OperationKind::Change(change),
            new_version: sealing.draw_version(),
            newest_form: sealing.newest_form(),
        }
    }

    pub(in crate::store) fn reseal(subject: Arc<Subject>, sealing: &RecordSealing) -> Self {
        Self {
            what: OperationKind::Reseal(subject),
            new_version: sealing.draw_version(),
            newest_form: sealing.newest_form(),
        }
    }

    /// Whose row to lock.
    pub(in crate::store) fn subject(&self) -> &Subject {
        match &self.what {
            OperationKind::Verdict(verdict_request) => &verdict_request.subject,
            OperationKind::Change(change) => &change.subject,
            OperationKind::Reseal(subject) => subject,
        }
    }

    /// The challenge whose ending it depends on.
    pub(in crate::store) fn challenge(&self) -> Option<ChallengeId> {
        match &self.what {
            OperationKind::Verdict(verdict_request) => Some(verdict_request.challenge),
            OperationKind::Change(_) | OperationKind::Reseal(_) => None,
        }
    }

    /// The idempotency record that it would leave.
    pub(in crate::store) fn idempotency_key(&self) -> Option<[u8; 16]> {
        let idempotency_record = match &self.what {
            OperationKind::Verdict(verdict_request) => verdict_request.idempotency_record(),
            OperationKind::Change(change) => change.idempotency_record.as_ref(),
            OperationKind::Reseal(_) => None,
        };
        idempotency_record.map(|idempotency_record| idempotency_record.idempotency_key.key_digest)
    }

    /// Whether it makes a user.
    pub(in crate::store) fn creates(&self) -> bool {
        match &self.what {
            OperationKind::Verdict(_) | OperationKind::Reseal(_) => false,
            OperationKind::Change(change) => change.base.user_id_rules().is_some(),
        }
    }

    /// Whether it may share a transaction with others: no row that it writes is unique across users, and no other user
    /// waits for it.
    pub(in crate::store) fn may_be_batched(&self) -> bool {
        match &self.what {
            OperationKind::Verdict(_) | OperationKind::Reseal(_) => true,
            OperationKind::Change(change) => {
                matches!(change.base, ChangeBase::Epoch(_)) && change.consumed_proofs.is_empty()
            }
        }
    }

    /// Whether it is decided on the profile, too. Verdicts, and the next token of a device, neither read nor change it.
    pub(in crate::store) fn reads_profile(&self) -> bool {
        match &self.what {
            OperationKind::Verdict(_) => false,
            OperationKind::Reseal(_) => true,
            OperationKind::Change(change) => {
                let mut writes = change.writes.iter();
                writes.any(|write| !matches!(write, AccountWriteOp::RotateToken(_)))
            }
        }
    }

    /// Whether it erases the user.
    pub(in crate::store) fn erases(&self) -> bool {
        match &self.what {
            OperationKind::Verdict(_) | OperationKind::Reseal(_) => false,
            OperationKind::Change(change) => change.erases(),
        }
    }

    /// What it comes to where somebody else was faster with a row that is unique.
    pub(in crate::store) fn outcome_of_duplicate(
        &self,
        duplicate: DuplicateRow,
    ) -> OperationOutcome {
        match &self.what {
            OperationKind::Verdict(_) => OperationOutcome::Verdict(VerdictResult::Over),
            // It adds no row.
            OperationKind::Reseal(_) => OperationOutcome::Resealed(false),
            OperationKind::Change(_) => OperationOutcome::Change(match duplicate {
                // The next try reads what is there, and whose id it is.
                DuplicateRow::Account | DuplicateRow::Skeleton => CommitResult::ChangedConcurrently,
                DuplicateRow::Attestation => CommitResult::ProofSpent,
                DuplicateRow::Idempotency => CommitResult::RanBefore,
            }),
        }
    }

    /// Decides on what is there, and says what to write. The row has to be locked until that is committed.
    pub(in crate::store) fn decide(
        &self,
        store: &'static str,
        found: &LockedRecord,
        sealing: &RecordSealing,
    ) -> StoreResult<OperationDecision> {
        let sealing = &sealing.knowing_form(self.newest_form);
        let form = sealing.form_to_write(found.writes_form, found.account.as_ref());
        let under = DecisionContext {
            store,
            found,
            sealing,
            form: form.map_err(|bad| unavailable(store, bad))?,
        };
        match &self.what {
            OperationKind::Verdict(verdict_request) => self.decide_verdict(verdict_request, under),
            OperationKind::Change(change) => self.decide_change(change, under),
            OperationKind::Reseal(subject) => self.decide_reseal(subject, under),
        }
    }

    /// What the row says stays: no event, no notice, and no new revision, so that no change of the user meets a conflict.
    fn decide_reseal(
        &self,
        subject: &Subject,
        under: DecisionContext<'_>,
    ) -> StoreResult<OperationDecision> {
        let Some(row) = &under.found.account else {
            return Ok(OperationDecision::only(OperationOutcome::Resealed(false)));
        };
        let is_mine = row.version == self.new_version;
        let resealed = under
            .sealing
            .reseal_account(under.store, subject, row, self.new_version)?;
        let Some(resealed) = resealed else {
            return Ok(OperationDecision::only(OperationOutcome::Resealed(is_mine)));
        };
        let writes = OperationWrites {
            account: AccountWrite::Update {
                expected_version: row.version,
                row: Box::new(resealed),
            },
            ..OperationWrites::default()
        };
        Ok(OperationDecision {
            outcome: OperationOutcome::Resealed(true),
            writes,
        })
    }

    fn decide_verdict(
        &self,
        verdict_request: &VerdictRequest,
        under: DecisionContext<'_>,
    ) -> StoreResult<OperationDecision> {
        let DecisionContext { found, sealing, .. } = under;
        let subject = &verdict_request.subject;
        let ended = found.ending.as_ref().map(|sealed| {
            let ending =
                sealing.open_ending(under.store, subject, verdict_request.challenge, sealed);
            ending.map(|(_, ended)| ended)
        });
        let context = VerdictContext {
            ended: ended.transpose()?,
            request_used: found.has_idempotency_record,
            timeline_started_at: found.timeline_started_at,
        };
        let Some(row) = &found.account else {
            let verdict = verdict_request.apply_to(None, context);
            return Ok(OperationDecision::only(OperationOutcome::Verdict(
                verdict.verdict_result,
            )));
        };
        let mut account =
            sealing.open_account(under.store, subject, row, &PolicyOverride::default())?;
        let verdict = verdict_request.apply_to(Some(&mut account), context);
        let Some(event) = verdict.event else {
            return Ok(OperationDecision::only(OperationOutcome::Verdict(
                verdict.verdict_result,
            )));
        };
        let tag = event.subject;
        let at = verdict_request.attempt.at;
        let caller = &verdict_request.approval.caller;
        let ending = verdict.ending.as_ref();
        let alerts = verdict.alerts.iter();
        let writes = OperationWrites {
            account: self.update(row, &account, under, false),
            ending: ending.map(|ended| {
                ending_row(
                    subject,
                    verdict_request.challenge,
                    caller,
                    at,
                    ended,
                    sealing,
                )
            }),
            event: Some(event_row(event)),
            alerts: alerts
                .map(|(turn, alert)| alert_row(subject, tag, *turn, *alert, at))
                .collect(),
            idempotency: verdict
                .idempotency_record
                .map(|idempotency_record| idempotency::row(idempotency_record, tag)),
            ..OperationWrites::default()
        };
        Ok(OperationDecision {
            outcome: OperationOutcome::Verdict(verdict.verdict_result),
            writes,
        })
    }

    fn decide_change(
        &self,
        change: &AccountChange,
        under: DecisionContext<'_>,
    ) -> StoreResult<OperationDecision> {
        let DecisionContext { found, sealing, .. } = under;
        let is_mine = |row: &AccountRow| row.version == self.new_version;
        if found.account.as_ref().is_some_and(is_mine) {
            return Ok(OperationDecision::change(CommitResult::Done));
        }
        if found.has_idempotency_record {
            return Ok(OperationDecision::change(CommitResult::RanBefore));
        }
        let is_new = found.account.is_none();
        // What it was decided from may be lost, and its revision used by another change.
        if !is_new && change.now < found.timeline_started_at {
            return Ok(OperationDecision::change(CommitResult::ChangedConcurrently));
        }
        let rules = change.base.user_id_rules().filter(|_| is_new);
        let taken = rules.and_then(|rules| conflict(&found.siblings, &change.subject.user, rules));
        if let Some(taken) = taken {
            return Ok(OperationDecision::change(match taken {
                UserIdConflict::DiffersInCase => CommitResult::DiffersInCase,
                UserIdConflict::LooksAlike => CommitResult::LooksAlike,
            }));
        }
        let before = found.account.as_ref();
        let opened = before.map(|row| {
            sealing.open_account(
                under.store,
                &change.subject,
                row,
                &PolicyOverride::default(),
            )
        });
        let opened = opened.transpose()?;
        let profile_before = opened.as_ref().map(stored_profile);
        let applied = match opened {
            Some(mut account) => account.apply(change).map(|applied| (account, applied)),
            None => Account::created_by(change),
        };
        let (account, applied) = match applied {
            Ok(applied) => applied,
            Err(ChangeRejection::ChangedConcurrently) => {
                return Ok(OperationDecision::change(CommitResult::ChangedConcurrently));
            }
            Err(ChangeRejection::ProofConsumed) => {
                return Ok(OperationDecision::change(CommitResult::ProofSpent));
            }
        };
        let is_new_profile = || profile_before != Some(stored_profile(&account));
        let account = match before {
            _ if change.erases() => AccountWrite::Delete(change.event.subject),
            Some(row) => {
                let has_new_profile = self.reads_profile() && is_new_profile();
                self.update(row, &account, under, has_new_profile)
            }
            None => self.insert(change, &account, under),
        };
        Ok(OperationDecision {
            outcome: OperationOutcome::Change(CommitResult::Done),
            writes: writes_beside(change, account, &applied),
        })
    }

    fn update(
        &self,
        before: &AccountRow,
        account: &Account,
        under: DecisionContext<'_>,
        has_new_profile: bool,
    ) -> AccountWrite {
        let save = SaveMode {
            version: self.new_version,
            form: under.form,
            exact_id: &before.exact_id,
            has_new_profile,
        };
        AccountWrite::Update {
            expected_version: before.version,
            row: Box::new(under.sealing.seal_account(account, save)),
        }
    }

    fn insert(
        &self,
        change: &AccountChange,
        account: &Account,
        under: DecisionContext<'_>,
    ) -> AccountWrite {
        let rules = change.base.user_id_rules().unwrap_or_default();
        let exact_id = rules.exact_id(&change.subject.user);
        let save = SaveMode {
            version: self.new_version,
            form: under.form,
            exact_id: &exact_id,
            has_new_profile: true,
        };
        AccountWrite::Insert(Box::new(under.sealing.seal_account(account, save)))
    }
}

/// What an operation is decided under.
#[derive(Clone, Copy)]
struct DecisionContext<'a> {
    store: &'static str,
    found: &'a LockedRecord,
    sealing: &'a RecordSealing,
    /// The form to write the row in.
    form: i32,
}
