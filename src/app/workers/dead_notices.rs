//! Dead letters: what an operator sees of the outbox. It shows nobody and says nothing of a text.

use crate::{
    app::{Error, sealing::decode},
    ports::{AccountStore, KeyService, NoticeFilter, WaitingNotice},
};
use countersign_domain::{
    notice::message::{NoticeKind, OutboundNotice},
    value::secret::SealingContext,
};

/// A notice as an operator sees it.
pub struct ListedNotice {
    /// As it lies in the outbox.
    pub waiting: WaitingNotice,
    /// What it tells; nothing if no key opens it.
    pub kind: Option<NoticeKind>,
}

/// The notices that wait, oldest first: all, or the dead ones.
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
