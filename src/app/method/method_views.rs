//! Methods as their users may see them.

use crate::{
    app::{
        DisplayedRecoveryCodes, Error, QueuedNoticeSummary, context::OpenedAccount,
        policy::policy_resolver::PolicyResolver, sealing::ValueSealing,
    },
    ports::Notifier,
};
use countersign_domain::{
    account::{Account, AvailableChannels, MethodRequirements},
    decisions::settings::{MethodKindStatus, SettingsPage},
    method::{Method, MethodKind, MethodLabel, ineligibility::MethodIneligibility},
    policy::Policy,
    value::{destination::Destination, id::MethodId, time::Timestamp},
};
use std::sync::Arc;

/// A method as its user may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodView {
    /// Its id.
    pub id: MethodId,
    /// Its kind.
    pub kind: MethodKind,
    /// Its name.
    pub label: MethodLabel,
    /// Why it can't answer now; none if it can.
    pub ineligibility: Option<MethodIneligibility>,
    /// Where its messages go, masked; empty for an app.
    pub masked_destination: String,
    /// Whether it is asked for first.
    pub is_default: bool,
    /// When it was confirmed.
    pub created_at: Timestamp,
    /// When it last answered rightly.
    pub last_used_at: Option<Timestamp>,
}

/// A method that was turned on.
pub struct EnrolledMethod {
    /// The method.
    pub method: MethodView,
    /// With the first method only: the recovery codes or the key, where the policy has them.
    pub recovery_codes: Option<DisplayedRecoveryCodes>,
    /// Whether a sign-in waits that has to begin again, now that there is a method to answer it.
    pub sign_in_waits: bool,
    /// Where the news of it went, masked.
    pub queued_notices: Vec<QueuedNoticeSummary>,
}

/// Shows methods and kinds.
#[derive(Clone)]
pub(crate) struct MethodViews {
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) policies: Arc<PolicyResolver>,
    pub(crate) sealing: ValueSealing,
}

impl MethodViews {
    /// Every kind, and what the user can do with it.
    pub(crate) fn kinds(
        &self,
        user: &OpenedAccount,
        pending: Option<MethodKind>,
    ) -> Vec<MethodKindStatus> {
        let page = SettingsPage {
            account: &user.account,
            has_email: user.profile().email.is_some(),
            policy: &user.policy,
            service_layer: self.policies.service_layer(),
            served: self.served(),
            pending,
        };
        page.kinds()
    }

    /// A user's methods, oldest first.
    pub(crate) fn all(&self, account: &Account, policy: &Policy) -> Result<Vec<MethodView>, Error> {
        let methods = account.methods.iter();
        let views = methods.map(|method| self.one(account, policy, method));
        views.collect()
    }

    /// One of a user's methods.
    pub(crate) fn one(
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
            ineligibility: terms.ineligibility(method),
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
    pub(crate) fn sign_in_terms<'a>(&self, policy: &'a Policy) -> MethodRequirements<'a> {
        MethodRequirements::of_sign_in(&policy.rules, self.served())
    }

    pub(crate) fn served(&self) -> AvailableChannels {
        self.notifier.served()
    }
}
