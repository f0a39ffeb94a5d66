//! `GetMethodSettings`: the whole settings page in one call.

use crate::app::{App, Call, Error};
use countersign_domain::{
    account::{Account, Availability, DefaultMethod},
    challenge::Purpose,
    destination::Destination,
    id::MethodId,
    method::{Kind, Label, Method},
    recovery::RecoverySet,
    time::Timestamp,
};

/// The settings page.
pub struct Settings {
    /// Every kind, and what the user can do with it.
    pub kinds: Vec<(Kind, KindState)>,
    /// The enrolled methods, oldest first.
    pub methods: Vec<MethodView>,
    /// The method to be asked for first.
    pub default: Option<DefaultMethod>,
    /// What is left of the recovery codes.
    pub recovery: Option<RecoverySet>,
}

/// What a user can do with a kind now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KindState {
    /// At least one method of it is enrolled.
    Active,
    /// It can be enrolled.
    Available,
    /// An enrolment waits for its code.
    Pending,
    /// The address on file has to be verified first.
    NeedsVerifiedEmail,
    /// Nobody delivers to it.
    NoNotifier,
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
        let account = self.account(&call, now).await?;
        let pending = self.pending_kind(&call, &account, now).await?;
        let state = |kind| (kind, self.kind_state(&account, kind, pending));
        Ok(Settings {
            kinds: Kind::ALL.map(state).to_vec(),
            methods: self.method_views(&account)?,
            default: account.default_method(self.parts.notifier.served()),
            recovery: account.recovery.clone(),
        })
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
        let served = self.parts.notifier.served();
        let default = account.default_method(served).map(|default| default.id);
        Ok(MethodView {
            id: method.id,
            kind: method.kind,
            label: method.label.clone(),
            availability: served.availability(method),
            masked_destination: secret
                .destination()
                .map(Destination::masked)
                .unwrap_or_default(),
            is_default: default == Some(method.id),
            created_at: method.created_at,
            last_used_at: method.last_used_at,
        })
    }

    fn kind_state(&self, account: &Account, kind: Kind, pending: Option<Kind>) -> KindState {
        let policy = self.policy(account);
        if account.methods.iter().any(|method| method.kind == kind) {
            KindState::Active
        } else if pending == Some(kind) {
            KindState::Pending
        } else if !self.parts.notifier.served().serves(kind) {
            KindState::NoNotifier
        } else if account.email_allows_enrollment(&policy).is_err() {
            KindState::NeedsVerifiedEmail
        } else {
            KindState::Available
        }
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
