//! Codes that a provider owns: it makes and sends them, and is asked whether they were typed. The count and the approval
//! are ours, as for every other code.

use crate::app::{App, Error};
use countersign_domain::{
    account::Account,
    book::Standing,
    challenge::{Asks, Challenge, Judgement},
    code::Digits,
    destination::Destination,
    id::{GuessId, MethodId},
    message::Handover,
    verification::{Check, ProviderName, Start, Verification},
};

impl App {
    /// A code of a provider, under an id that nobody else is told.
    pub(super) fn asks_provider(
        &self,
        account: &Account,
        provider: ProviderName,
        (method, destination): (Option<(MethodId, u32)>, Destination),
    ) -> Asks {
        Asks::OfProvider {
            verification: Verification {
                id: self.new_id(),
                provider,
                digits: self.policy(account).code_digits,
                method,
            },
            destination,
        }
    }

    /// Has the provider send its code: the same verification, however often.
    pub(super) async fn start_verification(
        &self,
        challenge: &Challenge,
        standing: &Standing,
        (verification, destination): (&Verification, &Destination),
    ) -> Handover {
        let start = Start {
            key: format!("{}-{}", verification.id, standing.sends),
            verification: verification.clone(),
            destination: destination.clone(),
            locale: challenge.locale.clone(),
            display_name: self.parts.display_names.of(&challenge.subject.tenant),
            purpose: challenge.purpose.of_code(),
            expires_at: challenge.expires_at,
        };
        self.parts.notifier.start(&start).await
    }

    /// Asks the provider about a guess that is charged. Without its word there is no judgement, and nothing to settle: the
    /// guess stays charged, and a repeat of the call asks again under the same key.
    pub(super) async fn judge_at_provider(
        &self,
        challenge: &Challenge,
        (verification, destination): (&Verification, &Destination),
        (digits, guess): (&Digits, GuessId),
    ) -> Result<Judgement, Error> {
        let check = Check {
            key: format!("{}-{guess}", verification.id),
            verification,
            channel: destination.channel(),
            digits,
        };
        let checked = self.parts.notifier.check(&check).await?;
        Ok(challenge.judge_checked(checked))
    }
}
