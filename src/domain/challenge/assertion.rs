//! Assertions: signed short-lived proofs of an approval (RFC 7519), which relying services verify offline.

use crate::{
    authorization::caller::Audience,
    challenge::{
        answered_by::AnsweredBy,
        approval::{Approval, ApprovedPurpose},
    },
    decisions::sign_in::SecondFactorExemption,
    method::MethodKind,
    value::{
        id::{ApprovalId, Subject},
        secret::{first_half, length_prefixed},
        time::Timestamp,
    },
};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The lifetime of an assertion, in seconds.
const LIFETIME_SECONDS: u64 = 60;

/// The claims of an assertion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AssertionClaims {
    /// The configured issuer.
    pub iss: String,
    /// The relying service that the assertion is for. Others must reject it.
    pub aud: String,
    /// The user.
    pub sub: String,
    /// The tenant.
    pub tenant: String,
    /// The id of the assertion. Relying services remember it until the assertion expires.
    pub jti: String,
    /// When it was issued, in seconds since 1970.
    pub iat: u64,
    /// When it expires, in seconds since 1970.
    pub exp: u64,
    /// When the user answered, in seconds since 1970.
    pub auth_time: u64,
    /// The methods that were used (RFC 8176).
    pub amr: Vec<&'static str>,
    /// The authentication context class: the strength of the methods (RFC 9470).
    pub acr: &'static str,
    /// The purpose of the approval.
    pub purpose: &'static str,
    /// The approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<String>,
    /// The approved action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// SHA-256 of the transaction that the user saw, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_digest: Option<String>,
    /// Why no second factor was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<&'static str>,
}

impl AssertionClaims {
    /// The claims of an approval, equal each time they are computed; `None` without an audience.
    #[must_use]
    pub fn of(approval: &Approval, issuer: &str) -> Option<Self> {
        let audience = approval.audience.as_ref()?;
        let (action, digest) = match &approval.purpose {
            ApprovedPurpose::StepUp { action, digest } => (Some(action.clone()), *digest),
            ApprovedPurpose::SignIn
            | ApprovedPurpose::VerifyEmail
            | ApprovedPurpose::Enrollment
            | ApprovedPurpose::Reset
            | ApprovedPurpose::Change { .. } => (None, None),
        };
        Some(Self {
            jti: jti(approval.id),
            amr: amr(approval),
            acr: acr(approval.answered_by),
            purpose: approval.purpose.as_str(),
            approval_id: Some(approval.id.to_string()),
            action,
            transaction_digest: digest.map(|digest| digest.to_string()),
            ..Self::unauthenticated(issuer, audience, &approval.subject, approval.at)
        })
    }

    /// The claims of a sign-in that needed no second factor, with the reason.
    #[must_use]
    pub fn of_allowed(
        issuer: &str,
        audience: &Audience,
        subject: &Subject,
        id: ApprovalId,
        exemption: SecondFactorExemption,
        at: Timestamp,
    ) -> Self {
        Self {
            jti: jti(id),
            allowed: Some(exemption.as_str()),
            ..Self::unauthenticated(issuer, audience, subject, at)
        }
    }

    /// Marks the sign-in as one on a trusted device. RFC 8176 has no `amr` value for that, so a private one is used. It
    /// stands for no factor.
    #[must_use]
    pub fn on_trusted_device(self) -> Self {
        Self {
            amr: vec!["urn:countersign:amr:trusted_device"],
            ..self
        }
    }

    fn unauthenticated(
        issuer: &str,
        audience: &Audience,
        subject: &Subject,
        at: Timestamp,
    ) -> Self {
        Self {
            iss: issuer.to_owned(),
            aud: audience.as_str().to_owned(),
            sub: subject.user.as_str().to_owned(),
            tenant: subject.tenant.as_str().to_owned(),
            jti: String::new(),
            iat: at.seconds(),
            exp: at.seconds().saturating_add(LIFETIME_SECONDS),
            auth_time: at.seconds(),
            amr: Vec::new(),
            acr: "urn:countersign:acr:none",
            purpose: "SIGN_IN",
            approval_id: None,
            action: None,
            transaction_digest: None,
            allowed: None,
        }
    }
}

/// Derived from the approval, so that repeated calls return the same id.
fn jti(approval: ApprovalId) -> String {
    let digest = Sha256::digest(length_prefixed([b"jti".as_slice(), approval.as_bytes()]));
    data_encoding::HEXLOWER.encode(&first_half(digest.into()))
}

/// `otp` and `sms` are registered values. E-mail, recovery and bypass codes have none, so theirs are private. `mfa` is
/// added when a strong or restricted second factor followed the first factor.
fn amr(approval: &Approval) -> Vec<&'static str> {
    let signs_in = approval.purpose == ApprovedPurpose::SignIn;
    let methods: &[&str] = match (approval.answered_by, signs_in) {
        (AnsweredBy::Code(MethodKind::Totp), true) => &["otp", "mfa"],
        (AnsweredBy::Code(MethodKind::Totp), false) => &["otp"],
        (AnsweredBy::Code(MethodKind::Sms), true) => &["sms", "mfa"],
        (AnsweredBy::Code(MethodKind::Sms), false) => &["sms"],
        (AnsweredBy::Code(MethodKind::Email), _) => &["urn:countersign:amr:email"],
        (AnsweredBy::RecoveryCode, _) => &["urn:countersign:amr:recovery_code"],
        (AnsweredBy::Password, _) => &["pwd"],
        (AnsweredBy::BypassCode, _) => &["urn:countersign:amr:bypass_code"],
        (AnsweredBy::RecoveryKey, _) => &["urn:countersign:amr:recovery_key"],
    };
    methods.to_vec()
}

const fn acr(answered_by: AnsweredBy) -> &'static str {
    match answered_by {
        AnsweredBy::Code(MethodKind::Totp) => "urn:countersign:acr:strong",
        AnsweredBy::Code(MethodKind::Sms) => "urn:countersign:acr:restricted",
        AnsweredBy::Code(MethodKind::Email) => "urn:countersign:acr:low",
        AnsweredBy::RecoveryCode | AnsweredBy::BypassCode | AnsweredBy::RecoveryKey => {
            "urn:countersign:acr:recovery"
        }
        AnsweredBy::Password => "urn:countersign:acr:password",
    }
}

#[cfg(test)]
mod tests;
