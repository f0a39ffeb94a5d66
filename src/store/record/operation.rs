//! One verdict or change of one user: what an engine needs to know of it, and what it decides on the locked row.

use super::{
    Sealing, ending, idempotency,
    rows::{
        AccountRow, AccountWrite, AttestationRow, EndingRow, EventRow, IdempotencyRow, NewAlertRow,
        NewNoticeRow, Writes,
    },
};
use crate::ports::{Committed, Stored};
use countersign_domain::{
    account::Account,
    alarm::Alarm,
    caller::CallerName,
    change::{Applied, Base, Change, NotApplied, Spend, Write},
    event::Event,
    id::{ChallengeId, Subject, SubjectTag},
    method::Kind,
    policy::Layer,
    settlement::{Ended, Settled, Settlement, VerdictContext},
    time::Timestamp,
};
use std::sync::Arc;

/// One verdict or change of one user. It may be decided several times, always on what is there then; what it is draws no
/// second version, so that a save whose outcome is unknown is recognized.
#[derive(Debug, Clone)]
pub(in crate::store) struct Operation {
    what: What,
    new_version: i64,
}

#[derive(Debug, Clone)]
enum What {
    Verdict(Arc<Settlement>),
    Change(Arc<Change>),
}

/// What an operation comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum Outcome {
    Verdict(Settled),
    Change(Committed),
}

/// What the engine read under the lock of the user's row.
#[derive(Debug, Clone)]
pub(in crate::store) struct Found {
    /// The row without its profile; nothing if there is no such user.
    pub(in crate::store) account: Option<AccountRow>,
    /// The sealed ending of [`Operation::challenge`], read after the lock was taken.
    pub(in crate::store) ending: Option<Vec<u8>>,
    /// Whether there is a row under [`Operation::idempotency_key`], read after the lock was taken.
    pub(in crate::store) has_idempotency_record: bool,
    /// Whether another user of the tenant has the same id in small letters. Asked only of [`Operation::creates`].
    pub(in crate::store) has_sibling: bool,
    /// When the store's present history began.
    pub(in crate::store) history_began: Timestamp,
}

/// What comes of an operation.
#[derive(Debug, Clone)]
pub(in crate::store) struct Decision {
    pub(in crate::store) outcome: Outcome,
    /// What to write; nothing at all where this is the default.
    pub(in crate::store) writes: Writes,
}

impl Operation {
    pub(in crate::store) fn verdict(settlement: Arc<Settlement>, sealing: &Sealing) -> Self {
        Self {
            what: What::Verdict(settlement),
            new_version: sealing.draw_version(),
        }
    }

    pub(in crate::store) fn change(change: Arc<Change>, sealing: &Sealing) -> Self {
        Self {
            what: What::Change(change),
            new_version: sealing.draw_version(),
        }
    }

    /// Whose row to lock.
    pub(in crate::store) fn subject(&self) -> &Subject {
        match &self.what {
            What::Verdict(settlement) => &settlement.subject,
            What::Change(change) => &change.subject,
        }
    }

    /// The challenge whose ending it depends on.
    pub(in crate::store) fn challenge(&self) -> Option<ChallengeId> {
        match &self.what {
            What::Verdict(settlement) => Some(settlement.challenge),
            What::Change(_) => None,
        }
    }

    /// The idempotency record that it would leave.
    pub(in crate::store) fn idempotency_key(&self) -> Option<[u8; 16]> {
        let receipt = match &self.what {
            What::Verdict(settlement) => settlement.receipt(),
            What::Change(change) => change.receipt.as_ref(),
        };
        receipt.map(|receipt| receipt.mark.tag)
    }

    /// Whether it makes a user.
    pub(in crate::store) fn creates(&self) -> bool {
        match &self.what {
            What::Verdict(_) => false,
            What::Change(change) => {
                matches!(change.base, Base::Absent | Base::AbsentToTheCase)
            }
        }
    }

    /// Whether it may share a transaction with others: no row that it writes is unique across users, and no other user
    /// waits for it.
    pub(in crate::store) fn may_be_batched(&self) -> bool {
        match &self.what {
            What::Verdict(_) => true,
            What::Change(change) => {
                matches!(change.base, Base::Epoch(_)) && change.spends.is_empty()
            }
        }
    }

    /// Whether it erases the user.
    pub(in crate::store) fn erases(&self) -> bool {
        match &self.what {
            What::Verdict(_) => false,
            What::Change(change) => change.erases(),
        }
    }

