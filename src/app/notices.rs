//! Notices: who is told of a change, and what is queued for them with it.

use crate::app::{App, Call, Error};
use countersign_domain::{
    account::Account,
    change::QueuedNotice,
    destination::Destination,
    message::{Notice, OutboundNotice},
    method::{Kind, MethodSecret},
};

/// Someone who is told of a change.
pub(super) struct Recipient {
    destination: Destination,
    locale: Option<String>,
}

impl Recipient {
    /// The channel, and where it goes, masked.
    pub(super) fn masked(&self) -> (Kind, String) {
        let kind = match self.destination {
            Destination::Phone(_) => Kind::Sms,
            Destination::Email(_) => Kind::Email,
        };
        (kind, self.destination.masked())
    }
}

impl App {
    /// Everyone who is to hear of a change: the verified address and number on file, every destination enrolled, and
    /// the one that is being enrolled; as far as a notifier gets there.
    pub(super) fn everyone_to_tell(
        &self,
        account: &Account,
        new: Option<&MethodSecret>,
    ) -> Result<Vec<Recipient>, Error> {
        let on_file = self.on_file(account)?;
        // Not the call's: whoever added a method must not choose a language that its owner can't read.
        let locale = on_file
            .profile
            .locale
            .as_ref()
            .map(|locale| locale.as_str().to_owned());
        let email = on_file
            .profile
            .email
            .filter(|_| on_file.email_verified)
            .map(Destination::Email);
        let verified = on_file.profile.phone_verified;
        let phone = on_file
            .profile
            .phone
            .filter(|_| verified)
            .map(Destination::Phone);
        let mut destinations: Vec<Destination> = email.into_iter().chain(phone).collect();
        for method in &account.methods {
            let secret = self.open_method(&account.subject, method)?;
            destinations.extend(secret.destination().cloned());
        }
        destinations.extend(new.and_then(MethodSecret::destination).cloned());
        let served = self.parts.notifier.served();
        destinations.retain(|destination| served.goes_by(destination.channel()));
        let mut recipients: Vec<Recipient> = Vec::new();
        for destination in destinations {
            if recipients
                .iter()
                .all(|known| known.destination.bucket() != destination.bucket())
            {
                recipients.push(Recipient {
                    destination,
                    locale: locale.clone(),
                });
            }
        }
        Ok(recipients)
    }

    /// Notices to be committed with a change.
    pub(super) fn queue(
        &self,
        call: &Call,
        told: &[Recipient],
        notice: &Notice,
    ) -> Vec<QueuedNotice> {
        let subject = self.tag(call);
        let queued = told.iter().map(|recipient| {
            let id = self.new_id();
            let outbound = OutboundNotice {
                tenant: call.who.tenant.clone(),
                destination: recipient.destination.clone(),
                locale: recipient.locale.clone(),
                notice: notice.clone(),
            };
            QueuedNotice {
                id,
                subject,
                channel: recipient.destination.channel(),
                sealed: self.seal_notice(subject, id, &outbound),
            }
        });
        queued.collect()
    }
}
