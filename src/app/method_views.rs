//! Methods as their users may see them.

use crate::{
    app::{Error, OpenedAccount, Sealing, policy_resolver::PolicyResolver},
    ports::Notifier,
};
use countersign_domain::{
    account::{Account, Availability, Served, Terms},
    destination::Destination,
    id::MethodId,
    method::{Kind, Label, Method},
    policy::Policy,
    settings::{KindStanding, Page},
    time::Timestamp,
};
use std::sync::Arc;

/// A method as its user may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodView {
    /// Its id.
    pub id: MethodId,
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub label: Label,
    /// Whether it can answer.
    pub availability: Availability,
    /// Where its messages go, masked; empty for an app.
    pub masked_destination: String,
    /// Whether it is asked for first.
    pub is_default: bool,
    /// When it was confirmed.
    pub created_at: Timestamp,
    /// When it last answered rightly.
    pub last_used_at: Option<Timestamp>,
}

/// Shows methods and kinds.
#[derive(Clone)]
pub(super) struct MethodViews {
    pub(super) notifier: Arc<dyn Notifier>,
    pub(super) policies: Arc<PolicyResolver>,
    pub(super) sealing: Sealing,
}

impl MethodViews {
    /// Every kind, and what the user can do with it.
    pub(super) fn kinds(&self, user: &OpenedAccount, pending: Option<Kind>) -> Vec<KindStanding> {
        let page = Page {
            account: &user.account,
            policy: &user.policy,
            service_layer: self.policies.service_layer(),
            served: self.served(),
            pending,
        };
        page.kinds()
    }

    /// A user's methods, oldest first.
    pub(super) fn all(&self, account: &Account, policy: &Policy) -> Result<Vec<MethodView>, Error> {
        let methods = account.methods.iter();
        let views = methods.map(|method| self.one(account, policy, method));
        views.collect()
    }

    /// One of a user's methods.
    pub(super) fn one(
        &self,
        account: &Account,
        policy: &Policy,
        method: &Method,
    ) -> Result<MethodView, Error> {
        let secret = self.sealing.open_method(&account.subject, method)?;
        let terms = self.sign_in_terms(policy);
        let default = account.default_method(terms).map(|default| default.id);
        Ok(MethodView {
            id: method.id,
            kind: method.kind,
            label: method.label.clone(),
            availability: terms.availability(method),
            masked_destination: secret
                .destination()
                .map(Destination::masked)
                .unwrap_or_default(),
            is_default: default == Some(method.id),
            created_at: method.created_at,
            last_used_at: method.last_used_at,
        })
    }

    /// What a method has to be to sign its user in.
    pub(super) fn sign_in_terms<'a>(&self, policy: &'a Policy) -> Terms<'a> {
        Terms::of_sign_in(&policy.rules, self.served())
    }

    pub(super) fn served(&self) -> Served {
        self.notifier.served()
    }
}
