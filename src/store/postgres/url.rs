//! The addresses of PostgreSQL servers, as a URL gives them.

use data_encoding::HEXLOWER_PERMISSIVE;
use std::{fmt, net::IpAddr, path::PathBuf};
use url::Url;

/// The port of a host that names none.
const DEFAULT_PORT: u16 = 5432;

/// How a connection is encrypted, and what is checked of the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TlsMode {
    /// It is not.
    Disable,
    /// It is where the server can. Nothing is checked.
    #[default]
    Prefer,
    /// It is. Nothing is checked.
    Require,
    /// It is. The server's certificate is checked, and not its name.
    VerifyCa,
    /// It is. Certificate and name are checked.
    VerifyFull,
}

/// Which server a connection may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetSession {
    /// The first that accepts connections.
    Any,
    /// The first that accepts writes: the primary.
    ReadWrite,
}

/// One host of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerHost {
    /// A name or an IP address, without the brackets of IPv6.
    Tcp(String),
    /// The folder of a Unix socket.
    Socket(PathBuf),
}

/// A host and its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerEndpoint {
    /// The host.
    pub host: ServerHost,
    /// The port.
    pub port: u16,
}

impl fmt::Display for ServerEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            ServerHost::Tcp(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            ServerHost::Tcp(host) => write!(f, "{host}:{}", self.port),
            ServerHost::Socket(folder) => write!(f, "{}:{}", folder.display(), self.port),
        }
    }
}

/// Where the servers are, and how to log in.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ServerAddress {
    /// The hosts, in the order in which they are tried; none is this machine.
    pub hosts: Vec<ServerHost>,
    /// Their ports: none for PostgreSQL's own, one for all hosts, or one for each.
    pub ports: Vec<u16>,
    /// Which of them to use. The default is the primary where several hosts are named; one host is not asked.
    pub target_session: Option<TargetSession>,
    /// The role.
    pub user: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// The database.
    pub database: Option<String>,
    /// What the server shows as the name of this program.
    pub application_name: Option<String>,
    /// Encryption.
    pub tls: TlsMode,
    /// A PEM file with further authorities.
    pub root_certificates: Option<PathBuf>,
    /// A PEM file with the client's certificate.
    pub client_certificate: Option<PathBuf>,
    /// A PEM file with the key of the client's certificate.
    pub client_key: Option<PathBuf>,
    /// Settings of each session, as `-c name=value`.
    pub options: String,
}

/// A URL that can't be used. No message repeats a value: it may be a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostgresUrlError {
    /// It is no URL of a PostgreSQL server.
    #[error("it must have the form postgres://USER:PASSWORD@HOST:PORT/DATABASE?PARAMETERS")]
    Form,
    /// A percent sign is not followed by two hexadecimal digits, or the bytes are not UTF-8.
    #[error(
        "a percent sign must be followed by two hexadecimal digits; write `%25` for the sign itself"
    )]
    Encoding,
    /// A port is none.
    #[error("a port must be a number from 1 to 65535")]
    Port,
    /// As many ports as hosts, or one.
    #[error("it names {hosts} hosts and {ports} ports: name one port, or one for each host")]
    Ports {
        /// How many hosts.
        hosts: usize,
        /// How many ports.
        ports: usize,
    },
    /// A value that its parameter does not take.
    #[error("`{parameter}` must be {accepted}")]
    Value {
        /// The parameter.
        parameter: &'static str,
        /// What it takes.
        accepted: &'static str,
    },
    /// A parameter that has no effect here.
    #[error("unknown parameter `{0}`; accepted are {accepted}", accepted = ACCEPTED_PARAMETERS)]
    UnknownParameter(String),
}

const ACCEPTED_PARAMETERS: &str = "sslmode, sslrootcert, sslcert, sslkey, host, hostaddr, port, dbname, user, password, \
    application_name, target_session_attrs, options";