    /// What it comes to where somebody else was faster with a row that is unique.
    pub(in crate::store) fn outcome_of_duplicate(&self, duplicate: Duplicate) -> Outcome {
        match &self.what {
            What::Verdict(_) => Outcome::Verdict(Settled::Over),
            What::Change(_) => Outcome::Change(match duplicate {
                Duplicate::Account => Committed::ChangedConcurrently,
                Duplicate::FoldedId => Committed::DiffersInCase,
                Duplicate::Attestation => Committed::ProofSpent,
                Duplicate::Idempotency => Committed::RanBefore,
            }),
        }
    }

    /// Decides on what is there, and says what to write. The row has to be locked until that is committed.
    pub(in crate::store) fn decide(
        &self,
        store: &'static str,
        found: &Found,
        sealing: &Sealing,
    ) -> Stored<Decision> {
        match &self.what {
            What::Verdict(settlement) => self.decide_verdict(store, settlement, found, sealing),
            What::Change(change) => self.decide_change(store, change, found, sealing),
        }
    }

    fn decide_verdict(
        &self,
        store: &'static str,
        settlement: &Settlement,
        found: &Found,
        sealing: &Sealing,
    ) -> Stored<Decision> {
        let subject = &settlement.subject;
        let ended = found.ending.as_ref().map(|sealed| {
            let ending = sealing.open_ending(store, subject, settlement.challenge, sealed);
            ending.map(|(_, ended)| ended)
        });
        let context = VerdictContext {
            ended: ended.transpose()?,
            request_used: found.has_idempotency_record,
            history_began: found.history_began,
        };
        let Some(row) = &found.account else {
            let verdict = settlement.record(None, context);
            return Ok(Decision::only(Outcome::Verdict(verdict.settled)));
        };
        let mut account = sealing.open_account(store, subject, row, &Layer::default())?;
        let verdict = settlement.record(Some(&mut account), context);
        let Some(event) = verdict.event else {
            return Ok(Decision::only(Outcome::Verdict(verdict.settled)));
        };
        let tag = event.subject;
        let at = settlement.guess.at;
        let caller = &settlement.approval.caller;
        let ending = verdict.ending.as_ref();
        let alerts = verdict.alerts.iter();
        let writes = Writes {
            account: self.update(row, &account, sealing, false),
            ending: ending.map(|ended| {
                ending_row(subject, settlement.challenge, (caller, at, ended), sealing)
            }),
            event: Some(event_row(event)),
            alerts: alerts
                .map(|(turn, alert)| alert_row(subject, tag, (*turn, *alert), at))
                .collect(),
            idempotency: verdict
                .receipt
                .map(|receipt| idempotency::row(receipt, tag)),
            ..Writes::default()
        };
        Ok(Decision {
            outcome: Outcome::Verdict(verdict.settled),
            writes,
        })
    }

    fn decide_change(
        &self,
        store: &'static str,
        change: &Change,
        found: &Found,
        sealing: &Sealing,
    ) -> Stored<Decision> {
        let is_mine = |row: &AccountRow| row.version == self.new_version;
        if found.account.as_ref().is_some_and(is_mine) {
            return Ok(Decision::change(Committed::Done));
        }
        if found.has_idempotency_record {
            return Ok(Decision::change(Committed::RanBefore));
        }
        let is_new = found.account.is_none();
        // What it was decided from may be lost, and its revision used by another change.
        if !is_new && change.now < found.history_began {
            return Ok(Decision::change(Committed::ChangedConcurrently));
        }
        if is_new && found.has_sibling && change.base == Base::Absent {
            return Ok(Decision::change(Committed::DiffersInCase));
        }
        let before = found.account.as_ref();
        let opened =
            before.map(|row| sealing.open_account(store, &change.subject, row, &Layer::default()));
        let applied = match opened.transpose()? {
            Some(mut account) => account.apply(change).map(|applied| (account, applied)),
            None => Account::created_by(change),
        };
        let (account, applied) = match applied {
            Ok(applied) => applied,
            Err(NotApplied::ChangedConcurrently) => {
                return Ok(Decision::change(Committed::ChangedConcurrently));
            }
            Err(NotApplied::ProofConsumed) => {
                return Ok(Decision::change(Committed::ProofSpent));
            }
        };
        let account = match before {
            _ if change.erases() => AccountWrite::Delete(change.event.subject),
            Some(row) => self.update(row, &account, sealing, writes_profile(change)),
            None => self.insert(change, &account, sealing),
        };
        Ok(Decision {
            outcome: Outcome::Change(Committed::Done),
            writes: writes_beside(change, account, &applied),
        })
    }

    fn update(
        &self,
        before: &AccountRow,
        account: &Account,
        sealing: &Sealing,
        has_new_profile: bool,
    ) -> AccountWrite {
        let of_row = (self.new_version, before.exact_id.as_str());
        AccountWrite::Update {
            expected_version: before.version,
            row: Box::new(sealing.seal_account(account, of_row, has_new_profile)),
        }
    }

