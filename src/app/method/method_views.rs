//! Methods as their users see them.

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

/// A method as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodView {
    /// The method's id.
    pub id: MethodId,
    /// The method's kind.
    pub kind: MethodKind,
    /// The user's name for the method.
    pub label: MethodLabel,
    /// Why the method can't answer now; `None` if it can.
    pub ineligibility: Option<MethodIneligibility>,
    /// The masked destination of its messages; empty for an authenticator app.
    pub masked_destination: String,
    /// Whether sign-ins ask for it first.
    pub is_default: bool,
    /// When the enrollment was confirmed.
    pub created_at: Timestamp,
    /// When a code of the method was last accepted.
    pub last_used_at: Option<Timestamp>,
}

/// A method that was added.
pub struct EnrolledMethod {
    /// The added method.
    pub method: MethodView,
    /// The recovery codes or key, for the first method only, if the policy has them.
    pub recovery_codes: Option<DisplayedRecoveryCodes>,
    /// Whether a sign-in's ticket authorized the enrollment: the caller has to start the sign-in again.
    pub sign_in_waits: bool,
    /// Where notices were queued, masked.
    pub queued_notices: Vec<QueuedNoticeSummary>,
}

/// Builds views of methods and kinds.
#[derive(Clone)]
pub(crate) struct MethodViews {
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) policies: Arc<PolicyResolver>,
    pub(crate) sealing: ValueSealing,
}

impl MethodViews {
    /// Every method kind, and what the user can do with it.
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

    /// The requirements for a method to answer a sign-in.
    pub(crate) fn sign_in_terms<'a>(&self, policy: &'a Policy) -> MethodRequirements<'a> {
        MethodRequirements::of_sign_in(&policy.rules, self.served())
    }

    pub(crate) fn served(&self) -> AvailableChannels {
        self.notifier.served()
    }
}