impl ServerAddress {
    /// Reads a URL as libpq does, with several hosts where they are separated by commas.
    ///
    /// # Errors
    /// [`PostgresUrlError`].
    pub fn parse(text: &str) -> Result<Self, PostgresUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(PostgresUrlError::Form)?;
        if !matches!(scheme, "postgres" | "postgresql") {
            return Err(PostgresUrlError::Form);
        }
        let (authority, path) = match rest.find(['/', '?', '#']) {
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(decoded(password)?)),
            None => (login, None),
        };
        // The authority may name several hosts, which no URL parser takes.
        let url = Url::parse(&format!("{scheme}://localhost{path}"));
        let url = url.map_err(|_| PostgresUrlError::Form)?;
        let mut address = Self {
            user: non_empty(user)?,
            password,
            database: non_empty(url.path().trim_start_matches('/'))?,
            ..Self::default()
        };
        address.set_hosts_and_ports(hosts)?;
        for (key, value) in url.query_pairs() {
            address.set(&key, &value)?;
        }
        let (hosts, ports) = (address.hosts.len().max(1), address.ports.len());
        if ports > 1 && ports != hosts {
            return Err(PostgresUrlError::Ports { hosts, ports });
        }
        Ok(address)
    }

    /// The URL as it may be shown: without the password and the parameters.
    #[must_use]
    pub fn without_password(&self) -> String {
        let endpoints: Vec<String> = self.endpoints().iter().map(ToString::to_string).collect();
        let password = if self.password.is_some() { ":***" } else { "" };
        let user = self.user.as_ref().map(|user| format!("{user}{password}@"));
        format!(
            "postgres://{}{}/{}",
            user.unwrap_or_default(),
            endpoints.join(","),
            self.database.as_deref().unwrap_or_default()
        )
    }

    /// Whether the server has to prove who it is.
    #[must_use]
    pub const fn verifies_server(&self) -> bool {
        matches!(self.tls, TlsMode::VerifyCa | TlsMode::VerifyFull)
    }

    /// Whether every host is a Unix socket, over which nothing is encrypted.
    #[must_use]
    pub fn is_socket(&self) -> bool {
        !self.hosts.is_empty()
            && self
                .hosts
                .iter()
                .all(|host| matches!(host, ServerHost::Socket(_)))
    }

    /// Whether each host is on this machine.
    #[must_use]
    pub fn is_local(&self, is_loopback: impl Fn(&str) -> bool) -> bool {
        self.hosts.iter().all(|host| match host {
            ServerHost::Tcp(host) => is_loopback(host),
            ServerHost::Socket(_) => true,
        })
    }

    /// The hosts with their ports, in the order in which they are tried.
    #[must_use]
    pub fn endpoints(&self) -> Vec<ServerEndpoint> {
        let this_machine = [ServerHost::Tcp("localhost".to_owned())];
        let hosts = match self.hosts.as_slice() {
            [] => &this_machine,
            hosts => hosts,
        };
        let port = |place: usize| self.ports.get(place).or(self.ports.first());
        let endpoints = hosts
            .iter()
            .enumerate()
            .map(|(place, host)| ServerEndpoint {
                host: host.clone(),
                port: port(place).copied().unwrap_or(DEFAULT_PORT),
            });
        endpoints.collect()
    }

    /// `host:port,host:port`, each part as it stands in a URL.
    fn set_hosts_and_ports(&mut self, list: &str) -> Result<(), PostgresUrlError> {
        if list.is_empty() {
            return Ok(());
        }
        let mut ports = Vec::new();
        for one in list.split(',') {
            let bracket = one.rfind(']').map_or(0, |end| end + 1);
            let (host, after) = one.split_at(bracket);
            let (host, given) = match after.split_once(':') {
                Some((more, given)) => (if bracket > 0 { host } else { more }, Some(given)),
                None => (if bracket > 0 { host } else { after }, None),
            };
            self.hosts.push(host_of(&decoded(host)?));
            let given = given.filter(|given| !given.is_empty());
            ports.push(given.map(port_of).transpose()?);
        }
        if ports.iter().any(Option::is_some) {
            let all = ports.into_iter().map(|given| given.unwrap_or(DEFAULT_PORT));
            self.ports = all.collect();
        }
        // `postgres://:6543/db` names a port of this machine.
        if matches!(self.hosts.as_slice(), [ServerHost::Tcp(host)] if host.is_empty()) {
            self.hosts.clear();
        }
        Ok(())
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), PostgresUrlError> {
        match key {
            "sslmode" | "ssl-mode" => self.tls = tls_mode(value)?,
            "sslrootcert" | "ssl-root-cert" | "ssl-ca" => {
                self.root_certificates = Some(value.into());
            }
            "sslcert" | "ssl-cert" => self.client_certificate = Some(value.into()),
            "sslkey" | "ssl-key" => self.client_key = Some(value.into()),
            "host" => self.hosts = value.split(',').map(host_of).collect(),
            "hostaddr" => {
                for address in value.split(',') {
                    let address: Result<IpAddr, _> = address.parse();
                    address.map_err(|_| PostgresUrlError::Value {
                        parameter: "hostaddr",
                        accepted: "IP addresses, separated by commas",
                    })?;
                }
                // The folder of a socket takes precedence.
                if !self.is_socket() {
                    self.hosts = value.split(',').map(host_of).collect();
                }
            }
            "port" => self.ports = value.split(',').map(port_of).collect::<Result<_, _>>()?,
            "dbname" => self.database = Some(value.to_owned()),
            "user" => self.user = Some(value.to_owned()),
            "password" => self.password = Some(value.to_owned()),
            "application_name" => self.application_name = Some(value.to_owned()),
            "target_session_attrs" => self.target_session = Some(target_session(value)?),
            "options" => self.add_option(value),
            _ => {
                let setting = key.strip_prefix("options[");
                let setting = setting.and_then(|rest| rest.strip_suffix(']'));
                let setting =
                    setting.ok_or_else(|| PostgresUrlError::UnknownParameter(key.to_owned()))?;
                self.add_option(&format!("-c {setting}={value}"));
            }
        }
        Ok(())
    }

    fn add_option(&mut self, option: &str) {
        if !self.options.is_empty() {
            self.options.push(' ');
        }
        self.options.push_str(option);
    }
}

