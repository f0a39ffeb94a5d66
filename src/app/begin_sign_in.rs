//! `BeginSignIn`: the first factor has passed. Is a second one needed, and which can the user give?

use crate::app::{
    AnswerWith, App, AskedPurpose, Call, ChallengeView, Error, IssueRequest, MethodView,
    ask_device::Asked,
};
use countersign_domain::{
    account::{Account, DefaultMethod, Terms},
    assertion::Claims,
    caller::Audience,
    device::DeviceToken,
    event::{EventKind, Facts},
    id::Id,
    refusal::Refusal,
    settings::KindStanding,
    sign_in::{Need, Pass, SignIn},
    ticket::Ticket,
    time::Timestamp,
};
use std::sync::Arc;

/// Which first factor passed. The decision is the same for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstFactor {
    /// A password.
    Password,
    /// Single sign-on.
    Sso,
}

/// What a sign-in needs.
pub enum Decision {
    /// Nothing more.
    Allowed(Allowed),
    /// A second factor.
    ChallengeRequired {
        /// The user's methods, those that can't answer now included.
        methods: Vec<MethodView>,
        /// Every kind, and why one is not offered.
        kinds: Vec<KindStanding>,
        /// The one to ask for first.
        default: Option<DefaultMethod>,
        /// How many recovery codes are unused.
        codes_left: u32,
        /// The default's challenge, where it was asked for.
        challenge: DefaultChallenge,
    },
    /// A method, before anything else.
    EnrollmentRequired {
        /// The user's methods, none of which counts.
        methods: Vec<MethodView>,
        /// Every kind, and why one is not offered.
        kinds: Vec<KindStanding>,
        /// The right to enrol, and to nothing else.
        ticket: Ticket,
    },
}

/// A sign-in that goes on without a second factor.
pub struct Allowed {
    /// Why.
    pub pass: Pass,
    /// A signed proof that says so.
    pub assertion: String,
    /// For a trusted device to keep in place of the one that it showed.
    pub device_token: Option<DeviceToken>,
}

/// What became of the wish for the default's challenge.
pub enum DefaultChallenge {
    /// There was none, or there is no default.
    None,
    /// It is open.
    Issued(Box<ChallengeView>),
    /// Its message has to wait: the decision is the same.
    WaitsUntil(Timestamp),
}

impl FirstFactor {
    /// Its name in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "PASSWORD",
            Self::Sso => "SSO",
        }
    }
}

impl App {
    /// Decides what a sign-in needs.
    ///
    /// # Errors
    /// [`Error::UserNotFound`] for a user never upserted: a misspelt name never walks past the second factor.
    pub async fn begin_sign_in(
        self: &Arc<Self>,
        call: Call,
        first_factor: FirstFactor,
        audience: String,
        issue_default: bool,
    ) -> Result<Decision, Error> {
        self.to_the_end(call, move |app, call| async move {
            let now = app.now();
            let asked = app
                .ask_device(&call, (first_factor, &audience), now)
                .await?;
            let (account, need) = match asked {
                Asked::Allowed(allowed) => return Ok(Decision::Allowed(allowed)),
                Asked::Needs(account, need) => (account, need),
            };
            match need {
                Need::Nothing(pass) => {
                    let asked = (first_factor, audience);
                    app.allow(&call, &account, pass, asked, now).await
                }
                Need::Challenge => {
                    let asked = (audience, issue_default);
                    app.require_challenge(&call, &account, asked, now).await
                }
                Need::Enrollment => app.require_enrollment(&call, &account, now),
            }
        })
        .await
    }

    /// What a sign-in needs.
    pub(super) fn need(
        &self,
        account: &Account,
        on_trusted_device: bool,
        now: Timestamp,
    ) -> Result<Need, Error> {
        let sign_in = SignIn {
            account,
            profile: &self.on_file(account)?.profile,
            rules: &self.policy(account).rules,
            on_trusted_device,
            now,
        };
        let need = sign_in.need();
        if need == Err(Refusal::PolicyContradictsItself) {
            let tenant = account.subject.tenant.as_str();
            tracing::warn!(
                tenant,
                "a sign-in was refused, because [policy] and the tenant's policy leave no kind that counts: ask for less, or have its administrator decide anew"
            );
        }
        Ok(need?)
    }

    async fn allow(
        &self,
        call: &Call,
        account: &Account,
        pass: Pass,
        (first_factor, audience): (FirstFactor, String),
        now: Timestamp,
    ) -> Result<Decision, Error> {
        let audience = call.audience(&audience)?;
        let facts = allowed_facts(pass, first_factor, &audience);
        let event = self.event(
            call,
            &self.user_key(account)?,
            EventKind::SignInAllowed,
            facts,
            now,
        );
        self.accounts().record(&event).await?;
        let claims = self.claims_of_allowed(call, pass, &audience, now);
        Ok(Decision::Allowed(Allowed {
            pass,
            assertion: self.parts.keys.sign(&claims),
            device_token: None,
        }))
    }

    /// A repeat's assertion has the same id, so that a relying service takes one of the two.
    pub(super) fn claims_of_allowed(
        &self,
        call: &Call,
        pass: Pass,
        audience: &Audience,
        at: Timestamp,
    ) -> Claims {
        let id = self
            .mark(call)
            .map_or_else(|| self.new_id(), |mark| Id::from_bytes(mark.tag));
        let issuer = &self.parts.issuer;
        Claims::of_allowed(issuer, audience, &call.who, (id, pass), at)
    }

    async fn require_challenge(
        &self,
        call: &Call,
        account: &Account,
        (audience, issue_default): (String, bool),
        now: Timestamp,
    ) -> Result<Decision, Error> {
        let policy = self.policy(account);
        let served = self.parts.notifier.served();
        let default = account.default_method(Terms::of_sign_in(&policy.rules, served));
        let challenge = match default {
            Some(default) if issue_default => {
                let asked = IssueRequest {
                    purpose: AskedPurpose::SignIn,
                    answer_with: AnswerWith::Method(default.id),
                    instead_of: None,
                    audience,
                };
                match self.issue(call, account, asked, now).await {
                    Err(Error::TooManySends { retry_after }) => {
                        DefaultChallenge::WaitsUntil(now.plus(retry_after))
                    }
                    issued => DefaultChallenge::Issued(Box::new(issued?)),
                }
            }
            _ => DefaultChallenge::None,
        };
        Ok(Decision::ChallengeRequired {
            methods: self.method_views(account)?,
            kinds: self.kinds(account, None),
            default,
            codes_left: account.recovery_codes_accepted(&self.policy(account)),
            challenge,
        })
    }

    fn require_enrollment(
        &self,
        call: &Call,
        account: &Account,
        now: Timestamp,
    ) -> Result<Decision, Error> {
        let expires_at = now.plus(self.parts.policy.enrollment_life);
        Ok(Decision::EnrollmentRequired {
            methods: self.method_views(account)?,
            kinds: self.kinds(account, None),
            ticket: self.ticket(call, account, expires_at),
        })
    }
}

/// What the audit record says of a sign-in that goes on.
pub(super) fn allowed_facts(pass: Pass, first_factor: FirstFactor, audience: &Audience) -> Facts {
    Facts::none()
        .with("reason", pass.as_str())
        .with("first_factor", first_factor.as_str())
        .with("audience", audience.as_str())
}
