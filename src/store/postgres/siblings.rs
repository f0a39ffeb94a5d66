//! Users of a tenant whose ids have one skeleton.

use super::connection::{PipelinedConnection, PostgresFailure};
use crate::store::record::MAX_SIBLINGS;
use countersign_domain::value::id::Subject;
use tokio_postgres::Row;

/// The users with the skeleton of one who is made.
pub(super) async fn read_siblings(
    connection: &PipelinedConnection,
    created: Option<&Subject>,
) -> Result<Vec<Row>, PostgresFailure> {
    const SIBLINGS: &str = "SELECT user_id FROM accounts WHERE tenant_id = $1 AND skeleton = $2 AND user_id <> $3 LIMIT $4";
    let Some(Subject { tenant, user }) = created else {
        return Ok(Vec::new());
    };
    let (tenant, skeleton, user) = (tenant.as_str(), user.skeleton(), user.as_str());
    let at_most = i64::from(MAX_SIBLINGS) + 1;
    connection
        .rows(SIBLINGS, &[&tenant, &skeleton, &user, &at_most])
        .await
}
