//! What administrators' calls say of themselves.

use super::Parsed;
use countersign_domain::{
    acting::{Acting, Reason},
    bypass::{LONGEST_LIFE, USUAL_LIFE},
    id::UserId,
    malformed::Malformed,
};
use std::time::Duration;

/// Who acts on a user's account, and why.
pub(in crate::grpc) fn acting(acting_user_id: &str, reason: &str) -> Parsed<Acting> {
    let user = UserId::parse(acting_user_id).map_err(|why| why.at("acting_user_id"))?;
    let reason = Reason::parse(reason).map_err(|why| why.at("reason"))?;
    Ok(Acting { user, reason })
}

/// How long a bypass code lives.
pub(in crate::grpc) fn bypass_life(life: Option<prost_types::Duration>) -> Parsed<Duration> {
    let Some(life) = life else {
        return Ok(USUAL_LIFE);
    };
    let given = Duration::try_from(life).ok();
    let allowed = Duration::from_mins(1)..=LONGEST_LIFE;
    let hours = LONGEST_LIFE.as_secs() / 3600;
    let given = given.filter(|life| allowed.contains(life));
    Ok(given.ok_or(Malformed::NotALife(hours).at("life"))?)
}
