//! `UpdateMethod`: a new name, or the user's choice of a default.

use crate::app::{
    Call, Confirmation, Error, GivenProof, MethodView, Replay, RequestContext, call::Shown,
    dependencies::MethodDependencies, notices::News,
};
use countersign_domain::{
    account::Account,
    action::Action,
    change::{Change, Made, Spend, Write},
    event::{EventKind, Facts},
    id::MethodId,
    message::{Notice, NoticeKind},
    method::{Label, Method},
    revert::Did,
};
use std::sync::Arc;

/// What is to change.
pub struct MethodUpdate {
    /// Of which method.
    pub method: MethodId,
    /// The new name.
    pub label: Option<Label>,
    /// Whether it becomes the default.
    pub make_default: bool,
}

/// A method as it is after the change, and who hears of it.
pub struct UpdatedMethod {
    /// The method.
    pub method: MethodView,
    /// Where the news went, masked.
    pub confirmations: Vec<Confirmation>,
}

/// What the choice of a default takes, and tells.
#[derive(Default)]
struct DefaultChoice {
    spends: Vec<Spend>,
    writes: Vec<Write>,
    news: News,
}

/// Renames a method, or makes it the default if the proof lets it. Tells who hears of it: nobody of a name.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn update_method(
    deps: &Arc<MethodDependencies>,
    call: Call,
    update: MethodUpdate,
    proof: GivenProof,
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
    repeat: Replay,
    id: MethodId,
) -> Result<UpdatedMethod, Error> {
    let user = &repeat.context.user;
    let method = user.account.method(id).ok_or(Error::MethodNotFound)?;
    Ok(UpdatedMethod {
        method: deps.views.one(&user.account, &user.policy, method)?,
        confirmations: repeat.shown.confirmations,
    })
}

async fn update_once(
    deps: &MethodDependencies,
    context: &RequestContext,
    update: &MethodUpdate,
    proof: &GivenProof,
) -> Result<Option<UpdatedMethod>, Error> {
    let account = &context.user.account;
    let id = update.method;
    let method = account.method(id).ok_or(Error::MethodNotFound)?;
    let facts = Facts::none().with("method_id", id);
    let (mut after, mut writes) = (account.clone(), Vec::new());
    let renames = update.label.is_some();
    if let Some(label) = update.label.clone() {
        writes.push(rename(&mut after, method, label)?);
    }
    let (kind, facts, choice) = if update.make_default {
        after.chosen_default = Some(id);
        let choice = choose_default(deps, context, method, proof).await?;
        let facts = facts.with("renamed", renames);
        (EventKind::DefaultChanged, facts, choice)
    } else {
        (EventKind::MethodRenamed, facts, DefaultChoice::default())
    };
    writes.extend(choice.writes);
    let shown = Shown::of_confirmations(choice.news.confirmations);
    let change = Change {
        spends: choice.spends,
        writes,
        notices: choice.news.notices,
        receipt: deps.idempotency.record(context, Made::Method(id), &shown),
        ..context.change(deps.events.event(context, kind, facts))
    };
    if deps.changes.save_or_conflict(&change).await?.is_none() {
        return Ok(None);
    }
    let method = after.method(id).ok_or(Error::MethodNotFound)?;
    Ok(Some(UpdatedMethod {
        method: deps.views.one(&after, &context.user.policy, method)?,
        confirmations: shown.confirmations,
    }))
}

/// The proof is good for this default, and those who have to hear of it are told.
async fn choose_default(
    deps: &MethodDependencies,
    context: &RequestContext,
    method: &Method,
    proof: &GivenProof,
) -> Result<DefaultChoice, Error> {
    let action = Action::SetDefaultMethod(method.id);
    let spend = deps
        .authorization
        .authorize(context, &action, proof)
        .await?;
    let user = &context.user;
    let destination = deps.notices.masked_destination(&user.account, method)?;
    let kind = NoticeKind::DefaultChanged;
    let notice = Notice::of_method(kind, method.kind, destination, context.now);
    let (news, revertible) = deps
        .notices
        .revertible_news(user, [], notice, Did::Default)?;
    Ok(DefaultChoice {
        spends: vec![spend],
        writes: vec![Write::SetDefault(method.id), revertible],
        news,
    })
}

/// The new name, in the account as it will be.
fn rename(after: &mut Account, method: &Method, label: Label) -> Result<Write, Error> {
    let label = after.label_for(Some(label), method.kind, Some(method.id))?;
    let mut methods = after.methods.iter_mut();
    let renamed = methods.find(|other| other.id == method.id);
    renamed.ok_or(Error::MethodNotFound)?.label = label.clone();
    Ok(Write::RenameMethod(method.id, label))
}
