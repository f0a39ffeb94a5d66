//! Signals that wake background workers.

use countersign_domain::value::destination::Channel;
use tokio::sync::Notify;

/// Wakes the outbox workers, one for each channel, and the alert dispatcher.
#[derive(Default)]
pub(crate) struct WorkerWakeup {
    sms: Notify,
    email: Notify,
    alert_dispatcher: Notify,
}

impl WorkerWakeup {
    /// Signals that a notice may be due.
    pub(crate) fn wake_outbox(&self) {
        self.sms.notify_one();
        self.email.notify_one();
    }

    /// Signals that a security alert may be due.
    pub(crate) fn wake_alert_dispatcher(&self) {
        self.alert_dispatcher.notify_one();
    }

    pub(crate) const fn of_alert_dispatcher(&self) -> &Notify {
        &self.alert_dispatcher
    }

    pub(super) const fn of(&self, channel: Channel) -> &Notify {
        match channel {
            Channel::Sms => &self.sms,
            Channel::Email => &self.email,
        }
    }
}
