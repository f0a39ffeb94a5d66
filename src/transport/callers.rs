//! Who is calling: a bearer token names a caller, or the one open caller of development is everyone.

use countersign_domain::authorization::caller::Caller;
use http::HeaderMap;
use sha2::{Digest, Sha256};
use std::{collections::HashMap, sync::Arc};

/// SHA-256 of a caller's token: with 256 random bits, a fast hash is enough.
pub type CallerTokenHash = [u8; 32];

/// The callers that are known.
pub enum CallerRegistry {
    /// By bearer token (RFC 6750).
    ByToken(HashMap<CallerTokenHash, Arc<Caller>>),
    /// Whoever comes. Only for development on loopback.
    Open(Arc<Caller>),
}

/// No caller that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnknownCaller {
    /// No token.
    #[error("no caller: send `authorization: Bearer <token>`")]
    NoToken,
    /// More than one, so that one layer could see another caller than the next.
    #[error("more than one `authorization`: send exactly one")]
    SeveralTokens,
    /// Not a token that is known.
    #[error("the bearer token is not one of a known caller")]
    UnknownToken,
}

impl CallerRegistry {
    /// The caller that the headers of a call name.
    ///
    /// # Errors
    /// Tells what is missing.
    pub fn identify(&self, headers: &HeaderMap) -> Result<&Arc<Caller>, UnknownCaller> {
        let by_token = match self {
            Self::Open(everyone) => return Ok(everyone),
            Self::ByToken(by_token) => by_token,
        };
        let mut values = headers.get_all("authorization").iter();
        let value = values.next().ok_or(UnknownCaller::NoToken)?;
        if values.next().is_some() {
            return Err(UnknownCaller::SeveralTokens);
        }
        let token = value
            .to_str()
            .ok()
            .and_then(bearer)
            .ok_or(UnknownCaller::NoToken)?;
        by_token
            .get(&hash(token))
            .ok_or(UnknownCaller::UnknownToken)
    }
}

/// What the configuration keeps of a token.
#[must_use]
pub fn hash(token: &str) -> CallerTokenHash {
    Sha256::digest(token.as_bytes()).into()
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}
