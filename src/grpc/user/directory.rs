//! Builds responses of `UserService` with lists and exports.

use crate::{
    app::{
        ExportedEvent, ExportedMessage, ExportedUser, MethodView, UserExport, UserPage, UserSummary,
    },
    grpc::{
        device::convert::device,
        method::convert::method,
        recovery::convert::recovery_status,
        response_fields::{kind, timestamp},
        user::convert::user,
    },
    ports::EndedChallenge,
};
use countersign_domain::{
    account::directory::UserCondition,
    audit_event::{PersonalDetails, StoredAuditEvent},
    authorization::caller::Audience,
    challenge::{
        approval::{Approval, ApprovedPurpose},
        verdict::ChallengeOutcome,
    },
    method::MethodKind,
    recovery::reset::Reset,
    revert::RevertRecord,
    value::{
        destination::Channel,
        id::{ChallengeId, Id},
        time::Timestamp,
    },
};
use countersign_proto::v1 as pb;
use data_encoding::HEXLOWER;

pub(in crate::grpc) fn user_page(page: UserPage) -> pb::ListUsersResponse {
    let UserPage { users, next } = page;
    pb::ListUsersResponse {
        users: users.into_iter().map(summary).collect(),
        next_page_token: next.unwrap_or_default(),
    }
}

fn summary(summary: UserSummary) -> pb::UserSummary {
    let UserSummary {
        user,
        methods,
        email_verified,
        recovery_codes_left,
        conditions,
        enroll_by,
        locked_until,
        created_at,
        updated_at,
    } = summary;
    let conditions = conditions.into_iter().map(|of| condition(of).into());
    pb::UserSummary {
        user_id: user.as_str().to_owned(),
        methods: methods.into_iter().map(method).collect(),
        email_verified,
        recovery_codes_left,
        conditions: conditions.collect(),
        enroll_by_time: enroll_by.map(timestamp),
        locked_until_time: locked_until.map(timestamp),
        create_time: Some(timestamp(created_at)),
        update_time: Some(timestamp(updated_at)),
    }
}

const fn condition(condition: UserCondition) -> pb::UserCondition {
    match condition {
        UserCondition::NotEnrolled => pb::UserCondition::NotEnrolled,
        UserCondition::OnlySms => pb::UserCondition::OnlySms,
        UserCondition::NoStrongMethod => pb::UserCondition::NoStrongMethod,
        UserCondition::Throttled => pb::UserCondition::Throttled,
        UserCondition::MethodDisabled => pb::UserCondition::MethodDisabled,
        UserCondition::InGrace => pb::UserCondition::InGrace,
        UserCondition::MustEnroll => pb::UserCondition::MustEnroll,
        UserCondition::GroupsUnknown => pb::UserCondition::GroupsUnknown,
        UserCondition::MethodSuspended => pb::UserCondition::MethodSuspended,
        UserCondition::PendingReview => pb::UserCondition::PendingReview,
    }
}

pub(in crate::grpc) fn export(export: UserExport) -> pb::ExportUserResponse {
    let UserExport {
        person,
        challenges,
        events,
        next,
    } = export;
    pb::ExportUserResponse {
        person: person.map(self::person),
        challenges: challenges.into_iter().map(challenge).collect(),
        events: events.into_iter().map(event).collect(),
        next_page_token: next.unwrap_or_default(),
    }
}

fn person(person: ExportedUser) -> pb::ExportedPerson {
    let ExportedUser {
        user: view,
        methods,
        recovery,
        devices,
        failures,
        messages,
        bypass_until,
        pending_review,
        reset,
        revertible,
    } = person;
    pb::ExportedPerson {
        user: Some(user(view)),
        methods: methods
            .into_iter()
            .map(|(view, destination)| exported_method(view, destination))
            .collect(),
        recovery: Some(recovery_status(recovery.as_ref())),
        devices: devices.into_iter().map(device).collect(),
        failures: failures
            .into_iter()
            .map(|(challenge, at)| failure(challenge, at))
            .collect(),
        messages: messages.into_iter().map(message).collect(),
        bypass_code_expire_time: bypass_until.map(timestamp),
        pending_review,
        reset: reset.as_ref().map(exported_reset),
        disclaimable: revertible.into_iter().map(change).collect(),
    }
}

