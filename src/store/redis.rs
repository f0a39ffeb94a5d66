//! Short-lived memory in Redis, standalone or Cluster: what a book keeps, in keys of one slot, by one script a call.

mod budgets;
mod check;
mod link;
mod reply;

pub use budgets::RedisBudgets;
pub use check::{Checked, Unsafe, check};
pub use link::Link;

use crate::{
    ports::{Challenges, FindChallenge, SentMessage, Stored},
    store::redis::link::{Retry, fails},
};
use async_trait::async_trait;
use countersign_domain::{
    book::{
        Attempt, DestinationTag, LoneCharge, LoneGuess, Opened, Opening, Resend, Resent,
        SendCharge, Spent, Standing,
    },
    budget::{GuessClass, Windows},
    change::Failure,
    device::TokenHash,
    id::{ChallengeId, GuessId, SubjectTag},
    message::Delivery,
    request::RequestMark,
    time::{Timestamp, millis},
};
use data_encoding::HEXLOWER;
use futures_util::future::try_join_all;
use redis::{Script, ScriptInvocation};
use std::{sync::Arc, time::Duration};

/// Stands for "no payload" where a script splits by commas.
const NONE: &str = "-";

/// Numbers of the keys `cs:{probe-number}`, one key in each sixteenth of a cluster's slots: together they reach every
/// primary that serves a sixteenth or more in one piece.
const PROBE_KEYS: [u8; 16] = [13, 3, 62, 40, 12, 2, 63, 41, 11, 1, 60, 42, 10, 0, 61, 43];

/// How long the keys of a probe live.
const PROBE_LIFETIME: Duration = Duration::from_secs(30);

/// The scripts of one user. Each begins with what they share.
struct Scripts {
    open: Script,
    spend_attempt: Script,
    resend: Script,
    record_delivery: Script,
    next_send: Script,
    find: Script,
    pending_enrollment: Script,
    drop_challenge: Script,
    drop_all: Script,
    conclude: Script,
    charge_guess: Script,
    refund_guess: Script,
    lift_windows: Script,
}

/// Open challenges, guesses and messages of every user, in Redis.
pub struct RedisChallenges {
    link: Arc<Link>,
    scripts: Scripts,
}

impl RedisChallenges {
    /// Over these connections.
    #[must_use]
    pub fn new(link: Arc<Link>) -> Self {
        let script = |text: &str| Script::new(&[include_str!("redis/shared.lua"), text].concat());
        Self {
            link,
            scripts: Scripts {
                open: script(include_str!("redis/open.lua")),
                spend_attempt: script(include_str!("redis/spend_attempt.lua")),
                resend: script(include_str!("redis/resend.lua")),
                record_delivery: script(include_str!("redis/record_delivery.lua")),
                next_send: script(include_str!("redis/next_send.lua")),
                find: script(include_str!("redis/find.lua")),
                pending_enrollment: script(include_str!("redis/pending_enrollment.lua")),
                drop_challenge: script(include_str!("redis/drop_challenge.lua")),
                drop_all: script(include_str!("redis/drop_all.lua")),
                conclude: script(include_str!("redis/conclude.lua")),
                charge_guess: script(include_str!("redis/charge_guess.lua")),
                refund_guess: script(include_str!("redis/refund_guess.lua")),
                lift_windows: script(include_str!("redis/lift_windows.lua")),
            },
        }
    }
}

#[async_trait]
impl Challenges for RedisChallenges {
    async fn open(&self, who: SubjectTag, opening: &Opening) -> Stored<Opened> {
        let (tag, payload) = mark(opening.mark);
        let mut keys = vec![Key::Pending, Key::Challenge(opening.id)];
        keys.extend(GuessClass::ALL.map(Key::Guesses));
        if let Some(send) = &opening.send {
            keys.extend([
                Key::Messages(send.destination),
                Key::GivenBack(send.destination),
            ]);
        }
        keys.extend(opening.mark.map(|mark| Key::Request(mark.tag)));
        let mut call = on(&self.scripts.open, who, &keys);
        call.arg(hex(opening.id.as_bytes()))
            .arg(opening.caller.as_str())
            .arg(token(opening.device))
            .arg(opening.sealed.as_bytes())
            .arg(opening.now.millis())
            .arg(opening.expires_at.millis())
            .arg(opening.attempts)
            .arg(
                GuessClass::ALL
                    .map(|class| limits(&opening.wrong_codes.of(class)))
                    .join(","),
            );
        match opening.send {
            None => call.arg("").arg("").arg(0),
            Some(send) => charge_of(&mut call, &send),
        };
        call.arg(
            opening
                .instead_of
                .map(|id| hex(id.as_bytes()))
                .unwrap_or_default(),
        )
        .arg(u8::from(opening.enrollment))
        .arg(opening.live_at_most)
        .arg(tag)
        .arg(payload);
        failures_of(&mut call, &opening.failures);
        reply::opened(self.link.invoke(&call, Retry::Once).await?)
    }

