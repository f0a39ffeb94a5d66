//! `BeginEnrollment`: a method waits for its set-up code. Nothing is on until it is confirmed.

use crate::{
    app::{
        App, Call, ChallengeView, Error, GivenProof,
        call::same_call,
        confirm_enrollment::FIRST_VERSION,
        deliver::{Posted, served},
        error::committed,
        issue_challenge::Draft,
        reserve::Reserved,
    },
    ports::{AccountLookup, Committed, FindChallenge},
};
use countersign_domain::{
    account::Account,
    action::Action,
    authorization::Accepted,
    challenge::{Asks, Challenge, Enrollment, Purpose, Warrant},
    change::{Base, Change, Made, Receipt, Spend},
    destination::{Destination, Phone},
    event::{EventKind, Facts},
    id::{ChallengeId, MethodId},
    method::{Kind, Label},
    profile::AccountName,
    refusal::Refusal,
    request::RequestMark,
    time::Timestamp,
    totp::TotpSecret,
};
use std::sync::Arc;

/// What to enrol.
pub struct NewMethod {
    /// Which kind, and where to.
    pub kind: NewKind,
    /// The user's name for it.
    pub label: Option<Label>,
    /// A method that goes as it comes.
    pub replaces: Option<MethodId>,
}

/// Which kind to enrol, and where to.
#[derive(Debug, Clone)]
pub enum NewKind {
    /// An app.
    Totp,
    /// A number; the one on file where none is given.
    Sms(Option<Phone>),
    /// The address on file.
    Email,
}

/// An enrolment that waits for its code.
pub struct Begun {
    /// The challenge that confirms it.
    pub challenge: ChallengeView,
    /// What to show for an app.
    pub totp: Option<TotpSetup>,
}

/// What to show for an app.
pub struct TotpSetup {
    /// The key to type in.
    pub secret: TotpSecret,
    /// The URI in the QR code.
    pub uri: String,
}

impl NewKind {
    const fn kind(&self) -> Kind {
        match self {
            Self::Totp => Kind::Totp,
            Self::Sms(_) => Kind::Sms,
            Self::Email => Kind::Email,
        }
    }
}

