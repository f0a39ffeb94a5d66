//! Parses requests of `UserService`.

use crate::{
    app::ListUsersQuery,
    grpc::{
        request_fields::{ParseResult, paths, phone, timestamp},
        value_names::USER_CONDITIONS,
    },
};
use countersign_domain::{
    account::{
        directory::{UserCondition, UserFilter, UserIdPrefix},
        groups::UserGroups,
        profile::{AccountName, EnrollmentGrace, GraceReason, ProfileUpdate},
    },
    authorization::actor::{Actor, ActorReason},
    recovery::bypass_code::{DEFAULT_LIFETIME, MAX_LIFETIME},
    value::{destination::Email, id::UserId, locale::Locale, malformed::MalformedValue},
};
use countersign_proto::v1 as pb;
use prost_types::FieldMask;
use std::time::Duration;

pub(in crate::grpc) fn profile_update(
    profile: Option<pb::Profile>,
    mask: Option<&FieldMask>,
) -> ParseResult<ProfileUpdate> {
    const PATHS: &str = "email, email_verified, phone_number, phone_number_verified, locale, groups, account_name, \
                         password_changed_time, grace and *";
    let profile = profile.unwrap_or_default();
    let mut update = ProfileUpdate::default();
    let given = paths(mask, PROFILE_FIELDS.len())?;
    let populated = populated(&profile);
    let paths = if given.is_empty() { populated } else { given };
    for path in paths {
        let all = path == "*";
        let mut known = all;
        for field in PROFILE_FIELDS {
            if all || path == field {
                known = true;
                write_field(&mut update, field, &profile)?;
            }
        }
        if !known {
            return Err(MalformedValue::NotAMaskPath(PATHS).at("update_mask").into());
        }
    }
    Ok(update)
}

const PROFILE_FIELDS: [&str; 9] = [
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "locale",
    "groups",
    "account_name",
    "password_changed_time",
    "grace",
];

/// The fields that are not empty. They are written if there is no mask.
fn populated(profile: &pb::Profile) -> Vec<&'static str> {
    let pb::Profile {
        email,
        email_verified,
        phone_number,
        phone_number_verified,
        locale,
        groups,
        account_name,
        password_changed_time,
        grace,
    } = profile;
    let filled = [
        !email.is_empty(),
        *email_verified,
        !phone_number.is_empty(),
        *phone_number_verified,
        !locale.is_empty(),
        groups.is_some(),
        !account_name.is_empty(),
        password_changed_time.is_some(),
        grace.is_some(),
    ];
    PROFILE_FIELDS
        .into_iter()
        .zip(filled)
        .filter_map(|(name, filled)| filled.then_some(name))
        .collect()
}

fn write_field(update: &mut ProfileUpdate, field: &str, profile: &pb::Profile) -> ParseResult<()> {
    match field {
        "email" => update.email = Some(email(&profile.email)?),
        "email_verified" => update.email_verified = Some(profile.email_verified),
        "phone_number" => {
            update.phone = Some(phone("profile.phone_number", &profile.phone_number)?);
        }
        "phone_number_verified" => update.phone_verified = Some(profile.phone_number_verified),
        "locale" => {
            update.locale = Some(Locale::parse(&profile.locale));
        }
        "groups" => update.groups = Some(groups(profile.groups.as_ref())?),
        "account_name" => {
            let name = AccountName::parse(&profile.account_name);
            update.account_name = Some(name.map_err(|why| why.at("profile.account_name"))?);
        }
        "grace" => update.grace = Some(profile.grace.as_ref().map(grace).transpose()?),
        _ => {
            const TIME: &str = "profile.password_changed_time";
            let time = profile.password_changed_time;
            update.password_changed_at = Some(time.map(|time| timestamp(TIME, time)).transpose()?);
        }
    }
    Ok(())
}

fn groups(groups: Option<&pb::Groups>) -> ParseResult<UserGroups> {
    let Some(pb::Groups { names }) = groups else {
        return Ok(UserGroups::Unknown);
    };
    Ok(UserGroups::parse(names).map_err(|why| why.at("profile.groups.names"))?)
}

fn grace(grace: &pb::EnrollmentGrace) -> ParseResult<EnrollmentGrace> {
    const UNTIL: &str = "profile.grace.until_time";
    let pb::EnrollmentGrace { until_time, reason } = grace;
    let until = until_time.ok_or(MalformedValue::Empty.at(UNTIL))?;
    let reason = GraceReason::parse(reason);
    Ok(EnrollmentGrace {
        until: timestamp(UNTIL, until)?,
        reason: reason.map_err(|why| why.at("profile.grace.reason"))?,
    })
}

