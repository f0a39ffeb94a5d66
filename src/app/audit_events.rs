//! Builds audit events. Personal details are sealed under the user's own key.

use crate::app::{
    context::{CallContext, RequestContext},
    randomness::Randomness,
    sealing::ValueSealing,
};
use countersign_domain::{
    audit_event::{AuditDetails, AuditEvent, AuditEventKind, PersonalDetails},
    value::{secret::SecretBytes, time::Timestamp},
};

#[derive(Clone)]
pub(super) struct AuditEvents {
    sealing: ValueSealing,
    randomness: Randomness,
}

impl AuditEvents {
    pub(super) const fn new(sealing: ValueSealing, randomness: Randomness) -> Self {
        Self {
            sealing,
            randomness,
        }
    }

    /// Builds the event of a use case that has loaded its user.
    pub(super) fn event(
        &self,
        context: &RequestContext,
        kind: AuditEventKind,
        details: AuditDetails,
    ) -> AuditEvent {
        let key = &context.user.user_key;
        self.event_at(&context.call, key, kind, details, context.now)
    }

    /// Builds the event of a use case that has the user's key but no loaded user.
    pub(super) fn event_at(
        &self,
        call: &CallContext,
        user_key: &SecretBytes,
        kind: AuditEventKind,
        details: AuditDetails,
        at: Timestamp,
    ) -> AuditEvent {
        let actor = call.actor.as_ref();
        let client = &call.client;
        let personal = PersonalDetails {
            user_id: call.subject.user.as_str().to_owned(),
            client_address: client.client_address.map(|address| address.to_string()),
            user_agent: client.user_agent.clone(),
            app: client.app.map(|app| app.as_str().to_owned()),
            acting_user_id: actor.map(|actor| actor.user.as_str().to_owned()),
            reason: actor.map(|actor| actor.reason.as_str().to_owned()),
        };
        AuditEvent {
            id: self.randomness.id(),
            tenant: call.subject.tenant.clone(),
            subject: call.subject_tag,
            kind,
            caller: call.caller.name.clone(),
            at,
            details,
            personal: self.sealing.seal_personal(user_key, &personal),
        }
    }
}
