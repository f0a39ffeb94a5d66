//! Notices by the thousand, straight into the store, as changes would have queued them.

use crate::{
    contract::accounts::{new_user, random_subject},
    support::{Builder, Pair, Stores, service::unique, sink::Sink},
};
use countersign::{
    crypto::KeyRing,
    ports::{CommitResult, KeyService, NoticeFilter},
};
use countersign_domain::{
    account::change::{AccountChange, QueuedNotice},
    value::{
        destination::Channel,
        id::{Id, NoticeId},
        secret::SealingContext,
    },
};
use countersign_proto::v1 as pb;
use countersign_transport::system::Clock;
use std::{collections::HashMap, sync::Arc};
use tokio::task::JoinSet;

/// How many users are written at once.
const WRITERS: usize = 16;

/// Notices that wait in the stores of a service that is not started yet.
pub(crate) struct Backlog {
    /// The service to start, with the key ring that opens them.
    pub(crate) service: Builder,
    /// The notices of each user, in their order.
    pub(crate) users: Vec<Vec<NoticeId>>,
}

/// Queues notices of so many users, each with as many of each of these channels.
pub(crate) async fn queue(
    pair: Pair,
    users: usize,
    notices_each: usize,
    channels: &[Channel],
) -> Backlog {
    let mut service = Builder::new(Stores::of(pair).await);
    let plain = plain_notices(&service.ring).await;
    let plain: Vec<(Channel, Vec<u8>)> = channels
        .iter()
        .map(|channel| (*channel, plain[channel.as_str()].clone()))
        .collect();
    let (plain, now) = (Arc::new(plain), service.clock.now());
    let (mut writers, mut queued) = (JoinSet::new(), Vec::new());
    for _ in 0..users {
        if writers.len() >= WRITERS {
            queued.push(writers.join_next().await.unwrap().unwrap());
        }
        let accounts = Arc::clone(&service.stores.accounts);
        let ring = Arc::clone(&service.ring);
        let plain = Arc::clone(&plain);
        writers.spawn(async move {
            let (subject, tag) = random_subject();
            let mut notices = Vec::new();
            for _ in 0..notices_each {
                for (channel, plain) in plain.iter() {
                    let id = Id::from_bytes(unique().as_bytes().try_into().unwrap());
                    notices.push(QueuedNotice {
                        id,
                        subject: tag,
                        channel: *channel,
                        sealed: ring.seal(SealingContext::Notice(tag, id), plain, [7; 24]),
                    });
                }
            }
            let ids: Vec<NoticeId> = notices.iter().map(|notice| notice.id).collect();
            let change = AccountChange {
                now,
                notices,
                ..new_user(&subject, tag)
            };
            assert_eq!(accounts.commit(&change).await.unwrap(), CommitResult::Done);
            ids
        });
    }
    queued.extend(writers.join_all().await);
    service.config.drain_seconds = 5;
    Backlog {
        service,
        users: queued,
    }
}

/// What a real change queues, opened: the bytes of a notice of each channel.
async fn plain_notices(ring: &Arc<KeyRing>) -> HashMap<&'static str, Vec<u8>> {
    let sink = Arc::new(Sink::hanging(&[Channel::Sms, Channel::Email]));
    let mut service = Builder::new(Stores::of(Pair::Embedded).await);
    service.ring = Arc::clone(ring);
    service.notifier = Some(Arc::clone(&sink) as _);
    let service = service.start();
    let jane = service.person().await;
    let profile = pb::Profile {
        phone_number: "+4915123456789".to_owned(),
        phone_number_verified: true,
        ..jane.get().await.unwrap().profile.unwrap()
    };
    jane.delete().await.unwrap();
    jane.upsert(profile).await.unwrap();
    jane.enroll_app(&service).await;
    let accounts = &service.stores.accounts;
    let waiting = accounts
        .waiting_notices(NoticeFilter::All, 0)
        .await
        .unwrap();
    let plain = waiting.iter().map(|notice| {
        let purpose = SealingContext::Notice(notice.subject, notice.id);
        let plain = ring.open(purpose, &notice.sealed).unwrap();
        (notice.channel.as_str(), plain.expose().to_vec())
    });
    let plain = plain.collect();
    sink.release();
    service.stop().await;
    plain
}
