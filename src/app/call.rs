//! A call: who asks, for whom, from what client, and what makes a repeat harmless.

use countersign_domain::{
    account::profile::Locale,
    authorization::{actor::Actor, caller::Caller},
    device::{ClientApp, DeviceToken},
    notice::message::ClientDescription,
    value::id::{RequestId, Subject},
};
use std::{net::IpAddr, sync::Arc};
use zeroize::Zeroizing;

/// A call of a known caller.
pub struct CallerRequest {
    /// Who asks.
    pub caller: Arc<Caller>,
    /// For whom.
    pub subject: Subject,
    /// What makes a repeat harmless; nothing if the call has no request id.
    pub repeatable: Option<RequestIdentity>,
    /// What is known of the person's client.
    pub context: ClientContext,
    /// Who acts on the user's account, and why, where it is not the user.
    pub actor: Option<Actor>,
}

/// What makes a repeat harmless.
pub struct RequestIdentity {
    /// The RPC.
    pub rpc: &'static str,
    /// The request id.
    pub id: RequestId,
    /// The whole payload, encoded.
    pub payload: Zeroizing<Vec<u8>>,
}

/// What is known of a person's client.
#[derive(Debug, Default)]
pub struct ClientContext {
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
    pub client_description: ClientDescription,
}

impl ClientContext {
    /// The same, of a client that shows no device: nobody has proved to be the one that it belongs to.
    pub(super) fn without_device(&self) -> Self {
        Self {
            device_token: None,
            client_address: self.client_address,
            user_agent: self.user_agent.clone(),
            app: self.app,
            locale: self.locale.clone(),
            client_description: self.client_description.clone(),
        }
    }
}
