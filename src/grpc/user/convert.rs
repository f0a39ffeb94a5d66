//! Builds responses of `UserService` about one user.

use crate::{
    app::{IssuedBypassCode, UserView},
    grpc::response_fields::{queued_notices, timestamp},
};
use countersign_domain::{
    account::{
        groups::UserGroups,
        profile::{AccountName, ProfileRecord},
    },
    value::{destination::Destination, locale::Locale},
};
use countersign_proto::v1 as pb;

pub(in crate::grpc) fn user(view: UserView) -> pb::User {
    let UserView {
        subject,
        profile_record,
        two_factor_enabled,
        created_at,
        updated_at,
    } = view;
    pb::User {
        tenant_id: subject.tenant.as_str().to_owned(),
        user_id: subject.user.as_str().to_owned(),
        has_too_many_groups: profile_record.profile.groups == UserGroups::TooMany,
        profile: Some(profile(profile_record)),
        two_factor_enabled,
        create_time: Some(timestamp(created_at)),
        update_time: Some(timestamp(updated_at)),
    }
}

pub(in crate::grpc) fn issued_bypass_code(issued: IssuedBypassCode) -> pb::IssueBypassCodeResponse {
    let IssuedBypassCode {
        code,
        expires_at,
        queued_notices: queued,
    } = issued;
    pb::IssueBypassCodeResponse {
        bypass_code: code,
        expire_time: Some(timestamp(expires_at)),
        queued_notices: queued_notices(queued),
    }
}

fn profile(profile_record: ProfileRecord) -> pb::Profile {
    let ProfileRecord {
        profile,
        email_verified,
        email_version: _,
    } = profile_record;
    let text = |destination: Option<Destination>| {
        destination
            .map(|to| to.as_str().to_owned())
            .unwrap_or_default()
    };
    let groups = match profile.groups {
        UserGroups::Listed(groups) => {
            let names = groups.iter().map(|group| group.as_str().to_owned());
            Some(pb::Groups {
                names: names.collect(),
            })
        }
        UserGroups::Unknown | UserGroups::TooMany => None,
    };
    let account_name = profile.account_name.as_ref().map(AccountName::as_str);
    pb::Profile {
        email: text(profile.email.map(Destination::Email)),
        email_verified,
        phone_number: text(profile.phone.map(Destination::Phone)),
        phone_number_verified: profile.phone_verified,
        locale: profile
            .locale
            .as_ref()
            .map(Locale::as_str)
            .unwrap_or_default()
            .to_owned(),
        groups,
        account_name: account_name.unwrap_or_default().to_owned(),
        password_changed_time: profile.password_changed_at.map(timestamp),
        grace: profile.grace.map(|grace| pb::EnrollmentGrace {
            until_time: Some(timestamp(grace.until)),
            reason: grace.reason.as_str().to_owned(),
        }),
    }
}
