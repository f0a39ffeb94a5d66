//! What is asked of the directory.

use super::ParseResult;
use crate::app::ListUsersQuery;
use countersign_domain::{
    account::directory::{UserCondition, UserFilter, UserIdPrefix},
    value::malformed::MalformedValue,
};
use countersign_proto::v1 as pb;

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

/// Conditions in an order of ours, so that the same filter is the same list however it is spelled.
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
        condition(number).ok_or_else(|| MalformedValue::UnknownValue.at(CONDITIONS).into())
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
        pb::UserCondition::LockedOut => Some(UserCondition::LockedOut),
        pb::UserCondition::MethodDisabled => Some(UserCondition::MethodDisabled),
        pb::UserCondition::InGrace => Some(UserCondition::InGrace),
        pb::UserCondition::MustEnroll => Some(UserCondition::MustEnroll),
        pb::UserCondition::GroupsUnknown => Some(UserCondition::GroupsUnknown),
        pb::UserCondition::MethodSuspended => Some(UserCondition::MethodSuspended),
        pb::UserCondition::Held => Some(UserCondition::Held),
    }
}

/// More than the largest page is the largest page (AIP-158).
fn page_size(number: i32) -> ParseResult<u32> {
    match u32::try_from(number) {
        Ok(0) => Ok(PAGE_SIZE),
        Ok(size) => Ok(size.min(LARGEST_PAGE)),
        Err(_negative) => Err(MalformedValue::OutOfRange("0 and 200")
            .at("page_size")
            .into()),
    }
}
