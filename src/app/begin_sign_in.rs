//! `BeginSignIn`: the first factor has passed. Is a second one needed, and which can the user give?

use crate::app::{
    AnswerWith, App, AskedPurpose, Call, ChallengeView, Error, IssueRequest, MethodView,
};
use countersign_domain::{
    account::{Account, DefaultMethod, Terms},
    assertion::Claims,
    event::{EventKind, Facts},
    id::Id,
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
    /// Nothing more; the assertion says so.
    Allowed {
        /// Why.
        pass: Pass,
        /// Its proof.
        assertion: String,
    },
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

/// What became of the wish for the default's challenge.
pub enum DefaultChallenge {
    /// There was none, or there is no default.
    None,
    /// It is open.
    Issued(Box<ChallengeView>),
    /// Its message has to wait: the decision is the same.
    WaitsUntil(Timestamp),
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
            let account = app.account(&call, now).await?;
            let sign_in = SignIn {
                account: &account,
                profile: &app.on_file(&account)?.profile,
                rules: &app.policy(&account).rules,
                on_trusted_device: false,
                now,
            };
            match sign_in.need()? {
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

    async fn allow(
        &self,
        call: &Call,
        account: &Account,
        pass: Pass,
        (first_factor, audience): (FirstFactor, String),
        now: Timestamp,
    ) -> Result<Decision, Error> {
        let audience = call.audience(&audience)?;
        let first_factor = match first_factor {
            FirstFactor::Password => "PASSWORD",
            FirstFactor::Sso => "SSO",
        };
        let facts = Facts::none()
            .with("reason", pass.as_str())
            .with("first_factor", first_factor)
            .with("audience", audience.as_str());
        let event = self.event(
            call,
            &self.user_key(account)?,
            EventKind::SignInAllowed,
            facts,
            now,
        );
        self.accounts().record(&event).await?;
        let issuer = &self.parts.issuer;
        // A repeat's assertion has the same id, so that a relying service takes one of the two.
        let id = self
            .mark(call)
            .map_or_else(|| self.new_id(), |mark| Id::from_bytes(mark.tag));
        let claims = Claims::of_allowed(issuer, &audience, &call.who, (id, pass), now);
        Ok(Decision::Allowed {
            pass,
            assertion: self.parts.keys.sign(&claims),
        })
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