    async fn spend_attempt(&self, who: SubjectTag, attempt: &Attempt) -> Stored<Spent> {
        let mut keys = vec![Key::Challenge(attempt.challenge)];
        keys.extend(GuessClass::ALL.map(Key::Guesses));
        let request = attempt
            .payload
            .map(|_| Key::Request(*attempt.guess.as_bytes()));
        keys.extend(request);
        let mut call = on(&self.scripts.spend_attempt, who, &keys);
        call.arg(hex(attempt.challenge.as_bytes()))
            .arg(attempt.caller.as_str())
            .arg(hex(attempt.guess.as_bytes()))
            .arg(payload_of(attempt.payload))
            .arg(u8::from(attempt.recovery))
            .arg(token(attempt.device))
            .arg(attempt.now.millis());
        reply::spent(self.link.invoke(&call, Retry::Once).await?)
    }

    async fn resend(&self, who: SubjectTag, resend: &Resend) -> Stored<Resent> {
        let (tag, payload) = mark(resend.mark);
        let mut keys = vec![Key::Challenge(resend.challenge)];
        keys.extend(resend.mark.map(|mark| Key::Request(mark.tag)));
        let mut call = on(&self.scripts.resend, who, &keys);
        call.arg(hex(resend.challenge.as_bytes()))
            .arg(resend.caller.as_str())
            .arg(tag)
            .arg(payload)
            .arg(resend.now.millis());
        reply::resent(self.link.invoke(&call, Retry::Never).await?)
    }

    async fn record_delivery(
        &self,
        who: SubjectTag,
        message: SentMessage,
        delivery: Delivery,
    ) -> Stored<()> {
        let keys = [Key::Challenge(message.challenge)];
        let mut call = on(&self.scripts.record_delivery, who, &keys);
        call.arg(hex(message.challenge.as_bytes()))
            .arg(message.ordinal)
            .arg(reply::delivery_name(delivery));
        self.link.invoke(&call, Retry::Once).await.map(drop)
    }

    async fn next_send(
        &self,
        who: SubjectTag,
        send: &SendCharge,
        now: Timestamp,
    ) -> Stored<Option<Timestamp>> {
        let keys = [
            Key::Messages(send.destination),
            Key::GivenBack(send.destination),
        ];
        let mut call = on(&self.scripts.next_send, who, &keys);
        charge_of(&mut call, send).arg(now.millis());
        reply::next_send(self.link.invoke(&call, Retry::Once).await?)
    }

    async fn find(&self, who: SubjectTag, find: &FindChallenge) -> Stored<Option<Standing>> {
        let mut call = on(&self.scripts.find, who, &[Key::Challenge(find.id)]);
        call.arg(hex(find.id.as_bytes()))
            .arg(find.caller.as_str())
            .arg(find.now.millis());
        reply::found(self.link.invoke(&call, Retry::Once).await?)
    }

    async fn pending_enrollment(
        &self,
        who: SubjectTag,
        now: Timestamp,
    ) -> Stored<Option<Standing>> {
        let mut call = on(&self.scripts.pending_enrollment, who, &[Key::Pending]);
        call.arg(now.millis());
        reply::found(self.link.invoke(&call, Retry::Once).await?)
    }

    async fn drop_challenge(&self, who: SubjectTag, id: ChallengeId) -> Stored<()> {
        let keys = [Key::Pending, Key::Challenge(id)];
        let mut call = on(&self.scripts.drop_challenge, who, &keys);
        call.arg(hex(id.as_bytes()));
        self.link.invoke(&call, Retry::Once).await.map(drop)
    }

    async fn drop_all(&self, who: SubjectTag) -> Stored<()> {
        let call = on(&self.scripts.drop_all, who, &[Key::Pending]);
        self.link.invoke(&call, Retry::Once).await.map(drop)
    }

    async fn conclude(&self, who: SubjectTag, id: ChallengeId, guess: GuessId) -> Stored<()> {
        let mut keys = vec![Key::Pending, Key::Challenge(id)];
        keys.extend(GuessClass::ALL.map(Key::Guesses));
        let mut call = on(&self.scripts.conclude, who, &keys);
        call.arg(hex(id.as_bytes())).arg(hex(guess.as_bytes()));
        self.link.invoke(&call, Retry::Once).await.map(drop)
    }

