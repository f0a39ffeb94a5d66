//! What is asked of the directory.

use super::Parsed;
use crate::{app::ListRequest, proto::v1 as pb};
use countersign_domain::{
    directory::{Condition, Filter, Prefix},
    malformed::Malformed,
};

const PAGE_SIZE: u32 = 50;
const LARGEST_PAGE: u32 = 200;

pub(in crate::grpc) fn list_request(request: pb::ListUsersRequest) -> Parsed<ListRequest> {
    let pb::ListUsersRequest {
        tenant_id: _,
        page_size,
        page_token,
        filter,
    } = request;
    Ok(ListRequest {
        filter: self::filter(filter.unwrap_or_default())?,
        page_size: self::page_size(page_size)?,
        page_token,
    })
}

/// Conditions in an order of ours, so that the same filter is the same list however it is spelled.
fn filter(filter: pb::UserFilter) -> Parsed<Filter> {
    const CONDITIONS: &str = "filter.conditions";
    let pb::UserFilter {
        conditions,
        user_id_prefix,
    } = filter;
    if conditions.len() > Condition::ALL.len() {
        return Err(Malformed::TooMany(Condition::ALL.len())
            .at(CONDITIONS)
            .into());
    }
    let conditions = conditions.into_iter().map(|number| {
        condition(number).ok_or_else(|| Malformed::UnknownValue.at(CONDITIONS).into())
    });
    let mut conditions = conditions.collect::<Parsed<Vec<Condition>>>()?;
    conditions.sort_unstable();
    conditions.dedup();
    let prefix = Prefix::parse(&user_id_prefix);
    Ok(Filter {
        conditions,
        prefix: prefix.map_err(|why| why.at("filter.user_id_prefix"))?,
    })
}

fn condition(number: i32) -> Option<Condition> {
    match pb::UserCondition::try_from(number).ok()? {
        pb::UserCondition::Unspecified => None,
        pb::UserCondition::NotEnrolled => Some(Condition::NotEnrolled),
        pb::UserCondition::OnlySms => Some(Condition::OnlySms),
        pb::UserCondition::NoStrongMethod => Some(Condition::NoStrongMethod),
        pb::UserCondition::LockedOut => Some(Condition::LockedOut),
        pb::UserCondition::MethodDisabled => Some(Condition::MethodDisabled),
        pb::UserCondition::InGrace => Some(Condition::InGrace),
        pb::UserCondition::MustEnroll => Some(Condition::MustEnroll),
        pb::UserCondition::GroupsUnknown => Some(Condition::GroupsUnknown),
        pb::UserCondition::MethodSuspended => Some(Condition::MethodSuspended),
        pb::UserCondition::Held => Some(Condition::Held),
    }
}

/// More than the largest page is the largest page (AIP-158).
fn page_size(number: i32) -> Parsed<u32> {
    match u32::try_from(number) {
        Ok(0) => Ok(PAGE_SIZE),
        Ok(size) => Ok(size.min(LARGEST_PAGE)),
        Err(_negative) => Err(Malformed::OutOfRange("0 and 200").at("page_size").into()),
    }
}