impl App {
    /// Begins to enrol a method, if the proof lets it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn begin_enrollment(
        self: &Arc<Self>,
        call: Call,
        new: NewMethod,
        proof: GivenProof,
    ) -> Result<Begun, Error> {
        self.to_the_end(call, move |app, call| async move {
            app.begin(&call, new, proof).await
        })
        .await
    }

    async fn begin(&self, call: &Call, new: NewMethod, proof: GivenProof) -> Result<Begun, Error> {
        let now = self.now();
        let mark = self.mark(call);
        let loaded = self
            .accounts()
            .load(&call.who, AccountLookup::of_request(mark))
            .await?;
        let account = loaded.account.ok_or(Error::UserNotFound)?;
        if let Some(receipt) = same_call(loaded.receipt, mark)? {
            return self
                .begun_before(call, &account, receipt, (mark, now))
                .await;
        }
        let warrant = self.warrant(&account, &proof);
        let (draft, action) = self.prepare(call, &account, (new, warrant), now)?;
        let admitted = self.admit(call, &account, &action, &proof, now)?;
        self.room_to_send(call, &draft, now).await?;
        let accepted = self
            .redeem(call, &account, (&action, admitted), now)
            .await?;
        let challenge = warranted_by(draft, &accepted);
        let reserved = self.reserve_send(&challenge, (mark, now)).await?;
        let change = self.beginning(call, &account, &challenge, (mark, now))?;
        let change = Change {
            spends: Spend::of(&accepted, &call.caller.name)
                .into_iter()
                .collect(),
            ..change
        };
        let outcome = self.commit(&change).await?;
        // With a request id, a repeat beside this call may rely on the charge already.
        if outcome != Committed::Done && mark.is_none() {
            self.give_back(&reserved).await;
        }
        committed(outcome)?;
        self.post_enrollment(call, &account, challenge, (reserved, now))
            .await
    }

    /// What will have let the enrolment begin, should the proof be accepted.
    fn warrant(&self, account: &Account, proof: &GivenProof) -> Warrant {
        let protected = account.is_protected(&self.policy(account).rules);
        match proof {
            GivenProof::Ticket(_) => Warrant::Ticket,
            _ if protected => Warrant::Proof,
            _ => Warrant::FirstFactor,
        }
    }

    /// Whether there is room for the message, charging nothing: the proof is not used up for one that could not be sent.
    async fn room_to_send(
        &self,
        call: &Call,
        challenge: &Challenge,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(send) = self.send_charge(&challenge.asks, false) else {
            return Ok(());
        };
        let challenges = &self.parts.challenges;
        match challenges.next_send(self.tag(call), &send, now).await? {
            None => Ok(()),
            Some(until) => Err(Error::too_many_sends(until, now)),
        }
    }

    /// Charges the message to the budgets that span users, where one is sent.
    async fn reserve_send(
        &self,
        challenge: &Challenge,
        (mark, now): (Option<RequestMark>, Timestamp),
    ) -> Result<Reserved, Error> {
        let send = self.send_charge(&challenge.asks, false);
        self.reserve(challenge, send, mark, now).await
    }

    /// Opens an enrolment that is on record, and sends its code. Should that fail, a repeat of the call does it.
    async fn post_enrollment(
        &self,
        call: &Call,
        account: &Account,
        challenge: Challenge,
        (reserved, now): (Reserved, Timestamp),
    ) -> Result<Begun, Error> {
        let draft = Draft {
            send: self.send_charge(&challenge.asks, false),
            challenge,
            instead_of: None,
        };
        let posted = self
            .post(call, account, draft, (reserved, None, now))
            .await?;
        let totp = self.totp_setup(account, &posted.challenge)?;
        let challenge = self.deliver_code(call, posted).await?;
        Ok(Begun { challenge, totp })
    }

    /// Everything about the new method but the proof: may it be, what would it be called, what does it ask?
    fn prepare(
        &self,
        call: &Call,
        account: &Account,
        (new, warrant): (NewMethod, Warrant),
        now: Timestamp,
    ) -> Result<(Challenge, Action), Error> {
        let kind = new.kind.kind();
        let policy = self.policy(account);
        if let Some(id) = new.replaces {
            account.method(id).ok_or(Error::MethodNotFound)?;
        }
        let action = match new.replaces {
            Some(old) => Action::ReplaceMethod(old, kind),
            None => Action::AddMethod(kind),
        };
        self.permit(account, &action, now)?;
        if !self.parts.notifier.served().serves(kind) {
            return Err(Refusal::NoNotifier.into());
        }
        account.email_allows_enrollment(&policy)?;
        account.place_for_method(&policy, new.replaces)?;
        let id = self.new_id();
        let asks = self.asks_for_new(account, id, new.kind, new.replaces)?;
        served(self, &asks)?;
        let enrollment = Enrollment {
            method: id,
            label: account.label_for(new.label, kind, new.replaces)?,
            replaces: new.replaces,
            warrant,
        };
        let purpose = Purpose::Enrollment(enrollment);
        let challenge = self.challenge(call, account, (purpose, asks), None, now)?;
        Ok((challenge, action))
    }

    fn asks_for_new(
        &self,
        account: &Account,
        id: MethodId,
        kind: NewKind,
        replaces: Option<MethodId>,
    ) -> Result<Asks, Error> {
        let policy = self.policy(account);
        let profile = self.on_file(account)?.profile;
        let destination = match kind {
            NewKind::Totp => {
                return Ok(Asks::Totp {
                    method: (id, FIRST_VERSION),
                    secret: TotpSecret::new(self.random::<20>().to_vec()),
                    parameters: policy.totp,
                    tolerance: policy.totp_tolerance,
                });
            }
            NewKind::Sms(given) => {
                Destination::Phone(given.or(profile.phone).ok_or(Refusal::PhoneMissing)?)
            }
            NewKind::Email => Destination::Email(profile.email.ok_or(Refusal::EmailMissing)?),
        };
        policy.rules.allows_country_of(&destination)?;
        for method in account
            .methods
            .iter()
            .filter(|method| Some(method.id) != replaces)
        {
            let enrolled = self.open_method(&account.subject, method)?;
            if enrolled
                .destination()
                .is_some_and(|enrolled| enrolled.bucket() == destination.bucket())
            {
                return Err(Refusal::DestinationEnrolled.into());
            }
        }
        Ok(self.asks_for_code(account, Some((id, FIRST_VERSION)), destination))
    }

    fn beginning(
        &self,
        call: &Call,
        account: &Account,
        challenge: &Challenge,
        (mark, now): (Option<RequestMark>, Timestamp),
    ) -> Result<Change, Error> {
        let kind = challenge.asks.kind().map_or("", Kind::as_str);
        let facts = Facts::none()
            .with("challenge_id", challenge.id)
            .with("method_kind", kind);
        let facts = match &challenge.purpose {
            Purpose::Enrollment(enrollment) => facts.with("warrant", enrollment.warrant.as_str()),
            Purpose::SignIn
            | Purpose::StepUp { .. }
            | Purpose::VerifyEmail { .. }
            | Purpose::Reset(_) => facts,
        };
        Ok(Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: account.epoch,
            now,
            spends: Vec::new(),
            writes: Vec::new(),
            event: self.event(
                call,
                &self.user_key(account)?,
                EventKind::EnrollmentBegun,
                facts,
                now,
            ),
            notices: Vec::new(),
            receipt: mark.map(|mark| Receipt {
                mark,
                made: Made::Challenge(challenge.id),
                answer: Some(self.seal_challenge(challenge)),
                at: now,
            }),
        })
    }

    async fn begun_before(
        &self,
        call: &Call,
        account: &Account,
        receipt: Receipt,
        (mark, now): (Option<RequestMark>, Timestamp),
    ) -> Result<Begun, Error> {
        let (Made::Challenge(id), Some(sealed)) = (receipt.made, &receipt.answer) else {
            return Err(Error::RequestIdReused);
        };
        let Some((challenge, standing)) = self.standing(call, id).await? else {
            // The first call died before it opened what it had recorded, or what it opened is over.
            let challenge = self.open_challenge(&call.who, id, sealed)?;
            if now >= challenge.expires_at || self.ended(call, id).await?.is_some() {
                return Err(Refusal::ChallengeOver.into());
            }
            self.room_to_send(call, &challenge, now).await?;
            let reserved = self.reserve_send(&challenge, (mark, now)).await?;
            return self
                .post_enrollment(call, account, challenge, (reserved, now))
                .await;
        };
        let totp = self.totp_setup(account, &challenge)?;
        let posted = Posted {
            challenge,
            standing,
            fresh: None,
        };
        let challenge = self.deliver_code(call, posted).await?;
        Ok(Begun { challenge, totp })
    }

    async fn standing(
        &self,
        call: &Call,
        id: ChallengeId,
    ) -> Result<Option<(Challenge, countersign_domain::book::Standing)>, Error> {
        let find = FindChallenge {
            id,
            caller: call.caller.name.clone(),
            now: self.now(),
        };
        let Some(standing) = self.parts.challenges.find(self.tag(call), &find).await? else {
            return Ok(None);
        };
        let challenge = self.open_challenge(&call.who, id, &standing.sealed)?;
        Ok(Some((challenge, standing)))
    }

    fn totp_setup(
        &self,
        account: &Account,
        challenge: &Challenge,
    ) -> Result<Option<TotpSetup>, Error> {
        let Asks::Totp {
            secret, parameters, ..
        } = &challenge.asks
        else {
            return Ok(None);
        };
        let on_file = self.on_file(account)?;
        let named = on_file
            .profile
            .account_name
            .as_ref()
            .map(AccountName::as_str);
        let account_name = named.unwrap_or(account.subject.user.as_str());
        let issuer = self.parts.display_names.of(&account.subject.tenant);
        let uri = secret.uri(*parameters, &issuer, account_name);
        Ok(Some(TotpSetup {
            secret: secret.clone(),
            uri: uri.ok_or(Error::Defect("a key URI could not be made"))?,
        }))
    }
}

/// Notes in an enrolment that its proof said that the methods before it are lost.
fn warranted_by(challenge: Challenge, accepted: &Accepted) -> Challenge {
    let warrant = match accepted {
        Accepted::Recovery(_) => Warrant::Recovery,
        Accepted::Bypass(_) => Warrant::Bypass,
        Accepted::Approval(_) | Accepted::Attestation(_) | Accepted::Ticket => return challenge,
    };
    let purpose = match challenge.purpose {
        Purpose::Enrollment(enrollment) => Purpose::Enrollment(Enrollment {
            warrant,
            ..enrollment
        }),
        purpose => purpose,
    };
    Challenge {
        purpose,
        ..challenge
    }
}