    async fn charge_guess(&self, who: SubjectTag, guess: &LoneGuess) -> Stored<LoneCharge> {
        let request = guess.payload.map(|_| Key::Request(*guess.guess.as_bytes()));
        let keys: Vec<Key> = GuessClass::ALL
            .map(Key::Guesses)
            .into_iter()
            .chain(request)
            .collect();
        let mut call = on(&self.scripts.charge_guess, who, &keys);
        call.arg(hex(guess.challenge.as_bytes()))
            .arg(hex(guess.guess.as_bytes()))
            .arg(payload_of(guess.payload))
            .arg(guess.class.number())
            .arg(limits(&guess.windows))
            .arg(guess.now.millis());
        failures_of(&mut call, &guess.failures);
        reply::lone_charge(self.link.invoke(&call, Retry::Once).await?)
    }

    async fn refund_guess(&self, who: SubjectTag, id: ChallengeId, guess: GuessId) -> Stored<()> {
        let keys = GuessClass::ALL.map(Key::Guesses);
        let mut call = on(&self.scripts.refund_guess, who, &keys);
        call.arg(hex(id.as_bytes())).arg(hex(guess.as_bytes()));
        self.link.invoke(&call, Retry::Once).await.map(drop)
    }

    async fn lift_windows(&self, who: SubjectTag) -> Stored<()> {
        let keys = GuessClass::ALL.map(Key::Guesses);
        let call = on(&self.scripts.lift_windows, who, &keys);
        self.link.invoke(&call, Retry::Once).await.map(drop)
    }

    async fn probe_write(&self) -> Stored<()> {
        let probes = PROBE_KEYS.map(|number| {
            let mut set = redis::cmd("SET");
            set.arg(format!("cs:{{probe-{number}}}"))
                .arg(1)
                .arg("PX")
                .arg(millis(PROBE_LIFETIME));
            self.link.command(set)
        });
        try_join_all(probes).await.map(drop)
    }

    async fn clock(&self) -> Stored<Option<Timestamp>> {
        let reply = self.link.command(redis::cmd("TIME")).await?;
        let (seconds, micros): (i64, i64) = redis::from_redis_value(reply).map_err(fails)?;
        Ok(Some(Timestamp::from_millis(
            seconds.saturating_mul(1000).saturating_add(micros / 1000),
        )))
    }
}

/// A key of one user, beside that of the open challenges.
#[derive(Clone, Copy)]
enum Key {
    Pending,
    Challenge(ChallengeId),
    Guesses(GuessClass),
    Messages(DestinationTag),
    GivenBack(DestinationTag),
    Request([u8; 16]),
}

/// A script over one user's keys. They all begin with `cs:{h}`, h the user's pseudonym, so that they share a slot.
fn on<'script>(
    script: &'script Script,
    SubjectTag(tag): SubjectTag,
    keys: &[Key],
) -> ScriptInvocation<'script> {
    let base = format!("cs:{{{}}}", hex(&tag));
    let mut call = script.key(format!("{base}:l"));
    for key in keys {
        call.key(match key {
            Key::Pending => format!("{base}:e"),
            Key::Challenge(id) => format!("{base}:c:{}", hex(id.as_bytes())),
            Key::Guesses(class) => format!("{base}:g:{}", class.number()),
            Key::Messages(DestinationTag(to)) => format!("{base}:m:{}", hex(to)),
            Key::GivenBack(DestinationTag(to)) => format!("{base}:w:{}", hex(to)),
            Key::Request(tag) => format!("{base}:r:{}", hex(tag)),
        });
    }
    call
}

/// Destination, bounds and waits, messages for one challenge: three arguments.
fn charge_of<'call, 'script>(
    call: &'call mut ScriptInvocation<'script>,
    send: &SendCharge,
) -> &'call mut ScriptInvocation<'script> {
    let waits = send.waits.map(|wait| millis(wait).to_string()).join(",");
    call.arg(hex(&send.destination.0))
        .arg(format!("{},{waits}", limits(&send.windows)))
        .arg(send.per_challenge)
}

/// The failures that windows are raised to: three arguments each.
fn failures_of(call: &mut ScriptInvocation<'_>, failures: &[Failure]) {
    for failure in failures {
        let (challenge, guess) = (failure.challenge.as_bytes(), failure.guess.as_bytes());
        call.arg(format!("{}:{}", hex(challenge), hex(guess)))
            .arg(failure.class.number())
            .arg(failure.at.millis());
    }
}

fn payload_of(payload: Option<[u8; 16]>) -> String {
    payload.map_or_else(|| NONE.to_owned(), |payload| hex(&payload))
}

fn limits(windows: &Windows) -> String {
    let Windows { short, long } = windows;
    format!(
        "{},{},{},{}",
        short.count,
        millis(short.within),
        long.count,
        millis(long.within)
    )
}

fn mark(mark: Option<RequestMark>) -> (String, String) {
    mark.map_or_else(Default::default, |mark| {
        (hex(&mark.tag), hex(&mark.payload))
    })
}

fn token(device: Option<TokenHash>) -> String {
    device
        .map(|token| hex(token.as_bytes()))
        .unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}