fn exported_reset(reset: &Reset) -> pb::ExportedReset {
    pb::ExportedReset {
        due_time: Some(timestamp(reset.due_at)),
        expire_time: Some(timestamp(reset.ends_at)),
        cancel_time: reset.canceled_at.map(timestamp),
    }
}

fn change(change: RevertRecord) -> pb::ExportedChange {
    let method = change.change_kind.method();
    pb::ExportedChange {
        kind: change.change_kind.as_str().to_owned(),
        method_id: method.map(|id| id.to_string()).unwrap_or_default(),
        time: Some(timestamp(change.at)),
    }
}

fn exported_method(view: MethodView, destination: Option<String>) -> pb::ExportedMethod {
    pb::ExportedMethod {
        method: Some(method(view)),
        destination: destination.unwrap_or_default(),
    }
}

fn failure(challenge: ChallengeId, at: Timestamp) -> pb::ExportedFailure {
    pb::ExportedFailure {
        challenge_id: challenge.to_string(),
        time: Some(timestamp(at)),
    }
}

fn message(message: ExportedMessage) -> pb::ExportedMessage {
    let ExportedMessage {
        id,
        channel,
        destination,
        kind: of,
        queued_at,
    } = message;
    pb::ExportedMessage {
        message_id: id.to_string(),
        channel: by(channel).into(),
        destination,
        kind: of.as_str().to_owned(),
        queue_time: Some(timestamp(queued_at)),
    }
}

const fn by(channel: Channel) -> pb::MethodKind {
    match channel {
        Channel::Sms => kind(MethodKind::Sms),
        Channel::Email => kind(MethodKind::Email),
    }
}

fn challenge(ended: EndedChallenge) -> pb::ExportedChallenge {
    let EndedChallenge {
        id,
        caller,
        at,
        how,
    } = ended;
    let (ending, approval) = match how {
        ChallengeOutcome::Without(ending) => (ending.as_str(), None),
        ChallengeOutcome::Approved(approval) => ("APPROVED", Some(self::approval(*approval))),
    };
    pb::ExportedChallenge {
        challenge_id: id.to_string(),
        caller: caller.as_str().to_owned(),
        ending: ending.to_owned(),
        end_time: Some(timestamp(at)),
        approval,
    }
}

fn approval(approval: Approval) -> pb::ExportedApproval {
    let Approval {
        id,
        challenge: _,
        subject: _,
        caller: _,
        attempt_id: _,
        payload: _,
        purpose,
        answered_by,
        method,
        audience,
        epoch: _,
        at: _,
        key: _,
        device,
    } = approval;
    let purpose_name = purpose.as_str().to_owned();
    let action = match purpose {
        ApprovedPurpose::StepUp { action, digest: _ } | ApprovedPurpose::Change { action } => {
            action
        }
        ApprovedPurpose::SignIn
        | ApprovedPurpose::VerifyEmail
        | ApprovedPurpose::Enrollment
        | ApprovedPurpose::Reset => String::new(),
    };
    let audience = audience.as_ref().map(Audience::as_str);
    pb::ExportedApproval {
        approval_id: id.to_string(),
        purpose: purpose_name,
        action,
        answered_by: answered_by.as_str().to_owned(),
        method_id: id_or_nothing(method),
        device_id: id_or_nothing(device),
        audience: audience.unwrap_or_default().to_owned(),
    }
}

fn id_or_nothing<Of>(id: Option<Id<Of>>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

fn event(exported: ExportedEvent) -> pb::ExportedEvent {
    let ExportedEvent { event, personal } = exported;
    let StoredAuditEvent {
        row: _,
        id,
        tenant: _,
        subject: _,
        kind,
        caller,
        at,
        details,
        personal: _,
    } = event;
    let PersonalDetails {
        user_id: _,
        client_address,
        user_agent,
        app,
        acting_user_id,
        reason,
    } = personal.unwrap_or_default();
    pb::ExportedEvent {
        event_id: HEXLOWER.encode(&id),
        kind,
        caller,
        time: Some(timestamp(Timestamp::from_millis(at))),
        details,
        client_address: client_address.unwrap_or_default(),
        user_agent: user_agent.unwrap_or_default(),
        app: app.unwrap_or_default(),
        acting_user_id: acting_user_id.unwrap_or_default(),
        reason: reason.unwrap_or_default(),
    }
}
