//! What a device's token says at a sign-in: that the user trusts the device, nothing, or that somebody copied it.

use crate::{
    app::{
        App, Call, Error, FirstFactor,
        begin_sign_in::{Allowed, allowed_facts},
        call::{Shown as Showing, same_call},
        error::committed,
        notices::News,
    },
    ports::{AccountLookup, Committed},
};
use countersign_domain::{
    account::Account,
    caller::Audience,
    change::{Base, Change, Made, Receipt, Rotation, Write},
    device::{Device, DeviceToken, Shown, TrustTerms, shown},
    event::{EventKind, Facts},
    id::DeviceId,
    message::{Notice, NoticeKind},
    sign_in::{Need, Pass},
    time::Timestamp,
};

/// What a device says.
pub(super) enum Asked {
    /// The user trusts it.
    Allowed(Allowed),
    /// Nothing: this is what the sign-in needs without it.
    Needs(Box<Account>, Need),
}

/// What a sign-in needs that goes on because of the device.
const BY_TRUST: Need = Need::Nothing(Pass::TrustedDevice);

/// How often it is asked anew because something changed meanwhile. Rotations do not disturb each other.
const TRIES: usize = 4;

impl App {
    /// Loads the user, asks the device that the call comes from, and decides what the sign-in needs. One that is trusted
    /// gets a new token in place of its own; a token whose successor was seen ends its series, and people are told (A24).
    pub(super) async fn ask_device(
        &self,
        call: &Call,
        sign_in: (FirstFactor, &str),
        now: Timestamp,
    ) -> Result<Asked, Error> {
        let token = call.context.device_token.as_ref();
        let mark = token.and_then(|_| self.mark(call));
        for _ in 0..TRIES {
            let loaded = self
                .accounts()
                .load(&call.who, AccountLookup::of_request(mark))
                .await?;
            let account = loaded.account.ok_or(Error::UserNotFound)?;
            let terms = TrustTerms::of(&self.policy(&account).rules);
            if let Some(receipt) = same_call(loaded.receipt, mark)? {
                return self.asked_before(call, account, (&receipt, terms), sign_in.1, now);
            }
            let allowed = match shown(token, &account.devices, terms, account.epoch, now) {
                Shown::Trusted(device) if self.need(&account, true, now)? == BY_TRUST => {
                    self.rotate(call, (&account, device), sign_in, now).await?
                }
                Shown::Reused(device) => {
                    self.end_series(call, &account, device, now).await?;
                    None
                }
                Shown::Stranger | Shown::Recognised(_) | Shown::Trusted(_) => {
                    return self.needs(account, now);
                }
            };
            if let Some(allowed) = allowed {
                return Ok(Asked::Allowed(allowed));
            }
        }
        Err(Error::ChangedConcurrently)
    }

    fn needs(&self, account: Account, now: Timestamp) -> Result<Asked, Error> {
        let need = self.need(&account, false, now)?;
        Ok(Asked::Needs(Box::new(account), need))
    }

    /// Gives a trusted device its next token; nothing if that is not what it is any more.
    async fn rotate(
        &self,
        call: &Call,
        (account, device): (&Account, &Device),
        (first_factor, audience): (FirstFactor, &str),
        now: Timestamp,
    ) -> Result<Option<Allowed>, Error> {
        const NO_TOKEN: Error = Error::Defect("a device was trusted without a token");
        let audience = call.audience(audience)?;
        let shown = call.context.device_token.as_ref().ok_or(NO_TOKEN)?;
        let what = self
            .mark(call)
            .map_or_else(|| self.random(), |mark| mark.tag);
        let token = self.token_for(device.id, what)?;
        let pass = Pass::TrustedDevice;
        let facts = allowed_facts(pass, first_factor, &audience).with("device_id", device.id);
        let rotation = Rotation {
            device: device.id,
            shown: shown.hash(),
            given: token.hash(),
            series: token.series(),
        };
        let key = self.user_key(account)?;
        let change = Change {
            subject: call.who.clone(),
            base: Base::Epoch(account.epoch),
            epoch: account.epoch,
            now,
            spends: Vec::new(),
            writes: vec![Write::RotateToken(rotation)],
            event: self.event(call, &key, EventKind::SignInAllowed, facts, now),
            notices: Vec::new(),
            receipt: self.receipt(call, Made::TokenOf(device.id), &Showing::default(), now),
        };
        match self.commit(&change).await? {
            Committed::ChangedConcurrently => Ok(None),
            outcome => {
                committed(outcome)?;
                Ok(Some(self.allowed(call, &audience, Some(token), now)))
            }
        }
    }

    /// This very call gave the device a token before: it gives the same, while trust holds and the token does.
    fn asked_before(
        &self,
        call: &Call,
        account: Account,
        (receipt, terms): (&Receipt, Option<TrustTerms>),
        audience: &str,
        now: Timestamp,
    ) -> Result<Asked, Error> {
        let device = match receipt.made {
            Made::TokenOf(id) => account.device(id),
            Made::Nothing | Made::Challenge(_) | Made::Method(_) => None,
        };
        let trusted =
            device.filter(|device| device.trusted_until(terms, account.epoch, now).is_some());
        let spared = self.need(&account, true, now)? == BY_TRUST;
        let Some(device) = trusted.filter(|_| spared) else {
            return self.needs(account, now);
        };
        let token = self.token_for(device.id, receipt.mark.tag)?;
        let token = Some(token).filter(|token| device.holds(token.hash()));
        let audience = call.audience(audience)?;
        Ok(Asked::Allowed(
            self.allowed(call, &audience, token, receipt.at),
        ))
    }

    /// Forgets a device whose token was copied, and tells its user.
    async fn end_series(
        &self,
        call: &Call,
        account: &Account,
        device: &Device,
        now: Timestamp,
    ) -> Result<(), Error> {
        let notice = Notice::of(NoticeKind::DeviceTokenReused, now);
        let News { notices, .. } = self.news(account, [], &notice)?;
        let facts = Facts::none().with("device_id", device.id);
        let key = self.user_key(account)?;
        let change = Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: account.epoch,
            now,
            spends: Vec::new(),
            writes: vec![Write::ForgetDevice(device.id)],
            event: self.event(call, &key, EventKind::DeviceTokenReused, facts, now),
            notices,
            receipt: None,
        };
        match self.commit(&change).await? {
            Committed::ChangedConcurrently => Ok(()),
            outcome => {
                committed(outcome)?;
                self.bells.ring();
                Ok(())
            }
        }
    }

    fn allowed(
        &self,
        call: &Call,
        audience: &Audience,
        device_token: Option<DeviceToken>,
        at: Timestamp,
    ) -> Allowed {
        let pass = Pass::TrustedDevice;
        let claims = self.claims_of_allowed(call, pass, audience, at);
        Allowed {
            pass,
            assertion: self.parts.keys.sign(&claims.on_trusted_device()),
            device_token,
        }
    }

    fn token_for(&self, device: DeviceId, what: [u8; 16]) -> Result<DeviceToken, Error> {
        let keys = &self.parts.keys;
        let token = keys.device_token(&keys.active(), device, what);
        token.ok_or(Error::Defect("the active key is not in the ring"))
    }
}
