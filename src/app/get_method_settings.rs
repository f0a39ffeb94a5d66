//! `GetMethodSettings`: the whole settings page in one call.

use crate::app::{App, Call, Devices, Error};
use countersign_domain::{
    account::{Account, Availability, DefaultMethod, Terms},
    challenge::Purpose,
    destination::Destination,
    id::MethodId,
    method::{Kind, Label, Method},
    policy::Requirement,
    recovery::RecoverySet,
    settings::{KindStanding, Page},
    time::Timestamp,
};

/// The settings page.
pub struct Settings {
    /// Whether a second factor is asked for.
    pub two_factor_enabled: bool,
    /// Every kind, and what the user can do with it.
    pub kinds: Vec<KindStanding>,
    /// The enrolled methods, oldest first.
    pub methods: Vec<MethodView>,
    /// The method to be asked for first.
    pub default: Option<DefaultMethod>,
    /// What is left of the recovery codes.
    pub recovery: Option<RecoverySet>,
    /// Whether the user may change methods that they have.
    pub changes_allowed: bool,
    /// Whether the user has to leave the default as it is.
    pub default_locked: bool,
    /// Whether a second factor is required; nothing where that takes groups that are not known.
    pub requirement: Option<Requirement>,
    /// The devices that are known.
    pub devices: Devices,
}

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

impl App {
    /// The whole settings page.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get_method_settings(&self, call: Call) -> Result<Settings, Error> {
        self.gate.pass()?;
        let now = self.now();
        let account = self.account(&call).await?;
        // The page is worth more than that one line of it, where Redis is away.
        let pending = match self.pending_kind(&call, &account, now).await {
            Err(Error::Unavailable(_)) => None,
            known => known?,
        };
        let rules = self.policy(&account).rules;
        let terms = Terms::of_sign_in(&rules, self.parts.notifier.served());
        let profile = self.on_file(&account)?.profile;
        Ok(Settings {
            two_factor_enabled: account.two_factor_enabled(),
            kinds: self.kinds(&account, pending),
            methods: self.method_views(&account)?,
            default: account.default_method(terms),
            recovery: account.recovery.clone().filter(|_| rules.has_recovery()),
            changes_allowed: rules.users_may_change,
            default_locked: rules.default_locked,
            requirement: rules.requirement(&account, &profile, now).ok(),
            devices: self.devices(&call, &account, now),
        })
    }

    /// Every kind, and what the user can do with it.
    pub(super) fn kinds(&self, account: &Account, pending: Option<Kind>) -> Vec<KindStanding> {
        let page = Page {
            account,
            policy: &self.policy(account),
            service_layer: &self.parts.service_layer,
            served: self.parts.notifier.served(),
            pending,
        };
        page.kinds()
    }

    /// A user's methods as they may be shown, oldest first.
    pub(super) fn method_views(&self, account: &Account) -> Result<Vec<MethodView>, Error> {
        account
            .methods
            .iter()
            .map(|method| self.method_view(account, method))
            .collect()
    }

    pub(super) fn method_view(
        &self,
        account: &Account,
        method: &Method,
    ) -> Result<MethodView, Error> {
        let secret = self.open_method(&account.subject, method)?;
        let rules = self.policy(account).rules;
        let terms = Terms::of_sign_in(&rules, self.parts.notifier.served());
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

    /// The kind of the enrolment that waits for its code, unless a change has voided it.
    async fn pending_kind(
        &self,
        call: &Call,
        account: &Account,
        now: Timestamp,
    ) -> Result<Option<Kind>, Error> {
        let Some(standing) = self
            .parts
            .challenges
            .pending_enrollment(self.tag(call), now)
            .await?
        else {
            return Ok(None);
        };
        let challenge = self.open_challenge(&call.who, standing.id, &standing.sealed)?;
        let live =
            challenge.epoch == account.epoch && matches!(challenge.purpose, Purpose::Enrollment(_));
        Ok(challenge.asks.kind().filter(|_| live))
    }
}