fn email(text: &str) -> ParseResult<Option<Email>> {
    if text.is_empty() {
        return Ok(None);
    }
    Ok(Some(
        Email::parse(text).map_err(|why| why.at("profile.email"))?,
    ))
}

/// The administrator who acts on a user's account, and the reason.
pub(in crate::grpc) fn actor(acting_user_id: &str, reason: &str) -> ParseResult<Actor> {
    let user = UserId::parse(acting_user_id).map_err(|why| why.at("acting_user_id"))?;
    let reason = ActorReason::parse(reason).map_err(|why| why.at("reason"))?;
    Ok(Actor { user, reason })
}

/// The lifetime of a bypass code; a default applies if it is unset.
pub(in crate::grpc) fn bypass_lifetime(
    lifetime: Option<prost_types::Duration>,
) -> ParseResult<Duration> {
    let Some(lifetime) = lifetime else {
        return Ok(DEFAULT_LIFETIME);
    };
    let given = Duration::try_from(lifetime).ok();
    let allowed = Duration::from_mins(1)..=MAX_LIFETIME;
    let hours = MAX_LIFETIME.as_secs() / 3600;
    let given = given.filter(|lifetime| allowed.contains(lifetime));
    Ok(given.ok_or(MalformedValue::NotALifetime(hours).at("lifetime"))?)
}

const PAGE_SIZE: u32 = 50;
const LARGEST_PAGE: u32 = 200;

pub(in crate::grpc) fn list_request(request: pb::ListUsersRequest) -> ParseResult<ListUsersQuery> {
    let pb::ListUsersRequest {
        tenant_id: _,
        page_size,
        page_token,
        filter,
    } = request;
    Ok(ListUsersQuery {
        filter: self::filter(filter.unwrap_or_default())?,
        page_size: self::page_size(page_size)?,
        page_token,
    })
}

/// Sorts the conditions, so that a page token fits the same filter in any order.
fn filter(filter: pb::UserFilter) -> ParseResult<UserFilter> {
    const CONDITIONS: &str = "filter.conditions";
    let pb::UserFilter {
        conditions,
        user_id_prefix,
    } = filter;
    if conditions.len() > UserCondition::ALL.len() {
        return Err(MalformedValue::TooMany(UserCondition::ALL.len())
            .at(CONDITIONS)
            .into());
    }
    let conditions = conditions.into_iter().map(|number| {
        condition(number).ok_or_else(|| {
            MalformedValue::UnknownValue(USER_CONDITIONS)
                .at(CONDITIONS)
                .into()
        })
    });
    let mut conditions = conditions.collect::<ParseResult<Vec<UserCondition>>>()?;
    conditions.sort_unstable();
    conditions.dedup();
    let prefix = UserIdPrefix::parse(&user_id_prefix);
    Ok(UserFilter {
        conditions,
        prefix: prefix.map_err(|why| why.at("filter.user_id_prefix"))?,
    })
}

fn condition(number: i32) -> Option<UserCondition> {
    match pb::UserCondition::try_from(number).ok()? {
        pb::UserCondition::Unspecified => None,
        pb::UserCondition::NotEnrolled => Some(UserCondition::NotEnrolled),
        pb::UserCondition::OnlySms => Some(UserCondition::OnlySms),
        pb::UserCondition::NoStrongMethod => Some(UserCondition::NoStrongMethod),
        pb::UserCondition::Throttled => Some(UserCondition::Throttled),
        pb::UserCondition::MethodDisabled => Some(UserCondition::MethodDisabled),
        pb::UserCondition::InGrace => Some(UserCondition::InGrace),
        pb::UserCondition::MustEnroll => Some(UserCondition::MustEnroll),
        pb::UserCondition::GroupsUnknown => Some(UserCondition::GroupsUnknown),
        pb::UserCondition::MethodSuspended => Some(UserCondition::MethodSuspended),
        pb::UserCondition::PendingReview => Some(UserCondition::PendingReview),
    }
}

/// A page size above the maximum means the maximum (AIP-158).
fn page_size(number: i32) -> ParseResult<u32> {
    match u32::try_from(number) {
        Ok(0) => Ok(PAGE_SIZE),
        Ok(size) => Ok(size.min(LARGEST_PAGE)),
        Err(_negative) => Err(MalformedValue::OutOfRange("0 and 200")
            .at("page_size")
            .into()),
    }
}
