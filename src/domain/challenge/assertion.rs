//! Assertions: what an approval's signed, short-lived proof claims (RFC 7519), for relying services to check offline.

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

/// How long an assertion lives, in seconds.
const LIFETIME_SECONDS: u64 = 60;

/// The claims of an assertion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AssertionClaims {
    /// Who says so: the configured issuer.
    pub iss: String,
    /// Whom it is for; it means nothing to anyone else.
    pub aud: String,
    /// Of which user.
    pub sub: String,
    /// In which tenant.
    pub tenant: String,
    /// Its id, for relying services to keep until it expires.
    pub jti: String,
    /// When it was made, in seconds since 1970.
    pub iat: u64,
    /// When it expires.
    pub exp: u64,
    /// When the user answered.
    pub auth_time: u64,
    /// What was used (RFC 8176).
    pub amr: Vec<&'static str>,
    /// How much that proves (RFC 9470).
    pub acr: &'static str,
    /// What it is good for.
    pub purpose: &'static str,
    /// The approval that it proves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<String>,
    /// The action that was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// SHA-256 of what the person was shown, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_digest: Option<String>,
    /// Why no second factor was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<&'static str>,
}

impl AssertionClaims {
    /// What an approval proves: the same claims, whenever it is asked for. Nothing where there is no audience.
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

    /// What a sign-in proves that needed no second factor: nothing but that, and why.
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

    /// The same, on a device that the user trusts: that has no registered value, so its is private, and stands for no
    /// factor.
    #[must_use]
    pub fn on_trusted_device(self) -> Self {
        Self {
            amr: vec!["urn:countersign:amr:trusted_device"],
            ..self
        }
    }

    fn unauthenticated(issuer: &str, audience: &Audience, subject: &Subject, at: Timestamp) -> Self {
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

/// Drawn from the approval, so that a repeat carries the same.
fn jti(approval: ApprovalId) -> String {
    let digest = Sha256::digest(length_prefixed([b"jti".as_slice(), approval.as_bytes()]));
    data_encoding::HEXLOWER.encode(&first_half(digest.into()))
}

/// `otp` and `sms` are registered; e-mail, recovery and bypass codes have no registered value, so theirs are private. `mfa`
/// stands where a strong or restricted second factor followed the first.
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
