//! An address to listen on, in the forms that operators write.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Unexpected, Visitor},
};
use std::{
    borrow::Cow,
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

/// The accepted forms, as errors list them.
const FORMS: &str = "ADDRESS:PORT, HOST:PORT, :PORT, PORT or unix:/path";

/// The longest host name (RFC 1035 §2.3.4), in bytes.
const MAX_HOST_BYTES: usize = 253;

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// An IP address and a port.
    Socket(SocketAddr),
    /// A host name and a port. The name is looked up when the address is bound.
    Host {
        /// The name.
        name: String,
        /// The port.
        port: u16,
    },
    /// A port of every address of the machine: `:50051`, `*:50051` or `50051`.
    AllInterfaces(u16),
    /// The path of a Unix domain socket.
    Unix(PathBuf),
}

/// A text that is no address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has to be {FORMS}")]
pub struct InvalidListenAddress;

impl ListenAddress {
    /// A port of the IPv4 loopback address.
    #[must_use]
    pub fn loopback(port: u16) -> Self {
        Self::Socket(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    /// Whether only processes of this machine can connect.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Socket(address) => address.ip().is_loopback(),
            Self::Host { name, .. } => is_localhost(name),
            Self::AllInterfaces(_) => false,
            Self::Unix(_) => true,
        }
    }

    /// The same port on loopback, if the address is a port of every address.
    #[must_use]
    pub fn or_loopback(self) -> Self {
        match self {
            Self::AllInterfaces(port) => Self::loopback(port),
            other => other,
        }
    }
}

/// Whether a host name is `localhost`, which is bound on loopback addresses only.
pub(crate) fn is_localhost(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
}

impl FromStr for ListenAddress {
    type Err = InvalidListenAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("unix:") {
            return unix_path(path).map(Self::Unix).ok_or(InvalidListenAddress);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Socket(address));
        }
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        let port = port_number(port).ok_or(InvalidListenAddress)?;
        match host {
            "" | "*" => Ok(Self::AllInterfaces(port)),
            name if is_host_name(name) => Ok(Self::Host {
                name: name.to_owned(),
                port,
            }),
            _ => Err(InvalidListenAddress),
        }
    }
}

/// `unix:/path` and `unix:///path`, as gRPC names them.
fn unix_path(text: &str) -> Option<PathBuf> {
    let path = text.strip_prefix("//").unwrap_or(text);
    let is_file = path.starts_with('/') && !path.ends_with('/') && !path.contains('\0');
    is_file.then(|| PathBuf::from(path))
}

fn port_number(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// A name of labels with a letter in it: `192.168.1:50051` is an IP address that lacks a part.
fn is_host_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_allowed);
    name.len() <= MAX_HOST_BYTES
        && name.bytes().any(|byte| byte.is_ascii_alphabetic())
        && name.split('.').all(is_label)
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(address) => write!(f, "{address}"),
            Self::Host { name, port } => write!(f, "{name}:{port}"),
            Self::AllInterfaces(port) => write!(f, ":{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Serialize for ListenAddress {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ListenAddress {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TextOrPort)
    }
}

struct TextOrPort;

impl Visitor<'_> for TextOrPort {
    type Value = ListenAddress;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FORMS)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let address = text.parse();
        address.map_err(|InvalidListenAddress| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_u64<E: Error>(self, port: u64) -> Result<Self::Value, E> {
        let wrong = |_| E::invalid_value(Unexpected::Unsigned(port), &self);
        u16::try_from(port)
            .map(ListenAddress::AllInterfaces)
            .map_err(wrong)
    }

    fn visit_i64<E: Error>(self, port: i64) -> Result<Self::Value, E> {
        let wrong = |_| E::invalid_value(Unexpected::Signed(port), &self);
        u16::try_from(port)
            .map(ListenAddress::AllInterfaces)
            .map_err(wrong)
    }
}

impl JsonSchema for ListenAddress {
    fn schema_name() -> Cow<'static, str> {
        "ListenAddress".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests;
