//! What administrators' calls say of themselves.

use super::ParseResult;
use countersign_domain::{
    authorization::actor::{Actor, ActorReason},
    recovery::bypass_code::{DEFAULT_LIFETIME, MAX_LIFETIME},
    value::{id::UserId, malformed::MalformedValue},
};
use std::time::Duration;

/// Who acts on a user's account, and why.
pub(in crate::grpc) fn actor(acting_user_id: &str, reason: &str) -> ParseResult<Actor> {
    let user = UserId::parse(acting_user_id).map_err(|why| why.at("acting_user_id"))?;
    let reason = ActorReason::parse(reason).map_err(|why| why.at("reason"))?;
    Ok(Actor { user, reason })
}

/// How long a bypass code lives.
pub(in crate::grpc) fn bypass_life(life: Option<prost_types::Duration>) -> ParseResult<Duration> {
    let Some(life) = life else {
        return Ok(DEFAULT_LIFETIME);
    };
    let given = Duration::try_from(life).ok();
    let allowed = Duration::from_mins(1)..=MAX_LIFETIME;
    let hours = MAX_LIFETIME.as_secs() / 3600;
    let given = given.filter(|life| allowed.contains(life));
    Ok(given.ok_or(MalformedValue::NotALife(hours).at("life"))?)
}
