//! A call: who asks, for whom, from what client, and what makes a repeat harmless.

use crate::{
    app::{App, Confirmation},
    ports::{AccountLookup, Accounts},
};
use countersign_domain::{
    acting::Acting,
    caller::{Audience, Caller},
    change::{Made, Receipt},
    device::{ClientApp, DeviceToken},
    event::{Event, EventKind, Facts, Personal},
    id::{ChallengeId, RequestId, Subject, SubjectTag},
    message::Whence,
    profile::Locale,
    request::RequestMark,
    secret::SecretBytes,
    settlement::Ended,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, sync::Arc};
use zeroize::Zeroizing;

/// A call of a known caller.
pub struct Call {
    /// Who asks.
    pub caller: Arc<Caller>,
    /// For whom.
    pub who: Subject,
    /// What makes a repeat harmless; nothing if the call has no request id.
    pub repeatable: Option<Repeatable>,
    /// What is known of the person's client.
    pub context: Context,
    /// Who acts on the user's account, and why, where it is not the user.
    pub acting: Option<Acting>,
}

/// What makes a repeat harmless.
pub struct Repeatable {
    /// The RPC.
    pub rpc: &'static str,
    /// The request id.
    pub id: RequestId,
    /// The whole payload, encoded.
    pub payload: Zeroizing<Vec<u8>>,
}

/// What is known of a person's client.
#[derive(Debug, Default)]
pub struct Context {
    /// What a device keeps.
    pub device_token: Option<DeviceToken>,
    /// Its address.
    pub client_address: Option<IpAddr>,
    /// Its description of itself.
    pub user_agent: Option<String>,
    /// What the person uses.
    pub app: Option<ClientApp>,
    /// Language of messages that this call causes.
    pub locale: Option<Locale>,
    /// What its messages say of whoever asked.
    pub whence: Whence,
}

/// What an answer shows that can't be made a second time.
#[derive(Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shown {
    /// New recovery codes.
    pub(super) codes: Vec<String>,
    /// Who is told of the change, masked: as it was decided, not as the account stands at the repeat.
    pub(super) confirmations: Vec<Confirmation>,
    /// Whether a sign-in waits for what was enrolled.
    pub(super) sign_in_waits: bool,
}

impl Context {
    /// The same, of a client that shows no device: nobody has proved to be the one that it belongs to.
    pub(super) fn without_device(&self) -> Self {
        Self {
            device_token: None,
            client_address: self.client_address,
            user_agent: self.user_agent.clone(),
            app: self.app,
            locale: self.locale.clone(),
            whence: self.whence.clone(),
        }
    }
}

impl Call {
    /// The audience that the caller means.
    pub(super) fn audience(&self, named: &str) -> Result<Audience, super::Error> {
        Ok(self.caller.audience(named).cloned()?)
    }
}

impl App {
    pub(super) fn accounts(&self) -> &dyn Accounts {
        self.parts.accounts.as_ref()
    }

    /// How a challenge of this caller ended, if the record knows.
    pub(super) async fn ended(
        &self,
        call: &Call,
        challenge: ChallengeId,
    ) -> Result<Option<Ended>, super::Error> {
        let lookup = AccountLookup::of_challenge(challenge);
        let loaded = self.accounts().load(&call.who, lookup).await?;
        Ok(loaded.ended_for(&call.caller.name))
    }

    pub(super) fn tag(&self, call: &Call) -> SubjectTag {
        self.parts.keys.subject_tag(&call.who)
    }

    /// The marks of a call with a request id: keyed digests, from which neither id nor payload can be guessed.
    pub(super) fn mark(&self, call: &Call) -> Option<RequestMark> {
        let Repeatable { rpc, id, payload } = call.repeatable.as_ref()?;
        let caller = call.caller.name.as_str().as_bytes();
        let tenant = call.who.tenant.as_str().as_bytes();
        let user = call.who.user.as_str().as_bytes();
        let (rpc, id) = (rpc.as_bytes(), id.as_str().as_bytes());
        let keys = &self.parts.keys;
        Some(RequestMark {
            tag: keys.request_tag(&[b"request", caller, rpc, tenant, user, id]),
            payload: keys.request_tag(&[b"payload", caller, rpc, tenant, user, id, payload]),
        })
    }

    /// What a repeat of the call will meet: what it made, and what it showed.
    pub(super) fn receipt(
        &self,
        call: &Call,
        made: Made,
        shown: &Shown,
        at: Timestamp,
    ) -> Option<Receipt> {
        let mark = self.mark(call)?;
        let answer = (*shown != Shown::default()).then(|| self.seal_shown(&call.who, mark, shown));
        Some(Receipt {
            mark,
            made,
            answer,
            at,
        })
    }

    /// What the call of a receipt showed.
    pub(super) fn shown(&self, who: &Subject, receipt: &Receipt) -> Result<Shown, super::Error> {
        let sealed = receipt.answer.as_ref();
        let shown = sealed.map(|sealed| self.open_shown(who, receipt.mark, sealed));
        Ok(shown.transpose()?.unwrap_or_default())
    }

    /// An audit record of something that a call did.
    pub(super) fn event(
        &self,
        call: &Call,
        user_key: &SecretBytes,
        kind: EventKind,
        facts: Facts,
        at: Timestamp,
    ) -> Event {
        let acting = call.acting.as_ref();
        let personal = Personal {
            user_id: call.who.user.as_str().to_owned(),
            client_address: call
                .context
                .client_address
                .map(|address| address.to_string()),
            user_agent: call.context.user_agent.clone(),
            app: call.context.app.map(|app| app.as_str().to_owned()),
            acting_user_id: acting.map(|acting| acting.user.as_str().to_owned()),
            reason: acting.map(|acting| acting.reason.as_str().to_owned()),
        };
        Event {
            id: self.new_id(),
            tenant: call.who.tenant.clone(),
            subject: self.tag(call),
            kind,
            caller: call.caller.name.clone(),
            at,
            facts,
            personal: self.seal_personal(user_key, &personal),
        }
    }
}

/// The receipt of this very call, if it ran before; an error if its request id was used for something else.
pub(super) fn same_call(
    receipt: Option<Receipt>,
    mark: Option<RequestMark>,
) -> Result<Option<Receipt>, super::Error> {
    match (receipt, mark) {
        (Some(receipt), Some(mark)) if receipt.mark == mark => Ok(Some(receipt)),
        (Some(_), _) => Err(super::Error::RequestIdReused),
        (None, _) => Ok(None),
    }
}
