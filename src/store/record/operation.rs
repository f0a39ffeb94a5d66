//! One verdict or change of one user: what an engine needs to know of it, and what it decides on the locked row.

use super::{
    Sealing, idempotency,
    rows::{AccountRow, AccountWrite, Writes},
    sealing::Save,
    unavailable,
    writes::{alert_row, ending_row, event_row, writes_beside},
};
use crate::{
    ports::{Committed, Stored},
    proto::stored,
};
use countersign_domain::{
    account::Account,
    change::{Base, Change, NotApplied, Write},
    id::{ChallengeId, Subject},
    policy::Layer,
    settlement::{Settled, Settlement, VerdictContext},
    time::Timestamp,
};
use std::sync::Arc;

/// One verdict or change of one user. It may be decided several times, always on what is there then; what it is draws no
/// second version, so that a save whose outcome is unknown is recognized.
#[derive(Debug, Clone)]
pub(in crate::store) struct Operation {
    what: What,
    new_version: i64,
    newest_form: i32,
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
    /// The row, with its profile where [`Operation::reads_profile`]; nothing if there is no such user.
    pub(in crate::store) account: Option<AccountRow>,
    /// The sealed ending of [`Operation::challenge`], read after the lock was taken.
    pub(in crate::store) ending: Option<Vec<u8>>,
    /// Whether there is a row under [`Operation::idempotency_key`], read after the lock was taken.
    pub(in crate::store) has_idempotency_record: bool,
    /// Whether another user of the tenant has the same id in small letters. Asked only of [`Operation::creates`].
    pub(in crate::store) has_sibling: bool,
    /// When the store's present history began.
    pub(in crate::store) history_began: Timestamp,
    /// The form that the database is written in, read after the lock was taken.
    pub(in crate::store) writes_form: i32,
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
            newest_form: sealing.newest_form(),
        }
    }

    pub(in crate::store) fn change(change: Arc<Change>, sealing: &Sealing) -> Self {
        Self {
            what: What::Change(change),
            new_version: sealing.draw_version(),
            newest_form: sealing.newest_form(),
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

    /// Whether it is decided on the profile, too. Verdicts, and the next token of a device, neither read nor change it.
    pub(in crate::store) fn reads_profile(&self) -> bool {
        match &self.what {
            What::Verdict(_) => false,
            What::Change(change) => {
                let mut writes = change.writes.iter();
                writes.any(|write| !matches!(write, Write::RotateToken(_)))
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
        let sealing = &sealing.knowing_form(self.newest_form);
        let form = sealing.form_to_write(found.writes_form, found.account.as_ref());
        let under = Under {
            store,
            found,
            sealing,
            form: form.map_err(|bad| unavailable(store, bad))?,
        };
        match &self.what {
            What::Verdict(settlement) => self.decide_verdict(settlement, under),
            What::Change(change) => self.decide_change(change, under),
        }
    }

    fn decide_verdict(&self, settlement: &Settlement, under: Under<'_>) -> Stored<Decision> {
        let Under { found, sealing, .. } = under;
        let subject = &settlement.subject;
        let ended = found.ending.as_ref().map(|sealed| {
            let ending = sealing.open_ending(under.store, subject, settlement.challenge, sealed);
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
        let mut account = sealing.open_account(under.store, subject, row, &Layer::default())?;
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
            account: self.update(row, &account, under, false),
            ending: ending
                .map(|ended| ending_row(subject, settlement.challenge, caller, at, ended, sealing)),
            event: Some(event_row(event)),
            alerts: alerts
                .map(|(turn, alert)| alert_row(subject, tag, *turn, *alert, at))
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

    fn decide_change(&self, change: &Change, under: Under<'_>) -> Stored<Decision> {
        let Under { found, sealing, .. } = under;
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
        let opened = before
            .map(|row| sealing.open_account(under.store, &change.subject, row, &Layer::default()));
        let opened = opened.transpose()?;
        let profile_before = opened.as_ref().map(stored::AccountProfile::from);
        let applied = match opened {
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
        let is_new_profile = || profile_before != Some(stored::AccountProfile::from(&account));
        let account = match before {
            _ if change.erases() => AccountWrite::Delete(change.event.subject),
            Some(row) => {
                let has_new_profile = self.reads_profile() && is_new_profile();
                self.update(row, &account, under, has_new_profile)
            }
            None => self.insert(change, &account, under),
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
        under: Under<'_>,
        has_new_profile: bool,
    ) -> AccountWrite {
        let save = Save {
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

    fn insert(&self, change: &Change, account: &Account, under: Under<'_>) -> AccountWrite {
        let exact_id = match change.base {
            Base::AbsentToTheCase => change.subject.user.as_str(),
            Base::Absent | Base::Present(..) | Base::Epoch(_) => "",
        };
        let save = Save {
            version: self.new_version,
            form: under.form,
            exact_id,
            has_new_profile: true,
        };
        AccountWrite::Insert(Box::new(under.sealing.seal_account(account, save)))
    }
}

/// What an operation is decided under.
#[derive(Clone, Copy)]
struct Under<'a> {
    store: &'static str,
    found: &'a Found,
    sealing: &'a Sealing,
    /// The form to write the row in.
    form: i32,
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
