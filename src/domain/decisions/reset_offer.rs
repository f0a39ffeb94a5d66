//! Whether a sign-in page offers a reset to users who can't sign in.

use crate::{account::AvailableChannels, policy::PolicyRules};
use std::time::Duration;

/// What a page says about resets before anybody has signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResetOffer {
    /// How long a reset is held.
    pub hold: Duration,
    /// Whether the password must not be recoverable through the mailbox of the reset.
    pub requires_independent_mailbox: bool,
}

impl ResetOffer {
    /// The offer under a tenant's rules; `None` if no reset can be confirmed.
    #[must_use]
    pub fn of(rules: &PolicyRules, served: AvailableChannels) -> Option<Self> {
        (rules.logged_out_reset && served.email).then_some(Self {
            hold: rules.reset_hold,
            requires_independent_mailbox: !rules.reset_beside_mailed_password,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_is_offered_where_the_policy_allows_it_and_its_code_can_be_mailed() {
        let mut rules = PolicyRules::built_in();
        let mail = AvailableChannels {
            sms: false,
            email: true,
        };
        let no_mail = AvailableChannels {
            sms: true,
            email: false,
        };
        assert_eq!(ResetOffer::of(&rules, mail), None, "by default");
        rules.logged_out_reset = true;
        assert_eq!(ResetOffer::of(&rules, no_mail), None);
        let offer = ResetOffer::of(&rules, mail).unwrap();
        assert_eq!(offer.hold, rules.reset_hold);
        assert!(offer.requires_independent_mailbox);
        rules.reset_beside_mailed_password = true;
        assert!(
            !ResetOffer::of(&rules, mail)
                .unwrap()
                .requires_independent_mailbox
        );
    }
}
