//! The outbox as operators see it, without recipients and texts.

use crate::{
    app::{Error, sealing::decode},
    ports::{AccountStore, KeyService, NoticeFilter, WaitingNotice},
};
use countersign_domain::{
    notice::message::{NoticeKind, OutboundNotice},
    value::secret::SealingContext,
};

/// A notice as operators see it.
pub struct ListedNotice {
    /// The notice's row in the outbox.
    pub waiting: WaitingNotice,
    /// The kind of the notice; `None` if no key opens it.
    pub kind: Option<NoticeKind>,
}

/// Lists notices in the outbox, oldest first: all, or only dead ones.
///
/// # Errors
/// [`Error::Unavailable`] if the outbox can't be read.
pub async fn list_notices(
    accounts: &dyn AccountStore,
    keys: &dyn KeyService,
    which: NoticeFilter,
) -> Result<Vec<ListedNotice>, Error> {
    let (mut listed, mut after) = (Vec::new(), 0);
    loop {
        let page = accounts.waiting_notices(which, after).await?;
        let Some(last) = page.last() else {
            return Ok(listed);
        };
        after = last.position;
        listed.extend(page.into_iter().map(|waiting| ListedNotice {
            kind: kind_of(keys, &waiting),
            waiting,
        }));
    }
}

fn kind_of(keys: &dyn KeyService, waiting: &WaitingNotice) -> Option<NoticeKind> {
    let purpose = SealingContext::Notice(waiting.subject, waiting.id);
    let plain = keys.open(purpose, &waiting.sealed).ok()?;
    let notice: OutboundNotice = decode(plain.expose()).ok()?;
    Some(notice.notice.kind)
}
