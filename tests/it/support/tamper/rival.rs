//! Another writer, who is always a moment earlier: it saves the same account, and changes nothing that anyone would see.

use countersign::ports::{AccountLookup, AccountStore, CommitResult};
use countersign_domain::{
    account::change::{AccountChange, ChangeBase},
    audit_event::{AuditEvent, AuditEventKind},
    policy::{PolicyChange, StoredPolicy},
    value::id::{Id, Subject, SubjectTag, TenantId},
};
use countersign_transport::system::{RandomSource, SystemEntropy};
use std::{
    collections::HashSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// A writer that saves before the first attempt of each change, and lets the second one pass.
#[derive(Default)]
pub(crate) struct Rival {
    met: Mutex<HashSet<(Subject, AuditEventKind)>>,
    /// Whether it lets everything pass for now.
    pub(crate) sleeps: AtomicBool,
    /// How many changes it met.
    pub(crate) conflicts: AtomicUsize,
}

fn id<Of>() -> Id<Of> {
    let mut bytes = [0; 16];
    SystemEntropy.fill(&mut bytes);
    Id::from_bytes(bytes)
}

/// The audit record of another company.
fn elsewhere(event: &AuditEvent) -> AuditEvent {
    AuditEvent {
        id: id(),
        tenant: TenantId::parse("rivals").unwrap(),
        subject: SubjectTag([0; 16]),
        ..event.clone()
    }
}

impl Rival {
    /// Whether this is the first attempt of a change.
    fn meets(&self, subject: &Subject, kind: AuditEventKind) -> bool {
        let mut met = self.met.lock().unwrap();
        let of = (subject.clone(), kind);
        let passes = self.sleeps.load(Ordering::SeqCst);
        let meets = !passes && !met.remove(&of) && met.insert(of);
        self.conflicts
            .fetch_add(usize::from(meets), Ordering::SeqCst);
        meets
    }

    /// Saves what a change is about to be carried out on.
    pub(super) async fn save(&self, accounts: &dyn AccountStore, change: &AccountChange) {
        let can_conflict = !matches!(change.base, ChangeBase::Epoch(_));
        if !can_conflict || !self.meets(&change.subject, change.event.kind) {
            return;
        }
        let loaded = accounts.load(&change.subject, AccountLookup::default());
        let saved = match loaded.await.unwrap().account {
            None => AccountChange {
                event: elsewhere(&change.event),
                notices: Vec::new(),
                idempotency_record: None,
                ..change.clone()
            },
            Some(account) => AccountChange {
                subject: change.subject.clone(),
                base: ChangeBase::Present(account.epoch, account.revision),
                epoch: account.epoch,
                now: change.now,
                consumed_proofs: Vec::new(),
                writes: Vec::new(),
                event: elsewhere(&change.event),
                notices: Vec::new(),
                idempotency_record: None,
            },
        };
        // It may itself meet another change.
        let _saved = accounts.commit(&saved).await.unwrap();
    }

    /// Saves the policy that is about to be changed.
    pub(super) async fn save_policy(&self, accounts: &dyn AccountStore, change: &PolicyChange) {
        let subject = Subject {
            tenant: change.tenant.clone(),
            user: countersign_domain::value::id::UserId::parse("nobody").unwrap(),
        };
        if !self.meets(&subject, change.event.kind) {
            return;
        }
        let (before, _) = accounts.policy(&change.tenant, None).await.unwrap();
        let saved = PolicyChange {
            tenant: change.tenant.clone(),
            base: before.etag,
            after: StoredPolicy {
                etag: id(),
                updated_at: change.after.updated_at,
                ..before
            },
            event: elsewhere(&change.event),
            idempotency_record: None,
        };
        let outcome = accounts.commit_policy(&saved).await.unwrap();
        assert_eq!(outcome, CommitResult::Done);
    }
}
