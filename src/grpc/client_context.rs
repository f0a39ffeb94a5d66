//! Reads what a caller passes on about the user's client. Clients and proxies choose these values, so none of them can
//! fail a call: what can't be read is unknown, and what is too long is cut.

use crate::app::ClientContext;
use countersign_domain::{
    device::{ClientApp, DeviceToken},
    notice::message::ClientDescription,
    value::{locale::Locale, text},
};
use countersign_proto::v1 as pb;
use std::net::{IpAddr, SocketAddr};

/// The longest recorded `User-Agent`, in bytes.
const MAX_USER_AGENT_LENGTH: usize = 512;

pub(in crate::grpc) fn read(context: pb::ClientContext) -> ClientContext {
    let pb::ClientContext {
        device_token,
        client_address,
        user_agent,
        app,
        locale,
        place,
        device_name,
        stores_no_device_token,
    } = context;
    let user_agent = text::cut(&user_agent, MAX_USER_AGENT_LENGTH);
    ClientContext {
        device_token: DeviceToken::parse(&device_token),
        client_address: address(&client_address),
        user_agent: Some(user_agent.to_owned()).filter(|text| !text.is_empty()),
        app: match pb::ClientApp::try_from(app) {
            Ok(pb::ClientApp::Browser) => Some(ClientApp::Browser),
            Ok(pb::ClientApp::Mobile) => Some(ClientApp::Mobile),
            Ok(pb::ClientApp::Unspecified) | Err(_) => None,
        },
        locale: Locale::parse(&locale),
        client_description: ClientDescription::new(&place, &device_name),
        stores_no_device_token,
    }
}

/// Reads one address as proxies write it: alone or in brackets, with or without a port or an IPv6 zone. A list is
/// unknown: its first entry is whatever the client claims.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    let address = without_zone(text).or_else(with_port).or_else(|| {
        let (bracketed, port) = text.strip_prefix('[')?.split_once(']')?;
        let is_port = |port: &str| port.parse::<u16>().is_ok();
        let valid = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        valid.then(|| without_zone(bracketed)).flatten()
    });
    address.map(|address| address.to_canonical())
}

/// Reads an address without its zone (RFC 4007 §11), which has no meaning on another host.
fn without_zone(text: &str) -> Option<IpAddr> {
    match text.split_once('%') {
        None => text.parse().ok(),
        Some((address, zone)) => {
            let address = address.parse().ok().map(IpAddr::V6);
            let is_zone = |b: u8| b.is_ascii_alphanumeric() || b"._~-".contains(&b);
            address.filter(|_| !zone.is_empty() && zone.bytes().all(is_zone))
        }
    }
}

#[cfg(test)]
mod tests;
