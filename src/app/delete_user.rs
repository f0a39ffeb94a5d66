//! `DeleteUser`: a user goes, with everything that names them.

use crate::app::{
    Call, CallContext, Error, RequestContext, call::Shown, dependencies::UserDependencies,
};
use countersign_domain::{
    change::{Change, Made, Write},
    event::{EventKind, Facts},
};
use std::sync::Arc;

/// Erases a user. What audit records say of the person can't be read any more: its key is destroyed. Open challenges
/// go, too; what was charged stays, without a name, so that nobody gets new tries by being erased.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn delete_user(deps: &Arc<UserDependencies>, call: Call) -> Result<(), Error> {
    deps.requests
        .run(deps, call, |deps, call| async move {
            let loaded = deps.requests.load_user(&call, call.idempotency).await?;
            // A repeat finds no user any more. It drops the challenges, too: the first call may have died before it did.
            if loaded.record.is_none() {
                erase(&deps, &loaded.context(&call)?).await?;
            }
            drop_challenges(&deps, &call).await
        })
        .await
}

async fn erase(deps: &UserDependencies, context: &RequestContext) -> Result<(), Error> {
    let kind = EventKind::UserDeleted;
    let change = Change {
        epoch: context.user.account.epoch.grown(),
        writes: vec![Write::Erase],
        receipt: deps
            .idempotency
            .record(context, Made::Nothing, &Shown::default()),
        ..context.change(deps.events.event(context, kind, Facts::none()))
    };
    deps.changes.save(&change).await
}

async fn drop_challenges(deps: &UserDependencies, call: &CallContext) -> Result<(), Error> {
    Ok(deps.challenges.drop_all(call.subject_tag).await?)
}
