//! A call: its caller, its subject, its client, and its idempotency data.

use countersign_domain::{
    authorization::{actor::Actor, caller::Caller},
    device::{ClientApp, DeviceToken},
    notice::message::ClientDescription,
    value::{
        id::{RequestId, Subject},
        locale::Locale,
    },
};
use std::{net::IpAddr, sync::Arc};
use zeroize::Zeroizing;

/// A call of an authenticated caller.
pub struct CallerRequest {
    /// The service that calls.
    pub caller: Arc<Caller>,
    /// The user whom the call is about.
    pub subject: Subject,
    /// Identifies repeats of the call; `None` without a request id.
    pub request_identity: Option<RequestIdentity>,
    /// The user's client, as the caller describes it.
    pub context: ClientContext,
    /// The administrator who acts on the user's account, and why. `None` if the user acts.
    pub actor: Option<Actor>,
}

/// Identifies repeats of a call.
pub struct RequestIdentity {
    /// The name of the RPC.
    pub rpc: &'static str,
    /// The request id, chosen by the caller.
    pub id: RequestId,
    /// The whole request, encoded.
    pub payload: Zeroizing<Vec<u8>>,
}

/// The user's client, as the caller describes it.
#[derive(Debug, Default)]
pub struct ClientContext {
    /// The device token that the client presents.
    pub device_token: Option<DeviceToken>,
    /// The IP address of the client.
    pub client_address: Option<IpAddr>,
    /// The `User-Agent` of the client.
    pub user_agent: Option<String>,
    /// The kind of app that the user uses.
    pub app: Option<ClientApp>,
    /// The language of messages that this call causes.
    pub locale: Option<Locale>,
    /// The place and device that messages name as the origin of the request.
    pub client_description: ClientDescription,
    /// Whether the client keeps no device token.
    pub stores_no_device_token: bool,
}

impl ClientContext {
    /// Copies the context without its device token. The person who calls has not proved to be the device's user.
    pub(super) fn without_device(&self) -> Self {
        Self {
            device_token: None,
            client_address: self.client_address,
            user_agent: self.user_agent.clone(),
            app: self.app,
            locale: self.locale.clone(),
            client_description: self.client_description.clone(),
            stores_no_device_token: self.stores_no_device_token,
        }
    }
}
