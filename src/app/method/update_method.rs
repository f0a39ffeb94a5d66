//! `UpdateMethod`: renames a method, or makes it the default.

use crate::app::{
    CallerRequest, Error, MethodView, QueuedNoticeSummary, SubmittedProof,
    context::{ReplayedCall, RequestContext},
    dependencies::MethodDependencies,
    notices::ChangeNotice,
    replayed_response::ReplayedResponse,
};
use countersign_domain::{
    account::{
        Account,
        change::{AccountChange, AccountWriteOp, ConsumedProof, CreatedResource},
    },
    audit_event::{AuditDetails, AuditEventKind},
    authorization::action::Action,
    method::{Method, MethodLabel},
    notice::message::{Notice, NoticeKind},
    revert::RevertibleChange,
    value::id::MethodId,
};
use std::sync::Arc;

/// A change of a method.
pub struct MethodUpdate {
    /// The method to change.
    pub method: MethodId,
    /// The new name, if it changes.
    pub label: Option<MethodLabel>,
    /// Whether the method becomes the default.
    pub make_default: bool,
}

/// A method after the change, and where notices were queued.
pub struct UpdatedMethod {
    /// The changed method.
    pub method: MethodView,
    /// Where notices were queued, masked.
    pub queued_notices: Vec<QueuedNoticeSummary>,
}

/// The consumed proof, writes and notices of a new default.
#[derive(Default)]
struct DefaultChoice {
    consumed_proofs: Vec<ConsumedProof>,
    writes: Vec<AccountWriteOp>,
    change_notice: ChangeNotice,
}

/// Renames a method, or makes it the default if the proof authorizes it. Only a new default queues notices.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn update_method(
    deps: &Arc<MethodDependencies>,
    call: CallerRequest,
    update: MethodUpdate,
    proof: SubmittedProof,
) -> Result<UpdatedMethod, Error> {
    let id = update.method;
    let (update, proof) = (Arc::new(update), Arc::new(proof));
    deps.requests
        .run_once(
            deps,
            call,
            move |deps, repeat| async move { updated_before(&deps, repeat, id) },
            move |deps, context| {
                let (update, proof) = (Arc::clone(&update), Arc::clone(&proof));
                async move { update_once(&deps, &context, &update, &proof).await }
            },
        )
        .await
}

fn updated_before(
    deps: &MethodDependencies,
    repeat: ReplayedCall,
    id: MethodId,
) -> Result<UpdatedMethod, Error> {
    let user = &repeat.context.user;
    let method = user.account.method(id).ok_or(Error::MethodNotFound)?;
    Ok(UpdatedMethod {
        method: deps.views.one(&user.account, &user.policy, method)?,
        queued_notices: repeat.response.queued_notices,
    })
}

async fn update_once(
    deps: &MethodDependencies,
    context: &RequestContext,
    update: &MethodUpdate,
    proof: &SubmittedProof,
) -> Result<Option<UpdatedMethod>, Error> {
    let account = &context.user.account;
    let id = update.method;
    let method = account.method(id).ok_or(Error::MethodNotFound)?;
    let details = AuditDetails::none().with("method_id", id);
    let (mut after, mut writes) = (account.clone(), Vec::new());
    let renames = update.label.is_some();
    if let Some(label) = update.label.clone() {
        writes.push(rename(&mut after, method, label)?);
    }
    let (kind, details, choice) = if update.make_default {
        after.user_default = Some(id);
        let choice = choose_default(deps, context, method, proof).await?;
        let details = details.with("renamed", renames);
        (AuditEventKind::DefaultChanged, details, choice)
    } else {
        (
            AuditEventKind::MethodRenamed,
            details,
            DefaultChoice::default(),
        )
    };
    writes.extend(choice.writes);
    let response = ReplayedResponse::with_queued_notices(choice.change_notice.queued_notices);
    let change = AccountChange {
        consumed_proofs: choice.consumed_proofs,
        writes,
        notices: choice.change_notice.notices,
        idempotency_record: deps.idempotency.record(
            context,
            CreatedResource::Method(id),
            &response,
        ),
        ..context.change(deps.events.event(context, kind, details))
    };
    if deps.changes.save_or_conflict(&change).await?.is_none() {
        return Ok(None);
    }
    let method = after.method(id).ok_or(Error::MethodNotFound)?;
    Ok(Some(UpdatedMethod {
        method: deps.views.one(&after, &context.user.policy, method)?,
        queued_notices: response.queued_notices,
    }))
}

/// Consumes the proof for a new default, and composes the notices.
async fn choose_default(
    deps: &MethodDependencies,
    context: &RequestContext,
    method: &Method,
    proof: &SubmittedProof,
) -> Result<DefaultChoice, Error> {
    let action = Action::SetDefaultMethod(method.id);
    let consumed_proof = deps
        .authorization
        .authorize(context, &action, proof)
        .await?;
    let user = &context.user;
    let destination = deps.notices.masked_destination(&user.account, method)?;
    let kind = NoticeKind::DefaultChanged;
    let notice = Notice::of_method(kind, method.kind, destination, context.now);
    let (change_notice, revertible) =
        deps.notices
            .revertible_notice(user, [], notice, RevertibleChange::Default)?;
    Ok(DefaultChoice {
        consumed_proofs: vec![consumed_proof],
        writes: vec![AccountWriteOp::SetDefault(method.id), revertible],
        change_notice,
    })
}

/// Renames the method in `after`, and returns the write.
fn rename(
    after: &mut Account,
    method: &Method,
    label: MethodLabel,
) -> Result<AccountWriteOp, Error> {
    let label = after.label_for(Some(label), method.kind, Some(method.id))?;
    let mut methods = after.methods.iter_mut();
    let renamed = methods.find(|other| other.id == method.id);
    renamed.ok_or(Error::MethodNotFound)?.label = label.clone();
    Ok(AccountWriteOp::RenameMethod(method.id, label))
}
