//! The key of a new authenticator app, as the user enters it.

use crate::app::{Error, context::OpenedAccount, dependencies::MethodDependencies};
use countersign_domain::challenge::{Challenge, ExpectedAnswer, totp::TotpSecret};

/// The key of a new authenticator app.
pub struct TotpSetup {
    /// The key, for manual entry.
    pub secret: TotpSecret,
    /// The `otpauth` URI for the QR code.
    pub uri: String,
}

/// The key that the user enters in an authenticator app; `None` for a challenge of another kind.
pub(super) fn totp_setup(
    deps: &MethodDependencies,
    user: &OpenedAccount,
    challenge: &Challenge,
) -> Result<Option<TotpSetup>, Error> {
    let ExpectedAnswer::Totp {
        secret, parameters, ..
    } = &challenge.expected_answer
    else {
        return Ok(None);
    };
    let issuer = deps.printer.company(&user.account.subject.tenant);
    let uri = secret.uri(*parameters, &issuer, user.account_name());
    Ok(Some(TotpSetup {
        secret: secret.clone(),
        uri: uri.ok_or(Error::Defect("the key URI can't be built"))?,
    }))
}
