//! `countersign notices`.

use crate::{
    app::{ListedNotice, list_notices},
    cli::common::{CommandError, CommonArgs},
    config,
    ports::{DeadNoticeSelection, NoticeFilter},
    server,
};
use clap::{Args, Subcommand};
use countersign_domain::{
    notice::message::NoticeKind,
    value::{
        id::{NoticeId, SubjectTag},
        time::Timestamp,
    },
};
use countersign_transport::system::{Clock, SystemClock};
use data_encoding::HEXLOWER;

/// Notices that wait to be delivered, and dead ones.
#[derive(Debug, Subcommand)]
pub(super) enum NoticesCommand {
    /// List them, oldest first: no destination, no text, no name; `-` where there is nothing to say.
    List {
        /// Only the dead ones: they are not delivered any more unless they are retried.
        #[arg(long)]
        dead: bool,
        #[command(flatten)]
        common: CommonArgs,
    },
    /// Deliver dead notices after all.
    Retry {
        #[command(flatten)]
        which: RetryArgs,
        #[command(flatten)]
        common: CommonArgs,
    },
}

/// Which dead notices to retry.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct RetryArgs {
    /// Ids, as `notices list` shows them.
    #[arg(value_name = "ID", value_parser = notice_id)]
    ids: Vec<NoticeId>,
    /// Every dead notice.
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(notices: NoticesCommand) -> Result<(), CommandError> {
    match notices {
        NoticesCommand::List { dead, common } => list(dead, &common).await,
        NoticesCommand::Retry { which, common } => retry(which, &common).await,
    }
}

async fn list(dead: bool, common: &CommonArgs) -> Result<(), CommandError> {
    let (accounts, ring) = server::record(&config::load(&common.overrides())?).await?;
    let which = if dead {
        NoticeFilter::Dead
    } else {
        NoticeFilter::All
    };
    let now = SystemClock.now();
    println!("{HEADING}");
    for notice in list_notices(&*accounts, &*ring, which).await? {
        println!("{}", line(&notice, now));
    }
    Ok(())
}

async fn retry(RetryArgs { ids, all }: RetryArgs, common: &CommonArgs) -> Result<(), CommandError> {
    let (accounts, _ring) = server::record(&config::load(&common.overrides())?).await?;
    let now = SystemClock.now();
    let which: Vec<DeadNoticeSelection> = if all {
        vec![DeadNoticeSelection::All]
    } else {
        ids.into_iter().map(DeadNoticeSelection::One).collect()
    };
    let mut missing = Vec::new();
    let mut revived = 0;
    for one in which {
        let count = accounts.revive_notices(one, now).await?;
        revived += count;
        if let (DeadNoticeSelection::One(id), 0) = (one, count) {
            missing.push(id.to_string());
        }
    }
    println!("notices that are tried again: {revived}");
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("no dead notice has the id {}", missing.join(", ")).into())
}

const HEADING: &str = "ID                                USER                              CHANNEL  KIND                 FOR       TRIED  DEAD";

/// A notice on a line of its own. The user is the pseudonym by which audit records know them.
fn line(ListedNotice { waiting, kind }: &ListedNotice, now: Timestamp) -> String {
    let SubjectTag(subject) = waiting.subject;
    let kind = kind.map_or("-", NoticeKind::as_str);
    let dead = waiting.dead.map_or("-", |(_, why)| why.as_str());
    format!(
        "{id}  {user}  {channel:<7}  {kind:<19}  {since:<8}  {tried:<5}  {dead}",
        id = waiting.id,
        user = HEXLOWER.encode(&subject),
        channel = waiting.channel.as_str(),
        since = age(waiting.queued_at, now),
        tried = waiting.attempts,
    )
}

/// How long ago, such as `3d 04h` or `12m`.
pub(super) fn age(then: Timestamp, now: Timestamp) -> String {
    let minutes = now.since(then).as_secs() / 60;
    match (minutes / (24 * 60), minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, minutes) => format!("{hours}h {minutes:02}m"),
        (days, hours, _) => format!("{days}d {hours:02}h"),
    }
}

fn notice_id(text: &str) -> Result<NoticeId, String> {
    NoticeId::parse(text)
        .map_err(|_| "an id has 32 hexadecimal characters; `notices list` shows them".to_owned())
}

#[cfg(test)]
mod tests;