    fn insert(&self, change: &Change, account: &Account, sealing: &Sealing) -> AccountWrite {
        let exact_id = match change.base {
            Base::AbsentToTheCase => change.subject.user.as_str(),
            Base::Absent | Base::Present(..) | Base::Epoch(_) => "",
        };
        let of_row = (self.new_version, exact_id);
        AccountWrite::Insert(Box::new(sealing.seal_account(account, of_row, true)))
    }
}

/// Which row was there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Duplicate {
    Account,
    FoldedId,
    Attestation,
    Idempotency,
}

impl Decision {
    fn only(outcome: Outcome) -> Self {
        Self {
            outcome,
            writes: Writes::default(),
        }
    }

    fn change(committed: Committed) -> Self {
        Self::only(Outcome::Change(committed))
    }

    /// Whether there is anything to write.
    pub(in crate::store) fn writes_nothing(&self) -> bool {
        self.writes == Writes::default()
    }
}

fn writes_profile(change: &Change) -> bool {
    let mut writes = change.writes.iter();
    writes.any(|write| matches!(write, Write::Profile { .. }))
}

fn writes_beside(change: &Change, account: AccountWrite, applied: &Applied) -> Writes {
    let tag = change.event.subject;
    let notices = change
        .notices
        .iter()
        .zip(std::iter::repeat(applied.notice_turn));
    let attestations = change.spends.iter().filter_map(|spend| match spend {
        Spend::Approval(_) => None,
        Spend::Attestation(caller, id) => Some(AttestationRow {
            caller: caller.as_str().to_owned(),
            attestation_id: id.clone(),
            at: change.now.millis(),
        }),
    });
    Writes {
        account,
        event: Some(event_row(&change.event)),
        notices: notices
            .filter_map(|(notice, turn)| {
                Some(NewNoticeRow {
                    notice_id: *notice.id.as_bytes(),
                    subject: notice.subject,
                    turn: turn?,
                    channel: notice.channel.as_str(),
                    sealed: notice.sealed.as_bytes().to_vec(),
                    at: change.now.millis(),
                })
            })
            .collect(),
        idempotency: change
            .receipt
            .as_ref()
            .map(|receipt| idempotency::row(receipt, tag)),
        attestations: attestations.collect(),
        ..Writes::default()
    }
}

/// The row of a challenge's ending.
pub(in crate::store) fn ending_row(
    subject: &Subject,
    challenge: ChallengeId,
    (caller, at, ended): (&CallerName, Timestamp, &Ended),
    sealing: &Sealing,
) -> EndingRow {
    let ending = ending::stored_ending(caller, at, ended);
    EndingRow {
        challenge_id: *challenge.as_bytes(),
        at: at.millis(),
        ending: sealing.seal_ending(subject, challenge, &ending),
    }
}

/// The row of an audit event.
pub(in crate::store) fn event_row(event: &Event) -> EventRow {
    EventRow {
        event_id: *event.id.as_bytes(),
        tenant_id: event.tenant.as_str().to_owned(),
        subject: event.subject,
        kind: event.kind.as_str(),
        caller: event.caller.as_str().to_owned(),
        at: event.at.millis(),
        details: event.facts.as_str().to_owned(),
        personal: event.personal.as_bytes().to_vec(),
    }
}

fn alert_row(
    subject: &Subject,
    tag: SubjectTag,
    (turn, alert): (i64, Alarm),
    at: Timestamp,
) -> NewAlertRow {
    let method = alert.method();
    NewAlertRow {
        tenant_id: subject.tenant.as_str().to_owned(),
        user_id: subject.user.as_str().to_owned(),
        subject: tag,
        turn,
        kind: alert.as_str(),
        method_id: method.map(|(id, _)| *id.as_bytes()),
        method_kind: method.map(|(_, kind)| Kind::as_str(kind)),
        codes_left: alert.codes_left().map(i64::from),
        at: at.millis(),
    }
}

/// A policy's idempotency record.
pub(in crate::store) fn idempotency_row(
    receipt: &countersign_domain::change::Receipt,
    tag: SubjectTag,
) -> IdempotencyRow {
    idempotency::row(receipt, tag)
}

/// The row of a queued notice, as of its turn.
pub(in crate::store) fn notice_row(
    notice: &countersign_domain::change::QueuedNotice,
    turn: i64,
    at: Timestamp,
) -> NewNoticeRow {
    NewNoticeRow {
        notice_id: *notice.id.as_bytes(),
        subject: notice.subject,
        turn,
        channel: notice.channel.as_str(),
        sealed: notice.sealed.as_bytes().to_vec(),
        at: at.millis(),
    }
}