fn host_of(host: &str) -> ServerHost {
    if host.starts_with('/') {
        return ServerHost::Socket(host.into());
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    ServerHost::Tcp(bare.to_owned())
}

fn port_of(text: &str) -> Result<u16, PostgresUrlError> {
    text.parse()
        .ok()
        .filter(|port| *port > 0)
        .ok_or(PostgresUrlError::Port)
}

fn target_session(name: &str) -> Result<TargetSession, PostgresUrlError> {
    match name {
        "any" => Ok(TargetSession::Any),
        "read-write" | "primary" => Ok(TargetSession::ReadWrite),
        _ => Err(PostgresUrlError::Value {
            parameter: "target_session_attrs",
            accepted: "any, read-write or primary: every connection has to be able to write",
        }),
    }
}

fn tls_mode(name: &str) -> Result<TlsMode, PostgresUrlError> {
    match name.to_ascii_lowercase().as_str() {
        "disable" => Ok(TlsMode::Disable),
        "allow" | "prefer" => Ok(TlsMode::Prefer),
        "require" => Ok(TlsMode::Require),
        "verify-ca" => Ok(TlsMode::VerifyCa),
        "verify-full" => Ok(TlsMode::VerifyFull),
        _ => Err(PostgresUrlError::Value {
            parameter: "sslmode",
            accepted: "disable, prefer, require, verify-ca or verify-full",
        }),
    }
}

fn non_empty(text: &str) -> Result<Option<String>, PostgresUrlError> {
    (!text.is_empty()).then(|| decoded(text)).transpose()
}

/// Without its percent signs.
fn decoded(text: &str) -> Result<String, PostgresUrlError> {
    const NOT_TEXT: PostgresUrlError = PostgresUrlError::Encoding;
    let mut parts = text.as_bytes().split(|byte| *byte == b'%');
    let mut bytes = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).ok_or(NOT_TEXT)?;
        bytes.extend(HEXLOWER_PERMISSIVE.decode(digits).map_err(|_| NOT_TEXT)?);
        bytes.extend_from_slice(rest);
    }
    String::from_utf8(bytes).map_err(|_| NOT_TEXT)
}

#[cfg(test)]
mod tests;
