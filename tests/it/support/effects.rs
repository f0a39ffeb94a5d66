//! What a call did to a person, as far as it can be counted.

use crate::support::{Person, Service};
use countersign::ports::{AccountLookup, KeyService, RecordsQuery};
use countersign_domain::{account::Account, policy::PolicyOverride};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::sleep;

/// What there is of a person: equal for two persons to whom the same happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Effects {
    /// Audit records, by kind.
    events: BTreeMap<String, usize>,
    ended_challenges: usize,
    /// Messages to the person's company that went out.
    messages: usize,
    account: String,
    has_policy: bool,
}

impl Effects {
    pub(crate) async fn of(service: &Service, person: &Person) -> Self {
        service.app.dispatch_due_alerts().await.unwrap();
        service.wait_for_notices().await;
        let (subject, accounts) = (person.subject(), &service.stores.accounts);
        let ask = RecordsQuery {
            tag: service.ring.subject_tag(&subject),
            subject: subject.clone(),
            after_event: 0,
            after_challenge: None,
            at_most: 1000,
        };
        let records = accounts.records(&ask).await.unwrap();
        let mut events = BTreeMap::new();
        for event in &records.events {
            *events.entry(event.kind.clone()).or_default() += 1;
        }
        let loaded = accounts
            .load(&subject, AccountLookup::default())
            .await
            .unwrap();
        let account = loaded.account.as_ref();
        Self {
            events,
            ended_challenges: records.ended.len(),
            messages: person.messages("").await.len(),
            account: account.map(shape).unwrap_or_default(),
            has_policy: loaded.tenant_layer != PolicyOverride::default(),
        }
    }

    /// Once nothing more happens, and it is one of those that are expected, if that can still come.
    pub(crate) async fn wait_until_stable(
        service: &Service,
        person: &Person,
        expected: &[&Self],
    ) -> Self {
        let mut quiet = 0;
        let mut last = Self::of(service, person).await;
        loop {
            sleep(Duration::from_millis(30)).await;
            let now = Self::of(service, person).await;
            quiet = if now == last { quiet + 1 } else { 0 };
            last = now;
            if quiet >= 1 && expected.contains(&&last) || quiet >= 12 {
                return last;
            }
        }
    }
}

fn shape(account: &Account) -> String {
    let methods = account.methods.iter();
    let methods: Vec<_> = methods
        .map(|method| {
            let is_default = account.user_default == Some(method.id);
            (method.kind, &method.label, method.suspended, is_default)
        })
        .collect();
    let recovery = account.recovery.as_ref();
    let recovery = recovery.map(|set| (set.left(), set.confirmed_at.is_some()));
    let devices = account.devices.iter();
    let devices: Vec<_> = devices
        .map(|device| (&device.name, device.given.len(), device.accepted.is_some()))
        .collect();
    let reset = account.reset.as_ref();
    let reset = reset.map(|reset| (reset.challenge.is_some(), reset.canceled_at.is_some()));
    format!(
        "{methods:?} {recovery:?} {devices:?} {reset:?} wrong {} approvals {} told {} revertible {} bypass {} held {} email {}",
        account.wrong_attempts.len(),
        account.approvals.len(),
        account.notice_turn,
        account.revertible.len(),
        account.bypass.is_some(),
        account.pending_review,
        account.email_version,
    )
}
