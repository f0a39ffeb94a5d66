//! The actor: who acts on another user's account, and why (A27).

use crate::{
    policy::PolicyRules,
    refusal::Refusal,
    value::{
        id::{Subject, UserId},
        malformed::MalformedValue,
        text,
    },
};

/// Who acts on another user's account, and why.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The user who acts.
    pub user: UserId,
    /// The reason that they gave.
    pub reason: ActorReason,
}

/// The reason of an actor: 1 to 256 bytes, one line. It may name people, so it is stored sealed.
#[derive(Clone)]
pub struct ActorReason(String);

impl Actor {
    /// Checks that the actor does not act on their own account. If the policy ignores case in ids, so does this check.
    ///
    /// # Errors
    /// [`Refusal::ActsOnThemselves`].
    pub fn may_act_on(&self, subject: &Subject, rules: &PolicyRules) -> Result<(), Refusal> {
        if rules.user_ids().is_same(&self.user, &subject.user) {
            return Err(Refusal::ActsOnThemselves);
        }
        Ok(())
    }
}

impl ActorReason {
    /// Reads a reason.
    ///
    /// # Errors
    /// [`MalformedValue`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        if text.is_empty() {
            return Err(MalformedValue::Empty);
        }
        text::plain_line(text, 256).map(|line| Self(line.to_owned()))
    }

    /// The reason, for the audit event.
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
