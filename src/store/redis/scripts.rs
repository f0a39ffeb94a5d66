//! The scripts of one user. Redis runs the whole text at every call, definitions included, so that each is made of what it
//! uses.

use redis::Script;

const LAYOUT: &str = include_str!("shared/layout.lua");
const WINDOWS: &str = include_str!("shared/windows.lua");
const CHALLENGES: &str = include_str!("shared/challenges.lua");
const CHARGES: &str = include_str!("shared/charges.lua");
const CHARGING: &str = include_str!("shared/charging.lua");
const RAISING: &str = include_str!("shared/raising.lua");
const MESSAGES: &str = include_str!("shared/messages.lua");
const SENDING: &str = include_str!("shared/sending.lua");
const THROTTLING: &str = include_str!("shared/throttling.lua");
const REQUESTS: &str = include_str!("shared/requests.lua");
const REPEATS: &str = include_str!("shared/repeats.lua");

/// The parts of each script, its own text last.
const OPEN: &[&str] = &[
    LAYOUT,
    WINDOWS,
    CHALLENGES,
    RAISING,
    THROTTLING,
    MESSAGES,
    SENDING,
    REQUESTS,
    REPEATS,
    include_str!("open.lua"),
];
const CHARGE_ATTEMPT: &[&str] = &[
    LAYOUT,
    WINDOWS,
    CHARGES,
    CHARGING,
    REQUESTS,
    include_str!("charge_attempt.lua"),
];
const RESEND: &[&str] = &[
    LAYOUT,
    WINDOWS,
    CHALLENGES,
    THROTTLING,
    MESSAGES,
    SENDING,
    REQUESTS,
    REPEATS,
    include_str!("resend.lua"),
];
const RECORD_DELIVERY: &[&str] = &[
    LAYOUT,
    CHALLENGES,
    MESSAGES,
    include_str!("record_delivery.lua"),
];
const NEXT_SEND: &[&str] = &[
    LAYOUT,
    WINDOWS,
    MESSAGES,
    SENDING,
    include_str!("next_send.lua"),
];
const FIND: &[&str] = &[
    LAYOUT,
    WINDOWS,
    CHALLENGES,
    MESSAGES,
    SENDING,
    include_str!("find.lua"),
];
const PENDING_ENROLLMENT: &[&str] = &[
    LAYOUT,
    WINDOWS,
    CHALLENGES,
    MESSAGES,
    SENDING,
    include_str!("pending_enrollment.lua"),
];
const DROP_CHALLENGE: &[&str] = &[include_str!("drop_challenge.lua")];
const DROP_ALL: &[&str] = &[include_str!("drop_all.lua")];
const CONCLUDE: &[&str] = &[
    LAYOUT,
    WINDOWS,
    CHARGES,
    MESSAGES,
    include_str!("conclude.lua"),
];
const CHARGE_STANDALONE_ATTEMPT: &[&str] = &[
    LAYOUT,
    WINDOWS,
    CHARGES,
    CHARGING,
    RAISING,
    REQUESTS,
    include_str!("charge_standalone_attempt.lua"),
];
const REFUND_ATTEMPT: &[&str] = &[LAYOUT, CHARGES, include_str!("refund_attempt.lua")];
const LIFT_WINDOWS: &[&str] = &[LAYOUT, MESSAGES, include_str!("lift_windows.lua")];

/// The scripts of one user.
pub(super) struct UserScripts {
    pub(super) open: Script,
    pub(super) charge_attempt: Script,
    pub(super) resend: Script,
    pub(super) record_delivery: Script,
    pub(super) next_send: Script,
    pub(super) find: Script,
    pub(super) pending_enrollment: Script,
    pub(super) drop_challenge: Script,
    pub(super) drop_all: Script,
    pub(super) conclude: Script,
    pub(super) charge_standalone_attempt: Script,
    pub(super) refund_attempt: Script,
    pub(super) lift_windows: Script,
}

impl UserScripts {
    pub(super) fn new() -> Self {
        Self {
            open: script(OPEN),
            charge_attempt: script(CHARGE_ATTEMPT),
            resend: script(RESEND),
            record_delivery: script(RECORD_DELIVERY),
            next_send: script(NEXT_SEND),
            find: script(FIND),
            pending_enrollment: script(PENDING_ENROLLMENT),
            drop_challenge: script(DROP_CHALLENGE),
            drop_all: script(DROP_ALL),
            conclude: script(CONCLUDE),
            charge_standalone_attempt: script(CHARGE_STANDALONE_ATTEMPT),
            refund_attempt: script(REFUND_ATTEMPT),
            lift_windows: script(LIFT_WINDOWS),
        }
    }
}

fn script(parts: &[&str]) -> Script {
    Script::new(&parts.join("\n"))
}

#[cfg(test)]
mod tests;
