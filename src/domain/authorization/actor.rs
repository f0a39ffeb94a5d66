//! Who acts on another's account, and why: what an administrator's call has to say of itself (A27).

use crate::{
    policy::PolicyRules,
    refusal::Refusal,
    value::{
        id::{Subject, UserId},
        malformed::MalformedValue,
        text,
    },
};

/// Who acts on another's account, and why.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The one who acts.
    pub user: UserId,
    /// Why.
    pub reason: ActorReason,
}

/// Why somebody acts: 1 to 256 bytes of one line. It may name people, so that it is kept sealed.
#[derive(Clone)]
pub struct ActorReason(String);

impl Actor {
    /// Whether this one may act on that account: not on their own, however they spell their name.
    ///
    /// # Errors
    /// [`Refusal::ActsOnThemselves`].
    pub fn may_act_on(&self, subject: &Subject, rules: &PolicyRules) -> Result<(), Refusal> {
        let same = if rules.case_sensitive_ids {
            self.user == subject.user
        } else {
            self.user.folded() == subject.user.folded()
        };
        if same {
            return Err(Refusal::ActsOnThemselves);
        }
        Ok(())
    }
}

impl ActorReason {
    /// From what the caller sent.
    ///
    /// # Errors
    /// Tells what is malformed.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        if text.is_empty() {
            return Err(MalformedValue::Empty);
        }
        text::plain_line(text, 256).map(|line| Self(line.to_owned()))
    }

    /// The reason, for the audit record.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ActorReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reason([redacted])")
    }
}

#[cfg(test)]
mod tests;
