//! The address of a PostgreSQL server, as its URL gives it.

use data_encoding::HEXLOWER_PERMISSIVE;
use std::{net::IpAddr, path::PathBuf};
use url::Url;

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

/// Where a server is, and how to log in.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ServerAddress {
    /// The host, without the brackets of an IPv6 address; none is this machine.
    pub host: Option<String>,
    /// The folder of a Unix socket; it takes precedence over the host.
    pub socket: Option<PathBuf>,
    /// The port, if it is not PostgreSQL's own.
    pub port: Option<u16>,
    /// The role.
    pub user: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// The database.
    pub database: Option<String>,
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

/// A URL that names no PostgreSQL server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a URL of a PostgreSQL server: {0}")]
pub struct PostgresUrlError(&'static str);

impl ServerAddress {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`PostgresUrlError`]. It does not repeat the URL, which may hold a password.
    pub fn parse(text: &str) -> Result<Self, PostgresUrlError> {
        let url = Url::parse(text).map_err(|_| PostgresUrlError("it has another form"))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(PostgresUrlError(
                "it starts with neither `postgres://` nor `postgresql://`",
            ));
        }
        let mut address = Self {
            port: url.port(),
            user: non_empty(url.username())?,
            password: url.password().map(decoded).transpose()?,
            database: non_empty(url.path().trim_start_matches('/'))?,
            ..Self::default()
        };
        if let Some(host) = url.host_str().filter(|host| !host.is_empty()) {
            address.set_host(&decoded(host)?);
        }
        for (key, value) in url.query_pairs() {
            address.set(&key, &value)?;
        }
        Ok(address)
    }

    /// Whether the server has to prove who it is.
    #[must_use]
    pub const fn verifies_server(&self) -> bool {
        matches!(self.tls, TlsMode::VerifyCa | TlsMode::VerifyFull)
    }

    fn set_host(&mut self, host: &str) {
        if host.starts_with('/') {
            self.socket = Some(host.into());
        } else {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            self.host = Some(bare.to_owned());
        }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), PostgresUrlError> {
        match key {
            "sslmode" | "ssl-mode" => self.tls = tls_mode(value)?,
            "sslrootcert" | "ssl-root-cert" | "ssl-ca" => {
                self.root_certificates = Some(value.into());
            }
            "sslcert" | "ssl-cert" => self.client_certificate = Some(value.into()),
            "sslkey" | "ssl-key" => self.client_key = Some(value.into()),
            "host" => self.set_host(value),
            "hostaddr" => {
                let address: Result<IpAddr, _> = value.parse();
                address.map_err(|_| PostgresUrlError("`hostaddr` is no IP address"))?;
                self.host = Some(value.to_owned());
            }
            "port" => {
                self.port = Some(
                    value
                        .parse()
                        .map_err(|_| PostgresUrlError("`port` is no port"))?,
                );
            }
            "dbname" => self.database = Some(value.to_owned()),
            "user" => self.user = Some(value.to_owned()),
            "password" => self.password = Some(value.to_owned()),
            "options" => self.add_option(value),
            _ => {
                let setting = key.strip_prefix("options[");
                if let Some(setting) = setting.and_then(|rest| rest.strip_suffix(']')) {
                    self.add_option(&format!("-c {setting}={value}"));
                }
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

fn tls_mode(name: &str) -> Result<TlsMode, PostgresUrlError> {
    match name.to_ascii_lowercase().as_str() {
        "disable" => Ok(TlsMode::Disable),
        "allow" | "prefer" => Ok(TlsMode::Prefer),
        "require" => Ok(TlsMode::Require),
        "verify-ca" => Ok(TlsMode::VerifyCa),
        "verify-full" => Ok(TlsMode::VerifyFull),
        _ => Err(PostgresUrlError(
            "`sslmode` is none of disable, prefer, require, verify-ca, verify-full",
        )),
    }
}

fn non_empty(text: &str) -> Result<Option<String>, PostgresUrlError> {
    (!text.is_empty()).then(|| decoded(text)).transpose()
}

/// Without its percent signs.
fn decoded(text: &str) -> Result<String, PostgresUrlError> {
    const NOT_TEXT: PostgresUrlError =
        PostgresUrlError("it has a percent sign before what is no character");
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
